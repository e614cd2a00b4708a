"""A change of which nobody here knows whether it happened."""

from __future__ import annotations

from batchcompute.errors._answers import ClientError, ResponseError, ServerError
from batchcompute.errors._base import BatchComputeError
from batchcompute.errors._transport import ProtocolError, TransportTimeout

__all__: list[str] = []


class OutcomeUnknown(ClientError):
    """A create or an action may have happened: no answer to it was understood.

    What is raised is always also an instance of the last such failure's class, so that whoever
    catches `TransportTimeout`, `ProtocolError`, `ServerError` or `ResponseError` has it, too.
    A create is repeated safely with the token: if the first one happened, the service answers with
    the same resource.

    Args:
        status: HTTP status of the last answer that left it open; 0 where none came.
        code: The service's error code; ``OutcomeUnknown`` where no answer came.
        request_id: The service's id of the request.
        msg: What is unknown and why.
        operation: Name of the client's method.
        token: The idempotent token that every attempt carried; empty but for creates.

    Example:
        >>> try:
        ...     job = client.create_job(description)
        ... except OutcomeUnknown as error:
        ...     job = client.create_job(description, token=error.token)
    """

    operation: str
    """Name of the client's method."""
    token: str
    """The idempotent token that every attempt carried; empty but for creates."""

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
        # Not left to the classes that it shares an instance with: OSError makes its own of arguments.
        setattr(self, "args", (status, code, request_id, msg, operation, token))  # noqa: B010
        self.operation = operation
        self.token = token


class OutcomeUnknownAfterTimeout(OutcomeUnknown, TransportTimeout):
    """The outcome is unknown because no answer came in time."""


class OutcomeUnknownAfterBreak(OutcomeUnknown, ProtocolError):
    """The outcome is unknown because the connection broke."""


class OutcomeUnknownAfterFailure(OutcomeUnknown, ServerError):
    """The outcome is unknown because the service failed while it worked on the request."""


class OutcomeUnknownAfterNonsense(OutcomeUnknown, ResponseError):
    """The outcome is unknown because the answer made no sense."""

    body: bytes = b""
    """The answer as it came."""


def outcome_unknown(error: BatchComputeError, operation: str, token: str) -> OutcomeUnknown:
    """Make the exception for a call of which this failure left the outcome open.

    Args:
        error: The failure.
        operation: Name of the client's method.
        token: The idempotent token that was sent, if one was.
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
        # Not before: it needs the standard library's HTTP and TLS.
        from batchcompute.errors import network

        broke = isinstance(error, network.ConnectionBroke)
        cls = network.OutcomeUnknownAfterBrokenConnection if broke else OutcomeUnknownAfterBreak
    if token:
        advice = f"call it again with token={token!r}: what exists already is not made twice"
    else:
        advice = "read the state before you call it again"
    reason = error.msg or error.code if isinstance(error, ClientError) else str(error)
    made = cls(
        status, code, request_id, f"{operation} may have happened: {reason}; {advice}", operation, token
    )
    if isinstance(error, ResponseError) and isinstance(made, OutcomeUnknownAfterNonsense):
        made.body = error.body
    return made
