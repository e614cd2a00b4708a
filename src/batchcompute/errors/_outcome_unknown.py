"""Exceptions of creates and actions whose outcome is unknown."""

from __future__ import annotations

from batchcompute.errors._base import BatchComputeError
from batchcompute.errors._responses import ClientError, ResponseError, ServerError
from batchcompute.errors._transport import ProtocolError, TransportTimeout

__all__: list[str] = []


class OutcomeUnknown(ClientError):
    """A create or an action may have been executed, but no usable response to it arrived.

    The exception is also an instance of the class of the last such failure, so code that catches
    `TransportTimeout`, `ProtocolError`, `ServerError` or `ResponseError` catches it, too. A create can be
    repeated safely with ``token``: if the first attempt created the resource, the service responds with
    that resource.

    Args:
        status: HTTP status of the last inconclusive response; 0 if none arrived.
        code: The service's error code; ``OutcomeUnknown`` if no response arrived.
        request_id: The service's id of the request.
        msg: The operation and the reason.
        operation: Name of the client's method.
        token: The idempotent token of all attempts; empty for operations other than creates.

    Example:
        >>> try:
        ...     job = client.create_job(description)
        ... except OutcomeUnknown as error:
        ...     job = client.create_job(description, token=error.token)
    """

    operation: str
    """Name of the client's method."""
    token: str
    """The idempotent token of all attempts; empty for operations other than creates."""

    def __init__(
        self,
        status: int = 0,
        code: str = "OutcomeUnknown",
        request_id: str = "",
        msg: str = "",
        operation: str = "",
        token: str = "",
    ) -> None:
        super().__init__(status, code, request_id, msg)
        # Set here, because the subclasses that are an OSError would derive `args` in their own way.
        setattr(self, "args", (status, code, request_id, msg, operation, token))  # noqa: B010
        self.operation = operation
        self.token = token


class OutcomeUnknownAfterTimeout(OutcomeUnknown, TransportTimeout):
    """The outcome is unknown because no response arrived in time."""


class OutcomeUnknownAfterBreak(OutcomeUnknown, ProtocolError):
    """The outcome is unknown because the connection broke."""


class OutcomeUnknownAfterFailure(OutcomeUnknown, ServerError):
    """The outcome is unknown because the service failed while it processed the request."""


class OutcomeUnknownAfterNonsense(OutcomeUnknown, ResponseError):
    """The outcome is unknown because the response could not be parsed."""

    body: bytes = b""
    """Body of the response."""


def outcome_unknown(error: BatchComputeError, operation: str, token: str) -> OutcomeUnknown:
    """Return the exception for a call whose outcome is unknown after a failure.

    Args:
        error: The failure.
        operation: Name of the client's method.
        token: The idempotent token of the request; empty if it had none.
    """
    status, code, request_id = 0, "OutcomeUnknown", ""
    if isinstance(error, ClientError):
        status, code, request_id = error.status, error.code, error.request_id
    elif isinstance(error, ResponseError):
        status, request_id = error.status, error.request_id
    if isinstance(error, TransportTimeout):
        cls: type[OutcomeUnknown] = OutcomeUnknownAfterTimeout
    elif isinstance(error, ResponseError):
        cls = OutcomeUnknownAfterNonsense
    elif isinstance(error, ClientError):
        cls = OutcomeUnknownAfterFailure
    else:
        # Imported here, because the module loads the standard library's HTTP and TLS.
        from batchcompute.errors import network

        broke = isinstance(error, network.ConnectionBroke)
        cls = network.OutcomeUnknownAfterBrokenConnection if broke else OutcomeUnknownAfterBreak
    if token:
        advice = f"call it again with token={token!r}; the service then returns the existing resource"
    else:
        advice = "read the state before you call it again"
    reason = error.msg or error.code if isinstance(error, ClientError) else str(error)
    message = f"{operation} may have been executed: {reason}; {advice}"
    result = cls(status, code, request_id, message, operation, token)
    if isinstance(error, ResponseError) and isinstance(result, OutcomeUnknownAfterNonsense):
        result.body = error.body
    return result
