"""Unusual values of arguments: the request equals that of the old SDK, or the page on migration lists the deviation."""

# ``arguments.json`` holds the requests of the old SDK that `tools/old_sdk_arguments.py` recorded: name of the argument,
# call, arguments, keywords, and the request. It does not hold calls that the old SDK rejected.

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchcompute import BatchComputeError, Client, ConfigError, ValidationError
from tests.wire.test_recorded import TOKEN

HERE = Path(__file__).parent
URL = "http://127.0.0.1:8790"
Row = tuple[str, list[Any], dict[str, Any], list[Any]]

CASES: dict[str, list[Row]] = defaultdict(list)
for argument, *row in json.loads((HERE / "arguments.json").read_text("utf-8")):
    CASES[argument].append(tuple(row))

DEVIATIONS: dict[tuple[str, str], str] = {
    (argument, how.strip()): why.strip()
    for names, _, how, why in re.findall(
        r"^\| ([^|]+)\| ([^|]+)\| ([^|]+)\| ([^|]+)\|$",
        (HERE.parents[1] / "docs" / "migration.md")
        .read_text("utf-8")
        .partition("<!-- argument deviations -->")[2]
        .partition("<!-- end -->")[0],
        re.MULTILINE,
    )[2:]
    for argument in re.findall("`([^`]+)`", names)
}
"""The deviations in the page on migration: argument, ``rejected`` or ``sent differently``, and the reason."""

USUAL = {"x-acs-access-key-id": "id", "x-acs-version": "2015-11-11"}


def sent(call: str, arguments: list[Any], keywords: dict[str, Any]) -> list[Any]:
    """Return the request of a call in the form of the recorded requests."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"Items": [], "NextMarker": "", "Id": "x", "Name": "x"})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    try:
        if call == "Client":
            Client(URL, *arguments, http_client=http, **keywords).get_quotas()
        else:
            client = Client(URL, "id", "secret", http_client=http)
            getattr(client, call)(*arguments, **keywords)
            if call == "set_version":
                client.get_quotas()
    except BatchComputeError:
        assert not requests
        raise
    (request,) = requests
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in request.headers.raw}
    names = ("x-acs-access-key-id", "x-acs-security-token", "x-acs-version", "x-a")
    unusual = {name: headers[name] for name in names if headers.get(name) not in (None, USUAL.get(name))}
    body = json.loads(request.content) if request.content else None
    return [request.method, request.url.raw_path.decode(), body, unusual]


def how(call: str, arguments: list[Any], keywords: dict[str, Any], old: list[Any]) -> str:
    """Return the deviation of a call from the recorded one; empty if there is none."""
    try:
        ours = sent(call, arguments, keywords)
    except (ValidationError, ConfigError):
        return "rejected"
    if "IdempotentToken" not in old[1]:
        ours[1] = TOKEN.sub("", ours[1]).rstrip("?&")
    if call in ("create_job", "create_image"):
        # Only the query is compared here. `test_recorded` compares the bodies.
        ours[2] = old[2] = None
    return "" if ours == old else "sent differently"


@pytest.mark.parametrize("argument", CASES)
def test_requests_equal_those_of_the_old_sdk(argument: str) -> None:
    seen: dict[str, Row] = {}
    for row in CASES[argument]:
        found = how(*row)
        if found:
            seen[found] = row
    listed = {how for name, how in DEVIATIONS if name == argument}
    assert set(seen) == listed, seen


def test_each_deviation_has_a_reason() -> None:
    assert len(DEVIATIONS) > 10
    assert {argument for argument, _ in DEVIATIONS} <= set(CASES)
    assert all(DEVIATIONS.values())
