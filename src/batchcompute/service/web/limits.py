"""The limit of failed logins."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from batchcompute.service.clock import SYSTEM_CLOCK, Clock

__all__: list[str] = []

MOST_FAILURES: Final = 10
"""Failed logins of one address within `WINDOW`."""

WINDOW: Final = 60.0
"""Seconds for which a failed login counts."""

_MOST_ADDRESSES: Final = 10_000
"""Addresses whose failed logins are counted; the oldest are forgotten."""


class TooManyLogins(Exception):
    """Too many logins have failed.

    Args:
        seconds: After so many seconds the next login is allowed.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many logins have failed. Try again in {seconds} seconds.")
        self.seconds: int = seconds


class Throttle:
    """Counts failed logins, by the address of the client.

    Args:
        clock: The source of time.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Check that an address may try to log in.

        Raises:
            TooManyLogins: Too many logins from this address have failed.
        """
        now = self._clock.monotonic()
        recent = [time for time in self._failures.get(address, ()) if now - time < WINDOW]
        if len(recent) >= MOST_FAILURES:
            raise TooManyLogins(int(WINDOW - (now - recent[0])) + 1)

    def count(self, address: str) -> None:
        """Count a failed login of an address."""
        now = self._clock.monotonic()
        recent = [time for time in self._failures.pop(address, ()) if now - time < WINDOW]
        self._failures[address] = [*recent, now][-MOST_FAILURES:]
        while len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)
