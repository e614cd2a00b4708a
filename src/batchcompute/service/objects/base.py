"""What the service asks of object storage, wherever that is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from batchcompute.errors import ValidationError
from batchcompute.runner.rooted import Parts, Root, RootedFile
from batchcompute.service.objects.keys import parts_of

__all__ = ["ObjectReader", "ObjectStore", "Stat", "parts_of"]


MOUNTED: Final = 0o700
"""Mode of objects, and of the copies that programs get: storage has no modes, and what is mounted can be read and
executed (REST API, 5.3)."""


class Outside(ValidationError):
    """A link stands in the way: for those outside, there is nothing."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What is known of an object without reading it."""

    size: int
    """Bytes."""
    modified: datetime
    """When it was written, in UTC."""
    tag: str
    """Changes with the object; in quotes."""


@dataclass(frozen=True, slots=True)
class ObjectReader:
    """One version of an object, opened: it stays whole while others write a new one."""

    stat: Stat
    """What is known of it."""
    read: Callable[[int, int], bytes]
    """Returns its bytes from a start to an end."""
    close: Callable[[], None]
    """Gives it back."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the keys of a bucket, in the order of their bytes."""

    items: Sequence[tuple[str, Stat | None]]
    """Keys; no `Stat` for what a delimiter ends."""
    more: bool
    """Whether there are further ones."""


class ObjectStore(Protocol):
    """Keeps objects, and brings them to and from files of this machine.

    Places are ``oss://bucket/key``; one that ends in a slash is everything below it. Every method raises
    `ValidationError` for a name that is none, and `OSError` where the storage fails.
    """

    def path(self, place: str) -> Path | None:
        """Return where the file or directory of a place is on this machine; None if it is elsewhere."""
        ...

    def log_file(self, place: str) -> RootedFile | None:
        """Return the file that a program may write an object to while it runs; None if it is not on this machine."""
        ...

    def local(self, place: str) -> Path | None:
        """Return what `path` does, after a look that no link stands in the way.

        Raises:
            Outside: A link does.
        """
        ...

    def exists(self, place: str) -> bool:
        """Return whether there is an object, or one below a prefix."""
        ...

    def fetch(self, place: str, target: Root, parts: Parts, abort: threading.Event | None = None) -> None:
        """Copy an object to a file, or what is below a prefix into a directory; all of it can be executed.

        Raises:
            FileNotFoundError: There is no such place.
            OSError: It cannot be copied; there may be a key that no file can have as its name.
        """
        ...

    def is_mountable(self, place: str) -> bool:
        """Return whether the files that `local` names can be mounted, and read and executed there under their keys.

        They are made executable where that harms nothing.
        """
        ...

    def deliver(self, source: Root, parts: Parts, place: str, keep: bool = False) -> Stat:
        """Take a plain file in; it may be gone afterwards, unless it is to be kept.

        Raises:
            NotRegular: It is no plain file.
        """
        ...

    def stat(self, place: str) -> Stat | None:
        """Return what is known of an object; None if there is none."""
        ...

    def open(self, place: str) -> ObjectReader | None:
        """Open an object to read it; None if there is none."""
        ...

    def write(self, place: str, pieces: Iterable[bytes]) -> Stat:
        """Write an object, whole or not at all; a place that ends in a slash becomes an empty directory."""
        ...

    def remove(self, place: str) -> None:
        """Remove an object; what is not there is no error."""
        ...

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Return keys that begin with a prefix and come after another key.

        Args:
            bucket: The bucket.
            prefix: What they begin with.
            delimiter: Keys that hold it behind the prefix are one item up to it; empty for none.
            after: The last item of the page before; empty for the first page.
            most: How many items.
        """
        ...

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        ...

    def has_bucket(self, bucket: str) -> bool:
        """Return whether there is such a bucket."""
        ...

    def folders(self) -> list[Path]:
        """Return the directories of this machine that objects are in."""
        ...

    def describe(self) -> str:
        """Return where it is, for programs and logs: a URL without secrets."""
        ...


def rolled_up(key: str, prefix: str, delimiter: str) -> str:
    """Return the item of a list that a key belongs to: itself, or its part up to a delimiter."""
    if delimiter:
        rest, end, _ = key[len(prefix) :].partition(delimiter)
        if end:
            return prefix + rest + end
    return key


def page_of(found: Iterable[tuple[str, Stat]], prefix: str, delimiter: str, after: str, most: int) -> Page:
    """Return a page of keys that are all at hand."""
    items: dict[str, Stat | None] = {}
    for key, stat in found:
        if key.startswith(prefix):
            name = rolled_up(key, prefix, delimiter)
            items[name] = (
                stat if name == key and not (delimiter and key[len(prefix) :].endswith(delimiter)) else None
            )
    rest = sorted(
        (item for item in items.items() if _order(item[0]) > _order(after)), key=lambda item: _order(item[0])
    )
    return Page(rest[:most], len(rest) > most)


def _order(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def modified_ns(stat: os.stat_result) -> str:
    """Return an entity tag for a file: it changes with the file's content, and with the file itself."""
    return f'"{stat.st_mtime_ns:X}-{stat.st_size:X}-{stat.st_ino & 0xFFFFFFFF:X}"'
