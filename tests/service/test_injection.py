"""Scenes that reach every call site at which the system can fail the service, or the service can be killed."""

# `tools/inject_faults.py` plays these scenes, each in a separate process; the test runs a sample of them.

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from batchcompute import BatchComputeError
from batchcompute.resources import TaskDescription
from batchcompute.runner import sandbox
from batchcompute.service.store import large_jobs
from batchcompute.service.store.keys import KeyFile
from tests.service.helpers import carrying, job, task, until
from tests.service.injection import LIMIT, SLOTS, Driver, Faults, as_failing, passes, reason_of

ROOT = Path(__file__).parents[2]
OK = ("Finished", 0, "")
Result = tuple[str, int, str]


@dataclass(slots=True)
class Wanted:
    """The expected end of a job."""

    name: str
    id: str
    results: dict[str, Result]
    objects: dict[str, bytes] = field(default_factory=dict)
    """The expected objects after the expected end of the job."""
    gone: bool = False


class Scene(Driver):
    """A working service, some of whose calls fail; `labels` are the names of the errors."""

    def __init__(
        self,
        directory: Path,
        faults: Faults,
        labels: list[str],
        resumed: bool,
        sandbox_mode: Literal["auto", "never"],
    ) -> None:
        super().__init__(directory, faults, resumed, sandbox_mode)
        self.labels = labels
        self.marks = directory / "marks"
        self.marks.mkdir(exist_ok=True)
        self.wanted: list[Wanted] = []
        self.descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    # -- jobs ---------------------------------------------------------------------------------

    def task(self, name: str, command: str, **fields: Any) -> TaskDescription:
        """Return the description of a task whose attempts each leave a mark."""
        mark = f"{self.marks}/{name}.$BATCH_COMPUTE_DAG_INSTANCE_ID"
        return task(f"mark={mark}; echo x >> $mark; {command}", **fields)

    def job(
        self,
        name: str,
        tasks: dict[str, TaskDescription],
        results: dict[str, Result],
        edges: dict[str, list[str]] | None = None,
        gone: bool = False,
        **fields: Any,
    ) -> Wanted:
        """Create a job, or return the one that was created before the crash."""
        described = job(tasks, edges, JobFailOnInstanceFail=False, **fields)
        made = self.repeated(lambda: self.client.create_job(described, token=f"token_{name}"))
        wanted = Wanted(name, made.Id, results, gone=gone)
        assert f"job {name} {made.Id}" in self.known or f"job {name} " not in "\n".join(self.known), name
        self.note(f"job {name} {made.Id}")
        self.wanted.append(wanted)
        return wanted

    def state(self, wanted: Wanted) -> str:
        """Return the state of a job; empty if it was deleted."""
        try:
            return str(self.repeated(lambda: self.client.get_job(wanted.id)).State)
        except BatchComputeError as error:
            if getattr(error, "status", 0) != 404:
                raise
            assert wanted.gone or f"delete {wanted.name}" in self.known, f"job {wanted.name} is lost"
            return ""

    def runs(self, wanted: Wanted, count: int = 1) -> None:
        """Wait until instances of the job run."""
        until(lambda: len(list(self.marks.glob(f"{wanted.name}.*.*"))) >= count, LIMIT)

    def change(self, wanted: Wanted, action: Callable[[str], object]) -> None:
        """Request a change of a job. After a crash or a failure, the change may already have been made."""
        try:
            self.repeated(lambda: action(wanted.id))
        except BatchComputeError as error:
            if getattr(error, "status", 0) not in (404, 409) or not (self.resumed or self.faults.hits):
                raise

    def delete(self, wanted: Wanted) -> None:
        """Delete a job, and check that it no longer exists."""
        wanted.gone = True
        self.note(f"delete {wanted.name}")
        self.change(wanted, self.client.delete_job)
        assert self.state(wanted) == ""

    # -- object storage -----------------------------------------------------------------------

    def put(self, key: str, body: bytes) -> None:
        """Put an object."""
        self.send("PUT", key, body=body)
        self.note(f"put {key} {body.hex()}")

    def complete(self, key: str, upload: str) -> None:
        """Complete an upload of two parts. After a crash or a failure, it may already be complete."""
        parts = "".join(f"<Part><PartNumber>{number}</PartNumber></Part>" for number in (1, 2))
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        try:
            self.send("POST", key, "uploadId", upload, body)
        except AssertionError:
            if not self.faults.hits or b"<Key>parts</Key>" not in self.send("GET", ""):
                raise

    def path(self, place: str) -> Path:
        """Return the path of an object."""
        return self.data / "oss" / place.removeprefix("oss://")

    def whole(self) -> None:
        """Check that every object that was acknowledged before the crash is complete."""
        for line in self.known:
            kind, key, *rest = line.split(" ")
            if kind == "key":
                found = json.loads((self.data / "credentials.json").read_bytes())["keys"]
                assert key in [pair["access_key_id"] for pair in found], "an acknowledged key is lost"
            path = self.path(f"oss://bucket/{key}")
            if kind == "put" and f"remove {key}" not in self.known:
                assert path.is_dir() if key.endswith("/") else path.read_bytes() == bytes.fromhex(rest[0]), (
                    key
                )

    # -- the end ------------------------------------------------------------------------------

    def judge(self, wanted: Wanted) -> None:
        """Check that the instances of a job have ended as expected."""
        failed = False
        for name, result in wanted.results.items():
            listed = self.repeated(partial(self.client.list_instances, wanted.id, name))
            for number, found in enumerate(listed):
                got = (str(found.State), found.Result.ExitCode, found.Result.ErrorCode)
                text = f"{found.Result.ErrorMessage} {found.Result.detail_text}"
                mark = self.marks / f"{wanted.name}.{name}.{number}"
                lines = len(mark.read_text().split()) if mark.exists() else 0
                assert lines <= 1 + (found.RetryCount or 0), (
                    f"{mark.name}: {lines} runs, RetryCount {found.RetryCount}"
                )
                if got == result:
                    assert lines or result[0] == "Stopped", f"{mark.name} never ran"
                    continue
                failed = True
                told = [label for label in self.labels if not passes(label) and reason_of(label) in text]
                assert got[0] in ("Failed", "Stopped"), (mark.name, got, text)
                assert told, f"{mark.name} is {got}, not {result}: {text}"
                assert got[2] != "ProgramKilled", (mark.name, got, text)
        for place, content in wanted.objects.items():
            path = self.path(place)
            assert failed or (path.exists() and path.read_bytes() == content), (
                f"{place} is not what it should be"
            )


# -- the scenes -----------------------------------------------------------------------------------


def plain(scene: Scene) -> None:
    """A program that succeeds, one that fails, and one that leaves a daemon behind."""
    tasks = {
        "good": scene.task("plain.good", "echo out; echo err >&2"),
        "bad": scene.task("plain.bad", "echo why >&2; exit 3"),
        "daemon": scene.task("plain.daemon", "setsid sleep 54321 & exit 0"),
    }
    made = scene.job("plain", tasks, {"good": OK, "bad": ("Failed", 3, "ProgramFailed"), "daemon": OK})
    made.objects[f"oss://bucket/logs/stdout.{made.id}.good.0"] = b"out\n"
    made.objects[f"oss://bucket/logs/stderr.{made.id}.good.0"] = b"err\n"


def repeats(scene: Scene) -> None:
    """Failing programs: one succeeds on its retry, and the directory of the other one is kept."""
    again = scene.task("again.t", "[ $(wc -l < $mark) -ge 2 ]", MaxRetryCount=1)
    scene.job("again", {"t": again}, {"t": OK})
    cluster = {"InstanceType": "ecs.s3.large", "ReserveOnFail": True}
    kept = scene.task("kept.t", "echo data > file; exit 5", AutoCluster=cluster)
    made = scene.job("kept", {"t": kept}, {"t": ("Failed", 5, "ProgramFailed")})
    until(lambda: scene.state(made) in ("Finished", ""), LIMIT)
    if scene.state(made):
        found = scene.repeated(lambda: scene.client.get_instance(made.id, "t", 0))
        if "cannot be kept" in found.Result.detail_text:
            assert not all(map(passes, scene.labels)), found.Result
        elif found.Result.ErrorCode == "ProgramFailed":
            assert (scene.data / "kept" / f"{made.id}.t.0" / "file").read_text() == "data\n"
        scene.judge(made)
    scene.delete(made)
    until(lambda: not all(map(passes, scene.labels)) or not list((scene.data / "kept").iterdir()))


def order(scene: Scene) -> None:
    """Two tasks, one after the other, on a machine of a cluster; the job is deleted in the end."""
    described = {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 1}}}
    cluster = scene.repeated(lambda: scene.client.create_cluster(described, "token_cluster")).Id
    tasks = {
        "one": scene.task("order.one", "echo 1 > $mark.one", ClusterId=cluster),
        "two": scene.task("order.two", "cat $mark.one || :", ClusterId=cluster),
    }
    for each in tasks.values():
        del each["AutoCluster"]
    scene.note("delete order")
    scene.job("order", tasks, {}, {"one": ["two"]}, gone=True, AutoRelease=True)


def _mapped(scene: Scene, name: str, root: str) -> None:
    files = {"in/x": b"hello\n", "one": b"single\n"}
    package = scene.data / "oss" / "b" / "package.tar.gz"
    if not package.exists():
        for key, content in files.items():
            path = package.parent / key
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(content)
        with tarfile.open(package, "w:gz") as archive:
            member = tarfile.TarInfo("deep/run.sh")
            script = (
                b"cat $R/nowhere/in/x $R/home/in.txt > $R/out/a; mkdir $R/out/deep; echo 2 > $R/out/deep/b\n"
            )
            member.size = len(script)
            archive.addfile(member, io.BytesIO(script))
    command = f"export R={root}; sh deep/run.sh; echo 3 > $R/home/one.txt; echo line >> $R/app/x.log; test -e $R/w/x"
    described = scene.task(
        f"{name}.t",
        command,
        InputMapping={"oss://b/in/": "/nowhere/in/", "oss://b/one": "/home/in.txt"},
        OutputMapping={"/out/": "oss://b/out/", "/home/one.txt": "oss://b/single"},
        LogMapping={"/app/x.log": "oss://b/logs/"},
        Mounts={"Entries": [{"Source": "oss://b/in/", "Destination": "/w/", "WriteSupport": True}]},
    )
    described.Parameters.Command.PackagePath = "oss://b/package.tar.gz"
    made = scene.job(name, {"t": described}, {"t": OK})
    made.objects = {
        "oss://b/out/a": b"hello\nsingle\n",
        "oss://b/out/deep/b": b"2\n",
        "oss://b/single": b"3\n",
    }
    made.objects[f"oss://b/logs/x.log.{made.id}.t.0"] = b"line\n"


def sandboxed(scene: Scene) -> None:
    """A package, and mappings at their literal paths."""
    _mapped(scene, "sandboxed", "")


def rooted(scene: Scene) -> None:
    """A package, and mappings below a directory."""
    _mapped(scene, "rooted", "$BATCH_COMPUTE_ROOT")


def stopped(scene: Scene) -> None:
    """A job that is stopped."""
    made = scene.job(
        "stopped",
        {"t": scene.task("stopped.t", "setsid sleep 54321 & sleep 54321")},
        {"t": ("Stopped", 0, "")},
    )
    scene.runs(made)
    scene.change(made, scene.client.stop_job)


def late(scene: Scene) -> None:
    """A program that takes too long."""
    scene.job(
        "late", {"t": scene.task("late.t", "sleep 54321", Timeout=1)}, {"t": ("Failed", 137, "Timeout")}
    )


def big(scene: Scene) -> None:
    """A job that is written, stopped, started and removed in steps."""
    large_jobs.STEP = 3  # type: ignore[misc]
    large_jobs._DELETED = 2
    large_jobs.ranges.__defaults__ = large_jobs._steps.__defaults__ = (3,)
    made = scene.job("big", {"t": scene.task("big.t", "sleep 54321", InstanceCount=8)}, {})
    if scene.state(made):
        scene.runs(made, SLOTS)
        scene.change(made, scene.client.stop_job)
        if scene.state(made):
            scene.change(made, scene.client.start_job)
            scene.change(made, scene.client.stop_job)
    scene.delete(made)
    until(lambda: not _rows(scene), LIMIT)


def _rows(scene: Scene) -> int:
    with closing(sqlite3.connect(scene.data / "batchcompute.db")) as db:
        orphans = "SELECT COUNT(*) FROM instances WHERE job NOT IN (SELECT seq FROM jobs WHERE NOT hidden)"
        return int(db.execute(orphans).fetchone()[0])


def objects(scene: Scene) -> None:
    """Objects that are put, copied, uploaded in parts, listed and removed; and a new key pair."""
    scene.put("a/b", b"content" * 10)
    assert scene.send("GET", "a/b") == b"content" * 10
    scene.send("PUT", "copy", source="/bucket/a/b")
    scene.note(f"put copy {(b'content' * 10).hex()}")
    begun = scene.send("POST", "parts", "uploads").decode()
    upload = f"uploadId={begun.partition('<UploadId>')[2].partition('<')[0]}"
    for number, body in ((1, b"old"), (1, b"first"), (2, b"second")):
        scene.send("PUT", "parts", "uploadId", f"{upload}&partNumber={number}", body)
    scene.send("GET", "parts", "uploadId", upload)
    scene.complete("parts", upload)
    scene.note(f"put parts {b'firstsecond'.hex()}")
    scene.put("deep/er/x", b"x")
    scene.put("folder/", b"")
    for key in ("deep/er/x", "folder/"):
        scene.note(f"remove {key}")
        scene.send("DELETE", key)
    listed = scene.send("GET", "").decode()
    keys = [key for key in re.findall("<Key>([^<]*)", listed) if not key.startswith("logs/")]
    assert keys == ["a/b", "copy", "parts"], keys
    file = scene.data / "credentials.json"
    pair = scene.repeated(lambda: as_failing(lambda: KeyFile(file).add("local")))
    scene.note(f"key {pair.access_key_id}")


def adopted(scene: Scene) -> None:
    """Programs that outlive their service: one ends before the next start, and one after it."""
    gates = [scene.directory / "gate1", scene.directory / "gate2"]
    names = ["one", "two"]
    tasks = {
        name: scene.task(f"adopted.{name}", f"until [ -e {gate} ]; do sleep 0.01; done; echo out")
        for name, gate in zip(names, gates, strict=True)
    }
    made = scene.job("adopted", tasks, dict.fromkeys(names, OK))
    scene.runs(made, 2)
    scene.close()
    gates[0].touch()
    until(lambda: not carrying("BATCH_COMPUTE_DAG_TASK_ID=one"), LIMIT)
    scene.open()
    gates[1].touch()


def returning(scene: Scene) -> None:
    """A program that is ended with its service, and runs again after the next start."""
    gate = scene.directory / "gate"
    made = scene.job(
        "returning", {"t": scene.task("returning.t", f"until [ -e {gate} ]; do sleep 0.01; done")}, {"t": OK}
    )
    scene.runs(made)
    scene.close()
    gate.touch()
    scene.open()


SCENES: list[Callable[[Scene], None]] = [
    plain,
    objects,
    repeats,
    order,
    sandboxed,
    rooted,
    stopped,
    big,
    adopted,
    returning,
    late,
]


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the service needs /proc")
def test_the_service_survives_failing_calls_and_kills() -> None:
    if not sandbox.probe().usable:
        pytest.skip("the scenes need bubblewrap")
    command = [sys.executable, str(ROOT / "tools" / "inject_faults.py"), "--sample", "--jobs", "8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr
    found = re.search(r"(\d+) call sites; (\d+) faults, (\d+) crash points; (\d+) not reached", done.stdout)
    assert found is not None, done.stdout
    sites, cases, points, missed = map(int, found.groups())
    assert sites > 350
    assert cases > 100
    assert points >= 30
    assert missed < sites / 20, "only the order of threads may keep a call from being reached"
