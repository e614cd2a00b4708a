"""Transport exceptions that are also instances of the standard library's network exceptions."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TypeVar

from batchcompute.errors._base import BatchComputeError
from batchcompute.errors._outcome_unknown import OutcomeUnknownAfterBreak
from batchcompute.errors._transport import ConnectError, ProtocolError, TLSError, TransportError

__all__ = [
    "CertificateRefused",
    "ConnectTimedOut",
    "ConnectionBroke",
    "ConnectionRefused",
    "ConnectionReset",
    "HostUnknown",
    "OutcomeUnknownAfterBrokenConnection",
    "TLSFailed",
]


# The old SDK used ``http.client`` and did not translate its exceptions. Old programs therefore catch
# ``http.client.HTTPException``, ``ssl.SSLError``, ``socket.gaierror`` or ``ConnectionRefusedError``. New programs
# catch `ConnectError`, `TLSError` or `ProtocolError`, the bases of the classes below.
# The module is loaded on demand, because it imports HTTP and TLS, and ``import batchcompute`` must stay light.

E = TypeVar("E", bound=TransportError)


class _PlainException(BatchComputeError):
    """Replaces the constructor and the text of the standard library's classes by those of `Exception`."""

    def __init__(self, *args: object) -> None:
        self.args = args

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"


class ConnectionRefused(_PlainException, ConnectError, ConnectionRefusedError):
    """The host refused the connection, because no process listens at the port."""


class ConnectionReset(_PlainException, ConnectError, ConnectionResetError):
    """The host reset the connection during the handshake."""


class ConnectTimedOut(_PlainException, ConnectError, TimeoutError):
    """No connection was established in time."""


class HostUnknown(_PlainException, ConnectError, socket.gaierror):
    """The host name has no address."""


class TLSFailed(_PlainException, TLSError, ssl.SSLError):
    """The TLS handshake failed."""

    library: str = ""
    """The part of OpenSSL that reported the error."""
    reason: str = ""
    """OpenSSL's name of the error."""


class CertificateRefused(TLSFailed, ssl.SSLCertVerificationError):
    """The certificate of the host is not trusted."""

    verify_code: int = 0
    """OpenSSL's number of the error."""
    verify_message: str = ""
    """OpenSSL's text of the error."""


class ConnectionBroke(
    _PlainException,
    ProtocolError,
    BrokenPipeError,
    http.client.RemoteDisconnected,
    http.client.IncompleteRead,
):
    """The connection broke, or the peer does not speak HTTP."""

    partial: bytes = b""
    """Always empty; the received part of the response is discarded."""
    expected: int | None = None
    """Always None; the number of missing bytes is not known."""
    line: str = ""
    """Always empty; the line that is not HTTP is discarded."""


class OutcomeUnknownAfterBrokenConnection(OutcomeUnknownAfterBreak, ConnectionBroke):
    """The outcome is unknown because the connection broke."""


_CONNECT = (
    (ConnectionRefusedError, ConnectionRefused),
    (ConnectionResetError, ConnectionReset),
    (TimeoutError, ConnectTimedOut),
    (socket.gaierror, HostUnknown),
)


def connect_error(message: str, cause: OSError | None) -> ConnectError:
    """Return the error for a connection that cannot be established.

    Args:
        message: The host and the reason.
        cause: The error of the operating system; None if there is none.
    """
    cls = next((own for standard, own in _CONNECT if isinstance(cause, standard)), ConnectError)
    return _with_errno(cls(message), cause)


def tls_error(message: str, cause: ssl.SSLError) -> TLSFailed:
    """Return the error for a connection whose TLS handshake or certificate failed.

    Args:
        message: The host and the reason.
        cause: The error of the TLS library.
    """
    error = (CertificateRefused if isinstance(cause, ssl.SSLCertVerificationError) else TLSFailed)(message)
    for name in ("library", "reason", "verify_code", "verify_message"):
        if hasattr(error, name) and getattr(cause, name, None):
            setattr(error, name, getattr(cause, name))
    return _with_errno(error, cause)


def connection_broke(message: str, cause: OSError | None) -> ConnectionBroke:
    """Return the error for a connection that broke.

    Args:
        message: The connection and the reason.
        cause: The error of the operating system; None if there is none.
    """
    return _with_errno(ConnectionBroke(message), cause)


def _with_errno(error: E, cause: OSError | None) -> E:
    if cause is not None:
        error.errno, error.strerror = cause.errno, cause.strerror
    return error
