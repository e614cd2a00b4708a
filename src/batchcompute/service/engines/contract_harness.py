"""The frame of the contract suite: hooks that a test of an engine fills in, and checks of everything that is observed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import ClassVar, Final, NoReturn
from unittest import SkipTest

from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.base import (
    AttemptSpec,
    AttemptStatus,
    Engine,
    Exited,
    Handle,
    Lost,
    Pending,
    Rejected,
    Running,
    Submission,
    Submitted,
    Unknown,
)

__all__ = ["EngineHarness", "check", "is_final"]

_RANKS: Final[Mapping[type, int]] = {Pending: 0, Running: 1, Exited: 2, Lost: 2, Rejected: 2}
"""The order in which an attempt may have its statuses. `Unknown` may come at any time."""

_SKEW = 5.0
"""Seconds by which the clocks of nodes may differ."""


def check(condition: object, message: str) -> None:
    """Fail the test if a condition does not hold.

    Raises:
        AssertionError: It does not hold.
    """
    if not condition:
        raise AssertionError(message)


def is_final(status: AttemptStatus) -> bool:
    """Return whether an attempt with this status has ended."""
    return isinstance(status, (Exited, Lost, Rejected))


class EngineHarness:
    """The hooks of a contract suite.

    A subclass has to implement `make_engine`, and `restarted` if the engine survives its service. The other hooks have
    defaults. A hook that returns None makes the suite skip what needs it.
    """

    clock: Clock = SYSTEM_CLOCK
    """The clock of the engine."""
    patience: ClassVar[float] = 30.0
    """Seconds on `clock` within which an attempt starts, and a short program ends."""
    pause: ClassVar[float] = 0.02
    """Seconds on `clock` between two questions for a status."""
    large: ClassVar[int] = 1000
    """Number of attempts in the large batch."""

    def make_engine(self) -> Engine:
        """Return a new engine."""
        raise NotImplementedError("make_engine")

    def restarted(self, engine: Engine) -> Engine:
        """Return the engine of the next service, after the one of the last service was closed.

        Args:
            engine: The closed engine.
        """
        raise NotImplementedError("restarted")

    def crashed(self, engine: Engine) -> Engine | None:  # noqa: ARG002 - a hook
        """Return the engine of the next service, after the last service was killed; None if the test cannot do that.

        Args:
            engine: The engine of the last service, which nobody has closed.
        """
        return None

    def spec(
        self, command: str, *, time_limit: float = 600.0, environment: Mapping[str, str] | None = None
    ) -> AttemptSpec:
        """Return the specification of a new attempt.

        Args:
            command: The command line, for ``sh``.
            time_limit: Seconds that the program may run.
            environment: Variables of the program.
        """
        self._number += 1
        return AttemptSpec(
            f"contract-{uuid.uuid4().hex}",
            "job-contract",
            "task",
            self._number,
            "owner",
            command,
            time_limit,
            dict(environment or {}),
        )

    def pending_spec(self) -> AttemptSpec | None:
        """Return an attempt that stays pending; None if the test cannot make one."""
        return None

    def rejected_spec(self) -> AttemptSpec | None:
        """Return an attempt that the engine refuses; None if the test cannot make one."""
        return None

    def lose(self, handle: Handle) -> bool | None:  # noqa: ARG002 - a hook
        """Lose the machine of a running attempt, and return True; None if the test cannot do that."""
        return None

    def times_run(self, spec: AttemptSpec) -> int | None:  # noqa: ARG002 - a hook
        """Return how many times the program of an attempt was started; None if the test cannot know."""
        return None

    def count_processes(self, marker: str) -> int | None:  # noqa: ARG002 - a hook
        """Return the number of processes, on all nodes, with a text in their command lines; None if unknown."""
        return None

    def begin_outage(self) -> bool | None:
        """Keep the engine from reaching its cluster, and return True; None if the test cannot do that."""
        return None

    def end_outage(self) -> None:
        """Let the engine reach its cluster again."""

    def clean_up(self) -> None:
        """Release what the hooks have made. Called after each test."""

    # The rest belongs to the suite.

    def setup_method(self) -> None:
        """Prepare a test."""
        self._number = 0
        self._seen: dict[Handle, AttemptStatus] = {}
        self._condition = threading.Condition()
        self.changes: int = 0
        """Number of calls of the function that the engine calls when a status has changed."""
        self.engine: Engine = self.make_engine()
        """The engine."""
        self._began = self.clock.time()
        self.engine.bind(self._note_change)
        check(dict(self.engine.attach([])) == {}, "attach([]): must answer with an empty mapping")

    def teardown_method(self) -> None:
        """End a test: the engine ends all attempts."""
        try:
            self.engine.close()
        finally:
            self.clean_up()

    def _note_change(self) -> None:
        with self._condition:
            self.changes += 1
            self._condition.notify_all()

    def restart(self) -> None:
        """Replace the engine by that of the next service, which has not attached its attempts yet."""
        self.engine.close(leave_running=True)
        self.engine = self.restarted(self.engine)
        self.engine.bind(self._note_change)

    def skip(self, reason: str) -> NoReturn:
        """Skip the test."""
        raise SkipTest(reason)

    def submit(self, *specs: AttemptSpec) -> list[Handle]:
        """Submit attempts that the engine accepts, and return their handles."""
        answers = self.answers(specs)
        for spec, answer in zip(specs, answers, strict=True):
            check(
                isinstance(answer, Submitted), f"submit: {spec.command[:60]!r} was not accepted: {answer!r}"
            )
        return [answer.handle for answer in answers if isinstance(answer, Submitted)]

    def answers(self, specs: Sequence[AttemptSpec]) -> list[Submission]:
        """Submit attempts, and return the checked answers."""
        answers = list(self.engine.submit(specs))
        check(
            len(answers) == len(specs), f"submit: {len(answers)} answers for a batch of {len(specs)} attempts"
        )
        for answer in answers:
            check(isinstance(answer, (Submitted, Rejected)), f"submit: {answer!r} is not a submission")
            if isinstance(answer, Submitted):
                check(
                    isinstance(answer.handle, str) and answer.handle,
                    f"submit: the handle {answer.handle!r} must be a text of one character or more",
                )
            else:
                check(
                    answer.reason and not answer.reason.endswith("."),
                    f"submit: the reason {answer.reason!r} must be a sentence without a full stop",
                )
        return answers

    def statuses(self, handles: Collection[Handle]) -> dict[Handle, AttemptStatus]:
        """Ask for statuses, and check that they may follow those of the last question."""
        answer = self.engine.status(handles)
        strangers = set(answer) - set(handles)
        check(not strangers, f"status: answers for handles that were not asked for: {sorted(strangers)[:3]}")
        statuses = {handle: answer.get(handle, Unknown("no status")) for handle in handles}
        for handle, status in statuses.items():
            self._check_status(handle, status)
        return statuses

    def status(self, handle: Handle) -> AttemptStatus:
        """Ask for the status of one attempt."""
        return self.statuses([handle])[handle]

    def _check_status(self, handle: Handle, status: AttemptStatus) -> None:
        if isinstance(status, Unknown):
            return
        rank = _RANKS.get(type(status))
        if rank is None:
            raise AssertionError(f"status: {status!r} is not a status")
        before = self._seen.get(handle, Pending())
        check(rank >= _RANKS[type(before)], f"status: {status!r} after {before!r}")
        check(
            not is_final(before) or status == before,
            f"status: a final status changed: {before!r}, {status!r}",
        )
        if isinstance(status, Running):
            check(
                status.node and isinstance(status.node, str),
                "status: Running.node must be the name of a node",
            )
            check(
                not isinstance(before, Running) or before.node == status.node,
                f"status: an attempt moved to another node: {before!r}, {status!r}",
            )
            self._check_time("Running.since", status.since)
        elif isinstance(status, Exited):
            self._check_end(before, status)
        elif isinstance(status, (Lost, Rejected)):
            check(
                status.reason and not status.reason.endswith("."),
                f"status: the reason {status.reason!r} must be a sentence without a full stop",
            )
        self._seen[handle] = status

    def _check_end(self, before: AttemptStatus, end: Exited) -> None:
        check(end.code is None or 0 <= end.code <= 255, f"status: {end!r} has no possible exit code")
        check(end.code is None or not end.signal, f"status: {end!r} has both an exit code and a signal")
        check(
            not isinstance(before, Running) or end.node in ("", before.node),
            f"status: Exited.node is {end.node!r} after {before!r}",
        )
        self._check_time("Exited.started", end.started)
        self._check_time("Exited.ended", end.ended)
        if end.started is not None and end.ended is not None:
            check(end.started <= end.ended, f"status: {end!r} ended before it started")

    def _check_time(self, name: str, moment: float | None) -> None:
        if moment is not None:
            earliest, latest = self._began - _SKEW, self.clock.time() + _SKEW
            check(earliest <= moment <= latest, f"status: {name} is {moment}, not in {earliest} to {latest}")

    def until(
        self, handles: Iterable[Handle], holds: Callable[[AttemptStatus], bool], text: str
    ) -> dict[Handle, AttemptStatus]:
        """Ask for statuses until a condition holds for all of them, and return them.

        Args:
            handles: The attempts.
            holds: Returns whether the condition holds for a status.
            text: The condition in words.
        """
        asked = list(handles)
        statuses: dict[Handle, AttemptStatus] = {}
        rest = asked
        end = self.clock.monotonic() + self.patience
        while True:
            statuses.update(self.statuses(rest))
            rest = [handle for handle in asked if not holds(statuses[handle])]
            if not rest:
                return statuses
            check(
                self.clock.monotonic() < end,
                f"{len(rest)} attempts are not {text} after {self.patience:g} seconds: {statuses[rest[0]]!r}",
            )
            self.clock.sleep(self.pause)

    def ends(self, handles: Iterable[Handle]) -> list[AttemptStatus]:
        """Wait until attempts have ended, and return their statuses."""
        return list(self.until(handles, is_final, "ended").values())

    def end_of(self, handle: Handle) -> Exited:
        """Wait until an attempt has ended, and return its end, which must be that of a program."""
        status = self.ends([handle])[0]
        if not isinstance(status, Exited):
            raise AssertionError(f"status: {status!r} instead of the end of a program")
        return status

    def runs(self, handle: Handle) -> Running:
        """Wait until an attempt runs, and return its status."""
        status = self.until([handle], lambda status: not isinstance(status, (Pending, Unknown)), "running")
        running = status[handle]
        if not isinstance(running, Running):
            raise AssertionError(f"status: {running!r} instead of Running")
        return running

    def has_stopped(self, handle: Handle) -> None:
        """Wait until an attempt has ended without success, long before its program would end."""
        status = self.ends([handle])[0]
        check(
            not isinstance(status, Exited) or status.timed_out or status.outcome.failed,
            f"status: {status!r} of an attempt that was ended",
        )
