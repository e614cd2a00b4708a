"""The state that the threads of the Slurm engine share."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.outcome import Exited
from batchcompute.service.clock import Clock
from batchcompute.service.engines.base import AttemptStatus
from batchcompute.service.engines.slurm.commands import Commands
from batchcompute.service.engines.slurm.files import SharedFiles
from batchcompute.service.engines.slurm.journal import Journal
from batchcompute.service.engines.slurm.nodes import NodeWatch
from batchcompute.service.engines.slurm.packing import Durations, TaskKey
from batchcompute.service.engines.slurm.settings import SlurmSettings
from batchcompute.service.engines.slurm.site import Site
from batchcompute.service.engines.slurm.tracking import JobArray, Tracked

__all__ = ["State"]

_log = logging.getLogger("batchcompute.service.engine")

_BROKEN = ("StartFailed",)
"""Errors of attempts that say nothing good about their node."""


@dataclass(slots=True)
class State:
    """The attempts and job arrays of an engine.

    One thread of the engine submits job arrays and asks for them. Everything that other threads see, too, is read and
    changed while `lock` is held, which never is while a command of Slurm runs, or a file of the shared directory is used.
    """

    settings: SlurmSettings
    """The options of the engine."""
    prefix: str
    """Prefix of the names of all job arrays of this service."""
    commands: Commands
    """The commands of Slurm."""
    files: SharedFiles
    """The files of job arrays."""
    clock: Clock
    """The source of time."""
    nodes: NodeWatch
    """The nodes that lose jobs."""
    journal: Journal
    """The journal."""
    site: Site | None = None
    """The site; None if it is not known yet."""
    lock: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))
    """Held while the fields below are used. Notified when the engine's thread has something to do."""
    attempts: dict[Token, Tracked] = field(default_factory=dict[Token, Tracked])
    """The attempts that the service may ask for."""
    waiting: dict[Token, Tracked] = field(default_factory=dict[Token, Tracked])
    """The attempts that are in no job array yet, in the order of their submission."""
    arrays: dict[str, JobArray] = field(default_factory=dict[str, JobArray])
    """The job arrays by name."""
    outage: str = ""
    """The reason why the last question to Slurm failed; empty if it did not."""
    changed: Callable[[], None] = lambda: None
    """Tells the service that a status has changed."""
    durations: Durations = field(default_factory=Durations)
    """Durations of attempts."""

    def set_status(self, attempt: Tracked, status: AttemptStatus) -> bool:
        """Set the status of an attempt that has not ended, and return whether it has changed."""
        with self.lock:
            if attempt.has_ended or attempt.status == status:
                return False
            attempt.status = status
            if isinstance(status, Exited):
                self.note_end(attempt, status)
            return True

    def note_end(self, attempt: Tracked, end: Exited) -> None:
        """Learn from the end of an attempt: the duration of its task, and that its node works."""
        if end.started is not None and end.ended is not None and attempt.spec is not None:
            self.durations.note(task_of(attempt), end.ended - end.started)
        if end.node and end.error_code not in _BROKEN:
            self.nodes.note_success(end.node)

    def note_job(self, array: JobArray) -> None:
        """Note the id of a job array. It is found by its name, too, so an error changes nothing."""
        try:
            with self.lock:
                self.journal.note_job(array.name, array.job)
        except OSError as error:
            _log.warning("Slurm: the id of job array %s cannot be noted: %s", array.name, error)

    def set_outage(self, text: str) -> bool:
        """Note whether Slurm answers, and return whether that has changed."""
        with self.lock:
            was, self.outage = self.outage, text
        return bool(was) != bool(text)

    def open_of(self, attempts: Iterable[Tracked]) -> list[Tracked]:
        """Return the attempts that have not ended."""
        with self.lock:
            return [attempt for attempt in attempts if not attempt.has_ended]


def task_of(attempt: Tracked) -> TaskKey:
    """Return the task of an attempt."""
    spec = attempt.spec
    return ("", "") if spec is None else (spec.job_id, spec.task)
