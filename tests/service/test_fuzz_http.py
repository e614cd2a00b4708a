"""Raw HTTP that means harm, and what holds for every key and every signature."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchcompute.errors import ValidationError
from batchcompute.http.signing import signature, string_to_sign, verify
from batchcompute.service import LocalService
from batchcompute.service.api.routes import find
from batchcompute.service.errors import ApiError
from batchcompute.service.objects.keys import decode, is_ours, names_of, parts_of
from batchcompute.service.objects.signatures import SUBRESOURCES, path_of, verdict
from batchcompute.service.requests import BadTarget, Request, Response, query_of
from batchcompute.service.transports.asgi import create_app

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

TOOL = Path(__file__).parents[2] / "tools" / "fuzz_http.py"


def _loaded() -> Any:
    """Return the tool as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_http", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["fuzz_http"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fuzz = _loaded()
many = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("fuzz") / "d", slots=1) as service:
        service.add_key("id", "s3cret")
        yield service


def ask(
    service: LocalService, method: str, target: str, body: bytes = b"", way: str = "4", **more: Any
) -> Response:
    """Send a request to object storage; underscores in names of headers stand for hyphens."""
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    target, headers = fuzz.sign_objects(way, method, target, headers)
    return service.dispatch(Request(method, target, headers, body))


def ask_api(service: LocalService, method: str, target: str, body: bytes = b"") -> Response:
    headers = fuzz.sign_api(method, target, {}, body)
    return service.dispatch(
        Request(method, target, {name.lower(): text for name, text in headers.items()}, body)
    )


def test_a_server_answers_whatever_comes() -> None:
    command = [sys.executable, str(TOOL), "--requests", "3000", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 found" in done.stdout


# -- keys -----------------------------------------------------------------------------------------

pieces = st.one_of(
    st.text(max_size=6),
    st.text(st.sampled_from("%_+/.a"), max_size=8),
    st.sampled_from(["x" * 241, "é" * 121, "%" * 250, "/", "//", "a/", "\\", "\n", "\r", "\t", "\U0010fffd"]),
)
keys = st.lists(pieces, min_size=1, max_size=5).map("".join).filter(bool)


def accepted(key: str) -> bool:
    try:
        parts_of(f"oss://bucket/{key}")
    except ValidationError:
        return False
    return bool(key)


@many
@given(key=keys)
def test_a_place_is_a_reversible_encoding_of_its_key(key: str) -> None:
    if not accepted(key):
        return
    names = list(names_of(key))
    for name in names:
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\0" not in name
        assert len(name.encode("utf-8")) <= 255
    text, is_piece = decode(names)
    assert text + ("/" if key.endswith("/") else "") == key
    assert not is_piece
    assert is_ours(names, key)


@many
@given(names=st.lists(st.text(st.sampled_from("%_+a."), min_size=1, max_size=5), min_size=1, max_size=4))
def test_one_place_is_that_of_one_key_at_most(names: list[str]) -> None:
    text, _ = decode(names)
    for key in (text, f"{text}/"):
        if accepted(key) and is_ours(names, key):
            assert list(names_of(key)) == names


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(key=keys, way=st.sampled_from(["1", "url", "4"]))
@example("\r", "4")
@example("k?acl", "4")
@example(" ", "1")
def test_what_is_put_is_got_and_listed(served: LocalService, key: str, way: str) -> None:
    target = f"/round/{quote(key.encode('utf-8', 'surrogatepass'))}"
    content = b"" if key.endswith("/") else key.encode("utf-8", "surrogatepass")
    put = ask(served, "PUT", target, content, way)
    if put.status != 200:
        assert put.status == 400
        # By version 1, a key can read like a request for a sub-resource; by version 4, none does.
        assert not accepted(key) or (way != "4" and "?" in key)
        return
    assert accepted(key)
    got = ask(served, "GET", target)
    assert (got.status, got.whole()) == (200, content)
    for query in ("", "?encoding-type=url", "?list-type=2"):
        root = ET.fromstring(ask(served, "GET", f"/round/{query}").body)
        read = unquote if "url" in query else str
        assert [read(found.text or "") for found in root.iter("Key")] == [key]
    assert ask(served, "DELETE", target).status == 204
    assert ask(served, "GET", target).status == 404
    assert ET.fromstring(ask(served, "GET", "/round/").body).find("Contents") is None


# -- signatures -----------------------------------------------------------------------------------

tokens = st.sampled_from(
    ["a", "b", "=", "&", "+", "/", "?", "%", "%61", "%26", "%3D", "%3d", "%2F", "%25", "%2B", "%20", "%3F", "%252F",
     "%2526", "acl", "uploadId", "uploads", "Marker", "State", "description", "%0A", "%C3%A9", "%FE", ";", "#", ":"]
)  # fmt: skip
tails = st.lists(tokens, max_size=8).map("".join)
Meaning = Any


def others(target: str) -> list[str]:
    """Return targets that read alike: encoded once more or once less, and with other ends."""
    path, _, query = target.partition("?")
    bare = "&".join(sorted(part.removesuffix("=") for part in query.split("&") if part))
    found = [target, unquote(target), unquote(unquote(target)), f"{path}?{bare}", f"{target}=", f"{target}&"]
    found += [
        unquote(f"{path}?{bare}"),
        f"{path}?{'&'.join(sorted(query.split('&')))}",
        path,
        quote(target, "/?=&"),
    ]
    found += [
        target.replace(old, new) for old in ("?", "&", "=", "+") for new in (quote(old, ""), " ", "%20")
    ]
    # What the HTTP library lets through.
    return sorted({text for text in found if text.isascii() and text.isprintable() and " " not in text})


def agree(targets: list[str], made: list[Any], meaning: Callable[[str, Any], Meaning]) -> None:
    """Look whether all requests that one signature is right for mean the same."""
    for right in made:
        meanings = [(target, meaning(target, right)) for target in targets]
        told = [(target, found) for target, found in meanings if found is not None]
        assert all(found == told[0][1] for _, found in told), (right, told)


@many
@given(tail=tails, base=st.sampled_from(["/jobs", "/jobs/a", "/jobs/a/tasks/b"]))
@example("?Marker==", "/jobs")
@example("?a%26b=", "/jobs")
@example("?=", "/jobs")
def test_a_signature_of_the_api_is_good_for_one_meaning(tail: str, base: str) -> None:
    headers = {"date": "now", "x-acs-version": "1"}

    def meaning(target: str, made: str) -> Meaning:
        if not verify("GET", target, headers, "s3cret", made):
            return None
        try:
            operation, path, query = find("GET", target)
        except (BadTarget, ApiError):
            return None
        return operation.name, dict(path), query

    targets = others(base + tail)
    texts = {*targets, *(unquote(target) for target in targets)}
    agree(
        targets,
        [signature("s3cret", string_to_sign("GET", text, headers)) for text in sorted(texts)],
        meaning,
    )


@many
@given(tail=tails, way=st.sampled_from(["1", "4"]))
@example("?acl", "1")
@example("?uploadId=a%26acl", "1")
@example("%3Facl", "1")
def test_a_signature_of_object_storage_is_good_for_one_meaning(tail: str, way: str) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())

    def meaning(target: str, headers: dict[str, str]) -> Meaning:
        request = Request("GET", target, headers)
        try:
            if verdict(request, lambda _: "s3cret").code:
                return None
            query = query_of(target)
        except BadTarget:
            return None
        # Version 1 signs no more of the query than the sub-resources.
        signed = {name: value for name, value in query.items() if way == "4" or name in SUBRESOURCES}
        return path_of(request), signed

    def sign(target: str) -> dict[str, str]:
        if way == "4":
            made: dict[str, str] = fuzz.version4("GET", target, {})
            return made
        return {"date": date, "authorization": f"OSS id:{fuzz.version1('GET', target, {}, date)}"}

    targets = others("/b/k" + tail)
    agree(targets, [sign(target) for target in targets], meaning)
    assert meaning("/b/k", sign("/b/k")) == ("/b/k", {})


# -- what was found -------------------------------------------------------------------------------


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


def test_headers_of_answers_are_headers(served: LocalService) -> None:
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
def test_an_answer_does_not_repeat_long_names_for_every_value(served: LocalService, body: Any) -> None:
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
        # Cut to what a number may have, it would be that of the first revision.
        ("/apps/fuzzed?Detail&Qualifier=" + "0" * 30 + "7", "InvalidResource.NotFound"),
        ("/apps/fuzzed?Detail&Qualifier=-1", "InvalidQualifier"),
    ],
)
def test_queries_are_what_they_promise(served: LocalService, target: str, code: str) -> None:
    app = {"Name": "fuzzed", "CommandLine": "true", "VM": {"ECSImageId": "img-ubuntu"}}
    assert ask_api(served, "POST", "/apps", json.dumps(app).encode()).status in (201, 403)
    answer = ask_api(served, "GET", target)
    assert json.loads(answer.body)["Code"] == code


def test_a_directory_takes_no_content(served: LocalService) -> None:
    assert ask(served, "PUT", "/bucket/full", b"content").status == 200
    assert ask(served, "PUT", "/bucket/empty", b"").status == 200
    assert ask(served, "PUT", "/bucket/dir/", x_oss_copy_source="/bucket/full").status == 400
    assert ask(served, "PUT", "/bucket/dir/", x_oss_copy_source="/bucket/empty").status == 200
    assert ask(served, "POST", "/bucket/dir/?uploads").status == 400


def test_a_range_of_a_source_is_one(served: LocalService) -> None:
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
    # A version of an object would be copied as if it were the object.
    assert ask(served, "PUT", "/bucket/part", x_oss_copy_source="/bucket/k?versionId=1").status == 501


def test_words_are_those_that_are_known(served: LocalService) -> None:
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
def test_of_many_objects_all_are_removed_or_none(served: LocalService, wrong: str) -> None:
    assert ask(served, "PUT", "/many/k", b"x").status == 200
    body = f"<Delete><Object><Key>k</Key></Object><Object>{wrong}</Object></Delete>"
    assert ask(served, "POST", "/many/?delete", body.encode()).status == 400
    assert ask(served, "GET", "/many/k").status == 200


def test_documents_are_in_utf_8(served: LocalService) -> None:
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


def test_keys_of_uploads_are_told_as_they_are(served: LocalService) -> None:
    begun = ET.fromstring(ask(served, "POST", "/bucket/a%0D%26b?uploads").body)
    assert begun.findtext("Key") == "a\r&b"
    listed = ET.fromstring(ask(served, "GET", "/bucket/?uploads").body)
    assert "a\r&b" in [found.text for found in listed.iter("Key")]
    upload = f"/bucket/a%0D%26b?uploadId={begun.findtext('UploadId')}"
    assert ET.fromstring(ask(served, "GET", upload).body).findtext("Key") == "a\r&b"
    assert ask(served, "PUT", f"{upload}&partNumber=1", b"x").status == 200
    done = ask(served, "POST", upload, b"<C><Part><PartNumber>1</PartNumber></Part></C>")
    assert ET.fromstring(done.body).findtext("Key") == "a\r&b"


def test_a_path_begins_at_the_root(served: LocalService) -> None:
    for target in ("bucket/k", "http://bucket/k", "//bucket/k", "//"):
        assert ask(served, "PUT", target, b"x").status == 400, target
    assert ask(served, "PUT", "/", b"x").status == 405
    assert ask(served, "GET", "/?acl").status == 501
    assert ask(served, "GET", "/bucket/?acl&stat").status == 400
    assert ask(served, "GET", "/").status == 200


def test_a_signature_is_of_a_version_that_is_known(served: LocalService) -> None:
    target, headers = fuzz.sign_objects("4", "GET", "/bucket/?acl", {})
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
    target, headers = fuzz.sign_objects("1", "PUT", "/bucket/k", special)
    signed = [(name.encode(), value.encode()) for name, value in headers.items() if name not in special]
    status, body = over_http(served, "PUT", target, [*signed, *more])
    assert (status, b"<Code>InvalidArgument<" in body) == (400, True)
    assert why in body
