"""The HTTP API of object storage, as far as programs of jobs and their libraries use it."""

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
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.errors import ApiError, ObjectError
from batchcompute.service.events import Events, RequestAnswered
from batchcompute.service.objects import conditions, responses
from batchcompute.service.objects.base import LinkInPath, ObjectReader, Stat, parts_of
from batchcompute.service.objects.bucket_api import BucketApi, acl
from batchcompute.service.objects.grants import Grants, grant_of, is_granted
from batchcompute.service.objects.queries import subresource_of
from batchcompute.service.objects.signatures import check_signature, path_of
from batchcompute.service.objects.uploads import SpoolWriter, Uploads
from batchcompute.service.requests import Admission, BadTarget, Request, Response, decoded, query_of

if TYPE_CHECKING:
    from batchcompute.service.objects.base import ObjectStore
    from batchcompute.service.objects.ownership import Buckets

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.objects")

_AT_ONCE = 4 * 1024**2
"""Bytes of an object that are held in memory at once."""

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
"""Errors of the system that pass: the same request can succeed later."""


class ObjectApi:
    """Responds to requests to object storage.

    It serves put, get with ranges and conditions, head, copy, delete, lists (both versions), deletion of many
    objects, uploads in parts, and what libraries ask about buckets. It refuses every other feature of the vendor's
    storage with 501, so that no request is taken for another one.

    Args:
        store: The objects.
        uploads: Directory for the parts of incomplete uploads.
        find: Returns secret and owner of an access key; empty texts for an unknown key. It raises
            `ApiError` for an owner who may not use this service.
        buckets: The owners of buckets, and what they have granted.
        grants: Checks the grants of attempts, which requests carry instead of a signature.
        clock: The source of time.
    """

    def __init__(
        self,
        store: ObjectStore,
        uploads: Path,
        find: Callable[[str], tuple[str, str]],
        buckets: Buckets,
        grants: Grants,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._clock = clock
        self.uploads: Uploads = Uploads(store, uploads, clock)
        """The incomplete uploads."""
        self.events: Events = Events()
        """Receives an event for each request; `LocalService` sets it."""
        self.note_use: Callable[[str], None] = lambda _: None
        """Called with the key of each authenticated request; `LocalService` sets it."""
        self._find = find
        self._buckets = buckets
        self._grants = grants
        self._bucket_api = BucketApi(store, self.uploads, buckets)

    def new_spool(self) -> SpoolWriter:
        """Open a file for the body of a request."""
        return self.uploads.new_spool()

    def admit(self, head: Request) -> Admission | Response:
        """Check the head of a request, and return its owner and object, or the response that refuses the request."""
        started = self._clock.monotonic()
        try:
            return self._admit(head)
        except Exception as error:  # noqa: BLE001 - every error becomes a response
            response = self._error_response(error, head)
            self._note(head, response, "", started)
            return response

    def dispatch(self, request: Request, admission: Admission | None = None) -> Response:
        """Respond to a request.

        Args:
            request: The request.
            admission: The result of `admit`; None if it was not called.
        """
        started = self._clock.monotonic()
        owner = ""
        try:
            admission = admission or self._admit(request)
            owner = admission.owner
            response = self._response(request, admission)
        except Exception as error:  # noqa: BLE001 - every error becomes a response
            response = self._error_response(error, request)
        finally:
            if request.spool is not None:
                request.spool.file.remove()
        self._note(request, response, owner, started)
        return response

    def _note(self, request: Request, response: Response, owner: str, started: float) -> None:
        path = request.target.partition("?")[0]
        seconds = self._clock.monotonic() - started
        self.events.emit(
            RequestAnswered("objects", request.method, path, response.status, "", owner, "", seconds)
        )

    def answer(self, request: Request, owner: str) -> Response:
        """Respond to a request without a signature, whose owner is known by a session.

        Args:
            request: The request.
            owner: Its owner.
        """
        try:
            return self._response(request, self._allow(request, owner))
        except Exception as error:  # noqa: BLE001 - every error becomes a response
            return self._error_response(error, request)

    @staticmethod
    def _error_response(error: Exception, request: Request) -> Response:
        if isinstance(error, ObjectError):
            refused = error
        elif isinstance(error, BadTarget):
            refused = ObjectError(400, "InvalidArgument", f"{error}.")
        elif isinstance(error, ApiError):
            refused = ObjectError(error.status, "AccessDenied", error.message)
        elif isinstance(error, LinkInPath):
            refused = responses.no_such_key()
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
        return responses.error_response(refused)

    def _admit(self, request: Request) -> Admission:
        """Return what an allowed request is about.

        Raises:
            ObjectError: The request is not allowed.
        """
        if is_granted(request):
            admission = self._grants.admit(request)
            self._check_bucket(request, admission.owner, admission.bucket)
            return admission
        signature = check_signature(request, lambda key_id: self._find(key_id)[0], self._clock)
        if signature.code:
            status = 400 if signature.code == "InvalidArgument" else 403
            raise ObjectError(status, signature.code, _MESSAGES[signature.code])
        _, owner = self._find(signature.key_id)
        self.note_use(signature.key_id)
        return self._allow(request, owner)

    def _allow(self, request: Request, owner: str) -> Admission:
        """Return what a request of an owner is about.

        Raises:
            ObjectError: The owner may not do this.
        """
        query = query_of(request.target)
        bucket, slash, key = path_of(request).removeprefix("/").partition("/")
        if slash and not bucket:
            raise ObjectError(400, "InvalidBucketName", "The name of the bucket in the path is empty.")
        subresource = subresource_of(request.method, bucket, key, query)
        if bucket:
            parts_of(f"oss://{bucket}/{key}")
        self._check_bucket(request, owner, bucket)
        return Admission(owner, bucket, key, subresource, query)

    def _check_bucket(self, request: Request, owner: str, bucket: str) -> None:
        writes = request.method not in ("GET", "HEAD")
        if bucket and not self._buckets.may(owner, bucket, writes):
            raise ObjectError(403, "AccessDenied", _NOT_YOURS)

    def _response(self, request: Request, admission: Admission) -> Response:
        owner, bucket, key = admission.owner, admission.bucket, admission.key
        if not bucket and admission.subresource == "grant":
            return responses.text_response(self._grants.renew(grant_of(request)))
        if not bucket:
            return self._bucket_api.list_buckets(owner)
        if not key:
            return self._bucket_api.dispatch(request, admission)
        object_url = f"oss://{bucket}/{key}"
        if request.method in ("PUT", "POST") and not self._buckets.claim(owner, bucket):
            raise ObjectError(403, "AccessDenied", _NOT_YOURS)
        source = request.headers.get("x-oss-copy-source", "")
        if admission.subresource in ("uploads", "uploadId"):
            copied = None
            if source and request.method == "PUT":
                with self._source(source, request.headers, owner) as origin:
                    copied = self.uploads.spool_of(origin.pieces())
            return self.uploads.dispatch(request, admission, copied)
        if admission.subresource == "acl":
            self._open(object_url).close()
            return acl()
        if request.method in ("GET", "HEAD"):
            return self._read(object_url, request, admission)
        if request.method == "PUT":
            return self._put(object_url, request, source, owner)
        self._store.remove(object_url)
        return responses.empty(status=204)

    # -- objects ------------------------------------------------------------------------------

    def _open(self, object_url: str) -> ObjectReader:
        reader = self._store.open(object_url)
        if reader is None:
            raise responses.no_such_key()
        return reader

    def _put(self, object_url: str, request: Request, source: str, owner: str) -> Response:
        forbids = request.headers.get("x-oss-forbid-overwrite", "").lower()
        if forbids not in ("", "true", "false"):
            # Taken for "false", it would overwrite an object that the client wants to keep.
            raise ObjectError(400, "InvalidArgument", "x-oss-forbid-overwrite must be true or false.")
        if forbids == "true" and self._store.stat(object_url):
            raise ObjectError(
                409, "FileAlreadyExists", "The object you specified already exists and is not overwritten."
            )
        if source:
            with self._source(source, request.headers, owner) as origin:
                # A copy of an object onto itself only changes metadata, which this storage does not keep.
                if object_url.endswith("/") and origin.size:
                    raise responses.is_directory()
                stat = (
                    origin.stat
                    if origin.object_url == object_url
                    else self._store.write(object_url, origin.pieces())
                )
            response = responses.xml_response(
                f"<CopyObjectResult><LastModified>{responses.timestamp(stat.modified)}</LastModified>"
                f"<ETag>{responses.xml_text(stat.tag)}</ETag></CopyObjectResult>"
            )
            return Response(response.status, {**response.headers, "ETag": stat.tag}, response.body)
        spool = request.spool
        if object_url.endswith("/"):
            if spool.size if spool else request.body:
                raise responses.is_directory()
            return responses.empty(self._store.write(object_url, []).tag)
        expected = request.headers.get("content-md5", "")
        if spool is None:
            responses.check_digest(hashlib.md5(request.body, usedforsecurity=False).digest(), expected)
            return responses.empty(self._store.write(object_url, [request.body]).tag)
        responses.check_digest(spool.md5, expected)
        return responses.empty(self._store.deliver(spool.file.root, spool.file.parts, object_url).tag)

    def _source(self, source: str, headers: Mapping[str, str], owner: str) -> _Source:
        """Open the source of a copy."""
        if "?" in source:
            raise responses.not_served("versions of a source")
        bucket, _, key = decoded(source).removeprefix("/").partition("/")
        object_url = f"oss://{bucket}/{key}"
        parts_of(object_url)
        if not self._buckets.may(owner, bucket, False):
            raise ObjectError(403, "AccessDenied", _NOT_YOURS)
        reader = self._open(object_url)
        try:
            if conditions.is_not_modified(headers, reader.stat, "x-oss-copy-source-"):
                raise ObjectError(304, "NotModified", "The source is as the caller has it already.")
            wanted = headers.get("x-oss-copy-source-range", "")
            start, end, partial = conditions.requested_range(
                {"range": wanted, "x-oss-range-behavior": "standard"}, reader.stat.size
            )
            if wanted and not partial:
                raise ObjectError(400, "InvalidArgument", "The range of the source is none.")
        except BaseException:
            reader.close()
            raise
        return _Source(reader, object_url, start, end)

    def _read(self, object_url: str, request: Request, admission: Admission) -> Response:
        with closing(self._open(object_url)) as reader:
            return self._read_response(reader, object_url, request, admission)

    def _read_response(
        self, reader: ObjectReader, object_url: str, request: Request, admission: Admission
    ) -> Response:
        stat = reader.stat
        meta = admission.subresource == "objectMeta"
        kind = mimetypes.guess_type(object_url)[0] or "application/octet-stream"
        if conditions.is_not_modified(request.headers, stat):
            return Response(304, {**responses.headers_of("", 0), "ETag": stat.tag})
        start, end, partial = conditions.requested_range(request.headers, stat.size)
        wants_body = request.method == "GET" and not meta
        large = end - start > _AT_ONCE
        body = reader.read(start, end) if wants_body and not large else b""
        # An instance that still writes the object may have truncated it by now.
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
            value = admission.query.get(f"response-{name.lower()}", "")
            if value and (not value.isprintable() or value != value.strip()):
                raise ObjectError(
                    400, "InvalidArgument", f"A {name} is printable text without spaces at its ends."
                )
            if value:
                headers[name] = value
        pieces = self._pieces(object_url, stat, start, end) if wants_body and large else None
        return Response(206 if partial else 200, headers, body, pieces)

    def _pieces(self, object_url: str, stat: Stat, start: int, end: int) -> Generator[bytes]:
        """Yield a large object piece by piece, because several clients may read many gigabytes at a time."""
        reader = self._store.open(object_url)
        if reader is None or reader.stat.tag != stat.tag:
            # It was replaced meanwhile. The response is truncated, which the client sees by its length.
            if reader is not None:
                reader.close()
            return
        with closing(reader):
            for at in range(start, end, _AT_ONCE):
                yield reader.read(at, min(end, at + _AT_ONCE))


class _Source:
    """An open object, or a range of one, that is copied."""

    def __init__(self, reader: ObjectReader, object_url: str, start: int, end: int) -> None:
        self.stat: Stat = reader.stat
        self.object_url: str = object_url
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
