"""Single steps below an open directory, none of which follows a link."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__: list[str] = []

Parts = Sequence[str]
"""Names from the root down to a file; none for the root itself."""

FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_SAFE = (
    os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
)
_HANDLE = getattr(os, "O_PATH", 0) | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)

RACES = 100
"""Attempts to make a file whose directory others remove at the same time."""

_PASSES = 20
"""Looks at a directory that somebody still writes to while it is removed."""


class OutsideRoot(PermissionError):
    """A name that would leave the root."""


class NotRegular(OSError):
    """Something that is no plain file stands where one was expected: a link, a pipe, a device, a directory."""


def check_parts(parts: Parts) -> None:
    """Refuse names that are none, or that could leave the directory they stand in.

    Raises:
        OutsideRoot: There is such a name.
    """
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part:
            raise OutsideRoot(errno.EPERM, "this name would leave its directory", part)


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
        raise NotRegular(errno.EINVAL, f"is {kind_of(found.st_mode)}, and no plain file", str(name))


def kind_of(mode: int) -> str:
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


def empty(name: str, folder: int) -> list[str]:
    """Remove the files of a directory, and move the directories in it up beside it; return their names there."""
    moved: list[str] = []
    with suppress(PermissionError):
        # Its owner may have locked it. It is this user's, or this user is root.
        chmod(name, stat.S_IRWXU, folder)
    fd = os.open(name, FOLDER, dir_fd=folder)
    try:
        for _ in range(_PASSES):
            names = os.listdir(fd)
            for entry in names:
                if _is_gone(entry, fd):
                    continue
                with suppress(PermissionError):
                    chmod(entry, stat.S_IRWXU, fd)
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
        return remove_plain(name, folder)
    return True


def chmod(name: str, mode: int, folder: int) -> None:
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


def make_executable(name: str, folder: int) -> bool:
    """Let whoever can read a file also execute it; return whether its owner can do both now.

    Only a plain file of this user's own is changed, and only one that has no other name and gives no rights of its
    own (setuid, setgid): another name may belong to something else.

    Args:
        name: Its name.
        folder: Descriptor of the directory that it is in.
    """
    handle = os.open(name, _HANDLE, dir_fd=folder)
    try:
        found = os.fstat(handle)
        if can_be_run(found):
            return True
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
            return False
        if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
            return False
        mode = stat.S_IMODE(found.st_mode) | stat.S_IRUSR | stat.S_IXUSR
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


def can_be_run(found: os.stat_result) -> bool:
    """Return whether this user can read a file and execute it, without rights that only root has."""
    wanted = stat.S_IRUSR | stat.S_IXUSR if found.st_uid == os.geteuid() else stat.S_IROTH | stat.S_IXOTH
    return found.st_mode & wanted == wanted
