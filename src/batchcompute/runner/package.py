"""Bringing a task's package into the working directory (REST API, 5.2).

A package is an object of hostile content. It is unpacked by rules of this project's own (docs/packages.md),
whatever the patch level of Python is.
"""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from batchcompute.runner import copying
from batchcompute.runner.aborting import check_abort
from batchcompute.runner.archive_rules import (
    ArchiveError,
    check_link,
    check_name,
    check_type,
    safe_mode,
    shown,
)
from batchcompute.runner.os_errors import has_no_room
from batchcompute.runner.rooted import Parts, Root
from batchcompute.runner.tar_bytes import Limits, Source
from batchcompute.runner.tar_headers import Member, Reader, open_archive

__all__: list[str] = []

LIMITS = Limits()
"""What a package may ask for."""

_PIECE = 1024**2
"""Bytes of a hard link's file that are copied at once."""

_NEW_FOLDER = 0o755
"""Mode of directories that no member announces."""

_PROGRAM = 0o755
"""Mode of a package that is no archive."""


class PackageError(Exception):
    """The package cannot be brought in; the message names it."""


def unpack(
    work: Root, parts: Parts, name: str, place: str, target: Parts, abort: threading.Event | None = None
) -> None:
    """Unpack an archive, or copy a plain file and make it executable.

    Args:
        work: The directory that everything is below.
        parts: Names of the package's file.
        name: The name that a plain file gets.
        place: Its ``oss://`` name, for messages.
        target: Names of the working directory.
        abort: Ends it.

    Raises:
        PackageError: It cannot be unpacked. What was unpacked before is left in the working directory.
        OSError: The machine has no room for it at this moment. It may be unpacked again to the same place.
        Aborted: Nobody wants it any more.
    """
    try:
        fd = work.open_file(parts)
        try:
            source = open_archive(fd, LIMITS, abort)
            if source is None:
                _copy_plain(fd, work, (*target, name), abort)
            else:
                _Unpacking(work, tuple(target), source, abort).run()
        finally:
            os.close(fd)
    except (ArchiveError, UnicodeEncodeError) as error:
        raise PackageError(f"The package {place} cannot be unpacked: {error}") from error
    except OSError as error:
        if has_no_room(error):
            raise
        raise PackageError(f"The package {place} cannot be unpacked: {_reason(error)}") from error


def _copy_plain(fd: int, work: Root, parts: Parts, abort: threading.Event | None) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    writing = work.new_file(parts)
    try:
        copying.pump(fd, writing, abort)
        found = os.fstat(fd)
        os.fchmod(writing, _PROGRAM)
        os.utime(writing, ns=(found.st_atime_ns, found.st_mtime_ns))
    finally:
        os.close(writing)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


class _Unpacking:
    """Unpacks one archive.

    A directory never becomes something else, and nothing else becomes a directory. So what is known to be a
    directory stays one, a link never gets into the path of a later member, and an archive that was unpacked
    in part can be unpacked again.
    """

    def __init__(
        self, work: Root, target: tuple[str, ...], source: Source, abort: threading.Event | None
    ) -> None:
        self._work = work
        self._target = target
        self._source = source
        self._budget = source.budget
        self._reader = Reader(source)
        self._abort = abort
        self._entries = 0
        # Hashes of names: names themselves could take hundreds of megabytes. A collision does no harm, as
        # `Root` finds out for itself what is there.
        self._folders = {hash(())}
        self._files: set[int] = set()

    def run(self) -> None:
        """Unpack it.

        Raises:
            ArchiveError: It breaks a rule; the message names the member.
            OSError: The machine has no room for it at this moment, or the package cannot be read.
            Aborted: Nobody wants it any more.
        """
        self._work.make_folder(self._target)
        while True:
            check_abort(self._abort)
            try:
                member = self._reader.next()
            except ArchiveError as error:
                raise ArchiveError(f"after {self._entries:,} entries: {error}") from error
            if member is None:
                return
            try:
                self._place(member)
            except (ArchiveError, OSError) as error:
                if isinstance(error, OSError) and has_no_room(error):
                    raise
                text = _reason(error) if isinstance(error, OSError) else str(error)
                raise ArchiveError(f"member {shown(member.name)}: {text}") from error

    def _place(self, member: Member) -> None:
        self._count()
        kind = check_type(member.type)
        parts = check_name(member.name)
        if kind == "folder":
            self._make_folders(parts, announced=True)
            if parts:
                self._work.chmod(self._at(parts), safe_mode(member.mode, folder=True))
            return
        if not parts:
            raise ArchiveError("the name is that of the working directory itself")
        self._make_folders(parts[:-1])
        if stat.S_ISDIR(self._mode_of(parts)):
            raise ArchiveError("a directory of that name is already there")
        if kind == "file":
            self._write_file(parts, member)
        elif kind == "hard link":
            self._copy_file(parts, member.target)
        else:
            target = check_link(parts, member.target)
            self._files.discard(hash(parts))
            self._work.unlink(self._at(parts))
            self._work.link(Path(target), self._at(parts))

    def _write_file(self, parts: tuple[str, ...], member: Member) -> None:
        self._source.expect(member.size)
        self._files.discard(hash(parts))
        fd = self._work.new_file(self._at(parts), make=0)
        try:
            for piece in self._reader.content():
                copying.write_all(fd, piece)
            os.fchmod(fd, safe_mode(member.mode, folder=False))
            if member.mtime is not None:
                os.utime(fd, ns=(member.mtime, member.mtime))
        finally:
            os.close(fd)
        self._files.add(hash(parts))

    def _copy_file(self, parts: tuple[str, ...], linked: str) -> None:
        """Make a hard link as a copy of its own, which counts as what comes out of the archive."""
        try:
            source = check_name(linked)
        except ArchiveError as error:
            raise ArchiveError(f"it is a hard link to {shown(linked)}: {error}") from error
        if hash(source) not in self._files:
            raise ArchiveError(f"it is a hard link to {shown(linked)}, which is no file that came before it")
        # It may be the very same name: what is open can still be read when its name is taken.
        reading = self._work.open_file(self._at(source))
        try:
            writing = self._work.new_file(self._at(parts), make=0)
            try:
                found = os.fstat(reading)
                self._budget.check(found.st_size)
                while piece := os.read(reading, _PIECE):
                    check_abort(self._abort)
                    self._budget.spend(len(piece))
                    copying.write_all(writing, piece)
                os.fchmod(writing, safe_mode(found.st_mode, folder=False))
                os.utime(writing, ns=(found.st_atime_ns, found.st_mtime_ns))
            finally:
                os.close(writing)
        finally:
            os.close(reading)
        self._files.add(hash(parts))

    def _make_folders(self, parts: tuple[str, ...], announced: bool = False) -> None:
        """Make a directory and those around it.

        Args:
            parts: Its parts.
            announced: Whether it is a member itself, which has been counted.
        """
        if hash(parts) in self._folders:
            return
        for length in range(1, len(parts) + 1):
            here = parts[:length]
            if hash(here) in self._folders:
                continue
            if not (announced and here == parts):
                self._count()
            mode = self._mode_of(here)
            if stat.S_ISLNK(mode):
                raise ArchiveError(f"its path leads through the link {shown('/'.join(here))}")
            if mode and not stat.S_ISDIR(mode):
                raise ArchiveError(f"{shown('/'.join(here))} is no directory")
            self._work.make_folder(self._at(here), _NEW_FOLDER)
            self._folders.add(hash(here))

    def _count(self) -> None:
        self._entries += 1
        if self._entries > self._budget.limits.entries:
            raise ArchiveError(f"the package has more than {self._budget.limits.entries:,} entries")

    def _mode_of(self, parts: tuple[str, ...]) -> int:
        try:
            return self._work.lstat(self._at(parts)).st_mode
        except FileNotFoundError:
            return 0

    def _at(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        return (*self._target, *parts)
