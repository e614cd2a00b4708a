"""The base class of all exceptions and the record of one failed attempt."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__: list[str] = []


class Attempt(NamedTuple):
    """One failed attempt of a call."""

    number: int
    """Number of the attempt, from 1."""
    status: int = 0
    """HTTP status of the response; 0 if no response arrived."""
    code: str = ""
    """The service's error code; empty if no response arrived."""
    error: str = ""
    """Class and message of the error."""
    request_id: str = ""
    """The service's id of the request; empty if no response arrived."""
    delay: float = 0.0
    """Seconds between this attempt and the next one; 0 for the last attempt."""

    def __str__(self) -> str:
        delay = f"; the next one {self.delay:.2f} s later" if self.delay else ""
        return f"attempt {self.number}: {self.error}{delay}"


class BatchComputeError(Exception):
    """The base class of all exceptions of this package.

    The tree::

        BatchComputeError           (.attempts: the failed attempts of the call)
        ├── ClientError               the service responded with a status outside 2xx
        │   ├── InvalidParameterError   400, and 403 with a code about the request itself
        │   ├── AuthenticationError     the service rejected the signature, the key or the date
        │   ├── ForbiddenError          403 Forbidden
        │   ├── QuotaError              403 QuotaExhausted
        │   ├── NotFoundError           404
        │   ├── StateConflictError      409, or 403 InvalidResource.AlreadyExisting
        │   ├── ThrottledError          429, or a code that starts with Throttling
        │   ├── ServerError             5xx
        │   └── OutcomeUnknown          a create or an action may have been executed; .token repeats a
        │                               create safely (also of the class of the last failure)
        ├── TransportError            no complete response arrived (also an OSError)
        │   ├── ConnectError            no connection was made, so the request was not received
        │   │   │                         (also a ConnectionError)
        │   │   └── TLSError              the TLS handshake or the certificate failed
        │   ├── TransportTimeout        a time limit passed
        │   └── ProtocolError           the connection broke, or the peer does not speak HTTP
        │                               (also a ConnectionError)
        ├── JobFailedError            `wait`: a job failed or was stopped
        ├── WaitTimeout               `wait`: the timeout passed (also a TimeoutError)
        ├── LogsUnavailable           the output of an instance cannot be read
        ├── ValidationError           a value is invalid (also a TypeError and a ValueError)
        ├── JSONError                 a text is not JSON, or not a JSON object (also a ValueError)
        │   └── ResponseError           a response cannot be parsed (.body; also a TypeError)
        │       └── ResponseTooLarge      its body exceeds max_response_bytes (.limit)
        ├── FieldError                ``description["Nope"] = 1``: unknown field (also a KeyError)
        └── ConfigError               the client or the local service is configured incorrectly
            └── LocalServiceError       LOCAL cannot start or join a service (also a ClientError)

        UnknownFieldWarning           an undeclared attribute was set; it is never sent

    Exceptions hold plain data, so they can be pickled, copied and passed between processes. None of them
    holds a secret. Network failures are also instances of the matching class of the standard library
    (`batchcompute.errors.network`). The names that the old SDK had (``ClientError``, ``FieldError``,
    ``ValidationError``, ``JSONError``/``JsonError``, ``ConfigError``) keep their meaning.
    """

    attempts: tuple[Attempt, ...] = ()
    """The failed attempts of the call, in order; empty if the error is not that of a call."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception.__reduce__ calls the class with `args`. That fails for a class whose constructor takes
        # other arguments (encode/httpx PR 3207 describes the effect on users).
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


def _rebuild(cls: type[BatchComputeError], args: tuple[Any, ...], state: dict[str, Any]) -> BatchComputeError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error
