"""Every exception that this package raises.

The tree::

    BatchComputeError           (.attempts: what was tried, and how each attempt ended)
    ├── ClientError               the service answered, and refused
    │   ├── InvalidParameterError   400, and 403 codes that speak of the request itself
    │   ├── AuthenticationError     the signature, the key or the clock was refused
    │   ├── ForbiddenError          403 Forbidden
    │   ├── QuotaError              403 QuotaExhausted
    │   ├── NotFoundError           404
    │   ├── StateConflictError      409, or 403 InvalidResource.AlreadyExisting
    │   ├── ThrottledError          429, or a code that starts with Throttling
    │   ├── ServerError             5xx
    │   └── OutcomeUnknown          a change may have happened; .token repeats a create safely
    │                               (always one of the last failure's class, too)
    ├── TransportError            no whole answer came back (also an OSError)
    │   ├── ConnectError            the connection was never made: the request was not received
    │   │   │                         (also a ConnectionError)
    │   │   └── TLSError              the certificate or the TLS was refused
    │   ├── TransportTimeout        the time limit ended first
    │   └── ProtocolError           the connection broke, or spoke no HTTP (also a ConnectionError)
    ├── JobFailedError            a job that was waited for failed or was stopped
    ├── WaitTimeout               the time to wait for jobs is up (also a TimeoutError)
    ├── LogsUnavailable           an instance's output cannot be read
    ├── ValidationError           a value is wrong (also a TypeError and a ValueError)
    ├── JSONError                 a text is not JSON, or not a JSON object (also a ValueError)
    │   └── ResponseError           an answer came that cannot be understood (.body; also a TypeError)
    │       └── ResponseTooLarge      its body is larger than max_response_bytes (.limit)
    ├── FieldError                ``description["Nope"] = 1``: there is no such field (also a KeyError)
    └── ConfigError               the client or the local service is set up wrongly
        └── LocalServiceError       LOCAL cannot start its service, or join one (also a ClientError)

    UnknownFieldWarning           an undeclared attribute was set; it never reaches the wire

All of them hold plain data only, so that they pickle, copy and cross process borders, and none
holds a secret. Failures of the network are of the standard library's classes, too
(`batchcompute.errors.network`). The five names of the old SDK (``ClientError``, ``FieldError``, ``ValidationError``,
``JSONError``/``JsonError``, ``ConfigError``) mean what they meant there.
"""

from __future__ import annotations

from batchcompute.errors._answers import (
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
from batchcompute.errors._base import Attempt, BatchComputeError
from batchcompute.errors._jobs import FailedInstance, JobFailedError, LogsUnavailable, WaitTimeout
from batchcompute.errors._local import LocalServiceError
from batchcompute.errors._transport import (
    ConnectError,
    ProtocolError,
    TLSError,
    TransportError,
    TransportTimeout,
)
from batchcompute.errors._unknown import (
    OutcomeUnknown,
    OutcomeUnknownAfterBreak,
    OutcomeUnknownAfterFailure,
    OutcomeUnknownAfterNonsense,
    OutcomeUnknownAfterTimeout,
    outcome_unknown,
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


def _move_here() -> None:
    # Tracebacks, pickles and the documentation name this module, not the rooms behind it.
    for name in __all__:
        globals()[name].__module__ = __name__


_move_here()
