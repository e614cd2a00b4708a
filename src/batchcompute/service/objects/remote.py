"""Object storage anywhere that fsspec knows: ``oss://bucket/key`` is ``<URL>/bucket/key``.

Nothing of it is on this machine, so inputs are copied before an instance starts, and outputs and logs
when it has ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.runner import copying
from batchcompute.runner.aborting import check_abort
from batchcompute.runner.rooted import Parts, Root
from batchcompute.service.objects.base import MOUNTED, ObjectReader, Page, Stat, page_of
from batchcompute.service.objects.keys import decode, file_names, is_ours, parts_of

__all__ = ["RemoteStore"]

_ASIDE = ".aside"
"""Where objects are written until they are whole; no bucket has such a name."""

_PIECE = 4 * 1024**2
"""Bytes that are held in memory at once."""

_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
_TAGS = ("ETag", "etag", "md5Hash", "content_md5")


class RemoteStore:
    """Objects in a file system of fsspec.

    Args:
        url: Its URL, for example ``s3://bucket/prefix``.

    Raises:
        ConfigError: fsspec or what it needs for this URL is not installed, or the URL is none.
    """

    def __init__(self, url: str) -> None:
        try:
            # It has no types of its own.
            fsspec: Any = importlib.import_module("fsspec.core")
        except ImportError:
            raise ConfigError(f"storage elsewhere needs fsspec: {install_command('storage')}") from None
        try:
            fs, root = fsspec.url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            raise ConfigError(f"the storage {shown(url)} cannot be used: {error}") from None
        self._fs: Any = fs
        self._root: str = str(root).rstrip("/")
        self._url = shown(url)

    def folders(self) -> list[Path]:
        """Return the directory of a ``file://`` URL; none for another one."""
        return [Path(self._root)] if self._is_directory else []

    def describe(self) -> str:
        """Return its URL, without user, password and query."""
        return self._url

    def _path(self, place: str) -> str:
        return "/".join([self._root, *parts_of(place)])

    def path(self, place: str) -> None:
        """Return None: nothing is on this machine."""
        parts_of(place)

    def local(self, place: str) -> None:
        """Return None: nothing is on this machine."""
        parts_of(place)

    def log_file(self, place: str) -> None:
        """Return None: a program cannot write to it."""
        parts_of(place)

    def close(self) -> None:
        """Do nothing: the file system looks after its own connections."""

    def exists(self, place: str) -> bool:
        """Return whether there is an object, or one below a prefix."""
        path = self._path(place)
        if place.endswith("/"):
            return bool(self._fs.isdir(path)) or bool(self._fs.find(path))
        return bool(self._fs.exists(path))

    def fetch(self, place: str, target: Root, parts: Parts, abort: threading.Event | None = None) -> None:
        """Copy an object to a file, or what is below a prefix into a directory.

        Raises:
            FileNotFoundError: There is no such place.
        """
        path = self._path(place)
        if not place.endswith("/") and not self._fs.isdir(path):
            self._fetch_file(path, target, parts, abort)
            return
        target.make_folder(parts)
        for found in self._fs.find(path):
            names = tuple(name for name in self._below(found, path).split("/") if name)
            if names and ".." not in names:
                self._fetch_file(found, target, [*parts, *(file_names(names) or names)], abort)

    def is_mountable(self, place: str) -> bool:
        """Return False: nothing is on this machine."""
        parts_of(place)
        return False

    def _fetch_file(self, path: str, target: Root, parts: Parts, abort: threading.Event | None) -> None:
        with self._fs.open(path, "rb") as stream:
            fd = target.new_file(parts, MOUNTED)
            try:
                while piece := stream.read(_PIECE):
                    check_abort(abort)
                    copying.write_all(fd, piece)
                # Whatever the umask is.
                os.fchmod(fd, MOUNTED)
            finally:
                os.close(fd)

    def _below(self, found: str, path: str) -> str:
        """Return what follows a path in a name that the file system gave, whichever way it writes roots."""
        return found.lstrip("/").removeprefix(path.lstrip("/")).lstrip("/")

    def deliver(self, source: Root, parts: Parts, place: str, keep: bool = False) -> Stat:  # noqa: ARG002
        """Take a plain file in; it stays where it is.

        Raises:
            NotRegular: It is no plain file.
        """
        fd = source.open_file(parts)
        with os.fdopen(fd, "rb") as stream:
            return self.write(place, iter(lambda: stream.read(_PIECE), b""))

    def _make_parents(self, path: str) -> None:
        # Buckets have no directories, and some refuse to be asked for them; if it is the object that may not
        # be written, writing it says so.
        with contextlib.suppress(NotImplementedError, PermissionError):
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)

    def stat(self, place: str) -> Stat | None:
        """Return what is known of an object; None if there is none."""
        try:
            info = self._fs.info(self._path(place))
        except FileNotFoundError:
            return None
        is_file = info.get("type") == "file"
        return _stat(info) if is_file is not place.endswith("/") else None

    def open(self, place: str) -> ObjectReader | None:
        """Open an object to read it; None if there is none."""
        stat = self.stat(place)
        if stat is None:
            return None
        path = self._path(place)

        def read(start: int, end: int) -> bytes:
            return bytes(self._fs.cat_file(path, start=start, end=end)) if end > start else b""

        return ObjectReader(stat, read, lambda: None)

    def write(self, place: str, pieces: Iterable[bytes]) -> Stat:
        """Write an object; a place that ends in a slash becomes a directory where there are such."""
        path = self._path(place)
        if place.endswith("/"):
            self._make_parents(f"{path}/")
            return Stat(0, datetime.now(UTC), '"0"')
        self._make_parents(path)
        # Object stores show an object when it is whole; in a directory, that takes a file aside.
        aside = self._aside() if self._is_directory else path
        self._make_parents(aside)
        try:
            with self._fs.open(aside, "wb") as stream:
                for piece in pieces:
                    stream.write(piece)
            if aside != path:
                self._fs.mv(aside, path)
        finally:
            if aside != path and self._fs.exists(aside):
                self._fs.rm_file(aside)
        found = self.stat(place)
        if found is None:
            raise FileNotFoundError(f"{place} is gone again")
        return found

    def _aside(self) -> str:
        return f"{self._root}/{_ASIDE}/{secrets.token_hex(12)}"

    @property
    def _is_directory(self) -> bool:
        protocol = self._fs.protocol
        return "file" in ([protocol] if isinstance(protocol, str) else protocol)

    def remove(self, place: str) -> None:
        """Remove an object; what is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            path = self._path(place)
            if not self._fs.isdir(path):
                self._fs.rm_file(path)
            elif place.endswith("/") and not self._fs.ls(path):
                self._fs.rmdir(path)

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        try:
            found = self._fs.ls(self._root, detail=True)
        except FileNotFoundError:
            return []
        names = (self._below(info["name"], self._root) for info in found if info.get("type") == "directory")
        return sorted(name for name in names if name and name[:1] != ".")

    def has_bucket(self, bucket: str) -> bool:
        """Return whether there is such a bucket."""
        return bucket in self.buckets()

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Return a page of the keys of a bucket."""
        return page_of(self._keys(bucket, prefix), prefix, delimiter, after, most)

    def _keys(self, bucket: str, prefix: str) -> Iterator[tuple[str, Stat]]:
        root = self._path(f"oss://{bucket}/")
        folder = prefix.rpartition("/")[0]
        start = "/".join([self._root, *parts_of(f"oss://{bucket}/{folder}/")]) if folder else root
        found: dict[str, Any] = self._fs.find(start, detail=True)
        for name, info in found.items():
            names = self._below(name, root).split("/")
            key, _ = decode(names)
            if key and is_ours(names, key):
                yield key, _stat(info)


def _stat(info: dict[str, Any]) -> Stat:
    modified = datetime.fromtimestamp(0, UTC)
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, (int, float)):
            modified = datetime.fromtimestamp(value, UTC)
            break
        if isinstance(value, datetime):
            modified = value if value.tzinfo else value.replace(tzinfo=UTC)
            break
    size = int(info.get("size") or 0)
    tag = next((str(info[name]).strip('"') for name in _TAGS if info.get(name)), "")
    if not tag:
        text = f"{info.get('name')}/{modified.timestamp()}/{size}"
        tag = hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()
    return Stat(size, modified, f'"{tag}"')


def shown(url: str) -> str:
    """Return a URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme or 'file'}://{parts.netloc.rpartition('@')[2]}{parts.path}"
