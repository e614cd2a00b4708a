"""A Dask cluster of processes: a scheduler, and workers with nannies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from batchcompute.service.engines.dask.untyped import distributed


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def processes_with(marker: str) -> list[int]:
    """Return the live processes that have a text in their command line, without this one."""
    return [pid for pid in pids() if marker in command_of(pid) and is_alive(pid) and pid != os.getpid()]


class DaskCluster:
    """A scheduler and its workers.

    Args:
        folder: Directory for logs and files.
        workers: Number of workers.
        threads: Threads of each.
        arguments: Further arguments of all programs.
    """

    def __init__(
        self, folder: Path, workers: int = 2, threads: int = 4, arguments: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.threads = threads
        self.arguments = arguments
        self.protocol = "tls" if arguments else "tcp"
        self.log = (folder / "dask.log").open("ab")
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()
        for _ in range(workers):
            self.add_worker()

    @property
    def address(self) -> str:
        return f"{self.protocol}://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show"
        )

    def add_worker(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.workers.append(
            self._start(
                "worker",
                self.address,
                *("--nworkers", "1", "--nthreads", str(self.threads), "--no-dashboard"),
                *("--host", "127.0.0.1", "--local-directory", str(self.folder / "space")),
                *("--death-timeout", "60", *arguments),
                environment=environment,
            )
        )

    def _start(
        self, name: str, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", name, *arguments, *self.arguments]
        variables = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5", **(environment or {})}
        variables["DASK_DISTRIBUTED__WORKER__USE_FILE_LOCKING"] = "false"
        return subprocess.Popen(
            command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=variables
        )

    def wait(self, workers: int | None = None, security: object = None) -> None:
        """Wait until workers are ready: as many as were started, if no number is given."""
        count = len(self.workers) if workers is None else workers
        with distributed.Client(self.address, set_as_default=False, timeout=90, security=security) as client:
            client.wait_for_workers(count, timeout=90)

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def signal_scheduler(self, number: signal.Signals) -> None:
        assert self.scheduler is not None
        self.scheduler.send_signal(number)

    def close(self) -> None:
        """End everything. Workers that cannot reach their scheduler would take long to close."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()
