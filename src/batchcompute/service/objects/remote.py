"""Object storage anywhere that fsspec knows: ``oss://bucket/key`` is ``<URL>/bucket/key``.

Nothing of it is on this machine, so inputs are copied before an instance starts, and outputs and logs
when it has ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from batchcompute.errors import ConfigError
from batchcompute.service.objects.base import Stat, parts_of, sorted_keys

__all__ = ["RemoteStore"]

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
            raise ConfigError("storage elsewhere needs fsspec: pip install 'batchcompute[storage]'") from None
        try:
            fs, root = fsspec.url_to_fs(url)
        except (ImportError, ValueError, OSError) as error:
            raise ConfigError(f"the storage {shown(url)} cannot be used: {error}") from None
        self._fs: Any = fs
        self._root: str = str(root).rstrip("/")
        self._url = shown(url)

    def describe(self) -> str:
        """Return its URL, without user, password and query."""
        return self._url

    def _path(self, place: str) -> str:
        return "/".join([self._root, *parts_of(place)])

    def local(self, place: str) -> None:
        """Return None: nothing is on this machine."""
        parts_of(place)

    def exists(self, place: str) -> bool:
        """Tell whether there is an object, or one below a prefix."""
        path = self._path(place)
        if place.endswith("/"):
            return bool(self._fs.isdir(path)) or bool(self._fs.find(path))
        return bool(self._fs.exists(path))

    def fetch(self, place: str, target: Path) -> None:
        """Copy an object to a file, or what is below a prefix into a directory.

        Raises:
            FileNotFoundError: There is no such place.
        """
        path = self._path(place)
        if not place.endswith("/") and not self._fs.isdir(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(path, os.fspath(target))
            return
        target.mkdir(parents=True, exist_ok=True)
        for found in self._fs.find(path):
            name = self._below(found, path)
            if not name or ".." in name.split("/"):
                continue
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(found, os.fspath(file))

    def _below(self, found: str, path: str) -> str:
        """Return what follows a path in a name that the file system gave, whichever way it writes roots."""
        return found.lstrip("/").removeprefix(path.lstrip("/")).lstrip("/")

    def deliver(self, source: Path, place: str, keep: bool = False) -> None:  # noqa: ARG002
        """Take a file in; it stays where it is."""
        path = self._path(place)
        self._make_parents(path)
        self._fs.put_file(os.fspath(source), path)

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

    def read(self, place: str, start: int, end: int) -> bytes:
        """Return bytes of an object."""
        if end <= start:
            return b""
        return bytes(self._fs.cat_file(self._path(place), start=start, end=end))

    def write(self, place: str, pieces: Iterable[bytes]) -> None:
        """Write an object; a place that ends in a slash becomes a directory where there are such."""
        path = self._path(place)
        if place.endswith("/"):
            self._make_parents(f"{path}/")
            return
        self._make_parents(path)
        with self._fs.open(path, "wb") as stream:
            for piece in pieces:
                stream.write(piece)

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
        return sorted(name for name in names if name)

    def keys(self, bucket: str, prefix: str, delimiter: str) -> list[tuple[str, Stat | None]]:
        """Return the keys below a prefix, in the order of their bytes."""
        root = self._path(f"oss://{bucket}/")
        folder = prefix.rpartition("/")[0]
        start = f"{root}/{folder}" if folder else root
        found: dict[str, Any] = self._fs.find(start, detail=True)
        pairs = ((self._below(name, root), info) for name, info in found.items())
        return sorted_keys(
            ((key, _stat(info)) for key, info in pairs if key and key.startswith(prefix)), prefix, delimiter
        )


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
