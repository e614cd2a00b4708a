"""Failures of the network that are of the standard library's classes, too.

The old SDK sent with ``http.client`` and let its errors through, so old programs catch ``http.client.HTTPException``,
``ssl.SSLError``, ``socket.gaierror`` or ``ConnectionRefusedError``. Nobody needs to name the classes below: each is
a `ConnectError`, `TLSError` or `ProtocolError`.

Apart from the other exceptions, because it imports HTTP and TLS, which ``import batchcompute`` does not.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TypeVar

from batchcompute.errors._base import BatchComputeError
from batchcompute.errors._transport import ConnectError, ProtocolError, TLSError, TransportError
from batchcompute.errors._unknown import OutcomeUnknownAfterBreak

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


E = TypeVar("E", bound=TransportError)


class _Ours(BatchComputeError):
    """Made and shown like our own errors, whatever the standard library's class does."""

    def __init__(self, *args: object) -> None:
        self.args = args

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"


class ConnectionRefused(_Ours, ConnectError, ConnectionRefusedError):
    """Nothing listens there."""


class ConnectionReset(_Ours, ConnectError, ConnectionResetError):
    """The connection broke while it was made."""


class ConnectTimedOut(_Ours, ConnectError, TimeoutError):
    """The connection was not made in time."""


class HostUnknown(_Ours, ConnectError, socket.gaierror):
    """The name of the host has no address."""


class TLSFailed(_Ours, TLSError, ssl.SSLError):
    """The other side's TLS was refused."""

    library: str = ""
    """Part of OpenSSL that refused."""
    reason: str = ""
    """OpenSSL's name for what was wrong."""


class CertificateRefused(TLSFailed, ssl.SSLCertVerificationError):
    """The other side's certificate is not trusted."""

    verify_code: int = 0
    """OpenSSL's number for what was wrong with it."""
    verify_message: str = ""
    """OpenSSL's text for it."""


class ConnectionBroke(
    _Ours, ProtocolError, BrokenPipeError, http.client.RemoteDisconnected, http.client.IncompleteRead
):
    """The connection broke, or the other side spoke no HTTP."""

    partial: bytes = b""
    """What came of the answer; it is not kept."""
    expected: int | None = None
    """How much more was to come; not known."""
    line: str = ""
    """The line that is no HTTP; it is not kept."""


class OutcomeUnknownAfterBrokenConnection(OutcomeUnknownAfterBreak, ConnectionBroke):
    """The outcome is unknown because the connection broke."""


_CONNECT = (
    (ConnectionRefusedError, ConnectionRefused),
    (ConnectionResetError, ConnectionReset),
    (TimeoutError, ConnectTimedOut),
    (socket.gaierror, HostUnknown),
)


def connect_error(message: str, cause: OSError | None) -> ConnectError:
    """Make the error for a connection that was not made.

    Args:
        message: What could not be connected to, and why.
        cause: The operating system's own error, if there was one.
    """
    cls = next((ours for theirs, ours in _CONNECT if isinstance(cause, theirs)), ConnectError)
    return _with_number(cls(message), cause)


def tls_error(message: str, cause: ssl.SSLError) -> TLSFailed:
    """Make the error for a connection whose TLS, or certificate, was refused.

    Args:
        message: What could not be connected to, and why.
        cause: The TLS library's own error.
    """
    made = (CertificateRefused if isinstance(cause, ssl.SSLCertVerificationError) else TLSFailed)(message)
    for name in ("library", "reason", "verify_code", "verify_message"):
        if hasattr(made, name) and getattr(cause, name, None):
            setattr(made, name, getattr(cause, name))
    return _with_number(made, cause)


def broken(message: str, cause: OSError | None) -> ConnectionBroke:
    """Make the error for a connection that broke.

    Args:
        message: Which connection, and why.
        cause: The operating system's own error, if there was one.
    """
    return _with_number(ConnectionBroke(message), cause)


def _with_number(made: E, cause: OSError | None) -> E:
    if cause is not None:
        made.errno, made.strerror = cause.errno, cause.strerror
    return made
