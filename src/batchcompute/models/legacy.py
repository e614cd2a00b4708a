"""Classes in the old SDK's style: a ``descriptor_map`` of types, and ``required`` names.

Programs derive from `Jsonizable` so. Their classes become pydantic models like all others; a
DeprecationWarning shows how to write them now.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import BaseModel, Field

from batchcompute.models.field_types import Boolean, Integer, Number, Text, Time

__all__: list[str] = []

_OLD_NAMES = ("descriptor_map", "required", "descriptor_type", "resource_name")


def _type_of(declared: object) -> Any:
    """Return the type of a field that the old SDK would have checked with ``isinstance``."""
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
        # The old SDK made an object of a dict that came in its place.
        return nested[0]
    if datetime in kinds:
        # It kept whatever else came: numbers, and texts of any form.
        return Any
    if kinds <= {str, bytes}:
        return Text
    if kinds <= {int, float, bool}:
        return Number
    if kinds <= {list, tuple}:
        return list[Any]
    return Any


def convert_legacy_body(name: str, namespace: dict[str, Any]) -> None:
    """Turn the body of an old class into that of a model, in place.

    Args:
        name: Name of the class, for the warning.
        namespace: The body.
    """
    old: Mapping[str, Any] = namespace["descriptor_map"]
    annotations = namespace.setdefault("__annotations__", {})
    for wire, declared in old.items():
        # Under its one name: what the old SDK called Items would be the method items().
        annotations[wire] = _type_of(declared) | None if declared is not Any else Any
        namespace[wire] = Field(default=None, validation_alias=wire, serialization_alias=wire)
    if "required" in namespace:
        namespace["_required"] = tuple(namespace["required"])
        annotations["_required"] = ClassVar[tuple[Any, ...]]
    for old_name in _OLD_NAMES:
        if old_name in namespace:
            annotations[old_name] = ClassVar[Any]
    warnings.warn(
        f"class {name}: descriptor_map is the old SDK's way to declare fields; write annotations instead, "
        f"for example `{next(iter(old), 'Name')}: str | None = None`",
        DeprecationWarning,
        stacklevel=4,
    )


def annotate_class_attributes(namespace: dict[str, Any]) -> None:
    """Mark what a caller's class sets without an annotation as belonging to the class.

    pydantic would refuse it, as it might have been meant as a field.
    """
    if "__annotate_func__" in namespace or "__annotate__" in namespace:
        # Python 3.14 computes annotations later; there is nothing to be added to them here.
        return
    annotations = namespace.setdefault("__annotations__", {})
    for name, value in namespace.items():
        plain = isinstance(
            value, (str, bytes, int, float, tuple, list, dict, set, frozenset, BaseModel, type(None))
        )
        if plain and not name.startswith("_") and name not in annotations:
            annotations[name] = ClassVar[Any]


if TYPE_CHECKING:
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
                # It takes a mapping as its one argument; without this mark, pydantic-core would
                # call it with the fields as keywords wherever an object is checked or nested.
                setattr(own_init, "__pydantic_base_init__", True)  # noqa: B010 - a function's attribute
        return super().__new__(mcs, name, bases, namespace, **kwargs)

    @property
    def __signature__(cls) -> Signature:
        """Every field by its name on the wire, as the generated stubs have it."""
        fields = [
            Parameter(field.wire, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.hint)
            for field in getattr(cls, "_declared", ())
        ]
        first = Parameter("properties", Parameter.POSITIONAL_OR_KEYWORD, default=None)
        return Signature([first, *fields], return_annotation=None)

    @__signature__.setter
    def __signature__(cls, value: object) -> None:
        # pydantic's own names the fields as Python has them, and only once the schema is built.
        pass


if TYPE_CHECKING:
    LegacyModel = BaseModel
else:
    # With this metaclass, type checkers do not find the methods that every class has, such as `__hash__`.
    LegacyModel = _Meta("LegacyModel", (BaseModel,), {"__module__": __name__, "__slots__": ()})
