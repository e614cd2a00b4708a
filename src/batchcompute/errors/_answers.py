"""The service answered: refusals by meaning, and answers that make no sense."""

from __future__ import annotations

from batchcompute.errors._base import BatchComputeError
from batchcompute.errors._values import JSONError

__all__: list[str] = []


class ClientError(BatchComputeError):
    """The service answered with a status outside 2xx (REST API, 7).

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
        # The old SDK's own words, for those who search their logs by them.
        parts = [f"HTTP Status: {self.status}"] if self.status else []
        parts += [f"Code: {self.code}"] + ([f"RequestID: {self.request_id}"] if self.request_id else [])
        return ", ".join([*parts, f"Message: {self.msg.removesuffix('.')}."])


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
    """The resource's state does not allow the action (409), or its name is taken (403 ``….AlreadyExisting``)."""


class ThrottledError(ClientError):
    """Too many requests (429, or a code that starts with ``Throttling``)."""


class ServerError(ClientError):
    """The service failed (5xx)."""


# The vendor never published these codes (REST API, 1.5), so they are matched by their beginnings.
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
    if status == 409 or code.endswith(".AlreadyExisting"):
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


class ResponseError(JSONError, TypeError):
    """An answer came that cannot be understood.

    Also a JSONError, which the old SDK raised for an answer that is no JSON, and a TypeError, which came
    of one that is JSON of another shape.

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


class ResponseTooLarge(ResponseError):
    """The body of an answer is larger than the client's ``max_response_bytes``.

    The size counts after decompression. The answer was not read to its end, and its connection was
    closed. The call is not repeated, because the answer would be as large again.

    Args:
        message: Which answer, and what the limit is.
        status: HTTP status of the answer.
        request_id: The service's id of the request.
        limit: The client's ``max_response_bytes``.
        operation: Name of the client's method.
    """

    limit: int
    """The client's ``max_response_bytes``, in bytes."""
    operation: str
    """Name of the client's method, for example ``list_jobs``; ``get_object`` for a read of object storage."""
    body: bytes
    """Always empty: what was read of the answer is not kept."""

    def __init__(
        self, message: str, status: int = 0, request_id: str = "", limit: int = 0, operation: str = ""
    ) -> None:
        super().__init__(message, status, request_id)
        self.limit = limit
        self.operation = operation
