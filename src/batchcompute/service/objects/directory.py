"""Object storage in a directory: ``oss://bucket/key`` is the file ``<root>/bucket/key``."""

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
from batchcompute.service.objects.base import OBJECT_MODE, LinkInPath, ObjectReader, Page, Stat, tag_of_file
from batchcompute.service.objects.keys import file_names, is_escaped, parts_of
from batchcompute.service.objects.listing import Lister

__all__ = ["DirectoryStore"]

_PENDING = ".aside"
"""Directory of objects that are being written. No bucket can have this name."""


class DirectoryStore:
    """Objects as files below one directory (see `keys` for their names).

    Args:
        root: The directory. It is created if it does not exist.

    Raises:
        OSError: The directory cannot be created or opened.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root: Root = Root(root)
        """The directory."""
        try:
            # These objects were being written when an earlier service ended.
            self.root.remove((_PENDING,))
            self.root.make_folder((_PENDING,))
        except BaseException:
            self.root.close()
            raise
        self._lister = Lister(self.root, _stat_of)

    def close(self) -> None:
        """Close the descriptor of the directory."""
        self.root.close()

    def path(self, object_url: str) -> Path:
        """Return the file of an object, or the directory of a prefix that ends in a slash.

        Args:
            object_url: ``oss://bucket/key``.

        Raises:
            ValidationError: The URL is invalid.
        """
        return self.root.where(parts_of(object_url))

    def log_file(self, object_url: str) -> RootedFile:
        """Return the file through which a running program may write an object."""
        parts = parts_of(object_url)
        # A new file replaces any file with the name of the object, even a link.
        self._check(object_url, parts[:-1])
        return RootedFile(self.root, parts)

    def local(self, object_url: str) -> Path:
        """Return the file of an object, or the directory of a prefix.

        Raises:
            ValidationError: The URL is invalid.
            LinkInPath: The path contains a symbolic link.
        """
        parts = parts_of(object_url)
        self._check(object_url, parts)
        return self.root.where(parts)

    def _check(self, object_url: str, parts: Parts) -> None:
        at = self.root.path
        for part in parts:
            at = at / part
            try:
                if stat.S_ISLNK(at.lstat().st_mode):
                    raise LinkInPath(f"{object_url!r} leads out of the storage")
            except (FileNotFoundError, NotADirectoryError):
                break

    def exists(self, object_url: str) -> bool:
        """Return whether an object exists, or a directory for a prefix."""
        try:
            mode = self.root.lstat(parts_of(object_url)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        return stat.S_ISDIR(mode) if object_url.endswith("/") else not stat.S_ISLNK(mode)

    def fetch(
        self, object_url: str, target: Root, parts: Parts, abort: threading.Event | None = None
    ) -> None:
        """Copy an object to a file, or everything below a prefix to a directory.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        copying.copy_tree(
            self.root, parts_of(object_url), target, parts, abort, mode=OBJECT_MODE, named=file_names
        )

    def make_mountable(self, object_url: str) -> bool:
        """Make all files executable, and return whether the directory of the storage can be mounted as it is.

        Raises:
            OSError: The files cannot be examined.
        """
        parts = parts_of(object_url)
        if not object_url.endswith("/"):
            with self.root.folder(parts[:-1]) as fd:
                return make_executable(parts[-1], fd)
        waiting = [parts]
        while waiting:
            at = waiting.pop()
            with suppress(FileNotFoundError), self.root.folder(at) as fd, os.scandir(fd) as entries:
                for entry in entries:
                    if is_escaped(entry.name):
                        return False
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((*at, entry.name))
                    elif entry.is_file(follow_symlinks=False):
                        with suppress(FileNotFoundError):
                            status = entry.stat(follow_symlinks=False)
                            if not is_executable(status) and not make_executable(entry.name, fd):
                                return False
        return True

    def deliver(self, source: Root, parts: Parts, object_url: str, keep: bool = False) -> Stat:
        """Store a regular file. It is moved if possible, unless `keep` is set.

        Raises:
            NotRegular: The file is not a regular file.
            OSError: The object cannot be written.
        """
        self.local(object_url)
        fd = source.open_file(parts)
        try:
            status = os.fstat(fd)
            # A file with a second name could be changed through it. A file of another user would keep its owner.
            movable = not keep and status.st_nlink == 1 and status.st_uid == os.geteuid()
            if not movable or not self._move(fd, source, parts, parts_of(object_url)):
                return self._copy(source, parts, object_url)
            return _stat_of(os.fstat(fd))
        finally:
            os.close(fd)

    def _move(self, fd: int, source: Root, parts: Parts, target: Parts) -> bool:
        """Move a file atomically, and return whether that is possible."""
        try:
            os.fchmod(fd, OBJECT_MODE)
            source.rename(parts, self.root, target, make=0o700)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM):
                raise
            return False
        moved, opened = self.root.lstat(target), os.fstat(fd)
        is_same = (moved.st_dev, moved.st_ino) == (opened.st_dev, opened.st_ino)
        # Another instance may have replaced the object meanwhile. Its file, too, is a regular file of this user with
        # one name.
        if not is_same and not (
            moved.st_mode == stat.S_IFREG | OBJECT_MODE
            and moved.st_nlink == 1
            and moved.st_uid == os.geteuid()
        ):
            # The source was replaced between the check and the move.
            self.root.unlink(target)
            raise NotRegular(errno.EINVAL, "was replaced while it was moved", "/".join(parts))
        return True

    def _copy(self, source: Root, parts: Parts, object_url: str) -> Stat:
        pending = self._new_pending()
        try:
            copying.copy_file(source, parts, self.root, pending, mode=OBJECT_MODE)
            status = self.root.lstat(pending)
            self._publish(pending, object_url)
        finally:
            self.root.unlink(pending)
        return _stat_of(status)

    def stat(self, object_url: str) -> Stat | None:
        """Return the properties of an object; None if it does not exist."""
        parts = parts_of(object_url)
        try:
            status = self.root.lstat(parts)
            if object_url.endswith("/"):
                # A key that ends in a slash is an empty directory.
                is_one = stat.S_ISDIR(status.st_mode) and not self.root.names(parts)
            else:
                is_one = stat.S_ISREG(status.st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _stat_of(status) if is_one else None

    def open(self, object_url: str) -> ObjectReader | None:
        """Open an object for reading; None if it does not exist."""
        if object_url.endswith("/"):
            properties = self.stat(object_url)
            return ObjectReader(properties, lambda _start, _end: b"", lambda: None) if properties else None
        try:
            fd = self.root.open_file(parts_of(object_url))
        except (FileNotFoundError, NotADirectoryError, NotRegular):
            return None
        try:
            opened = os.fstat(fd)
        except BaseException:
            os.close(fd)
            raise
        return ObjectReader(_stat_of(opened), lambda start, end: _read(fd, start, end), lambda: os.close(fd))

    def write(self, object_url: str, pieces: Iterable[bytes]) -> Stat:
        """Write an object, whole or not at all. A URL that ends in a slash becomes an empty directory."""
        parts = parts_of(object_url)
        self.local(object_url)
        if object_url.endswith("/"):
            self.root.make_folder(parts)
            return _stat_of(self.root.lstat(parts))
        pending = self._new_pending()
        try:
            # Programs can execute mounted objects.
            fd = self.root.new_file(pending, OBJECT_MODE, make=0)
            try:
                for piece in pieces:
                    copying.write_all(fd, piece)
                properties = _stat_of(os.fstat(fd))
            finally:
                os.close(fd)
            self._publish(pending, object_url)
        finally:
            self.root.unlink(pending)
        return properties

    def _new_pending(self) -> tuple[str, str]:
        return (_PENDING, secrets.token_hex(12))

    def _publish(self, pending: Parts, object_url: str) -> None:
        self.root.rename(pending, self.root, parts_of(object_url), make=0o700)

    def remove(self, object_url: str) -> None:
        """Remove an object and the directories that it leaves empty. A missing object is not an error."""
        parts = parts_of(object_url)
        self.local(object_url)
        try:
            mode = self.root.lstat(parts).st_mode
            if not stat.S_ISDIR(mode):
                self.root.unlink(parts)
            elif not self.root.remove_folder(parts):
                return
        except (FileNotFoundError, NotADirectoryError):
            return
        # The object is removed. Directories that cannot be removed stay.
        with suppress(OSError):
            for length in range(len(parts) - 1, 1, -1):
                if not self.root.remove_folder(parts[:length]):
                    return

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        return sorted(name for name in self.root.names() if name[:1] != "." and self.has_bucket(name))

    def has_bucket(self, bucket: str) -> bool:
        """Return whether a bucket exists."""
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


def _stat_of(status: os.stat_result) -> Stat:
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return Stat(size, datetime.fromtimestamp(status.st_mtime, UTC), tag_of_file(status))


def bucket_names(root: Path) -> list[str]:
    """Return the sorted names of the buckets in a directory, which a service may be using."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if path.name[:1] != "." and path.is_dir())
