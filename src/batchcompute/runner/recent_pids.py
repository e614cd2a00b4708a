"""The pids that the kernel has given since a process started, so that few processes have to be looked at."""

from __future__ import annotations

import os
from functools import lru_cache

__all__: list[str] = []

_MOST_PIDS = 64
"""Pids that are looked at one by one; a list of all processes is quicker for more of them."""

_LOAD = "/proc/loadavg"


def pids_since(pid: int) -> range | None:
    """Return all pids, of processes and of threads, that were given since a process started.

    The kernel gives pids in ascending order, and its file on the load of the machine ends with the one that it gave last
    (proc_loadavg(5)). A caller has to know that the numbers did not start anew and reach the
    process again: a machine needs at least some tenths of a second to give them all.

    Args:
        pid: Pid of a process that is not waited for yet.

    Returns:
        The pids after its own one; None if they are many, or if the kernel does not say which they are.
    """
    newest = _newest_pid()
    return range(pid + 1, newest + 1) if pid <= newest <= pid + _MOST_PIDS else None


def _newest_pid() -> int:
    """Return the pid that was given last in this pid namespace; 0 if it is not known."""
    if not _is_of_kernel():
        return 0
    try:
        # The file is read once or twice for each attempt, so without buffers.
        fd = os.open(_LOAD, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        last = os.read(fd, 256).rpartition(b" ")[2].strip()
    except OSError:
        return 0
    finally:
        os.close(fd)
    return int(last) if last.isdigit() else 0


@lru_cache(maxsize=1)
def _is_of_kernel() -> bool:
    """Return whether the kernel makes the file. In some containers, a program replaces it, and its last field is old."""
    try:
        return os.stat(_LOAD).st_dev == os.stat("/proc").st_dev  # noqa: PTH116 - no path is built
    except OSError:
        return False
