"""Object storage over its own HTTP API, as far as programs for these jobs use it.

Put, get with ranges and conditions, head, copy, delete, lists (both versions), delete of many, uploads in
parts, and what libraries ask of buckets. Anything else that the vendor's storage could do is refused, so
that it is never taken for one of these.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import mimetypes
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batchcompute.errors import ValidationError
from batchcompute.runner.rooted import NotRegular, OutsideRoot
from batchcompute.service.errors import ApiError, ObjectError
from batchcompute.service.objects import conditions, responses
from batchcompute.service.objects.base import ObjectReader, Outside, Stat, parts_of
from batchcompute.service.objects.bucket_api import BucketApi, acl
from batchcompute.service.objects.signatures import SUBRESOURCES, path_of, verdict
from batchcompute.service.objects.uploads import SpoolWriter, Uploads
from batchcompute.service.requests import Admission, BadTarget, Request, Response, decoded, query_of

if TYPE_CHECKING:
    from batchcompute.service.objects.base import ObjectStore
    from batchcompute.service.objects.ownership import Buckets

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.objects")

_AT_ONCE = 4 * 1024**2
"""Bytes of an object that are held in memory at once."""

_OF_OBJECTS = {
    "": frozenset({"GET", "HEAD", "PUT", "DELETE"}),
    "uploads": frozenset({"POST"}),
    "uploadId": frozenset({"GET", "PUT", "POST", "DELETE"}),
    "objectMeta": frozenset({"GET", "HEAD"}),
    "acl": frozenset({"GET"}),
}
_OF_BUCKETS = {
    "": frozenset({"GET", "HEAD", "PUT", "DELETE"}),
    "delete": frozenset({"POST"}),
    "uploads": frozenset({"GET"}),
    "acl": frozenset({"GET"}),
    "location": frozenset({"GET"}),
    "bucketInfo": frozenset({"GET"}),
    "stat": frozenset({"GET"}),
}
_OF_ALL = {"": frozenset({"GET", "HEAD"})}
"""What is served, by the sub-resource that a query names."""

_HARMLESS = frozenset({"partNumber", "continuation-token", "security-token"})

_MESSAGES = {
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided.",
    "InvalidAccessKeyId": "The OSS Access Key Id you provided does not exist in our records.",
    "RequestTimeTooSkewed": "The difference between the request time and the current time is too large.",
    "AccessDenied": "Request has expired, or is not signed.",
    "InvalidArgument": "The signature is of a version that is not served, or the request reads like another "
    "one of the same signature: use version 1 or 4.",
}

_NOT_YOURS = "The bucket you access belongs to another owner, who has not granted you access to it."

_FOR_A_WHILE = {
    errno.ENOSPC: "The disk of this storage is full.",
    errno.EDQUOT: "The disk quota of this storage is used up.",
    errno.EMFILE: "This storage has too many files open.",
    errno.ENFILE: "This machine has too many files open.",
    errno.ENOMEM: "This machine has no memory left.",
}
"""What the storage cannot do now, and can do later."""


class ObjectApi:
    """Answers requests to object storage.

    Args:
        store: The objects.
        uploads: Directory for the parts of uploads that are not yet complete.
        find: Returns secret and owner of an access key; empty texts for an unknown one. It raises
            `ApiError` for an owner who may not use this service.
        buckets: Who may do what with which bucket.
    """

    def __init__(
        self, store: ObjectStore, uploads: Path, find: Callable[[str], tuple[str, str]], buckets: Buckets
    ) -> None:
        self._store = store
        self.uploads: Uploads = Uploads(store, uploads)
        """The uploads that are not yet complete."""
        self._find = find
        self._buckets = buckets
        self._bucket_api = BucketApi(store, self.uploads, buckets)

    def new_spool(self) -> SpoolWriter:
        """Open a file for the body of a request."""
        return self.uploads.new_spool()

    def admit(self, head: Request) -> Admission | Response:
        """Judge a request by its head: return what it is about, or the answer that refuses it."""
        try:
            return self._admit(head)
        except Exception as error:  # noqa: BLE001 - every error has an answer
            return self._answer_of(error, head)

    def answer(self, request: Request, admission: Admission | None = None) -> Response:
        """Answer a request.

        Args:
            request: The request.
            admission: What `admit` said of its head, if it was asked.
        """
        try:
            return self._answer(request, admission or self._admit(request))
        except Exception as error:  # noqa: BLE001 - every error has an answer
            return self._answer_of(error, request)
        finally:
            if request.spool is not None:
                request.spool.file.remove()

    @staticmethod
    def _answer_of(error: Exception, request: Request) -> Response:
        if isinstance(error, ObjectError):
            refused = error
        elif isinstance(error, BadTarget):
            refused = ObjectError(400, "InvalidArgument", f"{error}.")
        elif isinstance(error, ApiError):
            refused = ObjectError(error.status, "AccessDenied", error.message)
        elif isinstance(error, Outside):
            refused = responses.no_key()
        elif isinstance(error, (ValidationError, OutsideRoot)):
            refused = ObjectError(400, "InvalidObjectName", str(error))
        elif isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError, NotRegular)):
            text = "The name is that of a directory of other objects, or goes through an object."
            refused = ObjectError(409, "FileAlreadyExists", text)
        elif isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            text = "A part of the name is longer than the file system of this storage takes."
            refused = ObjectError(400, "InvalidObjectName", text)
        elif isinstance(error, OSError) and error.errno in _FOR_A_WHILE:
            _log.warning(
                "the storage failed: %s %s: %s", request.method, request.target.partition("?")[0], error
            )
            refused = ObjectError(503, "ServiceUnavailable", f"{_FOR_A_WHILE[error.errno]} Try again later.")
        else:
            _log.exception("the storage failed: %s %s", request.method, request.target.partition("?")[0])
            reason = getattr(error, "strerror", None) or type(error).__name__
            refused = ObjectError(500, "InternalError", f"The storage failed: {reason}.")
        if refused.status == 404:
            text = f"{refused.message.removesuffix('.')}: {path_of(request)[:300]}."
            refused = ObjectError(404, refused.code, text)
        return responses.refuse(refused)

    def _admit(self, request: Request) -> Admission:
        """Return what a request that may be answered is about.

        Raises:
            ObjectError: It may not.
        """
        found = verdict(request, lambda key_id: self._find(key_id)[0])
        if found.code:
            raise ObjectError(
                400 if found.code == "InvalidArgument" else 403, found.code, _MESSAGES[found.code]
            )
        _, owner = self._find(found.key_id)
        query = query_of(request.target)
        bucket, slash, key = path_of(request).removeprefix("/").partition("/")
        if slash and not bucket:
            raise ObjectError(400, "InvalidBucketName", "The name of the bucket in the path is empty.")
        served = _OF_OBJECTS if key else _OF_BUCKETS if bucket else _OF_ALL
        what = _subresource(query, served)
        if request.method not in served[what]:
            if what:
                raise responses.not_served(f"{request.method} of {what}")
            raise responses.not_allowed()
        if bucket:
            parts_of(f"oss://{bucket}/{key}")
            writes = request.method not in ("GET", "HEAD")
            if not self._buckets.may(owner, bucket, writes):
                raise ObjectError(403, "AccessDenied", _NOT_YOURS)
        return Admission(owner, bucket, key, what, query)

    def _answer(self, request: Request, found: Admission) -> Response:
        owner, bucket, key, what, query = found.owner, found.bucket, found.key, found.what, found.query
        if not bucket:
            return self._bucket_api.list_buckets(owner)
        if not key:
            return self._bucket_api.answer(request, owner, bucket, what, query)
        place = f"oss://{bucket}/{key}"
        if request.method in ("PUT", "POST") and not self._buckets.claim(owner, bucket):
            raise ObjectError(403, "AccessDenied", _NOT_YOURS)
        source = request.headers.get("x-oss-copy-source", "")
        if what in ("uploads", "uploadId"):
            if source and request.method == "PUT":
                with self._source(source, request.headers, owner) as origin:
                    copied = self.uploads.spool_of(origin.pieces())
                return self.uploads.answer(request, bucket, key, query, copied)
            return self.uploads.answer(request, bucket, key, query, None)
        if what == "acl":
            self._open(place).close()
            return acl()
        if request.method in ("GET", "HEAD"):
            return self._read(place, request, query, what == "objectMeta")
        if request.method == "PUT":
            return self._put(place, request, source, owner)
        self._store.remove(place)
        return responses.done(status=204)

    # -- objects ------------------------------------------------------------------------------

    def _open(self, place: str) -> ObjectReader:
        reader = self._store.open(place)
        if reader is None:
            raise responses.no_key()
        return reader

    def _put(self, place: str, request: Request, source: str, owner: str) -> Response:
        forbids = request.headers.get("x-oss-forbid-overwrite", "").lower()
        if forbids not in ("", "true", "false"):
            # Taken for "false", it would cost the object that was to be kept.
            raise ObjectError(400, "InvalidArgument", "x-oss-forbid-overwrite must be true or false.")
        if forbids == "true" and self._store.stat(place):
            raise ObjectError(
                409, "FileAlreadyExists", "The object you specified already exists and is not overwritten."
            )
        if source:
            with self._source(source, request.headers, owner) as origin:
                # A copy onto itself changes nothing but metadata, which is not kept here.
                if place.endswith("/") and origin.size:
                    raise responses.is_directory()
                stat = origin.stat if origin.place == place else self._store.write(place, origin.pieces())
            answer = responses.xml(
                f"<CopyObjectResult><LastModified>{responses.timestamp(stat.modified)}</LastModified>"
                f"<ETag>{responses.escape(stat.tag)}</ETag></CopyObjectResult>"
            )
            return Response(answer.status, {**answer.headers, "ETag": stat.tag}, answer.body)
        spool = request.spool
        if place.endswith("/"):
            if spool.size if spool else request.body:
                raise responses.is_directory()
            return responses.done(self._store.write(place, []).tag)
        given = request.headers.get("content-md5", "")
        if spool is None:
            responses.check_digest(hashlib.md5(request.body, usedforsecurity=False).digest(), given)
            return responses.done(self._store.write(place, [request.body]).tag)
        responses.check_digest(spool.md5, given)
        return responses.done(self._store.deliver(spool.file.root, spool.file.parts, place).tag)

    def _source(self, source: str, headers: Mapping[str, str], owner: str) -> _Source:
        """Open the object that is copied."""
        if "?" in source:
            raise responses.not_served("versions of a source")
        bucket, _, key = decoded(source).removeprefix("/").partition("/")
        place = f"oss://{bucket}/{key}"
        parts_of(place)
        if not self._buckets.may(owner, bucket, False):
            raise ObjectError(403, "AccessDenied", _NOT_YOURS)
        reader = self._open(place)
        try:
            if conditions.check(headers, reader.stat, "x-oss-copy-source-"):
                raise ObjectError(304, "NotModified", "The source is as the caller has it already.")
            wanted = headers.get("x-oss-copy-source-range", "")
            start, end, partial = conditions.wanted(
                {"range": wanted, "x-oss-range-behavior": "standard"}, reader.stat.size
            )
            if wanted and not partial:
                raise ObjectError(400, "InvalidArgument", "The range of the source is none.")
        except BaseException:
            reader.close()
            raise
        return _Source(reader, place, start, end)

    def _read(self, place: str, request: Request, query: Mapping[str, str], meta: bool) -> Response:
        with closing(self._open(place)) as reader:
            return self._answer_read(reader, place, request, query, meta)

    def _answer_read(
        self, reader: ObjectReader, place: str, request: Request, query: Mapping[str, str], meta: bool
    ) -> Response:
        stat = reader.stat
        kind = mimetypes.guess_type(place)[0] or "application/octet-stream"
        if conditions.check(request.headers, stat):
            return Response(304, {**responses.headers_of("", 0), "ETag": stat.tag})
        start, end, partial = conditions.wanted(request.headers, stat.size)
        wants_body = request.method == "GET" and not meta
        large = end - start > _AT_ONCE
        body = reader.read(start, end) if wants_body and not large else b""
        # What an instance still writes may have been cut short by now.
        length = len(body) if meta or (wants_body and not large) else end - start
        headers = responses.headers_of(kind, length)
        headers["ETag"] = stat.tag
        headers["Last-Modified"] = format_datetime(stat.modified, usegmt=True)
        headers["x-oss-object-type"] = "Normal"
        if partial:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{stat.size}"
        for name in (
            "Content-Type",
            "Content-Language",
            "Cache-Control",
            "Content-Disposition",
            "Content-Encoding",
        ):
            value = query.get(f"response-{name.lower()}", "")
            if value and (not value.isprintable() or value != value.strip()):
                raise ObjectError(
                    400, "InvalidArgument", f"A {name} is printable text without spaces at its ends."
                )
            if value:
                headers[name] = value
        pieces = self._pieces(place, stat, start, end) if wants_body and large else None
        return Response(206 if partial else 200, headers, body, pieces)

    def _pieces(self, place: str, stat: Stat, start: int, end: int) -> Generator[bytes]:
        """Yield a large object piece by piece: many gigabytes may be wanted at a time."""
        reader = self._store.open(place)
        if reader is None or reader.stat.tag != stat.tag:
            # It was replaced just now. The answer is cut short, which the client sees by its length.
            if reader is not None:
                reader.close()
            return
        with closing(reader):
            for at in range(start, end, _AT_ONCE):
                yield reader.read(at, min(end, at + _AT_ONCE))


class _Source:
    """An object, or a part of one, that is copied."""

    def __init__(self, reader: ObjectReader, place: str, start: int, end: int) -> None:
        self.stat: Stat = reader.stat
        self.place: str = place
        self.size: int = end - start
        self._reader = reader
        self._range = (start, end)

    def __enter__(self) -> _Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def pieces(self) -> Iterator[bytes]:
        start, end = self._range
        for at in range(start, end, _AT_ONCE):
            yield self._reader.read(at, min(end, at + _AT_ONCE))


def _subresource(query: Mapping[str, str], served: Mapping[str, object]) -> str:
    """Return the sub-resource that a query names; empty for none.

    Raises:
        ObjectError: It is none that is served, and must not be taken for a plain put or delete; or there are two, of
            which one would win by its place in the query, which no signature covers.
    """
    named = [name for name in query if name in SUBRESOURCES and name not in _HARMLESS]
    named = [name for name in named if not name.startswith("response-")]
    for name in named:
        if name not in served:
            raise responses.not_served(name)
    if len(named) > 1:
        raise ObjectError(400, "InvalidArgument", f"The query names both {named[0]} and {named[1]}.")
    return named[0] if named else ""
