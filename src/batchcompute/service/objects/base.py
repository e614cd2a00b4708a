"""The contract of object storage, and the parts that every object storage shares."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from batchcompute.errors import ValidationError
from batchcompute.runner.rooted import Parts, Root, RootedFile
from batchcompute.service.objects.keys import parts_of

__all__ = ["ObjectReader", "ObjectStore", "Stat", "parts_of"]


OBJECT_MODE: Final = 0o700
"""Mode of objects, and of the copies that programs get. Storage keeps no modes, and a program can read and execute
everything that is mounted (REST API, 5.3)."""


class LinkInPath(ValidationError):
    """The path of an object contains a symbolic link, which is not followed."""


class Stat(NamedTuple):
    """The properties of an object."""

    size: int
    """Bytes."""
    modified: datetime
    """Time of the last write, in UTC."""
    tag: str
    """Entity tag, in quotes. It changes with the object."""


@dataclass(frozen=True, slots=True)
class ObjectReader:
    """One version of an object, opened. It stays complete while others write a new version."""

    stat: Stat
    """The properties of the object."""
    read: Callable[[int, int], bytes]
    """Returns the bytes from a start to an end."""
    close: Callable[[], None]
    """Releases the object."""


class Page(NamedTuple):
    """One page of the keys of a bucket, in the order of their bytes."""

    items: Sequence[tuple[str, Stat | None]]
    """Keys with their properties. A common prefix that ends in a delimiter has no `Stat`."""
    more: bool
    """Whether further pages exist."""


class ObjectStore(Protocol):
    """Stores objects and copies them to and from files of this machine.

    An object URL is ``oss://bucket/key``. A URL that ends in a slash stands for everything below it. Every method
    raises `ValidationError` for an invalid URL, and `OSError` where the storage fails.
    """

    def path(self, object_url: str) -> Path | None:
        """Return the file or directory of a URL on this machine; None if it is elsewhere."""
        ...

    def log_file(self, object_url: str) -> RootedFile | None:
        """Return the file through which a running program may write an object; None if it is elsewhere."""
        ...

    def local(self, object_url: str) -> Path | None:
        """Return what `path` returns, after a check that the path contains no symbolic link.

        Raises:
            LinkInPath: It contains one.
        """
        ...

    def exists(self, object_url: str) -> bool:
        """Return whether an object exists, or one below a prefix."""
        ...

    def fetch(
        self, object_url: str, target: Root, parts: Parts, abort: threading.Event | None = None
    ) -> None:
        """Copy an object to a file, or everything below a prefix to a directory, and make every file executable.

        Raises:
            FileNotFoundError: The object does not exist.
            OSError: The object cannot be copied, for example because its key cannot be the name of a file.
        """
        ...

    def make_mountable(self, object_url: str) -> bool:
        """Return whether the files of a URL can be mounted: a program can read and execute them under their keys.

        Files are made executable where that is safe.
        """
        ...

    def deliver(self, source: Root, parts: Parts, object_url: str, keep: bool = False) -> Stat:
        """Store a regular file. Unless `keep` is set, the file may be moved.

        Raises:
            NotRegular: The file is not a regular file.
        """
        ...

    def stat(self, object_url: str) -> Stat | None:
        """Return the properties of an object; None if it does not exist."""
        ...

    def open(self, object_url: str) -> ObjectReader | None:
        """Open an object for reading; None if it does not exist."""
        ...

    def write(self, object_url: str, pieces: Iterable[bytes]) -> Stat:
        """Write an object, whole or not at all. A URL that ends in a slash becomes an empty directory."""
        ...

    def remove(self, object_url: str) -> None:
        """Remove an object. An object that does not exist is not an error."""
        ...

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Return keys that begin with a prefix and come after another key.

        Args:
            bucket: Name of the bucket.
            prefix: Prefix of the keys.
            delimiter: Keys that contain it after the prefix are grouped into one item up to it; empty for no groups.
            after: Last item of the previous page; empty for the first page.
            most: Largest number of items.
        """
        ...

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        ...

    def has_bucket(self, bucket: str) -> bool:
        """Return whether a bucket exists."""
        ...

    def folders(self) -> list[Path]:
        """Return the directories of this machine that contain objects."""
        ...

    def describe(self) -> str:
        """Return the URL of the storage without secrets, for programs and logs."""
        ...


def item_of(key: str, prefix: str, delimiter: str) -> str:
    """Return the item of a list that a key belongs to: the key, or its part up to a delimiter."""
    if delimiter:
        rest, end, _ = key[len(prefix) :].partition(delimiter)
        if end:
            return prefix + rest + end
    return key


def page_of(objects: Iterable[tuple[str, Stat]], prefix: str, delimiter: str, after: str, most: int) -> Page:
    """Return a page of keys that are all in memory."""
    items: dict[str, Stat | None] = {}
    for key, stat in objects:
        if key.startswith(prefix):
            name = item_of(key, prefix, delimiter)
            items[name] = (
                stat if name == key and not (delimiter and key[len(prefix) :].endswith(delimiter)) else None
            )
    rest = sorted(
        (item for item in items.items() if _order(item[0]) > _order(after)), key=lambda item: _order(item[0])
    )
    return Page(rest[:most], len(rest) > most)


def _order(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def tag_of_file(stat: os.stat_result) -> str:
    """Return an entity tag for a file. It changes with the content, and when another file replaces it."""
    return f'"{stat.st_mtime_ns:X}-{stat.st_size:X}-{stat.st_ino & 0xFFFFFFFF:X}"'
