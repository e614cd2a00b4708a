"""Pages of the keys in a directory, without a walk through the whole directory."""

from __future__ import annotations

import os
import stat
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from heapq import heappop, heappush
from typing import NamedTuple

from batchcompute.runner.rooted import Root
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.objects.base import Page, Stat, item_of
from batchcompute.service.objects.keys import decode, is_name_of_key

__all__: list[str] = []

_REMEMBERED = 500_000
"""Names in the cache, of all directories together."""

_RACY = 50_000_000
"""Nanoseconds after a change in which a directory can change again without a new time stamp."""

Names = tuple[str, ...]


class _Folder(NamedTuple):
    """The sorted content of a directory."""

    order: list[str]
    """The prefix of the keys of each entry, in the order of the bytes in UTF-8."""
    names: list[str]
    """The names, in the same order."""
    folders: frozenset[str]
    """The names that are directories."""


class Lister:
    """Lists the keys of buckets that are directories.

    Directories are read in the order of the keys, and only as far as a page needs. The sorted names of a directory are
    cached until it changes, so the next page costs a binary search.

    Args:
        root: The directory that holds the buckets.
        stat_of: Returns the properties of an object from the status of its file.
        clock: The source of time.
    """

    def __init__(
        self, root: Root, stat_of: Callable[[os.stat_result], Stat], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._root = root
        self._clock = clock
        self._stat_of = stat_of
        self._known: OrderedDict[tuple[int, int, int], _Folder] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Return a page of the keys of a bucket; the arguments are those of `ObjectStore.page`."""
        items: list[tuple[str, Stat | None]] = []
        last = after
        with _StatusReader(self._root) as statuses:
            for key, names in self._keys(bucket, prefix, delimiter, after):
                name = item_of(key, prefix, delimiter)
                if name == last or name <= after:
                    continue
                properties = None
                if name == key and not (delimiter and key[len(prefix) :].endswith(delimiter)):
                    status = statuses.at((bucket, *names))
                    is_kind = stat.S_ISDIR if key.endswith("/") else stat.S_ISREG
                    if status is None or not is_kind(status.st_mode):
                        # The file was removed meanwhile, or is not a regular file.
                        continue
                    properties = self._stat_of(status)
                if len(items) == most:
                    return Page(items, True)
                items.append((name, properties))
                last = name
        return Page(items, False)

    def _keys(self, bucket: str, prefix: str, delimiter: str, lowest: str) -> Iterator[tuple[str, Names]]:
        """Yield the keys of a bucket in order, beginning at or shortly before ``lowest``."""
        heap: list[tuple[str, Names, int, _Folder]] = []

        def push(names: Names, folder: _Folder, at: int) -> None:
            if at < len(folder.order):
                heappush(heap, (folder.order[at], names, at, folder))

        def enter(names: Names) -> None:
            with suppress(FileNotFoundError, NotADirectoryError):
                folder = self._folder(bucket, names)
                text, joined = decode(names)
                key = text if joined or not names else f"{text}/"
                if not folder.order and key.endswith("/") and is_name_of_key(names, key):
                    # A key that ends in a slash is an empty directory.
                    folder = _Folder([key], [""], frozenset())
                push(names, folder, _first(folder.order, max(prefix, lowest)))

        enter(())
        while heap:
            order, names, at, folder = heappop(heap)
            fits = order.startswith(prefix) or prefix.startswith(order)
            if not fits and order > prefix:
                # All further entries of this directory come after the prefix, too.
                continue
            push(names, folder, at + 1)
            if not fits:
                continue
            name = folder.names[at]
            inner = (*names, name) if name else names
            if name in folder.folders:
                if order < lowest and not lowest.startswith(order):
                    continue
                if delimiter == "/" and len(order) > len(prefix) and order.endswith("/"):
                    # Everything in it is one item.
                    yield order, inner
                else:
                    enter(inner)
            elif order.startswith(prefix) and is_name_of_key(inner, order):
                yield order, inner

    def _folder(self, bucket: str, names: Names) -> _Folder:
        with self._root.folder((bucket, *names)) as fd:
            status = os.fstat(fd)
            known = (status.st_dev, status.st_ino, status.st_mtime_ns)
            with self._lock:
                if known in self._known:
                    self._known.move_to_end(known)
                    return self._known[known]
            now = int(self._clock.time() * 1e9)
            folder = _read(fd, names, status.st_nlink)
        if now - status.st_mtime_ns > _RACY:
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


class _StatusReader:
    """Reads the status of many files. Consecutive files of one directory share its descriptor."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._stack = ExitStack()
        self._folder: Names | None = None
        self._fd = -1

    def __enter__(self) -> _StatusReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def at(self, parts: Names) -> os.stat_result | None:
        """Return the status of a file; None if it does not exist."""
        try:
            if self._folder != parts[:-1]:
                self._stack.close()
                self._folder = None
                self._fd = self._stack.enter_context(self._root.folder(parts[:-1]))
                self._folder = parts[:-1]
            return os.stat(parts[-1], dir_fd=self._fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None


def _read(fd: int, names: Names, links: int) -> _Folder:
    text, joined = decode(names)
    base = text if joined or not names else f"{text}/"
    folders: set[str] = set()
    if links == 2:
        # A subdirectory would add a link by its "..", so there is none, and names suffice.
        entries = os.listdir(fd)
    else:
        with os.scandir(fd) as scanned:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in scanned]
        entries = [name for name, _ in listed]
        folders.update(name for name, is_folder in listed if is_folder)
    special = [name for name in entries if name in folders or name[0] == "%" or not name.isascii()]
    if not special:
        entries.sort()
        return _Folder([base + name for name in entries] if base else entries, entries, frozenset())
    odd = set(special)
    pairs = [(base + name, name) for name in entries if name not in odd]
    for name in special:
        inner, piece = decode((name,))
        if _is_text(inner):
            pairs.append((f"{base}{inner}{'/' if name in folders and not piece else ''}", name))
    pairs.sort()
    return _Folder([key for key, _ in pairs], [name for _, name in pairs], frozenset(folders))


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        # A name that is not UTF-8 is not a key.
        return False
    return True


def _first(order: list[str], wanted: str) -> int:
    """Return the index of the first entry that can contain keys from ``wanted`` on: perhaps an enclosing directory."""
    at = bisect_right(order, wanted)
    while at and (wanted.startswith(order[at - 1]) or order[at - 1] == wanted):
        at -= 1
    return at
