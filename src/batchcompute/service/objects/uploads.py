"""Uploads in parts, and bodies of requests that are spooled to files."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from batchcompute.runner import copying
from batchcompute.runner.rooted import Root
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.errors import ObjectError
from batchcompute.service.objects import responses
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.requests import Admission, Request, Response, Spool

__all__: list[str] = []

_UPLOAD = re.compile("[0-9A-F]{32}")
_NUMBER = re.compile("[0-9]{1,5}")
_PART = re.compile("([0-9]{1,5})[.]([0-9A-F]{32})")
_MOST_PARTS = 10_000
_PIECE = 4 * 1024**2
_KEPT = 7 * 86400.0
"""Seconds after which an incomplete upload is removed."""

_SPOOLS = ".spool"
_TARGET = "place"
"""File in the directory of an upload that holds the bucket and the key of its object."""


class _Lock:
    """A lock that is dropped with its last user. A user has to keep this object while it holds the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Uploads:
    """The incomplete uploads.

    An upload is a directory. The file ``place`` in it names the object, and each part is a file whose name is made of
    the part's number and digest. A part is written to another file and renamed, so a file with such a name is complete
    and never changes. When a part is sent again, its new file is there before the old one is removed.

    Args:
        store: Storage of the completed objects.
        folder: Directory for the parts.
        clock: The source of time.
    """

    def __init__(self, store: ObjectStore, folder: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._clock = clock
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = Root(folder)
        self._locks: weakref.WeakValueDictionary[str, _Lock] = weakref.WeakValueDictionary()
        self._locks_lock = threading.Lock()
        try:
            # These files belong to requests to an earlier service.
            self._root.remove((_SPOOLS,))
            self._root.make_folder((_SPOOLS,))
            self.trim()
        except BaseException:
            self._root.close()
            raise

    def close(self) -> None:
        """Close the descriptor of the directory."""
        self._root.close()

    def trim(self, age: float = _KEPT) -> int:
        """Remove uploads without a recent write, and return their number.

        Args:
            age: Seconds since the last write.
        """
        removed = 0
        for upload in self._root.names():
            if _UPLOAD.fullmatch(upload):
                with suppress(FileNotFoundError):
                    if self._root.lstat((upload,)).st_mtime < self._clock.time() - age:
                        self._root.remove((upload,))
                        removed += 1
        return removed

    # -- bodies -------------------------------------------------------------------------------

    def new_spool(self) -> SpoolWriter:
        """Open a file for the body of a request."""
        return SpoolWriter(self._root, (_SPOOLS, secrets.token_hex(12)))

    def spooled(self, request: Request) -> Spool:
        """Return the body of a request as a file; a body in memory is written to one."""
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

    def dispatch(self, request: Request, admission: Admission, copied: Spool | None) -> Response:
        """Respond to an admitted request about an upload.

        Args:
            request: The request.
            admission: What the request is about.
            copied: Content of a part that is copied from another object; None for the body of the request.

        Raises:
            ObjectError: The upload does not exist, or a part is wrong.
        """
        bucket, key, query = admission.bucket, admission.key, admission.query
        names = f"<Bucket>{bucket}</Bucket><Key>{responses.xml_text(key)}</Key>"
        if admission.subresource == "uploads":
            if key.endswith("/"):
                raise responses.is_directory()
            upload = self._begin(bucket, key)
            names += f"<UploadId>{upload}</UploadId>"
            return responses.xml_response(
                f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>"
            )
        upload = query.get("uploadId", "")
        if not _UPLOAD.fullmatch(upload) or self._target(upload) != f"{bucket}/{key}":
            # An upload of another object is not this one.
            raise _no_upload()
        if request.method == "PUT":
            return self._put(request, upload, query.get("partNumber", ""), copied)
        if request.method == "DELETE":
            with self._lock(upload):
                self._root.remove((upload,))
            return responses.empty(status=204)
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
            fd = self._root.new_file((*aside, _TARGET), make=0)
            try:
                copying.write_all(fd, f"{bucket}/{key}".encode())
            finally:
                os.close(fd)
            self._root.rename(aside, self._root, (upload,))
        except BaseException:
            with suppress(OSError):
                # The next start removes what cannot be removed now.
                self._root.remove(aside)
            raise
        return upload

    def _target(self, upload: str) -> str:
        """Return the bucket and the key of an upload; empty if it does not exist."""
        try:
            return self._root.read((upload, _TARGET), 4096).decode("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def _lock(self, upload: str) -> _Lock:
        with self._locks_lock:
            lock = self._locks.get(upload)
            if lock is None:
                lock = self._locks[upload] = _Lock()
            return lock

    def _parts(self, upload: str) -> dict[int, set[str]]:
        """Return the digests of the existing parts by number."""
        digests: dict[int, set[str]] = {}
        try:
            names = self._root.names((upload,))
        except FileNotFoundError:
            raise _no_upload() from None
        for name in names:
            if part := _PART.fullmatch(name):
                digests.setdefault(int(part[1]), set()).add(part[2])
        return digests

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
                # The new file comes first. A crash leaves both, and the list that completes the upload selects one.
                self._root.rename(spool.file.parts, self._root, (upload, f"{int(number)}.{digest}"))
                for other in self._parts(upload).get(int(number), set()) - {digest}:
                    self._root.unlink((upload, f"{int(number)}.{other}"))
        except FileNotFoundError:
            raise _no_upload() from None
        finally:
            spool.file.remove()
        tag = responses.tag_of(spool.md5)
        if copied is None:
            return responses.empty(tag)
        now = responses.timestamp(datetime.fromtimestamp(self._clock.time(), UTC))
        response = responses.xml_response(
            f"<CopyPartResult><LastModified>{now}</LastModified><ETag>{responses.xml_text(tag)}</ETag></CopyPartResult>"
        )
        return Response(response.status, {**response.headers, "ETag": tag}, response.body)

    def _list(self, upload: str, names: str) -> Response:
        parts = ""
        digests = self._parts(upload)
        for number in sorted(digests):
            for digest in sorted(digests[number])[:1]:
                with suppress(FileNotFoundError):
                    stat = self._root.lstat((upload, f"{number}.{digest}"))
                    modified = responses.timestamp(datetime.fromtimestamp(stat.st_mtime, UTC))
                    parts += (
                        f"<Part><PartNumber>{number}</PartNumber><LastModified>{modified}</LastModified>"
                        f'<ETag>"{digest}"</ETag><Size>{stat.st_size}</Size></Part>'
                    )
        return responses.xml_response(
            f"<ListPartsResult>{names}<NextPartNumberMarker>{max(digests, default=0)}</NextPartNumberMarker>"
            f"<MaxParts>{_MOST_PARTS}</MaxParts><IsTruncated>false</IsTruncated>{parts}</ListPartsResult>"
        )

    def list_all(self, bucket: str) -> Response:
        """Return the list of the incomplete uploads of a bucket."""
        uploads = ""
        for upload in sorted(self._root.names()):
            owner, _, key = (self._target(upload) if _UPLOAD.fullmatch(upload) else "").partition("/")
            if owner == bucket:
                with suppress(FileNotFoundError):
                    begun = datetime.fromtimestamp(self._root.lstat((upload, _TARGET)).st_mtime, UTC)
                    uploads += (
                        f"<Upload><Key>{responses.xml_text(key)}</Key><UploadId>{upload}</UploadId>"
                        f"<Initiated>{responses.timestamp(begun)}</Initiated></Upload>"
                    )
        return responses.xml_response(
            f"<ListMultipartUploadsResult><Bucket>{bucket}</Bucket><NextKeyMarker></NextKeyMarker>"
            f"<NextUploadIdMarker></NextUploadIdMarker><MaxUploads>1000</MaxUploads>"
            f"<IsTruncated>false</IsTruncated>{uploads}</ListMultipartUploadsResult>"
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
            # Removed after the object is written, so that after a crash the upload can be completed again.
            self._root.remove((upload,))
        names_xml = f"<Bucket>{bucket}</Bucket><Key>{responses.xml_text(key)}</Key><ETag>{responses.xml_text(stat.tag)}</ETag>"
        return responses.xml_response(
            f"<CompleteMultipartUploadResult>{names_xml}</CompleteMultipartUploadResult>"
        )

    def _content(self, upload: str, names: list[str]) -> Iterator[bytes]:
        for name in names:
            fd = self._root.open_file((upload, name))
            try:
                while piece := os.read(fd, _PIECE):
                    yield piece
            finally:
                os.close(fd)


class SpoolWriter:
    """A file that receives the body of a request.

    Args:
        root: Directory of the uploads.
        parts: Names of the file below that directory.
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
        """Close the file and return the complete body."""
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
    """Yield number and digest of the parts in the document that completes an upload; no digest if it names none."""
    for element in responses.parse_xml(body).iter("Part"):
        number = (element.findtext("PartNumber") or "").strip()
        if not _NUMBER.fullmatch(number):
            raise _invalid_part()
        yield int(number), (element.findtext("ETag") or "").strip().strip('"').upper()


def _invalid_part() -> ObjectError:
    text = "One or more of the specified parts could not be found, or is another one than was sent."
    return ObjectError(400, "InvalidPart", text)


def _no_upload() -> ObjectError:
    return ObjectError(404, "NoSuchUpload", "The specified upload does not exist.")
