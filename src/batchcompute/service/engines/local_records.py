"""The record files of the attempts on this machine, which outlive the service."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.outcome import Exited
from batchcompute.runner.records import Record, RecordReader, Started, encode
from batchcompute.runner.spec import User

__all__ = ["LocalRecords"]

# The service appends a record when it starts an attempt, and the shim of the attempt appends one when its command has
# ended, even if the service is gone by then. While the service runs, it learns of ends from the kernel, and reads no
# file. A shim that runs as another Unix user shares its file with shims of the same user only: its descriptor can be
# taken over by the program.

_ROTATE = 16 * 1024**2
"""Bytes after which a new file is started. A file is removed when all of its attempts are forgotten."""

_SHIM_RECORD = 120
"""Bytes that a shim appends."""


@dataclass(slots=True, eq=False)
class _File:
    path: Path
    fd: int
    reader: RecordReader
    size: int = 0
    """Bytes that were appended, about."""
    tokens: set[Token] = field(default_factory=set[Token])
    """The attempts that are not forgotten."""
    ended: dict[Token, Exited] = field(default_factory=dict[Token, Exited])
    """Their ends, as far as the file was read."""

    def append(self, record: Record) -> None:
        data = encode(record)
        if os.write(self.fd, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self.size += len(data)

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def read(self) -> list[Started]:
        """Read what was appended since the last call, and return the starts."""
        starts: list[Started] = []
        for record in self.reader.new():
            if isinstance(record, Started):
                starts.append(record)
            elif record.token in self.tokens:
                # The first record counts: a shim writes one.
                self.ended.setdefault(record.token, record.exited)
        return starts


class LocalRecords:
    """The record files in a directory.

    Args:
        folder: The directory; it is created if it does not exist.

    Raises:
        OSError: The directory cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._number = max(
            (int(number) for path in folder.iterdir() if (number := _number(path.name))), default=0
        )
        self._current: dict[int, _File] = {}
        """The files that new attempts are recorded in, by the number of their user; -1 for that of the service."""
        self._files: dict[Token, _File] = {}
        self._earlier: list[_File] = []

    def load(self, tokens: Collection[Token]) -> Mapping[Token, Started]:
        """Read the files of earlier services.

        Args:
            tokens: The attempts whose ends are not known.

        Returns:
            The starts of attempts, with the notes of all of their records.

        Raises:
            OSError: A file cannot be read at this moment.
        """
        starts: dict[Token, Started] = {}
        for path in sorted(self._folder.iterdir()):
            if not _number(path.name):
                continue
            file = _File(path, os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), RecordReader(path))
            file.tokens = set(tokens)
            self._earlier.append(file)
            records = file.read()
            file.tokens = {record.token for record in records if record.token in tokens}
            for record in records:
                if record.token in file.tokens:
                    first = starts.get(record.token, record)
                    notes = {**first.notes, **record.notes}
                    starts[record.token] = Started(first.token, first.node, first.pid, first.time, notes)
                    self._files[record.token] = file
        return starts

    def drop_unused(self) -> None:
        """Remove the files of earlier services that have no attempt which is not forgotten."""
        for file in [file for file in self._earlier if not file.tokens]:
            self._remove(file)
            self._earlier.remove(file)

    def start(self, record: Started, user: User | None) -> int:
        """Append the start of an attempt.

        Args:
            record: The start.
            user: The Unix user that the attempt runs as; None for that of the service.

        Returns:
            The descriptor of the file, to which the shim appends the end.

        Raises:
            OSError: The record cannot be written.
        """
        file = self._file_for(user)
        file.append(record)
        file.size += _SHIM_RECORD
        file.tokens.add(record.token)
        self._files[record.token] = file
        return file.fd

    def note(self, record: Record, user: User | None = None) -> None:
        """Append another record of an attempt.

        Raises:
            OSError: The record cannot be written.
        """
        (self._files.get(record.token) or self._file_for(user)).append(record)

    def ended(self, token: Token) -> Exited | None:
        """Return the recorded end of an attempt; None if there is none.

        Raises:
            OSError: The file cannot be read at this moment.
        """
        file = self._files.get(token)
        if file is None:
            return None
        file.read()
        return file.ended.get(token)

    def forget(self, token: Token) -> None:
        """Release an attempt whose end is recorded elsewhere."""
        file = self._files.pop(token, None)
        if file is None:
            return
        file.tokens.discard(token)
        file.ended.pop(token, None)
        if not file.tokens and file not in self._current.values():
            self._remove(file)
            if file in self._earlier:
                self._earlier.remove(file)

    def close(self) -> None:
        """Close the files, and remove those that no attempt needs. Attempts can still be forgotten."""
        for file in {*self._current.values(), *self._files.values(), *self._earlier}:
            file.close()
            if not file.tokens:
                self._remove(file)
        self._current.clear()

    def _file_for(self, user: User | None) -> _File:
        uid = user.uid if user else -1
        file = self._current.get(uid)
        if file is not None and file.size < _ROTATE:
            return file
        self._number += 1
        path = self._folder / f"{self._number:08d}.jsonl"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        new = self._current[uid] = _File(path, fd, RecordReader(path))
        if file is not None and not file.tokens:
            self._remove(file)
        return new

    @staticmethod
    def _remove(file: _File) -> None:
        file.close()
        file.path.unlink(missing_ok=True)


def _number(name: str) -> str:
    """Return the number in the name of a record file; empty for another file."""
    stem, _, suffix = name.partition(".")
    return stem if suffix == "jsonl" and stem.isdecimal() and stem.isascii() else ""
