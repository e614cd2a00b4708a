"""The retry policy, and the pure functions that decide about retries."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from batchcompute.errors import (
    AuthenticationError,
    ClientError,
    ConfigError,
    ConnectError,
    ForbiddenError,
    ResponseError,
    ServerError,
    ThrottledError,
    TLSError,
    TransportError,
)
from batchcompute.http.timeouts import seconds_of

if TYPE_CHECKING:
    from batchcompute.api.operations import RetryClass

__all__ = [
    "Quota",
    "RetryPolicy",
    "chain",
    "delay_after",
    "is_conclusive",
    "is_transient",
    "may_have_executed",
    "may_repeat",
    "retry_after",
]


# A request that was not received can always be repeated. A request that may have been received can be repeated
# only if a repetition has no further effect (`Operation.retry_class`), or if it is a create with a token. The
# delays have full jitter, so that clients that failed at the same time do not retry at the same time.

HTML_CODE = "Json Error, a HTML returned from upstream server."
"""The old SDK's code for an error response that is not JSON; programs compare with it."""

NO_CODE = "Unkown code"
"""The old SDK's code for an error response without a code, in the old SDK's spelling."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of retries of a call, and the delays before them.

    The delay before retry n is a random time between 0 and ``min(longest_delay, first_delay * 2 ** (n - 1))``
    seconds. If the response has a ``Retry-After`` header, the delay is the time in that header.
    """

    attempts: int = 4
    """Maximum number of attempts, including the first one; 1 for no retries."""
    first_delay: float = 0.25
    """Maximum delay in seconds before the first retry; it doubles with each further retry."""
    longest_delay: float = 8.0
    """Upper limit in seconds of the maximum delay."""
    longest_retry_after: float = 60.0
    """Longest accepted ``Retry-After`` in seconds; if the service asks for more, the call fails at once."""
    deadline: float | timedelta | None = None
    """Seconds for a whole call, all attempts and delays included; None for no limit."""
    quota: int | None = 500
    """Retry quota of a client; None for no limit.

    Each retry takes one from the quota, and each successful call returns one. When the quota is exhausted, calls
    fail at their first failure. The quota limits the load on a service that fails permanently.
    """

    def __post_init__(self) -> None:
        for name in ("attempts", "quota"):
            value: object = getattr(self, name)
            least = 1 if name == "attempts" else 0
            if value is None and name == "quota":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{name} must be an integer, {least} or more, not {value!r}")
        for name in ("first_delay", "longest_delay", "longest_retry_after"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
                raise ConfigError(f"{name} must be a number of seconds, 0 or more, not {value!r}")
        if self.deadline is not None:
            seconds_of(self.deadline, "deadline")

    @classmethod
    def none(cls) -> RetryPolicy:
        """Return a policy without retries."""
        return cls(attempts=1)

    @property
    def deadline_seconds(self) -> float | None:
        """The deadline in seconds; None for no limit."""
        return None if self.deadline is None else seconds_of(self.deadline, "deadline")


class Quota:
    """The retry quota of one client, shared by all of its threads and tasks.

    Args:
        size: Maximum number of retries; None for no limit.
    """

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._left = size or 0
        self.is_used: bool = False
        """Whether a successful call has a retry to give back."""

    def take(self) -> bool:
        """Take a retry from the quota; return False if the quota is exhausted."""
        if self._size is None:
            return True
        if self._left <= 0:
            return False
        # No lock, because a fork could copy it in its locked state. Two threads can take the same retry; one
        # additional retry does no harm.
        self._left -= 1
        self.is_used = True
        return True

    def give_back(self) -> None:
        """Return a retry to the quota after a successful call."""
        if self._size is not None and self._left < self._size:
            self._left += 1
        self.is_used = self._size is not None and self._left < self._size


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the ``Retry-After`` of a response in seconds; None if it has none.

    Args:
        headers: Headers of the response with lower-case names.
        now: The time, for a ``Retry-After`` that is a date.
    """
    milliseconds = headers.get("retry-after-ms", "")
    seconds = headers.get("retry-after", "")
    for text, scale in ((milliseconds, 1000), (seconds, 1)):
        try:
            value = float(text) / scale
        except ValueError:
            continue
        if value == value:  # not "nan"
            return max(0.0, value)
    if not seconds:
        return None
    try:
        date = parsedate_to_datetime(seconds)
    except (ValueError, TypeError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def is_transient(error: BaseException) -> bool:
    """Return whether a retry can succeed after a failure."""
    if isinstance(error, TLSError):
        return not _is_permanent(error)
    if isinstance(error, (TransportError, ThrottledError)):
        return True
    if isinstance(error, ServerError):
        # 501 and 505 mean that the service supports neither the operation nor the version of HTTP.
        return error.status not in (501, 505)
    return isinstance(error, ClientError) and (error.status == 408 or error.code == "InternalError")


PLAIN_HTTP = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
"""OpenSSL's names of the error when the peer responds to a TLS handshake in plain HTTP."""


def _is_permanent(error: BaseException) -> bool:
    """Return whether a TLS failure comes from an untrusted certificate or from a peer without TLS."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError)
        or (isinstance(cause, ssl.SSLError) and cause.reason in PLAIN_HTTP)
        for cause in chain(error)
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    cause: BaseException | None = error
    seen: set[int] = set()
    # A transport that raises one object twice makes it part of its own context.
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def may_have_executed(error: BaseException) -> bool:
    """Return whether the service may have executed the request of an attempt that failed."""
    if isinstance(error, ClientError):
        return error.code == "InternalError" or (isinstance(error, ServerError) and is_transient(error))
    return isinstance(error, (TransportError, ResponseError)) and not isinstance(error, ConnectError)


def is_conclusive(error: BaseException) -> bool:
    """Return whether an error response also shows the outcome of earlier attempts with the same token.

    A rejection of the credentials is not conclusive: the service sends it before it reads the request.
    """
    if not isinstance(error, ClientError) or is_transient(error) or not 400 <= error.status < 500:
        return False
    if error.code in ("", HTML_CODE, NO_CODE):
        # The response may come from a gateway instead of the service.
        return False
    return not isinstance(error, (AuthenticationError, ForbiddenError))


def may_repeat(error: BaseException, retry_class: RetryClass, token: str = "") -> bool:
    """Return whether a failed call can be repeated without reading the state first.

    Args:
        error: The error of the attempt.
        retry_class: The effect of sending the request twice.
        token: The idempotent token of the request; empty if it has none.
    """
    if not is_transient(error):
        return False
    if not may_have_executed(error) or retry_class in ("read", "change", "delete"):
        return True
    return retry_class == "create" and bool(token)


def delay_after(attempt: int, policy: RetryPolicy, retry_after: float | None, jitter: float) -> float:
    """Return the delay in seconds before the next attempt.

    Args:
        attempt: Number of the failed attempt, from 1.
        policy: The policy.
        retry_after: The ``Retry-After`` of the response in seconds; None if it has none.
        jitter: A random number in [0, 1).
    """
    if retry_after is not None:
        return retry_after
    return jitter * min(policy.longest_delay, policy.first_delay * 2.0 ** min(attempt - 1, 64))
