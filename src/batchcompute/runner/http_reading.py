"""Reading objects over HTTP: a version that is opened, and a download that goes on after a break."""

from __future__ import annotations

import errno
import http.client
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from batchcompute.runner import copying
from batchcompute.runner.aborting import check_abort
from batchcompute.runner.http_session import Call, Session

__all__: list[str] = []

_CHUNK = 1024 * 1024
"""Bytes that are held in memory at once."""


@dataclass(frozen=True, slots=True)
class HttpStat:
    """The properties of an object."""

    size: int
    """Bytes of the object."""
    tag: str
    """Entity tag."""


class HttpObject:
    """One version of an object, opened for reading.

    Args:
        session: Sends the requests.
        target: Target of its requests.
        stat: Its properties.
    """

    def __init__(self, session: Session, target: str, stat: HttpStat) -> None:
        self._session = session
        self._target = target
        self._stat = stat

    @property
    def stat(self) -> HttpStat:
        """The properties of the object."""
        return self._stat

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from a start to an end.

        Raises:
            OSError: The storage fails, or the object was replaced.
        """
        end = min(end, self._stat.size)
        if start >= end:
            return b""
        headers = {"Range": f"bytes={start}-{end - 1}", "If-Match": self._stat.tag}
        data = self._session.send(
            Call("GET", self._target, headers=lambda: headers), lambda response: response.read()
        )
        if len(data) != end - start:
            raise OSError(errno.EIO, f"{len(data)} bytes of {self._target} arrived, and not {end - start}")
        return data

    def close(self) -> None:
        """Do nothing: an open object holds no connection."""


class Download:
    """The download of an object to a file. After a break, it goes on where it ended if the object is the same.

    Args:
        fd: Descriptor of the file.
        abort: Aborts the download.
    """

    def __init__(self, fd: int, abort: threading.Event | None) -> None:
        self._fd = fd
        self._abort = abort
        self._at = 0
        self._size = 0
        self._tag = ""

    def headers(self) -> Mapping[str, str]:
        """Return the headers of the next request."""
        if self._tag and 0 < self._at < self._size:
            return {"Range": f"bytes={self._at}-"}
        return {}

    def receive(self, response: http.client.HTTPResponse) -> None:
        """Write the content of a response to the file.

        Raises:
            IncompleteRead: The connection broke, or the object was replaced.
            OSError: The file cannot be written.
            Aborted: The download was aborted.
        """
        tag = response.getheader("ETag") or ""
        size = int(response.getheader("Content-Length") or 0)
        if response.status != 206:
            self._restart(size)
        elif tag != self._tag:
            # The object was replaced. The next attempt reads it from its beginning.
            self._restart(0)
            raise http.client.IncompleteRead(b"")
        self._tag = tag
        while piece := response.read(_CHUNK):
            check_abort(self._abort)
            copying.write_all(self._fd, piece)
            self._at += len(piece)
        if self._at != self._size:
            raise http.client.IncompleteRead(b"", self._size - self._at)

    def _restart(self, size: int) -> None:
        self._at, self._size, self._tag = 0, size, ""
        os.lseek(self._fd, 0, os.SEEK_SET)
        os.ftruncate(self._fd, 0)
