"""The command that opens the page in a browser."""

from __future__ import annotations

import json
import re
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from urllib.request import url2pathname

import httpx
import pytest

from batchcompute.service.store.keys import KeyFile
from tests.cli.helpers import Terminal

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


@pytest.fixture(autouse=True)
def _down(cli: Terminal) -> Iterator[None]:
    yield
    cli("down")


def test_the_page_opens_logged_in_and_once(cli: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "`batchcompute up` starts it" in cli("page").err
    assert cli("page").status != 0
    assert cli("up").status == 0
    opened: list[str] = []

    def open_url(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_url)
    assert "opens in a browser" in cli("page").out
    assert opened[0].startswith("file://")
    file = Path(url2pathname(opened[0].removeprefix("file://")))
    assert not file.stat().st_mode & 0o077
    address = re.search('url=([^"]+)"', file.read_text())
    assert address is not None
    with httpx.Client(headers={"accept": "text/html"}) as browser:
        response = browser.get(address[1])
        assert response.status_code == 200
        assert "There are no jobs yet." in browser.get(response.url.join("/")).text
        assert browser.get(address[1]).status_code == 403
    # Without a browser, the address is printed.
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert "/-/open?code=" in cli("page").out
    assert "/-/open?code=" in cli("page", "--print").out
    assert "/-/open?code=" in json.loads(cli("page", "--json").out)["Url"]
    KeyFile(cli.directory / "credentials.json").add("alice")
    assert cli("page", "--print", "--owner", "alice").status == 0
    refused = cli("page", "--owner", "bob")
    assert refused.status == 2
    assert "the owners are: alice, local" in refused.err
