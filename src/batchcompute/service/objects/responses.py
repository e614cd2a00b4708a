"""Answers of object storage: XML, headers and refusals."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from batchcompute.service.errors import HttpError, ObjectError
from batchcompute.service.requests import Response, new_request_id

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

__all__: list[str] = []

_ENCODING = re.compile(rb"""\s*(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)""")
_MOST_TAGS = 100_000
"""Tags in a document: an upload of 10,000 parts has 8 for each."""


def no_key() -> ObjectError:
    """There is no such object."""
    return ObjectError(404, "NoSuchKey", "The specified key does not exist.")


def is_directory() -> ObjectError:
    """A directory holds nothing itself, and the content would be lost."""
    return ObjectError(400, "InvalidObjectName", "A name that ends in a slash is that of a directory.")


def not_allowed() -> ObjectError:
    """The method means nothing for this kind of resource."""
    return ObjectError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


def not_served(what: str) -> ObjectError:
    """The vendor's storage could do it, and this one cannot."""
    return ObjectError(501, "NotImplemented", f"This storage does not serve {what}.")


def tree(body: bytes) -> ET.Element:
    """Read XML.

    Raises:
        ObjectError: It is none, declares entities, has another encoding than UTF-8, or more elements than any request.
    """
    # Few requests have a body of XML, and a server starts without the parser.
    from xml.etree import ElementTree as ET

    malformed = ObjectError(400, "MalformedXML", "The XML you provided was not well-formed, or not in UTF-8.")
    # In another encoding than UTF-8, the declarations would look different.
    encoding = _ENCODING.match(body)
    if encoding and encoding[1].lower() not in (b"utf-8", b"utf8"):
        raise malformed
    if b"<!" in body.replace(b"<![CDATA[", b"").replace(b"<!--", b"") or body.count(b"<") > _MOST_TAGS:
        raise malformed
    try:
        # As a text, it has no encoding that the parser could still choose.
        return ET.fromstring(body.decode("utf-8-sig"))  # noqa: S314  # no declarations, so no entities
    except (ET.ParseError, ValueError):
        raise malformed from None


def escape(value: str) -> str:
    """Return a text as XML holds it.

    The function of the same name in the standard library imports an HTTP client.
    """
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text(value: str) -> str:
    """Return a text as XML holds it; a carriage return would come out of it as a line feed."""
    return escape(value).replace("\r", "&#13;")


def headers_of(kind: str, length: int) -> dict[str, str]:
    """Return the headers that every answer has."""
    headers = {
        "Content-Length": str(length),
        "Date": format_datetime(datetime.now(UTC), usegmt=True),
        "x-oss-request-id": new_request_id(),
        "Accept-Ranges": "bytes",
    }
    return {**headers, "Content-Type": kind} if kind else headers


def done(tag: str = "", status: int = 200) -> Response:
    """Answer without a body."""
    headers = headers_of("", 0)
    return Response(status, {**headers, "ETag": tag} if tag else headers)


def xml(content: str) -> Response:
    """Answer with XML."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{content}'.encode()
    return Response(200, headers_of("application/xml", len(body)), body)


def refuse(refused: HttpError) -> Response:
    """Make the answer of a refusal."""
    headers = headers_of("application/xml", 0)
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refused.code}</Code>'
        f"<Message>{text(refused.message)}</Message><RequestId>{headers['x-oss-request-id']}</RequestId></Error>"
    ).encode()
    headers["Content-Length"] = str(len(body))
    return Response(refused.status, headers, body)


def timestamp(moment: datetime) -> str:
    """Return a time as lists have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def tag_of(digest: bytes) -> str:
    """Return the entity tag of a part, from the MD5 of its content."""
    return f'"{digest.hex().upper()}"'


def check_digest(digest: bytes, given: str) -> None:
    """Refuse a body that is not what its ``Content-MD5`` says.

    Args:
        digest: The MD5 of the body.
        given: The header; empty for none.

    Raises:
        ObjectError: It is not.
    """
    if given and given != base64.b64encode(digest).decode("ascii"):
        raise ObjectError(400, "InvalidDigest", "The Content-MD5 you specified is not valid for the body.")
