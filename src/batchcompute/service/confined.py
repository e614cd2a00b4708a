"""Files below a root directory, reached by descriptor and never through a link.

A path that a program, a name or a client could have influenced is not trusted: between a check and a use,
a directory can become a link to somewhere else. So every part of a path is opened from the descriptor of the
part before it, without following links (``openat`` with ``O_NOFOLLOW``), and names that could leave the
root (``..``, a slash, an absolute path) are refused before anything is opened.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

__all__: list[str] = []

T = TypeVar("T")

Parts = Sequence[str]
"""Names from the root down to a file; none for the root itself."""

_log = logging.getLogger("batchcompute.service.files")

_FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_SAFE = (
    os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE
_HANDLE = getattr(os, "O_PATH", 0) | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)

_RACES = 100
"""Attempts to make a file whose directory others remove at the same time."""

_PASSES = 20
"""Looks at a directory that somebody still writes to while it is removed."""

TRANSIENT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR})
"""Errors that say something about the machine at this moment, and nothing about the file."""


class OutsideRoot(PermissionError):
    """A name that would leave the root."""


class NotRegular(OSError):
    """Something that is no plain file stands where one was expected: a link, a pipe, a device, a directory."""


def is_transient(error: BaseException) -> bool:
    """Return whether an error only says that the machine has no room at this moment."""
    if isinstance(error, OSError):
        return error.errno in TRANSIENT
    # A thread that cannot be started is a RuntimeError.
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


def check_parts(parts: Parts) -> None:
    """Refuse names that are none, or that could leave the directory they stand in.

    Raises:
        OutsideRoot: There is such a name.
    """
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part:
            raise OutsideRoot(errno.EPERM, "this name would leave its directory", part)


class Root:
    """A directory; everything below it is reached without following links.

    Args:
        path: The directory. Links in its own path are followed, as its owner has chosen it.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        """The directory, as it was named."""
        self._fd = os.open(path, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))

    def close(self) -> None:
        """Give the descriptor back."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def parts_of(self, path: Path) -> tuple[str, ...]:
        """Return the names that lead from the root to a path.

        Raises:
            OutsideRoot: It is not below the root.
        """
        if not path.is_relative_to(self.path):
            raise OutsideRoot(errno.EPERM, f"is not below {self.path}", str(path))
        parts = path.relative_to(self.path).parts
        check_parts(parts)
        return parts

    def file(self, *parts: str) -> RootedFile:
        """Return a file below the root.

        Raises:
            OutsideRoot: It would not be below the root.
        """
        check_parts(parts)
        return RootedFile(self, parts)

    def where(self, parts: Parts) -> Path:
        """Return the path of something below the root.

        Raises:
            OutsideRoot: It would not be below the root.
        """
        check_parts(parts)
        return self.path.joinpath(*parts)

    @contextmanager
    def folder(self, parts: Parts, make: int = 0) -> Generator[int]:
        """Open a directory below the root.

        Args:
            parts: Its names.
            make: Mode of the directories that are made where they are missing; 0 to make none.

        Yields:
            Its descriptor.

        Raises:
            OutsideRoot: A name would leave the root.
            OSError: It is not there, or a link, or no directory.
        """
        check_parts(parts)
        here = self._fd
        try:
            for part in parts:
                try:
                    there = os.open(part, _FOLDER, dir_fd=here)
                except FileNotFoundError:
                    if not make:
                        raise
                    with suppress(FileExistsError):
                        os.mkdir(part, make, dir_fd=here)
                    there = os.open(part, _FOLDER, dir_fd=here)
                if here != self._fd:
                    os.close(here)
                here = there
            yield here
        finally:
            if here != self._fd:
                os.close(here)

    def make_folder(self, parts: Parts, mode: int = 0o700) -> None:
        """Make a directory and those around it; one that is there is left as it is."""
        self._against_races(lambda: self._make_folder(parts, mode))

    def _make_folder(self, parts: Parts, mode: int) -> None:
        with self.folder(parts, mode):
            pass

    def new_folder(self, parts: Parts, mode: int = 0o700) -> None:
        """Make a directory that must not be there yet, in one that is.

        Raises:
            FileExistsError: Something of that name is there.
        """
        with self.folder(parts[:-1]) as fd:
            check_parts(parts[-1:])
            os.mkdir(parts[-1], mode, dir_fd=fd)

    def new_file(self, parts: Parts, mode: int = 0o600, make: int = 0o700) -> int:
        """Make a file, in place of whatever plain file, link or pipe has its name; open it to read and write.

        Args:
            parts: Its names.
            mode: Its mode.
            make: Mode of the directories that are made where they are missing; 0 to make none.

        Returns:
            The descriptor.

        Raises:
            OSError: It cannot be made; `IsADirectoryError` where its name is that of a directory.
        """
        return self._against_races(lambda: self._new_file(parts, mode, make))

    def _new_file(self, parts: Parts, mode: int, make: int) -> int:
        check_parts(parts)
        name = parts[-1]
        with self.folder(parts[:-1], make) as fd:
            for _ in range(_RACES):
                try:
                    return os.open(name, _NEW, mode, dir_fd=fd)
                except FileExistsError:
                    if stat.S_ISDIR(os.lstat(name, dir_fd=fd).st_mode):
                        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name) from None
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=fd)
        raise FileExistsError(errno.EEXIST, "somebody else makes this file again and again", name)

    @staticmethod
    def _against_races(action: Callable[[], T]) -> T:
        # Whoever removes the last file of a directory removes the directory, too, perhaps just now.
        for _ in range(_RACES):
            with suppress(FileNotFoundError):
                return action()
        return action()

    def open_file(self, parts: Parts) -> int:
        """Open a plain file to read it.

        Raises:
            FileNotFoundError: It is not there.
            NotRegular: It is something else than a plain file.
            OSError: It cannot be opened.
        """
        check_parts(parts)
        with self.folder(parts[:-1]) as fd:
            return open_regular(parts[-1], fd)

    def read(self, parts: Parts, limit: int, tail: bool = False) -> bytes:
        """Return the content of a plain file, the first or last bytes of a longer one.

        Args:
            parts: Its names.
            limit: The most bytes that are read.
            tail: Whether those are the last ones.

        Raises:
            FileNotFoundError: It is not there.
            NotRegular: It is something else than a plain file.
            OSError: It cannot be read.
        """
        fd = self.open_file(parts)
        try:
            start = max(0, os.fstat(fd).st_size - limit) if tail else 0
            return os.pread(fd, limit, start)
        finally:
            os.close(fd)

    def lstat(self, parts: Parts) -> os.stat_result:
        """Return what is known of something, a link itself and not what it leads to."""
        check_parts(parts)
        if not parts:
            return os.fstat(self._fd)
        with self.folder(parts[:-1]) as fd:
            return os.stat(parts[-1], dir_fd=fd, follow_symlinks=False)

    def names(self, parts: Parts = ()) -> list[str]:
        """Return the names in a directory."""
        with self.folder(parts) as fd:
            return os.listdir(fd)

    def link(self, target: Path, parts: Parts) -> None:
        """Make a symbolic link.

        Args:
            target: What it leads to.
            parts: Its names.
        """
        check_parts(parts)
        with self.folder(parts[:-1]) as fd:
            os.symlink(target, parts[-1], dir_fd=fd)

    def rename(self, parts: Parts, target: Root, target_parts: Parts, make: int = 0) -> None:
        """Move something within one file system; it takes the place of a file of that name.

        Args:
            parts: Its names.
            target: The root that it goes below.
            target_parts: Its new names.
            make: Mode of the directories that are made where they are missing; 0 to make none.
        """

        def move() -> None:
            with self.folder(parts[:-1]) as here, target.folder(target_parts[:-1], make) as there:
                check_parts([parts[-1], target_parts[-1]])
                os.rename(parts[-1], target_parts[-1], src_dir_fd=here, dst_dir_fd=there)

        # What is moved may be missing for good; what it is moved into comes back.
        self.lstat(parts)
        if make:
            self._against_races(move)
        else:
            move()

    def unlink(self, parts: Parts) -> None:
        """Remove a file or a link; what is not there is no error."""
        check_parts(parts)
        with suppress(FileNotFoundError), self.folder(parts[:-1]) as fd:
            os.unlink(parts[-1], dir_fd=fd)

    def remove_folder(self, parts: Parts) -> bool:
        """Remove a directory if it is empty, and return whether it is gone."""
        check_parts(parts)
        try:
            with self.folder(parts[:-1]) as fd:
                os.rmdir(parts[-1], dir_fd=fd)
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY):
                return False
            raise
        return True

    def remove(self, parts: Parts) -> None:
        """Remove a file, or a directory with all that is in it; what is not there is no error.

        Any depth, any names and any modes are fine. What cannot be removed is logged and left.
        """
        try:
            self._remove(parts)
        except FileNotFoundError:
            return
        except OSError as error:
            if is_transient(error):
                raise
            _log.warning("%s cannot be removed: %s", self.path.joinpath(*parts), error)

    def _remove(self, parts: Parts) -> None:
        check_parts(parts)
        if not parts:
            raise OutsideRoot(errno.EPERM, "the root itself is not removed", str(self.path))
        with self.folder(parts[:-1]) as fd:
            if _remove_plain(parts[-1], fd):
                return
            # Directories inside are moved up beside it, so that depth needs neither descriptors nor long paths.
            waiting = [parts[-1]]
            for name in waiting:
                for moved in _empty(name, fd):
                    waiting.append(moved)
                os.rmdir(name, dir_fd=fd)

    def chmod(self, parts: Parts, mode: int) -> None:
        """Change the mode of a file or directory, never of what a link leads to."""
        check_parts(parts)
        with self.folder(parts[:-1]) as fd:
            _chmod(parts[-1], mode, fd)

    def own(self, parts: Parts, uid: int, gid: int) -> None:
        """Give a directory, with all that is in it, to a user; a link itself and not what it leads to."""
        with suppress(FileNotFoundError):
            waiting = [tuple(parts)]
            while waiting:
                at = waiting.pop()
                with self.folder(at) as fd:
                    os.fchown(fd, uid, gid)
                    for name in os.listdir(fd):
                        os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)
                        if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                            waiting.append((*at, name))

    def walk(
        self, parts: Parts = (), skip: Callable[[str], bool] | None = None
    ) -> Iterator[tuple[str, os.stat_result]]:
        """Yield everything below a directory that is no directory, with its path relative to it.

        A directory that its owner has locked is opened up. Links are yielded and not followed.

        Args:
            parts: The directory.
            skip: Returns whether a relative path is left out, with what is below it.
        """
        waiting = [""]
        while waiting:
            at = waiting.pop()
            for name, found in self._listed_unlocked([*parts, *at.split("/")] if at else parts):
                path = f"{at}/{name}" if at else name
                if skip is not None and skip(path):
                    continue
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(path)
                else:
                    yield path, found

    def _listed(self, parts: Parts) -> list[tuple[str, os.stat_result]]:
        with self.folder(parts) as fd:
            found: list[tuple[str, os.stat_result]] = []
            for name in os.listdir(fd):
                # What is removed meanwhile is not listed.
                with suppress(FileNotFoundError):
                    found.append((name, os.stat(name, dir_fd=fd, follow_symlinks=False)))
            return found

    def _listed_unlocked(self, parts: Parts) -> list[tuple[str, os.stat_result]]:
        try:
            return self._listed(parts)
        except PermissionError:
            for length in range(1, len(parts) + 1):
                self.chmod(parts[:length], stat.S_IRWXU)
            return self._listed(parts)


@dataclass(frozen=True, slots=True)
class RootedFile:
    """A file below a root."""

    root: Root
    """The root."""
    parts: tuple[str, ...]
    """Its names."""

    @property
    def path(self) -> Path:
        """Its path, for what only takes paths, and for messages."""
        return self.root.where(self.parts)

    def new(self) -> int:
        """Make the file anew, with the directories around it; return its descriptor."""
        return self.root.new_file(self.parts)

    def read(self, limit: int, tail: bool = False) -> bytes:
        """Return what `Root.read` returns of it."""
        return self.root.read(self.parts, limit, tail)

    def remove(self) -> None:
        """Remove it."""
        self.root.remove(self.parts)


def open_regular(name: str | Path, folder: int | None = None) -> int:
    """Open a plain file to read it, whatever a program may have put in its place.

    Args:
        name: Its name, or its path.
        folder: Descriptor of the directory that it is in; None for a path.

    Raises:
        FileNotFoundError: It is not there.
        NotRegular: It is something else than a plain file.
    """
    # First without opening it: to open a device can have effects of its own.
    _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
    fd = os.open(name, os.O_RDONLY | _SAFE, dir_fd=folder)
    try:
        # Once more: it may have been replaced in between.
        _check_regular(os.fstat(fd), name)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _check_regular(found: os.stat_result, name: str | Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NotRegular(errno.EINVAL, f"is {_kind(found.st_mode)}, and no plain file", str(name))


def _kind(mode: int) -> str:
    for test, name in (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return name
    return "a device"


def _remove_plain(name: str, folder: int) -> bool:
    """Remove what is no directory, or an empty one; return whether it is gone."""
    try:
        os.rmdir(name, dir_fd=folder)
        return True
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False


def _empty(name: str, folder: int) -> list[str]:
    """Remove the files of a directory, and move the directories in it up beside it; return their names there."""
    moved: list[str] = []
    with suppress(PermissionError):
        # Its owner may have locked it. It is this user's, or this user is root.
        _chmod(name, stat.S_IRWXU, folder)
    fd = os.open(name, _FOLDER, dir_fd=folder)
    try:
        for _ in range(_PASSES):
            names = os.listdir(fd)
            for entry in names:
                if _is_gone(entry, fd):
                    continue
                with suppress(PermissionError):
                    _chmod(entry, stat.S_IRWXU, fd)
                target = f".{secrets.token_hex(8)}.removed"
                os.rename(entry, target, src_dir_fd=fd, dst_dir_fd=folder)
                moved.append(target)
            if not names:
                break
    finally:
        os.close(fd)
    return moved


def _is_gone(name: str, folder: int) -> bool:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except (IsADirectoryError, PermissionError):
        # Linux says EISDIR of a directory, others say EPERM.
        return _remove_plain(name, folder)
    return True


def _chmod(name: str, mode: int, folder: int) -> None:
    """Change a mode through a descriptor: by its name, a link would be followed."""
    handle = os.open(name, _HANDLE, dir_fd=folder)
    try:
        if stat.S_ISLNK(os.fstat(handle).st_mode):
            raise NotRegular(errno.EINVAL, "is a link", name)
        if hasattr(os, "O_PATH"):
            os.chmod(f"/proc/self/fd/{handle}", mode)
        else:
            os.fchmod(handle, mode)
    finally:
        os.close(handle)


def private_folder(path: Path) -> Path:
    """Make a directory of this user's own in a place that others may share, or check the one that is there.

    Args:
        path: The directory.

    Returns:
        The directory.

    Raises:
        PermissionError: What is there is a link, no directory, another user's, or open to others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    reason = ""
    if not stat.S_ISDIR(found.st_mode):
        reason = f"it is {_kind(found.st_mode)}"
    elif hasattr(os, "getuid") and found.st_uid != os.getuid():
        reason = "it belongs to another user"
    elif found.st_mode & 0o022:
        reason = "others can write to it"
    if reason:
        raise PermissionError(errno.EPERM, f"{reason}; remove it, or name another directory", str(path))
    return path
