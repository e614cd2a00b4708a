"""Object storage over HTTP: the object API of the service, reached with the grant of one attempt."""

from __future__ import annotations

import errno
import http.client
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from batchcompute.runner.aborting import check_abort
from batchcompute.runner.http_reading import Download, HttpObject, HttpStat
from batchcompute.runner.http_session import PATIENCE, Body, Call, Endpoint, FilePart, Session, digest_of
from batchcompute.runner.object_urls import split_object_url
from batchcompute.runner.rooted import Parts, Root, RootedFile

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["HttpObjects"]

_PART = 64 * 1024**2
"""Bytes of a part of a large object."""

_MOST_PARTS = 10_000
"""Largest number of parts of an object."""

_COMPLETION = 900.0
"""Seconds in which the service joins the parts of a large object."""

_OBJECT_MODE = 0o700
"""Mode of copies: storage keeps no modes, and a program can read and execute everything that is mapped."""

_LONGEST_NAME = 255
"""Bytes of the longest name of a file."""


class HttpObjects:
    """Object storage over the object API of a service.

    Args:
        endpoint: The connections to the service.
        grant: The grant of the attempt.
        patience: Seconds in which a request that fails is repeated.
        abort: Aborts requests; None if they cannot be aborted.
        part_size: Bytes of a part of a large object.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        grant: str,
        patience: float = PATIENCE,
        abort: threading.Event | None = None,
        part_size: int = _PART,
    ) -> None:
        self._session = Session(endpoint, grant, patience, abort)
        self._part_size = part_size

    @property
    def unreachable(self) -> bool:
        """Whether a request has failed because the storage did not answer for too long."""
        return self._session.unreachable

    def path(self, object_url: str) -> Path | None:
        """Return None: no object is on this machine."""
        return self.local(object_url)

    def local(self, object_url: str) -> Path | None:
        """Return None: no object is on this machine."""
        split_object_url(object_url)
        return None

    def log_file(self, object_url: str) -> RootedFile | None:
        """Return None: a program cannot write an object directly."""
        split_object_url(object_url)
        return None

    def make_mountable(self, object_url: str) -> bool:
        """Return False: no object is on this machine."""
        split_object_url(object_url)
        return False

    # -- reading ------------------------------------------------------------------------------

    def exists(self, object_url: str) -> bool:
        """Return whether there is an object, or one below a prefix.

        Raises:
            ValidationError: The URL is invalid.
            OSError: The storage fails.
        """
        if object_url.endswith("/"):
            return next(self._keys(object_url, most=1), None) is not None
        return self.stat(object_url) is not None

    def stat(self, object_url: str) -> HttpStat | None:
        """Return the properties of an object; None if it does not exist.

        Raises:
            ValidationError: The URL is invalid.
            OSError: The storage fails.
        """
        try:
            return self._session.send(Call("HEAD", _target(object_url)), _stat_of)
        except FileNotFoundError:
            return None

    def open(self, object_url: str) -> HttpObject | None:
        """Open an object for reading; None if it does not exist.

        Raises:
            ValidationError: The URL is invalid.
            OSError: The storage fails.
        """
        stat = self.stat(object_url)
        return None if stat is None else HttpObject(self._session, _target(object_url), stat)

    def fetch(
        self, object_url: str, target: Root, parts: Parts, abort: threading.Event | None = None
    ) -> None:
        """Copy an object to a file, or everything below a prefix to a directory, and make every file executable.

        Raises:
            FileNotFoundError: The object does not exist.
            ValidationError: The URL is invalid.
            OSError: The storage fails, or the key of an object cannot be the name of a file.
            Aborted: The copy was aborted.
        """
        if not object_url.endswith("/"):
            self._fetch(object_url, target, parts, abort)
            return
        is_empty = True
        for key in self._keys(object_url):
            check_abort(abort)
            is_empty = False
            names = _names(key)
            if key.endswith("/") or not key:
                target.make_folder([*parts, *names])
            else:
                self._fetch(f"{object_url}{key}", target, [*parts, *names], abort)
        if is_empty:
            raise FileNotFoundError(errno.ENOENT, "there is no object below the prefix", object_url)

    def _fetch(self, object_url: str, target: Root, parts: Parts, abort: threading.Event | None) -> None:
        fd = target.new_file(parts, _OBJECT_MODE)
        try:
            download = Download(fd, abort)
            self._session.send(
                Call("GET", _target(object_url), headers=download.headers), download.receive, abort
            )
            # The umask may have removed bits.
            os.fchmod(fd, _OBJECT_MODE)
        except BaseException:
            with suppress(OSError):
                target.unlink(parts)
            raise
        finally:
            os.close(fd)

    def _keys(self, object_url: str, most: int = 1000) -> Iterator[str]:
        """Yield the keys below a prefix, without the prefix; an empty key for the directory itself."""
        bucket, prefix = split_object_url(object_url)
        query = f"list-type=2&encoding-type=url&max-keys={most}&prefix={quote(prefix, safe='')}"
        after = ""
        while True:
            target = f"/{bucket}?{query}"
            if after:
                target += f"&continuation-token={quote(after, safe='')}"
            document = self._document(Call("GET", target))
            for element in document.iter("Contents"):
                key = unquote(element.findtext("Key") or "", errors="strict")
                split_object_url(f"oss://{bucket}/{key}")
                if not key.startswith(prefix):
                    raise OSError(errno.EIO, f"the list of {object_url} holds the foreign key {key[:200]!r}")
                yield key[len(prefix) :]
            if document.findtext("IsTruncated") != "true":
                return
            following = unquote(document.findtext("NextContinuationToken") or "", errors="strict")
            if following <= after:
                raise OSError(errno.EIO, f"the list of {object_url} does not go on after {after[:200]!r}")
            after = following

    def _document(self, call: Call) -> Element:
        # Loaded here, because few attempts need it.
        from xml.etree import ElementTree as ET

        body = self._session.send(call, lambda response: response.read())
        try:
            return ET.fromstring(body)  # noqa: S314 - the runner trusts its service
        except ET.ParseError as error:
            raise OSError(errno.EIO, f"the service answered no XML: {error}") from None

    # -- writing ------------------------------------------------------------------------------

    def deliver(self, source: Root, parts: Parts, object_url: str, keep: bool = False) -> object:  # noqa: ARG002
        """Upload a regular file. The file is not moved.

        Raises:
            NotRegular: The file is not a regular file.
            ValidationError: The URL is invalid.
            OSError: The file cannot be read, or the storage fails.
        """
        fd = source.open_file(parts)
        try:
            size = os.fstat(fd).st_size
            if size <= self._part_size:
                return self._put(object_url, FilePart(fd, 0, size))
            step = max(self._part_size, -(-size // _MOST_PARTS))
            starts = range(0, size, step)
            return self._put_parts(
                object_url, (FilePart(fd, at, min(step, size - at)) for at in starts), size
            )
        finally:
            os.close(fd)

    def write(self, object_url: str, pieces: Iterable[bytes]) -> object:
        """Write an object, whole or not at all; a URL that ends in a slash becomes an empty directory.

        Raises:
            ValidationError: The URL is invalid.
            OSError: The storage fails.
        """
        chunks = self._chunks(pieces)
        first = next(chunks, b"")
        second = next(chunks, None)
        if second is None:
            return self._put(object_url, first)

        def rest() -> Iterator[Body]:
            yield first
            yield second
            yield from chunks

        return self._put_parts(object_url, rest())

    def _chunks(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        buffer = bytearray()
        for piece in pieces:
            buffer += piece
            while len(buffer) >= self._part_size:
                yield bytes(buffer[: self._part_size])
                del buffer[: self._part_size]
        if buffer:
            yield bytes(buffer)

    def remove(self, object_url: str) -> None:
        """Remove an object. An object that does not exist is not an error.

        Raises:
            PermissionError: The grant does not allow it.
            OSError: The storage fails.
        """
        with suppress(FileNotFoundError):
            self._session.send(Call("DELETE", _target(object_url)), _drop)

    def _put(self, object_url: str, body: Body, query: str = "") -> str:
        digest = digest_of(body)
        call = Call("PUT", _target(object_url) + query, body, lambda: {"Content-MD5": digest})
        return self._session.send(call, _tag_of)

    def _put_parts(self, object_url: str, bodies: Iterator[Body], size: int = 0) -> str:
        document = self._document(Call("POST", f"{_target(object_url)}?uploads"))
        upload = document.findtext("UploadId") or ""
        query = f"?uploadId={quote(upload, safe='')}"
        parts: list[str] = []
        total = 0
        try:
            for number, body in enumerate(bodies, 1):
                tag = self._put(object_url, body, f"{query}&partNumber={number}").strip('"')
                parts.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
                total += len(body) if isinstance(body, bytes) else body.size
            content = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()
            self._complete(object_url, query, content, size or total)
        except BaseException:
            with suppress(OSError):
                # The service removes old uploads itself.
                self._session.send(Call("DELETE", _target(object_url) + query), _drop)
            raise
        return ""

    def _complete(self, object_url: str, query: str, content: bytes, size: int) -> None:
        try:
            call = Call("POST", _target(object_url) + query, content, timeout=_COMPLETION)
            self._session.send(call, _drop)
        except FileNotFoundError:
            # The upload is gone if an earlier attempt has completed it, and its response was lost.
            stat = self.stat(object_url)
            if stat is None or stat.size != size:
                raise


def _target(object_url: str) -> str:
    bucket, key = split_object_url(object_url)
    return f"/{bucket}/{quote(key, safe='/')}"


def _names(key: str) -> list[str]:
    """Return the names of the file for a key.

    Raises:
        OSError: A part of the key cannot be the name of a file.
    """
    names = key.removesuffix("/").split("/") if key else []
    if any(not name or len(name.encode("utf-8")) > _LONGEST_NAME for name in names):
        raise OSError(errno.EINVAL, f"it holds the object {key[:300]!r}, and no file can have this name")
    return names


def _drop(response: http.client.HTTPResponse) -> None:
    response.read()


def _tag_of(response: http.client.HTTPResponse) -> str:
    response.read()
    return response.getheader("ETag") or ""


def _stat_of(response: http.client.HTTPResponse) -> HttpStat:
    response.read()
    return HttpStat(int(response.getheader("Content-Length") or 0), response.getheader("ETag") or "")
