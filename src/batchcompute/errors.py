"""Every exception that this package raises.

The tree::

    BatchComputeError
    ├── ClientError               the service answered, and refused
    │   ├── InvalidParameterError   400, and 403 codes that speak of the request itself
    │   ├── AuthenticationError     the signature, the key or the clock was refused
    │   ├── ForbiddenError          403 Forbidden
    │   ├── QuotaError              403 QuotaExhausted
    │   ├── NotFoundError           404
    │   ├── StateConflictError      409
    │   ├── ThrottledError          429, or a code that starts with Throttling
    │   └── ServerError             5xx
    ├── TransportError            no whole answer came back
    │   ├── ConnectError            the connection was never made: the request was not received
    │   ├── TransportTimeout        the time limit ended first
    │   └── ProtocolError           the connection broke, or spoke no HTTP
    ├── ResponseError             an answer came that cannot be understood
    ├── ValidationError           a value is wrong (also a TypeError and a ValueError)
    ├── JSONError                 a text is not JSON, or not a JSON object (also a ValueError)
    ├── FieldError                ``description["Nope"] = 1``: there is no such field (also a KeyError)
    └── ConfigError               the client or the local service is set up wrongly

    UnknownFieldWarning           an undeclared attribute was set; it never reaches the wire

All of them hold plain data only, so that they pickle, copy and cross process borders, and none
holds a secret. The five names of the old SDK (``ClientError``, ``FieldError``, ``ValidationError``,
``JSONError``/``JsonError``, ``ConfigError``) mean what they meant there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "AuthenticationError",
    "BatchComputeError",
    "ClientError",
    "ConfigError",
    "ConnectError",
    "FieldError",
    "ForbiddenError",
    "InvalidParameterError",
    "JSONError",
    "JsonError",
    "NotFoundError",
    "Problem",
    "ProtocolError",
    "QuotaError",
    "ResponseError",
    "ServerError",
    "StateConflictError",
    "ThrottledError",
    "TransportError",
    "TransportTimeout",
    "UnknownFieldWarning",
    "ValidationError",
    "client_error",
]


class BatchComputeError(Exception):
    """The base of everything that this package raises."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception.__reduce__ calls the class with `args`, which fails for every class whose
        # constructor takes other arguments (encode/httpx PR 3207 shows what users see then).
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


def _rebuild(cls: type[BatchComputeError], args: tuple[Any, ...], state: dict[str, Any]) -> BatchComputeError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ClientError(BatchComputeError):
    """The service answered with a status outside 2xx (reference, section 7).

    Args:
        status: HTTP status of the answer.
        code: The service's error code, for example ``StateConflict``.
        request_id: The service's id of the request, to be named when asking for help.
        msg: The service's message.
    """

    status: int
    """HTTP status of the answer."""
    code: str
    """The service's error code, for example ``StateConflict``."""
    request_id: str
    """The service's id of the request; empty when the answer had none."""
    msg: str
    """The service's message."""
    retry_after: float | None
    """Seconds after which the service asked to be called again; None where it did not ask."""

    def __init__(self, status: int, code: str = "", request_id: str = "", msg: str = "") -> None:
        super().__init__(status, code, request_id, msg)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.msg = msg
        self.retry_after = None

    @property
    def requestid(self) -> str:
        """The old spelling of ``request_id``."""
        return self.request_id

    def get_status_code(self) -> int:
        """Return the HTTP status of the answer."""
        return self.status

    def get_code(self) -> str:
        """Return the service's error code."""
        return self.code

    def get_requestid(self) -> str:
        """Return the service's id of the request."""
        return self.request_id

    def get_msg(self) -> str:
        """Return the service's message."""
        return self.msg

    def __str__(self) -> str:
        text = f"{self.status} {self.code}: {self.msg}"
        return f"{text} (request id {self.request_id})" if self.request_id else text


class InvalidParameterError(ClientError):
    """The service found a parameter, the body or the URL wrong (most 400 answers)."""


class AuthenticationError(ClientError):
    """The service refused the signature, the access key or the clock."""


class ForbiddenError(ClientError):
    """The caller may not do this with this resource (403)."""


class QuotaError(ClientError):
    """A quota of the account is used up (403 ``QuotaExhausted``)."""


class NotFoundError(ClientError):
    """There is no such resource (404)."""


class StateConflictError(ClientError):
    """The resource's state does not allow the action (409)."""


class ThrottledError(ClientError):
    """Too many requests (429, or a code that starts with ``Throttling``)."""


class ServerError(ClientError):
    """The service failed (5xx)."""


# Codes of reference section 1.5; the vendor never published these, so ours are matched by name.
_AUTHENTICATION_CODES = (
    "InvalidAuthorization",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "InvalidTimeStamp",
    "SignatureNonceUsed",
)


def _class_for(status: int, code: str) -> type[ClientError]:
    if code.startswith(_AUTHENTICATION_CODES):
        return AuthenticationError
    if code.startswith("Throttling") or status == 429:
        return ThrottledError
    if code.startswith("Quota"):
        return QuotaError
    if status == 404:
        return NotFoundError
    if status == 409:
        return StateConflictError
    if status == 403 and not code.startswith(("Invalid", "Missing")):
        return ForbiddenError
    if status >= 500:
        return ServerError
    if 400 <= status < 500:
        return InvalidParameterError
    return ClientError


def client_error(status: int, code: str, request_id: str, msg: str) -> ClientError:
    """Make the ``ClientError`` subclass that fits an answer."""
    return _class_for(status, code)(status, code, request_id, msg)


class TransportError(BatchComputeError):
    """No whole answer came back; the library's own exception is the ``__cause__``."""


class ConnectError(TransportError):
    """The connection was never made, so the service did not receive the request."""


class TransportTimeout(TransportError, TimeoutError):
    """A time limit ended before the answer was there; the request may have been received."""


class ProtocolError(TransportError):
    """The connection broke, or the other side spoke no HTTP; the request may have been received."""


class ResponseError(BatchComputeError):
    """An answer came that cannot be understood.

    Args:
        message: What is wrong with it.
        status: HTTP status of the answer.
        request_id: The service's id of the request.
        body: The answer as it came.
    """

    status: int
    """HTTP status of the answer."""
    request_id: str
    """The service's id of the request; empty when the answer had none."""
    body: bytes
    """The answer as it came."""

    def __init__(self, message: str, status: int = 0, request_id: str = "", body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.body = body


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a value."""

    path: str
    """Where, in wire spelling: ``DAG.Tasks.Echo.InstanceCount``."""
    value: str
    """The bad value as text, shortened; ``***`` where the field holds a secret."""
    allowed: str
    """What is wrong with it, and what is allowed."""
    kind: Literal["missing", "invalid", "cycle"] = "invalid"
    """Which of the service's error codes it would get (reference, section 7)."""

    def __str__(self) -> str:
        shown = f" (got {self.value})" if self.value else ""
        return f"{self.path}: {self.allowed}{shown}" if self.path else f"{self.allowed}{shown}"


class ValidationError(BatchComputeError, TypeError, ValueError):
    """One or more values are wrong; nothing was sent.

    Old programs may catch it as ``TypeError``, which the old SDK raised for wrong types.

    Args:
        problems: A text, or everything that is wrong at once.
        subject: What was checked, for example ``JobDescription``.
    """

    problems: tuple[Problem, ...]
    """Everything that is wrong, each with its path."""
    subject: str
    """What was checked."""

    def __init__(self, problems: str | Iterable[Problem], subject: str = "") -> None:
        if isinstance(problems, str):
            problems = (Problem("", "", problems),)
        self.problems = tuple(problems)
        self.subject = subject
        lines = [str(problem) for problem in self.problems]
        head = f"{subject}: " if subject else ""
        if len(lines) == 1:
            super().__init__(head + lines[0])
        else:
            super().__init__(head + f"{len(lines)} problems\n  " + "\n  ".join(lines))


class JSONError(BatchComputeError, ValueError):
    """A text is not JSON, or is JSON but not an object."""


JsonError = JSONError
"""The old SDK's second spelling of ``JSONError``."""


class FieldError(BatchComputeError, KeyError):
    """There is no such field to set."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message.
        return str(self.args[0]) if self.args else ""


class ConfigError(BatchComputeError):
    """The client or the local service is set up wrongly; the message says how to mend it."""


class UnknownFieldWarning(UserWarning):
    """An attribute that the class does not declare was set; it stays local to the object.

    Turn it into an error with ``warnings.simplefilter("error", UnknownFieldWarning)``.
    """
