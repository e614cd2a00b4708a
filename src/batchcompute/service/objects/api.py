"""Object storage over its own HTTP API, as far as programs for these jobs use it.

Put, get with ranges and conditions, head, copy, delete, lists (both versions), delete of many, uploads in
parts, and what libraries ask of buckets. Anything else that the vendor's storage could do is refused, so
that it is never taken for one of these.
"""

from __future__ import annotations

import errno
import logging
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from batchcompute.errors import ValidationError
from batchcompute.service.objects import answers, conditions
from batchcompute.service.objects.answers import Refused
from batchcompute.service.objects.base import Outside, Stat, parts_of
from batchcompute.service.objects.signatures import SUBRESOURCES, path_of, why_not
from batchcompute.service.objects.uploads import Uploads
from batchcompute.service.wire import Request, Response, query_of

if TYPE_CHECKING:
    from batchcompute.service.objects.base import ObjectStore

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.objects")

_MOST_KEYS = 1000
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
"""What is served, by the sub-resource that a query names."""

_HARMLESS = frozenset({"partNumber", "continuation-token", "security-token"})

_ENDPOINTS = "<ExtranetEndpoint>localhost</ExtranetEndpoint><IntranetEndpoint>localhost</IntranetEndpoint>"

_MESSAGES = {
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided.",
    "InvalidAccessKeyId": "The OSS Access Key Id you provided does not exist in our records.",
    "RequestTimeTooSkewed": "The difference between the request time and the current time is too large.",
    "AccessDenied": "Request has expired, or is not signed.",
    "InvalidArgument": "The signature is of a version that is not served: use version 1 or 4.",
}


class ObjectApi:
    """Answers requests to object storage.

    Args:
        store: The objects.
        uploads: Directory for the parts of uploads that are not yet complete.
        secret_of: Returns the secret of an access key; empty for an unknown one.
    """

    def __init__(self, store: ObjectStore, uploads: Path, secret_of: Callable[[str], str]) -> None:
        self._store = store
        self._uploads = Uploads(store, uploads)
        self._secret_of = secret_of

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        try:
            wrong = why_not(request, self._secret_of)
            if wrong:
                raise Refused(400 if wrong == "InvalidArgument" else 403, wrong, _MESSAGES[wrong])
            return self._answer(request)
        except Refused as refused:
            return answers.refuse(refused)
        except Outside:
            return answers.refuse(answers.no_key())
        except ValidationError as error:
            return answers.refuse(Refused(400, "InvalidObjectName", str(error)))
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            text = "The name is that of a directory of other objects, or goes through an object."
            return answers.refuse(Refused(409, "FileAlreadyExists", text))
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                text = "A part of the name is longer than the file system of this storage takes."
                return answers.refuse(Refused(400, "InvalidObjectName", text))
            _log.exception("the storage failed: %s %s", request.method, path_of(request))
            text = f"The storage failed: {error.strerror or type(error).__name__}."
            return answers.refuse(Refused(500, "InternalError", text))

    def _answer(self, request: Request) -> Response:
        query = query_of(request.target)
        bucket, _, key = path_of(request).removeprefix("/").partition("/")
        what = _subresource(query, _OF_OBJECTS if key else _OF_BUCKETS)
        if request.method not in (_OF_OBJECTS if key else _OF_BUCKETS)[what]:
            if what:
                raise answers.not_served(f"{request.method} of {what}")
            raise answers.not_allowed()
        if not bucket:
            return self._list_buckets()
        parts_of(f"oss://{bucket}/{key}")
        if not key:
            return self._bucket(request, bucket, what, query)
        place = f"oss://{bucket}/{key}"
        source = request.headers.get("x-oss-copy-source", "")
        if what in ("uploads", "uploadId"):
            copied = self._source(source, request.headers)[0] if source and request.method == "PUT" else None
            return self._uploads.answer(request, bucket, key, query, copied)
        if what == "acl":
            self._stat(place)
            return _acl()
        if request.method in ("GET", "HEAD"):
            return self._read(place, request, query, what == "objectMeta")
        if request.method == "PUT":
            return self._put(place, request, source)
        self._store.remove(place)
        return answers.done(status=204)

    # -- objects ------------------------------------------------------------------------------

    def _stat(self, place: str) -> Stat:
        stat = self._store.stat(place)
        if stat is None:
            raise answers.no_key()
        return stat

    def _put(self, place: str, request: Request, source: str) -> Response:
        if request.headers.get("x-oss-forbid-overwrite", "").lower() == "true" and self._store.stat(place):
            raise Refused(
                409, "FileAlreadyExists", "The object you specified already exists and is not overwritten."
            )
        if source:
            body, origin = self._source(source, request.headers)
            if origin != place:
                self._store.write(place, [body])
            stat = self._stat(place)
            answer = answers.xml(
                f"<CopyObjectResult><LastModified>{answers.timestamp(stat.modified)}</LastModified>"
                f"<ETag>{escape(stat.tag)}</ETag></CopyObjectResult>"
            )
            return Response(answer.status, {**answer.headers, "ETag": stat.tag}, answer.body)
        if place.endswith("/") and request.body:
            raise Refused(400, "InvalidObjectName", "A name that ends in a slash is that of a directory.")
        answers.check_digest(request.body, request.headers.get("content-md5", ""))
        self._store.write(place, [request.body])
        return answers.done(self._stat(place).tag)

    def _source(self, source: str, headers: Mapping[str, str]) -> tuple[bytes, str]:
        """Return the content of the object that is copied, and its place."""
        bucket, _, key = unquote(source.partition("?")[0]).removeprefix("/").partition("/")
        place = f"oss://{bucket}/{key}"
        stat = self._stat(place)
        if conditions.check(headers, stat, "x-oss-copy-source-"):
            raise Refused(304, "NotModified", "The source is as the caller has it already.")
        wanted = headers.get("x-oss-copy-source-range", "")
        start, end, _ = conditions.wanted({"range": wanted, "x-oss-range-behavior": "standard"}, stat.size)
        return self._store.read(place, start, end), place

    def _read(self, place: str, request: Request, query: Mapping[str, str], meta: bool) -> Response:
        stat = self._stat(place)
        kind = mimetypes.guess_type(place)[0] or "application/octet-stream"
        if conditions.check(request.headers, stat):
            return Response(304, {**answers.headers_of("", 0), "ETag": stat.tag})
        start, end, partial = conditions.wanted(request.headers, stat.size)
        wants_body = request.method == "GET" and not meta
        large = end - start > _AT_ONCE
        body = self._store.read(place, start, end) if wants_body and not large else b""
        # What an instance still writes may have been cut short by now.
        length = len(body) if meta or (wants_body and not large) else end - start
        headers = answers.headers_of(kind, length)
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
            if value and "\r" not in value and "\n" not in value:
                headers[name] = value
        pieces = self._pieces(place, start, end) if wants_body and large else None
        return Response(206 if partial else 200, headers, body, pieces)

    def _pieces(self, place: str, start: int, end: int) -> Iterator[bytes]:
        """Yield a large object piece by piece: many gigabytes may be wanted at a time."""
        for at in range(start, end, _AT_ONCE):
            yield self._store.read(place, at, min(end, at + _AT_ONCE))

    # -- buckets ------------------------------------------------------------------------------

    def _list_buckets(self) -> Response:
        found = "".join(
            f"<Bucket><Name>{escape(name)}</Name><Location>oss-local</Location>"
            "<CreationDate>2015-11-11T00:00:00.000Z</CreationDate><StorageClass>Standard</StorageClass>"
            f"{_ENDPOINTS}</Bucket>"
            for name in self._store.buckets()
        )
        owner = "<Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
        return answers.xml(
            f"<ListAllMyBucketsResult>{owner}<Buckets>{found}</Buckets></ListAllMyBucketsResult>"
        )

    def _bucket(self, request: Request, bucket: str, what: str, query: Mapping[str, str]) -> Response:
        if what == "delete":
            answers.check_digest(request.body, request.headers.get("content-md5", ""))
            return self._delete_many(bucket, request.body)
        if what == "uploads":
            return self._uploads.list_all(bucket)
        if request.method == "PUT":
            self._store.write(f"oss://{bucket}/", [])
            return answers.done()
        if what or request.method in ("HEAD", "DELETE"):
            if bucket not in self._store.buckets():
                raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")
            return self._about(request, bucket, what)
        return self._list(bucket, query)

    def _about(self, request: Request, bucket: str, what: str) -> Response:
        """Answer what libraries ask of a bucket itself."""
        if request.method == "DELETE":
            if self._store.keys(bucket, "", ""):
                raise Refused(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
            self._store.remove(f"oss://{bucket}/")
            return answers.done(status=204)
        if what == "acl":
            return _acl()
        if what == "location":
            return answers.xml("<LocationConstraint>oss-local</LocationConstraint>")
        if what == "bucketInfo":
            return answers.xml(
                f"<BucketInfo><Bucket><CreationDate>2015-11-11T00:00:00.000Z</CreationDate><Name>{bucket}</Name>"
                "<Location>oss-local</Location><StorageClass>Standard</StorageClass>"
                f"{_ENDPOINTS}<Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
                "<AccessControlList><Grant>private</Grant></AccessControlList></Bucket></BucketInfo>"
            )
        if what == "stat":
            found = [stat for _, stat in self._store.keys(bucket, "", "") if stat]
            size = sum(stat.size for stat in found)
            return answers.xml(
                f"<BucketStat><Storage>{size}</Storage><ObjectCount>{len(found)}</ObjectCount>"
                "<MultipartUploadCount>0</MultipartUploadCount></BucketStat>"
            )
        return answers.done()

    def _list(self, bucket: str, query: Mapping[str, str]) -> Response:
        second = query.get("list-type") == "2"
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        token = query.get("continuation-token") or query.get("start-after", "")
        after = token if second else query.get("marker", "")
        most = query.get("max-keys", "100")
        if not most.isascii() or not most.isdigit() or not 0 <= int(most) <= _MOST_KEYS:
            raise Refused(400, "InvalidArgument", f"max-keys must be in [0, {_MOST_KEYS}].")
        encoded = query.get("encoding-type") == "url"
        names: list[tuple[str, Stat | None]] = []
        more = ""
        for name, stat in self._store.keys(bucket, prefix, delimiter):
            if name <= after:
                continue
            if len(names) == int(most):
                more = names[-1][0] if names else after
                break
            names.append((name, stat))

        def text(value: str) -> str:
            return quote(value, safe="/") if encoded else escape(value)

        parts = [f"<Name>{bucket}</Name><Prefix>{text(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"]
        parts.append(
            f"<Delimiter>{text(delimiter)}</Delimiter><IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        )
        if encoded:
            parts.append("<EncodingType>url</EncodingType>")
        if second:
            parts.append(f"<KeyCount>{len(names)}</KeyCount>")
            parts.append(f"<NextContinuationToken>{text(more)}</NextContinuationToken>" if more else "")
        else:
            parts.append(f"<Marker>{text(after)}</Marker>")
            parts.append(f"<NextMarker>{text(more)}</NextMarker>" if more else "")
        for name, stat in names:
            if stat is None:
                parts.append(f"<CommonPrefixes><Prefix>{text(name)}</Prefix></CommonPrefixes>")
                continue
            parts.append(
                f"<Contents><Key>{text(name)}</Key><LastModified>{answers.timestamp(stat.modified)}</LastModified>"
                f"<ETag>{escape(stat.tag)}</ETag><Type>Normal</Type><Size>{stat.size}</Size>"
                "<StorageClass>Standard</StorageClass></Contents>"
            )
        return answers.xml(f"<ListBucketResult>{''.join(parts)}</ListBucketResult>")

    def _delete_many(self, bucket: str, body: bytes) -> Response:
        keys = [element.text or "" for element in answers.tree(body).iter("Key")]
        gone: list[str] = []
        for key in keys[:_MOST_KEYS]:
            self._store.remove(f"oss://{bucket}/{key}")
            gone.append(f"<Deleted><Key>{escape(key)}</Key></Deleted>")
        return answers.xml(f"<DeleteResult>{''.join(gone)}</DeleteResult>")


def _subresource(query: Mapping[str, str], served: Mapping[str, object]) -> str:
    """Return the sub-resource that a query names; empty for none.

    Raises:
        Refused: It is none that is served: it must not be taken for a plain put or delete.
    """
    named = [name for name in query if name in SUBRESOURCES and name not in _HARMLESS]
    named = [name for name in named if not name.startswith("response-")]
    for name in named:
        if name not in served:
            raise answers.not_served(name)
    return named[0] if named else ""


def _acl() -> Response:
    return answers.xml(
        "<AccessControlPolicy><Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
        "<AccessControlList><Grant>private</Grant></AccessControlList></AccessControlPolicy>"
    )
