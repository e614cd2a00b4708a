"""Nodes with slots, and the attempts that wait for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from batchcompute.service.engines.base import AttemptStatus, Handle, Token
from batchcompute.service.engines.simulation.rules import Course

__all__ = ["Attempt", "Node", "Nodes"]


class Attempt:
    """The state of one attempt."""

    __slots__ = (
        "answered", "cancels", "course", "due", "end", "ended", "handle", "limit", "node", "order", "started",
        "stopping", "submitted", "token",
    )  # fmt: skip

    def __init__(
        self, token: Token, handle: Handle, order: int, course: Course, limit: float, now: float
    ) -> None:
        self.token: Token = token
        self.handle: Handle = handle
        self.order: int = order
        """Place in the queue."""
        self.course: Course = course
        self.limit: float = limit
        """Time limit in seconds."""
        self.submitted: float = now
        self.started: float | None = None
        self.ended: float | None = None
        self.end: AttemptStatus | None = None
        self.node: Node | None = None
        self.due: float = 0.0
        """Time of the next event of the attempt; events of other times do not count any more."""
        self.cancels: int = 0
        """Number of cancellations."""
        self.stopping: bool = False
        """Whether a cancellation ends the attempt at `due`."""
        self.answered: bool = False
        """Whether the service knows the handle."""


class Node:
    """A node.

    Args:
        name: Name and address of the node.
        slots: Number of attempts that run at the same time; None for any.
    """

    __slots__ = ("alive", "listed", "name", "running", "slots", "waiting")

    def __init__(self, name: str, slots: int | None) -> None:
        self.name: str = name
        self.slots: int | None = slots
        self.alive: bool = True
        self.running: dict[Handle, Attempt] = {}
        self.waiting: deque[Attempt] = deque()
        """Attempts that run on this node only."""
        self.listed: bool = False
        """Whether the node is in the list of free nodes."""

    @property
    def is_free(self) -> bool:
        """Whether another attempt can run on the node."""
        return self.alive and (self.slots is None or len(self.running) < self.slots)


class Nodes:
    """All nodes, and the queue of attempts that wait for any of them.

    Args:
        slots: The slots of each node by name; None for any number.
    """

    def __init__(self, slots: Mapping[str, int | None]) -> None:
        self._nodes: dict[str, Node] = {}
        self._free: deque[Node] = deque()
        self._waiting: deque[Attempt] = deque()
        for name, number in slots.items():
            self.add(name, number)

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def __getitem__(self, name: str) -> Node:
        return self._nodes[name]

    @property
    def only_node(self) -> str:
        """The name of the node if there is one that is never full; empty otherwise."""
        first = next(iter(self._nodes.values()))
        return first.name if len(self._nodes) == 1 and first.slots is None and first.alive else ""

    def add(self, name: str, slots: int | None) -> None:
        """Add a node."""
        node = self._nodes[name] = Node(name, slots)
        self._list(node)

    def place(self, attempt: Attempt) -> Node | None:
        """Return a free node for an attempt; None if the attempt waits now for one."""
        if attempt.course.node:
            node = self._nodes[attempt.course.node]
            if node.is_free:
                return node
            node.waiting.append(attempt)
            return None
        while self._free:
            node = self._free.popleft()
            node.listed = False
            if node.is_free:
                return node
        self._waiting.append(attempt)
        return None

    def occupy(self, node: Node, attempt: Attempt) -> None:
        """Let an attempt run on a free node."""
        attempt.node = node
        node.running[attempt.handle] = attempt
        self._list(node)

    def release(self, attempt: Attempt) -> None:
        """Free the slot of an attempt that has run."""
        if attempt.node is not None:
            del attempt.node.running[attempt.handle]
            self._list(attempt.node)

    def turn(self, node: Node, alive: bool) -> None:
        """Change whether attempts can run on a node."""
        node.alive = alive
        self._list(node)

    def next_for(self, node: Node) -> Attempt | None:
        """Return the attempt that waits longest for a node, and no longer waits now; None if there is none."""
        if not node.is_free:
            return None
        queues = [queue for queue in (node.waiting, self._waiting) if _skip_ended(queue)]
        return min(queues, key=lambda queue: queue[0].order).popleft() if queues else None

    def _list(self, node: Node) -> None:
        # A list in turns, so that attempts are spread over the nodes. Each node is in it once.
        if node.is_free and not node.listed:
            node.listed = True
            self._free.append(node)


def _skip_ended(queue: deque[Attempt]) -> bool:
    """Remove attempts that were cancelled from the front of a queue, and return whether there is another."""
    while queue and queue[0].end is not None:
        queue.popleft()
    return bool(queue)
