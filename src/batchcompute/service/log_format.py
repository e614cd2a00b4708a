"""The formats of the server's log: lines for people, or JSON for programs."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, cast

from batchcompute.service.log_limit import LogLimit

__all__ = ["JsonFormatter", "TextFormatter", "log_to_stderr"]

_LONGEST: Final = 200
"""Characters of a field that JSON contains."""


class TextFormatter(logging.Formatter):
    """Writes a record as one line; further lines, as those of a traceback, are indented.

    So no text that a client sent can look like another record. Characters that are not printable are escaped.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        text = super().format(record)
        if text.isprintable():
            return text
        lines = text.split("\n")
        return "\n    ".join("".join(map(_escaped, line)) for line in lines)


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, with the fields of its event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        content: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        event = cast("str", getattr(record, "event", ""))
        if event:
            content["message"] = content["event"] = event
            fields = cast("Mapping[str, str | int | float]", getattr(record, "fields", {}))
            content |= {name: _cut(value) for name, value in fields.items() if name not in content}
            if "message" in fields:
                content["reason"] = _cut(fields["message"])
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            content["stack"] = record.stack_info
        return json.dumps(content)


def log_to_stderr(level: str, form: Literal["text", "json"]) -> None:
    """Write the log of this process to stderr, unless logging is configured already.

    Args:
        level: Lowest level.
        form: Form of the lines.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(LogLimit())
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler])


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _cut(value: str | int | float) -> str | int | float:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value
