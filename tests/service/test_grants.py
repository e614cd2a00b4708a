"""Grants: a runner reaches the objects of its attempt, for a while, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchcompute import ValidationError
from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.grant_header import SCHEME
from batchcompute.runner.mappings import Input, Mappings, Output
from batchcompute.service import LocalService
from batchcompute.service.clock import SystemClock
from batchcompute.service.errors import ObjectError
from batchcompute.service.objects.grants import LIFETIME, Grants
from batchcompute.service.requests import Request, Response
from batchcompute.service.store.keys import FIRST_OWNER
from tests.service.helpers import finish, job, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

SECRET = "5" * 64


class SetClock(SystemClock):
    """A clock that stands still until it is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def spec(token: str = "store-1-1-0-a", **change: Any) -> AttemptSpec:
    values: dict[str, Any] = {
        "mappings": Mappings(
            (Input("oss://b/in/", "/in"), Input("oss://b/single", "/single")),
            (Output("/out/", "oss://b/out/"), Output("/result", "oss://b/result")),
            (Output("/var/log/app.log", "oss://b/logs/"),),
        ),
        "package": "oss://b/package.tar.gz",
        "stdout": "oss://b/std/stdout.job-1.t.0",
        "stderr": "oss://b/std/stderr.job-1.t.0",
        **change,
    }
    return AttemptSpec(token, "job-1", "t", 0, FIRST_OWNER, "true", 60, **values)


@pytest.fixture(scope="module")
def module_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("grants") / "d") as opened:
        objects = opened._parts.objects
        for key in ("in/a", "in/sub/b", "in2/c", "single", "package.tar.gz", "out/e", "secret"):
            objects.write(f"oss://b/{key}", [b"content"])
        objects.write("oss://other/in/a", [b"content"])
        yield opened


class Node:
    """Sends requests with a grant."""

    def __init__(self, service: LocalService, grant: str) -> None:
        self._service = service
        self.grant = grant

    def __call__(self, method: str, target: str, body: bytes = b"", **headers: str) -> Response:
        sent = {"authorization": f"{SCHEME} {self.grant}", "host": "localhost"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self._service.dispatch(Request(method, target, sent, body))


@pytest.fixture
def node(module_service: LocalService) -> Node:
    return Node(module_service, module_service._parts.grants.issue(spec()))


def code(response: Response) -> str:
    match = re.search(b"<Code>(.*)</Code>", response.whole())
    return match[1].decode() if match else ""


def test_an_attempt_reads_its_inputs_and_writes_its_outputs(node: Node, module_service: LocalService) -> None:
    for key in ("in/a", "in/sub/b", "single", "package.tar.gz"):
        assert node("GET", f"/b/{key}").whole() == b"content"
        assert node("HEAD", f"/b/{key}").status == 200
    listed = node("GET", "/b/?prefix=in/&encoding-type=url").whole()
    assert re.findall(b"<Key>(.*?)</Key>", listed) == [b"in/a", b"in/sub/b"]
    assert node("GET", "/b?prefix=in/sub/&delimiter=/").status == 200
    for key in (
        "out/new/x",
        "out/empty/",
        "result",
        "logs/app.log.job-1.t.0",
        "std/stdout.job-1.t.0",
        "std/stderr.job-1.t.0",
    ):
        body = b"" if key.endswith("/") else b"output"
        assert node("PUT", f"/b/{key}", body).status == 200
        assert node("HEAD", f"/b/{key}").status == 200
    assert (module_service.data_dir / "oss/b/out/new/x").read_bytes() == b"output"
    begun = node("POST", "/b/out/large?uploads").whole()
    upload = re.findall(b"<UploadId>(.*)</UploadId>", begun)[0].decode()
    tag = node("PUT", f"/b/out/large?partNumber=1&uploadId={upload}", b"part").headers["ETag"]
    assert node("GET", f"/b/out/large?uploadId={upload}").status == 200
    document = f"<C><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></C>".encode()
    assert node("POST", f"/b/out/large?uploadId={upload}", document).status == 200
    assert (module_service.data_dir / "oss/b/out/large").read_bytes() == b"part"


OUTSIDE = [
    # Names that begin like an allowed one.
    ("GET", "/b/in2"), ("GET", "/b/in2/c"), ("GET", "/b/single/d"), ("GET", "/b/singl"), ("GET", "/b/in"),
    ("PUT", "/b/out2"), ("PUT", "/b/result/x"), ("PUT", "/b/results"), ("PUT", "/b/logs/other.log.job-1.t.0"),
    ("PUT", "/b/logs/app.log.job-1.t.1"), ("PUT", "/b/std/stdout.job-1.t.1"), ("PUT", "/b/"), ("PUT", "/b"),
    ("GET", "/b/secret"), ("HEAD", "/b/secret"), ("GET", "/other/in/a"), ("PUT", "/other/out/x"),
    # Steps, plain and encoded.
    ("GET", "/b/in/../secret"), ("GET", "/b/in/%2e%2e/secret"), ("GET", "/b/in/..%2fsecret"),
    ("GET", "/b/in%2f..%2fsecret"), ("GET", "/b/in/%252e%252e/secret"), ("GET", "/b/./secret"),
    ("PUT", "/b/out/../secret"), ("PUT", "/b/out/%2e%2e/secret"), ("GET", "//b/in/a"), ("GET", "/b//in/a"),
    ("GET", "/b%2fsecret"), ("GET", "/b/in%00/a"), ("GET", "/b/IN/a"), ("GET", "/B/in/a"), ("GET", "b/in/a"),
    # Other methods and sub-resources.
    ("PUT", "/b/in/a"), ("DELETE", "/b/in/a"), ("DELETE", "/b/out/e"), ("DELETE", "/b"), ("POST", "/b/out/e"),
    ("PUT", "/b/single"), ("PUT", "/b/package.tar.gz"), ("POST", "/b?delete"), ("GET", "/b/out/e"),
    ("GET", "/b/in/a?acl"), ("PUT", "/b/out/e?acl"), ("GET", "/b?acl"), ("GET", "/b?uploads"), ("GET", "/b?bucketInfo"),
    ("GET", "/b?stat"), ("GET", "/b?location"), ("HEAD", "/b"), ("GET", "/"), ("POST", "/b/in/a?uploads"),
    ("PUT", "/b/out/e?append&position=0"), ("PUT", "/b/out/e?symlink"), ("POST", "/b/out/x?uploads&uploadId=1"),
    ("PUT", "/b/in/x?partNumber=1&uploadId=" + "A" * 32), ("GET", "/b/in/x?uploadId=" + "A" * 32),
    ("DELETE", "/b/in/x?uploadId=" + "A" * 32), ("PATCH", "/b/out/e"), ("OPTIONS", "/b/out/e"),
    # Lists.
    ("GET", "/b"), ("GET", "/b?prefix="), ("GET", "/b?prefix=in"), ("GET", "/b?prefix=i"), ("GET", "/b?prefix=in2"),
    ("GET", "/b?prefix=single"), ("GET", "/b?prefix=out/"), ("GET", "/b?prefix=in/..%2f"), ("GET", "/b?prefix=/in/"),
    ("GET", "/b?prefix=in/&prefix="), ("GET", "/other?prefix=in/"), ("HEAD", "/b?prefix=in/"), ("GET", "/b?Prefix=in/"),
    # The API of jobs, and the service itself.
    ("GET", "/jobs"), ("POST", "/jobs"), ("POST", "/"), ("POST", "/?grant=x"), ("GET", "/?grant"), ("POST", "/b?grant"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "target"), OUTSIDE)
def test_nothing_else_is_reached(node: Node, module_service: LocalService, method: str, target: str) -> None:
    oss = module_service.data_dir / "oss"
    before = sorted((path, path.stat().st_mtime_ns) for path in oss.rglob("*"))
    response = node(method, target, b"" if method in ("GET", "HEAD") else b"attack")
    assert response.status in (400, 403, 404, 405, 501), response.whole()
    assert response.status != 404 or code(response) in ("NoSuchKey", "NoSuchUpload"), response.whole()
    assert b"content" not in response.whole()
    assert sorted((path, path.stat().st_mtime_ns) for path in oss.rglob("*")) == before


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "in",
                "in2",
                "secret",
                "out",
                "single",
                "..",
                ".",
                "/",
                "%2f",
                "%2e",
                "%25",
                "%00",
                "?",
                "prefix=",
                "&",
                "+",
                "a",
            ]
        ),
        max_size=8,
    )
)
def test_no_path_reads_a_secret(module_service: LocalService, parts: list[str]) -> None:
    node = Node(
        module_service,
        module_service._parts.grants.issue(spec(mappings=Mappings((Input("oss://b/in/", "/in"),)))),
    )
    response = node("GET", f"/b/{''.join(parts)}")
    text = response.whole()
    if response.status == 200 and b"ListBucketResult" in text:
        assert all(key.startswith(b"in/") for key in re.findall(b"<Key>(.*?)</Key>", text))
        assert all(
            key.startswith(b"in/") for key in re.findall(b"<CommonPrefixes><Prefix>(.*?)</Prefix>", text)
        )
    elif response.status == 200:
        assert re.match(r"/b/+in[/%]", f"/b/{''.join(parts)}"), parts


def test_objects_are_not_copied(node: Node) -> None:
    for source in ("/b/secret", "/b/in/a", "/other/in/a", ""):
        response = node("PUT", "/b/out/copy", x_oss_copy_source=source)
        assert (response.status, code(response)) == (403, "AccessDenied")
    upload = re.findall(b"<UploadId>(.*)</UploadId>", node("POST", "/b/out/large?uploads").whole())[
        0
    ].decode()
    response = node("PUT", f"/b/out/large?partNumber=1&uploadId={upload}", x_oss_copy_source="/b/secret")
    assert code(response) == "AccessDenied"


def test_an_upload_belongs_to_its_object(node: Node, module_service: LocalService) -> None:
    upload = re.findall(b"<UploadId>(.*)</UploadId>", node("POST", "/b/out/large?uploads").whole())[
        0
    ].decode()
    for method in ("PUT", "POST", "GET", "DELETE"):
        response = node(method, f"/b/out/other?partNumber=1&uploadId={upload}")
        assert code(response) == "NoSuchUpload"
    stranger = Node(module_service, module_service._parts.grants.issue(spec(mappings=Mappings())))
    for method in ("PUT", "POST", "GET", "DELETE"):
        assert code(stranger(method, f"/b/out/large?partNumber=1&uploadId={upload}")) == "AccessDenied"


def test_a_grant_in_the_query_is_none(node: Node) -> None:
    response = node("GET", f"/b/in/a?authorization={SCHEME}%20{node.grant}", authorization="")
    assert response.status == 403


@pytest.mark.parametrize("host", ["other.oss-cn-beijing.aliyuncs.com", "secret.oss.aliyuncs.com"])
def test_the_host_does_not_change_the_bucket_behind_the_grant(node: Node, host: str) -> None:
    assert node("GET", "/in/a", host=host).status == 403
    assert node("GET", "/b/in/a", host=host).status == 403


def sign(content: object, secret: str = SECRET, version: str = "1") -> str:
    payload = base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode().rstrip("=")
    key = hmac.new(secret.encode(), b"batchcompute grants", hashlib.sha256).digest()
    mac = hmac.new(key, f"{version}.{payload}".encode(), hashlib.sha256).digest()
    return f"{version}.{payload}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_tampered_grants_are_refused() -> None:
    clock = SetClock(1000.0)
    grants = Grants(SECRET, clock)
    text = grants.issue(spec())
    assert grants.check(text).token == "store-1-1-0-a"
    _, payload, mac = text.split(".")
    wider = sign(["t", FIRST_OWNER, ["oss://b/"], [], 1e12], "6" * 64).split(".")
    forged = [
        "", ".", "..", "1", "1..", f"1.{payload}", f"{payload}.{mac}", f"2.{payload}.{mac}", f"1.{payload}.", f"1..{mac}",
        f"1.{wider[1]}.{mac}", ".".join(wider), f"{text}=", f"{text} ", f" {text}", f"{text}.{mac}", text.upper(), text[:-1],
        f"1.{payload[:-1]}.{mac}", f"1.{payload}=.{mac}", f"1.{payload}.{mac[::-1]}", f"é.{payload}.{mac}",
        f"1.{payload}.é", sign(["t"], SECRET, "0"), f"01.{payload}.{mac}",
    ]  # fmt: skip
    forged += [text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :] for at in range(len(text))]
    for attempt in forged:
        with pytest.raises(ObjectError) as caught:
            grants.check(attempt)
        assert caught.value.status == 403
        assert attempt[5:40] not in str(caught.value) or not attempt[5:40]
    with pytest.raises(ObjectError, match="not one of this service"):
        Grants("6" * 64, clock).check(text)


def test_a_forged_grant_opens_nothing(module_service: LocalService) -> None:
    for grant in (
        "",
        "x",
        sign(["t", FIRST_OWNER, ["oss://b/"], ["oss://b/"], 1e12]),
        "1." + "A" * 60_000 + ".B",
    ):
        node = Node(module_service, grant)
        for method, target in (("GET", "/b/in/a"), ("PUT", "/b/x"), ("POST", "/?grant")):
            assert node(method, target).status == 403


def test_a_grant_expires_and_only_that_of_a_live_attempt_is_renewed() -> None:
    clock = SetClock(1000.0)
    live = {"store-1-1-0-a"}
    grants = Grants(SECRET, clock, live.__contains__)
    text = grants.issue(spec())
    clock.now += LIFETIME - 1
    first = grants.check(text)
    clock.now += 1
    with pytest.raises(ObjectError) as caught:
        grants.check(text)
    assert (caught.value.status, caught.value.code) == (403, "SecurityTokenExpired")
    renewed = grants.renew(text)
    again = grants.check(renewed)
    assert (again.token, again.owner, again.reads, again.writes) == (
        first.token,
        first.owner,
        first.reads,
        first.writes,
    )
    assert again.expires == clock.now + LIFETIME
    live.clear()
    for grant in (text, renewed):
        with pytest.raises(ObjectError, match="has ended"):
            grants.renew(grant)
    with pytest.raises(ObjectError, match="not one of this service"):
        grants.renew(renewed[:-1])


def test_the_service_renews_the_grant_of_an_attempt_until_its_end_is_recorded(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with LocalService(tmp_path / "d") as service, service.client() as client:
        created = client.create_job(job(f"cat {pipe}"))
        until(lambda: client.get_job(created).State == "Running")
        with service._parts.store.read() as transaction:
            ((_, token),) = transaction.instances.tokens_of_job(1)
        grants = service._parts.grants
        expired = Node(service, grants.issue(spec(token), lifetime=-1))
        response = expired("POST", "/?grant")
        assert response.headers["Cache-Control"] == "no-store"
        assert Node(service, response.whole().decode())("HEAD", "/b/in/a").status == 404
        for other in (
            f"{token}x",
            "x",
            token.rpartition("-")[0],
            token.replace("-0-", "-1-", 1),
            f"{token[:9]}-a-b-c-d",
        ):
            assert Node(service, grants.issue(spec(other)))("POST", "/?grant").status == 403
        pipe.write_text("")
        finish(client, created.Id)
        ended = expired("POST", "/?grant")
        assert (ended.status, code(ended)) == (403, "AccessDenied")
        assert expired("GET", "/b/in/a").status == 403


def test_an_expired_grant_opens_nothing(module_service: LocalService) -> None:
    node = Node(module_service, module_service._parts.grants.issue(spec(), lifetime=-1))
    response = node("GET", "/b/in/a")
    assert (response.status, code(response)) == (403, "SecurityTokenExpired")
    assert node("PUT", "/b/out/x", b"x").status == 403


def test_access_that_the_owner_has_lost_is_lost_to_the_grant(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", trust_owners=True) as service:
        buckets, objects = service._parts.object_api._buckets, service._parts.objects
        objects.write("oss://b/in/a", [b"content"])
        stranger = AttemptSpec(
            "t-1", "job-1", "t", 0, "ann", "true", 60, mappings=Mappings((Input("oss://b/in/", "/in"),))
        )
        node = Node(service, service._parts.grants.issue(stranger))
        assert node("GET", "/b/in/a").status == 403
        buckets.grant("b", "ann", "read")
        assert node("GET", "/b/in/a").status == 200
        buckets.revoke("b", "ann")
        assert node("GET", "/b/in/a").status == 403


def test_a_grant_is_in_no_log_and_no_representation(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    request = Request("GET", "/b/in/a", {"authorization": f"{SCHEME} {node.grant}"})
    assert node.grant not in repr(request)
    for method, target in (
        ("GET", "/b/in/a"),
        ("GET", "/b/secret"),
        ("PUT", "/b/out/x"),
        ("POST", "/?grant"),
    ):
        response = node(method, target)
        assert node.grant.encode() not in response.whole()
    assert node.grant not in caplog.text


def test_a_grant_of_many_mappings_fits_into_a_header_or_is_refused() -> None:
    grants = Grants(SECRET, SetClock(0.0))
    inputs = tuple(
        Input(f"oss://bucket/data/chromosome-{number}/sample.bam", f"/in/{number}") for number in range(1000)
    )
    assert len(grants.issue(spec(mappings=Mappings(inputs)))) < 16_000
    random = tuple(
        Input(f"oss://bucket/{hashlib.sha512(str(number).encode()).hexdigest()}", f"/in/{number}")
        for number in range(1000)
    )
    with pytest.raises(ValidationError, match="1005 mappings, too many|1003 mappings, too many"):
        grants.issue(spec(mappings=Mappings(random)))
