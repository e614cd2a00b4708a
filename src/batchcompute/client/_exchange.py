"""The exchange of a request for a response: the reader of the body, and the synchronous exchange within a deadline."""

from __future__ import annotations

import contextvars
import queue
import sys
import threading
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from batchcompute.api.responses import HttpResponse
from batchcompute.errors import ConfigError, ProtocolError, ResponseTooLarge, TransportTimeout
from batchcompute.http.transport import WIRE_LIMIT, headers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchcompute.api.call import Call
    from batchcompute.client._async_pool import AsyncPool
    from batchcompute.client._pool import Pool

__all__: list[str] = []

_CHUNK = 256 * 1024
"""Bytes that are decompressed at a time, and so the maximum memory use beyond the limit."""

_WINDOWS: Mapping[str, int] = {
    "gzip": zlib.MAX_WBITS | 16,
    "x-gzip": zlib.MAX_WBITS | 16,
    "deflate": zlib.MAX_WBITS,
}
"""The ``wbits`` argument of zlib for each content coding that the client accepts."""


def check_limit(value: object) -> int | None:
    """Check the argument ``max_response_bytes=``.

    Raises:
        ConfigError: The value is neither None nor an integer of at least 1.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(
            f"max_response_bytes must be an integer, 1 or more, or None for no limit, not {value!r}"
        )
    return value


class ResponseReader:
    """Reads the body of one response, and rejects it as soon as it exceeds the limit.

    The reader decompresses the body itself. The HTTP library decompresses each received piece completely before
    its size can be checked, which can expand 64 KiB to 64 MiB.

    Args:
        call: The call.
        origin: Scheme, host and port of the request, for errors.
        limit: Maximum size of the body in bytes after decompression; None for no limit.
    """

    __slots__ = (
        "_allow_raw_deflate",
        "_body",
        "_call",
        "_decoder",
        "_headers",
        "_limit",
        "_remaining",
        "_status",
        "_wire_remaining",
        "origin",
    )

    def __init__(self, call: Call[Any], origin: str, limit: int | None) -> None:
        self.origin = origin
        """Scheme, host and port of the request."""
        self._call = call
        self._limit = sys.maxsize if limit is None else limit

    @property
    def wire_limit(self) -> int:
        """Maximum number of bytes from the network, compressed or not.

        It exceeds the limit, because compression can make data slightly larger.
        """
        return self._limit + self._limit // 256 + 1024

    def begin(self, response: Any) -> None:
        """Start with the status and the headers of a response.

        Raises:
            ResponseTooLarge: The ``Content-Length`` exceeds the limit.
        """
        self._body = BytesIO()
        self._remaining = self._limit
        self._wire_remaining = self.wire_limit
        self._allow_raw_deflate = False
        self._decoder: Any = None
        self._status: int = response.status_code
        headers = self._headers = headers_of(response)
        coding = headers.get("content-encoding")
        window = None if coding is None else _WINDOWS.get(coding.strip().lower())
        if window is not None:
            self._decoder = zlib.decompressobj(window)
            self._allow_raw_deflate = window == zlib.MAX_WBITS
        elif "transfer-encoding" not in headers:
            length = headers.get("content-length", "")
            # Other values are ignored, because the bytes are counted in any case.
            if length.isdecimal() and len(length) < 20 and int(length) > self._limit:
                raise self._too_large()

    def feed(self, piece: bytes) -> None:
        """Add a piece of the body as it was received.

        Raises:
            ResponseTooLarge: The body exceeds the limit.
            ProtocolError: The body does not have the content coding of the headers.
        """
        if self._decoder is None:
            self._append(piece)
            return
        self._wire_remaining -= len(piece)
        if self._wire_remaining < 0:
            raise self._too_large()
        self._decode(piece)

    def end(self) -> HttpResponse:
        """Return the response after the last piece of its body.

        Raises:
            ProtocolError: The compressed body is incomplete.
        """
        # An empty body is accepted, because some servers declare a content coding for it.
        if self._decoder is not None and not self._decoder.eof and self._wire_remaining != self.wire_limit:
            raise ProtocolError(f"the compressed response from {self.origin} is incomplete")
        return HttpResponse(self._status, self._headers, self._body.getvalue())

    def loaded(self, response: Any) -> HttpResponse:
        """Return a response whose body is in memory already.

        Raises:
            ResponseTooLarge: The body exceeds the limit.
        """
        self._status, self._headers = response.status_code, headers_of(response)
        body: bytes = response.content
        if len(body) > self._limit:
            raise self._too_large()
        return HttpResponse(self._status, self._headers, body)

    def _decode(self, data: bytes) -> None:
        while not self._decoder.eof:
            try:
                piece: bytes = self._decoder.decompress(data, _CHUNK)
            except zlib.error as error:
                if not self._allow_raw_deflate:
                    raise ProtocolError(
                        f"the response from {self.origin} does not have the content coding of its headers: {error}"
                    ) from error
                # Some servers send "deflate" without the zlib header.
                self._allow_raw_deflate = False
                self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
                continue
            self._allow_raw_deflate = False
            self._append(piece)
            data = self._decoder.unconsumed_tail
            if not data and len(piece) < _CHUNK:
                return

    def _append(self, piece: bytes) -> None:
        self._remaining -= len(piece)
        if self._remaining < 0:
            raise self._too_large()
        # A buffer instead of a list, because a hostile server can send pieces of one byte, each of them an object.
        self._body.write(piece)

    def _too_large(self) -> ResponseTooLarge:
        operation, target = self._call.operation, self._call.target.partition("?")[0]
        response = HttpResponse(self._status, self._headers, b"")
        return ResponseTooLarge(
            f"the response to {operation.name} ({operation.method} {target}) from {self.origin} exceeds the "
            f"client's limit of {self._limit} bytes, and was not read completely. If you expect responses of this "
            "size, create the client with a larger max_response_bytes, or None for no limit",
            response.status,
            response.request_id,
            self._limit,
            operation.name,
        )


def deadline_error(origin: str) -> TransportTimeout:
    """Return the error for a response that was not complete at the deadline."""
    return TransportTimeout(f"no complete response from {origin} before the deadline")


def check_open(pool: Pool | AsyncPool, http: Any) -> None:
    """Check that the caller's HTTP client is open.

    Raises:
        ConfigError: The HTTP client is closed.
    """
    if pool.is_custom and http.is_closed:
        raise ConfigError("the HTTP client of the argument http_client is closed")


def exchange(
    pool: Pool, http: Any, request: Any, seconds: float | None, reader: ResponseReader
) -> HttpResponse:
    """Send a request and return the complete response.

    Args:
        pool: The pool of the HTTP client.
        http: The HTTP client.
        request: The request.
        seconds: Seconds until the deadline; None for no deadline.
        reader: Reader of the body.

    Raises:
        TransportTimeout: The deadline passed.
        ResponseTooLarge: The response exceeds the client's limit.
        ProtocolError: The body does not have the content coding of the headers, or is incomplete.
        ConfigError: The caller's HTTP client is closed.
    """
    check_open(pool, http)
    if pool.is_local:
        request.extensions[WIRE_LIMIT] = reader.wire_limit
    if seconds is None or pool.is_local:
        return _receive(http, request, pool.options, reader)
    # The timeouts of a socket restart with each received byte, so they do not limit the duration of a slow response.
    # Another thread receives the response. If the deadline passes, that thread is abandoned.
    done: queue.SimpleQueue[tuple[HttpResponse | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((_receive(http, request, pool.options, reader), None))
        except BaseException as error:  # noqa: BLE001
            done.put((None, error))

    context = contextvars.copy_context()
    threading.Thread(target=lambda: context.run(run), name="batchcompute-call", daemon=True).start()
    try:
        response, error = done.get(timeout=seconds)
    except queue.Empty:
        raise deadline_error(reader.origin) from None
    if response is None:
        raise error or AssertionError("the thread returned neither a response nor an error")
    return response


def _receive(http: Any, request: Any, options: dict[str, Any], reader: ResponseReader) -> HttpResponse:
    response = http.send(request, stream=True, **options)
    try:
        if response.is_stream_consumed:
            # A transport or an event hook has read the body already.
            return reader.loaded(response)
        reader.begin(response)
        for piece in response.iter_raw():
            reader.feed(piece)
        return reader.end()
    except BaseException:
        # Closes the connection, which cannot be used again after an incomplete read.
        response.close()
        raise
