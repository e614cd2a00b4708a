"""The text of a file, and the plain values in it with their lines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

from batchcompute.errors import BatchComputeError, Problem

__all__: list[str] = []

Format = Literal["json", "yaml", "cfg"]

MAX_BYTES: Final = 4 * 1024**2
"""Largest size of a file; the service refuses descriptions of more than 256 KiB."""

_SECTION: Final = re.compile(r"\[[^\[\]{}\",]*\]\s*")
"""A line that only a file like ``job.cfg`` begins with."""


_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""The boundaries of words in a wire name."""


class FileError(BatchComputeError):
    """A file cannot be read as a description.

    Args:
        name: Name of the file.
        reason: The reason.
        line: Number of the line, from 1; 0 if it is not known.
        column: Number of the column, from 1.
    """

    def __init__(self, name: str, reason: str, line: int = 0, column: int = 0) -> None:
        place = f"{name}:{line}:{column}" if line and column else f"{name}:{line}" if line else name
        super().__init__(f"{place}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason


@dataclass(slots=True)
class Document:
    """The value of a file."""

    name: str
    """Name of the file, for messages."""
    format: Format
    """Its format."""
    value: dict[str, Any]
    """Its value: the object at the top."""
    lines: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])
    """The line of each key, by its path."""
    problems: list[Problem] = field(default_factory=list[Problem])
    """Mistakes that do not prevent the reading: a key that is there twice, for example."""
    copies: dict[tuple[str, ...], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, ...], tuple[str, ...]]
    )
    """For a key that an alias repeats, the path at which the key is written."""

    def line_of(self, path: Sequence[str]) -> int:
        """Return the line of a key, or of the nearest one above it; 0 if it is not known.

        Args:
            path: The keys from the top, in either spelling.
        """
        return self.lines.get(self._known(path), 0)

    def original_of(self, path: Sequence[str]) -> tuple[str, ...]:
        """Return the path at which a value is written, for one that an alias repeats; else the path itself.

        Args:
            path: The keys from the top, in either spelling.
        """
        known = self._known(path)
        original = self.copies.get(known)
        if original is None:
            return tuple(path)
        # A key with a dot is several parts of the path.
        return (*original, *path[len(".".join(known).split(".")) :])

    def _known(self, path: Sequence[str]) -> tuple[str, ...]:
        known: list[str] = []
        rest = list(path)
        while rest:
            # A key with a dot is several parts of a path in text form.
            for count in range(1, len(rest) + 1):
                part = ".".join(rest[:count])
                spellings = (part, _WORD.sub("_", part).lower())
                step = next((name for name in spellings if (*known, name) in self.lines), None)
                if step is not None:
                    known.append(step)
                    rest = rest[count:]
                    break
            else:
                break
        return tuple(known)


def same_field(name: str, wire: str) -> bool:
    """Return whether a key of a file names a field of the API, in either spelling.

    Args:
        name: The key.
        wire: The wire name of the field.
    """
    return name in (wire, _WORD.sub("_", wire).lower())


def read_text(path: str) -> str:
    """Return the text of a file.

    Args:
        path: The path; ``-`` for stdin.

    Raises:
        FileError: The file cannot be read, is too large, or is not UTF-8.
    """
    name = name_of(path)
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FileError(name, f"cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise FileError(name, f"is larger than {MAX_BYTES} bytes, so it is not the description of a job")
    try:
        # Editors on Windows put a mark at the start of the file.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(name, f"is not UTF-8: byte {data[error.start]:#04x}", line) from None


def name_of(path: str) -> str:
    """Return the name of a file for messages.

    Args:
        path: The path; ``-`` for stdin.
    """
    return "stdin" if path == "-" else path


def format_of(path: str, text: str) -> Format:
    """Return the format of a file, by its name, or else by its beginning.

    Args:
        path: The path.
        text: The text.
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".json", ".yaml", ".yml"):
        return "json" if suffix == ".json" else "yaml"
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith(("#", ";"))), "")
    if suffix in (".cfg", ".ini", ".conf") or _SECTION.fullmatch(first):
        return "cfg"
    return "json" if first.startswith("{") else "yaml"


def parse_json(name: str, text: str) -> Document:
    """Parse JSON text.

    Args:
        name: Name of the file.
        text: The text.

    Raises:
        FileError: The text is not JSON, or not an object.
    """
    problems: list[Problem] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            problems.append(Problem(twice, "", "is there twice in one object"))
        return result

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise FileError(name, f"is not valid JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise FileError(name, "is nested too deep") from None
    except ValueError as error:
        raise FileError(name, f"is not valid JSON: {error}") from None
    return Document(name, "json", as_object(name, value), problems=problems)


def as_object(name: str, value: Any) -> dict[str, Any]:
    """Return the value of a file if it is an object.

    Args:
        name: Name of the file.
        value: The value.

    Raises:
        FileError: It is no object.
    """
    if value is None:
        raise FileError(name, "is empty")
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else "a single value"
        raise FileError(name, f"must hold the fields of a job, such as Name and DAG, and not {kind}")
    return cast("dict[str, Any]", value)
