"""Copying files and directories between roots."""

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

_CHUNK = 4 * 1024**2
"""Bytes that are copied at once. Between two chunks, the copy can be aborted, and holes are skipped."""


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
    """Copy a regular file, or a directory with its regular files and directories.

    Links, pipes and devices are left out: object storage has none, and it is not safe to follow or open them.

    Args:
        source: The root of the source.
        parts: Names that lead to the source.
        target: The root of the copy.
        target_parts: Names that lead to the copy.
        abort: Aborts the copy.
        mode: Mode of every copied file; 0 for that of the source.
        named: Returns the names that a path below the source has in the copy; None for a directory that is not made.

    Raises:
        OSError: A file cannot be read or written; `NotRegular` if the source is neither a file nor a directory.
        Aborted: The copy was aborted.
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
                file_mode = source.lstat([*parts, *inner]).st_mode
                if stat.S_ISDIR(file_mode):
                    waiting.append(inner)
                elif stat.S_ISREG(file_mode):
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
    """Copy a regular file with its times and its mode, but without setuid, setgid and sticky bits.

    Args:
        source: The root of the source.
        parts: Names that lead to the source.
        target: The root of the copy.
        target_parts: Names that lead to the copy.
        abort: Aborts the copy.
        mode: Mode of the copy; 0 for that of the source.

    Raises:
        NotRegular: The source is not a regular file.
        OSError: A file cannot be read or written.
        Aborted: The copy was aborted.
    """
    reading = source.open_file(parts)
    try:
        status = os.fstat(reading)
        writing = target.new_file(target_parts)
        try:
            copy_content(reading, writing, abort)
            # The file may end in a hole.
            os.ftruncate(writing, status.st_size)
            os.fchmod(writing, mode or status.st_mode & 0o777)
            os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def copy_content(reading: int, writing: int, abort: threading.Event | None = None) -> None:
    """Copy the content of one open file to another one; holes stay holes.

    Args:
        reading: Descriptor of the source.
        writing: Descriptor of the copy.
        abort: Aborts the copy.

    Raises:
        OSError: A file cannot be read or written.
        Aborted: The copy was aborted.
    """
    at = 0
    while True:
        check_abort(abort)
        try:
            at = os.lseek(reading, at, os.SEEK_DATA)
            os.lseek(writing, at, os.SEEK_SET)
            size = min(_CHUNK, os.lseek(reading, at, os.SEEK_HOLE) - at)
        except OSError as error:
            if error.errno == errno.ENXIO:
                # The rest of the file is a hole.
                return
            if error.errno != errno.EINVAL:
                raise
            # The file system does not support holes.
            size = _CHUNK
        piece = os.pread(reading, size, at)
        if not piece:
            return
        write_all(writing, piece)
        at += len(piece)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all bytes, with as many calls as the system needs."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def chown_tree(root: Root, parts: Parts, uid: int, gid: int) -> None:
    """Change the owner of a directory and of everything in it. Links are changed, and not followed."""
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
