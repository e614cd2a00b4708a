"""What the service asks of object storage, wherever that is."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

__all__ = ["ObjectStore"]


class ObjectStore(Protocol):
    """Keeps objects, and brings them to and from files of this machine.

    Places are ``oss://bucket/key``; one that ends in a slash is everything below it.
    """

    def local(self, place: str) -> Path | None:
        """Return the file or directory of a place; None if it is not on this machine.

        Raises:
            ValidationError: It is no such name, or would leave the storage.
        """
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

    def deliver(self, source: Path, place: str) -> None:
        """Take a file, or the contents of a directory, in; the source may be gone afterwards.

        Raises:
            OSError: It cannot be written.
        """
        ...

    def remove(self, place: str) -> None:
        """Remove an object; what is not there is no error."""
        ...

    def describe(self) -> str:
        """Return where it is, for programs and logs: a URL without secrets."""
        ...
