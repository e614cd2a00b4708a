"""Exceptions of responses: error responses by meaning, and responses that cannot be parsed."""

from __future__ import annotations

from batchcompute.errors._base import BatchComputeError
from batchcompute.errors._values import JSONError

__all__: list[str] = []


class ClientError(BatchComputeError):
    """The service responded with a status outside 2xx (REST API, 7).

    Args:
        status: HTTP status of the response.
        code: The service's error code, for example ``StateConflict``.
        request_id: The service's id of the request, for questions to its operator.
        msg: The service's message.
    """

    status: int
    """HTTP status of the response."""
    code: str
    """The service's error code, for example ``StateConflict``."""
    request_id: str
    """The service's id of the request; empty if the response has none."""
    msg: str
    """The service's message."""
    retry_after: float | None
    """Seconds to wait before the next request, as the response says; None if it does not say."""

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
        """Return the HTTP status of the response."""
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
        # The format of the old SDK, because programs search their logs for it.
        parts = [f"HTTP Status: {self.status}"] if self.status else []
        parts += [f"Code: {self.code}"] + ([f"RequestID: {self.request_id}"] if self.request_id else [])
        return ", ".join([*parts, f"Message: {self.msg.removesuffix('.')}."])


class InvalidParameterError(ClientError):
    """A parameter, the body or the URL is invalid (most responses with status 400)."""


class AuthenticationError(ClientError):
    """The service rejected the signature, the access key or the date."""


class ForbiddenError(ClientError):
    """The caller has no permission for this operation on this resource (403)."""


class QuotaError(ClientError):
    """A quota of the account is exhausted (403 ``QuotaExhausted``)."""


class NotFoundError(ClientError):
    """The resource does not exist (404)."""


class StateConflictError(ClientError):
    """The resource's state forbids the operation (409), or its name is taken (403 ``….AlreadyExisting``)."""


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
    """Return an instance of the ``ClientError`` subclass for an error response."""
    return _class_for(status, code)(status, code, request_id, msg)


class ResponseError(JSONError, TypeError):
    """A response cannot be parsed.

    It is a `JSONError` and a `TypeError`, because the old SDK raised the former for a response that is not
    JSON, and the latter for JSON of an unexpected type.

    Args:
        message: The reason.
        status: HTTP status of the response.
        request_id: The service's id of the request.
        body: Body of the response.
    """

    status: int
    """HTTP status of the response."""
    request_id: str
    """The service's id of the request; empty if the response has none."""
    body: bytes
    """Body of the response."""

    def __init__(self, message: str, status: int = 0, request_id: str = "", body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.body = body


class ResponseTooLarge(ResponseError):
    """The body of a response exceeds the client's ``max_response_bytes``.

    The limit is for the size after decompression. The client stops reading and closes the connection. It does
    not retry the call, because the next response would be as large.

    Args:
        message: The response and the limit.
        status: HTTP status of the response.
        request_id: The service's id of the request.
        limit: The client's ``max_response_bytes``.
        operation: Name of the client's method.
    """

    limit: int
    """The client's ``max_response_bytes``, in bytes."""
    operation: str
    """Name of the client's method, for example ``list_jobs``; ``get_object`` for an object of the object storage."""
    body: bytes
    """Always empty; the part that was read is discarded."""

    def __init__(
        self, message: str, status: int = 0, request_id: str = "", limit: int = 0, operation: str = ""
    ) -> None:
        super().__init__(message, status, request_id)
        self.limit = limit
        self.operation = operation
