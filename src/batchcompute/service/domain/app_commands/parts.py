"""What the command line of an app is made of, and how a part of it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__: list[str] = []

_LONGEST = 40


class UnsupportedCommand(ValueError):
    """A line with parameters holds something that is not allowed in it.

    Args:
        reason: What is not allowed, in a few words.
        near: The place in the line.
        parameter: The parameter that stands there; empty where the place has none of its own.
    """

    def __init__(self, reason: str, near: str, parameter: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.near: str = shortened(near)
        self.parameter = parameter


def shortened(text: str) -> str:
    """Return a text as one short line."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word."""

    kind: Literal["text", "glob", "environment", "value"]
    text: str
    """The text itself, the name of an environment variable, or the name of a parameter."""
    quoted: bool


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command."""

    pieces: tuple[Piece, ...]
    source: str

    @property
    def parameter(self) -> str:
        """The first parameter in the word; empty without one."""
        return next((piece.text for piece in self.pieces if piece.kind == "value"), "")

    @property
    def has_value(self) -> bool:
        """Whether a value stands in the word."""
        return any(piece.kind == "value" for piece in self.pieces)

    @property
    def constant(self) -> str | None:
        """The text of the word; None where the shell puts something in."""
        if any(piece.kind != "text" for piece in self.pieces):
            return None
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Redirection:
    """A file, or another descriptor, that a descriptor of a command becomes."""

    descriptor: str
    """One digit, or empty for the usual one."""
    operator: Literal["<", ">", ">>", ">&", "<&"]
    target: Word

    @property
    def writes(self) -> bool:
        """Whether it opens a file for output."""
        return self.operator in (">", ">>")


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: words and redirections."""

    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]
    source: str
    end: str
    """The operator behind it: ``;``, a newline, ``&&``, ``||`` or nothing."""

    @property
    def parameter(self) -> str:
        """The first parameter in the command; empty without one."""
        words = [*self.words, *(item.target for item in self.redirections)]
        return next((word.parameter for word in words if word.has_value), "")

    @property
    def has_value(self) -> bool:
        """Whether a value stands in one of its words or files."""
        return any(word.has_value for word in self.words) or any(
            item.target.has_value for item in self.redirections
        )
