"""All exceptions of this package; the docstring of `BatchComputeError` shows the tree."""

from __future__ import annotations

from batchcompute.errors._base import Attempt, BatchComputeError
from batchcompute.errors._jobs import FailedInstance, JobFailedError, LogsUnavailable, WaitTimeout
from batchcompute.errors._local import LocalServiceError
from batchcompute.errors._outcome_unknown import (
    OutcomeUnknown,
    OutcomeUnknownAfterBreak,
    OutcomeUnknownAfterFailure,
    OutcomeUnknownAfterNonsense,
    OutcomeUnknownAfterTimeout,
    outcome_unknown,
)
from batchcompute.errors._responses import (
    AuthenticationError,
    ClientError,
    ForbiddenError,
    InvalidParameterError,
    NotFoundError,
    QuotaError,
    ResponseError,
    ResponseTooLarge,
    ServerError,
    StateConflictError,
    ThrottledError,
    client_error,
)
from batchcompute.errors._transport import (
    ConnectError,
    ProtocolError,
    TLSError,
    TransportError,
    TransportTimeout,
)
from batchcompute.errors._values import (
    ConfigError,
    FieldError,
    JSONError,
    JsonError,
    Problem,
    UnknownFieldWarning,
    ValidationError,
)

__all__ = [
    "Attempt",
    "AuthenticationError",
    "BatchComputeError",
    "ClientError",
    "ConfigError",
    "ConnectError",
    "FailedInstance",
    "FieldError",
    "ForbiddenError",
    "InvalidParameterError",
    "JSONError",
    "JobFailedError",
    "JsonError",
    "LocalServiceError",
    "LogsUnavailable",
    "NotFoundError",
    "OutcomeUnknown",
    "OutcomeUnknownAfterBreak",
    "OutcomeUnknownAfterFailure",
    "OutcomeUnknownAfterNonsense",
    "OutcomeUnknownAfterTimeout",
    "Problem",
    "ProtocolError",
    "QuotaError",
    "ResponseError",
    "ResponseTooLarge",
    "ServerError",
    "StateConflictError",
    "TLSError",
    "ThrottledError",
    "TransportError",
    "TransportTimeout",
    "UnknownFieldWarning",
    "ValidationError",
    "WaitTimeout",
    "client_error",
    "outcome_unknown",
]


def _set_modules() -> None:
    # Tracebacks, pickles and the documentation name this module instead of its private submodules.
    for name in __all__:
        globals()[name].__module__ = __name__


_set_modules()
