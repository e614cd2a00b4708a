"""Stores the values of a model: assignment, nested objects, copies, and values from responses of the service."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

import pydantic
from pydantic import ConfigDict
from pydantic.alias_generators import to_pascal

from batchcompute.errors import ValidationError
from batchcompute.models.core_schema import ANSWER, STRICT, adapt_schema, make_field
from batchcompute.models.field_types import UNSET
from batchcompute.models.fields import ContainerField, Field, NestedField
from batchcompute.models.legacy import LegacyModel
from batchcompute.models.problems import problems_of, short_repr

if TYPE_CHECKING:
    from collections.abc import Callable

__all__: list[str] = []

_log = logging.getLogger("batchcompute.models")


def check_value(adapter: pydantic.TypeAdapter[Any], value: Any, path: str, subject: str) -> Any:
    """Validate a value, and raise the error of this package."""
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        raise ValidationError(problems_of(error, None, path), subject) from None


class Model(LegacyModel):
    """A model that stores its values.

    pydantic-core fills the ``__dict__`` of an instance, and writes JSON from it. The slot ``__pydantic_private__``
    holds a dict with up to three entries: ``owner``, for an object that was read from an unset field; ``pending``,
    for the objects that were read from unset fields of this one; ``attributes``, for undeclared attributes.
    """

    __slots__ = ("__weakref__",)

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        # Only `_read` keeps the undeclared fields of answers.
        extra="ignore",
        # Importing 60 models costs 8 ms with this setting, and 49 ms without it.
        defer_build=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
    )

    _fields: ClassVar[dict[str, Field]] = {}
    """Every field under both of its names."""
    _declared: ClassVar[tuple[Field, ...]] = ()
    """Every field, in the order of declaration."""
    _unset_as_zero: ClassVar[bool] = False
    """Whether an unset plain field reads as ``""``, ``0`` or ``False`` rather than as None."""
    _has_defaults: ClassVar[bool] = False
    """The cached result of `_sets_defaults`."""
    _is_response: ClassVar[bool] = False
    """Whether this is the response of a call that is also a resource, such as `JobResponse`."""
    _resource: ClassVar[type[Model]]
    """The resource class of this class: `Job` for `JobResponse`, otherwise the class itself.

    Comparisons and messages use it.
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        known = dict(cls._fields)
        declared = list(cls._declared)
        own = inspect.get_annotations(cls)
        # The fields of a status that derives from a description read as zero when unset.
        changed = any(
            base._unset_as_zero != cls._unset_as_zero for base in cls.__bases__ if issubclass(base, Model)
        )
        for name, info in cls.model_fields.items():
            if name in known and name not in own and not changed:
                continue
            field = make_field(name, info, cls._unset_as_zero).declared_by(cls)
            if any(other.name == name for other in declared):
                declared = [field if other.name == name else other for other in declared]
            else:
                declared.append(field)
            for spelling in (field.name, field.wire):
                known[spelling] = field
                type.__setattr__(cls, spelling, field)
        cls._fields = known
        cls._declared = tuple(declared)
        if not cls._is_response:
            cls._resource = cls

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return adapt_schema(cls, handler(source))

    @classmethod
    def _reads_leniently(cls) -> bool:
        """Return whether values of a wrong type are kept, except values from callers."""
        return cls._unset_as_zero or cls._is_response

    def _is_pending(self) -> bool:
        private = self.__pydantic_private__
        return private is not None and private.get("owner") is not None

    def _adopt(self, owner: Model, field: Field | None) -> None:
        """Connect this object to its owner.

        Args:
            owner: The object that is notified of the first change of this one.
            field: The field of the owner that the first change sets; None if the owner holds this object already.
        """
        self._private()["owner"] = (owner, field)

    def _private(self) -> dict[str, Any]:
        private = self.__pydantic_private__
        if private is None:
            private = {}
            object.__setattr__(self, "__pydantic_private__", private)
        return private

    def _pending(self, field: Field, make: Callable[[Model], Any]) -> Any:
        """Return the object that an unset field reads as; every read returns the same object."""
        pending = self._private().setdefault("pending", {})
        if field.name not in pending:
            pending[field.name] = make(self)
        return pending[field.name]

    def _attach(self) -> None:
        """Become part of the object that this one was read from."""
        private = self.__pydantic_private__
        link = private.pop("owner", None) if private else None
        if link is not None:
            owner, field = link
            if field is None:
                owner._attach()
            else:
                owner._accept_pending(field, self)

    def _accept_pending(self, field: Field, value: Any) -> None:
        """Set a field to the object that was read from it while it was not set, unless it was set meanwhile."""
        pending = (self.__pydantic_private__ or {}).get("pending", {})
        if pending.get(field.name) is value:
            del pending[field.name]
            vars(self)[field.name] = value
            self.__pydantic_fields_set__.add(field.name)
            if isinstance(value, Model):
                value._on_nested()
            self._attach()

    def _drop_pending(self, field: Field) -> None:
        private = self.__pydantic_private__
        if private:
            private.get("pending", {}).pop(field.name, None)

    def _assign(self, field: Field, value: Any) -> None:
        if value is None and not field.nullable:
            self._unset(field)
            return
        if field.ignores(value):
            return
        extra = self.__pydantic_extra__
        try:
            self.__pydantic_validator__.validate_assignment(self, field.name, own_copy(value), context=STRICT)
        except pydantic.ValidationError as error:
            raise ValidationError(problems_of(error, type(self)), type(self).__name__) from None
        # The undeclared fields of an answer stay.
        object.__setattr__(self, "__pydantic_extra__", extra)
        self._drop_pending(field)
        self._attach()

    def _unset(self, field: Field) -> None:
        vars(self)[field.name] = UNSET
        self.__pydantic_fields_set__.discard(field.name)
        self._drop_pending(field)
        self._attach()

    @classmethod
    def _checked_copy(cls, value: Any, path: str, subject: str) -> Self:
        """Convert an item of a container to an object of this class."""
        if isinstance(value, cls):
            return cast("Self", own_copy(value))
        try:
            return cast("Self", cls.__pydantic_validator__.validate_python(own_copy(value), context=STRICT))
        except pydantic.ValidationError as error:
            raise ValidationError(problems_of(error, cls, path), subject) from None

    @classmethod
    def _copy_state(cls, source: Model, memo: dict[int, Any]) -> dict[str, Any]:
        known = {field.name for field in cls._declared}
        return {name: copy.deepcopy(value, memo) for name, value in source.__dict__.items() if name in known}

    def _set_state(self, values: dict[str, Any], extra: dict[str, Any] | None = None) -> None:
        full = {field.name: UNSET for field in self._declared}
        full.update(values)
        object.__setattr__(self, "__dict__", full)
        object.__setattr__(
            self, "__pydantic_fields_set__", {name for name in values if values[name] is not UNSET}
        )
        object.__setattr__(self, "__pydantic_extra__", None if extra is None else dict(extra))
        object.__setattr__(self, "__pydantic_private__", None)

    def _on_nested(self) -> None:
        """Called when the object becomes part of another one. A class may override it to adapt the object."""

    def __copy__(self) -> Self:
        result = type(self).__new__(type(self))
        self._copy_to(result, dict(self.__dict__), self.__pydantic_extra__)
        return result

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        self._copy_to(result, self._copy_state(self, memo), copy.deepcopy(self.__pydantic_extra__, memo))
        return result

    def _copy_to(self, target: Model, values: dict[str, Any], extra: dict[str, Any] | None) -> None:
        target._set_state(values, extra)
        object.__setattr__(target, "__pydantic_fields_set__", set(self.__pydantic_fields_set__))
        attributes = (self.__pydantic_private__ or {}).get("attributes")
        if attributes:
            target._private()["attributes"] = dict(attributes)

    def __getstate__(self) -> dict[Any, Any]:
        attributes = (self.__pydantic_private__ or {}).get("attributes")
        values = {name: value for name, value in self.__dict__.items() if value is not UNSET}
        return {"values": values, "extra": self.__pydantic_extra__, "attributes": attributes}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        self._set_state(state["values"], state["extra"])
        if state["attributes"]:
            self._private()["attributes"] = state["attributes"]

    @classmethod
    def _read(cls, data: bytes | Mapping[str, Any], extra: Literal["allow", "ignore"] = "allow") -> Self:
        """Read an answer of the service. Every value is kept, and a value of a wrong type is not an error."""
        validator = cls.__pydantic_validator__
        try:
            instance = (
                validator.validate_json(data, extra=extra, context=ANSWER)
                if isinstance(data, bytes)
                else validator.validate_python(data, extra=extra, context=ANSWER)
            )
            return cast("Self", instance._drop_defaults())
        except pydantic.ValidationError as error:
            wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
            if isinstance(data, bytes):
                data = json.loads(data)
            if not isinstance(data, Mapping):
                raise
            return cls._read_around(data, wrong, extra)

    @classmethod
    def _read_around(
        cls, data: Mapping[str, Any], wrong: set[str], extra: Literal["allow", "ignore"]
    ) -> Self:
        """Read the fields whose values are valid, and keep the raw values of the others."""
        good = {key: value for key, value in data.items() if key not in wrong}
        result = cls.__pydantic_validator__.validate_python(good, extra=extra, context=ANSWER)
        for key in wrong:
            field = cls._fields[key]
            result.__pydantic_fields_set__.add(field.name)
            result.__dict__[field.name] = cls._read_mismatched(field, data[key], extra == "allow")
        return cast("Self", result._drop_defaults())

    @classmethod
    def _read_mismatched(cls, field: Field, value: Any, everything: bool) -> Any:
        """Convert the valid parts of a value of a wrong type, and keep the rest.

        Args:
            field: The field.
            value: The value.
            everything: Whether undeclared fields are kept.
        """
        extra: Literal["allow", "ignore"] = "allow" if everything else "ignore"
        where = f"{cls.__name__}.{field.wire}"
        if isinstance(field, NestedField) and isinstance(value, Mapping):
            return field.type._read(value, extra)
        if isinstance(field, ContainerField) and field.item and isinstance(value, field.origin):
            return _read_items(field.item, value, where, extra)
        return keep_raw(value, where, field.wire)

    def _drop_defaults(self) -> Self:
        """Remove the defaults of descriptions: an answer holds only the values that the service sent."""
        if not type(self)._sets_defaults():
            return self
        sent = self.__pydantic_fields_set__
        for field in self._declared:
            value = self.__dict__.get(field.name)
            if field.name not in sent:
                vars(self)[field.name] = UNSET
            elif isinstance(value, Model):
                value._drop_defaults()
            elif field.item is not None and isinstance(value, (dict, list)):
                entries = cast("Any", value.values() if isinstance(value, dict) else value)
                for entry in entries:
                    if isinstance(entry, Model):
                        entry._drop_defaults()
        return self

    @classmethod
    def _sets_defaults(cls) -> bool:
        """Return whether a new object of this class, or of a class that it holds, sets a field by default."""
        if "_has_defaults" not in cls.__dict__:
            own = any(
                info.default_factory is not None or info.default is not None
                for info in cls.model_fields.values()
            )
            # It is set before the recursion, because a class may hold itself.
            cls._has_defaults = own
            items = {field.item for field in cls._declared if field.item is not None}
            cls._has_defaults = own or any(item._sets_defaults() for item in items)
        return cls._has_defaults


def keep_raw(value: Any, where: str, name: str = "") -> Any:
    """Return a value of an unexpected type unchanged, and log it."""
    _log.warning("%s: unexpected %s is kept", where, short_repr(value, name))
    return value


def _read_items(item: Any, value: Any, where: str, extra: Literal["allow", "ignore"]) -> Any:
    """Read a dict or a list of models entry by entry, so an invalid entry does not affect the others."""

    def read(entry: Any, key: object) -> Any:
        # A null reads as an empty object.
        return (
            item._read(entry or {}, extra)
            if isinstance(entry, Mapping) or entry is None
            else keep_raw(entry, f"{where}.{key}")
        )

    if isinstance(value, dict):
        return {key: read(entry, key) for key, entry in cast("dict[str, Any]", value).items()}
    return [read(entry, number) for number, entry in enumerate(cast("list[Any]", value))]


def own_copy(value: Any) -> Any:
    """Copy models and containers, so later changes by the caller have no effect.

    Raises:
        ValidationError: A container holds itself, or a number that is not finite.
    """
    try:
        return _owned(value)
    except RecursionError:
        raise ValidationError("a value is nested too deeply, or holds itself") from None


def drop_extra(value: Any) -> Any:
    """Remove the undeclared fields of answers, at every depth."""
    if isinstance(value, Model):
        object.__setattr__(value, "__pydantic_extra__", None)
        drop_extra(value.__dict__)
    elif isinstance(value, dict):
        for item in cast("dict[Any, Any]", value).values():
            drop_extra(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            drop_extra(item)
    return cast("Any", value)


def _owned(value: Any) -> Any:
    if isinstance(value, Model):
        own = copy.deepcopy(value)
        own._on_nested()
        return own
    if isinstance(value, dict):
        return {key: _owned(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_owned(item) for item in cast("list[Any]", value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValidationError(f"{value} is not a number of JSON")
    return value
