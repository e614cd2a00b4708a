"""Requests that fuzzing has found, and heads that can be read in two ways."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from batchcompute.service import LocalService
from batchcompute.service.requests import Request
from batchcompute.service.transports.asgi import create_app
from tests.service.hostile import ask, ask_api, signatures

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("fuzz") / "d", slots=1) as service:
        service.add_key("id", "s3cret")
        yield service


@pytest.mark.parametrize(
    "date", ["Tue, 06 Nov 2018 08:00:00 +" + "9" * 30, "Tue, 06 Nov 99999999999 08:00:00 GMT",
             "Mon, 01 Jan 0001 00:00:00 +1400", "Fri, 31 Dec 9999 23:59:59 -1400", "Tue, 99 Foo", ","],
)  # fmt: skip
def test_conditions_with_dates_out_of_range(served: LocalService, date: str) -> None:
    assert ask(served, "PUT", "/bucket/k", b"x").status == 200
    for name in ("if_modified_since", "if_unmodified_since"):
        condition: dict[str, Any] = {name: date}
        assert ask(served, "GET", "/bucket/k", **condition).status in (200, 304, 412)
        copy: dict[str, Any] = {"x_oss_copy_source": "/bucket/k", f"x_oss_copy_source_{name}": date}
        assert ask(served, "PUT", "/bucket/copy", **copy).status in (200, 304, 412)


def test_requested_response_headers_are_valid_headers(served: LocalService) -> None:
    assert ask(served, "PUT", "/bucket/k", b"x").status == 200
    for value in ("%20a", "a%20", "a%0Ab", "%C2%85"):
        assert ask(served, "GET", f"/bucket/k?response-content-type={value}").status == 400
    answer = ask(served, "GET", "/bucket/k?response-content-type=text/plain")
    assert answer.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    "body",
    [
        {"Name": "n", "DAG": {"Tasks": {"x" * 20_000: {"InputMapping": {f"k{i}": 1 for i in range(3000)}}}}},
        {"Name": "n", "DAG": {"Tasks": {"x" * 20_000: {"Mounts": {"Entries": [{}] * 5000}}}}},
        {"Name": "n", "DAG": {"Tasks": {f"t{i}": {} for i in range(1000)}}},
        {"x" * 90_000: [0] * 49_000},
        {"x": [0] * 60_000},
    ],
)
def test_a_response_does_not_repeat_long_names_for_every_value(served: LocalService, body: Any) -> None:
    answer = ask_api(served, "POST", "/jobs", json.dumps(body).encode())
    assert answer.status == 400
    assert len(answer.body) < 20_000


@pytest.mark.parametrize(
    "body", [b'{"Priority": 1, "Priority": 2}', b'{"a": {"b": 1, "b": 1}}', '{"Priority": 1}'.encode("utf-16")]
)  # fmt: skip
def test_bodies_that_can_be_read_in_two_ways(served: LocalService, body: bytes) -> None:
    answer = ask_api(served, "PUT", "/jobs/job-1", body)
    assert (answer.status, json.loads(answer.body)["Code"]) == (400, "InvalidJsonFormat")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/jobs?IsReverse=perhaps", "InvalidIsReverse"),
        ("/jobs?=x", "InvalidUrlPattern"),
        ("/jobs?Marker==", "InvalidUrlPattern"),
        ("/jobs?Marker=%zz", "InvalidUrlPattern"),
        # Truncated, it would be the number of the first revision.
        ("/apps/fuzzed?Detail&Qualifier=" + "0" * 30 + "7", "InvalidResource.NotFound"),
        ("/apps/fuzzed?Detail&Qualifier=-1", "InvalidQualifier"),
    ],
)
def test_ambiguous_and_unknown_query_values_are_refused(served: LocalService, target: str, code: str) -> None:
    app = {"Name": "fuzzed", "CommandLine": "true", "VM": {"ECSImageId": "img-ubuntu"}}
    assert ask_api(served, "POST", "/apps", json.dumps(app).encode()).status in (201, 403)
    answer = ask_api(served, "GET", target)
    assert json.loads(answer.body)["Code"] == code


def test_a_key_that_ends_in_a_slash_takes_no_content(served: LocalService) -> None:
    assert ask(served, "PUT", "/bucket/full", b"content").status == 200
    assert ask(served, "PUT", "/bucket/empty", b"").status == 200
    assert ask(served, "PUT", "/bucket/dir/", x_oss_copy_source="/bucket/full").status == 400
    assert ask(served, "PUT", "/bucket/dir/", x_oss_copy_source="/bucket/empty").status == 200
    assert ask(served, "POST", "/bucket/dir/?uploads").status == 400


def test_ranges_of_copy_sources(served: LocalService) -> None:
    assert ask(served, "PUT", "/bucket/k", b"content").status == 200
    for wanted, status in (
        ("bytes=0-1", 200),
        ("bytes=x", 400),
        ("bytes=" + "9" * 5000 + "-", 400),
        ("bytes=9-", 416),
    ):
        copy: dict[str, Any] = {"x_oss_copy_source": "/bucket/k", "x_oss_copy_source_range": wanted}
        assert ask(served, "PUT", "/bucket/part", **copy).status == status
    assert ask(served, "GET", "/bucket/part").whole() == b"co"
    # Otherwise a version of an object would be copied like the object itself.
    assert ask(served, "PUT", "/bucket/part", x_oss_copy_source="/bucket/k?versionId=1").status == 501


def test_unknown_words_in_headers_and_queries_are_refused(served: LocalService) -> None:
    assert ask(served, "PUT", "/bucket/kept", b"content").status == 200
    for word, status in (("yes", 400), ("TRUE", 409), ("1", 400)):
        assert ask(served, "PUT", "/bucket/kept", b"x", x_oss_forbid_overwrite=word).status == status
    assert ask(served, "GET", "/bucket/kept").whole() == b"content"
    for query, status in (
        ("list-type=3", 400),
        ("encoding-type=base64", 400),
        ("list-type=2&encoding-type=url", 200),
    ):
        assert ask(served, "GET", f"/bucket/?{query}").status == status


@pytest.mark.parametrize(
    "wrong", ["<Key></Key>", "<Key>a/../b</Key>", f"<Key>{'x' * 1025}</Key>", "<Key>&#xffff;</Key>"]
)
def test_a_wrong_key_among_many_removes_nothing(served: LocalService, wrong: str) -> None:
    assert ask(served, "PUT", "/many/k", b"x").status == 200
    body = f"<Delete><Object><Key>k</Key></Object><Object>{wrong}</Object></Delete>"
    assert ask(served, "POST", "/many/?delete", body.encode()).status == 400
    assert ask(served, "GET", "/many/k").status == 200


def test_documents_in_other_encodings_are_refused(served: LocalService) -> None:
    assert ask(served, "PUT", "/bucket/%C3%A9", b"x").status == 200
    document = "<Delete><Object><Key>é</Key></Object></Delete>"
    for encoding in ("latin-1", "cp037", "utf-16", "utf-7", "mac_arabic", ""):
        text = f"<?xml version='1.0' encoding='{encoding}'?>{document}"
        assert ask(served, "POST", "/bucket/?delete", text.encode()).status == 400, encoding
    assert ask(served, "POST", "/bucket/?delete", document.encode("latin-1")).status == 400
    assert ask(served, "POST", "/bucket/?delete", b"<a/>" * 110_000).status == 400
    assert ask(served, "GET", "/bucket/%C3%A9").status == 200
    text = f"\ufeff<?xml version='1.0' encoding='UTF-8'?>{document}"
    assert ask(served, "POST", "/bucket/?delete", text.encode()).status == 200
    assert ask(served, "GET", "/bucket/%C3%A9").status == 404


def test_keys_of_uploads_survive_xml(served: LocalService) -> None:
    begun = ET.fromstring(ask(served, "POST", "/bucket/a%0D%26b?uploads").body)
    assert begun.findtext("Key") == "a\r&b"
    listed = ET.fromstring(ask(served, "GET", "/bucket/?uploads").body)
    assert "a\r&b" in [found.text for found in listed.iter("Key")]
    upload = f"/bucket/a%0D%26b?uploadId={begun.findtext('UploadId')}"
    assert ET.fromstring(ask(served, "GET", upload).body).findtext("Key") == "a\r&b"
    assert ask(served, "PUT", f"{upload}&partNumber=1", b"x").status == 200
    done = ask(served, "POST", upload, b"<C><Part><PartNumber>1</PartNumber></Part></C>")
    assert ET.fromstring(done.body).findtext("Key") == "a\r&b"


def test_paths_that_do_not_name_a_bucket(served: LocalService) -> None:
    for target in ("bucket/k", "http://bucket/k", "//bucket/k", "//"):
        assert ask(served, "PUT", target, b"x").status == 400, target
    assert ask(served, "PUT", "/", b"x").status == 405
    assert ask(served, "GET", "/?acl").status == 501
    assert ask(served, "GET", "/bucket/?acl&stat").status == 400
    assert ask(served, "GET", "/").status == 200


def test_signatures_of_unknown_versions_are_refused(served: LocalService) -> None:
    target, headers = signatures.sign_objects("4", "GET", "/bucket/?acl", {})
    for scheme in ("OSS4-HMAC-SHA512", "OSS4-"):
        changed = {**headers, "authorization": headers["authorization"].replace("OSS4-HMAC-SHA256", scheme)}
        answer = served.dispatch(Request("GET", target, changed))
        assert (answer.status, b"<Code>InvalidArgument<" in answer.body) == (400, True)


def over_http(
    service: LocalService, method: str, target: str, headers: list[tuple[bytes, bytes]]
) -> tuple[int, bytes]:
    """Send a request through the application, headers as bytes."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(create_app(service)(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ([(b"content-length", b"0"), (b"transfer-encoding", b"chunked")], b"and not both"),
        ([(b"range", b"bytes=0-0"), (b"range", b"bytes=1-1")], b"range"),
        ([(b"if-match", b"a"), (b"if-match", b"b")], b"if-match"),
        ([(b"x-oss-copy-source", b"/bucket/\xfe")], b"x-oss-copy-source"),
        ([(b"x-oss-meta-a", b"\xff")], b"x-oss-meta-a"),
    ],
)
def test_heads_that_can_be_read_in_two_ways(
    served: LocalService, more: list[tuple[bytes, bytes]], why: bytes
) -> None:
    special = {
        name.decode(): value.decode("utf-8", "replace") for name, value in more if name[:6] == b"x-oss-"
    }
    target, headers = signatures.sign_objects("1", "PUT", "/bucket/k", special)
    signed = [(name.encode(), value.encode()) for name, value in headers.items() if name not in special]
    status, body = over_http(served, "PUT", target, [*signed, *more])
    assert (status, b"<Code>InvalidArgument<" in body) == (400, True)
    assert why in body
