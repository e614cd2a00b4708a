"""The base of all exceptions, and what each of them says about the attempts that were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a call that failed."""

    number: int
    """Which attempt it was, from 1."""
    status: int = 0
    """HTTP status of the answer; 0 where none came."""
    code: str = ""
    """The service's error code; empty where no answer came."""
    error: str = ""
    """Class and message of what went wrong."""
    request_id: str = ""
    """The service's id of the request; empty where no answer came."""
    delay: float = 0.0
    """Seconds that were waited before the next attempt; 0 after the last one."""

    def __str__(self) -> str:
        then = f"; the next one {self.delay:.2f} s later" if self.delay else ""
        return f"attempt {self.number}: {self.error}{then}"


class BatchComputeError(Exception):
    """The base of everything that this package raises."""

    attempts: tuple[Attempt, ...] = ()
    """What was tried and how each attempt ended, for failures of a call; empty for others."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception.__reduce__ calls the class with `args`, which fails for every class whose
        # constructor takes other arguments (encode/httpx PR 3207 shows what users see then).
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


def _rebuild(cls: type[BatchComputeError], args: tuple[Any, ...], state: dict[str, Any]) -> BatchComputeError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error
