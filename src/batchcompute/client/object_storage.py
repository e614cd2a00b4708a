"""The objects of a client's object storage: lists, uploads, downloads, copies and removals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from batchcompute.client._objects import get_piece, piece_size
from batchcompute.errors import BatchComputeError, ClientError, NotFoundError
from batchcompute.http import object_calls
from batchcompute.http.oss import object_base

if TYPE_CHECKING:
    from batchcompute.client._sync.client import Client
    from batchcompute.http.object_calls import ObjectEntry

__all__ = ["ObjectStorage"]

_PART: Final = 16 * 1024**2
"""Size in bytes of a part of an upload; a smaller object is written by one request."""


class ObjectStorage:
    """The objects that a client can reach, with its credentials.

    Args:
        client: The client.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._base = object_base(client._endpoint, client._oss_endpoint)

    def buckets(self) -> list[str]:
        """Return the names of the buckets."""
        return self._client._call(object_calls.list_buckets(self._base))

    def entries(self, url: str, recursive: bool = True) -> Iterator[ObjectEntry | str]:
        """Iterate over the objects whose URLs begin with a URL, and over directories as texts.

        Args:
            url: Beginning of the URLs, ``oss://bucket/prefix``.
            recursive: Whether the objects in directories are listed, too, instead of the directories.

        Raises:
            NotFoundError: The bucket does not exist.
        """
        bucket, prefix = object_calls.bucket_and_key(url)
        marker = ""
        while True:
            call = object_calls.list_objects(self._base, bucket, prefix, "" if recursive else "/", marker)
            page = self._client._call(call)
            yield from page.directories
            yield from page.objects
            if not page.next_marker or page.next_marker == marker:
                return
            marker = page.next_marker

    def read(self, url: str) -> Iterator[bytes]:
        """Iterate over the pieces of an object.

        Args:
            url: ``oss://bucket/key``.

        Raises:
            NotFoundError: The object does not exist.
        """
        size = piece_size(self._client._max_response_bytes)
        start, more = 0, True
        while more:
            try:
                piece = self._client._call(get_piece(self._base, url, start, size))
            except ClientError as error:
                if error.status == 416:
                    # The object has no byte at this position: it is empty, or has ended.
                    return
                raise
            yield piece.data
            start, more = piece.end, piece.more

    def write(self, url: str, file: BinaryIO) -> int:
        """Write an object from a file, in parts if it is large; return its size.

        Args:
            url: ``oss://bucket/key``.
            file: The file.
        """
        data = file.read(_PART)
        if len(data) < _PART:
            self._client._call(object_calls.put_object(self._base, url, data))
            return len(data)
        upload = self._client._call(object_calls.begin_upload(self._base, url))
        try:
            size = 0
            tags: list[str] = []
            while data:
                call = object_calls.upload_part(self._base, url, upload, len(tags) + 1, data)
                tags.append(self._client._call(call))
                size += len(data)
                data = file.read(_PART)
            self._client._call(object_calls.complete_upload(self._base, url, upload, tags))
        except BaseException as error:
            try:
                self._client._call(object_calls.abort_upload(self._base, url, upload))
            except BatchComputeError as second:
                error.add_note(f"the parts of the upload {upload} were not removed: {second}")
            raise
        return size

    def copy(self, source: str, url: str) -> None:
        """Copy an object inside the object storage.

        Args:
            source: The object to copy, ``oss://bucket/key``.
            url: The new object.

        Raises:
            NotFoundError: The object does not exist.
        """
        self._client._call(object_calls.copy_object(self._base, source, url))

    def exists(self, url: str) -> bool:
        """Return whether an object exists.

        Args:
            url: ``oss://bucket/key``.
        """
        try:
            self._client._call(get_piece(self._base, url, 0, 1))
        except NotFoundError:
            return False
        except ClientError as error:
            if error.status != 416:
                raise
        return True

    def remove(self, urls: Iterable[str]) -> int:
        """Remove objects; return how many requests succeeded. The removal of a missing object succeeds.

        Args:
            urls: The objects.
        """
        count = 0
        for url in urls:
            call: Any = object_calls.delete_object(self._base, url)
            self._client._call(call)
            count += 1
        return count
