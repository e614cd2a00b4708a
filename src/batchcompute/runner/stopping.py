"""The end of a runner by a signal: programs end at once, and finished outputs are still uploaded for a while."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stop"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """The end of the runner. A second signal also ends uploads.

    Args:
        grace: Seconds in which outputs of ended programs are still uploaded.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self.requested: threading.Event = threading.Event()
        """Set when no program starts any more, and all programs end."""
        self.aborted: threading.Event = threading.Event()
        """Set when nothing is uploaded any more."""
        self.status: int = 0
        """Exit status that names the signal; 0 for none."""
        self.fd: int
        self.fd, self._fd_write = os.pipe2(os.O_CLOEXEC)
        self._signals, self._signals_write = os.pipe2(os.O_CLOEXEC)

    @contextmanager
    def on_signals(self) -> Generator[None]:
        """Handle SIGTERM and SIGINT."""
        earlier = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        watcher = threading.Thread(target=self._watch, name="stop")
        watcher.start()
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)
            os.close(self._signals_write)
            watcher.join()
            for fd in (self._signals, self.fd, self._fd_write):
                os.close(fd)

    def _handle(self, number: int, _: FrameType | None) -> None:
        # A handler can interrupt code that holds a lock, so it takes none, and a thread does the rest.
        os.write(self._signals_write, bytes([number]))

    def _watch(self) -> None:
        first = os.read(self._signals, 1)
        if not first:
            return
        self.status = 128 + first[0]
        self.end()
        poll = select.poll()
        poll.register(self._signals, select.POLLIN)
        poll.poll(self._grace * 1000)
        self.aborted.set()

    def end(self) -> None:
        """End all programs, and start no more."""
        if not self.requested.is_set():
            self.requested.set()
            os.write(self._fd_write, b"x")
