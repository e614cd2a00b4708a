"""A lock between processes: a file that one of them holds at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__: list[str] = []


def take(fd: int, wait: bool) -> None:
    """Take the lock of an open file.

    Args:
        fd: Its descriptor.
        wait: Whether to wait for who holds it.

    Raises:
        OSError: Another process holds it.
    """
    if sys.platform == "win32":
        # A byte that nobody reads, so that what the file says stays readable.
        os.lseek(fd, 1 << 20, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def give(fd: int) -> None:
    """Give the lock of an open file back.

    A child that was forked meanwhile has the file open, too, and would keep the lock.
    """
    if sys.platform != "win32":
        fcntl.flock(fd, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold a lock file; wait for whoever holds it.

    Args:
        path: The file; it is made if it is not there, and stays.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        take(fd, wait=True)
        try:
            yield
        finally:
            give(fd)
    finally:
        os.close(fd)
