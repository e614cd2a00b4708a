"""Object storage in any file system that fsspec supports: ``oss://bucket/key`` is ``<URL>/bucket/key``."""

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
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.objects.base import OBJECT_MODE, ObjectReader, Page, Stat, page_of
from batchcompute.service.objects.keys import decode, file_names, is_name_of_key, parts_of

__all__ = ["RemoteStore"]

_PENDING = ".aside"
"""Directory of objects that are being written. No bucket can have this name."""

_PIECE = 4 * 1024**2
"""Bytes that are held in memory at once."""

_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
_TAGS = ("ETag", "etag", "md5Hash", "content_md5")


class RemoteStore:
    """Objects in a file system of fsspec.

    No object is on this machine, so inputs are copied before an instance starts, and outputs and logs after its end.

    Args:
        url: URL of the file system, for example ``s3://bucket/prefix``.
        clock: The source of time.

    Raises:
        ConfigError: The URL is invalid, or fsspec or a package that it needs for this URL is not installed.
    """

    def __init__(self, url: str, clock: Clock = SYSTEM_CLOCK) -> None:
        try:
            # fsspec has no type annotations.
            fsspec: Any = importlib.import_module("fsspec.core")
        except ImportError:
            raise ConfigError(f"storage elsewhere needs fsspec: {install_command('storage')}") from None
        try:
            fs, root = fsspec.url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            raise ConfigError(f"the storage {shown(url)} cannot be used: {error}") from None
        self._clock = clock
        self._fs: Any = fs
        self._root: str = str(root).rstrip("/")
        self._url = shown(url)

    def folders(self) -> list[Path]:
        """Return the directory of a ``file://`` URL; no directories for other URLs."""
        return [Path(self._root)] if self._is_directory else []

    def describe(self) -> str:
        """Return the URL without user, password and query."""
        return self._url

    def _path(self, object_url: str) -> str:
        return "/".join([self._root, *parts_of(object_url)])

    def path(self, object_url: str) -> None:
        """Return None: no object is on this machine."""
        parts_of(object_url)

    def local(self, object_url: str) -> None:
        """Return None: no object is on this machine."""
        parts_of(object_url)

    def log_file(self, object_url: str) -> None:
        """Return None: a program cannot write an object directly."""
        parts_of(object_url)

    def close(self) -> None:
        """Do nothing: the file system manages its own connections."""

    def exists(self, object_url: str) -> bool:
        """Return whether an object exists, or one below a prefix."""
        path = self._path(object_url)
        if object_url.endswith("/"):
            return bool(self._fs.isdir(path)) or bool(self._fs.find(path))
        return bool(self._fs.exists(path))

    def fetch(
        self, object_url: str, target: Root, parts: Parts, abort: threading.Event | None = None
    ) -> None:
        """Copy an object to a file, or everything below a prefix to a directory.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        path = self._path(object_url)
        if not object_url.endswith("/") and not self._fs.isdir(path):
            self._fetch_file(path, target, parts, abort)
            return
        target.make_folder(parts)
        for file in self._fs.find(path):
            names = tuple(name for name in self._below(file, path).split("/") if name)
            if names and ".." not in names:
                self._fetch_file(file, target, [*parts, *(file_names(names) or names)], abort)

    def make_mountable(self, object_url: str) -> bool:
        """Return False: no object is on this machine."""
        parts_of(object_url)
        return False

    def _fetch_file(self, path: str, target: Root, parts: Parts, abort: threading.Event | None) -> None:
        with self._fs.open(path, "rb") as stream:
            fd = target.new_file(parts, OBJECT_MODE)
            try:
                while piece := stream.read(_PIECE):
                    check_abort(abort)
                    copying.write_all(fd, piece)
                # The umask may have removed bits.
                os.fchmod(fd, OBJECT_MODE)
            finally:
                os.close(fd)

    def _below(self, name: str, path: str) -> str:
        """Return the part of a name after a path. File systems write the root with or without a slash."""
        return name.lstrip("/").removeprefix(path.lstrip("/")).lstrip("/")

    def deliver(self, source: Root, parts: Parts, object_url: str, keep: bool = False) -> Stat:  # noqa: ARG002
        """Store a regular file. The file is not moved.

        Raises:
            NotRegular: The file is not a regular file.
        """
        fd = source.open_file(parts)
        with os.fdopen(fd, "rb") as stream:
            return self.write(object_url, iter(lambda: stream.read(_PIECE), b""))

    def _make_parents(self, path: str) -> None:
        # Object stores have no directories, and some refuse to create them. If the object itself may not be written,
        # writing it fails.
        with contextlib.suppress(NotImplementedError, PermissionError):
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)

    def stat(self, object_url: str) -> Stat | None:
        """Return the properties of an object; None if it does not exist."""
        try:
            info = self._fs.info(self._path(object_url))
        except FileNotFoundError:
            return None
        is_file = info.get("type") == "file"
        return _stat(info) if is_file is not object_url.endswith("/") else None

    def open(self, object_url: str) -> ObjectReader | None:
        """Open an object for reading; None if it does not exist."""
        stat = self.stat(object_url)
        if stat is None:
            return None
        path = self._path(object_url)

        def read(start: int, end: int) -> bytes:
            return bytes(self._fs.cat_file(path, start=start, end=end)) if end > start else b""

        return ObjectReader(stat, read, lambda: None)

    def write(self, object_url: str, pieces: Iterable[bytes]) -> Stat:
        """Write an object. A URL that ends in a slash becomes a directory if the file system has directories."""
        path = self._path(object_url)
        if object_url.endswith("/"):
            self._make_parents(f"{path}/")
            return Stat(0, datetime.fromtimestamp(self._clock.time(), UTC), '"0"')
        self._make_parents(path)
        # Object stores publish complete objects only. A directory needs a temporary file and a rename.
        pending = self._new_pending() if self._is_directory else path
        self._make_parents(pending)
        try:
            with self._fs.open(pending, "wb") as stream:
                for piece in pieces:
                    stream.write(piece)
            if pending != path:
                self._fs.mv(pending, path)
        finally:
            if pending != path and self._fs.exists(pending):
                self._fs.rm_file(pending)
        properties = self.stat(object_url)
        if properties is None:
            raise FileNotFoundError(f"{object_url} was removed while it was written")
        return properties

    def _new_pending(self) -> str:
        return f"{self._root}/{_PENDING}/{secrets.token_hex(12)}"

    @property
    def _is_directory(self) -> bool:
        protocol = self._fs.protocol
        return "file" in ([protocol] if isinstance(protocol, str) else protocol)

    def remove(self, object_url: str) -> None:
        """Remove an object. A missing object is not an error."""
        with contextlib.suppress(FileNotFoundError):
            path = self._path(object_url)
            if not self._fs.isdir(path):
                self._fs.rm_file(path)
            elif object_url.endswith("/") and not self._fs.ls(path):
                self._fs.rmdir(path)

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        try:
            entries = self._fs.ls(self._root, detail=True)
        except FileNotFoundError:
            return []
        names = (self._below(info["name"], self._root) for info in entries if info.get("type") == "directory")
        return sorted(name for name in names if name and name[:1] != ".")

    def has_bucket(self, bucket: str) -> bool:
        """Return whether a bucket exists."""
        return bucket in self.buckets()

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Return a page of the keys of a bucket."""
        return page_of(self._keys(bucket, prefix), prefix, delimiter, after, most)

    def _keys(self, bucket: str, prefix: str) -> Iterator[tuple[str, Stat]]:
        root = self._path(f"oss://{bucket}/")
        folder = prefix.rpartition("/")[0]
        start = "/".join([self._root, *parts_of(f"oss://{bucket}/{folder}/")]) if folder else root
        infos: dict[str, Any] = self._fs.find(start, detail=True)
        for name, info in infos.items():
            names = self._below(name, root).split("/")
            key, _ = decode(names)
            if key and is_name_of_key(names, key):
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
    """Return a URL without the parts that may be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # A bracket that is not closed, for example.
        return f"{url.partition(':')[0]}://…"
    return f"{parts.scheme or 'file'}://{parts.netloc.rpartition('@')[2]}{parts.path}"
