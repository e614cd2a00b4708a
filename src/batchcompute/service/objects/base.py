"""What the service asks of object storage, wherever that is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from batchcompute.errors import ValidationError

__all__ = ["ObjectStore", "Stat", "parts_of"]

# OSS's own rule, which also leaves no room for "..".
_LONGEST_KEY = 1023
"""Bytes of a key, by OSS's rule."""

_BUCKET = re.compile(r"[a-z0-9A-Z][a-z0-9A-Z_.-]{0,62}")


class Outside(ValidationError):
    """A link leads out of the storage: for those outside, there is nothing."""


def parts_of(place: str) -> list[str]:
    """Return the bucket and the parts of the key that ``oss://bucket/key`` names.

    Raises:
        ValidationError: It is no such name, or could leave its bucket.
    """
    scheme, found, rest = place.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "oss" or not found or not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise ValidationError(f"{place!r} is no place in object storage; say oss://bucket/key")
    if len(key.encode("utf-8", "surrogatepass")) > _LONGEST_KEY:
        raise ValidationError(f"{place[:60]!r}… is longer than the {_LONGEST_KEY} bytes that a key may have")
    parts = [part for part in key.split("/") if part]
    if any(part in (".", "..") or "\0" in part or "\\" in part for part in parts):
        raise ValidationError(f"{place!r} holds a part that no object name may hold")
    return [bucket, *parts]


@dataclass(frozen=True, slots=True)
class Stat:
    """What is known of an object without reading it."""

    size: int
    """Bytes."""
    modified: datetime
    """When it was written, in UTC."""
    tag: str
    """Changes with the object; in quotes."""


class ObjectStore(Protocol):
    """Keeps objects, and brings them to and from files of this machine.

    Places are ``oss://bucket/key``; one that ends in a slash is everything below it. Every method raises
    `ValidationError` for a name that is none, or would leave the storage, and `OSError` where the storage
    fails.
    """

    def local(self, place: str) -> Path | None:
        """Return the file or directory of a place; None if it is not on this machine."""
        ...

    def exists(self, place: str) -> bool:
        """Tell whether there is an object, or one below a prefix."""
        ...

    def fetch(self, place: str, target: Path) -> None:
        """Copy an object to a file, or what is below a prefix into a directory.

        Raises:
            FileNotFoundError: There is no such place.
        """
        ...

    def deliver(self, source: Path, place: str, keep: bool = False) -> None:
        """Take a file in; it may be gone afterwards, unless it is to be kept."""
        ...

    def stat(self, place: str) -> Stat | None:
        """Return what is known of an object; None if there is none."""
        ...

    def read(self, place: str, start: int, end: int) -> bytes:
        """Return bytes of an object."""
        ...

    def write(self, place: str, pieces: Iterable[bytes]) -> None:
        """Write an object, whole or not at all; a place that ends in a slash becomes an empty directory."""
        ...

    def remove(self, place: str) -> None:
        """Remove an object; what is not there is no error."""
        ...

    def keys(self, bucket: str, prefix: str, delimiter: str) -> list[tuple[str, Stat | None]]:
        """Return the keys below a prefix, in the order of their bytes; no `Stat` for what a delimiter ends."""
        ...

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        ...

    def describe(self) -> str:
        """Return where it is, for programs and logs: a URL without secrets."""
        ...


def sorted_keys(
    found: Iterable[tuple[str, Stat]], prefix: str, delimiter: str
) -> list[tuple[str, Stat | None]]:
    """Sort keys, and put those that a delimiter ends into one."""
    result: dict[str, Stat | None] = {}
    for key, stat in found:
        rest, end, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if end:
            result[prefix + rest + end] = None
        else:
            result[key] = stat
    return sorted(result.items(), key=lambda item: item[0].encode("utf-8", "surrogateescape"))
