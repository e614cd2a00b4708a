"""Model classes in the style of the old SDK, with ``descriptor_map`` and ``required``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import BaseModel, Field

from batchcompute.models.field_types import Boolean, Integer, Number, Text, Time

__all__: list[str] = []

_LEGACY_ATTRIBUTES = ("descriptor_map", "required", "descriptor_type", "resource_name")


def _type_of(declared: object) -> Any:
    """Return the type of a field whose values the old SDK checked with ``isinstance``."""
    members: tuple[Any, ...] = (
        cast("tuple[Any, ...]", declared) if isinstance(declared, tuple) else (declared,)
    )
    kinds = {member for member in members if member is not type(None)}
    if len(kinds) == 1:
        only = kinds.pop()
        simple = {str: Text, bytes: Text, int: Integer, float: Number, bool: Boolean, datetime: Time}
        if only is dict:
            return dict[str, Any]
        if only in (list, tuple):
            return list[Any]
        return simple.get(only, only)
    nested = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    if nested:
        # The old SDK converted a dict to an object.
        return nested[0]
    if datetime in kinds:
        # The old SDK accepted numbers and strings of any format.
        return Any
    if kinds <= {str, bytes}:
        return Text
    if kinds <= {int, float, bool}:
        return Number
    if kinds <= {list, tuple}:
        return list[Any]
    return Any


def convert_legacy_body(name: str, namespace: dict[str, Any]) -> None:
    """Convert the body of a class in the style of the old SDK to the body of a model, in place.

    Args:
        name: The name of the class, for the warning.
        namespace: The body.
    """
    old: Mapping[str, Any] = namespace["descriptor_map"]
    annotations = namespace.setdefault("__annotations__", {})
    for wire, declared in old.items():
        # The field has its wire name only. In snake_case, a field `Items` would hide the method `items()`.
        annotations[wire] = _type_of(declared) | None if declared is not Any else Any
        namespace[wire] = Field(default=None, validation_alias=wire, serialization_alias=wire)
    if "required" in namespace:
        namespace["_required"] = tuple(namespace["required"])
        annotations["_required"] = ClassVar[tuple[Any, ...]]
    for old_name in _LEGACY_ATTRIBUTES:
        if old_name in namespace:
            annotations[old_name] = ClassVar[Any]
    warnings.warn(
        f"class {name}: descriptor_map is the style of the old SDK; declare fields with annotations, "
        f"for example `{next(iter(old), 'Name')}: str | None = None`",
        DeprecationWarning,
        stacklevel=4,
    )


def annotate_class_attributes(namespace: dict[str, Any]) -> None:
    """Annotate the plain class attributes of a caller's class as class variables.

    pydantic rejects attributes without annotations, because they may be fields by mistake.
    """
    if "__annotate_func__" in namespace or "__annotate__" in namespace:
        # Python 3.14 evaluates annotations later, so this code cannot add any.
        return
    annotations = namespace.setdefault("__annotations__", {})
    for name, value in namespace.items():
        plain = isinstance(
            value, (str, bytes, int, float, tuple, list, dict, set, frozenset, BaseModel, type(None))
        )
        if plain and not name.startswith("_") and name not in annotations:
            annotations[name] = ClassVar[Any]


if TYPE_CHECKING:
    from inspect import Signature

    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Meta(ModelMetaclass):
    def __new__(
        mcs, name: str, bases: tuple[type[Any], ...], namespace: dict[str, Any], **kwargs: Any
    ) -> type:
        if not namespace.get("__module__", "").startswith("batchcompute."):
            if isinstance(namespace.get("descriptor_map"), Mapping):
                convert_legacy_body(name, namespace)
            annotate_class_attributes(namespace)
            own_init = namespace.get("__init__")
            if callable(own_init):
                # Its argument is a mapping. Without this mark, pydantic-core calls it with the fields as
                # keywords for every object that it validates.
                setattr(own_init, "__pydantic_base_init__", True)  # noqa: B010 - a function's attribute
        # For each class, pydantic evaluates the annotations of all its bases that are texts, which is slow. Of a class
        # variable it needs the word `ClassVar` only, so that replaces the text.
        annotations = namespace.get("__annotations__", {})
        for attribute, annotation in annotations.items():
            if isinstance(annotation, str) and annotation.startswith("ClassVar["):
                annotations[attribute] = ClassVar
        return super().__new__(mcs, name, bases, namespace, **kwargs)

    @property
    def __signature__(cls) -> Signature:
        """The signature of the constructor, with the wire name of every field."""
        # Loaded when somebody looks at it.
        from batchcompute.models.signatures import signature_of

        return signature_of(cls)

    @__signature__.setter
    def __signature__(cls, value: object) -> None:
        # The signature of pydantic has the snake_case names, and exists only once the schema is built.
        pass


if TYPE_CHECKING:
    LegacyModel = BaseModel
else:
    # With this metaclass, type checkers do not find the methods that every class has, such as `__hash__`.
    LegacyModel = _Meta("LegacyModel", (BaseModel,), {"__module__": __name__, "__slots__": ()})
