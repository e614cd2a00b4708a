"""Fixtures of the tests of the page that need a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from batchcompute import Client
from batchcompute.service import LocalService
from batchcompute.service.store.keys import FIRST_OWNER
from tests.service.web.helpers import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

REQUIRED = "BATCHCOMPUTE_NEEDS_BROWSER"
"""With this variable, as in .ci/run, a missing browser is a failure."""


def _missing(reason: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        _missing("Chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed: it is in the extra interop")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalService, Client, str]]:
    """A service with a client and the URL of its page."""
    with LocalService(tmp_path_factory.mktemp("site") / "data", slots=2) as service:
        service._parts.keys.add("id", "s3cret", FIRST_OWNER)
        with service.client("id", "s3cret") as client, serving(service) as url:
            yield service, client, url


@pytest.fixture
def tab(browser: Browser, site: tuple[LocalService, Client, str]) -> Iterator[Page]:
    """A page that is logged in. A test fails if the console gets an error."""
    yield from _tab(browser, site[2])


def _tab(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900}, **options)
    context.set_default_timeout(10_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)

    def dismiss(dialog: Dialog) -> None:
        problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.goto("/-/login")
    page.fill("#id", "id")
    page.fill("#secret", "s3cret")
    page.press("#secret", "Enter")
    page.wait_for_selector("h1:text('Jobs')")
    yield page
    context.close()
    expected = getattr(page, "expected_problems", ())
    assert [text for text in problems if not any(part in text for part in expected)] == []
