"""Object storage in a directory: ``oss://bucket/key`` is the file ``<root>/bucket/key``."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from batchcompute.errors import ValidationError

__all__ = ["DirectoryStore"]

# OSS's own rule, which also leaves no room for "..".
_BUCKET = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z_.-]{0,62}")


def parts_of(place: str) -> list[str]:
    """Return the bucket and the parts of the key that ``oss://bucket/key`` names.

    Raises:
        ValidationError: It is no such name, or could leave its bucket.
    """
    scheme, found, rest = place.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "oss" or not found or not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise ValidationError(f"{place!r} is no place in object storage; say oss://bucket/key")
    parts = [part for part in key.split("/") if part]
    if any(part in (".", "..") or "\0" in part or "\\" in part for part in parts):
        raise ValidationError(f"{place!r} holds a part that no object name may hold")
    return [bucket, *parts]


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

    def local(self, place: str) -> Path | None:
        """Return the file of an object, or the directory of a prefix.

        Raises:
            ValidationError: It is no such name, or a link leads out of the storage.
        """
        file = self.path(place)
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise ValidationError(f"{place!r} leads out of the storage")
        return file

    def exists(self, place: str) -> bool:
        """Tell whether there is an object, or a directory for a prefix."""
        file = self.local(place)
        return file is not None and (file.is_dir() if place.endswith("/") else file.exists())

    def fetch(self, place: str, target: Path) -> None:
        """Copy an object to a file, or what is below a prefix into a directory.

        Raises:
            FileNotFoundError: There is no such place.
        """
        source = self.path(place) if self.local(place) is not None else self.root
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)

    def deliver(self, source: Path, place: str) -> None:
        """Take a file, or the contents of a directory, in: moved, as both are mostly on one disk.

        Raises:
            OSError: It cannot be written.
        """
        if place.endswith("/"):
            for file in files_below(source):
                self._take(file, f"{place}{file.relative_to(source).as_posix()}")
        else:
            self._take(source, place)

    def _take(self, source: Path, place: str) -> None:
        target = self.local(place)
        if target is None or target == source:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(f"{place} is the name of a directory of other objects")
        try:
            source.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # From another disk: whole or not at all, as readers may look at any time.
            part = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
            try:
                shutil.copyfile(source, part)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)

    def remove(self, place: str) -> None:
        """Remove an object; what is not there is no error."""
        file = self.local(place)
        if file is not None:
            file.unlink(missing_ok=True)

    def describe(self) -> str:
        """Return the ``file://`` URL of the directory that holds the buckets."""
        return self.root.as_uri()


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the plain files below a directory; links and special files are no objects."""
    for parent, _, names in os.walk(folder):
        for name in names:
            file = Path(parent, name)
            if not file.is_symlink() and file.is_file():
                yield file
