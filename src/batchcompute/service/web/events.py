"""Server-sent events: a page that is open is sent again when something has changed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from batchcompute.service.web.api import PageError

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.transports.exchange import Receive, Send
    from batchcompute.service.web.requests import Fragment

__all__ = ["Hub", "TooManyStreams"]

MOST_STREAMS: Final = 250
"""Open streams; connections are left for the clients of the API."""

HEARTBEAT: Final = 15.0
"""Seconds after which a stream without events sends something, so that nobody on the way closes it."""

_QUIET: Final = 0.1
"""Seconds between two updates of a page."""

_PAUSE_FACTOR: Final = 20.0
"""Pause after an update, as a multiple of the time that one rendering of all watched pages takes.

With 20, rendering takes about 5 % of the time.
"""

_LONGEST: Final = 30.0
"""Seconds between two updates of a page that changes all the time, however many pages are watched."""

_PER_STREAM: Final = 0.025
"""Seconds between two updates, for each open stream."""

_GROWTH: Final = 2.0
"""Seconds after which a page whose picture changes with the time is sent again, if nothing else has changed."""

_GROWS: Final = " data-grows>"
"""The mark of such a picture."""

_TICK: Final = 0.5
"""Seconds between two checks whether the service is about to end."""

TopicKey: TypeAlias = tuple[str, str]
"""Owner and target of a page."""


class TooManyStreams(Exception):
    """The service sends as many streams as it can."""


class _Topic:
    """A page of an owner, and the streams that watch it."""

    def __init__(self, key: TopicKey) -> None:
        self.key: TopicKey = key
        self.fragment: Fragment | None = None
        self.problem: PageError | None = None
        self.dirty: asyncio.Event = asyncio.Event()
        self.streams: set[_Stream] = set()
        self.task: asyncio.Task[None] | None = None
        self.cost: float = 0.0
        """Seconds that the last rendering took."""
        self.grows: bool = False
        """Whether the page changes with the time."""
        self._base = ""
        self._full = b""
        self._delta = b""

    def publish(self, fragment: Fragment) -> None:
        """Set the HTML of the page, and wake the streams if it differs from the last one."""
        before = self.fragment
        if before is not None and before.version == fragment.version:
            return
        self.fragment = fragment
        self.grows = _GROWS in fragment.html
        self._base, self._full, self._delta = before.version if before else "", b"", b""
        if before is not None:
            self._delta = _event("update", fragment.version, _difference(before, fragment))
        self.wake()

    def wake(self) -> None:
        for stream in self.streams:
            stream.wakes.set()

    def event(self, base: str) -> bytes:
        """Return the event that brings a stream to the current HTML.

        Args:
            base: The version whose HTML the stream has sent; empty for none.
        """
        if self.fragment is None:
            return b""
        if base and base == self._base:
            return self._delta
        if not self._full:
            self._full = _event("update", self.fragment.version, {"html": self.fragment.html})
        return self._full


@dataclass(eq=False, slots=True)
class _Stream:
    """An open stream."""

    wakes: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the topic has changed, or the stream has to end."""
    gone: bool = False
    """Whether the client has disconnected."""


class Hub:
    """Sends pages to browsers again whenever the database has changed. It belongs to one event loop.

    Streams of the same page share one rendering. Under load, the pauses between renderings grow, so that rendering
    takes a small part of the time of the service.

    Args:
        service: The service.
        load: Returns the HTML of a page, or raises `PageError`. It is called in a thread.
    """

    def __init__(self, service: LocalService, load: Callable[[TopicKey], Fragment]) -> None:
        self._service = service
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._topics: dict[TopicKey, _Topic] = {}
        self._count = 0
        # One rendering at a time: many at once would take the processor from the threads that run jobs.
        self._turn = asyncio.Lock()
        self._notified = False
        self._unlisten: Callable[[], None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self.closing: bool = False
        """Whether the service is about to end."""

    def opened(self) -> None:
        """Count a new stream.

        Raises:
            TooManyStreams: There are too many.
        """
        if self._count >= MOST_STREAMS:
            raise TooManyStreams
        self._count += 1
        if self._unlisten is None:
            self._unlisten = self._service._parts.store.listen(self._committed)
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())

    def closed(self) -> None:
        """Count the end of a stream."""
        self._count -= 1
        if not self._count and self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
            if self._ticking is not None:
                self._ticking.cancel()
                self._ticking = None

    async def send_page(
        self, key: TopicKey, version: str, is_valid: Callable[[], bool], receive: Receive, send: Send
    ) -> None:
        """Send a page whenever it changes, until the client disconnects.

        Args:
            key: Owner and target of the page.
            version: The version that the client shows.
            is_valid: Returns whether the session of the client is still valid.
            receive: Returns the next message of the server.
            send: Sends a message to the server.
        """
        topic = self._topics.setdefault(key, _Topic(key))
        stream = _Stream()
        topic.streams.add(stream)
        watching = asyncio.create_task(_watch(receive, stream))
        # Something may have changed since the client has got its version.
        topic.dirty.set()
        if topic.task is None:
            topic.task = asyncio.create_task(self._run(topic))
        base = ""
        try:
            await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
            while not (stream.gone or self.closing):
                if topic.problem is not None:
                    name = "gone" if topic.problem.status == 404 else "problem"
                    body = _event(name, "", {"message": topic.problem.message})
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                    return
                fragment = topic.fragment
                if fragment is not None and fragment.version != version:
                    body = topic.event(base)
                    version = base = fragment.version
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                if not await _waits(stream, HEARTBEAT):
                    if not is_valid():
                        body = _event("expired", "", {})
                        await send({"type": "http.response.body", "body": body, "more_body": True})
                        return
                    await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
        finally:
            watching.cancel()
            topic.streams.discard(stream)
            if not topic.streams:
                topic.task.cancel()
                if self._topics.get(key) is topic:
                    del self._topics[key]

    def _committed(self) -> None:
        """Note a commit. Any thread calls this, with the lock of the database."""
        if not self._notified:
            self._notified = True
            try:
                self._loop.call_soon_threadsafe(self._changed)
            except RuntimeError:
                # The loop has ended.
                return

    def _changed(self) -> None:
        for topic in self._topics.values():
            topic.dirty.set()

    async def _run(self, topic: _Topic) -> None:
        """Render a page whenever the database has changed."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GROWTH if topic.grows else None):
                    await topic.dirty.wait()
            topic.dirty.clear()
            # The next commit marks all pages as dirty. Further commits before the next rendering do nothing.
            self._notified = False
            try:
                async with self._turn:
                    began = self._loop.time()
                    topic.publish(await asyncio.to_thread(self._load, topic.key))
                    topic.cost = self._loop.time() - began
            except PageError as error:
                topic.problem = error
                topic.wake()
                # A stream that begins from now on asks again.
                if self._topics.get(topic.key) is topic:
                    del self._topics[topic.key]
                return
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        """Return the seconds until a page may be rendered again."""
        cost = sum(topic.cost for topic in self._topics.values())
        return min(_LONGEST, max(_QUIET, cost * _PAUSE_FACTOR, self._count * _PER_STREAM))

    async def _tick(self) -> None:
        # A signal handler, which may end the service, cannot set an event.
        while not (self._service.closed or self._service._parts.dispatcher.waiters.closed):  # noqa: ASYNC110
            await asyncio.sleep(_TICK)
        self.closing = True
        for topic in self._topics.values():
            topic.wake()


async def _watch(receive: Receive, stream: _Stream) -> None:
    """Wait until the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.gone = True
    stream.wakes.set()


async def _waits(stream: _Stream, seconds: float) -> bool:
    """Wait until a stream is woken; return whether this happened in time."""
    try:
        async with asyncio.timeout(seconds):
            await stream.wakes.wait()
    except TimeoutError:
        return False
    stream.wakes.clear()
    return True


async def send_log(next_event: Callable[[], bytes | None], hub: Hub, receive: Receive, send: Send) -> None:
    """Send what a log gets, until it is complete or the client disconnects.

    Args:
        next_event: Returns what is new, or an empty text for nothing; None if the log is complete. It is called in a
            thread.
        hub: Knows when the service is about to end.
        receive: Returns the next message of the server.
        send: Sends a message to the server.
    """
    stream = _Stream()
    watching = asyncio.create_task(_watch(receive, stream))
    pause, quiet = _QUIET, 0.0
    try:
        await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
        while not (stream.gone or hub.closing):
            body = await asyncio.to_thread(next_event)
            if body is None:
                end = _event("end", "", {})
                await send({"type": "http.response.body", "body": end, "more_body": True})
                return
            # A program that writes nothing for long is looked at less often.
            pause = _QUIET if body else min(1.0, pause * 1.3)
            quiet = 0.0 if body else quiet + pause
            if quiet > HEARTBEAT:
                body, quiet = b":\n\n", 0.0
            if body:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await _waits(stream, pause)
    finally:
        watching.cancel()


def log_event(position: str, content: dict[str, object]) -> bytes:
    """Return the event with a piece of a log.

    Args:
        position: Where the next piece begins; a browser that connects again sends it.
        content: The piece.
    """
    return _event("log", position, content)


def _event(name: str, identity: str, content: dict[str, Any]) -> bytes:
    head = f"id: {identity}\n" if identity else ""
    # JSON has no line breaks outside of escapes, so the data is one line.
    return f"event: {name}\n{head}data: {json.dumps(content)}\n\n".encode()


def _difference(before: Fragment, after: Fragment) -> dict[str, Any]:
    """Return the lines that changed: by their numbers, or with how many lines at the begin and at the end stay."""
    old, new = before.html.split("\n"), after.html.split("\n")
    if len(old) == len(new):
        # States and counts change in place, and they are all over the page.
        return {"set": [(at, line) for at, line in enumerate(new) if line != old[at]]}
    most = min(len(old), len(new))
    head = 0
    while head < most and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return {"head": head, "tail": tail, "lines": new[head : len(new) - tail]}
