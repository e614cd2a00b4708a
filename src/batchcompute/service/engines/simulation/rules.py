"""Rules of scripts: the course of each attempt on the simulated engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from batchcompute.service.engines.base import AttemptSpec, Exited, Lost, Rejected
from batchcompute.service.engines.simulation.checks import problem

__all__ = ["Course", "Decision", "Fault", "LostNode", "Rule"]


_SUCCESS = Exited(0)


@dataclass(frozen=True, slots=True)
class Course:
    """The course of one attempt."""

    seconds: float = 1.0
    """Virtual seconds that the program runs; infinity for a program that does not end by itself."""
    end: Exited | Lost | Rejected = _SUCCESS
    """The end of the attempt. A `Rejected` attempt does not run: it is refused by `submit`, or after `pending`."""
    pending: float = 0.0
    """Virtual seconds that the attempt waits before it may run, even if a slot is free."""
    reason: str = ""
    """The reason of the wait."""
    node: str = ""
    """The node that runs the attempt; empty for any."""
    unknown_after: float = 0.0
    """Virtual seconds from the submission until the engine does not know the status."""
    unknown_for: float = 0.0
    """Virtual seconds for which the engine does not know the status."""
    ignored_cancels: int = 0
    """Number of cancellations without an effect."""


Fault: TypeAlias = Literal["refused", "accepted", "nonsense"]
"""A fault of one call of `submit`. ``refused``: it raises an error. ``accepted``: it accepts the attempts and raises an
error. ``nonsense``: it accepts nothing and gives an answer that is not valid."""


Decision: TypeAlias = Callable[[AttemptSpec, int], Course | None]
"""A function that returns the course of an attempt, given its specification and its number, from 1.

None is the default course."""


@dataclass(frozen=True, slots=True)
class LostNode:
    """The loss of a node, with all attempts that run on it."""

    node: str
    """Name of the node."""
    at: float
    """Virtual seconds from the start of the engine."""
    back: float = math.inf
    """Virtual seconds from the start of the engine until the node is there again."""


@dataclass(slots=True)
class Rule:
    """The part of a script about some attempts."""

    task: str
    job: str
    instances: frozenset[int] | None
    attempt: int | None
    where: Callable[[AttemptSpec], bool] | None
    path: str
    base: Course
    """The properties that all outcomes have in common."""
    outcomes: list[tuple[float, Course, str]] = field(default_factory=list[tuple[float, Course, str]])
    """The last attempt that has each outcome, the outcome, and its name."""
    decision: Decision | None = None
    faults: list[Fault] = field(default_factory=list[Fault])
    """The faults of `submit`, one for each call with an attempt of the rule."""

    @property
    def counts(self) -> bool:
        """Whether the number of an attempt matters."""
        return (
            self.attempt is not None
            or self.decision is not None
            or any(last != math.inf for last, _, _ in self.outcomes)
        )

    def matches(self, job: str, task: str) -> bool:
        """Return whether the rule may apply to attempts of a task."""
        return fnmatchcase(task, self.task) and fnmatchcase(job, self.job)

    def applies(self, spec: AttemptSpec, attempt: int) -> bool:
        """Return whether the rule, which matches the task, applies to an attempt."""
        return (
            (self.instances is None or spec.number in self.instances)
            and (self.attempt is None or attempt == self.attempt)
            and (self.where is None or self.where(spec))
        )

    def course(self, spec: AttemptSpec, attempt: int) -> Course:
        """Return the course of an attempt.

        Raises:
            ValidationError: The function of the rule returned something else.
        """
        if self.decision is not None:
            course: object = self.decision(spec, attempt)
            if course is not None and not isinstance(course, Course):
                raise problem(f"{self.path}.decides", course, "must return a Course or None")
            return self.base if course is None else course
        for last, course, _ in self.outcomes:
            if attempt <= last:
                return course
        return self.base
