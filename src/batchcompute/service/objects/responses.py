"""Responses of object storage: headers, XML and errors."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.errors import HttpError, ObjectError
from batchcompute.service.requests import Response, new_request_id

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__: list[str] = []

_ENCODING = re.compile(rb"""\s*(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)""")
_MOST_TAGS = 100_000
"""Largest number of tags in a document. An upload of 10,000 parts has 8 tags for each part."""


def no_such_key() -> ObjectError:
    """Return the error for an object that does not exist."""
    return ObjectError(404, "NoSuchKey", "The specified key does not exist.")


def is_directory() -> ObjectError:
    """Return the error for content of a key that ends in a slash: a directory cannot hold it."""
    return ObjectError(400, "InvalidObjectName", "A name that ends in a slash is that of a directory.")


def not_allowed() -> ObjectError:
    """Return the error for a method that this kind of resource does not have."""
    return ObjectError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


def not_served(what: str) -> ObjectError:
    """Return the error for a feature of the vendor's storage that this storage lacks."""
    return ObjectError(501, "NotImplemented", f"This storage does not serve {what}.")


def parse_xml(body: bytes) -> Element:
    """Parse XML.

    Raises:
        ObjectError: The XML is malformed, declares entities, is not in UTF-8, or has more elements than any valid request.
    """
    malformed = ObjectError(400, "MalformedXML", "The XML you provided was not well-formed, or not in UTF-8.")
    # The check for declarations below works in UTF-8 only.
    encoding = _ENCODING.match(body)
    if encoding and encoding[1].lower() not in (b"utf-8", b"utf8"):
        raise malformed
    if b"<!" in body.replace(b"<![CDATA[", b"").replace(b"<!--", b"") or body.count(b"<") > _MOST_TAGS:
        raise malformed
    # Loaded here, because few requests need it.
    from xml.etree import ElementTree as ET

    try:
        # The parser gets a str, so it cannot choose another encoding.
        return ET.fromstring(body.decode("utf-8-sig"))  # noqa: S314  # no declarations, so no entities
    except (ET.ParseError, ValueError):
        raise malformed from None


def xml_text(value: str) -> str:
    """Escape a text for XML. An XML parser turns an unescaped carriage return into a line feed."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def headers_of(kind: str, length: int, clock: Clock = SYSTEM_CLOCK) -> dict[str, str]:
    """Return the headers of every response.

    Args:
        kind: Content type; empty for none.
        length: Bytes of the body.
        clock: The source of time.
    """
    headers = {
        "Content-Length": str(length),
        "Date": format_datetime(datetime.fromtimestamp(clock.time(), UTC), usegmt=True),
        "x-oss-request-id": new_request_id(),
        "Accept-Ranges": "bytes",
    }
    return {**headers, "Content-Type": kind} if kind else headers


def empty(tag: str = "", status: int = 200) -> Response:
    """Return a response without a body."""
    headers = headers_of("", 0)
    return Response(status, {**headers, "ETag": tag} if tag else headers)


def xml_response(content: str) -> Response:
    """Return a response with an XML body."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{content}'.encode()
    return Response(200, headers_of("application/xml", len(body)), body)


def text_response(content: str) -> Response:
    """Return a response whose body is a secret text."""
    body = content.encode("ascii")
    headers = {**headers_of("text/plain", len(body)), "Cache-Control": "no-store"}
    return Response(200, headers, body)


def error_response(error: HttpError) -> Response:
    """Return the response for an error."""
    headers = headers_of("application/xml", 0)
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{error.code}</Code>'
        f"<Message>{xml_text(error.message)}</Message><RequestId>{headers['x-oss-request-id']}</RequestId></Error>"
    ).encode()
    headers["Content-Length"] = str(len(body))
    return Response(error.status, headers, body)


def timestamp(moment: datetime) -> str:
    """Return a time in the format of lists."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def tag_of(digest: bytes) -> str:
    """Return the entity tag of a part: the MD5 of its content."""
    return f'"{digest.hex().upper()}"'


def check_digest(digest: bytes, expected: str) -> None:
    """Check the ``Content-MD5`` of a body.

    Args:
        digest: The MD5 of the body.
        expected: The header; empty if there is none.

    Raises:
        ObjectError: The digests differ.
    """
    if expected and expected != base64.b64encode(digest).decode("ascii"):
        raise ObjectError(400, "InvalidDigest", "The Content-MD5 you specified is not valid for the body.")
