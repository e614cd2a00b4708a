"""A model as plain data: its fields by attribute and by key, as dicts and lists, and as JSON."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import PydanticSerializationError

from batchcompute.errors import FieldError, ValidationError
from batchcompute.models.field_types import EMPTY_TIME, NULL, UNSET, format_time
from batchcompute.models.fields import Field
from batchcompute.models.problems import nearest, warn_unknown
from batchcompute.models.storage import Model

__all__: list[str] = []

_REPLACED = "\ufffd".encode()


class Detail(dict[str, Any]):
    """A nested object in the result of `detail`: a dict with the attributes and methods of the object.

    The old SDK returned objects here. Programs read ``job.detail()["TaskMetrics"].WaitingCount``, print such a value
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


def to_plain(value: Any) -> Any:
    """Convert models, at every depth, to dicts of the fields that are set."""
    if isinstance(value, Model):
        return Detail(cast("Any", value).detail(), type(value))
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [to_plain(item) for item in cast("list[Any]", value)]
    return value


def to_wire(value: Any) -> Any:
    """Convert models, at every depth, to the values of JSON, in the format of the service."""
    if isinstance(value, Model):
        model = cast("Any", value)
        present = [field for field in model._declared if model._is_present(field)]
        fields: dict[str, Any] = {field.wire: to_wire(model.__dict__[field.name]) for field in present}
        fields.update(model.__pydantic_extra__ or {})
        return fields
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [to_wire(item) for item in cast("list[Any]", value)]
    if value is EMPTY_TIME:
        return ""
    if value is NULL:
        return None
    return format_time(value) if isinstance(value, datetime) else value


def to_json_bytes(value: Any, indent: int | None, subject: str) -> bytes:
    """Write a plain value as JSON. Half of a surrogate pair is written as an escape sequence.

    Args:
        value: The value.
        indent: Spaces for each level; None or 0 for a single line.
        subject: The name of the value in the error.

    Raises:
        ValidationError: JSON cannot represent the value.
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


class MappingModel(Model):
    """A model whose fields are attributes, and which is also a mapping of the fields that are set."""

    __slots__ = ()

    def _get_attribute(self, name: str) -> Any:
        if not name.startswith("_"):
            extra = self.__pydantic_extra__
            if extra is not None and name in extra:
                return extra[name]
            attributes = self._local_attributes()
            if name in attributes:
                return attributes[name]
        hint = nearest(name, self._fields)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def _set_attribute(self, name: str, value: Any) -> None:
        field = self._fields.get(name)
        if field is not None:
            self._assign(field, value)
        elif name.startswith("_") or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            # As in the old SDK, an undeclared name becomes an attribute of the object.
            warn_unknown(type(self), name, "stays a local attribute and is never sent")
            self._private().setdefault("attributes", {})[name] = value

    def _delete_attribute(self, name: str) -> None:
        field = self._fields.get(name)
        if field is not None:
            self._unset(field)
            return
        attributes = self._local_attributes()
        if name not in attributes:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        del attributes[name]

    def _local_attributes(self) -> dict[str, Any]:
        private: dict[str, Any] = self.__pydantic_private__ or {}
        return cast("dict[str, Any]", private.get("attributes", {}))

    if not TYPE_CHECKING:
        # With these methods, a type checker accepts any attribute.
        __getattr__ = _get_attribute
        __setattr__ = _set_attribute
        __delattr__ = _delete_attribute

    def __getitem__(self, key: str) -> Any:
        if key in self._fields:
            return getattr(self, key)
        extra = self.__pydantic_extra__
        if extra is not None and key in extra:
            return extra[key]
        raise KeyError(key)

    def __setitem__(self, key: str, value: Any) -> None:
        field = self._fields.get(key)
        if field is None:
            raise FieldError(f"{type(self).__name__} has no field {key!r}{nearest(key, self._fields)}")
        self._assign(field, value)

    def __delitem__(self, key: str) -> None:
        field = self._fields.get(key)
        if field is None or not self._is_present(field):
            raise KeyError(key)
        self._unset(field)

    def __contains__(self, key: object) -> bool:
        field = self._fields.get(key) if isinstance(key, str) else None
        if field is not None:
            return self._is_present(field)
        return key in (self.__pydantic_extra__ or ())

    def _is_present(self, field: Field) -> bool:
        # As in the old SDK, an unknown time counts as set, with the value None.
        value = self.__dict__.get(field.name)
        return value is not UNSET and value is not None

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        """Iterate over the wire names of the fields that are set."""
        for field in self._declared:
            if self._is_present(field):
                yield field.wire
        yield from self.__pydantic_extra__ or ()

    def _as_dict(self) -> dict[str, Any]:
        return {key: self[key] for key in self}

    def keys(self) -> KeysView[str]:
        """Return the wire names of the fields that are set."""
        return self._as_dict().keys()

    def values(self) -> ValuesView[Any]:
        """Return the values of the fields that are set."""
        return self._as_dict().values()

    def items(self) -> ItemsView[str, Any]:
        """Return the wire names and the values of the fields that are set, in pairs."""
        return self._as_dict().items()

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a field that is set; otherwise return the default."""
        return self[key] if key in self else default  # noqa: SIM401

    def pop(self, key: str, *default: Any) -> Any:
        """Unset a field and return its value. Return the default if it is not set.

        Raises:
            KeyError: The field is not set, and there is no default.
        """
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Set a field if it is not set. Return its value."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Unset every field."""
        for key in [key for key in self if key in self._fields]:
            del self[key]

    def has_key(self, key: str) -> bool:
        """Return whether a field is set, like a dict of Python 2."""
        return key in self

    def getproperty(self, key: str) -> Any:
        """Return the value of a field: the name of ``self[key]`` in the old SDK."""
        return self[key]

    def setproperty(self, key: str, value: Any) -> None:
        """Set a field: the name of ``self[key] = value`` in the old SDK."""
        self[key] = value

    @property
    def _d(self) -> dict[str, Any]:
        """The fields that are set, under the name that classes in the old style use."""
        return self._as_dict()

    def detail(self) -> dict[str, Any]:
        """Return the set fields as plain dicts and lists, under their wire names; null fields are omitted."""
        return {field_name: to_plain(value) for field_name, value in self._set_values() if value is not NULL}

    def _set_values(self) -> Iterator[tuple[str, Any]]:
        for field in self._declared:
            if self._is_present(field):
                value = self.__dict__[field.name]
                yield field.wire, value if value is NULL else field.__get__(self)
        yield from (self.__pydantic_extra__ or {}).items()

    def dump(self, indent: int | None = 4) -> str:
        """Return the set fields as a JSON string, under their wire names.

        Args:
            indent: Spaces for each level; None for a single line.
        """
        return self._to_json(indent).decode("utf-8")

    def _to_json(self, indent: int | None = None) -> bytes:
        if self._unset_as_zero or self.__pydantic_extra__ is not None:
            # An answer is written as it was read, with its undeclared fields, and with "" for an unknown time.
            return to_json_bytes(to_wire(self), indent, type(self).__name__)
        try:
            text = self.__pydantic_serializer__.to_json(
                self, indent=indent or None, by_alias=True, warnings=False
            )
        except PydanticSerializationError:
            return to_json_bytes(to_wire(self), indent, type(self).__name__)
        # pydantic-core silently replaces half of a surrogate pair in a key by this character.
        return to_json_bytes(to_wire(self), indent, type(self).__name__) if _REPLACED in text else text
