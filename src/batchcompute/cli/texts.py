"""Texts for a terminal: foreign control characters are shown, and do not act."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__: list[str] = []

_CONTROL: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
)
"""Control characters besides tab and newline, marks that reverse the direction of a text, and surrogates."""

_OF_LINE: Final = re.compile(f"[\t\n{_CONTROL}]")
_OF_BLOCK: Final = re.compile(f"[{_CONTROL}]")
_NAMES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _NAMES.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def clean(text: object) -> str:
    """Return a text on one line, with an escape sequence for each control character.

    Args:
        text: The text.
    """
    return _OF_LINE.sub(_escaped, str(text))


def clean_block(text: object) -> str:
    """Return a text of several lines, with an escape sequence for each control character.

    Args:
        text: The text.
    """
    return _OF_BLOCK.sub(_escaped, str(text))


def width_of(text: str) -> int:
    """Return the number of columns of a text without control characters.

    Args:
        text: The text.
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def cut(text: str, width: int) -> str:
    """Return a text in at most a number of columns; an ellipsis marks a cut.

    Args:
        text: The text, without control characters.
        width: The number of columns, 1 or more.
    """
    if width_of(text) <= width:
        return text
    columns = 0
    for index, sign in enumerate(text):
        columns += width_of(sign)
        if columns >= width:
            return text[:index] + "…"
    return text
