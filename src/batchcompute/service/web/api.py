"""The API as the page calls it: for one owner, with the handlers that answer all other clients."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

from batchcompute.errors import ValidationError
from batchcompute.runner.object_urls import split_object_url
from batchcompute.service.objects.responses import parse_xml
from batchcompute.service.requests import Request, Response

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.store.database import Store

__all__ = ["OwnerApi", "PageError", "Piece"]

_CONTENT_RANGE = re.compile("bytes ([0-9]+)-([0-9]+)/([0-9]+)")


class PageError(Exception):
    """The reason that a page shows instead of its content.

    Args:
        status: HTTP status.
        message: The reason, for the user.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status: int = status
        self.message: str = message


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an object."""

    start: int
    """Position of its first byte."""
    data: bytes
    """The bytes."""
    size: int
    """Bytes of the whole object."""

    @property
    def end(self) -> int:
        """Position after its last byte."""
        return self.start + len(self.data)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the keys of a bucket."""

    folders: tuple[str, ...]
    """Common prefixes."""
    files: tuple[tuple[str, int, str], ...]
    """Keys with their sizes and their times of change."""
    marker: str
    """Begin of the next page; empty on the last one."""


class OwnerApi:
    """The API for one owner. Nothing that it returns belongs to somebody else.

    Args:
        service: The service.
        owner: The owner.
    """

    def __init__(self, service: LocalService, owner: str) -> None:
        self._service = service
        self.owner: str = owner

    @property
    def service(self) -> LocalService:
        """The service."""
        return self._service

    @property
    def store(self) -> Store:
        """The database; its queries need `owner`, or a job that `get` has returned."""
        return self._service._parts.store

    def call(self, method: str, *path: str | int, **query: str | int) -> Any:
        """Call an operation, and return the content of the response.

        Args:
            method: HTTP method.
            path: The parts of the path.
            query: The query; empty values are left out.

        Raises:
            PageError: The API refuses the request.
        """
        target = "".join(f"/{quote(str(part), safe='')}" for part in path)
        pairs = {name: value for name, value in query.items() if value != ""}
        if pairs:
            target += f"?{urlencode(pairs)}"
        response = self._service._parts.core.answer(Request(method, target, {}), self.owner)
        content: Any = json.loads(response.body) if response.body else None
        if response.status >= 300:
            raise PageError(response.status, str(content["Message"]))
        return content

    def get(self, *path: str | int, **query: str | int) -> Any:
        """Return the content of the response to a GET request; the arguments are those of `call`."""
        return self.call("GET", *path, **query)

    def every(self, *path: str | int, most: int = 2000, **query: str | int) -> list[Any]:
        """Return the items of all pages of a list.

        Args:
            path: The parts of the path.
            most: Largest number of items.
            query: The query.
        """
        items: list[Any] = []
        marker = ""
        while len(items) < most:
            page = self.get(*path, MaxItemCount=100, Marker=marker, **query)
            items += page["Items"]
            marker = page["NextMarker"]
            if not marker:
                break
        return items[:most]

    # -- object storage -----------------------------------------------------------------------

    def read(self, object_url: str, start: int, count: int) -> Piece:
        """Return a part of an object.

        Args:
            object_url: URL of the object.
            start: Position of the first byte; a negative one counts from the end.
            count: Largest number of bytes.

        Raises:
            PageError: The object does not exist, or belongs to somebody else.
        """
        wanted = f"bytes={start}-{start + count - 1}" if start >= 0 else f"bytes={start}"
        response = self.object("GET", object_url, {"range": wanted, "x-oss-range-behavior": "standard"})
        if response.status == 416:
            size = int(self.object("HEAD", object_url, {}).headers["Content-Length"])
            return Piece(size, b"", size)
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status == 200 or match is None:
            # An empty object has no ranges.
            data = response.whole()
            return Piece(0, data, len(data))
        data = response.whole()
        return Piece(int(match[1]), data[:count], max(int(match[3]), int(match[1]) + len(data)))

    def object(self, method: str, object_url: str, headers: dict[str, str]) -> Response:
        """Return the response to a request for an object.

        Raises:
            PageError: The storage refuses the request; a range behind the end of the object is no error.
        """
        try:
            bucket, key = split_object_url(object_url)
        except ValidationError as error:
            raise PageError(400, str(error)) from None
        return self._objects(Request(method, f"/{quote(bucket)}/{quote(key, safe='/')}", headers))

    def buckets(self) -> list[str]:
        """Return the names of the buckets that the owner may read."""
        response = self._objects(Request("GET", "/", {}))
        return [element.text or "" for element in parse_xml(response.whole()).iter("Name")]

    def keys(self, bucket: str, prefix: str, marker: str, count: int) -> Listing:
        """Return a page of the keys of a bucket, below a prefix.

        Args:
            bucket: Name of the bucket.
            prefix: The prefix.
            marker: Begin of the page; empty for the first one.
            count: Largest number of keys.
        """
        query = {
            "prefix": prefix,
            "delimiter": "/",
            "marker": marker,
            "max-keys": count,
            "encoding-type": "url",
        }
        pairs = urlencode({name: value for name, value in query.items() if value != ""})
        tree = parse_xml(self._objects(Request("GET", f"/{quote(bucket, safe='')}?{pairs}", {})).whole())
        folders = tuple(unquote(element.text or "") for element in tree.iterfind("CommonPrefixes/Prefix"))
        files = tuple(
            (
                unquote(element.findtext("Key", "")),
                int(element.findtext("Size", "0")),
                element.findtext("LastModified", ""),
            )
            for element in tree.iterfind("Contents")
        )
        return Listing(folders, files, unquote(tree.findtext("NextMarker", "")))

    def _objects(self, request: Request) -> Response:
        response = self._service._parts.object_api.answer(request, self.owner)
        if response.status >= 300 and response.status != 416:
            tree = parse_xml(response.whole()) if response.body else None
            message = tree.findtext("Message", "") if tree is not None else ""
            raise PageError(response.status, message or "The storage refuses the request.")
        return response
