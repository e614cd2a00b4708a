"""From pydantic's errors to ours: wire paths, short values, words a user can act on."""

from __future__ import annotations

import difflib
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
"""Parts of a path that stand for no field: the choices of a union."""

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
    """Return whether a field of this name holds something that no text may show."""
    lowered = name.replace("_", "").lower()
    return lowered.endswith(_SECRET) and not lowered.endswith("idempotenttoken")


def _masked(value: Any, name: str) -> Any:
    """Copy a value with everything replaced that stands under the name of a secret."""
    if value and is_secret(name):
        return "***"
    if name == "OSS" and isinstance(value, (str, bytes)):
        # Credentials belong here; a text in their place may well be one of them.
        return "***"
    if isinstance(value, dict):
        return {key: _masked(item, str(key)) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item, name) for item in cast("list[Any]", value)]
    return value


def short_repr(value: Any, name: str = "", limit: int = 60) -> str:
    """Show a value in a message: short, and without any secret that it holds."""
    try:
        value = _masked(value, name)
    except RecursionError:
        return "a value that holds itself"
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
        parts = [str(part) for part in item["loc"] if part != "[key]"]
        if OTHER in parts:
            # What the type itself said stands beside it.
            continue
        loc = _wire_path(cls, [part for part in parts if part != VALUE])
        path = ".".join([prefix, *loc] if prefix else loc)
        allowed = _ALLOWED.get(item["type"], item["msg"])
        problems.append(Problem(path, short_repr(item["input"], loc[-1] if loc else prefix), allowed))
    return problems


def nearest(name: object, known: Mapping[str, Field]) -> str:
    """Name the field that was probably meant, in the spelling that was used."""
    if not isinstance(name, str):
        return ""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def warn_unknown(cls: type[Model], name: str, fate: str) -> None:
    """Say that a class has no such field, and name the nearest one."""
    hint = nearest(name, cls._fields)
    warnings.warn(f"{cls.__name__} has no field {name!r}: it {fate}{hint}", UnknownFieldWarning, stacklevel=3)
