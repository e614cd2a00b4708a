"""Concurrent changes by several threads, processes or runs of the service."""

from __future__ import annotations

import base64
import hashlib
import hmac
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from batchcompute.resources import JobDescription
from batchcompute.service import LocalService
from batchcompute.service.objects.responses import parse_xml
from batchcompute.service.requests import Request, Response
from batchcompute.service.store.database import Store
from batchcompute.service.store.keys import KeyFile
from tests.service.helpers import connection, finish, job, task, until
from tests.service.test_mappings import put

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


def together(*actions: Callable[[], Any]) -> list[Any]:
    """Call functions in threads; return their results, or raise an error of one of them."""
    results: list[Any] = [None] * len(actions)
    errors: list[BaseException] = []

    def run(number: int, action: Callable[[], Any]) -> None:
        try:
            results[number] = action()
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def ask(service: LocalService, method: str, path: str, query: str = "", body: bytes = b"") -> Response:
    """Send a signed request to object storage."""
    date = formatdate(usegmt=True)
    signed = "&".join(sorted(query.split("&"))) if query else ""
    text = f"{method}\n\n\n{date}\n{unquote(path)}{'?' + unquote(signed) if signed else ''}"
    made = base64.b64encode(hmac.new(b"s3cret", text.encode(), hashlib.sha1).digest()).decode()
    target = f"{path}?{query}" if query else path
    return service.dispatch(Request(method, target, {"date": date, "authorization": f"OSS id:{made}"}, body))


# -- files that several processes write -----------------------------------------------------------


def test_keys_that_are_added_concurrently_are_all_stored(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    KeyFile(path).ensure({})
    revoked = [KeyFile(path).add("local").access_key_id for _ in range(5)]
    code = (
        "import sys; from pathlib import Path; from batchcompute.service.store.keys import KeyFile\n"
        "for _ in range(15): print(KeyFile(Path(sys.argv[1])).add('local').access_key_id, flush=True)"
    )
    adders = [
        subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    together(*[partial(KeyFile(path).revoke, key) for key in revoked])
    made = {line for process in adders for line in process.communicate()[0].split()}
    there = {pair.access_key_id for pair in KeyFile(path).read()}
    assert len(made) == 45
    assert made <= there
    assert not there & set(revoked)
    assert [name.name for name in tmp_path.iterdir() if name.name.startswith(".")] == []


def test_keys_survive_kills(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    first = KeyFile(path).ensure({})
    code = (
        "import sys; from pathlib import Path; from batchcompute.service.store.keys import KeyFile\n"
        "while True: print(KeyFile(Path(sys.argv[1])).add('local').access_key_id, flush=True)"
    )
    acknowledged: set[str] = set()
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        acknowledged.add(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        acknowledged |= set(process.communicate()[0].split()[:-1])
    there = {pair.access_key_id for pair in KeyFile(path).read()}
    assert acknowledged | {first.access_key_id} <= there


# -- object storage -------------------------------------------------------------------------------


def test_logs_are_deleted_while_other_logs_are_written(tmp_path: Path) -> None:
    """The directory of the logs is removed and created again, and no instance and no request fails."""
    with LocalService(tmp_path / "d", slots=2) as service, service.client() as client:
        service.add_key("id", "s3cret")
        made = task("echo x", InstanceCount=60)
        job_id = client.create_job(job({"t": made})).Id
        statuses: set[int] = set()

        def delete() -> None:
            while client.get_job(job_id).State not in ("Finished", "Failed"):
                for number in range(60):
                    for stream in ("stdout", "stderr"):
                        answer = ask(service, "DELETE", f"/bucket/logs/{stream}.{job_id}.t.{number}")
                        statuses.add(answer.status)
                statuses.add(ask(service, "GET", "/bucket/").status)

        together(delete, delete)
        finish(client, job_id)
        assert statuses <= {200, 204}


def begin(service: LocalService, path: str) -> str:
    answer = ask(service, "POST", path, "uploads")
    return parse_xml(answer.body).findtext("UploadId") or ""


def part(service: LocalService, path: str, upload: str, body: bytes, number: int = 1) -> str:
    answer = ask(service, "PUT", path, f"partNumber={number}&uploadId={upload}", body)
    assert answer.status == 200, answer.body
    return answer.headers["ETag"]


def complete(service: LocalService, path: str, upload: str, *tags: str) -> Response:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
        for number, tag in enumerate(tags, 1)
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return ask(service, "POST", path, f"uploadId={upload}", body)


def test_a_part_that_is_sent_again_never_truncates_an_object(tmp_path: Path) -> None:
    large, small = b"L" * 2_000_000, b"s" * 1_000
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        for _ in range(20):
            upload = begin(service, "/b/k")
            tag = part(service, "/b/k", upload, large)
            again = f"partNumber=1&uploadId={upload}"
            done = together(
                partial(complete, service, "/b/k", upload, tag),
                partial(ask, service, "PUT", "/b/k", again, small),
                partial(ask, service, "PUT", "/b/k", again, large),
            )
            if done[0].status == 200:
                assert ask(service, "GET", "/b/k").whole() == large
            else:
                # The other part was stored first, so this one is not the acknowledged one.
                assert done[0].status == 400
                ask(service, "DELETE", "/b/k", f"uploadId={upload}")
        assert {path.name for path in (tmp_path / "d" / "uploads").iterdir()} == {".spool"}


def test_an_upload_belongs_to_its_key(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        upload = begin(service, "/b/k")
        tag = part(service, "/b/k", upload, b"content")
        for path in ("/b/other", "/c/k", "/b/k%2F"):
            assert complete(service, path, upload, tag).status == 404
            assert ask(service, "PUT", path, f"partNumber=2&uploadId={upload}", b"x").status == 404
            assert ask(service, "GET", path, f"uploadId={upload}").status == 404
            assert ask(service, "DELETE", path, f"uploadId={upload}").status == 404
        # Of two parts with one number, the last one counts. A second completion finds no upload.
        other = part(service, "/b/k", upload, b"changed")
        assert complete(service, "/b/k", upload, tag).status == 400
        assert complete(service, "/b/k", upload, other).status == 200
        assert ask(service, "GET", "/b/k").body == b"changed"
        assert complete(service, "/b/k", upload, other).status == 404


def test_a_reader_sees_one_version(tmp_path: Path) -> None:
    """While other clients replace an object, each response is one complete version of it."""
    with LocalService(tmp_path / "d") as service:
        service.add_key("id", "s3cret")
        versions = [bytes([letter]) * 9_000_000 for letter in b"ab"]
        ask(service, "PUT", "/b/k", body=versions[0])
        stop = threading.Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                assert ask(service, "PUT", "/b/k", body=versions[number % 2]).status == 200

        def read() -> None:
            try:
                for _ in range(15):
                    answer = ask(service, "GET", "/b/k")
                    body = answer.whole()
                    # The length reveals a truncated response, but not a mixed one.
                    assert len(set(body)) <= 1
            finally:
                stop.set()

        together(write, read)


# -- attempts -------------------------------------------------------------------------------------


def test_a_start_that_fails_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from batchcompute.runner.processes import AttemptProcesses

    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        failed: list[int] = []
        real = AttemptProcesses.kill

        def kill(self: AttemptProcesses, *args: Any, **rest: Any) -> None:
            if len(failed) < 2:
                failed.append(1)
                raise OSError(24, "Too many open files")
            real(self, *args, **rest)

        job_id = client.create_job(job("sleep 60")).Id
        until(lambda: client.get_job(job_id).State == "Running")
        monkeypatch.setattr(AttemptProcesses, "kill", kill)
        client.stop_job(job_id)
        # The only slot is free again.
        finish(client, client.create_job(job("true")).Id)
        assert len(failed) == 2
        failed.clear()
        timed = client.create_job(job({"t": task("sleep 60", Timeout=1)})).Id
        finish(client, timed, "Failed")
        assert client.get_instance(timed, "t", 0).Result.ErrorCode == "Timeout"
        assert len(failed) == 2


def test_kept_directories_survive_a_failed_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        made = task("echo precious > file; exit 1")
        made.AutoCluster.ReserveOnFail = True
        failures: list[int] = []
        real = Store.write

        def write(self: Store) -> Any:
            from contextlib import contextmanager

            @contextmanager
            def around() -> Any:
                import sqlite3

                with real(self) as db:
                    yield db
                    kept = list((service.data_dir / "kept").iterdir())
                    if kept and len(failures) < 2:
                        failures.append(1)
                        raise sqlite3.OperationalError("database or disk is full")

            return around()

        monkeypatch.setattr(Store, "write", write)
        job_id = client.create_job(job({"t": made})).Id
        finish(client, job_id, "Failed")
        assert len(failures) == 2
        assert (service.data_dir / "kept" / f"{job_id}.t.0" / "file").read_text() == "precious\n"


def test_another_work_directory_after_a_kill(tmp_path: Path) -> None:
    """Instances that were started in one directory are found there, although the next service uses another one."""
    code = f"""
import os, sys
from batchcompute.service import LocalService
service = LocalService({str(tmp_path / "d")!r}, slots=2, work_dir={str(tmp_path / "first")!r})
client = service.client()
def task(line):
    return {{"AutoCluster": {{"InstanceType": "x"}}, "OutputMapping": {{"/out/": "oss://b/out/"}},
            "Parameters": {{"Command": {{"CommandLine": line}}, "StdoutRedirectPath": "oss://b/l/"}}}}
ids = [client.create_job({{"Name": "x", "DAG": {{"Tasks": {{"t": task(line)}}}}}}).Id for line in (
    "echo ended; echo x > ${{BATCH_COMPUTE_ROOT:-}}/out/ended; touch {tmp_path}/did; exit 0",
    "until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo late")]
import time
while client.get_job(ids[1]).State != "Running" or not os.path.exists({str(tmp_path / "did")!r}):
    time.sleep(0.01)
print(*ids, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ids = process.stdout.readline().split()
        process.kill()
    (tmp_path / "go").touch()
    with LocalService(tmp_path / "d", work_dir=tmp_path / "second") as service, service.client() as client:
        for job_id in ids:
            finish(client, job_id)
            assert client.get_instance(job_id, "t", 0).RetryCount == 0
        assert client.logs(ids[1], "t", 0).stdout == "late\n"
        assert service.oss_path("oss://b/out/ended").read_text() == "x\n"


def test_a_missing_work_directory(tmp_path: Path) -> None:
    """A directory in memory is gone after a reboot, for example. Its instances are lost and run again."""
    with LocalService(tmp_path / "d", slots=1, work_dir=tmp_path / "w", detach=True) as service:
        with service.client() as client:
            job_id = client.create_job(job("sleep 1000")).Id
            until(lambda: client.get_job(job_id).State == "Running")
    for file in (tmp_path / "d" / "records").iterdir():
        file.write_text(file.read_text().replace(str(tmp_path / "w"), str(tmp_path / "gone")))
    subprocess.run(["pkill", "-f", "sleep 1000"], check=True)
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        until(lambda: client.get_instance(job_id, "t", 0).State == "Running")
        assert client.get_instance(job_id, "t", 0).RetryCount == 1
        client.stop_job(job_id)


def test_a_job_is_stopped_started_and_deleted_by_many(tmp_path: Path) -> None:
    """In every order, the counters match the instances, and all instances end."""
    with LocalService(tmp_path / "d", slots=2) as service, service.client() as client:
        made = task("true", InstanceCount=5_000)
        job_id = client.create_job(JobDescription({"Name": "x", "DAG": {"Tasks": {"t": made}}})).Id

        def hammer(action: Callable[[str], Any]) -> Callable[[], None]:
            def run() -> None:
                from batchcompute import ClientError

                for _ in range(25):
                    try:
                        action(job_id)
                    except ClientError as error:
                        assert error.status in (404, 409), error

            return run

        together(*[hammer(action) for action in (client.stop_job, client.start_job) for _ in range(2)])
        if client.get_job(job_id).State in ("Waiting", "Running"):
            client.stop_job(job_id)

        def agrees() -> bool:
            with connection(service._parts.store.read()) as db:
                rows = dict(db.execute("SELECT state, COUNT(*) FROM instances GROUP BY state").fetchall())
                counted = db.execute(
                    "SELECT Waiting, Running, Finished, Failed, Stopped FROM tasks"
                ).fetchone()
            names = ("Waiting", "Running", "Finished", "Failed", "Stopped")
            return [rows.get(name, 0) for name in names] == list(counted)

        until(agrees)
        client.delete_job(job_id)
        until(lambda: not _rows(service))
        put(service, "oss://b/x", "x")


def _rows(service: LocalService) -> int:
    with connection(service._parts.store.read()) as db:
        return int(db.execute("SELECT COUNT(*) FROM instances").fetchone()[0])
