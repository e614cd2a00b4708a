"""Requests with one meaning, their signatures, and the identity of the server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from batchcompute import LOCAL, Client, ConfigError
from batchcompute.http.signing import Credentials, sign, signature, string_to_sign
from batchcompute.service import LocalService
from batchcompute.service.api import acs3
from batchcompute.service.requests import Request
from tests.service.helpers import finish, job
from tests.service.test_serve import serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")

PAIR = Credentials("id", "s3cret")
BODY = json.dumps(
    {
        "Name": "x",
        "DAG": {
            "Tasks": {
                "t": {
                    "AutoCluster": {"InstanceType": "x"},
                    "Parameters": {"Command": {"CommandLine": "true"}},
                }
            }
        },
    }
).encode()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LocalService]:
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        yield service


def signed(
    method: str, target: str, body: bytes = b"", nonce: str = "", extra: dict[str, str] | None = None
) -> Request:
    headers = sign(
        method,
        target,
        body,
        credentials=PAIR,
        region="local",
        now=datetime.now(UTC),
        nonce=nonce or f"n{time.monotonic_ns()}",
        user_agent="test",
        extra=extra,
    )
    return Request(method, target, {name.lower(): value for name, value in headers.items()}, body)


def code(response: Any) -> str:
    return str(json.loads(response.body).get("Code", "")) if response.body else ""


# -- one meaning, one signature -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meant", "sent"),
    [
        ("/jobs?IdempotentToken=tok", "/jobs?IdempotentToken%3Dtok"),
        ("/jobs?IdempotentToken=tok", "/jobs?%49dempotentToken%3Dtok"),
        ("/jobs?State=Running&Marker=x", "/jobs?State=Running%26Marker%3Dx"),
        ("/jobs/a/b", "/jobs/a%2Fb"),
        ("/jobs/a?description", "/jobs/a%3Fdescription"),
        ("/jobs?Marker=a+b", "/jobs?Marker=a%2Bb"),
        ("/jobs?Marker=%41", "/jobs?Marker=%2541"),
    ],
)
def test_a_signature_is_not_valid_for_another_request(served: LocalService, meant: str, sent: str) -> None:
    request = signed("GET", meant)
    assert code(served.dispatch(request)) != "SignatureDoesNotMatch"
    assert code(served.dispatch(Request("GET", sent, request.headers))) == "SignatureDoesNotMatch"
    # And vice versa.
    other = signed("GET", sent)
    assert code(served.dispatch(Request("GET", meant, other.headers))) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "target",
    [
        "/jobs?Marker=%FE",
        "/jobs/%00",
        "/jobs/%ED%A0%80",
        "/jobs?State=Running&State=Failed",
        "/jobs?Marker=a%0",
        "/jobs?%01=x",
    ],
)
def test_malformed_targets_are_refused(served: LocalService, target: str) -> None:
    answer = served.dispatch(signed("GET", target))
    assert answer.status in (400, 404), answer


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BODY.replace(b'"x"', b'"\\ud800"', 1), "surrogate"),
        (BODY.replace(b"true", b"\\u0000"), "NUL"),
        (b'{"Name": NaN}', "JSON"),
        (b'{"Name": "x", "Priority": ' + b"9" * 5000 + b"}", "JSON"),
        (b'{"Name": "x", "Priority": 99999999999999999999}', "64 bits"),
        (b'{"Name": "x", "Priority": 1e999}', "finite"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "levels"),
        (b"\xff\xfe{}", "JSON"),
    ],
)
def test_bodies_that_cannot_be_stored_are_refused(served: LocalService, body: bytes, why: str) -> None:
    answer = served.dispatch(signed("POST", "/jobs", body))
    assert answer.status == 400, answer.body
    assert why in json.loads(answer.body)["Message"]


# -- replays --------------------------------------------------------------------------------------


def test_a_replay_is_refused_after_a_restart_too(tmp_path: Path) -> None:
    first = signed("POST", "/jobs", BODY, nonce="once")
    for life in range(3):
        with LocalService(tmp_path / "d", refuse_replays=True) as service:
            service.add_key("id", "s3cret")
            answer = service.dispatch(first)
            assert (answer.status, code(answer)) == ((201, "") if not life else (400, "SignatureNonceUsed"))
            changed = Request("POST", "/jobs", first.headers, BODY.replace(b'"x"', b'"y"', 1))
            assert service.dispatch(changed).status == 400
            # The body does not match its digest.
            other = signed("POST", "/jobs", BODY)
            wrong = Request("POST", "/jobs", other.headers, BODY.replace(b'"x"', b'"y"', 1))
            assert code(service.dispatch(wrong)) == "InvalidDigest"
            assert service.dispatch(other).status == 201
            # Without a nonce, the signature serves as one.
            bare = signed("GET", f"/jobs?Marker={life}", extra={"x-acs-signature-nonce": ""})
            assert service.dispatch(bare).status == 200
            assert code(service.dispatch(bare)) == "SignatureNonceUsed"
            assert service.dispatch(signed("GET", "/jobs", nonce="n" * 5000)).status == 400


# -- ACS3 -----------------------------------------------------------------------------------------


def acs(names: list[str], body: bytes = BODY, changes: dict[str, str] | None = None) -> Request:
    """Return a request like those of the vendor's generated clients, which signs these headers only."""
    headers = {
        "host": "h",
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-acs-version": "2015-11-11",
        **(changes or {}),
    }
    canonical = "\n".join(
        [
            "POST",
            "/jobs",
            "",
            "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names),
            ";".join(names),
            headers["x-acs-content-sha256"],
        ]
    )
    text = f"{acs3.SCHEME}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    made = hmac.new(b"s3cret", text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"{acs3.SCHEME} Credential=id,SignedHeaders={';'.join(names)},Signature={made}"
    return Request("POST", "/jobs", headers, body)


def test_unsigned_headers_that_must_be_signed_are_refused(served: LocalService) -> None:
    whole = ["host", "x-acs-content-sha256", "x-acs-date", "x-acs-version"]
    assert served.dispatch(acs(whole)).status == 201
    for missing in whole:
        answer = served.dispatch(acs([name for name in whole if name != missing]))
        assert (answer.status, code(answer)) == (400, "InvalidAuthorization"), missing
        assert missing in json.loads(answer.body)["Message"]
    extra = acs(whole, changes={"x-acs-security-token": "t"})
    assert "x-acs-security-token" in json.loads(served.dispatch(extra).body)["Message"]
    changed = acs(whole)
    answer = served.dispatch(Request("POST", "/jobs", changed.headers, BODY + b" "))
    assert code(answer) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "date", ["", "x", "Mon, 99 Foo 2020 00:00:00 GMT", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
             "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "1" * 5000],
)  # fmt: skip
def test_dates_out_of_range(served: LocalService, date: str) -> None:
    headers = {"date": date, "accept": "", "x-acs-version": "2015-11-11"}
    made = signature("s3cret", string_to_sign("GET", "/jobs", headers))
    answer = served.dispatch(Request("GET", "/jobs", {**headers, "authorization": f"acs id:{made}"}))
    assert answer.status == 400
    assert code(answer).startswith("InvalidTimeStamp")
    made = base64.b64encode(
        hmac.new(b"s3cret", f"GET\n\n\n{date}\n/b/k".encode(), hashlib.sha1).digest()
    ).decode()
    answer = served.dispatch(Request("GET", "/b/k", {"date": date, "authorization": f"OSS id:{made}"}))
    assert answer.status == 403


# -- object storage -------------------------------------------------------------------------------


def url(method: str, path: str, expires: str, query: str = "") -> Request:
    resource = path + (f"?{query}" if query else "")
    text = f"{method}\n\n\n{expires}\n{resource}"
    made = quote(
        base64.b64encode(hmac.new(b"s3cret", text.encode(), hashlib.sha1).digest()).decode(), safe=""
    )
    extra = f"&{query}" if query else ""
    return Request(method, f"{quote(path)}?OSSAccessKeyId=id&Expires={expires}&Signature={made}{extra}", {})


def test_numbers_out_of_range_are_refused_by_object_storage(served: LocalService) -> None:
    later = str(int(time.time()) + 600)
    assert served.dispatch(url("GET", "/b/", later)).status == 200
    for expires in ("9" * 5000, "-1", "1e9", " 1", "٣", ""):
        assert served.dispatch(url("GET", "/b/", expires)).status == 403
    headers = {"date": formatdate(usegmt=True)}
    made = base64.b64encode(
        hmac.new(b"s3cret", f"GET\n\n\n{headers['date']}\n/b/".encode(), hashlib.sha1).digest()
    ).decode()
    headers["authorization"] = f"OSS id:{made}"
    for keys in ("9" * 5000, "1001", "-1", "x", "٣"):
        assert served.dispatch(Request("GET", f"/b/?max-keys={quote(keys)}", headers)).status == 400
    assert served.dispatch(Request("GET", "/b/?max-keys=0", headers)).status == 200


def test_a_key_that_looks_like_a_sub_resource(served: LocalService) -> None:
    """Version 1 signs ``/b/k?acl`` for both, so one of them is refused."""
    later = str(int(time.time()) + 600)
    served.objects.write("oss://b/k", [b"x"])
    request = url("GET", "/b/k", later, "acl")
    assert served.dispatch(request).status == 200
    signature_of = request.target.partition("?")[2].removesuffix("&acl")
    assert served.dispatch(Request("GET", f"/b/k%3Facl?{signature_of}", {})).status == 400


@pytest.mark.parametrize(
    "key",
    ["p//q", "/abs", "a/b//", "%_", "%%", "%+x", "a\\b", "new\nline", "日本語" * 100, "é" * 512, "x" * 1024,
     "a" * 241 + "/" + "b" * 241, "..a", "a..", ".hidden.part", ".x.0123456789ab.part", "%2F", "a&b<c>", "\r"],
)  # fmt: skip
def test_every_key_is_a_separate_object(served: LocalService, key: str) -> None:
    store = served.objects
    place = f"oss://bucket/{key}"
    if key.endswith("/"):
        store.write(place, [])
    else:
        store.write(place, [key.encode()])
        reader = store.open(place)
        assert reader is not None
        assert reader.read(0, 10_000) == key.encode()
        reader.close()
    store.write("oss://bucket/p/q", [b"other"])
    listed = [name for name, _ in store.page("bucket", "", "", "", 10).items]
    assert sorted({key, "p/q"}) == listed
    store.remove(place)
    assert [name for name, _ in store.page("bucket", "", "", "", 10).items] == ["p/q"]


@pytest.mark.parametrize("key", ["%FE", "%FF", "%00", "%1F", "%ED%A0%80", "a/../b", "./a", "x" * 1025])
def test_invalid_keys_are_refused(served: LocalService, key: str) -> None:
    date = formatdate(usegmt=True)
    from urllib.parse import unquote

    text = f"PUT\n\n\n{date}\n/bucket/{unquote(key)}"
    made = base64.b64encode(
        hmac.new(b"s3cret", text.encode("utf-8", "replace"), hashlib.sha1).digest()
    ).decode()
    headers = {"date": date, "authorization": f"OSS id:{made}"}
    assert served.dispatch(Request("PUT", f"/bucket/{key}", headers, b"x")).status == 400
    assert not served.objects.has_bucket("bucket") or not served.objects.page("bucket", "", "", "", 1).items


# -- the identity of the server -------------------------------------------------------------------


class Stranger(BaseHTTPRequestHandler):
    seen: list[str] = []

    def do_GET(self) -> None:
        self.seen.append(f"{self.command} {self.path} {self.headers.get('authorization', '')}")
        body = b'{"Items": [], "NextMarker": ""}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-batchcompute-proof", "0" * 64)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_another_program_on_the_announced_port_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "d"
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        try:
            with LocalService(directory) as owner:
                # The owner of the directory does not serve. An old announcement names a server.
                with owner.client() as client:
                    finish(client, client.create_job(job("true")).Id)
                (directory / "credentials.json").write_text(
                    json.dumps({"keys": [{"access_key_id": "a", "access_key_secret": "b", "owner": "local"}]})
                )
                (directory / "server.json").write_text(
                    json.dumps({"url": f"http://127.0.0.1:{stranger.server_port}", "pid": 1})
                )
                code = (
                    "from batchcompute import LOCAL, Client, ConfigError\n"
                    "try: print(list(Client(LOCAL, 'a', 'b').iter_jobs()))\n"
                    "except ConfigError as error: print('refused', error)"
                )
                import subprocess

                done = subprocess.run(
                    [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
                )
                assert done.stdout.startswith("refused"), done
                assert Stranger.seen == ["GET /healthz "]
        finally:
            stranger.shutdown()


def test_a_server_with_a_valid_proof_is_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "d"))
    with serving(tmp_path / "d"):
        with Client(LOCAL, "any", "pair") as client:
            client.wait(client.create_job(job("true")))
            (tmp_path / "d" / "identity").write_text("0" * 64)
            with Client(LOCAL, "other", "pair") as deceived, pytest.raises(ConfigError, match="not at"):
                deceived.list_jobs()
