"""Exceptions of calls to which no complete response arrived."""

from __future__ import annotations

from batchcompute.errors._base import BatchComputeError

__all__: list[str] = []


class TransportError(BatchComputeError, OSError):
    """No complete response arrived. The exception of the HTTP library is the ``__cause__``.

    It is an `OSError`, because callers of the old SDK caught that class here. Where the standard library
    has a class for the failure, the exception is an instance of it, too (`batchcompute.errors.network`).
    """

    errno: int | None = None
    """Error number of the operating system; None if it is not known."""
    strerror: str | None = None
    """Error text of the operating system; None if it is not known."""


class ConnectError(TransportError, ConnectionError):
    """No connection was made, so the service did not receive the request."""


class TLSError(ConnectError):
    """The TLS handshake or the check of the certificate failed, so no request was sent.

    The client does not retry a call whose certificate is not trusted, because a retry fails in the same way.
    """


class TransportTimeout(TransportError, TimeoutError):
    """A time limit passed before the response was complete; the service may have received the request."""


class ProtocolError(TransportError, ConnectionError):
    """The connection broke, or the peer does not speak HTTP; the service may have received the request."""
