"""Removing the files of ended attempts in the background."""

from __future__ import annotations

import logging
import queue
import threading
from typing import NamedTuple

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import Root
from batchcompute.service.clock import SYSTEM_CLOCK, Clock

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.workspaces")

_PAUSE = 0.1
"""Seconds without a start before files are removed, so that starts do not wait for the disk."""

_TRIES = 100
"""Attempts to remove files while the machine is short of resources."""

_SMALL = 65536
"""Bytes of a file that may stay for a while."""

_BACKLOG = 5000
"""Waiting directories, above which they are removed without a pause."""


class Cleaner:
    """A thread that removes directories and files.

    The removal of 1,000 directories at once makes all other work on an ext4 disk three to six times slower. So one
    thread removes them while nothing starts.

    Args:
        clock: The source of time.

    Raises:
        RuntimeError: The thread cannot be started.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._queue: queue.SimpleQueue[_Leftover | None] = queue.SimpleQueue()
        self._last_start = 0.0
        self._thread = threading.Thread(target=self._run, name="batchcompute-cleaner", daemon=True)
        self._thread.start()

    def put(self, root: Root, name: str, files: tuple[str, ...] = ()) -> None:
        """Remove a directory or a file, and further files next to it."""
        self._queue.put(_Leftover(root, name, files))

    def put_all(self, root: Root, prefix: str) -> None:
        """Remove all entries of a directory whose names have a prefix."""
        self._queue.put(_Leftover(root, "", (), prefix))

    def note_start(self) -> None:
        """Pause the removal of small files, because an attempt starts and needs the disk."""
        self._last_start = self._clock.monotonic()

    def close(self) -> None:
        """Remove everything that is left, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        later: list[_Leftover] = []
        while True:
            try:
                leftover = self._queue.get(timeout=_PAUSE if later else None)
            except queue.Empty:
                pass
            else:
                if leftover is None:
                    break
                # Large files are removed at once. Small ones wait until nothing starts.
                if leftover.is_small():
                    later.append(leftover)
                else:
                    self._remove(leftover)
            if self._clock.monotonic() - self._last_start >= _PAUSE or len(later) > _BACKLOG:
                for small in later:
                    self._remove(small)
                later.clear()
        for small in later:
            self._remove(small)

    def _remove(self, leftover: _Leftover) -> None:
        for _ in range(_TRIES):
            try:
                leftover.remove()
            except OSError as error:
                if is_transient(error):
                    self._clock.sleep(_PAUSE)
                    continue
                _log.warning("%s cannot be removed: %s", leftover.name, error)
            return
        _log.warning("%s cannot be removed now; the next start of the service removes it", leftover.name)


class _Leftover(NamedTuple):
    """A directory to be removed, and files next to it."""

    root: Root
    name: str
    files: tuple[str, ...]
    prefix: str = ""

    def is_small(self) -> bool:
        """Return whether the files use almost no space."""
        if self.prefix:
            return False
        try:
            return not self.root.names((self.name,)) and all(
                self.root.lstat((file,)).st_size < _SMALL for file in self.files
            )
        except OSError:
            return False

    def remove(self) -> None:
        if self.prefix:
            for name in self.root.names():
                if name.startswith(self.prefix):
                    self.root.remove((name,))
            return
        # Most programs leave an empty directory, which takes one call.
        self.root.remove((self.name,))
        for file in self.files:
            self.root.remove((file,))
