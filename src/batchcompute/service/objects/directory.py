"""Object storage in a directory: ``oss://bucket/key`` is the file ``<root>/bucket/key``."""

from __future__ import annotations

import re
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
