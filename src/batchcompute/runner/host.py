"""Attempts in threads of a long-lived program, such as the worker of a cluster: run, ended, reported, found again."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Literal

from batchcompute.runner.attempt_run import AttemptRunner, Machine, Unrecorded, failed
from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.environment import inherited_environment
from batchcompute.runner.host_records import FormerHost, HostRecords, former_hosts, own_name
from batchcompute.runner.layout import MachineOptions
from batchcompute.runner.lazy_log import LazyLogger
from batchcompute.runner.processes import AttemptProcesses
from batchcompute.runner.program import Programs
from batchcompute.runner.record_file import RecordsUnwritable
from batchcompute.runner.records import Ended, Record
from batchcompute.runner.runner import work_directory
from batchcompute.runner.scratch import ScratchPool
from batchcompute.runner.spec_json import Assignment

if TYPE_CHECKING:
    from batchcompute.runner.http_session import Endpoint

__all__ = ["AttemptHost", "HostOptions", "HostReport"]

_log = LazyLogger("batchcompute.runner")

_CLOSE_SECONDS = 10.0
"""Seconds in which the threads of ended attempts have to return when a host is closed."""


@dataclass(frozen=True, slots=True)
class HostOptions:
    """Options of a host."""

    service: str
    """Prefix of the tokens of the service whose attempts run."""
    node: str
    """Name of this machine in records."""
    work: str = ""
    """Directory for the files of attempts; empty for that of temporary files."""
    sandbox: Literal["auto", "always", "never"] = "auto"
    """The use of bubblewrap."""
    max_file_size: int = 0
    """Bytes that a file of a program may reach; 0 for any size."""
    only_failures: bool = False
    """Whether output is only uploaded if the program fails."""
    passed: tuple[str, ...] = ()
    """Names of variables of this process that programs get."""
    patience: float = 300.0
    """Seconds in which requests that fail are tried again."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """The attempts that a host knows."""

    running: dict[Token, float]
    """Times of the starts of attempts whose programs run, or whose outputs are uploaded; 0 before the start."""
    ended: dict[Token, Ended]
    """The ends of attempts, on this machine."""
    lost: tuple[Token, ...]
    """Attempts without a result, because the process that ran them is gone. Their programs have been ended."""


@dataclass(slots=True)
class _Attempt:
    abort: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


class AttemptHost:
    """Runs attempts of one service in threads of this process.

    Its directory names this process, and has the records of its attempts. When the process dies, the next host on the
    machine ends the programs that it has left, and reports the ends that it has recorded.

    All methods may be called from any thread.

    Args:
        options: The options.
        announce: Called with each record, from any thread.

    Raises:
        OSError: The directory cannot be used.
    """

    def __init__(self, options: HostOptions, announce: Callable[[Record], None] = lambda _: None) -> None:
        self.options: HostOptions = options
        """The options."""
        self._announce = announce
        self._lock = threading.Lock()
        self._attempts: dict[Token, _Attempt] = {}
        self._cancelled: set[Token] = set()
        self._former: dict[str, FormerHost] = {}
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._closing = threading.Event()
        base = _private(Path(options.work or gettempdir()) / f"batchcompute-{os.getuid()}")
        self._parent = _private(base / (options.service.strip("-.") or "service"))
        self._folder = _private(self._parent / own_name())
        with ExitStack() as stack:
            self._records = HostRecords(self._folder)
            stack.callback(self._remove_folder)
            stack.callback(self._records.close)
            work = stack.enter_context(work_directory(str(self._folder)))
            self._stop_fd, stop = os.pipe2(os.O_CLOEXEC)
            stack.callback(os.close, self._stop_fd)
            self._stop_write = stop
            stack.callback(os.close, stop)
            self._programs = Programs(self._stop_fd)
            variables = {name: os.environ[name] for name in options.passed if name in os.environ}
            self._machine = Machine(
                work,
                MachineOptions(options.sandbox, max_file_size=options.max_file_size, hidden=(base,)),
                options.node,
                options.patience,
                options.only_failures,
                variables,
                ScratchPool(work),
                inherited_environment(),
                None,
            )
            self._sweep()
            self._stack = stack.pop_all()

    # -- attempts -----------------------------------------------------------------------------

    def run(self, assignment: Assignment, endpoint: str = "", certificates: str = "") -> Ended | str:
        """Run an attempt to its end, unless it has one.

        Args:
            assignment: The attempt.
            endpoint: URL of the service whose object API the attempt uses; empty if it needs no objects.
            certificates: Path of the certificates that the endpoint is checked with; empty for those of the machine.

        Returns:
            The record of its end; or why it has none, in a sentence without a full stop.
        """
        token = assignment.spec.token
        attempt = _Attempt()
        with self._lock:
            problem = self._problem(token)
            if problem is not None:
                return problem
            self._attempts[token] = attempt
        try:
            return self._run(assignment, attempt, endpoint, certificates)
        finally:
            with self._lock:
                del self._attempts[token]
            attempt.done.set()

    def _problem(self, token: Token) -> Ended | str | None:
        """Return the end of an attempt, or why it cannot start; None if it can."""
        if (ended := self._records.ended(token)) is not None:
            return ended
        for host in self._former.values():
            if token in host.ended:
                return host.ended[token]
            if token in host.started:
                return "the process that ran it is gone"
        if self._closing.is_set():
            return "its worker is closing"
        if token in self._cancelled:
            return "it was cancelled"
        if token in self._attempts or self._records.started(token) is not None:
            return "it was started before"
        return None

    def _run(
        self, assignment: Assignment, attempt: _Attempt, endpoint: str, certificates: str
    ) -> Ended | str:
        token = assignment.spec.token
        try:
            machine = self._with_endpoint(endpoint, certificates)
            runner = AttemptRunner(
                machine,
                self,
                self._programs,
                self._is_new,
                attempt.abort,
                lambda: attempt.abort.is_set() or self._closing.is_set(),
            )
            runner.run(assignment)
        except Unrecorded as error:
            return str(error)
        except (RecordsUnwritable, OSError, ValueError) as error:
            return f"the worker cannot run it: {error}"
        except Exception as error:  # noqa: BLE001 - an error of one attempt does not stop the others
            _log.exception("attempt %s failed unexpectedly", token)
            self.append(
                Ended(token, failed("StartFailed", f"The runner failed: {error!r}", self.options.node))
            )
        return self._records.ended(token) or "it has no record of its end"

    def result(self, token: Token) -> Ended | str | None:
        """Return the end of an attempt, or why it cannot start here; None if it can."""
        with self._lock:
            return self._problem(token)

    def append(self, record: Record) -> None:
        """Append a record, and announce it.

        Raises:
            RecordsUnwritable: It cannot be written.
        """
        try:
            self._records.append(record)
        except OSError as error:
            raise RecordsUnwritable(f"records cannot be written: {error}") from error
        self._announce(record)

    def _is_new(self, token: Token) -> bool:
        return self._records.started(token) is None and not self._programs.is_alive(token)

    def _with_endpoint(self, url: str, certificates: str) -> Machine:
        if not url:
            return self._machine
        with self._lock:
            endpoint = self._endpoints.get((url, certificates))
            if endpoint is None:
                # Loaded here, because attempts without objects do not need it.
                from batchcompute.runner.http_session import Endpoint

                endpoint = self._endpoints[url, certificates] = Endpoint(url, certificates)
        return self._machine._replace(endpoint=endpoint)

    # -- control ------------------------------------------------------------------------------

    def cancel(self, tokens: Collection[Token]) -> list[Token]:
        """End attempts with all of their processes; those that have not started will not start.

        Returns:
            The attempts that were running. Each returns from `run` in a moment.

        Raises:
            OSError: The processes of the machine cannot be listed at this moment.
        """
        with self._lock:
            self._cancelled.update(token for token in tokens if self._records.ended(token) is None)
            running = [token for token in tokens if token in self._attempts]
            for token in running:
                self._attempts[token].abort.set()
        for token in running:
            self._programs.end(token)
        return running

    def keep_only(self, tokens: Collection[Token]) -> None:
        """End all attempts of the service on this machine but some, and forget their ends.

        Raises:
            OSError: The processes of the machine cannot be listed at this moment.
        """
        wanted = set(tokens)
        self._sweep()
        with self._lock:
            others = [token for token in self._attempts if token not in wanted]
            former = [token for host in self._former.values() for token in (*host.started, *host.ended)]
        self.cancel(others)
        processes = AttemptProcesses(threading.Lock())
        for token in processes.find_all(self.options.service):
            if token not in wanted:
                processes.kill(token, None)
        self.forget({*former, *self._records.all_ended()} - wanted)

    def report(self) -> HostReport:
        """Return the attempts that this host, and former ones of this machine, know.

        Raises:
            OSError: The directories of former hosts cannot be read at this moment.
        """
        self._sweep()
        with self._lock:
            running: dict[Token, float] = {}
            for token in self._attempts:
                started = self._records.started(token)
                running[token] = started.time if started is not None else 0.0
            ended = self._records.all_ended()
            lost: list[Token] = []
            for host in self._former.values():
                ended.update(host.ended)
                lost += host.started
        return HostReport(running, ended, tuple(token for token in lost if token not in running))

    def forget(self, tokens: Iterable[Token]) -> None:
        """Release attempts whose ends are recorded elsewhere."""
        listed = list(tokens)
        self._records.forget(listed)
        with self._lock:
            self._cancelled.difference_update(listed)
            gone = [name for name, host in self._former.items() if host.forget(listed)]
            for name in gone:
                del self._former[name]

    def _sweep(self) -> None:
        """Take over the records of processes that are gone, and end the programs that they have left."""
        with self._lock:
            hosts = former_hosts(self._parent, {self._folder.name, *self._former})
            self._former.update((host.folder.name, host) for host in hosts)
        for host in hosts:
            for folder in host.folder.glob("batchcompute-runner-*"):
                shutil.rmtree(folder, ignore_errors=True)
        processes = AttemptProcesses(threading.Lock())
        if any(host.started for host in hosts):
            alive = processes.find_all(self.options.service)
            for token in {token for host in hosts for token in host.started} & alive.keys():
                _log.warning("the process that ran attempt %s is gone; its program is ended", token)
                processes.kill(token, None)
        self.forget([])

    def close(self) -> None:
        """End all attempts, and wait for a moment for the threads that run them."""
        if self._closing.is_set():
            return
        with self._lock:
            self._closing.set()
            attempts = dict(self._attempts)
        os.write(self._stop_write, b"x")
        for attempt in attempts.values():
            attempt.abort.set()
        for token, attempt in attempts.items():
            if not attempt.done.wait(_CLOSE_SECONDS):
                _log.warning("attempt %s does not end", token)
                return
        for endpoint in self._endpoints.values():
            endpoint.close()
        self._stack.close()

    def _remove_folder(self) -> None:
        if not any(path.suffix == ".jsonl" for path in self._folder.iterdir()):
            FormerHost(self._folder).forget([])


def _private(folder: Path) -> Path:
    """Make a directory that only this user can read, or check that it is one.

    Raises:
        OSError: It cannot be made, or belongs to somebody else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} must be a directory of this user that nobody else can write")
    return folder
