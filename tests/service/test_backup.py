"""Backups of a running server, and what happens to wrong ones."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import stat
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchcompute import Client, ConfigError
from batchcompute.cli import main
from batchcompute.service import LocalService
from batchcompute.service.backup import back_up, restore
from batchcompute.service.store.database import Store
from batchcompute.service.store.schema import MIGRATIONS
from batchcompute.service.usage import usage_of
from tests.service.helpers import finish, until
from tests.service.helpers import job as make_job
from tests.service.test_serve import KEYS, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


def test_a_backup_of_a_running_server_survives_the_loss_of_its_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, file, gate = tmp_path / "d", tmp_path / "backup.tar.gz", tmp_path / "gate"
    with serving(directory, "--slots", "2", **KEYS) as (url, _), Client(url, "id", "s3cret") as client:
        done = client.create_job(make_job("echo kept", Name="done"))
        assert client.wait(done).State == "Finished"
        running = client.create_job(make_job(f"until [ -e {gate} ]; do sleep 0.02; done; echo again"))
        client.wait(running, until="Running")
        assert main(["--data-dir", str(directory), "--json", "backup", str(file)]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["Files"] >= 4
        # A job that is created after the backup is not in it.
        late = client.create_job(make_job("true"))
        client.wait(late)
        gate.touch()
        client.wait(running)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob(".backup*")) == []
    shutil.rmtree(directory)
    assert main(["restore", str(file), "--data-dir", str(directory)]) == 0
    assert f"{report['Files']} files" in capsys.readouterr().out
    with serving(directory) as (url, _), Client(url, "id", "s3cret") as client:
        assert sorted(job.Id for job in client.iter_jobs()) == sorted([done.Id, running.Id])
        assert client.get_job(done).State == "Finished"
        assert client.logs(done, "t").stdout == "kept\n"
        assert client.wait(running).State == "Finished"
        assert client.logs(running, "t").stdout == "again\n"
        assert client.get_instance(running, "t", 0).RetryCount == 1


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a data directory with unusual objects."""
    data = tmp_path_factory.mktemp("original") / "data"
    with LocalService(data) as service, service.client() as client:
        service.objects.write("oss://bucket/dir/", [])
        service.objects.write("oss://bucket/a\nb \u202e", [b"content"])
        job = client.create_job(make_job("true"))
        finish(client, job.Id)
    return data


@pytest.fixture
def directory(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "data")


def test_names_links_and_pipes(directory: Path, tmp_path: Path) -> None:
    bucket = directory / "oss" / "bucket"
    (Path(os.fsdecode(os.fsencode(bucket) + b"/\xff\xfe"))).write_bytes(b"no text")
    (bucket / "link").symlink_to("/etc/passwd")
    os.mkfifo(bucket / "pipe")
    closed = directory / "kept" / "job-1.t.0"
    closed.mkdir(parents=True)
    (closed / "file").write_text("kept")
    report = back_up(directory, tmp_path / "b.tar")
    assert report.left_out == 2
    restored = tmp_path / "restored"
    restored.mkdir()
    assert restore(tmp_path / "b.tar", restored).files == report.files
    assert (restored / "oss" / "bucket" / "dir").is_dir()
    assert Path(os.fsdecode(os.fsencode(restored) + b"/oss/bucket/\xff\xfe")).read_bytes() == b"no text"
    assert (restored / "kept" / "job-1.t.0" / "file").read_text() == "kept"
    assert not (restored / "oss" / "bucket" / "link").exists()
    assert stat.S_IMODE(restored.stat().st_mode) == 0o700
    with LocalService(restored) as service:
        assert service.objects.exists("oss://bucket/a\nb \u202e")


def test_what_a_backup_refuses(directory: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.tar"
    target.touch()
    for file, said in (
        (target, "exists already"),
        (directory / "oss" / "b.tar", "in the data directory itself"),
        (tmp_path / "no" / "b.tar", "cannot be written: No such file"),
    ):
        with pytest.raises(ConfigError, match=said):
            back_up(directory, file)
    (directory / "batchcompute.db").write_bytes(b"x" * 8192)
    with pytest.raises(ConfigError, match="cannot be copied: file is not a database"):
        back_up(directory, tmp_path / "c.tar")
    assert {path.name for path in tmp_path.iterdir()} == {"b.tar", "data"}


def rewritten(source: Path, target: Path, change: Any) -> Path:
    """Write a backup anew, with changed members."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member)
            data = content.read() if content else b""
            changed = change(member, data)
            if changed is not None:
                member, data = changed
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return target


def renamed(name: str) -> Any:
    def change(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "identity":
            member.name = name
        return member, data

    return change


def linked(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    if member.name == "identity":
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member, b""


def without(name: str) -> Any:
    return lambda member, data: None if member.name == name else (member, data)


def replaced(name: str, content: bytes) -> Any:
    return lambda member, data: (member, content if member.name == name else data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (renamed("../outside"), "it holds '../outside'"),
        (renamed("/outside"), "it holds '/outside'"),
        (renamed("oss/../../outside"), "cannot be restored"),
        (linked, "it holds 'identity'"),
        (without("identity"), "files are missing"),
        (without("backup.json"), "its end is missing"),
        (replaced("backup.json", b'{"format": 2}'), "its format is not known"),
        (replaced("backup.json", b"["), "is not a backup, or is damaged"),
        (replaced("identity", b""), "files are missing"),
    ],
)
def test_a_changed_backup_is_refused_and_leaves_nothing(
    change: Any, said: str, directory: Path, tmp_path: Path
) -> None:
    back_up(directory, tmp_path / "b.tar")
    before = sorted(tmp_path.rglob("*"))
    changed = rewritten(tmp_path / "b.tar", tmp_path / "changed.tar", change)
    with pytest.raises(ConfigError, match=said):
        restore(changed, tmp_path / "restored")
    changed.unlink()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_file_or_database_is_refused(directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    back_up(directory, file)
    restored = tmp_path / "restored"
    whole = file.read_bytes()
    for content in (b"", b"no archive", whole[:-100], whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match="is not a backup|its end is missing|cannot be restored"):
            restore(file, restored)
    file.write_bytes(whole)
    with tarfile.open(file) as archive:
        member = archive.extractfile("batchcompute.db")
        assert member is not None
        database = member.read()
    for content, said in (
        (b"x" * len(database), "its database is damaged"),
        # The version of the schema is a number of the header.
        (database[:60] + (99).to_bytes(4, "big") + database[64:], "later version of batchcompute .schema 99"),
        (database[:60] + bytes(4) + database[64:], "its database is not one of batchcompute"),
    ):
        changed = rewritten(file, tmp_path / "changed.tar", replaced("batchcompute.db", content))
        with pytest.raises(ConfigError, match=said):
            restore(changed, restored)
    assert not restored.exists()
    with pytest.raises(ConfigError, match="is not empty"):
        restore(file, directory)


def test_a_full_disk_leaves_no_part_of_a_backup(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(ConfigError, match="cannot be written: No space left on device"):
        back_up(directory, tmp_path / "b.tar")
    assert not list(tmp_path.glob("*b.tar*"))


@pytest.mark.parametrize("schema", range(1, len(MIGRATIONS) + 1))
def test_a_directory_of_each_schema_is_backed_up_as_it_is_and_then_opened(
    schema: int, tmp_path: Path
) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    with closing(sqlite3.connect(directory / "batchcompute.db")) as db:
        db.executescript(f"{''.join(MIGRATIONS[:schema])} PRAGMA user_version={schema};")
    usage_of(directory)
    back_up(directory, tmp_path / "b.tar")
    restore(tmp_path / "b.tar", tmp_path / "restored")
    for path in (directory, tmp_path / "restored"):
        with closing(sqlite3.connect(path / "batchcompute.db")) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == schema
        store = Store(path / "batchcompute.db")
        with store.read() as transaction:
            assert transaction.jobs.count_active_instances() == (0, 0, 0)
        store.close()


def test_du_shows_each_part_and_changes_nothing(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "oss" / "bucket" / "large").write_bytes(b"x" * 300_000)
    closed = directory / "work" / "closed"
    closed.mkdir(mode=0o000)
    usage = usage_of(directory)
    assert stat.S_IMODE(closed.stat().st_mode) == 0
    assert usage.spaces["oss://bucket/"].size >= 300_000
    assert usage.spaces["database"].size > 0
    assert usage.rows["ended jobs"] == 1
    assert main(["du", "--data-dir", str(directory)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "oss://bucket/"
    assert main(["du", "--json", "--data-dir", str(directory)]) == 0
    assert json.loads(capsys.readouterr().out)["Rows"]["instances"] == 1
    assert until(lambda: main(["du", "--data-dir", str(directory / "no")])) == 2
