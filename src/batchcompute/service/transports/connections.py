"""Limits for connections: how many there are, and how long each may take for what it does.

Descriptors that idle connections hold are missing where the ends of jobs are looked for. So connections are
limited in all and for each address, and whatever is slow, for a purpose or not, comes to an end.
"""

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
"""Seconds between two looks at all connections."""

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
)


MOST = 500
"""Connections that are enough for everybody."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be, and how long they may take."""

    total: int = MOST
    """Connections in all."""
    per_address: int = 400
    """Connections of one address."""
    head: float = 10.0
    """Seconds for the head of a request."""
    body: float = 30.0
    """Seconds in which more of a body has to come."""
    slowest: float = 1024.0
    """Bytes a second of a body, on average after the first minute."""
    reading: float = 60.0
    """Seconds for which a client may not read what it is sent."""


_GRACE = 60.0
"""Seconds after which the average speed of a body counts."""


def limits_for(slots: int) -> ConnectionLimits:
    """Return limits that leave descriptors for the jobs.

    An instance that is started or ended needs a handful of descriptors for a moment, and one while it runs. A
    request may have a file open besides its connection.

    Args:
        slots: How many instances run at once.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return ConnectionLimits()
    total = max(8, min(MOST, (soft - 64 - 4 * slots) // 2))
    return ConnectionLimits(total=total, per_address=max(6, total * 4 // 5))


class ConnectionGuard:
    """Knows all connections of a server, and closes those that break the limits.

    Args:
        limits: The limits.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        # Oldest first.
        self._connections: dict[GuardedProtocol, None] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self.refused: int = 0
        """Connections that were refused or closed because there were too many."""

    def opened(self, connection: GuardedProtocol) -> None:
        """Take note of a new connection; if there are too many, an idle one goes, or else this one."""
        same = [other for other in self._connections if other.address == connection.address]
        self._connections[connection] = None
        if len(same) >= self._limits.per_address:
            self._make_room(same, connection)
        elif len(self._connections) > self._limits.total:
            self._make_room(list(self._connections), connection)
        if self._sweeping is None:
            self._sweeping = connection.loop.call_later(_SWEEP, self._sweep, connection.loop)

    def closed(self, connection: GuardedProtocol) -> None:
        """Take note of the end of a connection."""
        self._connections.pop(connection, None)

    def _make_room(self, candidates: list[GuardedProtocol], new: GuardedProtocol) -> None:
        self.refused += 1
        if self.refused & (self.refused - 1) == 0:
            # Not for each: whoever opens many must not fill the log, too.
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
    """uvicorn's protocol of HTTP, with limits."""

    guard: ConnectionGuard

    def connection_made(self, transport: Any) -> None:
        """Take note of a new connection."""
        super().connection_made(transport)
        now = self.loop.time()
        self.address: str = self.client[0] if self.client else ""
        self.last_data: float = now
        self._head_since: float = now
        # A connection that is new has to say something.
        self._head_begun: bool = True
        self._body_since: float = now
        self._body_bytes: int = 0
        self._blocked_since: float | None = None
        self._last_cycle: Any = None
        self.guard.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end of the connection."""
        self.guard.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take note of when something came."""
        now = self.loop.time()
        if self.is_idle and not self._head_begun:
            # Only its first bytes begin its time: later ones, however few, do not begin it anew.
            self._head_since, self._head_begun = now, True
        self.last_data = now
        self._body_bytes += len(data)
        super().data_received(data)
        if self.cycle is not self._last_cycle:
            self._last_cycle = self.cycle
            self._body_since, self._body_bytes = now, 0

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; where an answer has begun, or has no body, only the end is left."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Take note that the next head may come."""
        self._head_since, self._head_begun = self.loop.time(), False
        super().on_response_complete()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def check(self, now: float, limits: ConnectionLimits) -> None:
        """Close the connection if it takes too long for what it does."""
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
        """Close the connection at once; a response that is being written is cut short."""
        if self.is_idle:
            self.transport.close()
        else:
            self.transport.abort()


def guarded(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """Return the protocol class of one server."""
    return type("Protocol", (GuardedProtocol,), {"guard": ConnectionGuard(limits)})


class Listener(socket.socket):
    """A listening socket that closes connections beyond a limit before anything is done for them.

    A connection that has yet to agree on its encryption is known to nothing else.
    """

    most: int = 1000
    """Connections that may be open."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection.

        Raises:
            BlockingIOError: There is none, or there are too many already.
        """
        connection, address = super().accept()
        open_ones = _accepted.setdefault(self, weakref.WeakSet())
        if sum(other.fileno() >= 0 for other in open_ones) >= self.most:
            connection.close()
            raise BlockingIOError("too many connections")
        open_ones.add(connection)
        return connection, address


_accepted: weakref.WeakKeyDictionary[Listener, weakref.WeakSet[socket.socket]] = weakref.WeakKeyDictionary()
