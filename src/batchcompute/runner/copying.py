"""Copying files and directories between roots, with an end when nobody wants the copy any more."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress

from batchcompute.runner.aborting import check_abort
from batchcompute.runner.rooted import Parts, Root

__all__: list[str] = []

_PIECE = 4 * 1024**2
"""Bytes that are copied between two looks at whether the copy is still wanted, and at whether a hole follows."""


def copy_tree(
    source: Root,
    parts: Parts,
    target: Root,
    target_parts: Parts,
    abort: threading.Event | None = None,
    *,
    mode: int = 0,
    named: Callable[[tuple[str, ...]], tuple[str, ...] | None] | None = None,
) -> None:
    """Copy a plain file, or a directory with its plain files and directories.

    Links, pipes and devices are left out: object storage has none, and to follow or open them is not safe.

    Args:
        source: What it is below.
        parts: Its names.
        target: What the copy goes below.
        target_parts: The names of the copy.
        abort: Ends it.
        mode: Mode of every copied file; 0 for that of the source.
        named: Returns the names that something has in the copied directory; None for a directory that is not made.

    Raises:
        OSError: It cannot be read or written; `NotRegular` where the source is neither.
        Aborted: Nobody wants it any more.
    """
    if not stat.S_ISDIR(source.lstat(parts).st_mode):
        copy_file(source, parts, target, target_parts, abort, mode)
        return
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        at = waiting.pop()
        here = named(at) if named and at else at
        if here is not None:
            target.make_folder([*target_parts, *here])
        for name in source.names([*parts, *at]):
            check_abort(abort)
            inner = (*at, name)
            with suppress(FileNotFoundError):
                found = source.lstat([*parts, *inner]).st_mode
                if stat.S_ISDIR(found):
                    waiting.append(inner)
                elif stat.S_ISREG(found):
                    there = (named(inner) if named else None) or inner
                    copy_file(source, [*parts, *inner], target, [*target_parts, *there], abort, mode)


def copy_file(
    source: Root,
    parts: Parts,
    target: Root,
    target_parts: Parts,
    abort: threading.Event | None = None,
    mode: int = 0,
) -> None:
    """Copy a plain file with its times and its mode, but for bits that give rights.

    Args:
        source: What it is below.
        parts: Its names.
        target: What the copy goes below.
        target_parts: The names of the copy.
        abort: Ends it.
        mode: Mode of the copy; 0 for that of the source.

    Raises:
        NotRegular: It is no plain file.
        OSError: It cannot be read or written.
        Aborted: Nobody wants it any more.
    """
    reading = source.open_file(parts)
    try:
        found = os.fstat(reading)
        writing = target.new_file(target_parts)
        try:
            pump(reading, writing, abort)
            # A hole at its end.
            os.ftruncate(writing, found.st_size)
            os.fchmod(writing, mode or found.st_mode & 0o777)
            os.utime(writing, ns=(found.st_atime_ns, found.st_mtime_ns))
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def pump(reading: int, writing: int, abort: threading.Event | None = None) -> None:
    """Copy the content of one file to another one; holes stay holes.

    Raises:
        OSError: It cannot be read or written.
        Aborted: Nobody wants it any more.
    """
    at = 0
    while True:
        check_abort(abort)
        try:
            at = os.lseek(reading, at, os.SEEK_DATA)
            os.lseek(writing, at, os.SEEK_SET)
            size = min(_PIECE, os.lseek(reading, at, os.SEEK_HOLE) - at)
        except OSError as error:
            if error.errno == errno.ENXIO:
                # Nothing but a hole follows.
                return
            if error.errno != errno.EINVAL:
                raise
            # This file system knows no holes.
            size = _PIECE
        piece = os.pread(reading, size, at)
        if not piece:
            return
        write_all(writing, piece)
        at += len(piece)


def write_all(fd: int, piece: bytes | memoryview) -> None:
    """Write all of a piece; the system may take it in parts."""
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(fd, rest) :]


def chown_tree(root: Root, parts: Parts, uid: int, gid: int) -> None:
    """Give a directory, with all that is in it, to a user; a link itself and not what it leads to."""
    with suppress(FileNotFoundError):
        waiting = [tuple(parts)]
        while waiting:
            at = waiting.pop()
            with root.folder(at) as fd:
                os.fchown(fd, uid, gid)
                for name in os.listdir(fd):
                    os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)
                    if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                        waiting.append((*at, name))
