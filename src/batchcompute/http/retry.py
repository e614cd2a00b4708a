"""What may be sent again, and after how long: the policy, and pure decisions.

The rule: a request that surely was not received may always be sent again; one that may have been
received only if sending it twice changes nothing (`Operation.retry_class`), or, for a create, because it
carries a token. The delays have full jitter, so that many clients which failed together do not come
back together.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
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
    "delay_before",
    "is_conclusive",
    "is_transient",
    "may_have_executed",
    "may_repeat",
    "retry_after",
]


HTML_CODE = "Json Error, a HTML returned from upstream server."
"""The old SDK's code for an error whose body is no JSON; programs compare with it."""

NO_CODE = "Unkown code"
"""The old SDK's code for an error that names none, in its own spelling."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and after how long, a failed attempt is repeated.

    Before retry number n a client waits a random time between 0 and
    ``min(longest_delay, first_delay * 2 ** (n - 1))`` seconds, or as long as the service asks for
    with ``Retry-After``.
    """

    attempts: int = 4
    """Attempts in all, the first one included; 1 for no retries."""
    first_delay: float = 0.25
    """Seconds within which the first retry comes; doubled for each further one."""
    longest_delay: float = 8.0
    """Seconds within which any retry comes."""
    longest_retry_after: float = 60.0
    """Seconds that the service may ask to wait; asked for more, the call fails at once."""
    deadline: float | timedelta | None = None
    """Seconds for a whole call: all attempts and the pauses between them; None for no limit."""
    quota: int | None = 500
    """Retries that a client has in stock; each takes one, each call that succeeds gives one back, and
    with none left calls fail at their first failure, so that a storm ends. None for no limit."""

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
                raise ConfigError(f"{name} must be seconds, 0 or more, not {value!r}")
        if self.deadline is not None:
            seconds_of(self.deadline, "deadline")

    @classmethod
    def none(cls) -> RetryPolicy:
        """Return a policy that never repeats anything."""
        return cls(attempts=1)

    @property
    def deadline_seconds(self) -> float | None:
        """The deadline in seconds, or None."""
        return None if self.deadline is None else seconds_of(self.deadline, "deadline")


class Quota:
    """The stock of retries of one client, for all of its threads and tasks.

    Args:
        size: How many there are at most; None for any number.
    """

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._left = size or 0

    def take(self) -> bool:
        """Take a retry; return whether one was there."""
        if self._size is None:
            return True
        if self._left <= 0:
            return False
        # Without a lock, which a fork could leave locked: two threads at the same time may take one
        # for both, and nothing hangs on one retry more.
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Put a retry back, because a call has succeeded."""
        if self._size is not None and self._left < self._size:
            self._left += 1


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that an answer asks to wait, or None where it does not ask.

    Args:
        headers: Headers of the answer, with lower-case names.
        now: The time, for answers that name a date.
    """
    milliseconds = headers.get("retry-after-ms", "")
    seconds = headers.get("retry-after", "")
    for text, scale in ((milliseconds, 1000), (seconds, 1)):
        try:
            found = float(text) / scale
        except ValueError:
            continue
        if found == found:  # "nan" is no number of seconds
            return max(0.0, found)
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
    """Tell whether a failure may be gone at the next attempt."""
    if isinstance(error, TLSError):
        # A certificate that is not trusted now will not be trusted in a second, and plain HTTP stays plain.
        return not _is_settled(error)
    if isinstance(error, (TransportError, ThrottledError)):
        return True
    if isinstance(error, ServerError):
        # 501 says that there is no such operation, 505 that there is no such HTTP.
        return error.status not in (501, 505)
    return isinstance(error, ClientError) and (error.status == 408 or error.code == "InternalError")


PLAIN_HTTP = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
"""What OpenSSL calls an answer in plain HTTP to the beginning of TLS."""


def _is_settled(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        if isinstance(seen, ssl.SSLError) and seen.reason in PLAIN_HTTP:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def may_have_executed(error: BaseException) -> bool:
    """Tell whether the service may have done what it was asked to, although this came of it."""
    if isinstance(error, ClientError):
        return error.code == "InternalError" or (isinstance(error, ServerError) and is_transient(error))
    return isinstance(error, (TransportError, ResponseError)) and not isinstance(error, ConnectError)


def is_conclusive(error: BaseException) -> bool:
    """Tell whether an answer also tells what became of earlier attempts with the same token.

    One that was given before the service looked at the request itself does not.
    """
    if not isinstance(error, ClientError) or is_transient(error) or not 400 <= error.status < 500:
        return False
    if error.code in ("", HTML_CODE, NO_CODE):
        # Not the service's own words: a gateway on the way, perhaps.
        return False
    return not isinstance(error, (AuthenticationError, ForbiddenError))


def may_repeat(error: BaseException, retry_class: RetryClass, token: str = "") -> bool:
    """Tell whether a call that failed so may be sent again without further ado.

    Args:
        error: What the attempt ended with.
        retry_class: What sending it twice would do.
        token: The idempotent token that it carried.
    """
    if not is_transient(error):
        return False
    if not may_have_executed(error) or retry_class in ("read", "change", "delete"):
        return True
    return retry_class == "create" and bool(token)


def delay_before(attempt: int, policy: RetryPolicy, asked: float | None, chance: float) -> float:
    """Return the seconds to wait before the next attempt.

    Args:
        attempt: Number of the attempt that failed, from 1.
        policy: The policy.
        asked: What the service asked for, if it did.
        chance: A number in [0, 1).
    """
    if asked is not None:
        return asked
    return chance * min(policy.longest_delay, policy.first_delay * 2.0 ** min(attempt - 1, 64))
