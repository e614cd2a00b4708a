"""The compilation of a class: a descriptor for each declared field, and the core schema that pydantic uses."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import datetime
from functools import partial
from operator import is_
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from pydantic_core import core_schema as cs

from batchcompute.models.constraints import Constraint
from batchcompute.models.field_types import EMPTY_TIME, NULL, UNSET
from batchcompute.models.fields import ContainerField, Field, NestedField, TimeField
from batchcompute.models.problems import OTHER, VALUE

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from batchcompute.models.storage import Model

__all__: list[str] = []

# pydantic-core leaves `UNSET` out of everything that it writes: `model_dump()`, a foreign model that holds this one,
# FastAPI. So `UNSET` is the default of each field that may be unset, and reading a null gives `UNSET`.

STRICT: Final = object()
"""Validation context for values from callers: a wrong type is an error, also in a status."""

ANSWER: Final = object()
"""Validation context for answers of the service: a value of a wrong type is kept."""

# pydantic-core calls these for each field that it writes. They are functions of C, so a call is fast.
_is_none = partial(is_, None)
_is_no_time = partial(is_, EMPTY_TIME)

_ADAPTED = "batchcompute"
"""The key of the metadata of an adapted schema."""

_ALLOWED = {
    "str": "must be a string",
    "bool": "must be true or false",
    "int": "must be an integer",
    "float": "must be a number",
    "datetime": "must be a time like 2016-11-01T15:25:02.837728Z",
    "literal": "must be one of the listed values",
}

_NESTED = ("model", "definition-ref", "function-wrap", "dict", "list", "any")


class Fallback:
    """The validator of values that the type of a field rejects.

    pydantic-core calls it after the type of the field, in a union. It raises a single error, or keeps the value
    of an answer. As a member of the union, it also stops pydantic from warning when it writes such a value.

    Args:
        cls: The class.
        name: The snake_case name of the field.
    """

    __slots__ = ("_cls", "_name")

    def __init__(self, cls: type[Model], name: str) -> None:
        self._cls = cls
        self._name = name

    def __call__(self, value: Any, info: Any) -> Any:
        context = info.context
        field: Field = self._cls._fields[self._name]
        if value is None or value is UNSET:
            # The service sends null instead of "" for an unknown time.
            return EMPTY_TIME if value is None and context is ANSWER and field.is_time else UNSET
        if context is not ANSWER and (context is STRICT or not self._cls._reads_leniently()):
            raise ValueError("has the wrong type")
        return self._cls._read_mismatched(field, value, context is ANSWER)


_ZERO = {str: "", int: 0, float: 0.0, bool: False}


def _bare(annotation: Any) -> Any:
    """Return a type without None."""
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return members[0] if len(members) == 1 else Union[tuple(members)]  # noqa: UP007
    return annotation


def _split_constraints(type_: Any) -> tuple[Any, tuple[Constraint, ...]]:
    """Split an annotated type into the type without constraints, and the constraints."""
    if get_origin(type_) is not Annotated:
        return type_, ()
    base, *metadata = get_args(type_)
    constraints = tuple(item for item in metadata if isinstance(item, Constraint))
    rest = tuple(item for item in metadata if not isinstance(item, Constraint))
    return (Annotated[(base, *rest)] if rest else base), constraints


def make_field(name: str, info: FieldInfo, unset_as_zero: bool) -> Field:
    """Return the descriptor of a field.

    Args:
        name: The snake_case name.
        info: The declaration of the field.
        unset_as_zero: Whether an unset plain field reads as ``""``, ``0`` or ``False``, as in statuses. It reads as None
            otherwise, as in descriptions.
    """
    wire = info.serialization_alias or info.alias or name
    type_, constraints = _split_constraints(_bare(info.annotation))
    default = None if info.default_factory is not None else info.default
    origin = get_origin(type_)
    if origin in (dict, list):
        return ContainerField(name, wire, type_, default, None, constraints)
    if hasattr(type_, "_checked_copy"):
        return NestedField(name, wire, type_, default, None, constraints)
    plain = get_args(type_)[0] if origin is Annotated else type_
    if plain is datetime:
        return TimeField(name, wire, type_, default, None, constraints)
    unset = None if default is NULL or default is UNSET else default
    if unset is None and unset_as_zero:
        unset = _ZERO.get(plain, "" if "str" in str(plain) else None)
    return Field(name, wire, type_, default, unset, constraints)


def _null() -> Any:
    return NULL


def _drop_defaults(value: Any, handler: Callable[[Any], Any], info: Any) -> Any:
    """Remove the defaults of descriptions: a status holds only the values that it was read from."""
    status = handler(value)
    # An existing object is returned unchanged.
    return status if status is value or info.context is STRICT else status._drop_defaults()


def _fields_of(schema: Any) -> Any:
    """Return the part of the schema of a model that lists its fields; None if there is no such part."""
    part: Any = schema
    while part is not None and part["type"] != "model-fields":
        part = part.get("schema")
    return part


def _message(inner: Any) -> str:
    kind = inner["type"]
    if kind == "function-after":
        return _message(inner["schema"])
    if kind == "union":
        message: str = inner.get("custom_error_message") or ""
        # An open list of words accepts any string.
        kinds: set[Any] = {choice["type"] for choice in inner["choices"] if not isinstance(choice, tuple)}
        return message or (_ALLOWED["str"] if "str" in kinds else "has the wrong type")
    return _ALLOWED.get(kind, "has the wrong type")


def _plain(inner: Any, fallback: Callable[[Any, Any], Any]) -> Any:
    return cs.union_schema(
        [inner, cs.with_info_plain_validator_function(fallback)],
        mode="left_to_right",
        custom_error_type="batchcompute",
        custom_error_message=_message(inner),
    )


def _lenient(inner: Any, fallback: Callable[[Any, Any], Any]) -> Any:
    return cs.union_schema(
        [(inner, VALUE), (cs.with_info_plain_validator_function(fallback), OTHER)],
        mode="left_to_right",
    )


def adapt_schema(cls: type[Model], schema: Any) -> Any:
    """Return the core schema of a class, adapted to fields that are not set.

    Args:
        cls: The class.
        schema: The core schema that pydantic derives from the annotations.
    """
    listed = _fields_of(schema)
    if listed is None or listed.setdefault("metadata", {}).get(_ADAPTED):
        return schema
    listed["metadata"][_ADAPTED] = True
    for name, field in listed["fields"].items():
        outer = field["schema"]
        if outer["type"] != "default":
            continue
        if outer.get("default") is NULL:
            # JSON schemas cannot contain this default.
            del outer["default"]
            outer["default_factory"] = _null
        inner = outer["schema"]
        if inner["type"] == "nullable":
            inner = inner["schema"]
        elif inner["type"] != "any":
            continue
        nested = inner["type"] in _NESTED
        if cls._reads_leniently() and inner["type"] != "any":
            adapted = (_lenient if nested else _plain)(inner, Fallback(cls, name))
        elif nested:
            # Without a union, the errors of a nested model keep their paths. A null is not written.
            adapted = outer["schema"]
            field["serialization_exclude_if"] = _is_none
        else:
            adapted = _plain(inner, Fallback(cls, name))
        if inner.get("metadata", {}).get("batchcompute_time"):
            field["serialization_exclude_if"] = _is_no_time
        outer["schema"] = adapted
        if outer.get("default", UNSET) is None:
            outer["default"] = UNSET
    if cls._reads_leniently() and cls._sets_defaults():
        return cs.with_info_wrap_validator_function(_drop_defaults, schema)
    return schema
