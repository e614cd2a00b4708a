"""No whole answer came back."""

from __future__ import annotations

from batchcompute.errors._base import BatchComputeError

__all__: list[str] = []


class TransportError(BatchComputeError, OSError):
    """No whole answer came back; the library's own exception is the ``__cause__``.

    Also an OSError, which is what the old SDK's callers had to catch here.
    """


class ConnectError(TransportError):
    """The connection was never made, so the service did not receive the request."""


class TLSError(ConnectError):
    """The other side's certificate or its TLS was refused, so no request was sent.

    A certificate that is not trusted is not tried again: it would not be trusted then, either.
    """


class TransportTimeout(TransportError, TimeoutError):
    """A time limit ended before the answer was there; the request may have been received."""


class ProtocolError(TransportError):
    """The connection broke, or the other side spoke no HTTP; the request may have been received."""
