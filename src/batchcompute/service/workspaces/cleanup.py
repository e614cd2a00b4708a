"""Removing what attempts leave, in the background and when the disk is not needed for starts."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass

from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import Root

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.workspaces")

_PAUSE = 0.1
"""Seconds without a start before anything is removed: what starts is not to wait for the disk."""

_TRIES = 100
"""Attempts to remove something while the machine has no room."""

_LIGHT = 65536
"""Bytes of a file that may stay for a while."""

_BACKLOG = 5000
"""Directories that wait to be removed before that happens all the same."""


class Cleaner:
    """A thread that removes directories and files.

    Removing 1,000 directories at once makes everything else on an ext4 disk three to six times slower, so one
    thread does it in its own time.

    Raises:
        RuntimeError: The thread cannot be started.
    """

    def __init__(self) -> None:
        self._rubbish: queue.SimpleQueue[_Rubbish | None] = queue.SimpleQueue()
        self._started = 0.0
        self._thread = threading.Thread(target=self._run, name="batchcompute-cleaner", daemon=True)
        self._thread.start()

    def put(self, root: Root, name: str, leaves: tuple[str, ...] = ()) -> None:
        """Have a directory, or a file, removed, with files beside it."""
        self._rubbish.put(_Rubbish(root, name, leaves))

    def put_all(self, root: Root, prefix: str) -> None:
        """Have everything in a directory removed whose name begins so."""
        self._rubbish.put(_Rubbish(root, "", (), prefix))

    def note_start(self) -> None:
        """Take note that something starts, and needs the disk."""
        self._started = time.monotonic()

    def close(self) -> None:
        """Finish cleaning."""
        self._rubbish.put(None)
        self._thread.join()

    def _run(self) -> None:
        later: list[_Rubbish] = []
        while True:
            try:
                found = self._rubbish.get(timeout=_PAUSE if later else None)
            except queue.Empty:
                pass
            else:
                if found is None:
                    break
                # What takes room goes at once; the rest waits until the disk is not needed for starts.
                if found.is_light():
                    later.append(found)
                else:
                    _remove(found)
            if time.monotonic() - self._started >= _PAUSE or len(later) > _BACKLOG:
                for light in later:
                    _remove(light)
                later.clear()
        for light in later:
            _remove(light)


@dataclass(frozen=True, slots=True)
class _Rubbish:
    """A directory that is to be removed, and files beside it."""

    root: Root
    name: str
    leaves: tuple[str, ...]
    prefix: str = ""

    def is_light(self) -> bool:
        """Return whether it takes next to no room."""
        if self.prefix:
            return False
        try:
            return not self.root.names((self.name,)) and all(
                self.root.lstat((leaf,)).st_size < _LIGHT for leaf in self.leaves
            )
        except OSError:
            return False

    def remove(self) -> None:
        if self.prefix:
            for name in self.root.names():
                if name.startswith(self.prefix):
                    self.root.remove((name,))
            return
        # Most programs leave nothing, which takes one call.
        self.root.remove((self.name,))
        for leaf in self.leaves:
            self.root.remove((leaf,))


def _remove(found: _Rubbish) -> None:
    for _ in range(_TRIES):
        try:
            found.remove()
        except OSError as error:
            if is_transient(error):
                time.sleep(_PAUSE)
                continue
            _log.warning("%s cannot be removed: %s", found.name, error)
        return
    _log.warning("%s cannot be removed: the machine has no room; the next start removes it", found.name)
