"""File operations relative to an open directory, none of which follows a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__: list[str] = []

Parts = Sequence[str]
"""Names that lead from a root to a file; none for the root itself."""

OPEN_FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_SAFE = (
    os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
)
_HANDLE = getattr(os, "O_PATH", 0) | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)

RACES = 100
"""Attempts to make a file while others remove its directory."""

_MOST_LISTINGS = 20
"""Listings of a directory that is removed while others still write to it."""


class OutsideRoot(PermissionError):
    """A name leads out of the root."""


class NotRegular(OSError):
    """A regular file was expected, and there is a link, a pipe, a device, a socket or a directory."""


def check_parts(parts: Parts) -> None:
    """Check that names are not empty, and do not lead out of their directory.

    Raises:
        OutsideRoot: A name is empty, ``.`` or ``..``, or contains a slash or a NUL.
    """
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part:
            raise OutsideRoot(errno.EPERM, "this name leads out of its directory", part)


def open_regular(name: str | Path, folder: int | None = None) -> int:
    """Open a regular file for reading, even where a program may have replaced it.

    Args:
        name: Name of the file, or its path.
        folder: Descriptor of its directory; None for a path.

    Raises:
        FileNotFoundError: The file does not exist.
        NotRegular: The file is not a regular file.
    """
    # Before it is opened: opening a device can have side effects.
    _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
    fd = os.open(name, os.O_RDONLY | _SAFE, dir_fd=folder)
    try:
        # Again: it may have been replaced meanwhile.
        _check_regular(os.fstat(fd), name)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _check_regular(status: os.stat_result, name: str | Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(errno.EINVAL, f"is {kind_of(status.st_mode)}, and not a regular file", str(name))


def kind_of(mode: int) -> str:
    """Return the kind of a file that is not regular, in words."""
    for test, name in (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return name
    return "a device"


def remove_plain(name: str, folder: int) -> bool:
    """Remove a file or an empty directory; return whether it is gone."""
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


def empty(name: str, folder: int) -> list[str]:
    """Remove the files of a directory, and move its subdirectories next to it; return their new names."""
    moved: list[str] = []
    with suppress(PermissionError):
        # A program may have removed the permissions.
        chmod(name, stat.S_IRWXU, folder)
    fd = os.open(name, OPEN_FOLDER, dir_fd=folder)
    try:
        for _ in range(_MOST_LISTINGS):
            names = os.listdir(fd)
            for entry in names:
                if _is_gone(entry, fd):
                    continue
                with suppress(PermissionError):
                    chmod(entry, stat.S_IRWXU, fd)
                target = f".{os.urandom(8).hex()}.removed"
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
        # For a directory, Linux reports EISDIR, and other systems report EPERM.
        return remove_plain(name, folder)
    return True


def chmod(name: str, mode: int, folder: int) -> None:
    """Change a mode through a descriptor, because a call by name follows links."""
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


def make_executable(name: str, folder: int) -> bool:
    """Make a file executable for all users that can read it, and return whether its owner can execute it now.

    A file is changed only if it is a regular file of this user, has no further hard links, which could belong to
    something else, and has no setuid or setgid bit.

    Args:
        name: Name of the file.
        folder: Descriptor of its directory.
    """
    handle = os.open(name, _HANDLE, dir_fd=folder)
    try:
        status = os.fstat(handle)
        if is_executable(status):
            return True
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
            return False
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            return False
        mode = stat.S_IMODE(status.st_mode) | stat.S_IRUSR | stat.S_IXUSR
        mode |= (mode & (stat.S_IRGRP | stat.S_IROTH)) >> 2
        try:
            os.chmod(f"/proc/self/fd/{handle}" if hasattr(os, "O_PATH") else handle, mode)
        except PermissionError:
            return False
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            return False
        return True
    finally:
        os.close(handle)


def is_executable(status: os.stat_result) -> bool:
    """Return whether this user can read and execute a file, without privileges of root."""
    wanted = stat.S_IRUSR | stat.S_IXUSR if status.st_uid == os.geteuid() else stat.S_IROTH | stat.S_IXOTH
    return status.st_mode & wanted == wanted
