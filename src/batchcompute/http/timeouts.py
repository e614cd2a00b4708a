"""How long one attempt may take: the four time limits of a connection."""

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
    """Seconds that the parts of one attempt may take each; None for no limit.

    The time for a whole call, with its retries and the pauses between them, is
    `RetryPolicy.deadline`.
    """

    connect: float | None = 10.0
    """Seconds to make a connection, its TLS included."""
    read: float | None = 60.0
    """Seconds without a byte of the answer."""
    write: float | None = 60.0
    """Seconds without a byte of the request being taken."""
    pool: float | None = 10.0
    """Seconds to wait for a free connection of the client's pool."""

    def __post_init__(self) -> None:
        for name, value in self.as_dict().items():
            if value is not None:
                seconds_of(value, f"timeout.{name}")

    def as_dict(self) -> dict[str, float | None]:
        """Return the four limits by name, as httpx takes them."""
        return {"connect": self.connect, "read": self.read, "write": self.write, "pool": self.pool}


class HasLimits(Protocol):
    """What an ``httpx.Timeout`` has, without importing httpx."""

    def as_dict(self) -> dict[str, float | None]:
        """Return the limits for connect, read, write and pool, by name."""
        ...


TimeoutLike: TypeAlias = "float | timedelta | Timeout | HasLimits"
"""Seconds for each part of an attempt, or a `Timeout`, or httpx's, that tells them apart."""


def seconds_of(value: object, name: str) -> float:
    """Return a length of time in seconds.

    Args:
        value: Seconds, or a `timedelta`.
        name: Name of the option, for the error.

    Raises:
        ConfigError: It is neither, or not more than 0.
    """
    found = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found < inf:
        raise ConfigError(f"{name} must be seconds, more than 0, or a timedelta, not {value!r}")
    return float(found)


def timeout_of(value: object) -> Timeout:
    """Return the limits that an option names.

    Args:
        value: Seconds, a `timedelta`, a `Timeout`, or an ``httpx.Timeout``.

    Raises:
        ConfigError: It is none of them.
    """
    if isinstance(value, Timeout):
        return value
    as_dict = getattr(value, "as_dict", None)
    if callable(as_dict):
        # httpx.Timeout and httpx2.Timeout, without importing either.
        limits = cast("Callable[[], dict[str, Any]]", as_dict)()
        return Timeout(**limits)
    seconds = seconds_of(value, "timeout")
    return Timeout(seconds, seconds, seconds, seconds)
