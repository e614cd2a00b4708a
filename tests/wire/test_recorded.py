"""Every recorded call of the old SDK, made with ours: what is sent must be what was sent then."""

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
    """Run the code of a case against the replies that it was recorded with."""
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
        ),  # the old SDK had nothing to close
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


def signed_right(request: httpx.Request) -> bool:
    """The recorder's own formula, written down a second time."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    lines = [request.method, headers["accept"], "", headers["content-type"], headers["date"]]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-acs-")]
    lines.append(request.url.raw_path.decode())
    made = hmac.new(SK.encode(), "\n".join(lines).encode(), hashlib.sha1).digest()
    return headers["authorization"] == f"acs {AK}:{base64.b64encode(made).decode()}"


def target_of(request: httpx.Request, old: dict[str, Any]) -> str:
    """The target without the token that ours gives to every create which came without one."""
    target = request.url.raw_path.decode()
    if request.method == "POST" and "IdempotentToken" not in old["target"]:
        target = re.sub(r"\?IdempotentToken=[0-9a-f]{32}$", "", target)
        target = re.sub(r"\?IdempotentToken=[0-9a-f]{32}&", "?", target)
    return target


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case["raised"]])
def test_recorded_call(name: str, kind: Kind) -> None:
    case = CASES[name]
    sent, result = run(case, kind)
    assert [request.method for request in sent] == [old["method"] for old in case["requests"]]
    assert [target_of(request, old) for request, old in zip(sent, case["requests"], strict=True)] == [
        old["target"] for old in case["requests"]
    ]
    for request, old in zip(sent, case["requests"], strict=True):
        if old["body"]:
            assert json.loads(request.content) == json.loads(old["body"])
        else:
            assert request.content == b""
        assert {key.lower() for key in request.headers} == {key.lower() for key, _ in old["headers"]}
        for key, value in old["headers"]:
            # Ours names itself, writes its JSON without blanks of its own choice and takes zipped answers.
            if key.lower() not in VOLATILE | {
                "user-agent",
                "content-length",
                "contentmd5",
                "accept-encoding",
            }:
                assert request.headers[key] == value
        assert signed_right(request)
    if case["returned"] != "NoneType":
        assert case["returned"] in {cls.__name__ for cls in type(result).__mro__}


def test_the_one_recorded_refusal_names_the_field() -> None:
    with pytest.raises(ValidationError, match="EcsImageId"):
        run(CASES["create_image/ECSImageId misspelt"])


def test_user_agent_of_the_caller_wins() -> None:
    sent, _ = run(CASES["headers/user"])
    assert sent[0].headers["User-Agent"] == "mine/1.0"
