"""Programs that replace files of the service by links, pipes or devices harm only themselves."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from batchcompute import Client
from batchcompute.runner import sandbox
from batchcompute.runner.rooted import NotRegular, Root
from batchcompute.service import LocalService
from batchcompute.service.engines.base import AttemptStatus, Handle
from batchcompute.service.engines.local import LocalEngine
from batchcompute.service.objects.directory import DirectoryStore
from batchcompute.service.watchdog import Watchdog
from tests.service.helpers import finish, job, remains, task, until
from tests.service.test_mappings import put, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

KINDS = {
    "fifo": 'mkfifo "$at"',
    "device": 'mknod "$at" c 1 5 || mkfifo "$at"',
    "directory": 'mkdir "$at"',
    "link": 'ln -s /etc/passwd "$at"',
    "dangling": 'ln -s nowhere "$at"',
    "giant": 'truncate -s 1T "$at"',
    "locked": ': > "$at"; chmod 0 "$at"',
    "socket": 'cd "$(dirname "$at")"; '
    'python3 -c \'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])\' "$(basename "$at")"',
}

# Paths of files that a program can find from its shim and its working directory.
PLACES = {
    "exit": '"$PWD.exit"',
    "stdout": '"$(readlink /proc/$$/fd/1)"',
    "stderr": '"$(readlink /proc/$$/fd/2)"',
    "work": '"$PWD"',
    "report": '"$PWD.exit.box"',
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_replaces_its_own_files(tmp_path: Path, kind: str) -> None:
    """Nothing blocks, other jobs run, and the next service starts."""
    with LocalService(tmp_path / "data", slots=2) as service, service.client() as client:
        ids = []
        for place in PLACES.values():
            for code in (0, 3):
                command = f'at={place}; rm -rf "$at"; {KINDS[kind]}; exit {code}'
                ids.append((client.create_job(job(command)).Id, code))
        for job_id, code in ids:
            finish(client, job_id, "Failed" if code else "Finished")
            assert client.get_instance(job_id, "t", 0).Result.ExitCode == code
        finish(client, client.create_job(job("true")).Id)
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        finish(client, client.create_job(job("true")).Id)
        until(lambda: not remains(service.data_dir / "work"))


@pytest.mark.parametrize("kind", ["fifo", "device", "directory", "link", "locked"])
def test_a_log_replaces_a_special_file(tmp_path: Path, kind: str) -> None:
    """An earlier program has left a special file at the path of a log."""
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        first = client.create_job(job("true")).Id
        finish(client, first)
        log = service.oss_path(client.get_instance(first, "t", 0).StdoutRedirectPath)
        number = int(first[-8:], 16) + 1
        planted = log.parent / log.name.replace(first, f"{first[:-8]}{number:08X}")
        os.system(f"at={planted}; {KINDS[kind]}")
        second = client.create_job(job("echo new")).Id
        assert planted.name.endswith(f"{second}.t.0")
        if kind == "directory":
            finish(client, second, "Failed")
            assert client.get_instance(second, "t", 0).Result.ErrorCode == "OutputError"
        else:
            finish(client, second)
            assert stat.S_ISREG(planted.lstat().st_mode)
            assert planted.read_text() == "new\n"
        finish(client, client.create_job(job("true")).Id)


@pytest.mark.parametrize("isolation", ["auto", "never"])
@pytest.mark.parametrize("kind", ["fifo", "device", "socket", "link"])
def test_special_files_are_not_uploaded(tmp_path: Path, kind: str, isolation: str) -> None:
    if isolation == "auto" and not sandbox.probe().usable:
        pytest.skip(sandbox.probe().reason)
    with LocalService(tmp_path / "data", slots=1, sandbox=isolation) as service, service.client() as client:  # type: ignore[arg-type]
        root = "${BATCH_COMPUTE_ROOT:-}"
        command = " && ".join(f"at={root}{path}; ({KINDS[kind]})" for path in ("/out/x", "/single", "/log"))
        job_id = run(
            client,
            f"cd /; {command}; echo y > {root}/out/plain",
            OutputMapping={"/out/": "oss://b/out/", "/single": "oss://b/single"},
        )
        detail = client.get_instance(job_id, "t", 0).Result.detail_text
        assert "/out/x" in detail
        assert "/single" in detail
        kept = [path for path in (service.data_dir / "oss" / "b").rglob("*") if not path.is_dir()]
        assert [path.name for path in kept if path.name in ("x", "single")] == []
        assert service.oss_path("oss://b/out/plain").read_text() == "y\n"


def test_an_output_with_further_hard_links_is_copied(tmp_path: Path) -> None:
    """Otherwise the object changes with the other file."""
    with LocalService(tmp_path / "data", slots=1, sandbox="never") as service, service.client() as client:
        put(service, "oss://b/kept", "before")
        target = service.oss_path("oss://b/kept")
        run(client, f"ln {target} $BATCH_COMPUTE_ROOT/out/x", OutputMapping={"/out/": "oss://b/out/"})
        copied = service.oss_path("oss://b/out/x")
        assert copied.read_text() == "before"
        assert copied.stat().st_ino != target.stat().st_ino


class Slow(LocalEngine):
    """An engine that answers slowly."""

    hold: ClassVar = threading.Event()

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        self.hold.wait(20)
        return super().status(handles)


def test_a_loop_that_is_stuck_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hold = Slow.hold
    hold.set()
    with LocalService(tmp_path / "data", slots=1, engine=Slow.create) as stuck, stuck.client() as client:
        finish(client, client.create_job(job("true")).Id)
        assert stuck.health().ok
        dispatcher = stuck._parts.dispatcher
        watchdog = Watchdog(dispatcher, limit=0.1, interval=0.02)
        try:
            hold.clear()
            client.create_job(job("true"))
            until(lambda: watchdog.health().stalls)
            assert not watchdog.health().ok
            assert "wait" in watchdog.health().last_stall
            assert watchdog.health().content()["status"] == "stalled"
            assert "in status" in caplog.text
        finally:
            hold.set()
            until(lambda: watchdog.health().ok)
            watchdog.close()
        finish(client, client.create_job(job("true")).Id)


@pytest.mark.parametrize("isolation", ["auto", "always"])
def test_the_shim_is_the_parent_process_of_every_command(
    tmp_path: Path, isolation: Literal["auto", "always"]
) -> None:
    """A program that kills its parent process harms only itself."""
    forms = {
        "plain words": f"{sys.executable} {tmp_path / 'kill.py'}",
        "a line": "true; kill -9 $PPID; sleep 1",
        "a program of a line": f"true && {sys.executable} {tmp_path / 'kill.py'} && true",
        "exec": "exec sh -c 'kill -9 $PPID; sleep 1'",
        "a subshell": "(kill -9 $PPID); sleep 1",
    }
    (tmp_path / "kill.py").write_text("import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(1)\n")
    with LocalService(tmp_path / "data", slots=2, sandbox=isolation) as service, service.client() as client:
        for command in forms.values():
            client.wait(client.create_job(job(command)), raise_on_failure=False, timeout=20)
        finish(client, client.create_job(job("true")).Id)


@pytest.mark.parametrize("code", [0, 1, 122, 123, 124, 126, 127, 128, 137, 255])
def test_every_exit_code_is_reported(local: Client, code: int) -> None:
    for command in (f"exit {code}", f"sh -c 'exit {code}'"):
        job_id = local.create_job(job(command)).Id
        finish(local, job_id, "Failed" if code else "Finished")
        assert local.get_instance(job_id, "t", 0).Result.ExitCode == code
    assert local.get_instance(job_id, "t", 0).Result.ErrorCode != "ProgramKilled"


def test_exit_codes_are_right_if_child_processes_are_ignored(tmp_path: Path) -> None:
    """The program that embeds the service ignores SIGCHLD."""
    code = f"""
import signal, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from batchcompute.service import LocalService
with LocalService({str(tmp_path / "data")!r}, slots=1) as service, service.client() as client:
    for line, wanted in (("exit 7", 7), ("true", 0), ("sh -c 'exit 3'", 3)):
        task = {{"AutoCluster": {{"InstanceType": "x"}}, "Parameters": {{"Command": {{"CommandLine": line}}}}}}
        job = client.create_job({{"Name": "x", "DAG": {{"Tasks": {{"t": task}}}}}})
        client.wait(job, raise_on_failure=False, timeout=20)
        assert client.get_instance(job.Id, "t", 0).Result.ExitCode == wanted, line
print("right")
"""
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "right\n", done.stderr


def test_the_descriptors_of_a_program(local: Client) -> None:
    """Its input is empty, and it inherits no descriptor of the service."""
    made = task("cat; ls -l /proc/self/fd >&2; exit 3")
    job_id = local.create_job(job({"t": made})).Id
    finish(local, job_id, "Failed")
    detail = local.get_instance(job_id, "t", 0).Result.detail_text
    assert ".exit" not in detail
    assert ".db" not in detail


def test_an_output_that_two_instances_upload_to_one_object_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second upload replaces the object between the move of the first one and its check."""
    storage, work = DirectoryStore(tmp_path / "oss"), Root(tmp_path)
    for name in ("first", "second"):
        (tmp_path / name).write_text(name)
    move = Root.rename

    def overtaken(root: Root, parts: Sequence[str], *arguments: Any, **keywords: Any) -> None:
        move(root, parts, *arguments, **keywords)
        if parts == ("first",):
            storage.deliver(work, ("second",), "oss://bucket/x")

    monkeypatch.setattr(Root, "rename", overtaken)
    storage.deliver(work, ("first",), "oss://bucket/x")
    assert storage.path("oss://bucket/x").read_text() == "second"
    work.close()
    storage.close()


@pytest.mark.parametrize("kind", ["a link", "a hard link", "a setuid program"])
def test_an_output_that_is_replaced_while_it_is_uploaded_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    storage, work = DirectoryStore(tmp_path / "oss"), Root(tmp_path)
    (tmp_path / "output").write_text("output")
    (tmp_path / "other").write_text("other")
    move = Root.rename

    def replaced(root: Root, *arguments: Any, **keywords: Any) -> None:
        (tmp_path / "output").unlink()
        if kind == "a link":
            (tmp_path / "output").symlink_to("other")
        elif kind == "a hard link":
            (tmp_path / "output").hardlink_to(tmp_path / "other")
        else:
            (tmp_path / "output").touch()
            (tmp_path / "output").chmod(0o4755)
        move(root, *arguments, **keywords)

    monkeypatch.setattr(Root, "rename", replaced)
    with pytest.raises(NotRegular):
        storage.deliver(work, ("output",), "oss://bucket/x")
    assert not os.path.lexists(storage.path("oss://bucket/x"))
    assert (tmp_path / "other").read_text() == "other"
    work.close()
    storage.close()
