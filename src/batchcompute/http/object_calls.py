"""The calls to the object storage: lists, writes, copies and removals of objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlsplit

from batchcompute.api.call import Call
from batchcompute.api.operations import Operation, RetryClass
from batchcompute.http.oss import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from batchcompute.api.responses import HttpResponse

__all__ = ["ObjectEntry", "ObjectPage"]

_SIGNED: Final = frozenset({"partNumber", "uploadId", "uploads"})
"""Names in the query that belong to the signed resource."""

_MARKUP: Final = re.compile(rb"<![^-\[]")
"""A declaration, which no response of the object storage has. It could define entities."""


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """An object in a list."""

    url: str
    """Its URL, ``oss://bucket/key``."""
    size: int
    """Its size in bytes."""
    modified: str
    """The time of its last change."""


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """One page of a list of objects."""

    objects: tuple[ObjectEntry, ...]
    """The objects."""
    directories: tuple[str, ...]
    """The URLs of the prefixes up to the next delimiter."""
    next_marker: str
    """The marker of the next page; empty for the last one."""


def bucket_and_key(object_url: str) -> tuple[str, str]:
    """Return the bucket and the key of ``oss://bucket/key``, whose key may be empty.

    Args:
        object_url: The URL.

    Raises:
        ValidationError: The URL has another form.
    """
    if object_url.startswith("oss://") and "/" not in object_url[6:] and len(object_url) > 6:
        return object_url[6:], ""
    if object_url.endswith("/") and object_url.count("/") == 3:
        return parts_of(f"{object_url}x")[0], ""
    return parts_of(object_url)


def _call(
    name: str,
    method: str,
    retry_class: RetryClass,
    base: str,
    bucket: str,
    key: str,
    parse: Callable[[HttpResponse], Any],
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Call[Any]:
    """Return a call to the object storage.

    The names in the query are constants of this module, so they are not escaped.
    """
    operation = Operation(name, name, method, "/{Bucket}/{Key}", "bytes", 200, retry_class, section="5.4")
    path = quote(key, safe="/~")
    is_vendor = (urlsplit(base).hostname or "").endswith(".aliyuncs.com")
    if is_vendor and bucket:
        scheme, _, host = base.partition("://")
        url = f"{scheme}://{quote(bucket, safe='')}.{host}/{path}"
    else:
        url = f"{base}/{quote(bucket, safe='')}{f'/{path}' if bucket else ''}"
    pairs = sorted((query or {}).items())
    if pairs:
        url += "?" + "&".join(f"{name}={quote(value, safe='')}" if value else name for name, value in pairs)
    signed = "&".join(f"{name}={value}" if value else name for name, value in pairs if name in _SIGNED)
    resource = f"/{bucket}/{key}" if bucket else "/"
    return Call(
        operation,
        url,
        parse,
        body,
        resource=f"{resource}?{signed}" if signed else resource,
        headers=headers or {},
    )


def put_object(base: str, object_url: str, data: bytes) -> Call[None]:
    """Return the call that writes an object.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
        data: The content.
    """
    bucket, key = parts_of(object_url)
    return _call("put_object", "PUT", "change", base, bucket, key, _nothing, body=data)


def copy_object(base: str, source_url: str, object_url: str) -> Call[None]:
    """Return the call that copies an object inside the object storage.

    Args:
        base: URL of the object storage.
        source_url: The object to copy.
        object_url: The new object.
    """
    bucket, key = parts_of(object_url)
    from_bucket, from_key = parts_of(source_url)
    source = f"/{quote(from_bucket, safe='')}/{quote(from_key, safe='/~')}"
    headers = {"x-oss-copy-source": source}
    return _call("copy_object", "PUT", "change", base, bucket, key, _nothing, headers=headers)


def delete_object(base: str, object_url: str) -> Call[None]:
    """Return the call that removes an object. The removal of a missing object succeeds.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
    """
    bucket, key = parts_of(object_url)
    return _call("delete_object", "DELETE", "delete", base, bucket, key, _nothing)


def list_buckets(base: str) -> Call[list[str]]:
    """Return the call that lists the buckets.

    Args:
        base: URL of the object storage.
    """

    def parse(raw: HttpResponse) -> list[str]:
        return [element.findtext("Name") or "" for element in _xml(raw).iter("Bucket")]

    return _call("list_buckets", "GET", "read", base, "", "", parse)


def list_objects(
    base: str, bucket: str, prefix: str, delimiter: str = "", marker: str = ""
) -> Call[ObjectPage]:
    """Return the call that lists objects of a bucket.

    Args:
        base: URL of the object storage.
        bucket: The bucket.
        prefix: Beginning of the keys.
        delimiter: The end of a directory in a key; empty for a list of all objects.
        marker: The ``next_marker`` of the page before; empty for the first page.
    """

    def parse(raw: HttpResponse) -> ObjectPage:
        root = _xml(raw)

        def text(element: Element | None) -> str:
            return unquote((element.text if element is not None else "") or "")

        objects = tuple(
            ObjectEntry(
                f"oss://{bucket}/{text(one.find('Key'))}",
                int(one.findtext("Size") or "0"),
                one.findtext("LastModified") or "",
            )
            for one in root.findall("Contents")
        )
        directories = tuple(
            f"oss://{bucket}/{text(one.find('Prefix'))}" for one in root.findall("CommonPrefixes")
        )
        more = (root.findtext("IsTruncated") or "").lower() == "true"
        return ObjectPage(objects, directories, text(root.find("NextMarker")) if more else "")

    # Encoded, because XML cannot hold every character of a key.
    query = {
        "encoding-type": "url",
        "max-keys": "1000",
        "prefix": prefix,
        "delimiter": delimiter,
        "marker": marker,
    }
    query = {name: value for name, value in query.items() if value}
    return _call("list_objects", "GET", "read", base, bucket, "", parse, query)


def begin_upload(base: str, object_url: str) -> Call[str]:
    """Return the call that begins an upload in parts; its result is the id of the upload.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
    """
    bucket, key = parts_of(object_url)

    def parse(raw: HttpResponse) -> str:
        upload = _xml(raw).findtext("UploadId") or ""
        if not upload:
            raise raw.error("expected an UploadId")
        return upload

    # An upload that was begun twice is removed by the storage after some time.
    return _call("begin_upload", "POST", "change", base, bucket, key, parse, {"uploads": ""})


def upload_part(base: str, object_url: str, upload: str, number: int, data: bytes) -> Call[str]:
    """Return the call that uploads a part; its result is the tag of the part.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
        upload: Id of the upload.
        number: Number of the part, from 1.
        data: The content of the part.
    """
    bucket, key = parts_of(object_url)
    query = {"uploadId": upload, "partNumber": str(number)}
    return _call("upload_part", "PUT", "change", base, bucket, key, _tag, query, data)


def complete_upload(base: str, object_url: str, upload: str, tags: Sequence[str]) -> Call[None]:
    """Return the call that makes an object of the parts of an upload.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
        upload: Id of the upload.
        tags: The tags of the parts.
    """
    bucket, key = parts_of(object_url)
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{_escaped(tag)}</ETag></Part>"
        for number, tag in enumerate(tags, 1)
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return _call("complete_upload", "POST", "change", base, bucket, key, _nothing, {"uploadId": upload}, body)


def abort_upload(base: str, object_url: str, upload: str) -> Call[None]:
    """Return the call that removes the parts of an upload.

    Args:
        base: URL of the object storage.
        object_url: ``oss://bucket/key``.
        upload: Id of the upload.
    """
    bucket, key = parts_of(object_url)
    return _call("abort_upload", "DELETE", "delete", base, bucket, key, _nothing, {"uploadId": upload})


def _nothing(raw: HttpResponse) -> None:
    """Ignore the content of a response."""


def _tag(raw: HttpResponse) -> str:
    tag = raw.headers.get("etag", "")
    if not tag:
        raise raw.error("expected an ETag header")
    return tag


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _xml(raw: HttpResponse) -> Element:
    """Parse the XML of a response.

    Raises:
        ResponseError: The body is not XML, or declares entities.
    """
    from xml.etree import ElementTree as ET

    if _MARKUP.search(raw.body):
        raise raw.error("the XML has a declaration")
    try:
        return ET.fromstring(raw.body)  # noqa: S314  # no declarations, so no entities
    except ET.ParseError as error:
        raise raw.error(f"not valid XML: {error}") from None
