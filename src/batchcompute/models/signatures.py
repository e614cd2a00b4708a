"""The signatures of models, which say what the ``.pyi`` files say."""

from __future__ import annotations

import types
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from batchcompute.models.field_types import EnvText
from batchcompute.models.fields import ContainerField, Field, NestedField, TimeField

__all__ = ["accepted", "hint_of", "signature_of"]


class _Text(str):
    """An annotation that is written without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def hint_of(type_: Any) -> str:
    """Return a type as text; words are listed.

    Args:
        type_: The type.
    """
    origin, args = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return hint_of(args[0])
    if origin is Literal:
        return " | ".join(repr(value) for value in args)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(hint_of(arg) for arg in args))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(hint_of(arg) for arg in args)}]"
    return str(getattr(type_, "__name__", type_))


def accepted(field: Field) -> str:
    """Return the values that a field accepts, as an annotation.

    Args:
        field: The field.
    """
    if isinstance(field, NestedField):
        return f"{field.type.__name__} | Mapping[str, object] | None"
    if isinstance(field, TimeField):
        return "datetime | str | None"
    if not isinstance(field, ContainerField):
        return f"{hint_of(field.type)} | None"
    item: Any = get_args(field.type)[-1]
    is_mapping = get_origin(field.type) is dict
    if field.item is not None:
        entry = f"{field.item.__name__} | Mapping[str, object]"
        return f"{'Mapping[str, ' if is_mapping else 'Sequence['}{entry}] | None"
    if not is_mapping:
        return f"list[{hint_of(item)}] | tuple[{hint_of(item)}, ...] | None"
    if get_origin(item) is list:
        one = hint_of(get_args(item)[0])
        return f"Mapping[str, list[{one}] | tuple[{one}, ...]] | None"
    return f"Mapping[str, {'object' if item in (Any, EnvText) else hint_of(item)}] | None"


def signature_of(cls: Any) -> Signature:
    """Return the signature of a model's constructor, with the wire name of every field.

    Args:
        cls: The model.
    """
    source = _Text(f"{cls._resource.__name__} | Mapping[str, object] | str | bytes | None")
    first = Parameter("properties", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=source)
    fields = [
        Parameter(
            field.wire, Parameter.KEYWORD_ONLY, default=field.default, annotation=_Text(accepted(field))
        )
        for field in cls._declared
    ]
    return Signature([first, *fields], return_annotation=None)
