"""Pages of the keys below a directory, without walking through all of it.

Directories are read in the order of the keys, and only as far as a page needs. The sorted names of a directory
are remembered for as long as it does not change, so that the next page costs a look into a list.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush

from batchcompute.service.confined import Root
from batchcompute.service.objects.base import Page, Stat, rolled_up
from batchcompute.service.objects.keys import decode, is_ours

__all__: list[str] = []

_REMEMBERED = 500_000
"""Names of directories that are remembered in all."""

_RACY = 50_000_000
"""Nanoseconds after its last change for which a directory may change again under the same time stamp."""

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Folder:
    """The sorted content of a directory."""

    order: list[bytes]
    """What each entry's keys begin with, in UTF-8."""
    names: list[str]
    """The names, in the same order."""
    folders: frozenset[str]
    """Which of them are directories."""


class Lister:
    """Lists the keys of buckets that are directories.

    Args:
        root: The directory that holds the buckets.
        stat_of: Makes what is told of an object from what the system tells of its file.
    """

    def __init__(self, root: Root, stat_of: Callable[[os.stat_result], Stat]) -> None:
        self._root = root
        self._stat_of = stat_of
        self._known: OrderedDict[tuple[int, int, int], _Folder] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Return a page of the keys of a bucket; the arguments are those of `ObjectStore.page`."""
        items: list[tuple[str, Stat | None]] = []
        last = after
        lowest = after.encode("utf-8", "surrogatepass")
        for key, names in self._keys(bucket, prefix, delimiter, lowest):
            name = rolled_up(key, prefix, delimiter)
            if name == last or name.encode("utf-8") <= lowest:
                continue
            is_key = name == key and not (delimiter and key[len(prefix) :].endswith(delimiter))
            found = None
            if is_key:
                found = self._stat((bucket, *names), key)
                if found is None:
                    continue
            if len(items) == most:
                return Page(items, True)
            items.append((name, found))
            last = name
        return Page(items, False)

    def _stat(self, parts: Names, key: str) -> Stat | None:
        # What is removed meanwhile is not listed, nor what is no plain file.
        with suppress(FileNotFoundError, NotADirectoryError):
            found = self._root.lstat(parts)
            if stat.S_ISDIR(found.st_mode) if key.endswith("/") else stat.S_ISREG(found.st_mode):
                return self._stat_of(found)
        return None

    def _keys(self, bucket: str, prefix: str, delimiter: str, lowest: bytes) -> Iterator[tuple[str, Names]]:
        """Yield the keys of a bucket in order, from one of which the rest is above ``lowest``."""
        begin = prefix.encode("utf-8", "surrogatepass")
        heap: list[tuple[bytes, Names, int, _Folder]] = []

        def push(names: Names, folder: _Folder, at: int) -> None:
            if at < len(folder.order):
                heappush(heap, (folder.order[at], names, at, folder))

        def enter(names: Names) -> None:
            with suppress(FileNotFoundError, NotADirectoryError):
                folder = self._folder(bucket, names)
                text, joined = decode(names)
                key = text if joined or not names else f"{text}/"
                if not folder.order and key.endswith("/") and is_ours(names, key):
                    # An empty directory is what a key that ends in a slash made.
                    folder = _Folder([key.encode("utf-8")], [""], frozenset())
                push(names, folder, _first(folder.order, max(begin, lowest)))

        enter(())
        while heap:
            order, names, at, folder = heappop(heap)
            fits = order.startswith(begin) or begin.startswith(order)
            if not fits and order > begin:
                # Whatever follows in this directory is behind the prefix, too.
                continue
            push(names, folder, at + 1)
            if not fits:
                continue
            name = folder.names[at]
            inner = (*names, name) if name else names
            text = order.decode("utf-8")
            if name in folder.folders:
                if order < lowest and not lowest.startswith(order):
                    continue
                if delimiter == "/" and len(order) > len(begin) and text.endswith("/"):
                    # All that is in it is one item.
                    yield text, inner
                else:
                    enter(inner)
            elif order.startswith(begin) and is_ours(inner, text):
                yield text, inner

    def _folder(self, bucket: str, names: Names) -> _Folder:
        with self._root.folder((bucket, *names)) as fd:
            found = os.fstat(fd)
            known = (found.st_dev, found.st_ino, found.st_mtime_ns)
            with self._lock:
                if known in self._known:
                    self._known.move_to_end(known)
                    return self._known[known]
            now = time.time_ns()
            folder = _read(fd, names)
        if now - found.st_mtime_ns > _RACY:
            self._remember(known, folder)
        return folder

    def _remember(self, known: tuple[int, int, int], folder: _Folder) -> None:
        with self._lock:
            if known not in self._known:
                self._known[known] = folder
                self._size += len(folder.names)
            while self._size > _REMEMBERED and len(self._known) > 1:
                _, dropped = self._known.popitem(last=False)
                self._size -= len(dropped.names)


def _read(fd: int, names: Names) -> _Folder:
    text, joined = decode(names)
    base = (text if joined or not names else f"{text}/").encode("utf-8", "surrogateescape")
    found: list[tuple[bytes, str]] = []
    folders: set[str] = set()
    with os.scandir(fd) as entries:
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.add(name)
                inner, piece = decode((name,))
                end = inner if piece else f"{inner}/"
            elif name[:1] == "%":
                end = decode((name,))[0]
            else:
                end = name
            with suppress(UnicodeEncodeError):
                # A name that is no text is no key.
                found.append((base + end.encode("utf-8"), name))
    found.sort()
    return _Folder([order for order, _ in found], [name for _, name in found], frozenset(folders))


def _first(order: list[bytes], wanted: bytes) -> int:
    """Return where keys from ``wanted`` on begin: an entry before it may be a directory that holds it."""
    at = bisect_right(order, wanted)
    while at and (wanted.startswith(order[at - 1]) or order[at - 1] == wanted):
        at -= 1
    return at
