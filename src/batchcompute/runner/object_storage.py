"""The part of object storage that staging needs."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from batchcompute.runner.rooted import Parts, Root, RootedFile

__all__: list[str] = []


class ObjectSize(Protocol):
    """The properties of an object."""

    @property
    def size(self) -> int:
        """Bytes of the object."""
        ...


class OpenObject(Protocol):
    """One version of an object, opened for reading."""

    @property
    def stat(self) -> ObjectSize:
        """The properties of the object."""
        ...

    def read(self, start: int, end: int, /) -> bytes:
        """Return the bytes from a start to an end."""
        ...

    def close(self) -> None:
        """Release the object."""
        ...


class ObjectStorage(Protocol):
    """Copies objects to files, and files to objects.

    Objects are named by their URL, ``oss://bucket/key``. A URL that ends in a slash names everything below it. Every
    method raises `ValidationError` for an invalid URL, and `OSError` where the storage fails.
    """

    def path(self, object_url: str, /) -> Path | None:
        """Return the path of an object on this machine; None if it is elsewhere."""
        ...

    def log_file(self, object_url: str, /) -> RootedFile | None:
        """Return the file through which a running program may write an object; None if it is elsewhere."""
        ...

    def local(self, object_url: str, /) -> Path | None:
        """Return the file or directory of an object URL; None if it is not on this machine."""
        ...

    def exists(self, object_url: str, /) -> bool:
        """Return whether there is an object, or one below a prefix."""
        ...

    def make_mountable(self, object_url: str, /) -> bool:
        """Return whether the files of this machine can be mounted: a program can read and execute them."""
        ...

    def fetch(
        self, object_url: str, target: Root, parts: Parts, abort: threading.Event | None = None, /
    ) -> None:
        """Copy an object to a file, or everything below a prefix to a directory.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        ...

    def deliver(self, source: Root, parts: Parts, object_url: str, keep: bool = False, /) -> object:
        """Upload a regular file. Unless `keep` is set, the file may be moved.

        Raises:
            NotRegular: The file is not a regular file.
        """
        ...

    def stat(self, object_url: str, /) -> ObjectSize | None:
        """Return the properties of an object; None if it does not exist."""
        ...

    def open(self, object_url: str, /) -> OpenObject | None:
        """Open an object for reading; None if it does not exist."""
        ...

    def write(self, object_url: str, pieces: Iterable[bytes], /) -> object:
        """Write an object, whole or not at all; a URL that ends in a slash becomes an empty directory."""
        ...

    def remove(self, object_url: str, /) -> None:
        """Remove an object. An object that does not exist is not an error."""
        ...
