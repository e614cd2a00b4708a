"""Exceptions for invalid input of the caller: values, texts, names and options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from batchcompute.errors._base import BatchComputeError

__all__: list[str] = []


class Problem(NamedTuple):
    """One reason why a value is invalid."""

    path: str
    """Path of the field in wire spelling, for example ``DAG.Tasks.Echo.InstanceCount``."""
    value: str
    """The invalid value as text, shortened; ``***`` if the field holds a secret."""
    allowed: str
    """The requirement that the value does not meet, as the end of a sentence."""
    kind: Literal["missing", "invalid", "cycle"] = "invalid"
    """The kind of error code with which the service rejects the value (REST API, 7)."""

    def __str__(self) -> str:
        shown = f" (got {self.value})" if self.value else ""
        return f"{self.path}: {self.allowed}{shown}" if self.path else f"{self.allowed}{shown}"


class ValidationError(BatchComputeError, TypeError, ValueError):
    """One or more values are invalid. No request was sent.

    It is a `TypeError`, because the old SDK raised that class for values of a wrong type.

    Args:
        problems: A text, or all problems.
        subject: Name of the checked object, for example ``JobDescription``.
    """

    problems: tuple[Problem, ...]
    """All problems, each with the path of its field."""
    subject: str
    """Name of the checked object."""

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
    """A text is not JSON, or its JSON is not an object."""


JsonError = JSONError
"""The old SDK's second spelling of ``JSONError``."""


class FieldError(BatchComputeError, KeyError):
    """A field that does not exist was set."""

    def __str__(self) -> str:
        # KeyError.__str__ returns the repr of the message.
        return str(self.args[0]) if self.args else ""


class UnknownChoice(ValidationError, FieldError):
    """The value of an argument is not one of the allowed values.

    It is a `FieldError`, because the old SDK raised that class.
    """

    def __str__(self) -> str:
        return str(self.args[0])


class ConfigError(BatchComputeError):
    """The client or the local service is configured incorrectly. The message names the remedy."""


class UnknownFieldWarning(UserWarning):
    """An attribute that the class does not declare was set. The attribute is never sent.

    ``warnings.simplefilter("error", UnknownFieldWarning)`` turns it into an error.
    """
