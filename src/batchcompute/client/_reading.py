"""The body of an answer: decompressed and counted as it comes, and refused where it is too large."""

from __future__ import annotations

import sys
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from batchcompute.api.responses import HttpResponse
from batchcompute.errors import ConfigError, ProtocolError, ResponseTooLarge
from batchcompute.http.transport import headers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchcompute.api.call import Call

__all__: list[str] = []

_AT_ONCE = 256 * 1024
"""Bytes that are decompressed at a time, so that memory holds no more than this beyond the limit."""

_WINDOWS: Mapping[str, int] = {
    "gzip": zlib.MAX_WBITS | 16,
    "x-gzip": zlib.MAX_WBITS | 16,
    "deflate": zlib.MAX_WBITS,
}
"""What zlib has to be told for each coding that the client asks for."""


def check_limit(value: object) -> int | None:
    """Check what was given as ``max_response_bytes=``.

    Raises:
        ConfigError: It is neither None nor an integer of at least 1.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(
            f"max_response_bytes must be an integer, 1 or more, or None for no limit, not {value!r}"
        )
    return value


class Reading:
    """Takes in the body of one answer, and refuses it as soon as it is larger than the limit.

    Bodies are decompressed here and not by the HTTP library, which expands each piece that it receives
    to the end before anybody can count it: 64 KiB of the network to as much as 64 MiB.

    Args:
        call: The call that is answered.
        where: Where it was sent, for errors.
        limit: Bytes that the body may have after decompression; None for any number.
    """

    __slots__ = (
        "_bare",
        "_body",
        "_call",
        "_decoder",
        "_headers",
        "_left",
        "_limit",
        "_status",
        "_wire",
        "where",
    )

    def __init__(self, call: Call[Any], where: str, limit: int | None) -> None:
        self.where = where
        """Where the call was sent."""
        self._call = call
        self._limit = sys.maxsize if limit is None else limit

    @property
    def wire_limit(self) -> int:
        """Bytes from the network after which any answer is refused, compressed or not.

        Data that cannot be compressed becomes slightly larger when it is, hence the margin.
        """
        return self._limit + self._limit // 256 + 1024

    def begin(self, response: Any) -> None:
        """Take note of the status and headers of a response whose body has yet to be read.

        Raises:
            ResponseTooLarge: The headers say that the body is larger than the limit.
        """
        self._body = BytesIO()
        self._left = self._limit
        self._wire = self.wire_limit
        self._bare = False
        self._decoder: Any = None
        self._status: int = response.status_code
        headers = self._headers = headers_of(response)
        coding = headers.get("content-encoding")
        window = None if coding is None else _WINDOWS.get(coding.strip().lower())
        if window is not None:
            self._decoder = zlib.decompressobj(window)
            self._bare = window == zlib.MAX_WBITS
        elif "transfer-encoding" not in headers:
            length = headers.get("content-length", "")
            # The count decides in any case; a length that is no plain number is left to it.
            if length.isdecimal() and len(length) < 20 and int(length) > self._limit:
                raise self._too_large()

    def take(self, piece: bytes) -> None:
        """Take in a piece of the body as it came from the network.

        Raises:
            ResponseTooLarge: The body is larger than the limit.
            ProtocolError: It is not compressed as the headers say.
        """
        if self._decoder is None:
            self._keep(piece)
            return
        self._wire -= len(piece)
        if self._wire < 0:
            raise self._too_large()
        self._decode(piece)

    def end(self) -> HttpResponse:
        """Return the answer, now that all of its body has been taken in.

        Raises:
            ProtocolError: The compressed body breaks off.
        """
        # Some servers declare a coding for an empty body, too.
        if self._decoder is not None and not self._decoder.eof and self._wire != self.wire_limit:
            raise ProtocolError(f"the compressed answer from {self.where} breaks off")
        return HttpResponse(self._status, self._headers, self._body.getvalue())

    def loaded(self, response: Any) -> HttpResponse:
        """Return the answer of a response whose body is in memory already.

        Raises:
            ResponseTooLarge: The body is larger than the limit.
        """
        self._status, self._headers = response.status_code, headers_of(response)
        body: bytes = response.content
        if len(body) > self._limit:
            raise self._too_large()
        return HttpResponse(self._status, self._headers, body)

    def _decode(self, data: bytes) -> None:
        while not self._decoder.eof:
            try:
                piece: bytes = self._decoder.decompress(data, _AT_ONCE)
            except zlib.error as error:
                if not self._bare:
                    raise ProtocolError(
                        f"the answer from {self.where} is not compressed as its headers say: {error}"
                    ) from error
                # Some servers leave out the zlib header that "deflate" means.
                self._bare = False
                self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
                continue
            self._bare = False
            self._keep(piece)
            data = self._decoder.unconsumed_tail
            if not data and len(piece) < _AT_ONCE:
                return

    def _keep(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise self._too_large()
        # Not a list: a hostile server may send pieces of one byte, each of which would be an object.
        self._body.write(piece)

    def _too_large(self) -> ResponseTooLarge:
        operation, target = self._call.operation, self._call.target.partition("?")[0]
        answer = HttpResponse(self._status, self._headers, b"")
        return ResponseTooLarge(
            f"the answer to {operation.name} ({operation.method} {target}) from {self.where} is larger than "
            f"the client's limit of {self._limit} bytes; it was not read to its end. If answers of this size "
            "are to be expected, make the client with a larger max_response_bytes, or None for no limit",
            answer.status,
            answer.request_id,
            self._limit,
            operation.name,
        )
