"""The recorded calls of the old SDK, each of which must send the same request with this package."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respx

from batchcompute import Client, ValidationError
from tests.client.kinds import Kind

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "requests.json").read_text("utf-8"))
CASES = {case["case"]: case for case in RECORDED["cases"]}
AK = RECORDED["recorded_with"]["access_key_id"]
SK = RECORDED["recorded_with"]["access_key_secret"]
PRELUDE = (HERE / "prelude.py").read_text("utf-8")
PORT = 43677
VOLATILE = {name.lower() for name in RECORDED["volatile_headers"]}


def run(case: dict[str, Any], kind: Any = Client) -> tuple[list[httpx.Request], Any]:
    """Run the code of a case with the recorded responses."""
    sent: list[httpx.Request] = []
    replies = iter(case["replies_served"])

    def reply(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        status, headers, body = next(replies)
        content = b"" if body == "" else json.dumps(body).encode()
        return httpx.Response(status, headers=headers, content=content)

    Client.register_region("local", "127.0.0.1", PORT)
    client = kind("127.0.0.1", AK, SK)
    scope: dict[str, Any] = {
        "c": client,
        "Client": kind,
        "R": SimpleNamespace(port=PORT),
        "AK": AK,
        "SK": SK,
    }
    *first, last = case["code"].splitlines()
    with (
        client,
        respx.mock(base_url=f"http://127.0.0.1:{PORT}") as router,
        warnings.catch_warnings(
            action="ignore", category=ResourceWarning
        ),  # programs for the old SDK close no client
    ):
        router.route().mock(side_effect=reply)
        exec(compile(PRELUDE, "prelude", "exec"), scope)
        exec("\n".join(first), scope)
        if last.startswith("c.set_version"):
            exec(last, scope)
            return sent, None
        try:
            result = eval(last, scope)
        except SyntaxError:
            exec(last, scope)
            result = None
        scope.clear()
    return sent, result


def has_valid_signature(request: httpx.Request) -> bool:
    """Return whether the signature is valid, by an independent implementation of the formula."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    lines = [request.method, headers["accept"], "", headers["content-type"], headers["date"]]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-acs-")]
    lines.append(request.url.raw_path.decode())
    made = hmac.new(SK.encode(), "\n".join(lines).encode(), hashlib.sha1).digest()
    return headers["authorization"] == f"acs {AK}:{base64.b64encode(made).decode()}"


DEVIATIONS: dict[tuple[str, str], str] = {
    (case.strip().strip("`"), part.strip().strip("`")): reason.strip()
    for case, part, reason in re.findall(
        r"^\| ([^|]+)\| ([^|]+)\| ([^|]+)\|$",
        (HERE.parents[1] / "docs" / "migration.md")
        .read_text("utf-8")
        .partition("<!-- deviations -->")[2]
        .partition("<!-- end -->")[0],
        re.MULTILINE,
    )[2:]
}
"""The deviations in the page on migration: case, part of the request, and reason."""

TOKEN = re.compile(r"(?<=[?&])IdempotentToken=[0-9a-f]{32}(&|$)")


def differences(sent: list[httpx.Request], case: dict[str, Any]) -> set[str]:
    """Return the parts of the requests that differ from the recorded ones."""
    found: set[str] = set()
    if [request.method for request in sent] != [old["method"] for old in case["requests"]]:
        return {"requests"}
    for request, old in zip(sent, case["requests"], strict=True):
        target = request.url.raw_path.decode()
        if target != old["target"]:
            without = TOKEN.sub("", target).rstrip("?&")
            found.add("IdempotentToken" if without == old["target"] else "target")
        body = request.content.decode()
        if bool(body) != bool(old["body"]) or (body and json.loads(body) != json.loads(old["body"])):
            found.add("body")
        elif body != (old["body"] or ""):
            found.add("text of the body")
        theirs = {name.lower(): value for name, value in old["headers"]}
        ours = {name.lower(): value for name, value in request.headers.items()}
        assert theirs.keys() == ours.keys()
        found |= {name for name in theirs if name not in VOLATILE and theirs[name] != ours[name]}
    return found


def allowed(name: str) -> set[str]:
    return {part for case, part in DEVIATIONS if case in ("every request", name)}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case["raised"]])
def test_recorded_call(name: str, kind: Kind) -> None:
    case = CASES[name]
    if "TypeError" in allowed(name):
        with pytest.raises(TypeError, match="unexpected keyword"):
            run(case, kind)
        return
    sent, result = run(case, kind)
    assert differences(sent, case) <= allowed(name)
    assert all(has_valid_signature(request) for request in sent)
    if case["returned"] != "NoneType":
        assert case["returned"] in {cls.__name__ for cls in type(result).__mro__}


def test_each_listed_deviation_occurs() -> None:
    seen: set[tuple[str, str]] = set()
    for name, case in CASES.items():
        if case["raised"]:
            continue
        if (name, "TypeError") in DEVIATIONS:
            seen.add((name, "TypeError"))
            continue
        for part in differences(run(case)[0], case):
            seen |= {key for key in ((name, part), ("every request", part)) if key in DEVIATIONS}
    assert len(DEVIATIONS) > 5
    assert seen == set(DEVIATIONS)
    assert all(DEVIATIONS.values())


def test_the_one_recorded_refusal_names_the_field() -> None:
    with pytest.raises(ValidationError, match="EcsImageId"):
        run(CASES["create_image/ECSImageId misspelt"])


def test_a_user_agent_of_the_caller_overrides_the_default() -> None:
    sent, _ = run(CASES["headers/user"])
    assert sent[0].headers["User-Agent"] == "mine/1.0"
