"""Something of the caller's is wrong: values, texts, names, set-up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from batchcompute.errors._base import BatchComputeError

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a value."""

    path: str
    """Where, in wire spelling: ``DAG.Tasks.Echo.InstanceCount``."""
    value: str
    """The bad value as text, shortened; ``***`` where the field holds a secret."""
    allowed: str
    """What is wrong with it, and what is allowed."""
    kind: Literal["missing", "invalid", "cycle"] = "invalid"
    """Which of the service's error codes it would get (REST API, 7)."""

    def __str__(self) -> str:
        shown = f" (got {self.value})" if self.value else ""
        return f"{self.path}: {self.allowed}{shown}" if self.path else f"{self.allowed}{shown}"


class ValidationError(BatchComputeError, TypeError, ValueError):
    """One or more values are wrong; nothing was sent.

    Old programs may catch it as ``TypeError``, which the old SDK raised for wrong types.

    Args:
        problems: A text, or everything that is wrong at once.
        subject: What was checked, for example ``JobDescription``.
    """

    problems: tuple[Problem, ...]
    """Everything that is wrong, each with its path."""
    subject: str
    """What was checked."""

    def __init__(self, problems: str | Iterable[Problem], subject: str = "") -> None:
        if isinstance(problems, str):
            problems = (Problem("", "", problems),)
        self.problems = tuple(problems)
        self.subject = subject
        lines = [str(problem) for problem in self.problems]
        head = f"{subject}: " if subject else ""
        if len(lines) == 1:
            super().__init__(head + lines[0])
        else:
            super().__init__(head + f"{len(lines)} problems\n  " + "\n  ".join(lines))


class JSONError(BatchComputeError, ValueError):
    """A text is not JSON, or is JSON but not an object."""


JsonError = JSONError
"""The old SDK's second spelling of ``JSONError``."""


class FieldError(BatchComputeError, KeyError):
    """There is no such field to set."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message.
        return str(self.args[0]) if self.args else ""


class UnknownChoice(ValidationError, FieldError):
    """An argument is none of the few texts that it may be; the old SDK raised a FieldError for some of them."""

    def __str__(self) -> str:
        return str(self.args[0])


class ConfigError(BatchComputeError):
    """The client or the local service is set up wrongly; the message says how to mend it."""


class UnknownFieldWarning(UserWarning):
    """An attribute that the class does not declare was set; it stays local to the object.

    Turn it into an error with ``warnings.simplefilter("error", UnknownFieldWarning)``.
    """
