"""Requests of a runner to the object API of the service: connections, retries, grants and errors."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import random
import re
import ssl
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

from batchcompute.runner.aborting import Aborted, check_abort
from batchcompute.runner.grant_header import EXPIRED, RENEWAL, SCHEME

__all__ = ["Endpoint", "FilePart", "Session", "StorageUnreachable"]

# `http.client` and not httpx, because httpx takes longer to import than a runner may take to start. It follows no
# redirects and uses no proxies, so a grant reaches no other server.

T = TypeVar("T")

_CHUNK = 1024 * 1024
"""Bytes that are sent at once."""

_LONGEST_ERROR = 64 * 1024
"""Bytes of the body of an error that are read."""

_FIRST_DELAY = 0.2
_LONGEST_DELAY = 10.0
"""Seconds between two tries. The delay doubles, and a random part of it is left out."""

PATIENCE: Final = 300.0
"""Seconds for which a failing request is repeated. A service with many jobs can take minutes to restart."""

_REPEATED = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request can succeed."""

_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{1,2000})</Message>")

_ERRNO = {
    400: errno.EINVAL,
    401: errno.EACCES,
    403: errno.EACCES,
    404: errno.ENOENT,
    409: errno.EEXIST,
    413: errno.EFBIG,
}

_NETWORK = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.ENETRESET}
)
"""Errors of the network that have no class of their own."""


class StorageUnreachable(OSError):
    """The object storage does not answer, or cannot serve at this moment. Later, the same request can succeed."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part of an open file, as the body of a request."""

    fd: int
    """Descriptor of the file."""
    start: int
    """Offset of the first byte."""
    size: int
    """Number of bytes."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes.

        Raises:
            OSError: The file is shorter than before, or cannot be read.
        """
        at, end = self.start, self.start + self.size
        while at < end:
            piece = os.pread(self.fd, min(_CHUNK, end - at), at)
            if not piece:
                raise OSError(errno.EIO, "the file became shorter while it was uploaded")
            at += len(piece)
            yield piece


Body: TypeAlias = bytes | FilePart


def digest_of(body: Body) -> str:
    """Return the ``Content-MD5`` of a body."""
    digest = hashlib.md5(usedforsecurity=False)
    for piece in [body] if isinstance(body, bytes) else body.pieces():
        digest.update(piece)
    return b64encode(digest.digest()).decode("ascii")


class Endpoint:
    """The connections to one service, which all attempts of a runner share.

    Args:
        url: URL of the service, ``http://HOST:PORT`` or ``https://HOST:PORT``.
        certificates: Path of the certificates that the server is checked with; empty for those of the machine.
        timeout: Seconds without a byte after which a connection counts as broken.

    Raises:
        ValueError: The port is not a number.
        OSError: The certificates cannot be read.
    """

    def __init__(self, url: str, certificates: str = "", timeout: float = 60.0) -> None:
        parts = urlsplit(url)
        self.url: str = url
        """URL of the service."""
        self._host = parts.hostname or ""
        self._port = parts.port
        self._timeout = timeout
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._is_secure = parts.scheme == "https"
        if self._is_secure:
            self._context = ssl.create_default_context(cafile=certificates or None)

    def take(self, timeout: float = 0.0) -> tuple[http.client.HTTPConnection, bool]:
        """Return a connection, and whether it was used before. The server may have closed a used one.

        Args:
            timeout: Seconds without a byte after which it counts as broken; 0 for the default.
        """
        timeout = timeout or self._timeout
        try:
            connection = self._idle.pop()
        except IndexError:
            if self._is_secure:
                return (
                    http.client.HTTPSConnection(
                        self._host, self._port, timeout=timeout, context=self._context
                    ),
                    False,
                )
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout), False
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection, connection.sock is not None

    def put_back(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose response is completely read."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()


@dataclass(slots=True)
class _Failure:
    """A failed try of a request that may be repeated."""

    reason: str
    at_once: bool = False
    """Whether it is repeated without a delay."""
    refusal: OSError | None = None
    """The error if a new grant does not help; None if the try needs no new grant."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the object API. It is idempotent, so it may be sent again."""

    method: str
    """HTTP method."""
    target: str
    """Path and query, percent-encoded."""
    body: Body = field(default=b"", repr=False)
    """The body."""
    headers: Callable[[], Mapping[str, str]] = dict
    """Returns the headers of the next attempt."""
    timeout: float = 0.0
    """Seconds without a byte after which the connection counts as broken; 0 for the default."""


class Session:
    """Sends the requests of one attempt.

    Args:
        endpoint: The connections.
        grant: The grant of the attempt. It is renewed when it has expired.
        patience: Seconds in which a request that fails is repeated.
        abort: Aborts waiting; None for requests that cannot be aborted.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        grant: str,
        patience: float = PATIENCE,
        abort: threading.Event | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._grant = grant
        self._patience = patience
        self._abort = abort or threading.Event()
        self.unreachable: bool = False
        """Whether a request has failed because the storage did not answer."""

    def send(
        self,
        call: Call,
        receive: Callable[[http.client.HTTPResponse], T],
        abort: threading.Event | None = None,
    ) -> T:
        """Send a request, and repeat it while it fails, for `patience` seconds at most.

        Args:
            call: The request.
            receive: Reads a successful response to its end, and returns the result. It is called again if the connection
                breaks.
            abort: Aborts the request.

        Raises:
            FileNotFoundError: The object does not exist.
            PermissionError: The grant does not cover the request.
            StorageUnreachable: The storage did not answer for too long.
            OSError: The storage refuses the request.
            Aborted: The request was aborted.
        """
        delay = _FIRST_DELAY
        deadline = time.monotonic() + self._patience
        is_renewed = False
        while True:
            check_abort(abort)
            check_abort(self._abort)
            grant = self._grant
            outcome = self._once(call, receive, grant)
            if not isinstance(outcome, _Failure):
                return outcome[0]
            if outcome.refusal is not None:
                if is_renewed:
                    raise outcome.refusal
                is_renewed = True
                self._renew(grant, outcome.refusal, abort)
                continue
            if outcome.at_once:
                continue
            if time.monotonic() >= deadline:
                self.unreachable = True
                text = f"the object storage at {self._endpoint.url} did not serve a request: {outcome.reason}"
                raise StorageUnreachable(errno.EHOSTUNREACH, text)
            self._wait(delay * random.uniform(0.5, 1), abort)  # noqa: S311 - no secret
            delay = min(_LONGEST_DELAY, delay * 2)

    def _wait(self, seconds: float, abort: threading.Event | None) -> None:
        end = time.monotonic() + seconds
        # A thread cannot wait for two events, so this one looks at the second one five times a second.
        while (rest := end - time.monotonic()) > 0:
            if self._abort.wait(min(rest, 0.2)) or (abort is not None and abort.is_set()):
                raise Aborted

    def _once(
        self, call: Call, receive: Callable[[http.client.HTTPResponse], T], grant: str
    ) -> tuple[T] | _Failure:
        connection, is_used = self._endpoint.take(call.timeout)
        is_kept = False
        try:
            response = _exchange(connection, call, f"{SCHEME} {grant}")
            if 200 <= response.status < 300:
                result = receive(response)
                if not response.isclosed():
                    raise http.client.IncompleteRead(b"")
                is_kept = True
                return (result,)
            body = response.read(_LONGEST_ERROR)
            is_kept = response.isclosed()
            return self._failure(call, response.status, body)
        except (http.client.HTTPException, OSError) as error:
            if isinstance(error, OSError) and not _is_of_network(error):
                raise
            return _Failure(
                _text_of(error), is_used and isinstance(error, (ConnectionError, http.client.BadStatusLine))
            )
        except _Unreachable as error:
            return _Failure(str(error))
        finally:
            if is_kept:
                self._endpoint.put_back(connection)
            else:
                connection.close()

    def _failure(self, call: Call, status: int, body: bytes) -> _Failure:
        code, message = _error_of(body)
        shown = f"{status} {code}: {message}" if code else f"{status}"
        if status in _REPEATED:
            return _Failure(shown)
        path = call.target.partition("?")[0]
        text = f"{call.method} of {path} at {self._endpoint.url} was refused: {shown}"
        # OSError chooses the class by the number.
        error = OSError(_ERRNO.get(status, errno.EIO), text[:2000])
        if status == 403 and (code == EXPIRED or call.method == "HEAD"):
            # The response to a HEAD has no body that says whether the grant has expired.
            return _Failure(shown, refusal=error)
        raise error

    def _renew(self, grant: str, refusal: OSError, abort: threading.Event | None) -> None:
        def receive(response: http.client.HTTPResponse) -> str:
            return response.read(_LONGEST_ERROR).decode("ascii", "replace").strip()

        if self._grant != grant:
            # Another thread has renewed it.
            return
        try:
            renewed = self.send(Call("POST", RENEWAL), receive, abort)
        except PermissionError as error:
            raise refusal from error
        if not renewed or " " in renewed or not renewed.isprintable():
            raise PermissionError(errno.EACCES, f"{self._endpoint.url} sent no grant")
        self._grant = renewed


class _Unreachable(Exception):
    """The server cannot be connected to."""


def _exchange(
    connection: http.client.HTTPConnection, call: Call, authorization: str
) -> http.client.HTTPResponse:
    body = call.body
    size = len(body) if isinstance(body, bytes) else body.size
    if connection.sock is None:
        try:
            connection.connect()
        except OSError as error:
            # Also a name that cannot be resolved, and a certificate that is not trusted.
            raise _Unreachable(_text_of(error)) from error
    connection.putrequest(call.method, call.target, skip_accept_encoding=True)
    connection.putheader("Authorization", authorization)
    for name, value in call.headers().items():
        connection.putheader(name, value)
    if call.method in ("PUT", "POST"):
        connection.putheader("Content-Length", str(size))
    pieces = iter([body] if body else []) if isinstance(body, bytes) else body.pieces()
    try:
        connection.endheaders()
        for piece in pieces:
            connection.send(piece)
    except (BrokenPipeError, ConnectionResetError):
        # The server has refused the request before it has read the body. The response says why.
        try:
            return connection.getresponse()
        except (http.client.HTTPException, OSError):
            pass
        raise
    return connection.getresponse()


def _is_of_network(error: OSError) -> bool:
    return isinstance(error, (ConnectionError, TimeoutError, ssl.SSLError)) or error.errno in _NETWORK


def _text_of(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _error_of(body: bytes) -> tuple[str, str]:
    """Return the code and the message of an error; empty texts if the body is not one of the object API."""
    code, message = _CODE.search(body), _MESSAGE.search(body)
    text = message[1].decode("utf-8", "replace") if message else ""
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return (code[1].decode("utf-8", "replace") if code else ""), text
