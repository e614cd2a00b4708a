"""Object storage elsewhere, of which no object is a file of this machine."""

from __future__ import annotations

import io
import sys
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest

from batchcompute import Client, ConfigError, ValidationError
from batchcompute.runner import sandbox
from batchcompute.runner.rooted import Root
from batchcompute.service import LocalService
from batchcompute.service.objects.base import ObjectStore, Page
from batchcompute.service.objects.directory import DirectoryStore
from batchcompute.service.objects.remote import RemoteStore
from tests.service.helpers import finish, job, task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runs commands as Linux does")


@pytest.fixture
def url() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex}"
    yield f"memory://{name}"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def remote(tmp_path: Path, url: str) -> Iterator[tuple[LocalService, Client]]:
    with LocalService(tmp_path / "data", slots=2, storage=url) as service, service.client() as client:
        yield service, client


def content(store: ObjectStore, place: str, start: int = 0, end: int = 10**6) -> str:
    """Return the content of an object."""
    reader = store.open(place)
    assert reader is not None
    with closing(reader):
        return reader.read(start, min(end, reader.stat.size)).decode()


def text(service: LocalService, place: str) -> str:
    stat = service.objects.stat(place)
    assert stat is not None, place
    return content(service.objects, place)


def run(client: Client, command: str, state: str = "Finished", **fields: Any) -> str:
    job_id = client.create_job(job({"t": task(command, **fields)})).Id
    finish(client, job_id, state)
    return job_id


def test_outputs_are_uploaded(remote: tuple[LocalService, Client]) -> None:
    service, client = remote
    job_id = run(client, "echo out; echo err >&2; exit 3", "Failed")
    found = client.get_instance(job_id, "t", 0)
    assert text(service, found.StdoutRedirectPath or "") == "out\n"
    assert text(service, found.StderrRedirectPath or "") == "err\n"
    assert client.logs(job_id, "t", 0).stdout == "out\n"
    assert found.Result.detail_text == "err\n"
    with pytest.raises(ConfigError, match="is not a file of this machine"):
        service.oss_path("oss://bucket/x")


def test_packages_and_mappings(remote: tuple[LocalService, Client]) -> None:
    if not sandbox.probe().usable:
        pytest.skip(sandbox.probe().reason)
    service, client = remote
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("run.sh")
        content = b"cat /in/deep/x /one.txt > /out/both; echo line > /app.log\n"
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    service.objects.write("oss://b/worker.tar.gz", [packed.getvalue()])
    service.objects.write("oss://b/in/deep/x", [b"deep"])
    service.objects.write("oss://b/one", [b"one"])
    made = task(
        "sh run.sh",
        InputMapping={"oss://b/in/": "/in/", "oss://b/one": "/one.txt"},
        OutputMapping={"/out/": "oss://b/out/"},
        LogMapping={"/app.log": "oss://b/logs/"},
    )
    made.Parameters.Command.PackagePath = "oss://b/worker.tar.gz"
    job_id = client.create_job(job({"t": made})).Id
    finish(client, job_id)
    assert text(service, "oss://b/out/both") == "deepone"
    assert text(service, f"oss://b/logs/app.log.{job_id}.t.0") == "line\n"


def test_missing_inputs_are_named(remote: tuple[LocalService, Client]) -> None:
    _, client = remote
    made = task("true")
    made.Parameters.Command.PackagePath = "oss://b/none.tar.gz"
    job_id = client.create_job(job({"t": made})).Id
    finish(client, job_id, "Failed")
    assert client.get_instance(job_id, "t", 0).Result.ErrorCode == "PackageError"
    job_id = run(client, "true", "Failed", InputMapping={"oss://b/none": "/x"})
    assert client.get_instance(job_id, "t", 0).Result.ErrorCode == "MountError"


def keys(store: ObjectStore, prefix: str, delimiter: str = "") -> list[str]:
    return [key for key, _ in store.page("b", prefix, delimiter, "", 100).items]


@pytest.fixture(params=["directory", "memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> ObjectStore:
    if request.param == "directory":
        (tmp_path / "oss").mkdir()
        return DirectoryStore(tmp_path / "oss")
    return RemoteStore(url if request.param == "memory" else (tmp_path / "remote").as_uri())


def test_every_storage_fulfils_the_same_contract(store: ObjectStore, tmp_path: Path) -> None:
    store.write("oss://b/k/1", [b"one", b"!"])
    store.write("oss://b/k/2", [b"two"])
    store.write("oss://b/k/deep/3 ü", [b"three"])
    store.write("oss://other/x", [b""])
    stat = store.stat("oss://b/k/1")
    assert stat is not None
    assert stat.size == 4
    assert stat.modified.year > 2000
    assert store.stat("oss://b/k") is None
    assert store.stat("oss://b/none") is None
    assert content(store, "oss://b/k/1", 1, 3) == "ne"
    assert keys(store, "") == ["k/1", "k/2", "k/deep/3 ü"]
    assert keys(store, "k/", "/") == ["k/1", "k/2", "k/deep/"]
    assert keys(store, "k/d") == ["k/deep/3 ü"]
    assert store.page("none", "", "", "", 10) == Page([], False)
    assert store.page("b", "", "", "k/1", 1).items[0][0] == "k/2"
    assert store.page("b", "", "", "k/1", 1).more
    assert not store.page("b", "", "/", "k/", 1).items
    assert store.exists("oss://b/k/")
    assert store.exists("oss://b/k/2")
    assert not store.exists("oss://b/none/")
    assert not store.exists("oss://b/none")
    root = Root(tmp_path)
    store.fetch("oss://b/k/", root, ["got"])
    assert {str(path.relative_to(tmp_path / "got")) for path in (tmp_path / "got").rglob("*") if path.is_file()} == {
        "1", "2", "deep/3 ü",
    }  # fmt: skip
    store.fetch("oss://b/k/2", root, ["single", "2"])
    assert (tmp_path / "single" / "2").read_bytes() == b"two"
    with pytest.raises(FileNotFoundError):
        store.fetch("oss://b/none", root, ["nothing"])
    for name in ("1", "2", "deep/3 ü"):
        store.deliver(root, ["got", *name.split("/")], f"oss://b/again/{name}", keep=name == "2")
    assert (tmp_path / "got" / "2").exists()
    assert keys(store, "again/") == ["again/1", "again/2", "again/deep/3 ü"]
    store.remove("oss://b/k/1")
    store.remove("oss://b/k/1")
    assert store.stat("oss://b/k/1") is None
    for place in ("oss://b/../x", "oss://../x", "oss://b/a/./x", "s3://b/x", "oss://b/a\x01b", "oss:///x"):
        for method in (store.stat, store.exists, store.local, store.remove):
            with pytest.raises(ValidationError):
                method(place)


def test_secrets_of_a_url_are_not_shown() -> None:
    assert RemoteStore("memory://user:secret@bucket/x?key=secret").describe() == "memory://bucket/x"


def test_unusable_urls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nosuch://bucket"):
        LocalService(tmp_path / "data", storage="nosuch://user:secret@bucket")
    with pytest.raises(ConfigError, match="nosuch://… cannot be used") as caught:
        LocalService(tmp_path / "data", storage="nosuch://user:secret@[")
    assert "secret" not in str(caught.value)
