"""Working directories that one attempt uses after another, so that most attempts make no file on the disk."""

from __future__ import annotations

import itertools
import os
import stat
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from batchcompute.runner.descriptors import OPEN_FOLDER
from batchcompute.runner.rooted import Root, RootedFile

if TYPE_CHECKING:
    from batchcompute.runner.attempt import Attempt

__all__: list[str] = []

# Making and removing a directory and a file costs more than a short program on most disks. A directory is used again only
# if the program left it as it was: empty, with its mode and owner, and not replaced. Attempts with a Unix user, a
# package, a sandbox or mappings always have a new directory.

_MOST_IDLE = 64
"""Directories that are kept for later attempts."""

_Identity = tuple[int, int, int, int, int]


class ScratchFile(RootedFile):
    """A file for the standard error that is emptied, and not made again, for the next attempt.

    Args:
        root: The root directory.
        parts: Names that lead from the root to the file.
        identity: The file as it was made.
    """

    __slots__ = ("identity",)

    def __init__(self, root: Root, parts: tuple[str, ...], identity: _Identity) -> None:
        super().__init__(root, parts)
        self.identity: _Identity = identity

    def new(self) -> int:
        """Empty the file, and return a new descriptor. A file that a program has replaced is made again."""
        try:
            with self.root.folder(self.parts[:-1]) as folder:
                flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
                fd = os.open(self.parts[-1], flags, dir_fd=folder)
        except OSError:
            return self.root.new_file(self.parts)
        status = os.fstat(fd)
        if _identity(status) != self.identity or status.st_nlink != 1:
            os.close(fd)
            return self.root.new_file(self.parts)
        if status.st_size:
            os.ftruncate(fd, 0)
        os.set_blocking(fd, True)
        return fd


class Scratch(NamedTuple):
    """An empty working directory, and a file for the standard error."""

    name: str
    """Name of the directory."""
    path: Path
    """Its path."""
    stderr: ScratchFile
    """The file."""
    identity: _Identity
    """The directory as it was made."""

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files next to the directory."""
        return self.stderr.parts


class ScratchPool:
    """The working directories below a root that wait for their next attempt.

    Args:
        root: The directory that holds the files of attempts.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        # A name that no earlier service has used.
        self._prefix = f"scratch-{os.urandom(6).hex()}"
        self._numbers = itertools.count(1)
        self._idle: deque[Scratch] = deque()
        self._closed = False

    def take(self) -> Scratch:
        """Return a directory that nothing uses.

        Raises:
            OSError: A directory cannot be made.
        """
        try:
            # Several threads may take directories.
            return self._idle.pop()
        except IndexError:
            pass
        name = f"{self._prefix}-{next(self._numbers)}"
        self._root.new_folder((name,))
        file = self._root.file(f"{name}.stderr")
        fd = file.new()
        try:
            identity = _identity(os.fstat(fd))
        finally:
            os.close(fd)
        return Scratch(
            name,
            self._root.where((name,)),
            ScratchFile(self._root, file.parts, identity),
            _identity(self._root.lstat((name,))),
        )

    def lend(self, attempt: Attempt) -> Scratch | None:
        """Let an attempt run in a directory that nothing uses; return None if it needs one of its own.

        Raises:
            OSError: A directory cannot be made.
        """
        if not attempt.needs_no_staging or attempt.script is not None or attempt.spec.keep_as:
            return None
        scratch = self.take()
        stderr = attempt.process.stderr
        if stderr is not None and stderr.root is self._root:
            stderr = scratch.stderr
        attempt.process = attempt.process._replace(directory=scratch.path, stderr=stderr)
        attempt.has_directory = True
        return scratch

    def put_back(self, scratch: Scratch) -> bool:
        """Take a directory back; return whether it can be used again. If not, the caller removes it."""
        if self._closed or len(self._idle) >= _MOST_IDLE or not self._is_clean(scratch):
            return False
        self._idle.append(scratch)
        return True

    def close(self) -> list[Scratch]:
        """Return the idle directories, which the caller removes. No directory is taken back after that."""
        self._closed = True
        idle = list(self._idle)
        self._idle.clear()
        return idle

    def _is_clean(self, scratch: Scratch) -> bool:
        try:
            with self._root.folder(()) as root:
                fd = os.open(scratch.name, OPEN_FOLDER, dir_fd=root)
        except OSError:
            return False
        try:
            return _identity(os.fstat(fd)) == scratch.identity and not os.listdir(fd)  # noqa: PTH208
        except OSError:
            return False
        finally:
            os.close(fd)


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
