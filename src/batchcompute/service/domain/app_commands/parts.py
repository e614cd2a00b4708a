"""The parts of a parsed command line of an app, and the error for an unsupported part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__: list[str] = []

_LONGEST = 40


class UnsupportedCommand(ValueError):
    """A line with parameters holds a part that is not allowed in it.

    Args:
        reason: What is not allowed, in a few words.
        near: The part of the line.
        parameter: The parameter in this part; empty if the part has none.
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
        """The first parameter in the word; empty if the word has none."""
        return next((piece.text for piece in self.pieces if piece.kind == "value"), "")

    @property
    def has_value(self) -> bool:
        """Whether the word contains a value."""
        return any(piece.kind == "value" for piece in self.pieces)

    @property
    def constant(self) -> str | None:
        """The text of the word; None if the shell expands a part of it."""
        if any(piece.kind != "text" for piece in self.pieces):
            return None
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Redirection:
    """A redirection of a descriptor to a file or to another descriptor."""

    descriptor: str
    """One digit, or empty for the default of the operator."""
    operator: Literal["<", ">", ">>", ">&", "<&"]
    target: Word

    @property
    def writes(self) -> bool:
        """Whether the redirection opens a file for output."""
        return self.operator in (">", ">>")


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: words and redirections."""

    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]
    source: str
    end: str
    """The operator after it: ``;``, a newline, ``&&``, ``||`` or nothing."""

    @property
    def parameter(self) -> str:
        """The first parameter in the command; empty if the command has none."""
        words = [*self.words, *(item.target for item in self.redirections)]
        return next((word.parameter for word in words if word.has_value), "")

    @property
    def has_value(self) -> bool:
        """Whether one of its words or redirections contains a value."""
        return any(word.has_value for word in self.words) or any(
            item.target.has_value for item in self.redirections
        )
