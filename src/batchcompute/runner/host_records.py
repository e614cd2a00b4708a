"""The record files of attempts that run in a long-lived program, and those of such programs that are gone."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from batchcompute.runner.records import Ended, Record, RecordReader, Started, encode

__all__ = ["FormerHost", "HostRecords", "former_hosts", "own_name"]

_ROTATE = 16 * 1024**2
"""Bytes after which a new file is started. A file is removed when all of its attempts are forgotten."""


def own_name() -> str:
    """Return a new name with the identity of this process: its machine, its pid namespace, its pid and its start."""
    return f"{_machine()}.{os.getpid()}.{_start_of(os.getpid())}.{os.urandom(4).hex()}"


def _machine() -> str:
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        namespace = 0
    name = "".join(letter if letter.isalnum() else "-" for letter in os.uname().nodename)
    return f"{name}.{namespace}"


def _start_of(pid: int) -> str:
    """Return the time at which a process has started, in ticks; empty if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(b")")[2].split()[19].decode("ascii")


def _is_gone(name: str) -> bool:
    """Return whether a directory belongs to a process of this machine that does not exist any more."""
    machine, *rest = name.rsplit(".", 3)
    if machine != _machine() or len(rest) < 3 or not rest[0].isdigit():
        return False
    return _start_of(int(rest[0])) != rest[1]


@dataclass(slots=True, eq=False)
class _File:
    path: Path
    fd: int
    size: int = 0
    tokens: set[str] = field(default_factory=set[str])


class HostRecords:
    """The records of this process. Its methods may be called from any thread.

    A record reaches the kernel before `append` returns, so it outlives this process, but not its machine.

    Args:
        folder: The directory of this process, which exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}
        self._number = 0
        self._current: _File | None = None
        self._started: dict[str, Started] = {}
        self._ended: dict[str, Ended] = {}

    def append(self, record: Record) -> None:
        """Append a record.

        Raises:
            OSError: It cannot be written.
        """
        data = encode(record)
        with self._lock:
            file = self._files.get(record.token) or self._file()
            if os.write(file.fd, data) < len(data):
                raise OSError(f"{file.path}: only a part of a record was written")
            file.size += len(data)
            file.tokens.add(record.token)
            self._files[record.token] = file
            if isinstance(record, Started):
                self._started[record.token] = record
            else:
                self._ended.setdefault(record.token, record)

    def ended(self, token: str) -> Ended | None:
        """Return the record of an end; None if there is none."""
        return self._ended.get(token)

    def all_ended(self) -> dict[str, Ended]:
        """Return the records of all ends."""
        with self._lock:
            return dict(self._ended)

    def started(self, token: str) -> Started | None:
        """Return the record of a start; None if there is none."""
        return self._started.get(token)

    def forget(self, tokens: Iterable[str]) -> None:
        """Release attempts whose ends are recorded elsewhere."""
        with self._lock:
            for token in tokens:
                self._started.pop(token, None)
                self._ended.pop(token, None)
                file = self._files.pop(token, None)
                if file is not None:
                    file.tokens.discard(token)
                    if not file.tokens and file is not self._current:
                        self._remove(file)

    def close(self) -> None:
        """Close the files. They stay for later programs if they have attempts that are not forgotten."""
        with self._lock:
            files = {*self._files.values(), *([self._current] if self._current else [])}
            for file in files:
                os.close(file.fd)
                if not file.tokens:
                    file.path.unlink(missing_ok=True)
            self._files.clear()
            self._current = None

    def _file(self) -> _File:
        file = self._current
        if file is not None and file.size < _ROTATE:
            return file
        self._number += 1
        path = self._folder / f"{self._number:08d}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._current = _File(path, os.open(path, flags, 0o600))
        if file is not None and not file.tokens:
            self._remove(file)
        return self._current

    @staticmethod
    def _remove(file: _File) -> None:
        os.close(file.fd)
        file.path.unlink(missing_ok=True)


@dataclass(slots=True)
class FormerHost:
    """The records of a process that is gone."""

    folder: Path
    """Its directory."""
    started: dict[str, Started] = field(default_factory=dict[str, Started])
    """The starts without an end: these attempts have no result, and their programs may still run."""
    ended: dict[str, Ended] = field(default_factory=dict[str, Ended])
    """The ends."""

    def forget(self, tokens: Iterable[str]) -> bool:
        """Release attempts, remove the directory if there are no others, and return whether it is removed."""
        for token in tokens:
            self.started.pop(token, None)
            self.ended.pop(token, None)
        if self.started or self.ended:
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        return True


def former_hosts(parent: Path, known: Iterable[str]) -> list[FormerHost]:
    """Read the records of processes that are gone.

    Args:
        parent: The directory that has the directories of all processes.
        known: Names of directories that are not read.

    Raises:
        OSError: The directory cannot be read.
    """
    skipped = set(known)
    hosts: list[FormerHost] = []
    for folder in sorted(parent.iterdir()):
        if folder.name in skipped or not _is_gone(folder.name):
            continue
        host = FormerHost(folder)
        with suppress(FileNotFoundError):
            # Another process may remove the directory at the same time.
            for path in sorted(folder.glob("*.jsonl")):
                for record in RecordReader(path).new():
                    if isinstance(record, Started):
                        host.started[record.token] = record
                    else:
                        host.ended.setdefault(record.token, record)
        for token in host.ended:
            host.started.pop(token, None)
        hosts.append(host)
    return hosts
