"""An engine that simulates attempts on a virtual clock, as a script says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

from batchcompute.errors import ConfigError, ValidationError
from batchcompute.service.clock import Clock
from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Capabilities,
    Handle,
    Rejected,
    Submission,
    Submitted,
    Token,
    Unknown,
)
from batchcompute.service.engines.context import EngineContext
from batchcompute.service.engines.simulation.checks import number
from batchcompute.service.engines.simulation.decider import Decider
from batchcompute.service.engines.simulation.nodes import Attempt
from batchcompute.service.engines.simulation.rules import Course, Fault
from batchcompute.service.engines.simulation.script import Script
from batchcompute.service.engines.simulation.world import CLOSED, World

__all__ = ["Course", "Script", "SimulatedEngine", "create"]

_KEPT_REFUSALS = 10_000
"""Number of the last refusals that the engine repeats if the same token is submitted again."""


_OUTAGE_POLL = 1.0
"""Seconds after which the service asks again during an outage."""


class SimulatedEngine:
    """Simulates attempts: nothing runs, and a script says what happens.

    The engine has no thread. Each call of a method first lets everything happen that has happened until then on the
    clock, at its exact time. The cost of each event is logarithmic in the number of attempts. An engine outlives the
    services that use it, as a cluster does: give the same engine to the next service to simulate a restart.

    Args:
        clock: The clock, which the service has to use, too.
        script: The script; None for programs that succeed after one second.
        slots: Number of attempts that the service submits at the same time; None for that of the service.
        starts_at_once: Whether `starts_at_once` says so of attempts that neither wait nor are refused. There must be
            one node with any number of slots.
        cancel_seconds: Seconds from a cancellation to the end of a running attempt.
        workspace: The files that the engine claims to need.

    Raises:
        ValidationError: The script names a node that it does not declare.
    """

    name: str = "simulated"
    """Name of the engine."""

    def __init__(
        self,
        clock: Clock,
        script: Script | None = None,
        *,
        slots: int | None = None,
        starts_at_once: bool = False,
        cancel_seconds: float = 0.0,
        workspace: Literal["local", "shared", "staged"] = "staged",
    ) -> None:
        self.script: Script = script if script is not None else Script()
        """The script. Rules that are added to it count for attempts that are submitted later."""
        self.submitted: int = 0
        """Number of attempts that the engine has accepted."""
        self._starts_at_once = starts_at_once
        self._changed: Callable[[], None] = _do_nothing
        # `cancel`, `close` and the methods for tests are called from other threads.
        self._lock = threading.RLock()
        self._world = World(clock, self.script, number("cancel_seconds", cancel_seconds))
        node = self._world.only_node if starts_at_once else ""
        self.capabilities: Capabilities = Capabilities(
            slots=slots, workspace=workspace, survives=True, node=node, live_logs=False
        )
        """The capabilities of the engine."""
        self._decider = Decider(self.script)
        self._by_token: dict[Token, Attempt] = {}
        self._by_handle: dict[Handle, Attempt] = {}
        self._refused: dict[Token, Rejected] = {}
        self._closed = False
        self._outages = 0

    def bind(self, changed: Callable[[], None]) -> None:
        """Set the function that is called when a test or a cancellation changes the status of an attempt."""
        with self._lock:
            self._changed = changed
            self._closed = False

    def starts_at_once(self, spec: AttemptSpec) -> bool:
        """Return whether an attempt runs as soon as it is submitted."""
        if not self._starts_at_once:
            return False
        with self._lock:
            self._world.catch_up()
            if not self._world.only_node:
                return False
            try:
                course = self._decider.expected_course(spec)
            except Exception:  # noqa: BLE001 - a function of the script fails; `_course` refuses the attempt
                return False
            return not course.pending and not isinstance(course.end, Rejected) and not course.node

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        """Submit attempts of one task.

        Raises:
            ConnectionError: The script says so, or there is an outage.
            RuntimeError: The engine is closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the simulated engine is closed")
            self._check_outage()
            now = self._world.catch_up()
            fault, used = self._next_fault(batch) or ("", 0)
            if fault == "refused":
                raise ConnectionError("the simulated engine does not answer")
            if fault == "nonsense":
                return _nonsense(used, len(batch))
            answers = [self._submit(spec, now) for spec in batch]
            if fault == "accepted":
                raise ConnectionError("the answer of the simulated engine was lost")
            for answer in answers:
                if isinstance(answer, Submitted):
                    self._by_handle[answer.handle].answered = True
                    self._world.news = True
            return answers

    def _next_fault(self, batch: Sequence[AttemptSpec]) -> tuple[Fault, int] | None:
        try:
            return self._decider.next_fault(batch)
        except Exception:  # noqa: BLE001 - a function of the script fails; `_course` refuses the attempt
            return None

    def _course(self, spec: AttemptSpec) -> Course:
        try:
            course = self._decider.next_course(spec)
            self._world.check_node("Course.node", course.node)
        except Exception as error:  # noqa: BLE001 - a script is a program of the user
            # The service would submit the attempt again and again if this was raised.
            return Course(end=Rejected(f"the script failed: {type(error).__name__}: {error}"))
        return course

    def _submit(self, spec: AttemptSpec, now: float) -> Submission:
        token = spec.token
        attempt = self._by_token.get(token)
        if attempt is not None:
            return Submitted(attempt.handle)
        if (refusal := self._refused.get(token)) is not None:
            return refusal
        course = self._course(spec)
        if isinstance(course.end, Rejected) and not course.pending:
            if len(self._refused) >= _KEPT_REFUSALS:
                del self._refused[next(iter(self._refused))]
            self._refused[token] = course.end
            return course.end
        self.submitted += 1
        attempt = Attempt(token, f"simulated-{self.submitted}", self.submitted, course, spec.time_limit, now)
        self._by_token[token] = self._by_handle[attempt.handle] = attempt
        self._world.add(attempt)
        return Submitted(attempt.handle)

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        """Return the statuses of attempts."""
        with self._lock:
            if self._outages:
                return {handle: Unknown("the simulated engine does not answer") for handle in handles}
            now = self._world.catch_up()
            if handles:
                self._world.news = False
            return {handle: self._world.status(self._by_handle.get(handle), now) for handle in handles}

    def cancel(self, handles: Collection[Handle]) -> None:
        """End attempts."""
        with self._lock:
            now = self._world.catch_up()
            for handle in handles:
                attempt = self._by_handle.get(handle)
                if attempt is not None:
                    self._world.cancel(attempt, now)
            has_news = self._world.news
        if has_news:
            self._changed()

    def forget(self, handles: Collection[Handle]) -> None:
        """Release attempts. Those that have not ended are ended."""
        with self._lock:
            now = self._world.catch_up()
            for handle in handles:
                attempt = self._by_handle.get(handle)
                if attempt is not None:
                    self._forget(attempt, now)

    def _forget(self, attempt: Attempt, now: float) -> None:
        if attempt.end is None:
            attempt.answered = False
            self._world.end(attempt, now, CLOSED)
        del self._by_handle[attempt.handle], self._by_token[attempt.token]
        self._world.news = self._world.news and bool(self._by_handle)

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        """Find the attempts of an earlier service again, and end all others.

        Raises:
            ConnectionError: There is an outage.
        """
        with self._lock:
            self._check_outage()
            self._closed = False
            now = self._world.catch_up()
            expected = {attachment.spec.token for attachment in attempts}
            for attempt in list(self._by_token.values()):
                if attempt.token not in expected or attempt.end is CLOSED:
                    self._forget(attempt, now)
            for token in expected:
                if token in self._by_token:
                    self._by_token[token].answered = self._world.news = True
            return {
                token: self._by_token[token].handle if token in self._by_token else None for token in expected
            }

    def next_poll(self) -> float | None:
        """Return the seconds until the next event; None if there is none."""
        with self._lock:
            if self._outages:
                return _OUTAGE_POLL
            now = self._world.catch_up()
            return 0.0 if self._world.news else self._world.next_event(now)

    def close(self, leave_running: bool = False) -> None:
        """End all attempts, unless they are left to a later service; statuses can still be read."""
        with self._lock:
            self._closed = True
            now = self._world.catch_up()
            if not leave_running:
                for attempt in self._by_token.values():
                    if attempt.end is None:
                        self._world.end(attempt, now, CLOSED)

    def statuses(self) -> dict[Token, AttemptStatus]:
        """Return the statuses of all attempts that are not forgotten, by token."""
        with self._lock:
            now = self._world.catch_up()
            return {token: self._world.status(attempt, now) for token, attempt in self._by_token.items()}

    def running_on(self, node: str) -> int:
        """Return the number of attempts that run on a node.

        Raises:
            ValidationError: There is no such node.
        """
        with self._lock:
            self._world.catch_up()
            return len(self._world.node("node", node).running)

    @contextmanager
    def outage(self) -> Generator[None]:
        """Let the engine not answer: each status is unknown, and `submit` and `attach` raise an error."""
        self._outages += 1
        try:
            yield
        finally:
            self._outages -= 1
            self._changed()

    def _check_outage(self) -> None:
        if self._outages:
            raise ConnectionError("the simulated engine does not answer")

    def lose_node(self, name: str) -> None:
        """Lose a node now, with all attempts that run on it.

        Raises:
            ValidationError: There is no such node.
        """
        self._turn_node(name, False)

    def return_node(self, name: str) -> None:
        """Let a lost node return now.

        Raises:
            ValidationError: There is no such node.
        """
        self._turn_node(name, True)

    def _turn_node(self, name: str, alive: bool) -> None:
        with self._lock:
            now = self._world.catch_up()
            self._world.turn(self._world.node("name", name), alive, now)
        self._changed()


def _nonsense(number: int, size: int) -> Sequence[Submission]:
    """Return an answer to a batch that breaks the contract, another one for each number."""
    submitted = Submitted("simulated-nonsense")
    answers: tuple[object, ...] = ([], [submitted] * (size + 1), [None] * size, None, ["accepted"] * size)
    return cast("Sequence[Submission]", answers[number % len(answers)])


def _do_nothing() -> None:
    """Nobody wants to know."""


def create(context: EngineContext) -> SimulatedEngine:
    """Return the engine of a service. Its options are those of a script, or ``script`` is the path of one in JSON.

    Args:
        context: The parts of the service.

    Raises:
        ConfigError: An option is wrong, or the file cannot be read.
    """
    options = dict(context.options)
    path = options.pop("script", None)
    try:
        if path is None:
            return SimulatedEngine(context.clock, Script.from_dict(options))
        if options or not isinstance(path, str):
            raise ConfigError("engines.simulated: script must be the path of a file, and the only option")
        return SimulatedEngine(context.clock, Script.from_json(Path(path).expanduser().read_bytes()))
    except ValidationError as error:
        raise ConfigError(f"engines.simulated: {error}") from error
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"engines.simulated: script {path} cannot be read: {error}") from error
