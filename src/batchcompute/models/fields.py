"""The attributes of a model: a descriptor for each field, and the dicts and lists that it gives."""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Self,
    SupportsIndex,
    Union,
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
"""Turns a value into what the container holds, given where it stands; raises ValidationError."""


class FieldMap(dict[str, Any]):
    """A dict that belongs to a field of a model."""

    __slots__ = ("_check", "_touch")

    def __init__(
        self, items: Mapping[str, Any], check: Check | None, touch: Callable[[], None] | None
    ) -> None:
        super().__init__(items)
        self._check = check
        self._touch = touch

    def _written(self) -> None:
        if self._touch is not None:
            touch, self._touch = self._touch, None
            touch()

    def _checked(self, key: Any, value: Any) -> tuple[str, Any]:
        if isinstance(key, bytes):
            key = key.decode("utf-8")
        if not isinstance(key, str):
            raise ValidationError([Problem(repr(key), "", "must be a text: it is a key of a JSON object")])
        return key, value if self._check is None else self._check(value, key)

    def __setitem__(self, key: str, value: Any) -> None:
        key, value = self._checked(key, value)
        super().__setitem__(key, value)
        self._written()

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        # All are checked before the first is taken in, so that a bad one leaves nothing half done.
        pairs = [self._checked(key, value) for key, value in dict(*args, **kwargs).items()]
        for key, value in pairs:
            super().__setitem__(key, value)
        if pairs:
            self._written()

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
        """Tell whether the key is there, as Python 2's dicts could."""
        return key in self


class FieldList(list[Any]):
    """A list that belongs to a field of a model."""

    __slots__ = ("_check", "_touch")

    def __init__(self, items: Iterable[Any], check: Check | None, touch: Callable[[], None] | None) -> None:
        super().__init__(items)
        self._check = check
        self._touch = touch

    def _checked(self, value: Any, index: int) -> Any:
        return value if self._check is None else self._check(value, str(index))

    def _written(self) -> None:
        if self._touch is not None:
            touch, self._touch = self._touch, None
            touch()

    def append(self, value: Any) -> None:
        super().append(self._checked(value, len(self)))
        self._written()

    def extend(self, values: Iterable[Any]) -> None:
        items = [self._checked(value, len(self) + number) for number, value in enumerate(values)]
        super().extend(items)
        if items:
            self._written()

    def insert(self, index: SupportsIndex, value: Any) -> None:
        super().insert(index, self._checked(value, int(index)))
        self._written()

    def __setitem__(self, index: Any, value: Any) -> None:
        many = isinstance(index, slice)
        if many:
            value = [self._checked(item, number) for number, item in enumerate(value)]
        else:
            value = self._checked(value, index)
        super().__setitem__(index, value)
        self._written()

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
    """A plain value."""

    __slots__ = ("constraints", "default", "name", "nullable", "owner", "type", "unset", "wire")

    def __init__(
        self, name: str, wire: str, type_: Any, default: Any, unset: Any, limits: tuple[Constraint, ...] = ()
    ) -> None:
        self.name = name
        """The snake_case name, under which the value is stored."""
        self.wire = wire
        """The CamelCase name, under which the value is sent."""
        self.type = type_
        """The declared type, without its None."""
        self.default = default
        """What a fresh object holds; None for a field that it does not set."""
        self.unset = unset
        """What reading gives while the field is not set."""
        self.nullable = default is NULL
        self.constraints = limits
        """What the service accepts of it."""
        self.owner: Any = None

    def own(self, cls: type[Any]) -> Self:
        """Take note of the class that declares it."""
        self.owner = cls
        return self

    def __get__(self, obj: Model | None, owner: type | None = None) -> Any:
        if obj is None:
            # pydantic asks every subclass for class attributes of its fields' names, and would
            # take the descriptor for a default value.
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
        """Return whether an assignment changes nothing: a blank text, where a text has to say something."""
        return self.type == NonBlankText and isinstance(value, str) and not value.strip()

    @property
    def is_time(self) -> bool:
        """Whether it holds a time."""
        return False

    @property
    def hint(self) -> str:
        """The type in words, for ``help()``."""
        return _Words(_hint(self.type))

    @property
    def item(self) -> type[Any] | None:
        """The model class that this field holds, alone or many of; None for other fields."""
        return None


class TimeField(Field):
    """A time; pydantic-core's own UTC class is exchanged for the standard library's."""

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
    """Another model."""

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
    """A dict or a list."""

    __slots__ = ("_adapter", "_item", "origin")

    def __init__(
        self, name: str, wire: str, type_: Any, default: Any, unset: Any, limits: tuple[Constraint, ...] = ()
    ) -> None:
        super().__init__(name, wire, type_, default, unset, limits)
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
        # What came in another shape than declared is kept as it came.
        if value.__class__ is self.origin:
            value = self._wrap(value, obj, None if not obj._is_pending() else obj._attach)
            vars(obj)[self.name] = value
        return value

    def _fresh(self, obj: Model) -> Any:
        def touch() -> None:
            obj._accept_pending(self, wrapped)

        wrapped: Any = self._wrap(self.origin(), obj, touch)
        return wrapped

    def _wrap(self, value: Any, obj: Model, touch: Any) -> Any:
        check = self._check_for(type(obj).__name__)
        if self.origin is dict:
            return FieldMap(value, check, touch)
        return FieldList(value, check, touch)

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
    # For help(): the text under a field's declaration, read from the source when somebody asks.
    setattr(_cls, "__doc__", property(_doc))  # noqa: B010


class _Words(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _hint(type_: Any) -> str:
    origin, args = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return _hint(args[0])
    if origin is Literal:
        return " | ".join(repr(word) for word in args)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(_hint(one) for one in args))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(_hint(one) for one in args)}]"
    return str(getattr(type_, "__name__", type_))
