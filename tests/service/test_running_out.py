"""Limited descriptors, processes, threads and connections: jobs still end correctly."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from batchcompute import Client
from batchcompute.service import LocalService
from batchcompute.service.clock import SystemClock
from batchcompute.service.log_limit import LogLimit
from batchcompute.service.workers import WorkerPool
from tests.service.helpers import finish, job, task, until
from tests.service.test_serve import KEYS, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def is_closed(connection: socket.socket) -> bool:
    """Wait until the other side closes a connection, and return True."""
    connection.settimeout(20)
    try:
        while connection.recv(4096):
            continue
    except ConnectionError:
        return True
    return True


@contextmanager
def limited(directory: Path, descriptors: int, *options: str) -> Iterator[tuple[str, Any]]:
    """Start a server with a low limit of descriptors."""
    shell = f'ulimit -n {descriptors}; exec "$0" "$@"'
    command = [
        sys.executable,
        "-m",
        "batchcompute.cli",
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(directory),
        *options,
    ]
    with (
        (directory.parent / "log").open("w") as log,
        subprocess.Popen(
            ["/bin/sh", "-c", shell, *command],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **KEYS},
        ) as server,
    ):
        try:
            assert server.stdout is not None
            url = next(line for line in server.stdout if "served at" in line).split()[-1]
            yield url, server
        finally:
            server.terminate()


def test_ends_of_jobs_are_noticed_despite_idle_connections(tmp_path: Path) -> None:
    with limited(tmp_path / "d", 256, "--slots", "4") as (url, server), ExitStack() as stack:
        for _ in range(400):
            try:
                stack.enter_context(connect(url))
            except OSError:
                break
        with Client(url, "id", "s3cret") as client:
            good = client.create_job(job({"t": task("exit 0", InstanceCount=20)}))
            bad = client.create_job(job("echo why >&2; exit 3"))
            late = client.create_job(job({"t": task("sleep 60", Timeout=1)}))
            assert client.wait(good, timeout=60).InstanceMetrics.FinishedCount == 20
            client.wait([bad, late], raise_on_failure=False, timeout=60)
            assert client.get_instance(bad, "t", 0).Result.ExitCode == 3
            assert client.get_instance(bad, "t", 0).Result.detail_text == "why\n"
            assert client.get_instance(late, "t", 0).Result.ErrorCode == "Timeout"
            # All slots are free.
            at_once = client.create_job(job({"t": task("sleep 0.5", InstanceCount=4)}))
            until(lambda: client.get_job(at_once).InstanceMetrics.RunningCount == 4)
            client.wait(at_once, timeout=60)
        assert server.poll() is None
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="limits of processes do not hold for root"
)
def test_a_server_that_cannot_create_processes_waits(tmp_path: Path) -> None:
    """An instance that cannot be started at the moment does not fail."""
    user, group = 61234, 61234
    (tmp_path / "d").mkdir()
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    os.chown(tmp_path / "d", user, group)
    serve = [
        sys.executable,
        "-m",
        "batchcompute.cli",
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(tmp_path / "d"),
    ]
    shell = 'ulimit -u 30; exec "$0" "$@"'
    command = [
        "setpriv",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        # Other users cannot read a package below the home directory of root.
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
        "/bin/sh",
        "-c",
        shell,
        *serve,
        "--slots",
        "8",
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **KEYS, "HOME": "/tmp"},
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        threading.Thread(target=server.stderr.read, daemon=True).start()
        try:
            line = server.stdout.readline()
            if "data directory" not in line:
                pytest.skip("the package cannot be read by other users here")
            url = next(found for found in server.stdout if "served at" in found).split()[-1]
            with Client(url, "id", "s3cret") as client:
                many = client.create_job(job({"t": task("sleep 0.2; exit 0", InstanceCount=40)}))
                forks = client.create_job(job("for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait; exit 0"))
                assert (
                    client.wait(many, timeout=90, raise_on_failure=False).InstanceMetrics.FinishedCount == 40
                )
                client.wait(forks, timeout=90, raise_on_failure=False)
                client.wait(client.create_job(job("true")), timeout=60)
            assert server.poll() is None
        finally:
            server.terminate()


# -- connections ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with short limits."""
    directory = tmp_path_factory.mktemp("strict_server") / "d"
    code = f"""
import sys
from batchcompute.service.transports import connections
short = connections.ConnectionLimits(total=12, per_address=10, head=0.6, body=0.6, reading=1.0)
connections.limits_for = lambda slots: short
connections._SWEEP = 0.05
from batchcompute.cli import main
sys.exit(main(["serve", "--port", "0", "--data-dir", {str(directory)!r}]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, **KEYS}
    ) as server:
        assert server.stdout is not None
        yield next(line for line in server.stdout if "served at" in line).split()[-1]
        server.terminate()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /jobs HT",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n",
        b"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nabc",
    ],
    ids=["nothing", "half a line", "no end of the head", "half a body"],
)
def test_slow_clients_are_disconnected(strict_server: str, sent: bytes) -> None:
    with connect(strict_server) as connection:
        connection.sendall(sent)
        begun = time.monotonic()
        assert is_closed(connection)
        assert time.monotonic() - begun < 10


def test_a_client_that_sends_single_bytes_is_disconnected(strict_server: str) -> None:
    """Single bytes of a head do not extend its time limit."""
    with connect(strict_server) as connection:
        connection.settimeout(0.1)
        begun = time.monotonic()
        for letter in b"GET /jobs HTTP/1.1\r\nx-a: " + b"a" * 1000:
            try:
                connection.sendall(bytes([letter]))
                if not connection.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - begun < 10


def test_too_many_connections_make_room_for_new_ones(strict_server: str) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(strict_server)) for _ in range(30)]
        with urllib.request.urlopen(f"{strict_server}/healthz", timeout=10) as answer:
            assert json.load(answer)["status"] == "ok"
        assert is_closed(idle[0])


def test_a_body_is_not_read_before_its_sender_is_admitted(strict_server: str) -> None:
    with connect(strict_server) as connection:
        connection.sendall(
            b"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 400000000\r\nexpect: 100-continue\r\n\r\n"
        )
        answer = connection.recv(4096)
        # Without "100 Continue", the client does not send the 400 MB.
        assert answer.startswith(b"HTTP/1.1 403"), answer
        assert b"connection: close" in answer.lower()


def test_a_large_body_is_spooled_and_that_of_an_unknown_sender_is_not(tmp_path: Path) -> None:
    oss2: Any = pytest.importorskip("oss2")
    with serving(tmp_path / "d", **KEYS) as (url, server):

        def memory() -> int:
            status = Path(f"/proc/{server.pid}/status").read_text()
            return int(status.split("VmHWM:")[1].split()[0]) // 1024

        before = memory()
        content = tmp_path / "large"
        with content.open("wb") as file:
            file.truncate(200 * 1024**2)
        bucket = oss2.Bucket(oss2.Auth("id", "s3cret"), url, "bucket")
        bucket.put_object_from_file("large", str(content))
        upload = bucket.init_multipart_upload("parts").upload_id
        with content.open("rb") as reading:
            tag = bucket.upload_part("parts", upload, 1, reading).etag
        bucket.complete_multipart_upload("parts", upload, [oss2.models.PartInfo(1, tag)])
        bucket.copy_object("bucket", "large", "copy")
        stranger = oss2.Bucket(oss2.Auth("id", "wrong"), url, "bucket")
        with pytest.raises((oss2.exceptions.ServerError, oss2.exceptions.RequestError)):
            stranger.put_object_from_file("large", str(content))
        assert bucket.head_object("copy").content_length == 200 * 1024**2
        assert memory() - before < 60
        assert list((tmp_path / "d" / "uploads" / ".spool").iterdir()) == []


# -- threads --------------------------------------------------------------------------------------


def test_work_waits_for_threads_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    woken = threading.Event()
    failed: list[str] = []
    pool = WorkerPool(woken.set, lambda name, error: failed.append(f"{name}: {error}"), 8)
    real = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if self.name == "batchcompute-worker":
            raise RuntimeError("can't start new thread")
        real(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    done: list[int] = []
    for number in range(20):
        pool.submit(str(number), lambda number=number: lambda: done.append(number))  # type: ignore[misc]

    def drained() -> bool:
        pool.drain()
        return len(done) == 20

    until(drained)
    assert sorted(done) == list(range(20))
    assert failed == []
    pool.join(5)


def test_a_result_whose_handler_fails_is_handled_again() -> None:
    pool = WorkerPool(lambda: None, lambda name, error: None, 1)
    calls: list[int] = []

    def often() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise OSError(24, "Too many open files")

    pool.submit("x", lambda: often)

    def drained() -> bool:
        try:
            pool.drain()
        except OSError:
            return False
        return len(calls) == 3

    until(drained)
    pool.drain()
    assert len(calls) == 3
    pool.join(5)


def test_a_service_without_threads_reports_why_it_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from batchcompute import ConfigError

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(ConfigError, match="lacks resources"):
            LocalService(tmp_path / "d")
    with LocalService(tmp_path / "d") as service, service.client() as client:
        finish(client, client.create_job(job("true")).Id)


def test_repeated_log_records_are_limited() -> None:
    import logging

    class ManualClock(SystemClock):
        now = 0.0

        def monotonic(self) -> float:
            return self.now

    clock = ManualClock()
    limit = LogLimit(clock)

    def record(line: int, level: int = logging.WARNING) -> logging.LogRecord:
        return logging.LogRecord("x", level, "file.py", line, "text", None, None)

    assert [limit.filter(record(1)) for _ in range(15)] == [True] * 10 + [False] * 5
    assert limit.filter(record(2))
    assert limit.filter(record(1, logging.ERROR))
    clock.now = 61.0
    again = record(1)
    assert limit.filter(again)
    assert "5 more" in again.getMessage()
    for line in range(5000):
        limit.filter(record(line))
    assert len(limit._kinds) <= 1001


def test_the_loop_sleeps_while_all_slots_are_taken(tmp_path: Path) -> None:
    """A new job that waits for a slot does not keep the loop busy."""
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        first = client.create_job(job("sleep 1.5"))
        until(lambda: client.get_job(first).State == "Running")
        second = client.create_job(job("true")).Id
        rounds: list[int] = []
        real = service._parts.dispatcher._collect

        def counted() -> None:
            rounds.append(1)
            real()

        service._parts.dispatcher._collect = counted  # type: ignore[method-assign]
        finish(client, second)
        assert len(rounds) < 50
