"""Access to the fields of a model by attribute and by key, in both spellings of a name."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, cast

from batchcompute.errors import FieldError
from batchcompute.models.field_types import EMPTY_TIME
from batchcompute.models.fields import Field
from batchcompute.models.problems import nearest, warn_unknown
from batchcompute.models.storage import Model

__all__: list[str] = []


class MappingModel(Model):
    """A model whose fields are attributes, and which is a mapping of the fields that are set."""

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
            # Programs for the old SDK do this; there it was a plain attribute, too.
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
        if field is None or not self._is_there(field):
            raise KeyError(key)
        self._unset(field)

    def __contains__(self, key: object) -> bool:
        field = self._fields.get(key) if isinstance(key, str) else None
        if field is not None:
            return self._is_there(field)
        return key in (self.__pydantic_extra__ or ())

    def _is_there(self, field: Field) -> bool:
        value = self.__dict__.get(field.name)
        # A time that is not yet known is there, with None for its value, as in the old SDK.
        return field.is_set(value) or value is EMPTY_TIME

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        """Iterate over the wire names of the fields that are set."""
        for field in self._declared:
            if self._is_there(field):
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
        """Return pairs of wire name and value of the fields that are set."""
        return self._as_dict().items()

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a field that is set, else the default."""
        return self[key] if key in self else default  # noqa: SIM401

    def pop(self, key: str, *default: Any) -> Any:
        """Take a field out and return its value; else the default.

        Raises:
            KeyError: It is not set, and there is no default.
        """
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Set a field that is not set, and return its value."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Take out every field that is set."""
        for key in [key for key in self if key in self._fields]:
            del self[key]

    def has_key(self, key: str) -> bool:
        """Return whether a field is set, as Python 2's dicts could."""
        return key in self

    def getproperty(self, key: str) -> Any:
        """Return a field's value by name; the old SDK's spelling of ``self[key]``."""
        return self[key]

    def setproperty(self, key: str, value: Any) -> None:
        """Set a field by name; the old SDK's spelling of ``self[key] = value``."""
        self[key] = value

    @property
    def _d(self) -> dict[str, Any]:
        """What is set, as classes in the old style look at it."""
        return self._as_dict()
