"""Strict reading of JSON: each mistake is a problem with the path of its field, the bad value, and what is allowed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, cast

from batchcompute.errors import Problem, ValidationError

__all__ = ["Reader", "parse", "shown"]

T = TypeVar("T")

Reader: TypeAlias = Callable[["Problems", object, str], T]
"""Reads one value: it returns the value, or adds a problem and raises `Invalid`."""

_LONGEST_SHOWN = 80
"""Characters of a bad value that a message shows."""

_MOST_PROBLEMS = 100
"""Problems that are collected. A damaged document may have thousands."""

_CONTROL: Final = "[\x00-\x1f\x7f]"


class Invalid(Exception):
    """A value is invalid; its problem is recorded."""


class Problems:
    """Collects the problems of a document."""

    def __init__(self) -> None:
        self.all: list[Problem] = []
        """The problems, in the order of the document."""

    def refuse(self, path: str, value: object, allowed: str) -> NoReturn:
        """Record a problem.

        Args:
            path: Path of the field.
            value: The bad value.
            allowed: The allowed values.

        Raises:
            Invalid: Always.
        """
        if len(self.all) < _MOST_PROBLEMS:
            self.all.append(Problem(path, shown(value), allowed))
        raise Invalid

    def check(self, subject: str) -> None:
        """Do nothing if there is no problem.

        Args:
            subject: Name of the document in the message.

        Raises:
            ValidationError: There are problems; it names all of them.
        """
        if self.all:
            raise ValidationError(self.all, subject)


def shown(value: object) -> str:
    """Return a bad value for a message, shortened."""
    if isinstance(value, str):
        # The value is cut first: its printable form takes up to ten times the memory.
        return repr(value) if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]!r}…"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def parse(data: bytes, subject: str) -> object:
    """Return the value of a JSON document. An object may not have two fields of one name.

    Args:
        data: The document.
        subject: Name of the document in the message.

    Raises:
        ValidationError: The document is not JSON.
    """
    try:
        return cast("object", json.loads(data, object_pairs_hook=_object_of, parse_constant=_refuse_constant))
    except RecursionError:
        raise ValidationError("the document is nested too deeply", subject) from None
    except (ValueError, UnicodeError) as error:
        raise ValidationError(f"the document is not JSON: {error}", subject) from None


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {shown(repeated)} occurs twice in an object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


# -- single values ----------------------------------------------------------------------------


def text(problems: Problems, value: object, path: str, empty: bool = True) -> str:
    """Read a text without NUL."""
    if not isinstance(value, str) or "\0" in value or (not empty and not value):
        problems.refuse(path, value, f"must be a text{'' if empty else ' that is not empty,'} without NUL")
    return value


def some_text(problems: Problems, value: object, path: str) -> str:
    """Read a text that is not empty."""
    return text(problems, value, path, empty=False)


def name(problems: Problems, value: object, path: str) -> str:
    """Read a text that can be a part of a file name."""
    if (
        not isinstance(value, str)
        or not value
        or "/" in value
        or re.search(_CONTROL, value)
        or len(value) > 255
    ):
        problems.refuse(
            path, value, "must be a name of at most 255 characters without '/' and control characters"
        )
    return value


def flag(problems: Problems, value: object, path: str) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        problems.refuse(path, value, "must be true or false")
    return value


def count(problems: Problems, value: object, path: str) -> int:
    """Read an integer that is not negative."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        problems.refuse(path, value, "must be an integer from 0")
    return value


def positive(problems: Problems, value: object, path: str) -> float:
    """Read a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1e15:
        problems.refuse(path, value, "must be a number above 0")
    if not math.isfinite(value):
        problems.refuse(path, value, "must be a number above 0")
    return value


def absolute_path(problems: Problems, value: object, path: str) -> str:
    """Read an absolute path."""
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        problems.refuse(path, value, "must be an absolute path")
    return value


# -- containers -------------------------------------------------------------------------------


def items(problems: Problems, value: object, path: str, read: Reader[T]) -> tuple[T, ...]:
    """Read a list; the path of an item is ``path[0]``."""
    if not isinstance(value, list):
        problems.refuse(path, value, "must be a list")
    values: list[T] = []
    for number, item in enumerate(cast("list[object]", value)):
        try:
            values.append(read(problems, item, f"{path}[{number}]"))
        except Invalid:
            # All items are read, so that the message names all mistakes.
            continue
    if len(values) < len(cast("list[object]", value)):
        raise Invalid
    return tuple(values)


def texts(problems: Problems, value: object, path: str) -> dict[str, str]:
    """Read an object of variables: names without ``=`` and NUL, and texts without NUL."""
    if not isinstance(value, dict):
        problems.refuse(path, value, "must be an object")
    variables: dict[str, str] = {}
    for variable, content in cast("dict[str, object]", value).items():
        if not variable or "=" in variable or "\0" in variable:
            problems.refuse(path, variable, "must have names that are not empty, without '=' and NUL")
        if not isinstance(content, str) or "\0" in content:
            # The value may be a secret.
            kind = "a text with NUL" if isinstance(content, str) else type(content).__name__
            problems.all.append(Problem(f"{path}.{_one_line(variable)}", kind, "must be a text without NUL"))
            raise Invalid
        variables[variable] = content
    return variables


def fields(
    problems: Problems,
    value: object,
    path: str,
    readers: Mapping[str, Reader[Any]],
    required: frozenset[str],
) -> dict[str, Any]:
    """Read the fields of an object.

    Args:
        problems: Receives the problems.
        value: The object.
        path: Its path; empty for the whole document.
        readers: The known fields.
        required: The fields that must not be left out.

    Returns:
        The values of the present fields, ready for the constructor of a dataclass.

    Raises:
        Invalid: The value is not an object, a field is unknown, missing or invalid.
    """
    if not isinstance(value, dict):
        problems.refuse(path, value, "must be an object")
    content = cast("dict[str, object]", value)
    before = f"{path}." if path else ""
    values: dict[str, Any] = {}
    is_valid = True
    for field, item in content.items():
        try:
            if field not in readers:
                allowed = f"is no field; use one of {', '.join(sorted(readers))}"
                # Its value may be a secret whose name is misspelled.
                problems.all.append(Problem(f"{before}{_one_line(field)}", "", allowed))
                raise Invalid
            values[field] = readers[field](problems, item, f"{before}{field}")
        except Invalid:
            is_valid = False
    for field in sorted(required - content.keys()):
        problems.all.append(Problem(f"{before}{field}", "", "must not be left out", "missing"))
        is_valid = False
    if not is_valid:
        raise Invalid
    return values


def _one_line(name: str) -> str:
    """Return a name that somebody else has chosen, for a message: short, and without characters that end its line."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name[:100])
