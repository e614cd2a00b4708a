"""The statuses of attempts in job arrays, from the records of their runners and the queue of Slurm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.runner.outcome import Exited
from batchcompute.runner.records import Ended, Record, RecordReader, Started
from batchcompute.service.engines.base import AttemptStatus, Lost, Pending, Rejected, Running
from batchcompute.service.engines.slurm.queue import Row

__all__ = ["Element", "JobArray", "Tracked", "Verdict", "judge", "take_record"]

_SHORT: Final = 5.0
"""Seconds in which a record must arrive if Slurm says that it has ended the job itself."""

_CONFIRMED_WITHIN: Final = 30.0
"""Seconds in which a job must appear whose submission Slurm has not answered."""

_REASONS: Final = {
    "Resources": "it waits for free resources",
    "Priority": "jobs of a higher priority are before it",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition is inactive",
    "PartitionTimeLimit": "its time limit exceeds that of the partition",
    "JobHeldUser": "it is held by its user",
    "JobHeldAdmin": "it is held by an administrator",
    "BeginTime": "its begin time has not come",
    "Licenses": "it waits for a licence",
    "ReqNodeNotAvail": "a required node is not available",
    "BadConstraints": "no node has what it asks for",
}
"""Explanations of the most frequent reasons. All others are shown as Slurm writes them."""


@dataclass(slots=True, eq=False)
class Tracked:
    """An attempt that the engine knows."""

    token: Token
    """Its token, which is its handle, too."""
    spec: AttemptSpec | None = None
    """The attempt; None for one of an earlier service that is only ended."""
    status: AttemptStatus = field(default_factory=Pending)
    """Its status."""
    started: Started | None = None
    """The record of its start."""
    element: Element | None = None
    """The element of a job array that runs it; None if it is in no array yet."""
    is_cancelled: bool = False
    """Whether it has to end."""
    is_forgotten: bool = False
    """Whether the service has recorded its end, or never asks for it."""

    @property
    def has_ended(self) -> bool:
        """Whether its status is final."""
        return isinstance(self.status, (Exited, Lost, Rejected))


@dataclass(slots=True, eq=False)
class Element:
    """An element of a job array: a runner with its attempts."""

    array: JobArray = field(repr=False)
    """The job array."""
    number: int
    """Its number."""
    attempts: list[Tracked]
    """The attempts, in the order in which they start."""
    reader: RecordReader = field(repr=False)
    """The records of its runner."""
    row: Row | None = None
    """Its line in the queue; None if there is none."""
    node: str = ""
    """The node that runs it, or has run it."""
    gone_since: float | None = None
    """Time since which it is not in the queue, or has ended there."""
    held_since: float | None = None
    """Time since which it is held."""
    is_ended: bool = False
    """Whether Slurm was told to end it."""

    @property
    def open_attempts(self) -> list[Tracked]:
        """The attempts that have not ended."""
        return [attempt for attempt in self.attempts if not attempt.has_ended]

    @property
    def is_waiting(self) -> bool:
        """Whether it waits in Slurm, so that it cannot have new records."""
        return self.row is not None and self.row.phase == "waiting"

    @property
    def name(self) -> str:
        """The element in words."""
        return f"Slurm job {self.array.job}_{self.number}" if self.array.job else "the Slurm job"

    @property
    def place(self) -> str:
        """The element and its node in words."""
        return f"{self.name} on {self.node}" if self.node else self.name


@dataclass(slots=True, eq=False)
class JobArray:
    """A job array, which is found by its name."""

    name: str
    """Its name."""
    folder: str
    """Directory of its files."""
    job: str = ""
    """Id of the job, only for people and for `scancel` beside the name; empty until Slurm has answered."""
    since: float = 0.0
    """Time of its submission, or of its discovery after a restart."""
    excluded: tuple[str, ...] = ()
    """Nodes that it must not use."""
    is_observed: bool = False
    """Whether it was in the queue once."""
    elements: list[Element] = field(default_factory=list[Element])
    """Its elements."""
    voided: set[Token] = field(default_factory=set[Token])
    """Tokens of the attempts that no runner may run any more."""

    @property
    def attempts(self) -> Iterator[Tracked]:
        """All attempts."""
        return (attempt for element in self.elements for attempt in element.attempts)

    @property
    def is_done(self) -> bool:
        """Whether all attempts have ended."""
        return all(attempt.has_ended for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The consequences of the state of an element for its attempts that have not ended."""

    statuses: Sequence[tuple[Tracked, AttemptStatus]] = ()
    """New statuses."""
    end_job: bool = False
    """Whether Slurm has to end the element."""
    blames_node: bool = False
    """Whether the node is the cause of a loss."""


def take_record(attempt: Tracked, record: Record) -> bool:
    """Take over a record of a runner, and return whether the status has changed."""
    if attempt.has_ended:
        # An attempt that was lost stays lost: another one may run in its place.
        return False
    if isinstance(record, Ended):
        attempt.status = record.exited
        return True
    if attempt.started is None:
        attempt.started = record
        attempt.status = Running(record.node or "unknown", record.time or None)
        return True
    return False


def judge(
    element: Element, now: float, wall: float, grace: float, held_grace: float, suffix: str = ""
) -> Verdict:
    """Return what follows from an element's line in the queue.

    The records that have arrived are taken over before. So an attempt without an end has really none yet.

    Args:
        element: The element, with its line in the queue at ``now``.
        now: Monotonic time.
        wall: The same moment in seconds since 1970.
        grace: Seconds in which a record must arrive after the job has left the queue.
        held_grace: Seconds after which an attempt is lost whose job is held.
        suffix: Text that is added to the reasons of waiting attempts.
    """
    row = element.row
    phase: Literal["waiting", "running", "ended", "gone"] = "gone" if row is None else row.phase
    if row is not None and phase in ("waiting", "running"):
        element.gone_since = None
        if phase == "running":
            element.held_since = None
            return Verdict(_pending(element, f"{element.place} runs, and the program has not started yet"))
        return _judge_waiting(element, row, now, held_grace, suffix)
    if element.gone_since is None:
        element.gone_since = now
    rest = element.open_attempts
    if not rest:
        return Verdict()
    if row is None and not element.array.job and not element.array.is_observed:
        if now - element.array.since < _CONFIRMED_WITHIN:
            return Verdict(_pending(element, "Slurm has not confirmed the submission"))
        return _lose(element, "Slurm did not answer the submission, and does not know the job", False)
    if now - element.gone_since < _patience(element, row, grace):
        return Verdict()
    return _judge_gone(element, row, wall)


def _patience(element: Element, row: Row | None, grace: float) -> float:
    if (
        row is not None
        and row.state == "CANCELLED"
        and all(entry.is_cancelled for entry in element.open_attempts)
    ):
        return 0.0
    if row is None or row.state in ("COMPLETED", "FAILED"):
        # Records of a program that has ended are on their way, and file systems lag.
        return grace if not all(entry.is_cancelled for entry in element.open_attempts) else min(grace, _SHORT)
    return min(grace, _SHORT)


def _judge_waiting(element: Element, row: Row, now: float, held_grace: float, suffix: str) -> Verdict:
    if "launch failed" in row.reason:
        return _lose(element, f"Slurm could not start the job: {row.reason}", True, end_job=True)
    is_held = row.reason.startswith("JobHeld") or row.state in (
        "SPECIAL_EXIT",
        "REQUEUE_HOLD",
        "RESV_DEL_HOLD",
    )
    if is_held:
        if element.held_since is None:
            element.held_since = now
        if now - element.held_since >= held_grace:
            text = f"the Slurm job was held for more than {held_grace:g} seconds ({row.reason or row.state})"
            return _lose(element, text, False, end_job=True)
    else:
        element.held_since = None
    reason = row.reason or row.state
    words = _REASONS.get(reason.partition(",")[0])
    return Verdict(
        _pending(element, f"{element.name} waits: {f'{words} ({reason})' if words else reason}{suffix}")
    )


def _judge_gone(element: Element, row: Row | None, wall: float) -> Verdict:
    state = "" if row is None else row.state
    if state == "TIMEOUT":
        return _judge_time_limit(element, wall)
    if all(attempt.is_cancelled for attempt in element.open_attempts):
        return _lose(element, "it was cancelled", False)
    if state in ("NODE_FAIL", "BOOT_FAIL"):
        return _lose(element, f"its node has failed ({state})", True)
    if state == "PREEMPTED":
        return _lose(element, "it was preempted by another job", False)
    if state in ("CANCELLED", "DEADLINE", "REVOKED"):
        return _lose(element, f"its Slurm job was ended by somebody else ({state})", False)
    if state == "OUT_OF_MEMORY":
        return _lose(element, "its Slurm job needed more memory than it had asked for (OUT_OF_MEMORY)", False)
    if row is None:
        return _lose(
            element, "its Slurm job has vanished from the queue, and no record of its end has arrived", False
        )
    if any(attempt.started for attempt in element.attempts):
        text = f"its Slurm job has ended ({state}), and no record of the attempt's end has arrived"
    else:
        text = f"its Slurm job has ended ({state}), and the runner has started no program"
    return _lose(element, text, True)


def _judge_time_limit(element: Element, wall: float) -> Verdict:
    message = "Slurm ended the program at the time limit of the partition, or of the option 'time'."
    statuses: list[tuple[Tracked, AttemptStatus]] = []
    for attempt in element.open_attempts:
        if attempt.started is None:
            reason = f"the time limit of {element.place} was reached before the program started"
            statuses.append((attempt, Lost(reason)))
        else:
            started = attempt.started.time or None
            end = Exited(None, 0, True, "Timeout", message, "", attempt.started.node, started, wall)
            statuses.append((attempt, end))
    return Verdict(statuses)


def _lose(element: Element, text: str, blames_node: bool, *, end_job: bool = False) -> Verdict:
    reason = f"{text} ({element.place})"
    return Verdict([(attempt, Lost(reason)) for attempt in element.open_attempts], end_job, blames_node)


def _pending(element: Element, reason: str) -> list[tuple[Tracked, AttemptStatus]]:
    status = Pending(reason)
    return [(attempt, status) for attempt in element.open_attempts if attempt.started is None]
