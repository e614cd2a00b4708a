"""Injects system errors into single call sites of the service, and provides the scenes to run with them."""

# A call site is a function that calls the system, the line of the service that calls this function, and the line that
# called that one: ``os.open rooted:Root.folder+17 < runner/shim:read_exit_code+9``. Lines are counted from the start of
# their function, so that changes elsewhere in the file do not change the name.

from __future__ import annotations

import builtins
import errno
import io
import itertools
import os
import selectors
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypeVar
from unittest import mock

import batchcompute.service
from batchcompute import LOCAL, BatchComputeError, Client, RetryPolicy
from batchcompute.service import LocalService
from batchcompute.service.data_directory import DirectoryInUse
from batchcompute.service.requests import Admission, Request
from batchcompute.service.transports.in_process import ServiceTransport
from tests.service.helpers import remains

T = TypeVar("T")
SLOTS = 2
LIMIT = 8.0
"""Seconds within which the expected result has to be reached."""

PACKAGE = f"{Path(batchcompute.service.__file__).parent.parent}/"
ROOMS = (f"{PACKAGE}service/", f"{PACKAGE}runner/")

_STEPS = (
    "runner/rooted",
    "runner/descriptors",
    "runner/copying",
    "service/store/database",
    "service/locking",
    "service/objects/directory",
    "service/objects/listing",
)
"""Modules of helper functions: the name of a call site also has the function that called the helper."""

_OF_OS = (
    *(
        "open",
        "read",
        "pread",
        "write",
        "mkdir",
        "rmdir",
        "unlink",
        "rename",
        "replace",
        "symlink",
        "readlink",
    ),
    *("stat", "lstat", "fstat", "listdir", "scandir", "chmod", "fchmod", "utime", "lseek", "fsync", "pipe"),
    *("pidfd_open", "waitpid", "waitid", "killpg", "kill", "getsid", "memfd_create"),
)

ERRNOS = [
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EAGAIN,
    errno.ENOSPC,
    errno.EIO,
    errno.EACCES,
]
TRANSIENT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
_OF_SQLITE = ["disk I/O error", "database or disk is full", "unable to open database file", "out of memory"]
_CHANGES = frozenset({"Popen", "os.write", *(f"os.{name}" for name in (*_OF_OS[4:10], "chmod", "fchmod"))})
_NO_THREAD = "can't start new thread"


def labels_of(site: str) -> list[str]:
    """Return the names of the errors with which a call site can fail."""
    name = site.split()[0]
    if name == "Thread.start":
        return [_NO_THREAD]
    if name == "sqlite":
        return _OF_SQLITE
    return [errno.errorcode[number] for number in ERRNOS]


def error_of(label: str) -> Exception:
    """Return the error of a name."""
    if label == _NO_THREAD:
        return RuntimeError(label)
    if label == "out of memory":
        return MemoryError()
    if label in _OF_SQLITE:
        return sqlite3.OperationalError(label)
    number = getattr(errno, label)
    return OSError(number, os.strerror(number), "<injected>")


def reason_of(label: str) -> str:
    """Return the texts with which a message may report an error."""
    return os.strerror(getattr(errno, label)) if hasattr(errno, label) else label


def passes(label: str) -> bool:
    """Return whether an error is transient, so that the expected result has to be reached."""
    return not hasattr(errno, label) or getattr(errno, label) in TRANSIENT


def site_of(name: str, frame: FrameType | None) -> str:
    """Return the call site of a function; empty if the caller is not part of the service."""
    inner = ""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(ROOMS):
            module = code.co_filename[len(PACKAGE) :].removesuffix(".py")
            where = f"{module}:{code.co_qualname}+{frame.f_lineno - code.co_firstlineno}"
            if module not in _STEPS:
                return f"{name} {inner} < {where}" if inner else f"{name} {where}"
            inner = inner or where
        elif not inner and f"{os.sep}tests{os.sep}" in code.co_filename and code.co_filename != __file__:
            return ""
        frame = frame.f_back
    return f"{name} {inner}" if inner else ""


@dataclass(slots=True)
class _Arm:
    label: str
    seconds: float
    until: float = 0.0
    hits: int = 0


class Faults:
    """Intercepts the calls of the service: counts them, makes some fail, or ends this process at one of them."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        """The number of calls of each call site."""
        self.changes: list[str] = []
        """The calls that change something, in order."""
        self.kill_at: int = -1
        """The change at which this process is killed."""
        self.kill_after: bool = False
        """Whether the process is killed after the change, rather than before."""
        self._arms: dict[str, _Arm] = {}
        self._number = itertools.count()

    def arm(self, site: str, label: str, seconds: float = 0.0) -> None:
        """Make a call site fail once, or for some time from its first call on."""
        self._arms[site] = _Arm(label, seconds)

    @property
    def hits(self) -> int:
        """The number of failed calls."""
        return sum(arm.hits for arm in self._arms.values())

    def hits_by_site(self) -> dict[str, int]:
        """Return the number of failures of each call site."""
        return {site: arm.hits for site, arm in self._arms.items()}

    def disarm(self) -> None:
        """Stop all failures."""
        for arm in self._arms.values():
            arm.until = arm.until or -1.0

    def _check(self, site: str) -> None:
        self.seen[site] += 1
        arm = self._arms.get(site)
        if arm is None or arm.until < 0:
            return
        now = time.monotonic()
        if not arm.until:
            arm.until = now + arm.seconds
        elif now >= arm.until:
            return
        arm.hits += 1
        raise error_of(arm.label)

    def call(self, name: str, action: Callable[[], Any], changes: bool) -> Any:
        """Call a function of the system, make it fail, or end the process."""
        site = site_of(name, sys._getframe(2))
        if not site:
            return action()
        self._check(site)
        if not changes or "LocalEngine._wake" in site:
            return action()
        number = next(self._number)
        self.changes.append(site)
        if number == self.kill_at and not self.kill_after:
            _die(f"before {site}")
        try:
            return action()
        finally:
            if number == self.kill_at:
                _die(f"after {site}")

    def wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that goes through `call`."""

        def replaced(*args: Any, **kwargs: Any) -> Any:
            made = name == "os.open" and len(args) > 1 and bool(args[1] & os.O_CREAT)
            return self.call(name, lambda: real(*args, **kwargs), made or name in _CHANGES)

        return replaced

    @contextmanager
    def patched(self) -> Iterator[Faults]:
        """Replace the functions of the system that the service calls."""
        of_os: dict[str, Any] = {name: self.wrapped(f"os.{name}", getattr(os, name)) for name in _OF_OS}
        with mock.patch.multiple(os, **of_os):
            opened = self.wrapped("open", io.open)
            with (
                mock.patch.object(builtins, "open", self._opener(opened)),
                mock.patch.object(io, "open", self._opener(opened)),
                mock.patch.object(
                    threading.Thread, "start", self._method("Thread.start", threading.Thread.start)
                ),
                mock.patch.object(subprocess.Popen, "_execute_child", self._method("Popen", _EXECUTE)),
                mock.patch.object(
                    selectors.EpollSelector,
                    "register",
                    self._method("register", selectors.EpollSelector.register),
                ),
                mock.patch.object(sqlite3, "connect", self._connect),
            ):
                yield self

    def _method(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def replaced(this: Any, *args: Any, **kwargs: Any) -> Any:
            return self.call(name, lambda: real(this, *args, **kwargs), name in _CHANGES)

        return replaced

    def _opener(self, opened: Callable[..., Any]) -> Callable[..., Any]:
        def replaced(file: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(file, int):
                return _OPEN(file, *args, **kwargs)
            if not str(file).startswith("/proc/"):
                return opened(file, *args, **kwargs)
            # Reads of the kernel's files can fail, too.
            opened(file, *args, **kwargs).close()
            return io.BufferedReader(_ProcFile(self, str(file)))

        return replaced

    def _connect(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        faults = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
                word = sql.split()[0]
                done: sqlite3.Cursor = faults.call(
                    f"sqlite {word}", lambda: super(Connection, self).execute(sql, *given), word == "COMMIT"
                )
                return done

            def executemany(self, sql: str, *given: Any) -> sqlite3.Cursor:
                done: sqlite3.Cursor = faults.call(
                    "sqlite many", lambda: super(Connection, self).executemany(sql, *given), False
                )
                return done

        return _CONNECT(*args, **kwargs, factory=Connection)


def _die(where: str) -> None:
    """End this process at once. Its current call may differ from that of an earlier run."""
    _WRITE(2, f"killed {where}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


class _ProcFile(io.FileIO):
    def __init__(self, faults: Faults, path: str) -> None:
        super().__init__(path)
        self._faults = faults

    def readall(self) -> bytes:
        done: bytes = self._faults.call("read", super().readall, False)
        return done


_EXECUTE: Callable[..., Any] = subprocess.Popen._execute_child  # type: ignore[attr-defined]
_CONNECT = sqlite3.connect
_OPEN = io.open
_WRITE = os.write


class Failing(Exception):
    """The service reported a failure in a response."""


def as_failing(action: Callable[[], T]) -> T:
    """Call a function; turn any exception into a failure."""
    try:
        return action()
    except Exception as error:
        raise Failing from error


class Driver:
    """A service, some of whose calls fail, and its client.

    Args:
        directory: Where everything is.
        faults: What fails.
        resumed: Whether this is after a crash.
        sandbox_mode: The `sandbox` setting of the service.
    """

    def __init__(
        self,
        directory: Path,
        faults: Faults,
        resumed: bool = False,
        sandbox_mode: Literal["auto", "never"] = "auto",
    ) -> None:
        self.directory, self.data, self.faults, self.resumed, self.sandbox_mode = (
            directory, directory / "data", faults, resumed, sandbox_mode
        )  # fmt: skip
        self.known: list[str] = (directory / "notes").read_text().splitlines() if resumed else []
        """The notes from before the crash."""

    def note(self, text: str) -> None:
        """Record a request or an acknowledgement so that it survives a crash."""
        with (self.directory / "notes").open("a") as file:
            file.write(f"{text}\n")

    def repeated(self, action: Callable[[], T]) -> T:
        """Repeat a call while it fails because of an injected error."""
        end = time.monotonic() + LIMIT
        while True:
            try:
                return action()
            except (BatchComputeError, Failing) as error:
                passing = getattr(error, "status", 500) in (500, 503)
                if not passing or not self.faults.hits or time.monotonic() > end:
                    raise
            time.sleep(0.02)

    def open(self, detach: bool = False) -> None:
        """Open the service; the start may fail while errors are injected."""
        self.service = self.repeated(lambda: self._opened(detach))
        self.repeated(lambda: as_failing(lambda: self.service.add_key("id", "secret")))
        self.client = Client(LOCAL, "id", "secret", retry=RetryPolicy(attempts=1))
        self.client._use(ServiceTransport(self.service))
        self.family = f"BC_INSTANCE={self.service._parts.store.id}-"

    def _opened(self, detach: bool) -> LocalService:
        for _ in range(100):
            try:
                return LocalService(self.data, slots=SLOTS, detach=detach, sandbox=self.sandbox_mode)
            except DirectoryInUse:
                # A child of the killed process may be between fork and exec.
                if not self.resumed:
                    raise
            time.sleep(0.01)
        raise AssertionError("the directory stays in use")

    def close(self) -> None:
        """Close the service. It may report an error, but has to end everything."""
        self.client.close()
        before = self.faults.hits
        try:
            self.service.close()
        except Exception:
            if self.faults.hits == before:
                raise

    def send(
        self, method: str, key: str, what: str = "", query: str = "", body: bytes = b"", source: str = ""
    ) -> bytes:
        """Send a request to object storage; repeat it while it fails because of an injected error."""
        headers = {"x-oss-copy-source": source} if source else {}
        values = {what: "", **dict(pair.split("=") for pair in query.split("&") if pair)}
        admission = Admission("local", "bucket", key, what, values)

        def action() -> bytes:
            request = Request(method, f"/bucket/{key}", headers, body)
            answer = self.service._parts.object_api.dispatch(request, admission)
            if answer.status in (500, 503):
                raise Failing(answer.body)
            assert answer.status < 300, (method, key, what, answer.status, answer.body)
            return answer.whole()

        return self.repeated(action)

    def leftovers(self) -> list[str]:
        """Return leftover processes and files of attempts and requests."""
        folders = [self.data / "work", self.data / "oss" / ".aside", self.data / "uploads" / ".spool"]
        return [str(path) for folder in folders for path in remains(folder)]
