"""The record file of a runner: appended to, made durable in the background, and retried while the disk is full."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from batchcompute.runner.records import LONGEST, Ended, Record, encode

__all__ = ["RecordFile", "RecordsUnwritable"]

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
"""Seconds between two attempts to write. The delay doubles."""


class RecordsUnwritable(Exception):
    """Records cannot be written, so the runner must not start more programs."""


class RecordFile:
    """Appends records to a file.

    On a shared file system, other machines see what is written only when it is flushed. `flush` does that for all records
    since the last time, because it takes longer than a short program.

    Args:
        path: The file. Its directory exists.
        patience: Seconds in which a record that cannot be written is tried again.
        is_stopped: Returns whether waiting makes no sense any more.

    Raises:
        OSError: The file cannot be opened for writing.
    """

    def __init__(self, path: str, patience: float, is_stopped: Callable[[], bool] = lambda: False) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        self._fd = os.open(path, flags, 0o600)
        self._path = path
        self._patience = patience
        self._is_stopped = is_stopped
        self._lock = threading.Lock()
        self._unflushed: list[bytes] = []
        """Records that may not be on the disk yet."""

    def append(self, record: Record) -> None:
        """Append a record.

        Raises:
            RecordsUnwritable: The record could not be written for too long.
        """
        data = _encoded(record)
        with self._lock:
            self._try(lambda: self._write(data))
            self._unflushed.append(data)

    def flush(self) -> None:
        """Make the records of this object visible to other machines.

        Raises:
            RecordsUnwritable: The records could not be flushed for too long.
        """
        with self._lock:
            if self._unflushed:
                self._try(self._flush)
                self._unflushed.clear()

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _write(self, data: bytes) -> None:
        if os.write(self._fd, data) < len(data):
            # The disk is full. The next record begins with an empty line, so readers skip the part.
            raise OSError("only a part of a record was written")

    def _flush(self) -> None:
        try:
            os.fdatasync(self._fd)
        except OSError:
            # The kernel may have dropped what it could not write. Readers ignore a record that occurs twice.
            self._write(b"".join(self._unflushed))
            os.fdatasync(self._fd)

    def _try(self, action: Callable[[], None]) -> None:
        delay = _FIRST_DELAY
        end = time.monotonic() + self._patience
        while True:
            try:
                action()
            except OSError as error:
                if time.monotonic() >= end or self._is_stopped():
                    reason = error.strerror or error
                    raise RecordsUnwritable(f"records cannot be written to {self._path}: {reason}") from error
            else:
                return
            time.sleep(min(delay, max(0.0, end - time.monotonic())))
            delay = min(_LONGEST_DELAY, delay * 2)


def _encoded(record: Record) -> bytes:
    """Return a record as bytes. Texts that no reader would take are shortened."""
    data = encode(record)
    limit = 4096
    while isinstance(record, Ended) and len(data) > LONGEST and limit:
        exited = record.exited
        # The message says first what has happened, and the standard error says it last.
        short = exited._replace(message=exited.message[:limit], detail=exited.detail[-limit:])
        data = encode(Ended(record.token, short))
        limit //= 2
    return data
