"""Attacks on the service, and similar cases."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from batchcompute import ConfigError, ValidationError
from batchcompute.runner import copying, sandbox
from batchcompute.runner.rooted import Root
from batchcompute.runner.shim import shim_arguments
from batchcompute.service import LocalService
from batchcompute.service.api.authentication import Keys
from batchcompute.service.data_directory import private_directory
from batchcompute.service.isolation import Isolation, accounts_of
from batchcompute.service.objects.directory import DirectoryStore
from batchcompute.service.store.keys import KeyFile
from tests.service.helpers import connection, finish, job, task, until
from tests.service.test_mappings import run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
BOXES = pytest.mark.skipif(not sandbox.probe().processes, reason=sandbox.probe().reason or "no namespaces")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


def of_alice(service: LocalService, job_id: str) -> None:
    """Make a waiting job one of another owner, as if her key had made it."""
    with connection(service._parts.store.write()) as db:
        db.execute("UPDATE jobs SET owner = 'alice' WHERE id = ?", (job_id,))
        db.execute("INSERT OR REPLACE INTO buckets VALUES ('bucket', 'alice', '')")


@pytest.mark.parametrize("mode", ["never", "auto"])
def test_another_owners_program_never_runs_without_a_sandbox(
    tmp_path: Path, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Her key may be revoked, and sandboxes may have become usable; neither matters."""
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        client.create_job(job("sleep 60"))
        job_id = client.create_job(job(f"touch {tmp_path}/escaped")).Id
        of_alice(service, job_id)
    if mode == "auto":
        monkeypatch.setattr(sandbox, "_try", lambda user: sandbox.SandboxSupport(False, reason="it is gone"))
        monkeypatch.setattr(sandbox, "_probed", {})
    with LocalService(tmp_path / "d", slots=2, sandbox=mode) as service:

        def state() -> str:
            with connection(service._parts.store.read()) as db:
                return str(db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()[0])

        until(lambda: state() == "Failed")
        with connection(service._parts.store.read()) as db:
            row = db.execute("SELECT message FROM jobs WHERE id = ?", (job_id,)).fetchone()
        assert "cannot be kept apart" in row[0]
        assert not (tmp_path / "escaped").exists()


def test_owners_of_revoked_keys_still_count_as_owners(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "credentials.json")
    keys = Keys(file, isolation=Isolation(lambda: "no sandboxes"), owners={"bob"})
    first, alice = file.ensure({}), file.add("alice")
    assert keys.owners() == {"local", "alice", "bob"}
    file.revoke(alice.access_key_id)
    assert keys.owners() == {"local", "alice", "bob"}
    # The owner of the first key in the file is not the first owner for that reason.
    second = file.add("alice")
    file.revoke(first.access_key_id)
    with pytest.raises(Exception, match="Owner .* is refused: "):
        keys.find(second.access_key_id)


def test_a_sandbox_that_failed_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter(
        [sandbox.SandboxSupport(False, reason="no room"), sandbox.SandboxSupport(True, True, program="x")]
    )
    monkeypatch.setattr(sandbox, "_probed", {})
    monkeypatch.setattr(sandbox, "_try", lambda user: next(found))
    monkeypatch.setattr(sandbox, "_RETRY", 0.0)
    assert not sandbox.probe().usable
    assert sandbox.probe(None).usable
    assert sandbox.probe().usable


def test_a_lack_of_resources_does_not_disable_sandboxes(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(sandbox, "_probed", {})
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/true")
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", full)
        with pytest.raises(OSError, match="Too many"):
            sandbox.probe()
        done = subprocess.CompletedProcess([], 1, "", "bwrap: fork: Resource temporarily unavailable")
        patch.setattr(subprocess, "run", lambda *args, **options: done)
        with pytest.raises(BlockingIOError, match="could not be tried"):
            sandbox.probe()
    assert sandbox._probed == {}


@BOXES
@ROOT
def test_a_strict_sandbox_of_root_cannot_change_the_kernel(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        # If there is another owner, the sandboxes of the first owner are strict, too.
        service._parts.keys._owners.add("alice")
        command = (
            "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && echo WRITTEN; "
            "find /proc/sys /proc/sysrq-trigger -writable -type f | xargs -r -n1 sh -c ': >> $0 && echo $0' 2>/dev/null; "
            "test -w /sys/kernel && echo SYS; touch /etc/x /usr/x 2>/dev/null && echo HOST; echo done"
        )
        job_id = client.create_job(job(command)).Id
        client.wait(job_id, raise_on_failure=False, timeout=30)
        assert client.logs(job_id, "t", 0).stdout == "done\n"


@BOXES
@pytest.mark.parametrize(
    "path", ["/tmp/results/x", "/var/tmp/a/x", "/run/r/x", "DATA/sub/x", "DATA/oss/new/x"]
)
@pytest.mark.parametrize("strict", [False, True])
def test_single_outputs_below_hidden_directories(tmp_path: Path, path: str, strict: bool) -> None:
    path = path.replace("DATA", str(tmp_path / "d"))
    before = Path(path).parent.exists()
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        if strict:
            service._parts.keys._owners.add("alice")
        run(client, f"echo made > {path}", OutputMapping={path: "oss://bucket/made"})
        assert service.oss_path("oss://bucket/made").read_text() == "made\n"
    assert Path(path).parent.exists() == before


@pytest.mark.parametrize(
    "names", [["work/thesis.txt"], ["notes.txt"], [".bashrc"], ["oss/x", "photo.jpg"], ["kept/x"]]
)
def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("precious")
        (tmp_path / name).chmod(0o644)
    with pytest.raises(ConfigError, match="is no data directory"):
        LocalService(tmp_path)
    for name in names:
        assert (tmp_path / name).read_text() == "precious"
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644
    assert not (tmp_path / "batchcompute.db").exists()


def test_a_work_directory_below_one_that_others_may_change(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(PermissionError, match="can replace it"):
        private_directory(tmp_path / "open" / "mine")
    (tmp_path / "open").chmod(0o1777)
    private_directory(tmp_path / "open" / "mine")
    if os.geteuid() == 0:
        os.chown(tmp_path / "open", 12345, 12345)
        with pytest.raises(PermissionError, match="another user"):
            private_directory(tmp_path / "open" / "mine")


@pytest.mark.parametrize(
    "command", ["chmod 0 .; exit 3", "chmod 555 .; exit 3", "truncate -s 200G x; exit 3"]
)
def test_keeping_a_large_directory_does_not_delay_other_jobs(tmp_path: Path, command: str) -> None:
    """On another disk, the directory is copied; sparse files stay sparse, and other jobs do not wait for the copy."""
    work = Path("/dev/shm") / f"test-{os.getpid()}"
    work.mkdir(mode=0o700)
    try:
        with LocalService(tmp_path / "d", slots=1, work_dir=work) as service, service.client() as client:
            made = task(command)
            made.AutoCluster.ReserveOnFail = True
            job_id = client.create_job(job({"t": made})).Id
            finish(client, job_id, "Failed")
            assert client.get_instance(job_id, "t", 0).Result.ExitCode == 3
            assert "kept" in client.get_instance(job_id, "t", 0).Result.detail_text
            finish(client, client.create_job(job("true")).Id)
            assert service.health().ok
            if "200G" in command:
                kept = service.data_dir / "kept" / f"{job_id}.t.0" / "x"
                assert kept.stat().st_size == 200 * 1024**3
                assert kept.stat().st_blocks < 1000
    finally:
        for path in work.iterdir():
            path.rmdir()
        work.rmdir()


def test_health_reports_a_loop_whose_rounds_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:

        def broken() -> None:
            raise RuntimeError("a defect")

        with monkeypatch.context() as patch:
            patch.setattr(service._parts.dispatcher, "_repeat_cancellations", broken)
            job_id = client.create_job(job("true")).Id
            until(lambda: service.health().failing_seconds > 0)
            # The other parts of each round still run.
            finish(client, job_id)
        until(lambda: service.health().failing_seconds == 0)


def test_a_defect_in_one_job_does_not_affect_other_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from batchcompute.service.workspaces.planner import AttemptPlanner

    real = AttemptPlanner.plan
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:

        def broken(self: AttemptPlanner, key: Any, *args: Any) -> Any:
            if key[0] == 1:
                raise KeyError("Destination")
            return real(self, key, *args)

        monkeypatch.setattr(AttemptPlanner, "plan", broken)
        first = client.create_job(job("true")).Id
        finish(client, first, "Failed")
        assert "Destination" in client.get_instance(first, "t", 0).Result.ErrorMessage
        finish(client, client.create_job(job("true")).Id)


def test_processes_without_an_environment_delay_no_other_job(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", slots=2) as service, service.client() as client:
        started = tmp_path / "started"
        line = f"i=0; while [ $i -lt 150 ]; do setsid env -i /bin/sleep 30 & i=$((i+1)); done; touch {started}; sleep 30"
        many = client.create_job(job(line))
        until(started.exists)
        begun = time.monotonic()
        for _ in range(3):
            finish(client, client.create_job(job("true")).Id)
        assert time.monotonic() - begun < 5
        client.stop_job(many)
    os.system("pkill -f '^/bin/sleep 30$'")


def test_tokens_cannot_be_guessed(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d") as service:
        planner = service._parts.dispatcher._planner
        tokens = [planner.new_token((1, 0, 0)) for _ in range(100)]
        assert len({token.rpartition("-")[2] for token in tokens}) == 100
        assert all(len(token.rpartition("-")[2]) == 16 for token in tokens)


def test_the_walk_of_an_endless_tree_is_bounded(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        root = "${BATCH_COMPUTE_ROOT:-}"
        line = (
            f"cd {root}/out; echo x > top; i=0; while [ $i -lt 1500 ]; do mkdir d; cd d || exit 9; i=$((i+1)); done; "
            "echo y > deep"
        )
        begun = time.monotonic()
        job_id = run(client, line, OutputMapping={"/out/": "oss://bucket/out/"})
        # The machine may be busy. The text below names the place where the walk ended.
        assert time.monotonic() - begun < 60
        assert service.oss_path("oss://bucket/out/top").read_text() == "x\n"
        assert "/out/d/d/d" in client.get_instance(job_id, "t", 0).Result.detail_text


def test_copies_of_sparse_files_stay_sparse(tmp_path: Path) -> None:
    root = Root(tmp_path)
    with (tmp_path / "holes").open("wb") as file:
        file.write(b"begin")
        file.seek(10**9)
        file.write(b"middle")
        file.truncate(2 * 10**9)
    copying.copy_tree(root, ["holes"], root, ["copy"])
    copied = (tmp_path / "copy").stat()
    assert copied.st_size == 2 * 10**9
    assert copied.st_blocks < 100
    with (tmp_path / "copy").open("rb") as file:
        assert file.read(6) == b"begin\0"
        file.seek(10**9)
        assert file.read(7) == b"middle\0"
    store = DirectoryStore(tmp_path / "oss")
    (tmp_path / "plain").write_bytes(os.urandom(10_000_000))
    store.deliver(root, ["plain"], "oss://bucket/x", keep=True)
    assert store.path("oss://bucket/x").read_bytes() == (tmp_path / "plain").read_bytes()
    store.close()
    root.close()


def test_a_command_that_begins_with_a_dash_is_not_an_option() -> None:
    assert shim_arguments("-x; true")[-3:] == ["-c", "--", "-x; true"]
    assert shim_arguments("+x", ("sandbox",))[-4:] == ["/bin/sh", "-c", "--", "+x"]


@ROOT
def test_two_owners_must_not_share_a_unix_user() -> None:
    with pytest.raises(ConfigError, match="a different user for each owner"):
        accounts_of({"alice": "nobody", "bob": "nobody"})


@BOXES
def test_too_many_variables_and_mounts_have_a_clear_error(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", slots=1, sandbox="always") as service, service.client() as client:
        made = task("true")
        made.Parameters.Command.EnvVars = {f"V{number}": "x" for number in range(3100)}
        with pytest.raises(ValidationError, match="EnvVars: may hold at most 2000 entries"):
            client.create_job(job({"t": made}))
        # The allowed number of variables, and too many mounts in addition.
        service.objects.write("oss://b/x", [b"x"])
        mounts = [{"Source": "oss://b/x", "Destination": f"/{number}"} for number in range(1000)]
        made = task("true", Mounts={"Entries": mounts})
        made.Parameters.Command.EnvVars = {f"V{number}": "x" for number in range(2000)}
        job_id = client.create_job(job({"t": made})).Id
        finish(client, job_id, "Failed")
        message = client.get_instance(job_id, "t", 0).Result.ErrorMessage
        assert "can have about 2966 mounts and variables" in message
