"""Object storage in a directory: ``oss://bucket/key`` is the file ``<root>/bucket/key``."""

from __future__ import annotations

import re
from pathlib import Path

from batchcompute.errors import ValidationError

__all__ = ["DirectoryStore"]

# OSS's own rule, which also leaves no room for "..".
_BUCKET = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z_.-]{0,62}")


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
        scheme, found, rest = place.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "oss" or not found or not _BUCKET.fullmatch(bucket) or ".." in bucket:
            raise ValidationError(f"{place!r} is no place in object storage; say oss://bucket/key")
        parts = [part for part in key.split("/") if part]
        if any(part in (".", "..") or "\0" in part or "\\" in part for part in parts):
            raise ValidationError(f"{place!r} holds a part that no object name may hold")
        return self.root.joinpath(bucket, *parts)

    def writable(self, place: str) -> Path:
        """Return the file of an object to be written, with its directories made.

        Raises:
            ValidationError: It is no such name.
            OSError: The directories cannot be made.
        """
        path = self.path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
