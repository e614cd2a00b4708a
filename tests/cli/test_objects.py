"""Objects from a terminal, in the service of this process and through a server."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchcompute.cli import objects
from batchcompute.cli.packing import write_archive
from batchcompute.client import object_storage
from batchcompute.http.object_calls import list_objects
from tests.cli.helpers import Terminal, Write

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


@pytest.fixture(params=["embedded", "joined"])
def either(request: pytest.FixtureRequest, cli: Terminal) -> Iterator[Terminal]:
    """Commands that use the service of this process, or a server."""
    if request.param == "joined":
        cli("up")
    yield cli
    if request.param == "joined":
        cli("down")


def test_objects_are_copied_listed_read_and_removed(
    either: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = either
    monkeypatch.setattr(object_storage, "_PART", 1000)
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3500))
    assert cli("cp", str(file), "oss://b/in/").out == f"{file} -> oss://b/in/file\n"
    assert cli("cp", "oss://b/in/file", "oss://b/ü &?%#x").status == 0
    assert cli("cp", "oss://b/in/file", str(tmp_path / "new" / "copy")).status == 0
    assert (tmp_path / "new" / "copy").read_bytes() == file.read_bytes()
    listed = json.loads(cli("ls", "-r", "--json", "oss://b").out)
    assert {(one["Url"], one["Size"]) for one in listed} == {
        ("oss://b/in/file", 3500),
        ("oss://b/ü &?%#x", 3500),
    }
    assert "oss://b/in/\n" in cli("ls", "oss://b/").out
    assert cli("ls").out == "oss://b/\n"

    (tmp_path / "empty").touch()
    assert cli("cp", str(tmp_path / "empty"), "oss://b/empty").status == 0
    assert cli("cat", "oss://b/empty").out == ""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"typed")))
    assert cli("cp", "-", "oss://b/typed").status == 0
    assert cli("cat", "oss://b/typed", "oss://b/typed").out == "typedtyped"
    assert cli("cp", "oss://b/typed", "-").out == "typed"

    assert cli("rm", "oss://b/typed", "oss://b/empty").out == "2 objects were removed\n"
    assert cli("rm", "oss://b/typed").status == 3
    assert cli("rm", "oss://b/in/").status == 2
    assert json.loads(cli("rm", "--json", "-r", "oss://b/in").out) == {"Removed": 1}
    assert cli("cat", "oss://b/in/file").status == 3
    assert not list((cli.directory / "uploads").glob("[0-9A-F]*")), "no upload is left behind"


def test_directories_are_copied_both_ways(cli: Terminal, tmp_path: Path) -> None:
    source = tmp_path / "src"
    (source / "deep").mkdir(parents=True)
    (source / "a").write_text("a")
    (source / "deep" / "b").write_text("b")
    (source / "link").symlink_to("/etc/passwd")
    assert cli("cp", "-r", str(source), "oss://b/dir").out.count(" -> ") == 2
    assert cli("cp", "-r", "oss://b/dir/", str(tmp_path / "back")).status == 0
    assert (tmp_path / "back" / "deep" / "b").read_text() == "b"
    assert cli("cp", "-r", "oss://b/dir", "oss://c/x/").status == 0
    assert len(json.loads(cli("ls", "-r", "oss://c/x/", "--json").out)) == 2


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["cp", "a", "b"], 2, "one of SOURCE and TARGET must be a URL like oss://bucket/key"),
        (["cp", "/no/such/file", "oss://b/x"], 2, "/no/such/file: No such file or directory"),
        (["cp", "oss://b/none", "out"], 3, "NoSuchKey"),
        (["cp", "oss://b/", "out"], 2, "oss://b/ is a directory: give --recursive"),
        (["cp", "-r", "oss://b/none/", "out"], 3, "no object below oss://b/none/"),
        (["cp", "-", "oss://b/"], 2, "the target of stdin must be an object"),
        (["cp", "-r", "/etc/hostname", "oss://b/"], 2, "--recursive needs a directory"),
        (["cat", "b/x"], 2, "it must be a URL like oss://bucket/key, not 'b/x'"),
        (["cat", "oss://B B/x"], 4, "bucket"),
        (["cat", "oss://b/x", "--json"], 2, "objects are no JSON"),
        (["ls", "oss://none-such/"], 3, "none-such"),
        (["rm", "-r", "oss://none-such/"], 3, "none-such"),
    ],
)  # fmt: skip
def test_a_mistake_about_objects_is_one_line(
    cli: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    cli.make_directory()
    done = cli(*words)
    assert (done.status, done.err.count("\n")) == (status, 1), done
    assert message in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/etc/x", "a//b", "..", "a/\0b", "a\\..\\b"])
def test_an_object_cannot_leave_the_target(name: str) -> None:
    with pytest.raises(Exception, match="has no name that a file below out can have"):
        objects._inside("out", name)


def test_xml_of_others_cannot_define_entities() -> None:
    from batchcompute.api.responses import HttpResponse
    from batchcompute.errors import ResponseError

    call = list_objects("http://x", "b", "")
    for body in (b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', b"<x", b"{}"):
        with pytest.raises(ResponseError):
            call.parse(HttpResponse(200, {}, body))


def test_a_broken_upload_is_removed(cli: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_storage, "_PART", 1000)
    cli.make_directory()

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 1000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    from batchcompute.cli.connection import connected
    from batchcompute.cli.state import State

    with connected(State()) as client, pytest.raises(OSError, match="Input/output error"):
        object_storage.ObjectStorage(client).write("oss://b/x", Broken(b"x" * 5000))
    assert cli("cat", "oss://b/x").status == 3
    assert not list((cli.directory / "uploads").glob("[0-9A-F]*"))


CFG = "[DEFAULT]\njob_name=packed\npack={folder}\n[one]\ncmd=cat deep/b\n[two]\ncmd=sh run.sh\n"


def test_the_folder_of_a_job_cfg_is_packed_and_uploaded(
    either: Terminal, write: Write, tmp_path: Path
) -> None:
    cli = either
    folder = tmp_path / "src"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "b").write_text("content")
    (folder / "run.sh").write_text("echo run")
    file = write("job.cfg", CFG.replace("{folder}", str(folder)))
    done = cli("run", file, "--json")
    assert done.status == 0, done.err
    assert done.err.count("is packed in oss://batchcompute-packages/") == 1
    archives: list[Any] = []
    for _ in range(2):
        archive = io.BytesIO()
        write_archive(folder, archive)
        archives.append(archive.getvalue())
    assert archives[0] == archives[1]
    with tarfile.open(fileobj=io.BytesIO(archives[0])) as opened:
        assert opened.getnames() == ["deep", "deep/b", "run.sh"]
    done = cli("run", write("bad.cfg", CFG.replace("{folder}", "/no/such/folder")))
    assert (done.status, done.err) == (2, "batchcompute: pack=/no/such/folder: there is no such folder\n")


def test_the_other_resources_are_listed(cli: Terminal) -> None:
    cli.make_directory()
    for name in ("clusters", "apps", "images"):
        assert cli(name).out == f"there are no {name}\n"
        assert json.loads(cli(name, "--json").out) == []
        assert cli(name, "none-such").status == 3
    from batchcompute import LOCAL, Client

    with Client(LOCAL, "id", "secret") as client:
        groups = {"g": {"InstanceType": "ecs.s3.large", "DesiredVMCount": 1}}
        cluster = client.create_cluster({"Name": "c", "ImageId": "img-ubuntu", "Groups": groups}).Id
        client.create_app({"Name": "a", "CommandLine": "echo", "VM": {"ECSImageId": "img-ubuntu"}})
        client.create_image({"Name": "i", "Platform": "Linux", "EcsImageId": "m-1"})
    assert f"{cluster}  Active" in cli("clusters").out
    assert "g: " in cli("clusters").out
    assert json.loads(cli("clusters", cluster).out)["Name"] == "c"
    assert cli("apps").out.splitlines()[1].startswith("a ")
    assert "Linux" in cli("images").out
