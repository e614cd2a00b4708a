"""Scripts of the simulated engine: what happens to which attempt."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Self, TypedDict, Unpack, cast

from batchcompute.models.problems import short_repr
from batchcompute.service.engines.base import AttemptSpec, Exited, Lost, Rejected
from batchcompute.service.engines.simulation.checks import integer, misplaced, number, problem, text
from batchcompute.service.engines.simulation.rules import Course, Decision, Fault, LostNode, Rule

__all__ = ["Course", "Decision", "LostNode", "Script"]


class _Properties(TypedDict, total=False):
    """The properties that all outcomes of a rule have in common."""

    pending: float
    reason: str
    node: str
    unknown_after: float
    unknown_for: float
    ignored_cancels: int


class Script:
    """The things that happen to attempts on a `SimulatedEngine`.

    `task` begins a rule for some attempts, and the methods after it say what happens to them. Outcomes are used in their
    order, one for each attempt of an instance. An attempt for which there is no outcome left succeeds. If several rules
    apply to an attempt, the last of them counts.

    Example:
        ``Script().task("align").fails(2, code=3).then_succeeds(after=5)``

    Args:
        seconds: Virtual seconds that a program runs if nothing else is said.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds: float = number("seconds", seconds)
        """Virtual seconds that a program runs if nothing else is said."""
        self.nodes: dict[str, int | None] = {}
        """The nodes with their slots; None for any number of slots."""
        self.lost_nodes: list[LostNode] = []
        """The losses of nodes."""
        self.rules: list[Rule] = []
        """The rules, in their order."""
        self.path: str = ""
        """The place in a file that errors name."""

    def task(
        self,
        task: str = "*",
        *,
        job: str = "*",
        instance: int | Collection[int] | None = None,
        attempt: int | None = None,
        where: Callable[[AttemptSpec], bool] | None = None,
    ) -> Self:
        """Begin a rule.

        Args:
            task: Pattern of the name of the task, with ``*``, ``?`` and ``[…]``.
            job: Pattern of the id of the job.
            instance: Number of the instance, from 0, or several numbers; None for all.
            attempt: Number of the attempt of the instance, from 1; None for all.
            where: Returns whether the rule applies to an attempt; None for all.

        Raises:
            ValidationError: An argument is invalid.
        """
        path = self.path or f"task({short_repr(task)})"
        instances = None if instance is None else _instances(f"{path}.instance", instance)
        if where is not None and not callable(where):
            raise problem(f"{path}.where", where, "must be a function")
        rule = Rule(
            text(f"{path}.task", task),
            text(f"{path}.job", job),
            instances,
            None if attempt is None else integer(f"{path}.attempt", attempt, 1),
            where,
            path,
            Course(self.seconds),
        )
        self.rules.append(rule)
        return self

    def succeeds(self, times: int | None = None, *, after: float | None = None) -> Self:
        """Make attempts succeed.

        Args:
            times: Number of attempts; None for all that follow.
            after: Virtual seconds that the program runs; None for the default of the script.
        """
        return self._outcome("succeeds", times, after, Exited(0))

    def then_succeeds(self, after: float | None = None) -> Self:
        """Make all attempts that follow succeed, after a number of virtual seconds."""
        return self._outcome("then_succeeds", None, after, Exited(0))

    def fails(
        self, times: int | None = None, *, code: int = 1, after: float | None = None, stderr: str = ""
    ) -> Self:
        """Make attempts fail.

        Args:
            times: Number of attempts; None for all that follow.
            code: Exit code, from 1 to 255.
            after: Virtual seconds that the program runs; None for the default of the script.
            stderr: The end of the standard error.
        """
        code = integer(self._path("fails.code"), code, 1, 255)
        return self._outcome(
            "fails", times, after, Exited(code, detail=text(self._path("fails.stderr"), stderr, empty=True))
        )

    def killed(self, times: int | None = None, *, signal: int = 9, after: float | None = None) -> Self:
        """Make a signal end attempts.

        Args:
            times: Number of attempts; None for all that follow.
            signal: Number of the signal, from 1 to 64.
            after: Virtual seconds that the program runs; None for the default of the script.
        """
        signal = integer(self._path("killed.signal"), signal, 1, 64)
        return self._outcome("killed", times, after, Exited(None, signal))

    def lost(
        self, times: int | None = 1, *, after: float | None = None, node: str = "", reason: str = ""
    ) -> Self:
        """Lose attempts while they run. Other attempts on the node are not affected; `node_lost` loses those, too.

        Args:
            times: Number of attempts; None for all that follow.
            after: Virtual seconds that the program runs before; None for the default of the script.
            node: The node that runs these attempts; empty for any.
            reason: The reason; empty for one that names the node.
        """
        node = text(self._path("lost.node"), node, empty=True)
        reason = text(self._path("lost.reason"), reason, empty=True)
        end = Lost(reason or (f"the node {node} was lost" if node else "the node was lost"))
        return self._outcome("lost", times, after, end, node)

    def rejected(
        self,
        reason: str,
        times: int | None = None,
        *,
        retryable: bool = False,
        error_code: str = "StartFailed",
    ) -> Self:
        """Refuse attempts: at their submission, or after `pending`.

        Args:
            reason: The reason in a sentence without a full stop.
            times: Number of attempts; None for all that follow.
            retryable: Whether the engine was only short of resources.
            error_code: ``ErrorCode`` of the instance if it is not retried.
        """
        if not isinstance(retryable, bool):
            raise problem(self._path("rejected.retryable"), retryable, "must be true or false")
        end = Rejected(
            text(self._path("rejected.reason"), reason),
            retryable,
            text(self._path("rejected.error_code"), error_code),
        )
        return self._outcome("rejected", times, 0.0, end)

    def hangs(self, times: int | None = None) -> Self:
        """Make programs run until their time limit, or until they are cancelled.

        Args:
            times: Number of attempts; None for all that follow.
        """
        self._outcome("hangs", times, 0.0, Exited(0))
        last, course, name = self._rule.outcomes[-1]
        self._rule.outcomes[-1] = (last, replace(course, seconds=math.inf), name)
        return self

    def decides(self, decision: Decision) -> Self:
        """Let a function decide about each attempt of the rule.

        Args:
            decision: Returns the course of an attempt, given its specification and its number, from 1.
        """
        if not callable(decision):
            raise problem(self._path("decides"), decision, "must be a function")
        self._rule.decision = decision
        return self

    def pending(self, seconds: float, reason: str = "") -> Self:
        """Keep each attempt of the rule pending.

        Args:
            seconds: Virtual seconds from the submission.
            reason: The reason in the words of a queue, for example ``Resources``.
        """
        return self._property(
            pending=number(self._path("pending.seconds"), seconds),
            reason=text(self._path("pending.reason"), reason, empty=True),
        )

    def unknown(self, seconds: float, *, after: float = 0.0) -> Self:
        """Answer for a while that the status of each attempt of the rule is unknown.

        Args:
            seconds: Virtual seconds for which it is unknown.
            after: Virtual seconds from the submission until it is unknown.
        """
        return self._property(
            unknown_for=number(self._path("unknown.seconds"), seconds),
            unknown_after=number(self._path("unknown.after"), after),
        )

    def on(self, node: str) -> Self:
        """Run each attempt of the rule on one node."""
        return self._property(node=text(self._path("on.node"), node))

    def ignores_cancel(self, times: int = 1) -> Self:
        """Ignore the first cancellations of each attempt of the rule."""
        return self._property(ignored_cancels=integer(self._path("ignores_cancel.times"), times, 1))

    def submit_raises(self, times: int = 1, *, accepted: bool = False) -> Self:
        """Let `submit` raise an error for batches with an attempt of the rule.

        Args:
            times: Number of calls that raise.
            accepted: Whether the engine accepts the attempts and only its answer is lost.
        """
        if not isinstance(accepted, bool):
            raise problem(self._path("submit_raises.accepted"), accepted, "must be true or false")
        return self._fault("submit_raises", "accepted" if accepted else "refused", times)

    def submit_answers_nonsense(self, times: int = 1) -> Self:
        """Let `submit` give answers that are not valid, for batches with an attempt of the rule.

        Args:
            times: Number of calls with such an answer.
        """
        return self._fault("submit_answers_nonsense", "nonsense", times)

    def node(self, name: str, slots: int | None = None) -> Self:
        """Add a node. Without nodes, there is one with any number of slots.

        Args:
            name: Name of the node, which is its address.
            slots: Number of attempts that run on it at the same time; None for any.

        Raises:
            ValidationError: An argument is invalid, or there is a node with this name.
        """
        where = f"{self.path or 'node'}."
        name = text(f"{where}name", name)
        if name in self.nodes:
            raise problem(f"{where}name", name, "must be a name that no other node has")
        self.nodes[name] = None if slots is None else integer(f"{where}slots", slots, 1)
        return self

    def node_lost(self, name: str, at: float, back: float | None = None) -> Self:
        """Lose a node, with all attempts that run on it.

        Args:
            name: Name of the node.
            at: Virtual seconds from the start of the engine.
            back: Virtual seconds from the start of the engine until the node is there again; None for never.

        Raises:
            ValidationError: An argument is invalid.
        """
        where = f"{self.path or 'node_lost'}."
        at = number(f"{where}at", at)
        if back is None:
            end = math.inf
        elif (end := number(f"{where}back", back)) <= at:
            raise problem(f"{where}back", back, f"must be greater than `at`, which is {at:g}")
        self.lost_nodes.append(LostNode(text(f"{where}name", name), at, end))
        return self

    @classmethod
    def from_dict(cls, content: Mapping[str, object]) -> Self:
        """Return the script that plain data describes.

        Raises:
            ValidationError: A field is unknown, missing or invalid.
        """
        # The module knows the methods of this class.
        from batchcompute.service.engines.simulation.files import fill

        return fill(cls(), content)

    @classmethod
    def from_json(cls, content: str | bytes) -> Self:
        """Return the script that a JSON text describes.

        Raises:
            ValidationError: The text is not JSON, or a field is unknown, missing or invalid.
        """
        from batchcompute.service.engines.simulation.files import fill, parse

        return fill(cls(), parse(content))

    @property
    def _rule(self) -> Rule:
        if not self.rules:
            self.task()
        return self.rules[-1]

    def _path(self, name: str) -> str:
        return f"{self._rule.path}.{name}"

    def _outcome(
        self, name: str, times: int | None, after: float | None, end: Exited | Lost | Rejected, node: str = ""
    ) -> Self:
        rule = self._rule
        before, _, name_before = rule.outcomes[-1] if rule.outcomes else (0, None, "")
        if before == math.inf:
            raise misplaced(
                f"{rule.path}.{name}", f"is never used, because `{name_before}` before it has no `times`"
            )
        last = math.inf if times is None else before + integer(self._path(f"{name}.times"), times, 1)
        seconds = self.seconds if after is None else number(self._path(f"{name}.after"), after)
        course = replace(rule.base, seconds=seconds, end=end, node=node or rule.base.node)
        rule.outcomes.append((last, course, name))
        return self

    def _property(self, **properties: Unpack[_Properties]) -> Self:
        rule = self._rule
        rule.base = replace(rule.base, **properties)
        rule.outcomes = [(last, replace(course, **properties), name) for last, course, name in rule.outcomes]
        return self

    def _fault(self, name: str, fault: Fault, times: int) -> Self:
        faults: list[Fault] = [fault] * integer(self._path(f"{name}.times"), times, 1)
        self._rule.faults += faults
        return self


def _instances(path: str, value: object) -> frozenset[int]:
    if isinstance(value, int):
        return frozenset((integer(path, value, 0),))
    if not isinstance(value, Collection) or isinstance(value, (str, bytes)):
        raise problem(path, value, "must be an integer from 0, or a list of such integers")
    numbers = cast("Collection[object]", value)
    return frozenset(integer(path, number, 0) for number in numbers)
