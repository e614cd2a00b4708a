"""Object storage in a directory: ``oss://bucket/key`` is the file ``<root>/bucket/key`` (see `keys`)."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from batchcompute.runner import copying
from batchcompute.runner.descriptors import is_executable, make_executable
from batchcompute.runner.rooted import NotRegular, Parts, Root, RootedFile
from batchcompute.service.objects.base import MOUNTED, ObjectReader, Outside, Page, Stat, modified_ns
from batchcompute.service.objects.keys import file_names, is_written_otherwise, parts_of
from batchcompute.service.objects.listing import Lister

__all__ = ["DirectoryStore"]

_ASIDE = ".aside"
"""Where objects are written until they are whole; no bucket has such a name."""


class DirectoryStore:
    """Objects as files below one directory.

    Args:
        root: The directory; it is made if it is not there.

    Raises:
        OSError: It cannot be made or opened.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root: Root = Root(root)
        """The directory."""
        try:
            # What stands there was being written when an earlier service ended.
            self.root.remove((_ASIDE,))
            self.root.make_folder((_ASIDE,))
        except BaseException:
            self.root.close()
            raise
        self._lister = Lister(self.root, _stat_of)

    def close(self) -> None:
        """Give the directory's descriptor back."""
        self.root.close()

    def path(self, place: str) -> Path:
        """Return the file of an object, or the directory of a prefix that ends in a slash.

        Args:
            place: ``oss://bucket/key``.

        Raises:
            ValidationError: It is no such name.
        """
        return self.root.where(parts_of(place))

    def log_file(self, place: str) -> RootedFile:
        """Return the file that a program may write an object to while it runs."""
        parts = parts_of(place)
        # What stands at its own name, a link too, is replaced by a new file.
        self._check(place, parts[:-1])
        return RootedFile(self.root, parts)

    def local(self, place: str) -> Path:
        """Return the file of an object, or the directory of a prefix.

        Raises:
            ValidationError: It is no such name.
            Outside: A link stands in the way.
        """
        parts = parts_of(place)
        self._check(place, parts)
        return self.root.where(parts)

    def _check(self, place: str, parts: Parts) -> None:
        at = self.root.path
        for part in parts:
            at = at / part
            try:
                if stat.S_ISLNK(at.lstat().st_mode):
                    raise Outside(f"{place!r} leads out of the storage")
            except (FileNotFoundError, NotADirectoryError):
                break

    def exists(self, place: str) -> bool:
        """Return whether there is an object, or a directory for a prefix."""
        try:
            mode = self.root.lstat(parts_of(place)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        return stat.S_ISDIR(mode) if place.endswith("/") else not stat.S_ISLNK(mode)

    def fetch(self, place: str, target: Root, parts: Parts, abort: threading.Event | None = None) -> None:
        """Copy an object to a file, or what is below a prefix into a directory.

        Raises:
            FileNotFoundError: There is no such place.
        """
        copying.copy_tree(self.root, parts_of(place), target, parts, abort, mode=MOUNTED, named=file_names)

    def is_mountable(self, place: str) -> bool:
        """Return whether a program can be shown the files themselves, all of which can be executed from now on.

        Raises:
            OSError: They cannot be looked at.
        """
        parts = parts_of(place)
        if not place.endswith("/"):
            with self.root.folder(parts[:-1]) as fd:
                return make_executable(parts[-1], fd)
        waiting = [parts]
        while waiting:
            at = waiting.pop()
            with suppress(FileNotFoundError), self.root.folder(at) as fd, os.scandir(fd) as entries:
                for entry in entries:
                    if is_written_otherwise(entry.name):
                        return False
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((*at, entry.name))
                    elif entry.is_file(follow_symlinks=False):
                        with suppress(FileNotFoundError):
                            found = entry.stat(follow_symlinks=False)
                            if not is_executable(found) and not make_executable(entry.name, fd):
                                return False
        return True

    def deliver(self, source: Root, parts: Parts, place: str, keep: bool = False) -> Stat:
        """Take a plain file in: moved, as both are mostly on one disk, unless it is to be kept.

        Raises:
            NotRegular: It is no plain file.
            OSError: It cannot be written.
        """
        self.local(place)
        fd = source.open_file(parts)
        try:
            found = os.fstat(fd)
            # A file with another name could be changed by it; one of somebody else would stay theirs.
            movable = not keep and found.st_nlink == 1 and found.st_uid == os.geteuid()
            if not movable or not self._move(fd, source, parts, parts_of(place)):
                return self._copy(source, parts, place)
            return _stat_of(os.fstat(fd))
        finally:
            os.close(fd)

    def _move(self, fd: int, source: Root, parts: Parts, target: Parts) -> bool:
        """Move a file in one step: a crash finds it either here or there. Return whether it could be moved."""
        try:
            os.fchmod(fd, MOUNTED)
            source.rename(parts, self.root, target, make=0o700)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM):
                raise
            return False
        moved, opened = self.root.lstat(target), os.fstat(fd)
        is_same = (moved.st_dev, moved.st_ino) == (opened.st_dev, opened.st_ino)
        # Another instance may have uploaded an output to the same object meanwhile: it has these properties, too.
        if not is_same and not (
            moved.st_mode == stat.S_IFREG | MOUNTED and moved.st_nlink == 1 and moved.st_uid == os.geteuid()
        ):
            # The source was replaced between the check and the move.
            self.root.unlink(target)
            raise NotRegular(errno.EINVAL, "was exchanged while it was moved", "/".join(parts))
        return True

    def _copy(self, source: Root, parts: Parts, place: str) -> Stat:
        aside = self._aside()
        try:
            copying.copy_file(source, parts, self.root, aside, mode=MOUNTED)
            found = self.root.lstat(aside)
            self._publish(aside, place)
        finally:
            self.root.unlink(aside)
        return _stat_of(found)

    def stat(self, place: str) -> Stat | None:
        """Return what is known of an object; None if there is none."""
        parts = parts_of(place)
        try:
            found = self.root.lstat(parts)
            if place.endswith("/"):
                # An empty directory is what a key that ends in a slash made.
                is_one = stat.S_ISDIR(found.st_mode) and not self.root.names(parts)
            else:
                is_one = stat.S_ISREG(found.st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _stat_of(found) if is_one else None

    def open(self, place: str) -> ObjectReader | None:
        """Open an object to read it; None if there is none."""
        if place.endswith("/"):
            found = self.stat(place)
            return ObjectReader(found, lambda _start, _end: b"", lambda: None) if found else None
        try:
            fd = self.root.open_file(parts_of(place))
        except (FileNotFoundError, NotADirectoryError, NotRegular):
            return None
        try:
            opened = os.fstat(fd)
        except BaseException:
            os.close(fd)
            raise
        return ObjectReader(_stat_of(opened), lambda start, end: _read(fd, start, end), lambda: os.close(fd))

    def write(self, place: str, pieces: Iterable[bytes]) -> Stat:
        """Write an object, whole or not at all; a place that ends in a slash becomes an empty directory."""
        parts = parts_of(place)
        self.local(place)
        if place.endswith("/"):
            self.root.make_folder(parts)
            return _stat_of(self.root.lstat(parts))
        aside = self._aside()
        try:
            # Programs to which it is mounted may execute it.
            fd = self.root.new_file(aside, MOUNTED, make=0)
            try:
                for piece in pieces:
                    copying.write_all(fd, piece)
                found = _stat_of(os.fstat(fd))
            finally:
                os.close(fd)
            self._publish(aside, place)
        finally:
            self.root.unlink(aside)
        return found

    def _aside(self) -> tuple[str, str]:
        return (_ASIDE, secrets.token_hex(12))

    def _publish(self, aside: Parts, place: str) -> None:
        self.root.rename(aside, self.root, parts_of(place), make=0o700)

    def remove(self, place: str) -> None:
        """Remove an object, and the directories that it was the last one in; what is not there is no error."""
        parts = parts_of(place)
        self.local(place)
        try:
            mode = self.root.lstat(parts).st_mode
            if not stat.S_ISDIR(mode):
                self.root.unlink(parts)
            elif not self.root.remove_folder(parts):
                return
        except (FileNotFoundError, NotADirectoryError):
            return
        # The object is gone; what is empty around it goes as far as it can.
        with suppress(OSError):
            for length in range(len(parts) - 1, 1, -1):
                if not self.root.remove_folder(parts[:length]):
                    return

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        return sorted(name for name in self.root.names() if name[:1] != "." and self.has_bucket(name))

    def has_bucket(self, bucket: str) -> bool:
        """Return whether there is such a bucket."""
        with suppress(FileNotFoundError):
            return stat.S_ISDIR(self.root.lstat((bucket,)).st_mode)
        return False

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Return a page of the keys of a bucket."""
        return self._lister.page(bucket, prefix, delimiter, after, most)

    def folders(self) -> list[Path]:
        """Return the directory."""
        return [self.root.path]

    def describe(self) -> str:
        """Return the ``file://`` URL of the directory that holds the buckets."""
        return self.root.path.as_uri()


def _read(fd: int, start: int, end: int) -> bytes:
    pieces: list[bytes] = []
    while start < end:
        piece = os.pread(fd, min(end - start, 2**30), start)
        if not piece:
            break
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)


def _stat_of(found: os.stat_result) -> Stat:
    size = 0 if stat.S_ISDIR(found.st_mode) else found.st_size
    return Stat(size, datetime.fromtimestamp(found.st_mtime, UTC), modified_ns(found))


def bucket_names(root: Path) -> list[str]:
    """Return the names of the buckets in a directory that a service may be using, sorted."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if path.name[:1] != "." and path.is_dir())
