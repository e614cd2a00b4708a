"""The headers of tar archives: the old and the POSIX format, with the extensions of GNU and pax."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from batchcompute.runner.archive_rules import MAX_TIME, ArchiveError, shown
from batchcompute.runner.tar_bytes import COMPRESSIONS, Budget, Limits, Source

__all__: list[str] = []

_BLOCK = 512
_ZEROS = bytes(_BLOCK)

_TAIL = 1024**2
"""Bytes after the end marker that are read, so that the checksum of compressed data is verified."""

_FILES = (b"\0", b"0", b"7")
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX = (b"x", b"X")
_PAX_GLOBAL = b"g"

_RECORDS = (b"path", b"linkpath", b"size", b"mtime")
"""Pax records that are used. All others are ignored."""

_OCTAL = re.compile(rb"[0-7]*")
_SIZE = re.compile(rb"[0-9]{1,20}")
_SPARSE = b"GNU.sparse."
"""Prefix of the keywords that describe a sparse file."""

_TIME = re.compile(rb"([0-9]{1,12})(?:\.([0-9]*))?")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive, as its headers describe it. Nothing is checked yet."""

    name: str
    """Name of the member; bytes that are not UTF-8 are surrogates."""
    type: bytes
    """Type of the member; that of a directory for a file whose name ends in a slash."""
    size: int
    """Bytes of its content."""
    mode: int
    """Mode of the file or directory."""
    mtime: int | None
    """Modification time in nanoseconds since 1970; None if the headers have no valid one."""
    target: str
    """Target of a link."""


def open_archive(fd: int, limits: Limits, abort: threading.Event | None = None) -> Source | None:
    """Return the bytes of an archive; None for a file that is not an archive.

    An archive begins with the header of a member or with an end marker, compressed or not.

    Args:
        fd: The file, at its beginning.
        limits: The limits.
        abort: Aborts the work.

    Raises:
        ArchiveError: The file is compressed and cannot be decompressed.
        OSError: The file cannot be read.
        Aborted: The work was aborted.
    """
    size = os.fstat(fd).st_size
    plain = Source(fd, None, Budget(limits, size), abort)
    head = plain.peek(_BLOCK)
    if _is_header(head):
        return plain
    for compression in COMPRESSIONS:
        if head.startswith(compression.magic):
            os.lseek(fd, 0, os.SEEK_SET)
            source = Source(fd, compression, Budget(limits, size), abort)
            try:
                if _is_header(source.peek(_BLOCK)):
                    return source
                # Damaged data may decompress to anything before the damage is detected.
                _read_on(source)
            except ArchiveError:
                if compression.certain:
                    raise
    return None


class Reader:
    """Reads the members of an archive one after the other.

    Python's `tarfile` reads extension headers of any size into memory, and its decision what is an archive depends on
    its patch level. This class reads members in one pass, and keeps nothing of earlier members.

    Args:
        source: The archive's bytes.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._limits = source.budget.limits
        self._mtime: bytes = b""
        self._records_left = self._limits.records
        self._rest = 0
        self._padding = 0

    def next(self) -> Member | None:
        """Return the next member; None at the end. The rest of the member before is skipped.

        Raises:
            ArchiveError: The headers are damaged or break a rule.
            OSError: The file cannot be read.
            Aborted: The work was aborted.
        """
        for _ in self.content():
            pass
        self._read(self._padding)
        self._padding = 0
        long: dict[bytes, bytes] = {}
        records: dict[bytes, bytes] = {}
        for number in range(self._limits.extensions + 1):
            block = self._source.exactly(_BLOCK)
            if not block or block == _ZEROS:
                if number:
                    raise ArchiveError("it ends where a member is announced")
                if self._source.compression:
                    _read_on(self._source)
                return None
            if not _is_header(block):
                raise ArchiveError("a header is damaged" if len(block) == _BLOCK else "it ends in a header")
            type, size = block[156:157], _number(block[124:136], "size")
            # An empty record or name cancels an earlier one: then the field of the header counts.
            if type in (_LONG_NAME, _LONG_LINK):
                long[type] = _text(self._extension(size))
            elif type in _PAX:
                records |= self._records(self._extension(size))
            elif type == _PAX_GLOBAL:
                self._apply_global(self._records(self._extension(size)))
            else:
                name = records.get(b"path") or long.get(_LONG_NAME) or _name(block)
                linked = records.get(b"linkpath") or long.get(_LONG_LINK) or _text(block[157:257])
                try:
                    return self._member(block, _decoded(name), _decoded(linked), size, records)
                except ArchiveError as error:
                    raise ArchiveError(f"member {shown(_decoded(name))}: {error}") from error
        raise ArchiveError(f"more than {self._limits.extensions} extension headers stand before one member")

    def content(self) -> Iterator[bytes]:
        """Yield the content of the last returned member, in chunks.

        Raises:
            ArchiveError: The content cannot be decompressed, is too large, or ends too early.
            OSError: The file cannot be read.
            Aborted: The work was aborted.
        """
        while self._rest:
            piece = self._source.read(self._rest)
            if not piece:
                raise ArchiveError("the archive ends in the middle of its content")
            self._rest -= len(piece)
            yield piece

    def _member(self, block: bytes, name: str, target: str, size: int, records: dict[bytes, bytes]) -> Member:
        type = b"S" if _SPARSE in records else block[156:157]
        if size_record := records.get(b"size"):
            if not _SIZE.fullmatch(size_record):
                raise ArchiveError(f"the pax record 'size' is not a size: {size_record[:40]!r}")
            size = int(size_record)
        if type not in _FILES:
            # Other members have no content, whatever their size field says.
            size = 0
        elif name.endswith("/"):
            # Archives from before POSIX mark directories only by the slash.
            if size:
                raise ArchiveError("its name is that of a directory, but it has content")
            type = b"5"
        self._rest, self._padding = size, -size % _BLOCK
        mode = _number(block[100:108], "mode")
        mtime = _time(records.get(b"mtime") or self._mtime, block[136:148])
        return Member(name, type, size, mode, mtime, target)

    def _extension(self, size: int) -> bytes:
        if size > self._limits.extension:
            raise ArchiveError(f"an extension header has more than {self._limits.extension:,} bytes")
        data = self._read(size)
        self._read(-size % _BLOCK)
        return data

    def _records(self, data: bytes) -> dict[bytes, bytes]:
        """Return the pax records that are used. Each record is its length, a space, a keyword, ``=`` and a value.

        Raises:
            ArchiveError: The records are malformed, or too many.
        """
        records: dict[bytes, bytes] = {}
        at = 0
        while at < len(data) and data[at]:
            self._records_left -= 1
            if self._records_left < 0:
                raise ArchiveError(f"it has more than {self._limits.records:,} pax records")
            space = data.find(b" ", at, at + 20)
            digits = data[at : max(at, space)]
            end = at + int(digits) if digits.isdigit() else 0
            keyword, equals, value = data[space + 1 : max(0, end - 1)].partition(b"=")
            if not equals or end > len(data) or data[end - 1 : end] != b"\n":
                raise ArchiveError("a pax record is damaged")
            if keyword.startswith(_SPARSE):
                records[_SPARSE] = value
            elif keyword in _RECORDS:
                records[keyword] = value
            at = end
        return records

    def _apply_global(self, records: dict[bytes, bytes]) -> None:
        self._mtime = records.pop(b"mtime", self._mtime)
        if records:
            raise ArchiveError(f"a global pax header sets {_decoded(min(records))!r} for all members")

    def _read(self, size: int) -> bytes:
        data = self._source.exactly(size)
        if len(data) < size:
            raise ArchiveError("it ends in the middle of a member")
        return data


def _read_on(source: Source) -> None:
    remaining = _TAIL
    while remaining > 0 and (piece := source.read(remaining)):
        remaining -= len(piece)


def _is_header(block: bytes) -> bool:
    """Return whether a block is an end marker, or a header with the right checksum."""
    if len(block) != _BLOCK:
        return False
    if block == _ZEROS:
        return True
    try:
        stated = _number(block[148:156], "checksum")
    except ArchiveError:
        return False
    counted = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(counted)
    # Some old programs add bytes up as signed numbers.
    return stated == unsigned or stated == unsigned - 256 * sum(byte > 127 for byte in counted)


def _number(field: bytes, what: str) -> int:
    """Return a number of a header: octal digits, or a binary number whose first bit is set.

    Raises:
        ArchiveError: The field is not a number, or is negative.
    """
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise ArchiveError(f"the {what} in a header is negative")
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    digits = _text(field).strip(b" ")
    if not _OCTAL.fullmatch(digits):
        raise ArchiveError(f"the {what} in a header is not a number: {field!r}")
    return int(digits or b"0", 8)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _name(block: bytes) -> bytes:
    name = _text(block[:100])
    # The format of GNU has other fields where POSIX has the first part of the name.
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _time(record: bytes, field: bytes) -> int | None:
    """Return a time in nanoseconds; None if there is no valid one."""
    match = _TIME.fullmatch(record)
    if match:
        seconds, fraction = int(match[1]), int((match[2] or b"")[:9].ljust(9, b"0"))
    elif record:
        return None
    else:
        try:
            seconds, fraction = _number(field, "time"), 0
        except ArchiveError:
            # An invalid time is not a reason to refuse a file.
            return None
    return seconds * 10**9 + fraction if seconds <= MAX_TIME else None
