"""No whole answer came back."""

from __future__ import annotations

from batchcompute.errors._base import BatchComputeError

__all__: list[str] = []


class TransportError(BatchComputeError, OSError):
    """No whole answer came back; the library's own exception is the ``__cause__``.

    Also an OSError, which is what the old SDK's callers had to catch here. What a client raises is of the
    standard library's own class for the failure, too, where there is one (`batchcompute.errors.network`).
    """

    errno: int | None = None
    """Number of the operating system's error; None where it is not known."""
    strerror: str | None = None
    """The operating system's text for it; None where it is not known."""


class ConnectError(TransportError, ConnectionError):
    """The connection was never made, so the service did not receive the request."""


class TLSError(ConnectError):
    """The other side's certificate or its TLS was refused, so no request was sent.

    A certificate that is not trusted is not tried again: it would not be trusted then, either.
    """


class TransportTimeout(TransportError, TimeoutError):
    """A time limit ended before the answer was there; the request may have been received."""


class ProtocolError(TransportError, ConnectionError):
    """The connection broke, or the other side spoke no HTTP; the request may have been received."""
