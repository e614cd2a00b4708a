"""What no body may hold, whatever its fields are: the service refuses it, and `Jsonizable.validate` before it does."""

from __future__ import annotations

from typing import Any, Final, cast

from batchcompute.errors import Problem

__all__: list[str] = []

LARGEST_BODY: Final = 256 * 1024
"""Bytes of one request's body that the service takes (REST API, 1.2 and 9)."""

DEEPEST: Final = 100
"""Levels of objects and lists in a body."""

MOST_VALUES: Final = 50_000
"""Values in a body; the edges of a dense graph of 400 tasks are 40,000."""

_LONGEST_PATHS = 4 * 1024**2
"""Characters of the paths of all values of a body together."""

_SHOWN = 200
"""Characters of a path that are shown."""


def problem_of(body: Any) -> Problem | None:
    """Return what in a body neither the database nor an answer of the service can hold; None for nothing.

    Args:
        body: The body, as the values that JSON has.
    """
    waiting: list[tuple[str, int, int, Any]] = [("", 0, 0, body)]
    count = paths = 0
    while waiting:
        # A path is cut where it is shown, and counted in full: what is wrong with a value is told with its path.
        at, length, depth, value = waiting.pop()
        if depth > DEEPEST:
            return Problem(at, "", f"is nested more than {DEEPEST} levels deep")
        if isinstance(value, (dict, list)):
            count += len(cast("list[Any]", value))
            paths += len(cast("list[Any]", value)) * length
            if count > MOST_VALUES or paths > _LONGEST_PATHS:
                return Problem(
                    "", "", f"holds more than {MOST_VALUES} values, or many of them below long names"
                )
        if isinstance(value, dict):
            for key, inner in cast("dict[str, Any]", value).items():
                if "\0" in key or not _is_text(key):
                    return Problem(at, "", "has a name that holds NUL, or half of a surrogate pair")
                path = f"{at}.{key}" if at else key
                waiting.append((path[:_SHOWN], length + len(key) + 1, depth + 1, inner))
        elif isinstance(value, list):
            for index, inner in enumerate(cast("list[Any]", value)):
                waiting.append((f"{at}.{index}"[:_SHOWN], length + 6, depth + 1, inner))
        else:
            wrong = _wrong(value)
            if wrong:
                return Problem(at, "", wrong)
    return None


def _wrong(value: Any) -> str:
    if isinstance(value, str):
        if "\0" in value:
            return "holds the character NUL"
        return "" if _is_text(value) else "holds half of a surrogate pair"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "is a number beyond what can be kept"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "is a number beyond what can be kept: it must fit 64 bits"
    return ""


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
