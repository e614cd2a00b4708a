"""The bytes of an archive, decompressed in chunks and within limits."""

from __future__ import annotations

import bz2
import lzma
import os
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from batchcompute.runner.aborting import check_abort
from batchcompute.runner.archive_rules import ArchiveError

__all__: list[str] = []

_CHUNK = 256 * 1024
"""The most bytes that are decompressed or read at once."""

_INPUT = 64 * 1024
"""Bytes of the file that are read at once for a decompressor."""

_WINDOW = 128 * 1024**2
"""Bytes of memory that an xz decompressor may use; ``xz -9`` needs 65 MiB."""

_LONGEST_MAGIC = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for an archive. Real packages stay far below them."""

    entries: int = 100_000
    """Members, and directories that have no member of their own."""
    size: int = 64 * 1024**3
    """Bytes of its decompressed headers and content, and of the copies for hard links."""
    ratio: int = 1000
    """The largest ratio of ``size`` to the size of the archive. Repetitive text reaches 100."""
    small: int = 64 * 1024**2
    """Decompressed bytes up to which the ratio is not checked, because a small archive of zeros does no harm."""
    extension: int = 1024**2
    """Bytes of one extension header: a long name, or pax records."""
    extensions: int = 8
    """Extension headers before one member. Real archives have at most four."""
    records: int = 2_000_000
    """Pax records of the whole archive. Each record takes time, and records compress well."""
    streams: int = 1_000_000
    """Compressed streams in one file, as parallel compressors write them."""


class Budget:
    """Counts the decompressed bytes of an archive.

    Args:
        limits: The limits.
        packed: Size of the archive.
    """

    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits: Limits = limits
        """The limits."""
        self._by_ratio = max(limits.small, limits.ratio * packed)
        self._spent = 0

    def spend(self, count: int) -> None:
        """Count bytes.

        Raises:
            ArchiveError: The archive exceeds a limit.
        """
        self._spent += count
        self.check(0)

    def check(self, count: int) -> None:
        """Check that a number of further bytes is allowed, without counting them.

        Raises:
            ArchiveError: The archive would exceed a limit.
        """
        if self._spent + count > self.limits.size:
            raise ArchiveError(f"it would unpack to more than {self.limits.size:,} bytes")
        if self._spent + count > self._by_ratio:
            raise ArchiveError(f"it would unpack to more than {self.limits.ratio:,} times its own size")


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """A gzip decompressor with the interface of those for bzip2 and xz."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


@dataclass(frozen=True, slots=True)
class Compression:
    """A compression format."""

    name: str
    """Name of the format."""
    magic: bytes
    """The first bytes of its files."""
    decoder: Callable[[], _Decoder]
    """Returns a decompressor for one stream."""
    certain: bool = True
    """Whether files of no other format begin with these bytes."""


COMPRESSIONS = (
    Compression("gzip", b"\x1f\x8b\x08", _Gzip),
    Compression("bzip2", b"BZh", bz2.BZ2Decompressor),
    Compression("xz", b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_WINDOW)),
    Compression(
        "lzma", b"]\0\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_WINDOW), certain=False
    ),
)
"""The formats that archives may be compressed with."""


class Source:
    """The decompressed bytes of an archive, from the beginning to the end.

    The content may be hostile. Memory is used only for a few chunks and for the window of the decompressor, regardless
    of the headers. Every byte is counted before it is returned.

    Args:
        fd: File of the archive, at its beginning.
        compression: Its format; None if it is not compressed.
        budget: Counts the bytes.
        abort: Aborts the work.
    """

    def __init__(
        self, fd: int, compression: Compression | None, budget: Budget, abort: threading.Event | None = None
    ) -> None:
        self.compression: Compression | None = compression
        """Its format; None if it is not compressed."""
        self.budget: Budget = budget
        """Counts the bytes."""
        self._fd = fd
        self._abort = abort
        self._decoder = compression.decoder() if compression else None
        self._streams = 1
        self._next_input = b""
        self._piece: bytes = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes; none at the end.

        Raises:
            ArchiveError: The bytes cannot be decompressed, or exceed a limit.
            OSError: The file cannot be read.
            Aborted: The work was aborted.
        """
        if self._at == len(self._piece):
            check_abort(self._abort)
            self._piece = self._inflate(self.compression) if self.compression else os.read(self._fd, _CHUNK)
            self._at = 0
            self.budget.spend(len(self._piece))
        piece = self._piece[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def exactly(self, size: int) -> bytes:
        """Return exactly ``size`` bytes; fewer only at the end.

        Raises:
            ArchiveError: The bytes cannot be decompressed, or exceed a limit.
            OSError: The file cannot be read.
            Aborted: The work was aborted.
        """
        content = bytearray()
        while len(content) < size and (piece := self.read(size - len(content))):
            content += piece
        return bytes(content)

    def expect(self, size: int) -> None:
        """Check that the number of bytes that a header announces is allowed.

        Raises:
            ArchiveError: The bytes would exceed a limit.
        """
        # Some of them may be decompressed and counted already.
        self.budget.check(size - (len(self._piece) - self._at))

    def peek(self, size: int) -> bytes:
        """Return the result of `exactly`, but do not consume the bytes."""
        content = self.exactly(size)
        self._piece, self._at = content + self._piece[self._at :], 0
        return content

    def _inflate(self, compression: Compression) -> bytes:
        while (decoder := self._decoder) is not None:
            if decoder.eof:
                self._decoder = self._next_stream(compression, decoder.unused_data)
                continue
            wanted = decoder.needs_input
            data = self._input() if wanted else b""
            try:
                piece = decoder.decompress(data, _CHUNK)
            except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
                raise ArchiveError(f"its {compression.name} data cannot be decompressed: {error}") from error
            if piece:
                return piece
            if wanted and not data and not decoder.eof:
                raise ArchiveError(f"its {compression.name} data ends in the middle")
        return b""

    def _next_stream(self, compression: Compression, rest: bytes) -> _Decoder | None:
        """Return a decompressor for the next stream; None if no other stream follows.

        Zeros may stand between streams. Other bytes do not belong to the archive and are ignored, as common programs
        do.
        """
        check_abort(self._abort)
        while len(rest := rest.lstrip(b"\0")) < _LONGEST_MAGIC and (more := self._input()):
            rest += more
        if not rest.startswith(compression.magic):
            return None
        self._streams += 1
        if self._streams > self.budget.limits.streams:
            raise ArchiveError(f"it has more than {self.budget.limits.streams:,} compressed streams")
        self._next_input = rest
        return compression.decoder()

    def _input(self) -> bytes:
        check_abort(self._abort)
        data, self._next_input = self._next_input, b""
        return data or os.read(self._fd, _INPUT)
