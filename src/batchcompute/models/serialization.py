"""From models to plain values, and from those to JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, cast

from batchcompute.errors import ValidationError
from batchcompute.models.field_types import EMPTY_TIME, NULL, format_time
from batchcompute.models.storage import Model

__all__: list[str] = []


class Detail(dict[str, Any]):
    """A nested object in what `detail` returns: a plain dict that can do what the object can.

    The old SDK had objects there, and programs read ``job.detail()["TaskMetrics"].WaitingCount``, print such a value
    as JSON, or call its methods.
    """

    __slots__ = ("_cls",)

    def __init__(self, items: dict[str, Any], cls: type[Model]) -> None:
        super().__init__(items)
        object.__setattr__(self, "_cls", cls)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        cls: type[Model] = self._cls
        field = cls._fields.get(name)
        key = field.wire if field is not None else name
        if key in self:
            return self[key]
        return getattr(cls._read(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        field = self._cls._fields.get(name)
        if field is None:
            raise AttributeError(f"{self._cls.__name__} has no field {name!r}")
        self[field.wire] = value

    def __str__(self) -> str:
        return str(self.__getattr__("dump")())

    def __copy__(self) -> Detail:
        return Detail(self, self._cls)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Detail, (dict(self), self._cls))


def plain(value: Any) -> Any:
    """Turn models, at every depth, into dicts of what is set."""
    if isinstance(value, Model):
        return Detail(cast("Any", value).detail(), type(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [plain(item) for item in cast("list[Any]", value)]
    return value


def wire(value: Any) -> Any:
    """Turn models, at every depth, into what JSON has, as the service writes it."""
    if isinstance(value, Model):
        model = cast("Any", value)
        there = [field for field in model._declared if model._is_there(field)]
        found: dict[str, Any] = {field.wire: wire(model.__dict__[field.name]) for field in there}
        found.update(model.__pydantic_extra__ or {})
        return found
    if isinstance(value, dict):
        return {key: wire(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [wire(item) for item in cast("list[Any]", value)]
    if value is EMPTY_TIME:
        return ""
    if value is NULL:
        return None
    return format_time(value) if isinstance(value, datetime) else value


def as_json(value: Any, indent: int | None, subject: str) -> bytes:
    """Write plain values as JSON; half a character is escaped, as JSON itself does it.

    Args:
        value: The value.
        indent: Columns for each level; None or 0 for a text in one line.
        subject: What it is, for the error.

    Raises:
        ValidationError: It cannot be written.
    """
    separators = None if indent else (",", ":")
    try:
        try:
            return json.dumps(
                value, indent=indent or None, ensure_ascii=False, separators=separators
            ).encode()
        except UnicodeEncodeError:
            return json.dumps(value, indent=indent or None, separators=separators).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationError(f"cannot be written as JSON: {error}", subject) from None
