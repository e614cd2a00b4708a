"""Limits of connections: their number, and the time that each may take."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import weakref
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.http")

_SWEEP = 1.0
"""Seconds between two checks of all connections."""

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
)


MOST_CONNECTIONS = 500
"""Connections at the same time, however many descriptors the process may have."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The number of connections, and the time that each may take.

    Idle connections hold descriptors, which the service needs to start instances and to notice their ends.
    """

    total: int = MOST_CONNECTIONS
    """Connections at the same time."""
    per_address: int = 400
    """Connections from one address at the same time."""
    head: float = 10.0
    """Seconds until the head of a request has arrived."""
    body: float = 30.0
    """Seconds until the next piece of a body has arrived."""
    slowest: float = 1024.0
    """Lowest average speed of a body after the first minute, in bytes per second."""
    reading: float = 60.0
    """Seconds for which a client may leave a response unread."""


_GRACE = 60.0
"""Seconds after which the average speed of a body is checked."""


def limits_for(slots: int) -> ConnectionLimits:
    """Return limits that leave enough descriptors for the jobs.

    An instance needs a few descriptors while it starts or ends, and one while it runs. A request may need a file
    besides its connection.

    Args:
        slots: Number of instances that run at the same time.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return ConnectionLimits()
    total = max(8, min(MOST_CONNECTIONS, (soft - 64 - 4 * slots) // 2))
    return ConnectionLimits(total=total, per_address=max(6, total * 4 // 5))


class ConnectionGuard:
    """Tracks the connections of a server and closes those that exceed the limits.

    Args:
        limits: The limits.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        # In the order in which they were opened.
        self._connections: dict[GuardedProtocol, None] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self.refused: int = 0
        """Number of connections that were refused or closed because there were too many."""

    def opened(self, connection: GuardedProtocol) -> None:
        """Register a new connection. If there are too many, close an idle connection, or else the new one."""
        same = [other for other in self._connections if other.address == connection.address]
        self._connections[connection] = None
        if len(same) >= self._limits.per_address:
            self._make_room(same, connection)
        elif len(self._connections) > self._limits.total:
            self._make_room(list(self._connections), connection)
        if self._sweeping is None:
            self._sweeping = connection.loop.call_later(_SWEEP, self._sweep, connection.loop)

    def closed(self, connection: GuardedProtocol) -> None:
        """Remove a closed connection."""
        self._connections.pop(connection, None)

    def _make_room(self, candidates: list[GuardedProtocol], new: GuardedProtocol) -> None:
        self.refused += 1
        if self.refused & (self.refused - 1) == 0:
            # Only at powers of two, so that a flood of connections does not fill the log.
            _log.warning("%d connections were closed or refused: there are too many", self.refused)
        idle = [connection for connection in candidates if connection is not new and connection.is_idle]
        if idle:
            min(idle, key=lambda connection: connection.last_data).drop()
        else:
            new.transport.write(_BUSY)
            new.drop()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._connections):
            connection.check(now, self._limits)
        self._sweeping = loop.call_later(_SWEEP, self._sweep, loop) if self._connections else None


class GuardedProtocol(H11Protocol):
    """The HTTP protocol of uvicorn, with limits."""

    guard: ConnectionGuard

    def connection_made(self, transport: Any) -> None:
        """Register the new connection."""
        super().connection_made(transport)
        now = self.loop.time()
        self.address: str = self.client[0] if self.client else ""
        self.last_data: float = now
        self._head_since: float = now
        # A new connection has to send a request.
        self._head_begun: bool = True
        self._body_since: float = now
        self._body_bytes: int = 0
        self._blocked_since: float | None = None
        self._last_cycle: Any = None
        self.guard.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection."""
        self.guard.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Record the time at which data arrives."""
        now = self.loop.time()
        if self.is_idle and not self._head_begun:
            # The first bytes of a head start its time limit. Later bytes do not extend it.
            self._head_since, self._head_begun = now, True
        self.last_data = now
        self._body_bytes += len(data)
        super().data_received(data)
        if self.cycle is not self._last_cycle:
            self._last_cycle = self.cycle
            self._body_since, self._body_bytes = now, 0

    def send_400_response(self, msg: str) -> None:
        """Respond to malformed HTTP with 400; close the connection if a response has begun already."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Start to wait for the next head."""
        self._head_since, self._head_begun = self.loop.time(), False
        super().on_response_complete()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being processed."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def check(self, now: float, limits: ConnectionLimits) -> None:
        """Close the connection if it exceeds a time limit."""
        if self.flow.write_paused:
            self._blocked_since = self._blocked_since or now
            if now - self._blocked_since > limits.reading:
                self.drop()
            return
        self._blocked_since = None
        if self.is_idle:
            if now - self._head_since > limits.head:
                self.drop()
        elif self.cycle.more_body and not self.flow.read_paused:
            age = now - self._body_since
            slow = age > _GRACE and self._body_bytes < limits.slowest * age
            if now - self.last_data > limits.body or slow:
                self.drop()

    def drop(self) -> None:
        """Close the connection at once. A response that is being sent is truncated."""
        if self.is_idle:
            self.transport.close()
        else:
            self.transport.abort()


def guarded_protocol(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """Return the protocol class for one server."""
    return type("Protocol", (GuardedProtocol,), {"guard": ConnectionGuard(limits)})


class Listener(socket.socket):
    """A listening socket that closes connections beyond a limit as soon as they are accepted.

    `ConnectionGuard` does not know a connection before its TLS handshake is complete.
    """

    most_open: int = 1000
    """Connections that may be open at the same time."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection.

        Raises:
            BlockingIOError: No connection waits, or too many are open already.
        """
        connection, address = super().accept()
        open_ones = _accepted.setdefault(self, weakref.WeakSet())
        if sum(other.fileno() >= 0 for other in open_ones) >= self.most_open:
            connection.close()
            raise BlockingIOError("too many connections")
        open_ones.add(connection)
        return connection, address


_accepted: weakref.WeakKeyDictionary[Listener, weakref.WeakSet[socket.socket]] = weakref.WeakKeyDictionary()
