"""What may be sent again, and after how long: pure decisions, and the tenacity objects made of them.

The rule: a request that surely was not received may always be sent again; one that may have been
received only if sending it twice changes nothing (`Operation.repeat`). The delays have full jitter,
so that many clients which failed together do not come back together.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from batchcompute.errors import (
    ClientError,
    ConnectError,
    ServerError,
    ThrottledError,
    TransportError,
)

if TYPE_CHECKING:
    import tenacity

    from batchcompute.operations import Repeat

__all__ = ["RetryPolicy", "may_repeat", "retry_after"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and after how long, a failed attempt is repeated."""

    attempts: int = 4
    """Attempts in all, the first one included; 1 for no retries."""
    first_delay: float = 0.25
    """Seconds within which the first retry comes; doubled for each further one."""
    longest_delay: float = 8.0
    """Seconds within which any retry comes."""
    longest_retry_after: float = 60.0
    """Seconds that the service may ask to wait; asked for more, the call fails at once."""

    @classmethod
    def none(cls) -> RetryPolicy:
        """Return a policy that never repeats anything."""
        return cls(attempts=1)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that an answer asks to wait, or None where it does not ask.

    Args:
        headers: Headers of the answer, with lower-case names.
        now: The time, for answers that name a date.
    """
    milliseconds = headers.get("retry-after-ms", "")
    seconds = headers.get("retry-after", "")
    try:
        if milliseconds:
            return max(0.0, float(milliseconds) / 1000)
        if seconds:
            return max(0.0, float(seconds))
    except ValueError:
        pass
    if not seconds:
        return None
    try:
        date = parsedate_to_datetime(seconds)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def may_repeat(error: BaseException, repeat: Repeat) -> bool:
    """Tell whether a call that failed so may be sent again.

    Args:
        error: What the attempt ended with.
        repeat: What sending it twice would do.
    """
    if isinstance(error, ConnectError):
        return True
    if repeat != "read":
        return False
    if isinstance(error, (TransportError, ServerError, ThrottledError)):
        return True
    return isinstance(error, ClientError) and error.status == 408


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
    return chance * min(policy.longest_delay, policy.first_delay * 2.0 ** (attempt - 1))


def _asked(error: BaseException | None) -> float | None:
    return error.retry_after if isinstance(error, ClientError) else None


def retry_arguments(policy: RetryPolicy, repeat: Repeat) -> dict[str, object]:
    """Return what `tenacity.Retrying` and `tenacity.AsyncRetrying` are made with."""
    import tenacity

    def again(state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if error is None or not may_repeat(error, repeat):
            return False
        asked = _asked(error)
        return asked is None or asked <= policy.longest_retry_after

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return delay_before(state.attempt_number, policy, _asked(error), random.random())  # noqa: S311

    return {
        "stop": tenacity.stop_after_attempt(policy.attempts),
        "retry": again,
        "wait": wait,
        "reraise": True,
    }
