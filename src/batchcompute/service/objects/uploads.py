"""Uploads in parts.

An upload is a directory: the file ``place`` names its object, and each part is a file whose name holds its number
and its digest. A part is written aside and renamed, so a file of that name is whole and never changes. A part
that is sent again gets a file of its own; the one before it goes away only then.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from batchcompute.runner import copying
from batchcompute.runner.rooted import Root
from batchcompute.service.errors import ObjectError
from batchcompute.service.objects import responses
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.requests import Request, Response, Spool

__all__: list[str] = []

_UPLOAD = re.compile("[0-9A-F]{32}")
_NUMBER = re.compile("[0-9]{1,5}")
_PART = re.compile("([0-9]{1,5})[.]([0-9A-F]{32})")
_MOST_PARTS = 10_000
_PIECE = 4 * 1024**2
_KEPT = 7 * 86400.0
"""Seconds after which an upload that nobody has completed is removed."""

_SPOOLS = ".spool"
_PLACE = "place"


class _Lock:
    """A lock that goes away with its last user, who has to hold this object for as long as the lock itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Uploads:
    """The uploads that are not yet complete.

    Args:
        store: Where objects go.
        folder: Directory for their parts.
    """

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = Root(folder)
        self._locks: weakref.WeakValueDictionary[str, _Lock] = weakref.WeakValueDictionary()
        self._locks_lock = threading.Lock()
        try:
            # What stands there belongs to requests of an earlier service.
            self._root.remove((_SPOOLS,))
            self._root.make_folder((_SPOOLS,))
            self.trim()
        except BaseException:
            self._root.close()
            raise

    def close(self) -> None:
        """Give the directory's descriptor back."""
        self._root.close()

    def trim(self, age: float = _KEPT) -> int:
        """Remove uploads that nobody has written to for some time, and return how many.

        Args:
            age: That time, in seconds.
        """
        removed = 0
        for upload in self._root.names():
            if _UPLOAD.fullmatch(upload):
                with suppress(FileNotFoundError):
                    if self._root.lstat((upload,)).st_mtime < time.time() - age:
                        self._root.remove((upload,))
                        removed += 1
        return removed

    # -- bodies -------------------------------------------------------------------------------

    def new_spool(self) -> SpoolWriter:
        """Open a file for the body of a request."""
        return SpoolWriter(self._root, (_SPOOLS, secrets.token_hex(12)))

    def spooled(self, request: Request) -> Spool:
        """Return the body of a request as a file, written if it is held in memory."""
        if request.spool is not None:
            return request.spool
        return self.spool_of([request.body])

    def spool_of(self, pieces: Iterable[bytes]) -> Spool:
        """Write pieces to a file."""
        writer = self.new_spool()
        try:
            for piece in pieces:
                writer.write(piece)
            return writer.finish()
        except BaseException:
            writer.discard()
            raise

    # -- requests -----------------------------------------------------------------------------

    def answer(
        self, request: Request, bucket: str, key: str, query: Mapping[str, str], copied: Spool | None
    ) -> Response:
        """Answer a request about an upload.

        Args:
            request: The request.
            bucket: The bucket.
            key: The key that the object will have.
            query: The query.
            copied: Content of a part that comes from another object; None for one that came along.

        Raises:
            ObjectError: There is no such upload, or a part is wrong.
        """
        names = f"<Bucket>{bucket}</Bucket><Key>{responses.text(key)}</Key>"
        if request.method == "POST" and "uploads" in query:
            if key.endswith("/"):
                raise responses.is_directory()
            upload = self._begin(bucket, key)
            names += f"<UploadId>{upload}</UploadId>"
            return responses.xml(f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>")
        upload = query.get("uploadId", "")
        if not _UPLOAD.fullmatch(upload) or self._place(upload) != f"{bucket}/{key}":
            # It may be there, and be that of another object.
            raise _no_upload()
        if request.method == "PUT":
            return self._put(request, upload, query.get("partNumber", ""), copied)
        if request.method == "DELETE":
            with self._lock(upload):
                self._root.remove((upload,))
            return responses.done(status=204)
        if request.method == "GET":
            return self._list(upload, f"{names}<UploadId>{upload}</UploadId>")
        if request.method == "POST":
            return self._complete(request.body, bucket, key, upload)
        raise responses.not_allowed()

    def _begin(self, bucket: str, key: str) -> str:
        upload = secrets.token_hex(16).upper()
        aside = (_SPOOLS, upload)
        try:
            self._root.new_folder(aside)
            fd = self._root.new_file((*aside, _PLACE), make=0)
            try:
                copying.write_all(fd, f"{bucket}/{key}".encode())
            finally:
                os.close(fd)
            self._root.rename(aside, self._root, (upload,))
        except BaseException:
            with suppress(OSError):
                # What cannot be removed now is so at the next start.
                self._root.remove(aside)
            raise
        return upload

    def _place(self, upload: str) -> str:
        """Return the bucket and key of an upload; empty for one that is not there."""
        try:
            return self._root.read((upload, _PLACE), 4096).decode("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def _lock(self, upload: str) -> _Lock:
        with self._locks_lock:
            lock = self._locks.get(upload)
            if lock is None:
                lock = self._locks[upload] = _Lock()
            return lock

    def _parts(self, upload: str) -> dict[int, set[str]]:
        """Return the digests of the parts that are there, by number."""
        found: dict[int, set[str]] = {}
        try:
            names = self._root.names((upload,))
        except FileNotFoundError:
            raise _no_upload() from None
        for name in names:
            if part := _PART.fullmatch(name):
                found.setdefault(int(part[1]), set()).add(part[2])
        return found

    def _put(self, request: Request, upload: str, number: str, copied: Spool | None) -> Response:
        if not _NUMBER.fullmatch(number) or not 1 <= int(number) <= _MOST_PARTS:
            raise ObjectError(400, "InvalidArgument", "A part has a number from 1 to 10000.")
        spool = copied or self.spooled(request)
        digest = spool.md5.hex().upper()
        try:
            responses.check_digest(
                spool.md5, request.headers.get("content-md5", "") if copied is None else ""
            )
            with self._lock(upload):
                # The new one first: a crash in between leaves both, and the list that completes chooses.
                self._root.rename(spool.file.parts, self._root, (upload, f"{int(number)}.{digest}"))
                for other in self._parts(upload).get(int(number), set()) - {digest}:
                    self._root.unlink((upload, f"{int(number)}.{other}"))
        except FileNotFoundError:
            raise _no_upload() from None
        finally:
            spool.file.remove()
        tag = responses.tag_of(spool.md5)
        if copied is None:
            return responses.done(tag)
        now = responses.timestamp(datetime.now(UTC))
        answer = responses.xml(
            f"<CopyPartResult><LastModified>{now}</LastModified><ETag>{responses.escape(tag)}</ETag></CopyPartResult>"
        )
        return Response(answer.status, {**answer.headers, "ETag": tag}, answer.body)

    def _list(self, upload: str, names: str) -> Response:
        parts = ""
        found = self._parts(upload)
        for number in sorted(found):
            for digest in sorted(found[number])[:1]:
                with suppress(FileNotFoundError):
                    stat = self._root.lstat((upload, f"{number}.{digest}"))
                    modified = responses.timestamp(datetime.fromtimestamp(stat.st_mtime, UTC))
                    parts += (
                        f"<Part><PartNumber>{number}</PartNumber><LastModified>{modified}</LastModified>"
                        f'<ETag>"{digest}"</ETag><Size>{stat.st_size}</Size></Part>'
                    )
        return responses.xml(
            f"<ListPartsResult>{names}<NextPartNumberMarker>{max(found, default=0)}</NextPartNumberMarker>"
            f"<MaxParts>{_MOST_PARTS}</MaxParts><IsTruncated>false</IsTruncated>{parts}</ListPartsResult>"
        )

    def list_all(self, bucket: str) -> Response:
        """Answer with the uploads of a bucket that are not yet complete."""
        found = ""
        for upload in sorted(self._root.names()):
            owner, _, key = (self._place(upload) if _UPLOAD.fullmatch(upload) else "").partition("/")
            if owner == bucket:
                with suppress(FileNotFoundError):
                    begun = datetime.fromtimestamp(self._root.lstat((upload, _PLACE)).st_mtime, UTC)
                    found += (
                        f"<Upload><Key>{responses.text(key)}</Key><UploadId>{upload}</UploadId>"
                        f"<Initiated>{responses.timestamp(begun)}</Initiated></Upload>"
                    )
        return responses.xml(
            f"<ListMultipartUploadsResult><Bucket>{bucket}</Bucket><NextKeyMarker></NextKeyMarker>"
            f"<NextUploadIdMarker></NextUploadIdMarker><MaxUploads>1000</MaxUploads>"
            f"<IsTruncated>false</IsTruncated>{found}</ListMultipartUploadsResult>"
        )

    def _complete(self, body: bytes, bucket: str, key: str, upload: str) -> Response:
        wanted = list(_listed(body))
        numbers = [number for number, _ in wanted]
        if not wanted or numbers != sorted(set(numbers)):
            raise _invalid_part()
        with self._lock(upload):
            there = self._parts(upload)
            names: list[str] = []
            for number, tag in wanted:
                digests = there.get(number, set())
                if tag not in digests if tag else len(digests) != 1:
                    raise _invalid_part()
                names.append(f"{number}.{tag or next(iter(digests))}")
            stat = self._store.write(f"oss://{bucket}/{key}", self._content(upload, names))
            # After the object, so that a crash in between leaves an upload that can be completed again.
            self._root.remove((upload,))
        names_xml = f"<Bucket>{bucket}</Bucket><Key>{responses.text(key)}</Key><ETag>{responses.escape(stat.tag)}</ETag>"
        return responses.xml(f"<CompleteMultipartUploadResult>{names_xml}</CompleteMultipartUploadResult>")

    def _content(self, upload: str, names: list[str]) -> Iterator[bytes]:
        for name in names:
            fd = self._root.open_file((upload, name))
            try:
                while piece := os.read(fd, _PIECE):
                    yield piece
            finally:
                os.close(fd)


class SpoolWriter:
    """A file that takes the body of a request while it comes in.

    Args:
        root: Directory of the uploads.
        parts: Its names.
    """

    def __init__(self, root: Root, parts: tuple[str, ...]) -> None:
        self._file = root.file(*parts)
        self._fd = root.new_file(parts, make=0)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Append a piece.

        Raises:
            OSError: The disk is full, for example.
        """
        copying.write_all(self._fd, piece)
        self._md5.update(piece)
        self._size += len(piece)

    def finish(self) -> Spool:
        """Return the whole body."""
        os.close(self._fd)
        self._fd = -1
        return Spool(self._file, self._size, self._md5.digest())

    def discard(self) -> None:
        """Remove the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._file.remove()


def _listed(body: bytes) -> Iterator[tuple[int, str]]:
    """Yield number and digest of the parts that an upload is completed with; no digest where none is named."""
    for element in responses.tree(body).iter("Part"):
        number = (element.findtext("PartNumber") or "").strip()
        if not _NUMBER.fullmatch(number):
            raise _invalid_part()
        yield int(number), (element.findtext("ETag") or "").strip().strip('"').upper()


def _invalid_part() -> ObjectError:
    text = "One or more of the specified parts could not be found, or is another one than was sent."
    return ObjectError(400, "InvalidPart", text)


def _no_upload() -> ObjectError:
    return ObjectError(404, "NoSuchUpload", "The specified upload does not exist.")
