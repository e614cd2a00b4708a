"""Object storage over HTTP, used by the vendor's library and by hostile requests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from batchcompute.service import LocalService
from batchcompute.service.requests import Request
from tests.service.test_serve import KEYS, serving

with warnings.catch_warnings():
    # The regular expressions of the vendor's library cause warnings in current Python versions.
    warnings.simplefilter("ignore")
    oss2: Any = pytest.importorskip("oss2")

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    directory = tmp_path_factory.mktemp("oss") / "d"
    with serving(directory, **KEYS) as (url, _):
        yield url, directory


@pytest.fixture
def bucket(served: tuple[str, Path]) -> Any:
    return oss2.Bucket(oss2.Auth("id", "s3cret"), served[0], f"b{time.monotonic_ns()}")


def test_objects(bucket: Any, served: tuple[str, Path]) -> None:
    bucket.put_object("a/b 中.txt", b"hello world")
    assert bucket.get_object("a/b 中.txt").read() == b"hello world"
    assert (served[1] / "oss" / bucket.bucket_name / "a" / "b 中.txt").read_bytes() == b"hello world"
    head = bucket.head_object("a/b 中.txt")
    assert (head.content_length, head.object_type) == (11, "Normal")
    for wanted, got in (((0, 4), b"hello"), ((6, None), b"world"), ((None, 3), b"rld"), ((5, 99), b" world")):
        assert bucket.get_object("a/b 中.txt", byte_range=wanted).read() == got
    # A range after the end: the whole object, unless the client asks for the behaviour of the standard.
    assert bucket.get_object("a/b 中.txt", byte_range=(50, None)).read() == b"hello world"
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_object("a/b 中.txt", byte_range=(50, None), headers={"x-oss-range-behavior": "standard"})
    assert caught.value.status == 416
    assert bucket.object_exists("a/b 中.txt")
    bucket.delete_object("a/b 中.txt")
    bucket.delete_object("a/b 中.txt")
    assert not bucket.object_exists("a/b 中.txt")
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object("a/b 中.txt")
    assert not (served[1] / "oss" / bucket.bucket_name / "a").exists()


def test_lists(bucket: Any) -> None:
    keys = ["a", "dir/1", "dir/2", "dir/sub/3", "z&<é"]
    for key in keys:
        bucket.put_object(key, key.encode())
    assert [found.key for found in oss2.ObjectIterator(bucket, max_keys=2)] == keys
    assert [found.key for found in oss2.ObjectIteratorV2(bucket, max_keys=2)] == keys
    assert [found.key for found in oss2.ObjectIterator(bucket, prefix="dir/", delimiter="/")] == [
        "dir/1",
        "dir/2",
        "dir/sub/",
    ]
    assert [found.key for found in oss2.ObjectIterator(bucket, prefix="di", delimiter="/", max_keys=1)] == [
        "dir/"
    ]
    assert [found.key for found in oss2.ObjectIterator(bucket, prefix="none")] == []
    assert sorted(bucket.batch_delete_objects(keys[:3]).deleted_keys) == keys[:3]
    assert [found.key for found in oss2.ObjectIterator(bucket)] == keys[3:]
    with pytest.raises(oss2.exceptions.ServerError):
        bucket.list_objects(max_keys=5000)


def test_uploads_in_parts(bucket: Any, tmp_path: Path, served: tuple[str, Path]) -> None:
    data = bytes(range(256)) * 2000
    source = tmp_path / "data"
    source.write_bytes(data)
    oss2.resumable_upload(
        bucket, "big", str(source), multipart_threshold=1, part_size=100 * 1024, num_threads=3,
        store=oss2.ResumableStore(root=str(tmp_path)),
    )  # fmt: skip
    assert bucket.get_object("big").read() == data
    upload = bucket.init_multipart_upload("other").upload_id
    bucket.upload_part("other", upload, 1, b"x")
    assert [part.part_number for part in bucket.list_parts("other", upload).parts] == [1]
    bucket.abort_multipart_upload("other", upload)
    for call in (
        lambda: bucket.upload_part("other", upload, 2, b"y"),
        lambda: bucket.upload_part("other", "../../x", 1, b"y"),
    ):
        with pytest.raises(oss2.exceptions.NoSuchUpload):
            call()
    assert not bucket.object_exists("other")
    assert {path.name for path in (served[1] / "uploads").iterdir()} == {".spool"}
    assert not list((served[1] / "uploads" / ".spool").iterdir())


def test_signed_urls(bucket: Any) -> None:
    bucket.put_object("k", b"shared")
    with urllib.request.urlopen(bucket.sign_url("GET", "k", 60)) as answer:
        assert answer.read() == b"shared"
    for url in (bucket.sign_url("GET", "k", -60), bucket.sign_url("GET", "k", 60).replace("k?", "other?")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url)
        assert caught.value.code == 403
        caught.value.close()


def test_wrong_keys(served: tuple[str, Path]) -> None:
    for pair in (("id", "wrong"), ("other", "s3cret")):
        bucket = oss2.Bucket(oss2.Auth(*pair), served[0], "bucket")
        for method, arguments in (("get_object", ("k",)), ("put_object", ("k", b"x"))):
            with pytest.raises(oss2.exceptions.ServerError) as caught:
                getattr(bucket, method)(*arguments)
            assert caught.value.status == 403


def test_copies(bucket: Any) -> None:
    bucket.put_object("a b", b"content")
    copied = bucket.copy_object(bucket.bucket_name, "a b", "copy 中")
    assert bucket.get_object("copy 中").read() == b"content"
    assert copied.etag == bucket.head_object("copy 中").etag
    # A copy onto itself, by which libraries change headers, does not change the content.
    bucket.update_object_meta("a b", {"x-oss-meta-x": "y"})
    assert bucket.get_object("a b").read() == b"content"
    upload = bucket.init_multipart_upload("joined").upload_id
    part = bucket.upload_part_copy(bucket.bucket_name, "a b", (0, 3), "joined", upload, 1)
    bucket.complete_multipart_upload("joined", upload, [oss2.models.PartInfo(1, part.etag)])
    assert bucket.get_object("joined").read() == b"cont"
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.copy_object(bucket.bucket_name, "none", "x")


def test_unserved_features_are_refused_and_change_nothing(bucket: Any) -> None:
    bucket.put_object("k", b"content")
    tags = oss2.models.Tagging()
    tags.tag_set.add("a", "b")
    for call in (
        lambda: bucket.put_object_acl("k", "private"),
        lambda: bucket.put_object_tagging("k", tags),
        lambda: bucket.delete_object_tagging("k"),
        lambda: bucket.put_symlink("k", "link"),
        lambda: bucket.put_bucket_acl("private"),
        lambda: bucket.get_bucket_cors(),
        lambda: bucket.append_object("k", 0, b"x"),
    ):
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            call()
        assert caught.value.status in (405, 501)
    assert bucket.get_object("k").read() == b"content"
    assert [found.key for found in oss2.ObjectIterator(bucket)] == ["k"]


def test_conditions(bucket: Any) -> None:
    tag = bucket.put_object("k", b"content").etag
    assert bucket.head_object("k").etag == tag
    assert next(iter(oss2.ObjectIterator(bucket))).etag.strip('"') == tag
    assert bucket.get_object("k", headers={"If-Match": f'"{tag}"'}).read() == b"content"
    later = formatdate(time.time() + 5, usegmt=True)
    for headers, status in (
        ({"If-Match": '"other"'}, 412),
        ({"If-None-Match": f'"{tag}"'}, 304),
        ({"If-Modified-Since": later}, 304),
        ({"If-Unmodified-Since": formatdate(time.time() - 1000, usegmt=True)}, 412),
    ):
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.get_object("k", headers=headers)
        assert caught.value.status == status
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.put_object("k", b"other", headers={"x-oss-forbid-overwrite": "true"})
    assert caught.value.status == 409
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.put_object("k", b"other", headers={"Content-MD5": base64.b64encode(b"0" * 16).decode()})
    assert caught.value.code == "InvalidDigest"
    assert bucket.get_object("k").read() == b"content"


def test_requests_of_libraries_about_buckets(bucket: Any, served: tuple[str, Path]) -> None:
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.get_bucket_info()
    bucket.create_bucket()
    assert bucket.get_bucket_info().name == bucket.bucket_name
    assert bucket.get_bucket_acl().acl == "private"
    assert bucket.get_bucket_location().location == "oss-local"
    service = oss2.Service(oss2.Auth("id", "s3cret"), served[0])
    assert bucket.bucket_name in [found.name for found in service.list_buckets().buckets]
    bucket.put_object("dir/", b"")
    assert bucket.object_exists("dir/")
    assert [found.key for found in oss2.ObjectIterator(bucket)] == ["dir/"]
    assert bucket.get_bucket_stat().object_count == 1
    upload = bucket.init_multipart_upload("part").upload_id
    assert [found.key for found in bucket.list_multipart_uploads().upload_list] == ["part"]
    with pytest.raises(oss2.exceptions.ServerError):
        bucket.upload_part("part", upload, 1, b"x")
        bucket.complete_multipart_upload("part", upload, [oss2.models.PartInfo(1, "0" * 32)])
    bucket.abort_multipart_upload("part", upload)
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_bucket()
    bucket.delete_object("dir/")
    bucket.delete_bucket()
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.put_object("x" * 1025, b"")
    assert caught.value.status == 400
    bucket.put_object("x" * 1024, b"long")
    assert bucket.get_object("x" * 1024).read() == b"long"
    assert [found.key for found in oss2.ObjectIterator(bucket)] == ["x" * 1024]


def test_version_4(served: tuple[str, Path]) -> None:
    auth = oss2.AuthV4("id", "s3cret")
    bucket = oss2.Bucket(auth, served[0], f"v4{time.monotonic_ns()}", region="cn-hangzhou")
    bucket.put_object("a b 中", b"content", headers={"x-oss-meta-a": "b"})
    assert bucket.get_object("a b 中", byte_range=(0, 2)).read() == b"con"
    assert [found.key for found in oss2.ObjectIteratorV2(bucket, prefix="a ")] == ["a b 中"]
    with urllib.request.urlopen(bucket.sign_url("GET", "a b 中", 60)) as answer:
        assert answer.read() == b"content"
    for wrong in (oss2.AuthV4("id", "wrong"), oss2.AuthV4("other", "s3cret")):
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            oss2.Bucket(wrong, served[0], bucket.bucket_name, region="cn-hangzhou").get_object("a b 中")
        assert caught.value.status == 403
        assert caught.value.code
    for url in (bucket.sign_url("GET", "k", -60), bucket.sign_url("GET", "k", 60).replace("/k?", "/other?")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url)
        assert refused.value.code == 403
        refused.value.close()


def test_a_bucket_in_the_host_name(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        date = formatdate(usegmt=True)
        text = f"PUT\n\n\n{date}\n/bucket/dir/key"
        made = base64.b64encode(hmac.new(b"s3cret", text.encode(), hashlib.sha1).digest()).decode()
        headers = {
            "date": date,
            "authorization": f"OSS id:{made}",
            "host": "bucket.oss-cn-qingdao.aliyuncs.com",
        }
        assert service.dispatch(Request("PUT", "/dir/key", headers, b"x")).status == 200
        assert service.oss_path("oss://bucket/dir/key").read_bytes() == b"x"


def test_unsigned_requests_get_an_error_in_xml(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d") as service:
        answer = service.dispatch(Request("GET", "/bucket/key", {}, b""))
        assert answer.status == 403
        assert b"<Code>AccessDenied</Code>" in answer.body
        assert (
            service.dispatch(Request("GET", "/jobs", {}, b"")).headers["Content-Type"] == "application/json"
        )


def signed(method: str, path: str, body: bytes = b"", **headers: str) -> Request:
    """Return a request with a valid signature for any path."""
    from urllib.parse import unquote

    date = headers.get("date", formatdate(usegmt=True))
    text = f"{method}\n\n\n{date}\n{unquote(path)}"
    made = base64.b64encode(hmac.new(b"s3cret", text.encode(), hashlib.sha1).digest()).decode()
    return Request(method, path, {"date": date, "authorization": f"OSS id:{made}"}, body)


@pytest.mark.parametrize(
    "key",
    [
        "../../x",
        "a/../../x",
        "..%2f..%2fx",
        "a/..",
        "./x",
        "a\0b",
        "%2e%2e/x",
        "....//../x",
        "a/./b",
    ],
)
def test_no_key_leaves_the_storage(tmp_path: Path, key: str) -> None:
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        outside = tmp_path / "d" / "x"
        for bucket in ("bucket", "..", ".", "b..b"):
            path = f"/{bucket}/{quote(key, safe='/%.')}"
            for method in ("PUT", "GET", "DELETE"):
                answer = service.dispatch(signed(method, path, b"harm"))
                assert answer.status in (400, 404), (method, path)
        assert not outside.exists()
        assert not (tmp_path / "x").exists()


def test_no_link_leaves_the_storage(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        (tmp_path / "secret").write_text("hidden")
        bucket = tmp_path / "d" / "oss" / "bucket"
        bucket.mkdir()
        (bucket / "link").symlink_to(tmp_path)
        (bucket / "file").symlink_to(tmp_path / "secret")
        for key in ("link/secret", "file", "link/new"):
            for method in ("GET", "HEAD", "PUT", "DELETE"):
                assert service.dispatch(signed(method, f"/bucket/{key}", b"x")).status == 404
        assert (tmp_path / "secret").read_text() == "hidden"
        assert not (tmp_path / "new").exists()


def test_unusual_requests(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        assert service.dispatch(signed("PUT", "/bucket/a", b"1")).status == 200
        assert service.dispatch(signed("PUT", "/bucket/a/b", b"2")).status == 409
        assert service.dispatch(signed("PUT", "/bucket/d/e", b"3")).status == 200
        assert service.dispatch(signed("PUT", "/bucket/d", b"4")).status == 409
        assert service.dispatch(signed("PATCH", "/bucket/a")).status == 405
        assert (
            service.dispatch(signed("GET", "/bucket/a", date="Tue, 06 Nov 2018 08:00:00 GMT")).status == 403
        )
        assert service.dispatch(signed("GET", "/bucket/a", date="soon")).status == 403
        bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Delete><Object><Key>&a;</Key></Object></Delete>'
        request = signed("POST", "/bucket/", bomb)
        assert service.dispatch(request).status == 405
