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

_encode: Final = json.JSONEncoder().encode

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

    def __init__(self) -> None:
        super().__init__()
        self._second = 0
        self._text = ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        event = cast("str", getattr(record, "event", ""))
        content: dict[str, object] = {
            "time": self._time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": event or record.getMessage(),
        }
        if event:
            content["event"] = event
            fields = cast("Mapping[str, str | int | float]", getattr(record, "fields", {}))
            for name, value in fields.items():
                if isinstance(value, str) and len(value) > _LONGEST:
                    value = f"{value[:_LONGEST]}…"
                content["reason" if name == "message" else name] = value
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            content["stack"] = record.stack_info
        return _encode(content)

    def _time(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{int(record.msecs):03d}Z"


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
