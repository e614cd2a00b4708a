"""The time limits of one attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Any, Protocol, TypeAlias, cast

from batchcompute.errors import ConfigError

__all__ = ["HasLimits", "Timeout", "TimeoutLike", "seconds_of", "timeout_of"]


@dataclass(frozen=True, slots=True)
class Timeout:
    """Time limits in seconds for the parts of one attempt; None for no limit.

    `RetryPolicy.deadline` limits a whole call, with its retries and the delays between them.
    """

    connect: float | None = 10.0
    """Seconds to make a connection, including the TLS handshake."""
    read: float | None = 60.0
    """Seconds without receiving a byte of the response."""
    write: float | None = 60.0
    """Seconds without sending a byte of the request."""
    pool: float | None = 10.0
    """Seconds to wait for a free connection of the pool."""

    def __post_init__(self) -> None:
        for name, value in self.as_dict().items():
            if value is not None:
                seconds_of(value, f"timeout.{name}")

    def as_dict(self) -> dict[str, float | None]:
        """Return the four limits by name, in the format of httpx."""
        return {"connect": self.connect, "read": self.read, "write": self.write, "pool": self.pool}


class HasLimits(Protocol):
    """The interface of ``httpx.Timeout``."""

    def as_dict(self) -> dict[str, float | None]:
        """Return the limits for connect, read, write and pool by name."""
        ...


TimeoutLike: TypeAlias = "float | timedelta | Timeout | HasLimits"
"""Seconds for each part of an attempt, or a `Timeout` or ``httpx.Timeout`` with separate limits."""


def seconds_of(value: object, name: str) -> float:
    """Return a duration in seconds.

    Args:
        value: Seconds, or a `timedelta`.
        name: Name of the option, for the error.

    Raises:
        ConfigError: The value is neither, or not greater than 0.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < inf:
        raise ConfigError(f"{name} must be a number of seconds greater than 0, or a timedelta, not {value!r}")
    return float(seconds)


def timeout_of(value: object) -> Timeout:
    """Return the limits that an option gives.

    Args:
        value: Seconds, a `timedelta`, a `Timeout`, or an ``httpx.Timeout``.

    Raises:
        ConfigError: The value has none of these types.
    """
    if isinstance(value, Timeout):
        return value
    as_dict = getattr(value, "as_dict", None)
    if callable(as_dict):
        # Recognized by the method, so that neither httpx nor httpx2 has to be imported.
        limits = cast("Callable[[], dict[str, Any]]", as_dict)()
        return Timeout(**limits)
    seconds = seconds_of(value, "timeout")
    return Timeout(seconds, seconds, seconds, seconds)
