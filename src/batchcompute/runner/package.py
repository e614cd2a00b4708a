"""Unpacking the package of a task into its working directory (REST API, 5.2)."""

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
"""The limits for packages."""

_CHUNK = 1024**2
"""Bytes of the file of a hard link that are copied at once."""

_NEW_FOLDER = 0o755
"""Mode of directories that have no member of their own."""

_PROGRAM = 0o755
"""Mode of a package that is not an archive."""


class PackageError(Exception):
    """The package cannot be unpacked. The message names it."""


def unpack(
    work: Root, parts: Parts, name: str, object_url: str, target: Parts, abort: threading.Event | None = None
) -> None:
    """Unpack an archive. A file that is not an archive is copied, and made executable.

    The content of a package is hostile. It is unpacked by the rules of this project (docs/packages.md), which do not
    depend on the patch level of Python.

    Args:
        work: The directory that holds the files of attempts.
        parts: Names that lead to the file of the package.
        name: Name of the copy of a file that is not an archive.
        object_url: URL of the package, for messages.
        target: Names that lead to the working directory.
        abort: Aborts the work.

    Raises:
        PackageError: The package cannot be unpacked. Files that were unpacked before the error stay in the working directory.
        OSError: The machine is short of resources at this moment. The package may be unpacked to the same directory
            again.
        Aborted: The work was aborted.
    """
    try:
        fd = work.open_file(parts)
        try:
            source = open_archive(fd, LIMITS, abort)
            if source is None:
                _copy_program(fd, work, (*target, name), abort)
            else:
                _Unpacking(work, tuple(target), source, abort).run()
        finally:
            os.close(fd)
    except (ArchiveError, UnicodeEncodeError) as error:
        raise PackageError(f"The package {object_url} cannot be unpacked: {error}") from error
    except OSError as error:
        if has_no_room(error):
            raise
        raise PackageError(f"The package {object_url} cannot be unpacked: {_reason(error)}") from error


def _copy_program(fd: int, work: Root, parts: Parts, abort: threading.Event | None) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    writing = work.new_file(parts)
    try:
        copying.copy_content(fd, writing, abort)
        status = os.fstat(fd)
        os.fchmod(writing, _PROGRAM)
        os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))
    finally:
        os.close(writing)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


class _Unpacking:
    """Unpacks one archive.

    A directory is never replaced by something else, and nothing else is replaced by a directory. So a known directory
    stays a directory, a link never gets into the path of a later member, and an archive that was unpacked in part can
    be unpacked again.
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
        # Hashes of names, because names could take hundreds of megabytes. A collision does no harm: `Root` checks what
        # exists.
        self._folders = {hash(())}
        self._files: set[int] = set()

    def run(self) -> None:
        """Unpack the archive.

        Raises:
            ArchiveError: It breaks a rule; the message names the member.
            OSError: The machine is short of resources at this moment, or the package cannot be read.
            Aborted: The work was aborted.
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
        """Make a hard link as a copy, whose bytes count towards the limits."""
        try:
            source = check_name(linked)
        except ArchiveError as error:
            raise ArchiveError(f"it is a hard link to {shown(linked)}: {error}") from error
        if hash(source) not in self._files:
            raise ArchiveError(f"it is a hard link to {shown(linked)}, which is not a file before it")
        # Both names may be the same: an open file can still be read after its name is replaced.
        reading = self._work.open_file(self._at(source))
        try:
            writing = self._work.new_file(self._at(parts), make=0)
            try:
                status = os.fstat(reading)
                self._budget.check(status.st_size)
                while piece := os.read(reading, _CHUNK):
                    check_abort(self._abort)
                    self._budget.spend(len(piece))
                    copying.write_all(writing, piece)
                os.fchmod(writing, safe_mode(status.st_mode, folder=False))
                os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))
            finally:
                os.close(writing)
        finally:
            os.close(reading)
        self._files.add(hash(parts))

    def _make_folders(self, parts: tuple[str, ...], announced: bool = False) -> None:
        """Make a directory and its parents.

        Args:
            parts: Parts of its name.
            announced: Whether it is a member itself, which is counted already.
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
                raise ArchiveError(f"its path contains the link {shown('/'.join(here))}")
            if mode and not stat.S_ISDIR(mode):
                raise ArchiveError(f"{shown('/'.join(here))} is not a directory")
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
