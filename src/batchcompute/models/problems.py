"""Converts errors of pydantic to problems with wire paths and without secrets."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from batchcompute.errors import Problem, UnknownFieldWarning

if TYPE_CHECKING:
    import pydantic

    from batchcompute.models.fields import Field
    from batchcompute.models.storage import Model

__all__: list[str] = []

VALUE: Final = "\0value"
OTHER: Final = "\0other"
"""Parts of a path that name a member of a union instead of a field."""

_SECRET = ("secret", "token", "password")

_ALLOWED = {
    "string_type": "must be a string",
    "string_unicode": "must be a string in UTF-8",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a list",
    "literal_error": "must be one of the listed values",
}


def is_secret(name: str) -> bool:
    """Return whether a field of this name holds a secret, which no message may show."""
    lowered = name.replace("_", "").lower()
    return lowered.endswith(_SECRET) and not lowered.endswith("idempotenttoken")


def _masked(value: Any, name: str) -> Any:
    """Return a copy of a value in which ``***`` replaces every secret."""
    if value and is_secret(name):
        return "***"
    if name == "OSS" and isinstance(value, (str, bytes)):
        # The field holds credentials. A string in their place may be one of them.
        return "***"
    if isinstance(value, dict):
        return {key: _masked(item, str(key)) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item, name) for item in cast("list[Any]", value)]
    return value


def short_repr(value: Any, name: str = "", limit: int = 60) -> str:
    """Return a short representation of a value for a message, without secrets.

    Args:
        value: The value.
        name: The name of its field.
        limit: Largest number of characters of a string.
    """
    try:
        value = _masked(value, name)
    except RecursionError:
        return "a value that contains itself"
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = limit
    shortener.maxdict = shortener.maxlist = 4
    return shortener.repr(value)


def _wire_path(cls: type[Model] | None, loc: list[str]) -> list[str]:
    """Convert the names in a path to wire names; pydantic uses the names of the caller."""
    path: list[str] = []
    for part in loc:
        field = cls._fields.get(part) if cls is not None else None
        if field is None:
            # A key of a dict or an index of a list: the item has the same class.
            path.append(part)
            continue
        path.append(field.wire)
        cls = field.item
    return path


def problems_of(
    error: pydantic.ValidationError, cls: type[Model] | None = None, prefix: str = ""
) -> list[Problem]:
    """Convert an error of pydantic to problems with paths of wire names.

    Args:
        error: The error.
        cls: The class of the value; None if the value is not a model.
        prefix: The path of the value.
    """
    problems: list[Problem] = []
    for item in error.errors(include_url=False, include_context=False):
        parts = [str(part) for part in item["loc"] if part != "[key]"]
        if OTHER in parts:
            # The list also has the error of the type itself.
            continue
        loc = _wire_path(cls, [part for part in parts if part != VALUE])
        path = ".".join([prefix, *loc] if prefix else loc)
        allowed = _ALLOWED.get(item["type"], item["msg"])
        problems.append(Problem(path, short_repr(item["input"], loc[-1] if loc else prefix), allowed))
    return problems


def nearest(name: object, known: Mapping[str, Field]) -> str:
    """Return a hint with the field whose name is closest; empty if none is close."""
    if not isinstance(name, str):
        return ""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def warn_unknown(cls: type[Model], name: str, fate: str) -> None:
    """Warn that a class does not declare a field, and name the field whose name is closest.

    Args:
        cls: The class.
        name: The unknown name.
        fate: What happens to the value, for example ``is discarded``.
    """
    hint = nearest(name, cls._fields)
    warnings.warn(f"{cls.__name__} has no field {name!r}: it {fate}{hint}", UnknownFieldWarning, stacklevel=3)
