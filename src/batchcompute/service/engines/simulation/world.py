"""The world of a simulation: nodes, and the events of attempts in the order of their times."""

from __future__ import annotations

import heapq
import math
from typing import TypeAlias

from batchcompute.service.clock import Clock
from batchcompute.service.engines.base import (
    AttemptStatus,
    Exited,
    Lost,
    Pending,
    Rejected,
    Running,
    Unknown,
)
from batchcompute.service.engines.simulation.checks import misplaced
from batchcompute.service.engines.simulation.nodes import Attempt, Node, Nodes
from batchcompute.service.engines.simulation.script import Script

__all__ = ["CLOSED", "World"]

CLOSED = Lost("the engine was closed")
"""The end of attempts that their engine has ended."""

_NODE = "node-1"
"""The name of the node if the script names none."""

_ROUNDING = 1e-6
"""Seconds by which sums of times may be inexact."""

_Turn: TypeAlias = tuple[Node, bool]
"""The loss of a node, or its return."""


class World:
    """Nodes, and the events of attempts. It has no lock.

    Args:
        clock: The clock.
        script: The script, which names the nodes and their losses.
        cancel_seconds: Seconds from a cancellation to the end of a running attempt.

    Raises:
        ValidationError: The script names a node that it does not declare.
    """

    def __init__(self, clock: Clock, script: Script, cancel_seconds: float) -> None:
        self.news: bool = False
        """Whether the status of an attempt, whose handle the service knows, has changed."""
        self._clock = clock
        self._epoch = clock.time() - clock.monotonic()
        self._script = script
        self._cancel_seconds = cancel_seconds
        self._events: list[tuple[float, int, Attempt | _Turn | None]] = []
        """A heap of times, with a number that makes them different. None: a status is known again."""
        self._number = 0
        self._nodes = Nodes(script.nodes or {_NODE: None})
        for rule in script.rules:
            for course in (rule.base, *(course for _, course, _ in rule.outcomes)):
                self.check_node(f"{rule.path}.node", course.node)
        start = clock.monotonic()
        for loss in script.lost_nodes:
            node = self.node("node_lost.name", loss.node)
            self._schedule(start + loss.at, (node, False))
            if loss.back != math.inf:
                self._schedule(start + loss.back, (node, True))

    def check_node(self, path: str, name: str) -> None:
        """Check that there is a node; an empty name is any node.

        Raises:
            ValidationError: There is none.
        """
        if name:
            self.node(path, name)

    def node(self, path: str, name: str) -> Node:
        """Return a node. If the script declares no nodes, each name is one.

        Args:
            path: The field with the name, for the error.
            name: Name of the node.

        Raises:
            ValidationError: There is no such node.
        """
        if name not in self._nodes:
            if self._script.nodes:
                nodes = ", ".join(self._script.nodes)
                raise misplaced(path, f"there is no node {name!r}; the script declares {nodes}")
            self._nodes.add(name, None)
        return self._nodes[name]

    @property
    def only_node(self) -> str:
        """The name of the node on which each attempt starts at once; empty if an attempt may wait, or choose."""
        return self._nodes.only_node

    def catch_up(self) -> float:
        """Let everything happen that has happened until now, at its own time, and return the time."""
        now = self._clock.monotonic()
        while self._events:
            time, _, subject = self._events[0]
            # An attempt that was cancelled or lost has an event that does not count any more.
            is_stale = isinstance(subject, Attempt) and (subject.end is not None or subject.due != time)
            if time > now + _ROUNDING and not is_stale:
                break
            heapq.heappop(self._events)
            if is_stale:
                continue
            if isinstance(subject, Attempt):
                self._reach(subject, time)
            elif subject is not None:
                self.turn(*subject, time)
            else:
                self.news = True
        return now

    def next_event(self, now: float) -> float | None:
        """Return the seconds until the next event after `catch_up`; None if there is none."""
        return max(0.0, self._events[0][0] - now) if self._events else None

    def add(self, attempt: Attempt) -> None:
        """Add an attempt that is submitted now."""
        course = attempt.course
        if course.unknown_for:
            self._schedule(attempt.submitted + course.unknown_after + course.unknown_for, None)
        if course.pending:
            self._schedule(attempt.submitted + course.pending, attempt)
        else:
            self._place(attempt, attempt.submitted)

    def status(self, attempt: Attempt | None, now: float) -> AttemptStatus:
        """Return the status of an attempt; None is one that does not exist."""
        if attempt is None:
            return Unknown("the simulated engine has no attempt with this handle")
        course = attempt.course
        unknown_from = attempt.submitted + course.unknown_after
        if course.unknown_for and unknown_from <= now < unknown_from + course.unknown_for - _ROUNDING:
            return Unknown("the simulated engine does not know the status")
        if attempt.end is not None:
            return attempt.end
        if attempt.node is not None and attempt.started is not None:
            return Running(attempt.node.name, self._epoch + attempt.started)
        if attempt.due != math.inf:
            return Pending(course.reason)
        if course.node and not self._nodes[course.node].alive:
            return Pending(f"the node {course.node} is lost")
        return Pending("Resources")

    def cancel(self, attempt: Attempt, now: float) -> None:
        """Cancel an attempt."""
        if attempt.end is not None or attempt.stopping:
            return
        attempt.cancels += 1
        if attempt.cancels <= attempt.course.ignored_cancels:
            return
        attempt.stopping = True
        if attempt.started is None or not self._cancel_seconds:
            self._finish(attempt, now)
        elif now + self._cancel_seconds < attempt.due:
            self._schedule(now + self._cancel_seconds, attempt)

    def end(self, attempt: Attempt, now: float, end: AttemptStatus) -> None:
        """End an attempt that has not ended, and start the next one in its place."""
        if isinstance(end, Exited) and attempt.started is not None and attempt.node is not None:
            started = self._epoch + attempt.started
            end = end._replace(node=attempt.node.name, started=started, ended=self._epoch + now)
        attempt.end = end
        self._tell(attempt)
        if attempt.node is not None:
            self._nodes.release(attempt)
            self._fill(attempt.node, now)

    def turn(self, node: Node, alive: bool, now: float) -> None:
        """Lose a node with everything that runs on it, or let it return."""
        self._nodes.turn(node, alive)
        if not alive:
            for attempt in list(node.running.values()):
                self.end(attempt, now, Lost(f"the node {node.name} was lost"))
        self._fill(node, now)

    def _reach(self, attempt: Attempt, now: float) -> None:
        """Let the next event of an attempt happen."""
        if attempt.started is not None:
            self._finish(attempt, now)
        elif isinstance(attempt.course.end, Rejected):
            self.end(attempt, now, attempt.course.end)
        else:
            self._place(attempt, now)

    def _place(self, attempt: Attempt, now: float) -> None:
        """Start an attempt on a free node, or let it wait for one."""
        attempt.due = math.inf
        node = self._nodes.place(attempt)
        if node is not None:
            self._start(attempt, node, now)
        else:
            self._tell(attempt)

    def _start(self, attempt: Attempt, node: Node, now: float) -> None:
        self._nodes.occupy(node, attempt)
        attempt.started = now
        self._schedule(now + min(attempt.course.seconds, attempt.limit), attempt)
        self._tell(attempt)

    def _finish(self, attempt: Attempt, now: float) -> None:
        """End an attempt that was cancelled, has reached its time limit, or has come to the end of its course."""
        end: AttemptStatus = attempt.course.end
        if attempt.stopping:
            end = Exited(None, 9)
        elif attempt.course.seconds > attempt.limit:
            end = Exited(None, 9, timed_out=True)
        self.end(attempt, now, end)

    def _fill(self, node: Node, now: float) -> None:
        while (attempt := self._nodes.next_for(node)) is not None:
            self._start(attempt, node, now)

    def _tell(self, attempt: Attempt) -> None:
        # The service cannot ask for the status of an attempt whose handle it does not know yet.
        if attempt.answered:
            self.news = True

    def _schedule(self, time: float, subject: Attempt | _Turn | None) -> None:
        if isinstance(subject, Attempt):
            subject.due = time
        if time != math.inf:
            self._number += 1
            heapq.heappush(self._events, (time, self._number, subject))
