"""The sink that writes events to the log: one line for each."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Final

from batchcompute.service.events import (
    AttemptEnded,
    Event,
    JobCreated,
    JobDeleted,
    JobEnded,
    JobRestarted,
    JobStarted,
    RequestAnswered,
)

__all__ = ["EventLog"]

_log = logging.getLogger("batchcompute.service.events")

_LONGEST: Final = 200
"""Characters of a value that are logged."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.,:;/@%+~=-]+")
"""Values that need no quotation marks."""

Fields = Mapping[str, str | int | float]


class EventLog:
    """Writes events to the logger ``batchcompute.service.events``.

    The life of jobs and refused requests are logged at INFO, other requests at DEBUG. Names that users chose are
    escaped and cut.
    """

    def receive(self, event: Event) -> None:
        """Log an event."""
        if isinstance(event, RequestAnswered):
            if _log.isEnabledFor(logging.DEBUG if event.status < 400 else logging.INFO):
                _log_request(event)
        elif _log.isEnabledFor(logging.INFO):
            text, fields = _described(event)
            _write(logging.INFO, text, fields, "")


def _described(event: Event) -> tuple[str, Fields]:
    """Return the name of an event in the life of a job, and its fields."""
    match event:
        case JobCreated():
            fields: Fields = {
                "job": event.job, "owner": event.owner, "name": event.name,
                "tasks": event.tasks, "instances": event.instances,
            }  # fmt: skip
            return "job created", fields
        case JobStarted():
            return "job started", {"job": event.job, "owner": event.owner}
        case AttemptEnded():
            fields = {
                "job": event.job, "task": event.task, "instance": event.instance, "attempt": event.attempt,
                "state": event.state, "exit_code": event.exit_code, "seconds": round(event.end - event.start, 3),
            }  # fmt: skip
            if not event.has_exit_code:
                del fields["exit_code"]
            return "attempt ended", {**fields, "code": event.code} if event.code else fields
        case JobEnded():
            fields = {"job": event.job, "owner": event.owner, "state": event.state}
            if event.seconds is not None:
                fields = {**fields, "seconds": round(event.seconds, 3)}
            return "job ended", {**fields, "message": event.message} if event.message else fields
        case JobRestarted():
            return "job restarted", {"job": event.job, "owner": event.owner}
        case JobDeleted():
            return "job deleted", {"job": event.job, "owner": event.owner}
        case RequestAnswered():
            return "request", {}


def _log_request(event: RequestAnswered) -> None:
    fields: Fields = {
        "operation": event.operation, "method": event.method, "path": event.path, "status": event.status,
        "code": event.code, "owner": event.owner, "request_id": event.request_id,
        "seconds": round(event.seconds, 4),
    }  # fmt: skip
    shown = {name: value for name, value in fields.items() if value != ""}
    if event.status < 400:
        _write(logging.DEBUG, "request answered", shown, "")
    else:
        # A client that repeats a wrong request without end must not fill the disk.
        _write(logging.INFO, "request refused", shown, f"{event.owner}/{event.code or event.status}")


def _write(level: int, text: str, fields: Fields, limit: str) -> None:
    """Write one line.

    Args:
        level: Its level.
        text: The kind of the event.
        fields: The fields of the event.
        limit: Kind of the record for `LogLimit`; empty for one that is always written.
    """
    extra = {"event": text, "fields": fields, "limit": limit}
    # `Logger.log` would walk the stack for the line of the source, which takes a quarter of the time of a record.
    _log.handle(
        _log.makeRecord(_log.name, level, __file__, 0, "%s %s", (text, _Line(fields)), None, extra=extra)
    )


class _Line:
    """The text of fields, which is made only if it is written: a log in JSON does not need it.

    Args:
        fields: The fields.
    """

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __str__(self) -> str:
        return " ".join(f"{name}={_shown(value)}" for name, value in self._fields.items())


def _shown(value: str | int | float) -> str:
    if not isinstance(value, str):
        return str(value)
    if len(value) > _LONGEST:
        value = f"{value[:_LONGEST]}…"
    return value if _PLAIN.fullmatch(value) else json.dumps(value)
