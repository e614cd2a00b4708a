"""Pieces of the output of an instance, as HTML. A log may have any size, and be no text."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from batchcompute.service.web.ansi import PLAIN, Style, to_html
from batchcompute.service.web.api import OwnerApi, PageError, Piece

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHUNK", "Follower", "LogPiece", "before", "part", "tail"]

CHUNK: Final = 64 * 1024
"""Bytes of a piece of a log."""

_LONGEST_OPEN: Final = 8 * 1024
"""Bytes of a line without an end that is read again with the next piece."""


@dataclass(frozen=True, slots=True)
class LogPiece:
    """A piece of a log."""

    start: int
    """Position of its first byte."""
    next: int
    """Position after its last complete line: where the next piece starts."""
    size: int
    """Bytes of the log."""
    html: Markup
    """Its complete lines."""
    open_html: Markup
    """The begin of a line that has no end yet; it is a part of the next piece, too."""
    style: str
    """The style at the begin of the next piece, packed."""
    broken: bool
    """Whether it contains bytes that are no text in UTF-8."""

    def content(self) -> dict[str, object]:
        """Return the piece as the script of the page reads it."""
        return {
            "start": self.start,
            "next": self.next,
            "size": self.size,
            "html": self.html,
            "open": self.open_html,
            "style": self.style,
            "broken": self.broken,
        }


def tail(api: OwnerApi, object_url: str) -> LogPiece:
    """Return the end of a log.

    Args:
        api: The API for the owner.
        object_url: URL of the log.

    Raises:
        PageError: The log does not exist yet.
    """
    piece = api.read(object_url, -CHUNK, CHUNK)
    data = piece.data
    start = piece.start
    if start:
        # The first line has no begin here.
        cut = data.find(b"\n") + 1
        cut = cut or _first_character(data)
        data, start = data[cut:], start + cut
    return _rendered(Piece(start, data, piece.size), PLAIN, follows=True)


def part(api: OwnerApi, object_url: str, at: int, style: str = "") -> LogPiece:
    """Return a piece in the middle of a log.

    Args:
        api: The API for the owner.
        object_url: URL of the log.
        at: Position of the first byte, in the line where the piece starts; a negative one is taken for 0.
        style: The style at its begin, packed.
    """
    piece = api.read(object_url, max(0, at), CHUNK)
    if piece.end < piece.size:
        # The last line ends in the next piece, unless it fills this one.
        end = piece.data.rfind(b"\n") + 1
        if end:
            piece = Piece(piece.start, piece.data[:end], piece.size)
    return _rendered(piece, Style.of(style), follows=piece.end >= piece.size)


def before(api: OwnerApi, object_url: str, end: int) -> LogPiece:
    """Return the piece of a log that ends at a position.

    Args:
        api: The API for the owner.
        object_url: URL of the log.
        end: Position after its last byte.
    """
    start = max(0, end - CHUNK)
    piece = api.read(object_url, start, end - start) if end > 0 else api.read(object_url, 0, 1)
    data = piece.data if end > 0 else b""
    if start:
        cut = data.find(b"\n", 0, len(data) - 1) + 1
        cut = cut or _first_character(data)
        data, start = data[cut:], start + cut
    return _rendered(Piece(start, data, piece.size), PLAIN, follows=False)


class Follower:
    """Reads what a log gets, from a position on.

    Args:
        api: The API for the owner.
        object_url: URL of the log.
        instance: Path of the instance that writes it.
        at: Position where the last piece ended.
        style: The style there, packed.
    """

    def __init__(
        self, api: OwnerApi, object_url: str, instance: tuple[str, ...], at: int, style: str
    ) -> None:
        self._api = api
        self._url = object_url
        self._instance = instance
        self._at = at
        self._style = style
        self._open = Markup("")
        self.ended: bool = False
        """Whether the instance has ended, and the whole log was returned."""

    def next(self) -> LogPiece | None:
        """Return what is new since the last call; None for nothing."""
        try:
            # The state is read before the log, so the log is complete if the instance has ended.
            running = self._api.get(*self._instance)["State"] in ("Running", "Waiting")
            piece = self._read()
        except PageError as error:
            self.ended = error.status != 404 or not self._may_come()
            return None
        is_new = piece is not None and (bool(piece.html) or piece.open_html != self._open)
        if piece is None or not is_new:
            self.ended = not running
            return None
        self._at, self._style, self._open = piece.next, piece.style, piece.open_html
        return piece

    def _read(self) -> LogPiece | None:
        piece = self._api.read(self._url, self._at, CHUNK)
        if piece.size < self._at:
            # Another attempt of the instance has begun the log again.
            self._at, self._style = 0, ""
            piece = self._api.read(self._url, 0, CHUNK)
            return _rendered(piece, PLAIN, follows=True)
        return _rendered(piece, Style.of(self._style), follows=True) if piece.data else None

    def _may_come(self) -> bool:
        """Return whether the log may still appear: its instance has not ended."""
        try:
            return self._api.get(*self._instance)["State"] in ("Running", "Waiting")
        except PageError:
            return False


def _rendered(piece: Piece, style: Style, follows: bool) -> LogPiece:
    data = piece.data
    # A line without an end is shown, and read again when it has grown.
    end = data.rfind(b"\n") + 1
    if len(data) - end > _LONGEST_OPEN or not follows:
        end = len(data) - _incomplete(data)
    text, broken = _decoded(data[:end])
    html, after = to_html(text, style)
    open_text, open_broken = _decoded(data[end : len(data) - _incomplete(data)])
    open_html, _ = to_html(open_text, after)
    return LogPiece(
        piece.start, piece.start + end, piece.size, html, open_html, after.packed(), broken or open_broken
    )


def _decoded(data: bytes) -> tuple[str, bool]:
    """Return bytes as text, and whether they contain something that is no text."""
    try:
        return data.decode("utf-8"), b"\0" in data
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True


def _incomplete(data: bytes) -> int:
    """Return the number of bytes at the end that are the begin of a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    decoder.decode(data[-4:])
    return len(decoder.getstate()[0])


def _first_character(data: bytes) -> int:
    """Return the number of bytes at the begin that are the rest of a character."""
    return next((at for at, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)


def log_or_problem(load: Callable[[], LogPiece]) -> tuple[LogPiece | None, str]:
    """Return a piece of a log, or why it cannot be shown.

    Args:
        load: Reads the piece.
    """
    try:
        return load(), ""
    except PageError as error:
        if error.status == 404:
            return None, "There is no output yet."
        return None, error.message
