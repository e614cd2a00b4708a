"""Checks of the values in a script."""

from __future__ import annotations

import math

from batchcompute.errors import Problem, ValidationError
from batchcompute.models.problems import short_repr

__all__ = ["SUBJECT", "integer", "misplaced", "number", "problem", "text"]

SUBJECT = "Script"
"""The subject of all errors of a script."""


def problem(path: str, value: object, allowed: str) -> ValidationError:
    """Return the error for an invalid value.

    Args:
        path: The field in the spelling of the user.
        value: The invalid value.
        allowed: The rule that it breaks.
    """
    return ValidationError((Problem(path, short_repr(value), allowed),), SUBJECT)


def misplaced(path: str, reason: str) -> ValidationError:
    """Return the error for a field that is missing, unknown, or of no use.

    Args:
        path: The field in the spelling of the user.
        reason: The reason, as the rest of a sentence about the field.
    """
    return ValidationError((Problem(path, "", reason),), SUBJECT)


def number(path: str, value: object) -> float:
    """Return a value that must be a finite number from 0.

    Raises:
        ValidationError: The value is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LONGEST:
        raise problem(path, value, f"must be a number of seconds from 0 to {_LONGEST:g}")
    return float(value)


_LONGEST = 1e10
"""The longest duration, in seconds. Beyond it, the time would not be exact to the microsecond."""


def integer(path: str, value: object, minimum: int, maximum: float = math.inf) -> int:
    """Return a value that must be an integer in a range.

    Raises:
        ValidationError: The value is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        end = "" if maximum == math.inf else f" to {maximum}"
        raise problem(path, value, f"must be an integer from {minimum}{end}")
    return value


def text(path: str, value: object, *, empty: bool = False) -> str:
    """Return a value that must be a text.

    Args:
        path: The field in the spelling of the user.
        value: The value.
        empty: Whether an empty text is allowed.

    Raises:
        ValidationError: The value is none.
    """
    if not isinstance(value, str) or not (value or empty):
        raise problem(path, value, "must be a text" if empty else "must be a text of one character or more")
    return value
