from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchcompute.http.signing import Credentials, sign, signature, string_to_sign, verify

# The test vectors (REST API, 1.1): id testid, secret testsecret.
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Date": "Tue, 06 Nov 2018 08:00:00 GMT",
    "x-acs-access-key-id": "testid",
    "x-acs-region-id": "local",
    "x-acs-security-token": "tok",
    "x-acs-signature-method": "HMAC-SHA1",
    "x-acs-signature-nonce": "nonce-1",
    "x-acs-signature-version": "1.0",
    "x-acs-version": "2015-11-11",
}
VECTORS = [
    ("GET", "/jobs?Marker&MaxItemCount=50&State=Running", "dw8PnwZienZ3SYZ5oQxHmsMGI/U="),
    ("PUT", "/jobs/job-1", "RrskSMUGdjGso0TXAE/lBrqGQTg="),
    ("GET", "/jobs/job-1?description", "LvN9KewkUX7u1zn6QTYqMv3vji4="),
    ("POST", "/jobs/job-1/stop", "fgnduHQnBrRnknFqntxWEw8Hhus="),
    ("DELETE", "/apps/a?Qualifier", "NrwbzvUhsmZBTSgh0DyGb7RnvCA="),
]
NOW = datetime(2018, 11, 6, 8, tzinfo=UTC)


@pytest.mark.parametrize(("method", "target", "made"), VECTORS)
def test_vectors_of_the_reference(method: str, target: str, made: str) -> None:
    assert signature("testsecret", string_to_sign(method, target, HEADERS)) == made
    assert verify(method, target, HEADERS, "testsecret", made)
    assert not verify(method, target, HEADERS, "othersecret", made)
    assert not verify(method, target + "x", HEADERS, "testsecret", made)
    assert not verify(method, target, {**HEADERS, "x-acs-region-id": "other"}, "testsecret", made)


def test_signed_requests_have_the_signatures_of_the_vectors() -> None:
    body = b'{"Priority": 5}'
    headers = sign(
        "PUT", "/jobs/job-1", body, credentials=Credentials("testid", "testsecret", "tok"), region="local", now=NOW,
        nonce="nonce-1", user_agent="x",
    )  # fmt: skip
    assert headers["Authorization"] == "acs testid:RrskSMUGdjGso0TXAE/lBrqGQTg="
    assert headers["contentMd5"] == "146461bb8b8c738a9b9e0405427d6e32"
    assert headers["Date"] == HEADERS["Date"]
    assert headers["Content-Length"] == "15"


def test_recorded_strings_to_sign() -> None:
    recorded = json.loads((Path(__file__).parent.parent / "wire" / "requests.json").read_text("utf-8"))
    count = 0
    for case in recorded["cases"]:
        for request in case["requests"]:
            if request["signature_ok"]:
                headers = dict(request["headers"])
                assert (
                    string_to_sign(request["method"], request["target"], headers) == request["string_to_sign"]
                )
                given_signature = headers["Authorization"].partition(":")[2]
                assert verify(
                    request["method"],
                    request["target"],
                    headers,
                    recorded["recorded_with"]["access_key_secret"],
                    given_signature,
                )
                count += 1
    assert count > 60


def test_variants_of_other_sdks() -> None:
    # Node sends x-acs-date instead of Date, signs `Marker=` as a bare key, and signs decoded values.
    headers = {
        "Accept": "application/json",
        "x-acs-date": "Tue, 06 Nov 2018 08:00:00 GMT",
        "x-acs-version": "2015-11-11",
    }
    wire = "/jobs?Marker=&State=Running%2CWaiting"
    text = string_to_sign("GET", "/jobs?Marker&State=Running,Waiting", headers)
    assert text.splitlines()[4] == "Tue, 06 Nov 2018 08:00:00 GMT"
    assert verify("GET", wire, headers, "s", signature("s", text))
    # Java signs Content-MD5 in base64 as it is sent, and the decoded path.
    headers = {**HEADERS, "Content-MD5": "X03MO1qnZdYdgyfeuILPmQ=="}
    text = string_to_sign("GET", "/apps/a b", headers)
    assert text.splitlines()[2] == "X03MO1qnZdYdgyfeuILPmQ=="
    assert verify("GET", "/apps/a%20b", headers, "s", signature("s", text))


def test_header_order_and_non_ascii() -> None:
    headers = {**HEADERS, "X-Acs-B": "one", "x-acs-a": "中"}
    text = string_to_sign("GET", "/", headers)
    assert text.index("x-acs-a:中") < text.index("x-acs-access-key-id") < text.index("x-acs-b:one")
    assert signature("密", text)


def test_credentials_do_not_show_their_secrets() -> None:
    credentials = Credentials("id", "s3cret", "t0ken")
    assert "s3cret" not in repr(credentials)
    assert "t0ken" not in repr(credentials)
    assert "s3cret" not in str(vars(credentials) if hasattr(credentials, "__dict__") else credentials)


@given(
    st.text(min_size=1),
    st.text(),
    st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=20),
)
def test_only_the_right_secret_verifies(secret: str, other: str, value: str) -> None:
    headers = {**HEADERS, "x-acs-custom": value}
    secret, other = secret.encode("utf-8", "replace").decode(), other.encode("utf-8", "replace").decode()
    made = signature(secret, string_to_sign("GET", "/jobs", headers))
    assert verify("GET", "/jobs", headers, secret, made)
    # HMAC pads short keys with zeros, so keys that differ only in trailing zeros are equal.
    if secret.rstrip("\0") != other.rstrip("\0"):
        assert not verify("GET", "/jobs", headers, other, made)
