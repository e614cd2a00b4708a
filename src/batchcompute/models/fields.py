"""The attributes of a model: one descriptor a field, standing under both of its spellings.

A field's value lives in the instance's ``__dict__`` under its snake_case name, where pydantic-core
puts it and reads it when it writes JSON; `UNSET` there means "not set", and so does None. The descriptor decides what a
read of an unset field gives: the class's default for plain values, and for nested models and
containers a fresh one that is taken in by the first write to it.
"""

from __future__ import annotations

import types
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union, cast, get_args, get_origin

from pydantic import TypeAdapter

from batchcompute.models.constraints import Limit
from batchcompute.models.containers import Check, FieldList, FieldMap
from batchcompute.models.field_types import EMPTY_TIME, NULL, UNSET, FilledText, in_utc, is_unset

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from batchcompute.models.storage import Model

__all__: list[str] = []

_ZERO = {str: "", int: 0, float: 0.0, bool: False}


class Field:
    """A plain value."""

    __slots__ = ("default", "limits", "name", "nullable", "owner", "type", "unset", "wire")

    def __init__(
        self, name: str, wire: str, type_: Any, default: Any, unset: Any, limits: tuple[Limit, ...] = ()
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
        self.limits = limits
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
        return self.type == FilledText and isinstance(value, str) and not value.strip()

    def is_set(self, value: Any) -> bool:
        """Return whether a stored value counts as set."""
        return not is_unset(value)

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
        self, name: str, wire: str, type_: Any, default: Any, unset: Any, limits: tuple[Limit, ...] = ()
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
            obj._take(self, wrapped)

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
            from batchcompute.models.storage import check_value, owned

            if self._item is Any:
                return owned(value)
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


def _bare(annotation: Any) -> Any:
    """Strip None from a type."""
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return members[0] if len(members) == 1 else Union[tuple(members)]  # noqa: UP007
    return annotation


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


def _limits_of(type_: Any) -> tuple[Any, tuple[Limit, ...]]:
    """Split a type into what is left without its limits, and those."""
    if get_origin(type_) is not Annotated:
        return type_, ()
    base, *metadata = get_args(type_)
    limits = tuple(item for item in metadata if isinstance(item, Limit))
    rest = tuple(item for item in metadata if not isinstance(item, Limit))
    return (Annotated[(base, *rest)] if rest else base), limits


def make_field(name: str, info: FieldInfo, zeros: bool) -> Field:
    """Make the descriptor of one field.

    Args:
        name: The snake_case name.
        info: What pydantic knows of the field.
        zeros: Whether an unset plain value reads as ``""``, ``0`` or ``False`` (answers of the
            service, which always sends them) rather than as None (descriptions).
    """
    wire = info.serialization_alias or info.alias or name
    type_, limits = _limits_of(_bare(info.annotation))
    default = None if info.default_factory is not None else info.default
    origin = get_origin(type_)
    if origin in (dict, list):
        return ContainerField(name, wire, type_, default, None, limits)
    if hasattr(type_, "_checked_copy"):
        return NestedField(name, wire, type_, default, None, limits)
    plain = get_args(type_)[0] if origin is Annotated else type_
    if plain is datetime:
        return TimeField(name, wire, type_, default, None, limits)
    unset = None if default is NULL or default is UNSET else default
    if unset is None and zeros:
        unset = _ZERO.get(plain, "" if "str" in str(plain) else None)
    return Field(name, wire, type_, default, unset, limits)
