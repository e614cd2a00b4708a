"""Events in the life of jobs and requests, and the sinks that receive them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

__all__ = [
    "AttemptEnded",
    "Event",
    "EventSink",
    "Events",
    "JobCreated",
    "JobDeleted",
    "JobEnded",
    "JobRestarted",
    "JobStarted",
    "RequestAnswered",
    "seconds_between",
    "seconds_since_1970",
]


class JobCreated(NamedTuple):
    """A job was created."""

    job: str
    """Id of the job."""
    owner: str
    """The owner of the key that created it."""
    name: str
    """Its name, which its owner chose."""
    tasks: int
    """Number of its tasks."""
    instances: int
    """Number of its instances."""


class JobStarted(NamedTuple):
    """The first instance of a job starts."""

    job: str
    """Id of the job."""
    owner: str
    """Its owner."""


class AttemptEnded(NamedTuple):
    """An attempt of an instance has ended."""

    job: str
    """Id of the job."""
    task: str
    """Name of the task, which its owner chose."""
    instance: int
    """Number of the instance."""
    attempt: int
    """Number of the attempt, from 1."""
    state: str
    """Its final state: ``Finished``, ``Failed``, ``Stopped`` or ``Lost``."""
    exit_code: int
    """Exit code of the program; 0 if there is none."""
    code: str
    """Code of the error, of a fixed list; empty for a success."""
    start: float
    """Time of its start, in seconds since 1970."""
    end: float
    """Time of its end, in seconds since 1970."""

    @property
    def has_exit_code(self) -> bool:
        """Whether its program has an exit code: a lost or stopped attempt has none."""
        return self.state in ("Finished", "Failed")


class JobEnded(NamedTuple):
    """A job has finished, failed, or was stopped."""

    job: str
    """Id of the job."""
    owner: str
    """Its owner."""
    state: str
    """Its final state: ``Finished``, ``Failed`` or ``Stopped``."""
    message: str
    """The reason of a failure; empty for another end."""
    seconds: float | None
    """Seconds from its start to its end; None if it never started."""


class JobRestarted(NamedTuple):
    """A job that had ended waits to start again."""

    job: str
    """Id of the job."""
    owner: str
    """Its owner."""


class JobDeleted(NamedTuple):
    """A job was deleted: by its owner, by ``AutoRelease``, or because it is old."""

    job: str
    """Id of the job."""
    owner: str
    """Its owner."""


class RequestAnswered(NamedTuple):
    """A request was answered."""

    operation: str
    """The operation; empty if the request has none. For object storage ``objects``."""
    method: str
    """HTTP method, as the client sent it."""
    path: str
    """Path without the query, percent-encoded, as the client sent it."""
    status: int
    """HTTP status."""
    code: str
    """Code of the error; empty for a success, and for object storage."""
    owner: str
    """The owner of the key; empty if the request was not authenticated."""
    request_id: str
    """Id of the request; empty for object storage."""
    seconds: float
    """Seconds from the head of the request to its response."""


Event: TypeAlias = (
    JobCreated | JobStarted | AttemptEnded | JobEnded | JobRestarted | JobDeleted | RequestAnswered
)
"""Any event."""


class EventSink(Protocol):
    """Receives events. It is called by several threads, does not block, and raises nothing."""

    def receive(self, event: Event) -> None:
        """Take an event.

        Args:
            event: The event.
        """
        ...


class Events:
    """Hands events to sinks.

    Args:
        sinks: The sinks.
    """

    def __init__(self, *sinks: EventSink) -> None:
        self._sinks: list[EventSink] = list(sinks)

    def add(self, sink: EventSink) -> None:
        """Add a sink, which receives the events from now on.

        Args:
            sink: The sink.
        """
        self._sinks.append(sink)

    def emit(self, event: Event) -> None:
        """Hand an event to all sinks.

        Args:
            event: The event.
        """
        for sink in self._sinks:
            sink.receive(event)

    def job_created(self, job: str, owner: str, name: str, tasks: int, instances: int) -> None:
        """Report that a job was created; see `JobCreated`."""
        self.emit(JobCreated(job, owner, name, tasks, instances))

    def job_started(self, job: str, owner: str) -> None:
        """Report that the first instance of a job starts; see `JobStarted`."""
        self.emit(JobStarted(job, owner))

    def attempt_ended(
        self,
        job: str,
        task: str,
        instance: int,
        attempt: int,
        state: str,
        exit_code: int,
        code: str,
        start: float,
        end: float,
    ) -> None:
        """Report that an attempt has ended; see `AttemptEnded`."""
        self.emit(AttemptEnded(job, task, instance, attempt, state, exit_code, code, start, end))

    def job_ended(self, job: str, owner: str, state: str, message: str, seconds: float | None) -> None:
        """Report that a job has ended; see `JobEnded`."""
        self.emit(JobEnded(job, owner, state, message, seconds))

    def job_restarted(self, job: str, owner: str) -> None:
        """Report that a job that had ended waits again; see `JobRestarted`."""
        self.emit(JobRestarted(job, owner))

    def job_deleted(self, job: str, owner: str) -> None:
        """Report that a job was deleted; see `JobDeleted`."""
        self.emit(JobDeleted(job, owner))


def seconds_between(start: str, end: str) -> float | None:
    """Return the seconds between two times of the API; None if one of them is empty.

    Args:
        start: The earlier time.
        end: The later time.
    """
    if not start or not end:
        return None
    return seconds_since_1970(end) - seconds_since_1970(start)


def seconds_since_1970(time: str) -> float:
    """Return a time of the API as seconds since 1970.

    Args:
        time: The time.
    """
    return datetime.fromisoformat(time).timestamp()
