"""Object storage over HTTP, used by the vendor's own library and by requests that mean harm."""

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
from batchcompute.service.wire import Request
from tests.service.test_serve import KEYS, serving

with warnings.catch_warnings():
    # The vendor's library is of 2024, and its regular expressions are older.
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
    # A range behind the end: the whole object, unless the standard's way is asked for.
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
    assert not list((served[1] / "uploads").iterdir())


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


def signed(method: str, path: str, body: bytes = b"", **headers: str) -> Request:
    """A request whose signature is right, whatever its path."""
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
        "a\\..\\x",
        "a\0b",
        "%2e%2e/x",
        "....//../x",
        "a/./b",
    ],
)
def test_no_key_leads_out(tmp_path: Path, key: str) -> None:
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


def test_no_link_leads_out(tmp_path: Path) -> None:
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


def test_odd_requests(tmp_path: Path) -> None:
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
