"""From pydantic's errors to ours: wire paths, short values, words a user can act on."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from batchcompute.errors import Problem

if TYPE_CHECKING:
    import pydantic

    from batchcompute._model import Model

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


def _wire_path(cls: type[Model] | None, loc: list[str]) -> list[str]:
    """Spell the parts of a path as on the wire; pydantic spells each as the caller did."""
    path: list[str] = []
    for part in loc:
        field = cls._fields.get(part) if cls is not None else None
        if field is None:
            # A key of a dict or an index of a list: what stands there is still of this class.
            path.append(part)
            continue
        path.append(field.wire)
        cls = field.item
    return path


def problems_of(
    error: pydantic.ValidationError, cls: type[Model] | None = None, prefix: str = ""
) -> list[Problem]:
    """Turn a pydantic error into problems, each under its path in wire spelling.

    Args:
        error: The error.
        cls: The class that was checked; None for a value that is no model.
        prefix: The path of what was checked.
    """
    problems: list[Problem] = []
    for item in error.errors(include_url=False, include_context=False):
        loc = _wire_path(cls, [str(part) for part in item["loc"] if part != "[key]"])
        path = ".".join([prefix, *loc] if prefix else loc)
        allowed = _ALLOWED.get(item["type"], item["msg"])
        problems.append(Problem(path, shown(item["input"], loc[-1] if loc else prefix), allowed))
    return problems
