"""The output of commands: aligned tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from typing import IO, Any, Final

from batchcompute.cli.texts import clean, cut, width_of

__all__: list[str] = []

COLORS: Final = {
    "Finished": 32, "Active": 32, "running": 32, "Failed": 31, "Lost": 31, "Stopped": 33, "Running": 36, "Waiting": 2,
}  # fmt: skip
"""SGR codes of states."""

_C1: Final = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0xD800, 0xE000))}
"""Characters that JSON text may hold and that a terminal would obey, and surrogates."""


def is_terminal(stream: IO[str]) -> bool:
    """Return whether a stream is a terminal that can move its cursor.

    Args:
        stream: The stream.
    """
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def has_color(stream: IO[str]) -> bool:
    """Return whether colors may be written to a stream.

    Args:
        stream: The stream.
    """
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def write(text: str) -> None:
    """Write a line to stdout; a character that its encoding lacks is escaped.

    Args:
        text: The line.
    """
    write_text(f"{text}\n")


def write_text(text: str) -> None:
    """Write text to stdout; a character that its encoding lacks is escaped.

    Args:
        text: The text.
    """
    write_bytes(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))


def write_bytes(data: bytes) -> None:
    """Write bytes to stdout.

    Args:
        data: The bytes.
    """
    rest = memoryview(data)
    sys.stdout.flush()
    while rest:
        # With PYTHONUNBUFFERED, a write to a pipe may be a partial one, of which `print` would lose the rest.
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def write_json(value: Any) -> None:
    """Write a value as JSON.

    Args:
        value: Plain dicts, lists, texts and numbers.
    """
    write(json.dumps(value, indent=2, ensure_ascii=False).translate(_C1))


def write_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], state_column: int | None = None
) -> None:
    """Write an aligned table. On a terminal, lines are cut at its width.

    Args:
        headings: The headings of the columns.
        rows: The rows.
        state_column: Number of the column whose words have colors; None for no colors.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(width_of, column)) for column in zip(headings, *cells, strict=True)]
    limit = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else 0
    colored = has_color(sys.stdout) and state_column is not None
    before = sum(width + 2 for width in widths[: state_column or 0])
    for row in ([*headings], *cells):
        padded = [text + " " * (width - width_of(text)) for text, width in zip(row, widths, strict=True)]
        line = "  ".join(padded).rstrip()
        if limit:
            line = cut(line, limit)
        word = row[state_column or 0]
        if colored and word in COLORS and (not limit or before + width_of(word) < limit):
            start = len("  ".join(padded[: state_column or 0])) + (2 if state_column else 0)
            line = f"{line[:start]}\x1b[{COLORS[word]}m{word}\x1b[0m{line[start + len(word) :]}"
        write(line)


def write_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Write names with their values, one a line; an empty value is left out.

    Args:
        fields: The names and values.
    """
    shown = [(name, clean(value)) for name, value in fields if value not in ("", None)]
    width = max((width_of(name) for name, _ in shown), default=0)
    for name, value in shown:
        write(f"{name + ':':<{width + 1}} {value}")
