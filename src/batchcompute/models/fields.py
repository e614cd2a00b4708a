"""The attributes of a model: a descriptor for each field, and the dicts and lists that it gives."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import (
    TYPE_CHECKING,
    Any,
    Self,
    SupportsIndex,
    cast,
    get_args,
    get_origin,
)

from pydantic import TypeAdapter

from batchcompute.errors import Problem, ValidationError
from batchcompute.models.constraints import Constraint
from batchcompute.models.field_types import EMPTY_TIME, NULL, UNSET, NonBlankText, in_utc

if TYPE_CHECKING:
    from batchcompute.models.storage import Model

__all__: list[str] = []

Check = Callable[[Any, str], Any]
"""Converts a value to an item of a container. The second argument is the key or the index, for a ValidationError."""


class FieldMap(dict[str, Any]):
    """A dict that is the value of a field. It checks each value, and its first change sets the field."""

    __slots__ = ("_check", "_on_change")

    def __init__(
        self, items: Mapping[str, Any], check: Check | None, on_change: Callable[[], None] | None
    ) -> None:
        super().__init__(items)
        self._check = check
        self._on_change = on_change

    def _changed(self) -> None:
        if self._on_change is not None:
            on_change, self._on_change = self._on_change, None
            on_change()

    def _checked(self, key: Any, value: Any) -> tuple[str, Any]:
        if isinstance(key, bytes):
            key = key.decode("utf-8")
        if not isinstance(key, str):
            raise ValidationError([Problem(repr(key), "", "must be a string: it is a key of a JSON object")])
        return key, value if self._check is None else self._check(value, key)

    def __setitem__(self, key: str, value: Any) -> None:
        key, value = self._checked(key, value)
        super().__setitem__(key, value)
        self._changed()

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        # All values are checked before the first is stored, so an invalid one changes nothing.
        pairs = [self._checked(key, value) for key, value in dict(*args, **kwargs).items()]
        for key, value in pairs:
            super().__setitem__(key, value)
        if pairs:
            self._changed()

    def __ior__(self, other: Any) -> FieldMap:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: copy.deepcopy(value, memo) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))

    def has_key(self, key: str) -> bool:
        """Return whether the key is present, like a dict of Python 2."""
        return key in self


class FieldList(list[Any]):
    """A list that is the value of a field. It checks each value, and its first change sets the field."""

    __slots__ = ("_check", "_on_change")

    def __init__(
        self, items: Iterable[Any], check: Check | None, on_change: Callable[[], None] | None
    ) -> None:
        super().__init__(items)
        self._check = check
        self._on_change = on_change

    def _checked(self, value: Any, index: int) -> Any:
        return value if self._check is None else self._check(value, str(index))

    def _changed(self) -> None:
        if self._on_change is not None:
            on_change, self._on_change = self._on_change, None
            on_change()

    def append(self, value: Any) -> None:
        super().append(self._checked(value, len(self)))
        self._changed()

    def extend(self, values: Iterable[Any]) -> None:
        items = [self._checked(value, len(self) + number) for number, value in enumerate(values)]
        super().extend(items)
        if items:
            self._changed()

    def insert(self, index: SupportsIndex, value: Any) -> None:
        super().insert(index, self._checked(value, int(index)))
        self._changed()

    def __setitem__(self, index: Any, value: Any) -> None:
        many = isinstance(index, slice)
        if many:
            value = [self._checked(item, number) for number, item in enumerate(value)]
        else:
            value = self._checked(value, index)
        super().__setitem__(index, value)
        self._changed()

    def __iadd__(self, values: Iterable[Any]) -> FieldList:  # type: ignore[misc]
        self.extend(values)
        return self

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [copy.deepcopy(value, memo) for value in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return (list, (list(self),))


class Field:
    """The descriptor of a field with a plain value. A class has it under both names of the field.

    The value is in the instance's ``__dict__`` under the snake_case name, where pydantic-core stores it and reads
    it. `UNSET` and None there mean that the field is not set. An unset plain field reads as the default of its class.
    """

    __slots__ = ("constraints", "default", "name", "nullable", "owner", "type", "unset", "wire")

    def __init__(
        self,
        name: str,
        wire: str,
        type_: Any,
        default: Any,
        unset: Any,
        constraints: tuple[Constraint, ...] = (),
    ) -> None:
        self.name: str = name
        """The snake_case name: the attribute of Python, and the key in ``__dict__``."""
        self.wire: str = wire
        """The name in requests and answers, in CamelCase."""
        self.type: Any = type_
        """The declared type, without None."""
        self.default: Any = default
        """The value in a new object; None if a new object does not set the field."""
        self.unset: Any = unset
        """The value that an unset field reads as."""
        self.nullable: bool = default is NULL
        self.constraints: tuple[Constraint, ...] = constraints
        """Constraints of the service on the value."""
        self.owner: Any = None

    def declared_by(self, cls: type[Any]) -> Self:
        """Store the class that declares the field, and return the field."""
        self.owner = cls
        return self

    def __get__(self, obj: Model | None, owner: type | None = None) -> Any:
        if obj is None:
            # pydantic looks for class attributes with the names of fields, and takes a found one for a default.
            raise AttributeError(self.name)
        value = obj.__dict__.get(self.name)
        if value is UNSET or value is None:
            return self.unset
        return None if value is NULL else value

    def __set__(self, obj: Model, value: Any) -> None:
        obj._assign(self, value)

    def __delete__(self, obj: Model) -> None:
        obj._unset(self)

    def ignores(self, value: Any) -> bool:
        """Return whether an assignment has no effect: that of a blank string to a field that takes none."""
        return self.type == NonBlankText and isinstance(value, str) and not value.strip()

    @property
    def is_time(self) -> bool:
        """Whether the value is a time."""
        return False

    @property
    def item(self) -> type[Any] | None:
        """The model class of the value, or of its items; None for other fields."""
        return None


class TimeField(Field):
    """The descriptor of a time. The time zone of pydantic-core is replaced by ``datetime.UTC``."""

    __slots__ = ()

    @property
    def is_time(self) -> bool:
        return True

    def __get__(self, obj: Model | None, owner: type | None = None) -> Any:
        value = super().__get__(obj, owner)
        if value is EMPTY_TIME:
            return None
        return value if not isinstance(value, datetime) or value.tzinfo is UTC else in_utc(value)


class NestedField(Field):
    """The descriptor of a nested model.

    An unset field reads as a new object that the owner does not hold. The first change of that object sets the field.
    """

    __slots__ = ()

    def __get__(self, obj: Model | None, owner: type | None = None) -> Any:
        if obj is None:
            raise AttributeError(self.name)
        value = obj.__dict__.get(self.name)
        if value is UNSET or value is None:
            return obj._pending(self, self._fresh)
        if obj._is_pending() and isinstance(value, self.type):
            value._adopt(obj, None)
        return value

    def _fresh(self, obj: Model) -> Any:
        child = self.type()
        child._adopt(obj, self)
        return child

    @property
    def item(self) -> type[Any] | None:
        return cast("type[Any]", self.type)


class ContainerField(Field):
    """The descriptor of a dict or a list.

    An unset field reads as an empty container that the owner does not hold. Its first change sets the field. So a
    read never changes a request, and ``cluster.EnvVars["A"] = "1"`` works on a cluster without variables.
    """

    __slots__ = ("_adapter", "_item", "origin")

    def __init__(
        self,
        name: str,
        wire: str,
        type_: Any,
        default: Any,
        unset: Any,
        constraints: tuple[Constraint, ...] = (),
    ) -> None:
        super().__init__(name, wire, type_, default, unset, constraints)
        args = get_args(type_)
        self.origin: type[Any] = get_origin(type_) or dict
        self._item = args[-1] if args else Any
        self._adapter: TypeAdapter[Any] | None = None

    def __get__(self, obj: Model | None, owner: type | None = None) -> Any:
        if obj is None:
            raise AttributeError(self.name)
        value = obj.__dict__.get(self.name)
        if value is UNSET or value is None:
            return obj._pending(self, self._fresh)
        # A value of an unexpected type, from an answer, is returned as it is.
        if value.__class__ is self.origin:
            value = self._wrap(value, obj, None if not obj._is_pending() else obj._attach)
            vars(obj)[self.name] = value
        return value

    def _fresh(self, obj: Model) -> Any:
        def on_change() -> None:
            obj._accept_pending(self, wrapped)

        wrapped: Any = self._wrap(self.origin(), obj, on_change)
        return wrapped

    def _wrap(self, value: Any, obj: Model, on_change: Any) -> Any:
        check = self._check_for(type(obj).__name__)
        if self.origin is dict:
            return FieldMap(value, check, on_change)
        return FieldList(value, check, on_change)

    def _check_for(self, subject: str) -> Check:
        cls: Any = self.item

        def check(value: Any, key: str) -> Any:
            from batchcompute.models.storage import check_value, own_copy

            if self._item is Any:
                return own_copy(value)
            if cls is not None:
                return cls._checked_copy(value, f"{self.wire}.{key}", subject)
            if self._adapter is None:
                self._adapter = TypeAdapter(self._item)
            return check_value(self._adapter, value, f"{self.wire}.{key}", subject)

        return check

    @property
    def item(self) -> type[Any] | None:
        return cast("type[Any]", self._item) if hasattr(self._item, "_checked_copy") else None


def _doc(field: Field) -> str:
    from batchcompute.models.json_schema import doc_of

    return doc_of(field.owner, field.name) if field.owner is not None else ""


for _cls in (Field, TimeField, NestedField, ContainerField):
    # For help(): the docstring under the declaration of a field, read from the source on access.
    setattr(_cls, "__doc__", property(_doc))  # noqa: B010
