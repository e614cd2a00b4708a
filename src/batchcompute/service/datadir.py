"""The data directory: where it is, and whose it is."""

from __future__ import annotations

import os
import sys
import weakref
from pathlib import Path
from typing import IO

from batchcompute.errors import ConfigError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__: list[str] = []

_WAYS_OUT = (
    "end that process, set BATCHCOMPUTE_DATA_DIR to another directory, or use "
    "LocalService(data_dir=…) with one of its own"
)


def default_directory() -> Path:
    """Return the per-user directory, or the one that ``BATCHCOMPUTE_DATA_DIR`` names."""
    named = os.environ.get("BATCHCOMPUTE_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "batchcompute"


class DirectoryInUse(ConfigError):
    """Another process owns the data directory."""


class Lock:
    """Makes one process the owner of a data directory for as long as it lives.

    Args:
        directory: The directory; it is made if it is not there.

    Raises:
        ConfigError: It cannot be written, or another process owns it.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = (directory / "lock").open("a+", encoding="ascii")
        except OSError as error:
            raise ConfigError(
                f"the data directory {directory} cannot be written: {error}; give it to this user, or set "
                "BATCHCOMPUTE_DATA_DIR, or LocalService(data_dir=…), to a directory that can be written"
            ) from error
        try:
            self._take()
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise DirectoryInUse(
                f"the data directory {directory} is in use by the process with pid {owner}; {_WAYS_OUT}"
            ) from None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()
        _locks.add(self)

    def _take(self) -> None:
        if sys.platform == "win32":
            # A byte that nobody reads, so that the owner's pid stays readable.
            self._file.seek(1 << 20)
            msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Give the directory up."""
        _locks.discard(self)
        if sys.platform != "win32":
            # A child that was forked meanwhile has the file open, too, and would keep the lock.
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()

    def _drop(self) -> None:
        """Close the file in a forked child, without unlocking: the lock is the parent's."""
        self._file.close()


def _after_fork() -> None:
    for lock in list(_locks):
        lock._drop()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
