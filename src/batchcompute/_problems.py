"""From pydantic's errors to ours: wire paths, short values, words a user can act on."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from batchcompute.errors import Problem

if TYPE_CHECKING:
    import pydantic

__all__: list[str] = []

_SECRET = ("secret", "token", "password")

_ALLOWED = {
    "string_type": "must be a text",
    "string_unicode": "must be text in UTF-8",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a list",
    "literal_error": "must be one of the listed values",
}


def is_secret(name: str) -> bool:
    """Tell whether a field of this name holds something that no text may show."""
    lowered = name.replace("_", "").lower()
    return lowered.endswith(_SECRET) and not lowered.endswith("idempotenttoken")


def shown(value: Any, name: str = "", limit: int = 60) -> str:
    """Show a value in a message: short, and never when its field holds a secret."""
    if name and is_secret(name) and value:
        return "'***'"
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = limit
    shortener.maxdict = shortener.maxlist = 4
    return shortener.repr(value)


def problems_of(error: pydantic.ValidationError, prefix: str = "", first: str = "") -> list[Problem]:
    """Turn a pydantic error into problems, each under its path in wire spelling.

    Args:
        error: The error.
        prefix: The path of what was checked.
        first: The wire name of the one field that was assigned; pydantic names that one in Python's
            spelling.
    """
    problems: list[Problem] = []
    for item in error.errors(include_url=False, include_context=False):
        loc = [str(part) for part in item["loc"] if part != "[key]"]
        if first:
            loc[0] = first
        path = ".".join([prefix, *loc] if prefix else loc)
        allowed = _ALLOWED.get(item["type"], item["msg"])
        problems.append(Problem(path, shown(item["input"], loc[-1] if loc else prefix), allowed))
    return problems
