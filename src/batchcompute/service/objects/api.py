"""Object storage over its own HTTP API, as far as programs for these jobs use it.

Put, get with ranges, head, delete, list (both versions), delete of many, and uploads in parts.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from batchcompute.errors import ValidationError
from batchcompute.service.objects.base import Outside, Stat, parts_of
from batchcompute.service.objects.signatures import path_of, why_not
from batchcompute.service.wire import Request, Response, new_request_id, query_of

if TYPE_CHECKING:
    from batchcompute.service.objects.base import ObjectStore

__all__: list[str] = []

_RANGE = re.compile("bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")
_UPLOAD = re.compile("[0-9A-F]{32}")
_MOST_KEYS = 1000


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


_MESSAGES = {
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided.",
    "InvalidAccessKeyId": "The OSS Access Key Id you provided does not exist in our records.",
    "RequestTimeTooSkewed": "The difference between the request time and the current time is too large.",
    "AccessDenied": "Request has expired.",
}


def _no_key() -> _Refused:
    return _Refused(404, "NoSuchKey", "The specified key does not exist.")


class ObjectApi:
    """Answers requests to object storage.

    Args:
        store: The objects.
        uploads: Directory for the parts of uploads that are not yet complete.
        secret_of: Returns the secret of an access key; empty for an unknown one.
    """

    def __init__(self, store: ObjectStore, uploads: Path, secret_of: Callable[[str], str]) -> None:
        self._store = store
        self._uploads = uploads
        self._secret_of = secret_of

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        try:
            wrong = why_not(request, self._secret_of)
            if wrong:
                raise _Refused(403, wrong, _MESSAGES[wrong])
            return self._answer(request)
        except _Refused as refused:
            return _refuse(refused)
        except Outside:
            return _refuse(_no_key())
        except ValidationError as error:
            return _refuse(_Refused(400, "InvalidObjectName", str(error)))
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            text = "The name is that of a directory of other objects, or goes through an object."
            return _refuse(_Refused(409, "FileAlreadyExists", text))
        except OSError as error:
            return _refuse(_Refused(500, "InternalError", f"The storage failed: {error.strerror}."))

    def _answer(self, request: Request) -> Response:
        query = query_of(request.target)
        bucket, _, key = path_of(request).removeprefix("/").partition("/")
        if not key:
            return self._bucket(request, bucket, query)
        place = f"oss://{bucket}/{key}"
        if "uploads" in query or "uploadId" in query:
            return self._parts(request, bucket, key, query)
        if request.method in ("GET", "HEAD"):
            return self._read(place, request)
        if request.method == "PUT":
            if key.endswith("/") and request.body:
                raise _Refused(
                    400, "InvalidObjectName", "A name that ends in a slash is that of a directory."
                )
            self._store.write(place, [request.body])
            return _done(_md5(request.body))
        if request.method == "DELETE":
            self._store.remove(place)
            return Response(204, _headers("", 0))
        raise _Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")

    def _read(self, place: str, request: Request) -> Response:
        stat = None if place.endswith("/") else self._store.stat(place)
        if stat is None:
            raise _no_key()
        size = stat.size
        start, end, partial = 0, size, False
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if wanted:
            first, last, suffix = wanted.groups()
            start = max(0, size - int(suffix)) if suffix else int(first)
            end = min(size, int(last) + 1) if last else size
            partial = start < end
            if not partial:
                if request.headers.get("x-oss-range-behavior") == "standard":
                    raise _Refused(416, "InvalidRange", "The requested range cannot be satisfied.")
                # As the vendor's storage does it: a range that makes no sense is none.
                start, end = 0, size
        body = b""
        if request.method == "GET":
            body = self._store.read(place, start, end)
        # What an instance still writes to may have grown.
        headers = _headers("application/octet-stream", len(body) if request.method == "GET" else end - start)
        headers["ETag"] = stat.tag
        headers["Last-Modified"] = format_datetime(stat.modified, usegmt=True)
        headers["x-oss-object-type"] = "Normal"
        if partial:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return Response(206 if partial else 200, headers, body)

    # -- buckets ------------------------------------------------------------------------------

    def _bucket(self, request: Request, bucket: str, query: Mapping[str, str]) -> Response:
        parts_of(f"oss://{bucket}/")
        if request.method == "PUT":
            self._store.write(f"oss://{bucket}/", [])
            return Response(200, _headers("", 0))
        if request.method == "GET":
            return self._list(bucket, query)
        if request.method == "POST" and "delete" in query:
            return self._delete_many(bucket, request.body)
        raise _Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")

    def _list(self, bucket: str, query: Mapping[str, str]) -> Response:
        second = query.get("list-type") == "2"
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = (
            query.get("continuation-token") or query.get("start-after", "")
            if second
            else query.get("marker", "")
        )
        most = query.get("max-keys", "100")
        if not most.isascii() or not most.isdigit() or not 0 <= int(most) <= _MOST_KEYS:
            raise _Refused(400, "InvalidArgument", f"max-keys must be in [0, {_MOST_KEYS}].")
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
            modified = stat.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            parts.append(
                f"<Contents><Key>{text(name)}</Key><LastModified>{modified}</LastModified>"
                f"<ETag>{escape(stat.tag)}</ETag><Type>Normal</Type><Size>{stat.size}</Size>"
                "<StorageClass>Standard</StorageClass></Contents>"
            )
        return _xml(f"<ListBucketResult>{''.join(parts)}</ListBucketResult>")

    def _delete_many(self, bucket: str, body: bytes) -> Response:
        keys = [element.text or "" for element in _tree(body).iter("Key")]
        gone: list[str] = []
        for key in keys[:_MOST_KEYS]:
            self._store.remove(f"oss://{bucket}/{key}")
            gone.append(f"<Deleted><Key>{escape(key)}</Key></Deleted>")
        return _xml(f"<DeleteResult>{''.join(gone)}</DeleteResult>")

    # -- uploads in parts ---------------------------------------------------------------------

    def _parts(self, request: Request, bucket: str, key: str, query: Mapping[str, str]) -> Response:
        if request.method == "POST" and "uploads" in query:
            upload = secrets.token_hex(16).upper()
            (self._uploads / upload).mkdir(parents=True)
            names = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
            return _xml(f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>")
        upload = query.get("uploadId", "")
        folder = self._uploads / upload
        if not _UPLOAD.fullmatch(upload) or not folder.is_dir():
            raise _Refused(404, "NoSuchUpload", "The specified upload does not exist.")
        number = query.get("partNumber", "")
        if request.method == "PUT" and number.isascii() and number.isdigit() and 1 <= int(number) <= 10_000:
            (folder / number).write_bytes(request.body)
            return _done(_md5(request.body))
        if request.method == "DELETE":
            shutil.rmtree(folder, ignore_errors=True)
            return Response(204, _headers("", 0))
        if request.method == "GET":
            numbers = sorted(int(part.name) for part in folder.iterdir())
            parts = "".join(_part(number, folder / str(number)) for number in numbers)
            return _xml(
                f"<ListPartsResult><Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
                f"<NextPartNumberMarker>{max(numbers, default=0)}</NextPartNumberMarker><MaxParts>10000</MaxParts>"
                f"<IsTruncated>false</IsTruncated>{parts}</ListPartsResult>"
            )
        if request.method == "POST":
            return self._complete(request.body, bucket, key, folder)
        raise _Refused(400, "InvalidArgument", "A part has a number from 1 to 10000.")

    def _complete(self, body: bytes, bucket: str, key: str, folder: Path) -> Response:
        numbers = [int(element.text or 0) for element in _tree(body).iter("PartNumber")]
        parts = [folder / str(number) for number in numbers]
        if not parts or numbers != sorted(set(numbers)) or not all(part.is_file() for part in parts):
            raise _Refused(400, "InvalidPart", "One or more of the specified parts could not be found.")
        place = f"oss://{bucket}/{key}"
        self._store.write(place, (part.read_bytes() for part in parts))
        shutil.rmtree(folder, ignore_errors=True)
        stat = self._store.stat(place)
        tag = escape(stat.tag if stat else "")
        names = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><ETag>{tag}</ETag>"
        return _xml(f"<CompleteMultipartUploadResult>{names}</CompleteMultipartUploadResult>")


def _md5(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest().upper()}"'


def _part(number: int, file: Path) -> str:
    stat = file.stat()
    return (
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(_md5(file.read_bytes()))}</ETag><Size>{stat.st_size}</Size>"
        "<LastModified>2015-11-11T00:00:00.000Z</LastModified></Part>"
    )


# -- answers --------------------------------------------------------------------------------------


def _tree(body: bytes) -> ET.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise _Refused(400, "MalformedXML", "The XML you provided was not well-formed.")
    try:
        return ET.fromstring(body)  # noqa: S314  # entities are refused above
    except ET.ParseError:
        raise _Refused(400, "MalformedXML", "The XML you provided was not well-formed.") from None


def _headers(kind: str, length: int) -> dict[str, str]:
    headers = {
        "Content-Length": str(length),
        "Date": format_datetime(datetime.now(UTC), usegmt=True),
        "x-oss-request-id": new_request_id(),
        "Accept-Ranges": "bytes",
    }
    return {**headers, "Content-Type": kind} if kind else headers


def _done(tag: str) -> Response:
    return Response(200, {**_headers("", 0), "ETag": tag})


def _xml(content: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{content}'.encode("utf-8", "surrogateescape")
    return Response(200, _headers("application/xml", len(body)), body)


def _refuse(refused: _Refused) -> Response:
    headers = _headers("application/xml", 0)
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refused.code}</Code>'
        f"<Message>{escape(refused.message)}</Message><RequestId>{headers['x-oss-request-id']}</RequestId></Error>"
    ).encode()
    headers["Content-Length"] = str(len(body))
    return Response(refused.status, headers, body)
