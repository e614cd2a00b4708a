"""Locks between processes: a file that one process at a time can lock."""

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


def lock_file(fd: int, wait: bool) -> None:
    """Lock an open file.

    Args:
        fd: Descriptor of the file.
        wait: Whether to wait until another process has released the lock.

    Raises:
        OSError: Another process holds the lock.
    """
    if sys.platform == "win32":
        # A byte after the content, because other processes cannot read a locked byte.
        os.lseek(fd, 1 << 20, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def unlock_file(fd: int) -> None:
    """Unlock an open file.

    Closing the file is not enough: a child that was forked meanwhile has the file open, too, and keeps the lock.
    """
    if sys.platform != "win32":
        fcntl.flock(fd, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the lock of a file, and wait for it if necessary.

    Args:
        path: The file. It is created if it does not exist, and is not removed.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        lock_file(fd, wait=True)
        try:
            yield
        finally:
            unlock_file(fd)
    finally:
        os.close(fd)
