"""The bytes of an archive, decompressed piece by piece within limits.

The content is hostile. Nothing here takes more memory than a few pieces and the decompressor's own window,
whatever a header says, and every byte that comes out is counted before anybody gets it.
"""

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

_PIECE = 256 * 1024
"""The most bytes that are decompressed or read at once."""

_INPUT = 64 * 1024
"""Bytes of the file that are read at once for a decompressor."""

_WINDOW = 128 * 1024**2
"""Memory of an xz decompressor. ``xz -9`` needs 65 MiB."""

_LONGEST_MAGIC = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may ask for. Real packages stay far below."""

    entries: int = 100_000
    """Members, and directories that no member of their own announces."""
    size: int = 64 * 1024**3
    """Bytes that come out of it: headers, content, and copies for hard links."""
    ratio: int = 1000
    """How many times the size of the archive may come out of it. Text that repeats itself reaches 100."""
    small: int = 64 * 1024**2
    """Bytes that may come out of it whatever the ratio is: a small archive of zeros does no harm."""
    extension: int = 1024**2
    """Bytes of one header that extends another one: a long name, or pax records."""
    extensions: int = 8
    """Such headers before one member. Archives have at most four."""
    records: int = 2_000_000
    """Pax records in all. Each takes time, and they compress well."""
    streams: int = 1_000_000
    """Compressed streams in a row in one file, as parallel compressors write them."""


class Budget:
    """Counts the bytes that come out of an archive.

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
            ArchiveError: There are too many.
        """
        self._spent += count
        self.check(0)

    def check(self, count: int) -> None:
        """Refuse bytes that are to come, without counting them.

        Raises:
            ArchiveError: There would be too many.
        """
        if self._spent + count > self.limits.size:
            raise ArchiveError(f"more than {self.limits.size:,} bytes would come out of it")
        if self._spent + count > self._by_ratio:
            raise ArchiveError(f"more than {self.limits.ratio:,} times its own size would come out of it")


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """A decompressor of gzip with the methods of those of bz2 and xz."""

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
class Packing:
    """A way to compress."""

    name: str
    """What it is called."""
    magic: bytes
    """How its files begin."""
    decoder: Callable[[], _Decoder]
    """Makes a decompressor for one stream."""
    certain: bool = True
    """Whether no other file begins like that."""


PACKINGS = (
    Packing("gzip", b"\x1f\x8b\x08", _Gzip),
    Packing("bzip2", b"BZh", bz2.BZ2Decompressor),
    Packing("xz", b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_WINDOW)),
    Packing(
        "lzma", b"]\0\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_WINDOW), certain=False
    ),
)
"""What archives may be compressed with."""


class Source:
    """The bytes that come out of an archive, from its beginning to its end.

    Args:
        fd: Its file, at its beginning.
        packing: How it is compressed; None for not at all.
        budget: Counts the bytes.
        abort: Ends it.
    """

    def __init__(
        self, fd: int, packing: Packing | None, budget: Budget, abort: threading.Event | None = None
    ) -> None:
        self.packing: Packing | None = packing
        """What it was given."""
        self.budget: Budget = budget
        """What it was given."""
        self._fd = fd
        self._abort = abort
        self._decoder = packing.decoder() if packing else None
        self._streams = 1
        self._next_input = b""
        self._piece: bytes = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return some of the next bytes, at most that many; none at the end.

        Raises:
            ArchiveError: They cannot be decompressed, or are too many.
            OSError: The file cannot be read.
            Aborted: Nobody wants them any more.
        """
        if self._at == len(self._piece):
            check_abort(self._abort)
            self._piece = self._inflate(self.packing) if self.packing else os.read(self._fd, _PIECE)
            self._at = 0
            self.budget.spend(len(self._piece))
        found = self._piece[self._at : self._at + size]
        self._at += len(found)
        return found

    def exactly(self, size: int) -> bytes:
        """Return that many of the next bytes, fewer only at the end.

        Raises:
            ArchiveError: They cannot be decompressed, or are too many.
            OSError: The file cannot be read.
            Aborted: Nobody wants them any more.
        """
        found = bytearray()
        while len(found) < size and (piece := self.read(size - len(found))):
            found += piece
        return bytes(found)

    def expect(self, size: int) -> None:
        """Refuse bytes that are announced to come next, if they would be too many.

        Raises:
            ArchiveError: They would be.
        """
        # Some of them may have come and been counted already.
        self.budget.check(size - (len(self._piece) - self._at))

    def peek(self, size: int) -> bytes:
        """Return what `exactly` returns, and keep it for whoever reads next."""
        found = self.exactly(size)
        self._piece, self._at = found + self._piece[self._at :], 0
        return found

    def _inflate(self, packing: Packing) -> bytes:
        while (decoder := self._decoder) is not None:
            if decoder.eof:
                self._decoder = self._next_stream(packing, decoder.unused_data)
                continue
            wanted = decoder.needs_input
            data = self._input() if wanted else b""
            try:
                piece = decoder.decompress(data, _PIECE)
            except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
                raise ArchiveError(f"its {packing.name} data cannot be decompressed: {error}") from error
            if piece:
                return piece
            if wanted and not data and not decoder.eof:
                raise ArchiveError(f"its {packing.name} data ends in the middle")
        return b""

    def _next_stream(self, packing: Packing, rest: bytes) -> _Decoder | None:
        """Return a decompressor for the stream behind one that has ended; None if none is there.

        Zeros may stand between them. Anything else is no part of the archive and ignored, as the programs
        that decompress such files do.
        """
        check_abort(self._abort)
        while len(rest := rest.lstrip(b"\0")) < _LONGEST_MAGIC and (more := self._input()):
            rest += more
        if not rest.startswith(packing.magic):
            return None
        self._streams += 1
        if self._streams > self.budget.limits.streams:
            raise ArchiveError(f"it has more than {self.budget.limits.streams:,} compressed streams")
        self._next_input = rest
        return packing.decoder()

    def _input(self) -> bytes:
        check_abort(self._abort)
        data, self._next_input = self._next_input, b""
        return data or os.read(self._fd, _INPUT)
