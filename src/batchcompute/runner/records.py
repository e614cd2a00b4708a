"""Records of attempts: one append-only file of JSON lines for each runner."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias, cast

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.outcome import Exited

__all__ = ["Ended", "Record", "RecordReader", "Started", "decode", "encode"]

# A record is one line of JSON, written by one call with O_APPEND, so records of several processes do not mix. An empty
# line precedes each record: a record that was cut off, because the disk was full or the machine stopped, does not
# damage the next one. A reader skips each line that is not a whole record.

LONGEST: Final = 64 * 1024
"""Bytes of the longest record. A longer line is not a record."""

_CHUNK = 1024 * 1024
"""Bytes that are read at once."""


class Started(NamedTuple):
    """A runner has started the program of an attempt."""

    token: Token
    """The attempt."""
    node: str = ""
    """Address of the machine."""
    pid: int = 0
    """The process that runs the command; 0 if the record is written before it exists."""
    time: float = 0.0
    """Time of the start, in seconds since 1970."""
    notes: Mapping[str, str] = MappingProxyType({})
    """Facts that the runner needs if it has to find the attempt again."""


class Ended(NamedTuple):
    """An attempt has ended, with everything that it has started."""

    token: Token
    """The attempt."""
    exited: Exited
    """The end of the attempt."""


Record: TypeAlias = Started | Ended


_encoder: Final = json.JSONEncoder(separators=(",", ":"))


def encode(record: Record) -> bytes:
    """Return a record as the bytes that are appended to a file."""
    if isinstance(record, Started):
        content: dict[str, Any] = {
            "event": "started",
            "token": record.token,
            "node": record.node,
            "pid": record.pid,
            "time": record.time,
        }
        if record.notes:
            content["notes"] = dict(record.notes)
    else:
        exited = record.exited
        content = {"event": "ended", "token": record.token, "code": exited.code, "signal": exited.signal}
        optional = {
            "timed_out": exited.timed_out,
            "error": exited.error_code,
            "message": exited.message,
            "stderr": exited.detail,
            "node": exited.node,
            "started": exited.started,
            "time": exited.ended,
        }
        content.update((name, value) for name, value in optional.items() if value)
    # Only ASCII, so a name with bytes that are not UTF-8 cannot damage the line.
    return b"\n" + _encoder.encode(content).encode("ascii") + b"\n"


def decode(line: bytes) -> Record | None:
    """Return the record of a line; None if the line is not a whole record."""
    if not line.startswith(b"{") or len(line) > LONGEST:
        return None
    try:
        content: object = json.loads(line)
        return _record(cast("dict[str, Any]", content)) if isinstance(content, dict) else None
    except (TypeError, ValueError, KeyError, RecursionError):
        return None


def _record(content: dict[str, Any]) -> Record | None:
    token = content["token"]
    if not isinstance(token, str):
        raise TypeError("token")
    if content.get("event") == "started":
        notes = cast("dict[str, object]", dict(content.get("notes") or {}))
        return Started(
            token,
            _text(content, "node"),
            _number(content, "pid"),
            _time(content, "time") or 0.0,
            {str(name): str(value) for name, value in notes.items()},
        )
    if content.get("event") == "ended":
        code = content.get("code")
        exited = Exited(
            None if code is None else _number(content, "code") & 0xFF,
            _number(content, "signal"),
            content.get("timed_out") is True,
            _text(content, "error"),
            _text(content, "message"),
            _text(content, "stderr"),
            _text(content, "node"),
            _time(content, "started"),
            _time(content, "time"),
        )
        return Ended(token, exited)
    return None


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name, "")
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _number(content: Mapping[str, Any], name: str) -> int:
    value = content.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(name)
    return value


def _time(content: Mapping[str, Any], name: str) -> float | None:
    value = content.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1e11:
        raise TypeError(name)
    return float(value)


class RecordReader:
    """Reads the records that are appended to a file.

    The file may not exist yet, and its last line may be incomplete: `new` returns it when the rest of it has arrived.

    Args:
        path: The file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self._skipping = False
        """Whether the rest of a line that is too long is skipped."""

    def new(self) -> Iterator[Record]:
        """Yield the complete records since the last call.

        Raises:
            OSError: The file exists and cannot be read at this moment.
        """
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            while chunk := os.pread(fd, _CHUNK, self._offset):
                self._offset += len(chunk)
                yield from self._lines(chunk)
        finally:
            os.close(fd)

    def _lines(self, chunk: bytes) -> Iterator[Record]:
        *lines, rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif line and (record := decode(line)) is not None:
                yield record
        self._skipping = self._skipping or len(rest) > LONGEST
        self._rest = b"" if self._skipping else rest
