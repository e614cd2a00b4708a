"""Object storage in a directory: ``oss://bucket/key`` is the file ``<root>/bucket/key``."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISDIR

from batchcompute.service.objects.base import Outside, Stat, parts_of, sorted_keys

__all__ = ["DirectoryStore"]


class DirectoryStore:
    """Objects as files below one directory.

    Args:
        root: The directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, place: str) -> Path:
        """Return the file of an object, or the directory of a prefix that ends in a slash.

        Args:
            place: ``oss://bucket/key``.

        Raises:
            ValidationError: It is no such name, or would leave the directory.
        """
        return self.root.joinpath(*parts_of(place))

    def local(self, place: str) -> Path:
        """Return the file of an object, or the directory of a prefix.

        Raises:
            ValidationError: It is no such name.
            Outside: A link leads out of the storage.
        """
        file = self.path(place)
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise Outside(f"{place!r} leads out of the storage")
        return file

    def exists(self, place: str) -> bool:
        """Tell whether there is an object, or a directory for a prefix."""
        file = self.local(place)
        return file.is_dir() if place.endswith("/") else file.exists()

    def fetch(self, place: str, target: Path) -> None:
        """Copy an object to a file, or what is below a prefix into a directory.

        Raises:
            FileNotFoundError: There is no such place.
        """
        source = self.local(place)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)

    def deliver(self, source: Path, place: str, keep: bool = False) -> None:
        """Take a file in: moved, as both are mostly on one disk, unless it is to be kept.

        Raises:
            OSError: It cannot be written.
        """
        target = self.local(place)
        if target == source:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(f"{place} is the name of a directory of other objects")
        if not keep:
            try:
                source.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
            else:
                return
        with _whole(target) as part:
            shutil.copyfile(source, part)

    def stat(self, place: str) -> Stat | None:
        """Return what is known of an object; None if there is none."""
        file = self.local(place)
        try:
            # An empty directory is what a key that ends in a slash made.
            found = file.is_dir() and not any(file.iterdir()) if place.endswith("/") else file.is_file()
            return _stat(file) if found else None
        except FileNotFoundError:
            return None

    def read(self, place: str, start: int, end: int) -> bytes:
        """Return bytes of an object."""
        with self.local(place).open("rb") as stream:
            stream.seek(start)
            return stream.read(end - start)

    def write(self, place: str, pieces: Iterable[bytes]) -> None:
        """Write an object, whole or not at all; a place that ends in a slash becomes an empty directory."""
        file = self.local(place)
        if place.endswith("/"):
            file.mkdir(parents=True, exist_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            raise IsADirectoryError(file)
        with _whole(file) as part, part.open("wb") as stream:
            for piece in pieces:
                stream.write(piece)

    def remove(self, place: str) -> None:
        """Remove an object, and the directories that it was the last one in; what is not there is no error."""
        file = self.local(place)
        if file.is_dir():
            if any(file.iterdir()):
                return
            file.rmdir()
        else:
            file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder.parent == self.root or not folder.is_relative_to(self.root):
                return
            try:
                folder.rmdir()
            except OSError:
                return

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        return sorted(path.name for path in self.root.iterdir() if path.is_dir() and not path.is_symlink())

    def keys(self, bucket: str, prefix: str, delimiter: str) -> list[tuple[str, Stat | None]]:
        """Return the keys below a prefix, in the order of their bytes."""
        return sorted_keys(self._keys(self.path(f"oss://{bucket}/"), prefix), prefix, delimiter)

    @staticmethod
    def _keys(folder: Path, prefix: str) -> Iterator[tuple[str, Stat]]:
        for parent, folders, files in os.walk(folder):
            base = Path(parent)
            at = "" if base == folder else base.relative_to(folder).as_posix() + "/"
            if not at.startswith(prefix) and not prefix.startswith(at):
                folders.clear()
                continue
            if at.startswith(prefix) and at and not folders and not files:
                with suppress(FileNotFoundError):
                    yield at, _stat(base)
            for name in files:
                key = at + name
                if key.startswith(prefix) and not (name.startswith(".") and name.endswith(".part")):
                    # What is removed meanwhile is not listed.
                    with suppress(FileNotFoundError):
                        yield key, _stat(base / name)

    def describe(self) -> str:
        """Return the ``file://`` URL of the directory that holds the buckets."""
        return self.root.as_uri()


@contextmanager
def _whole(file: Path) -> Generator[Path]:
    """Write a file whole or not at all: readers see the one before until it is there."""
    part = file.with_name(f".{file.name[:100]}.{secrets.token_hex(6)}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _stat(file: Path) -> Stat:
    found = file.stat()
    modified = datetime.fromtimestamp(found.st_mtime, UTC)
    size = 0 if S_ISDIR(found.st_mode) else found.st_size
    return Stat(size, modified, f'"{found.st_mtime_ns:X}-{size:X}"')
