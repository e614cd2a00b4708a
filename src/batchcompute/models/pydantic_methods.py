"""What pydantic's own methods do with a model: both spellings, nothing that is not set, and a schema with limits."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from batchcompute.models.field_types import UNSET
from batchcompute.models.fields import Field
from batchcompute.models.problems import warn_unknown
from batchcompute.models.validation import ValidatedModel

__all__: list[str] = []


def _by_name(cls: Any, chosen: Any) -> Any:
    """Spell what ``include`` and ``exclude`` choose as pydantic does, at every depth."""
    if cls is None or chosen is None or isinstance(chosen, (bool, str)):
        return chosen
    fields: Mapping[str, Field] = cls._fields
    if isinstance(chosen, Mapping):
        found: dict[Any, Any] = {}
        for key, inner in cast("Mapping[Any, Any]", chosen).items():
            field = fields.get(key) if isinstance(key, str) else None
            if field is None:
                found[key] = inner
            elif field.item is not None and field.type is not field.item and isinstance(inner, Mapping):
                items = cast("Mapping[Any, Any]", inner).items()
                found[field.name] = {number: _by_name(field.item, one) for number, one in items}
            else:
                found[field.name] = _by_name(field.item, inner)
        return found
    if isinstance(chosen, (Set, list, tuple)):
        names = cast("Set[Any]", chosen)
        return {fields[name].name if name in fields else name for name in names}
    return chosen


class PydanticModel(ValidatedModel):
    """The methods that pydantic gives its models, for models with two spellings."""

    __slots__ = ()

    _examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Descriptions for the JSON schema."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        from batchcompute.models.json_schema import model_schema

        return model_schema(cls, handler(schema), handler)

    def _model_dump(
        self, *, include: Any = None, exclude: Any = None, warnings: Any = False, **options: Any
    ) -> dict[str, Any]:
        """Return the fields that are set, under their wire names.

        Of an answer, fields that the class does not declare are in `detail` and `dump` only.

        Args:
            include: Fields to be written, in either spelling; see pydantic.
            exclude: Fields to be left out, in either spelling; see pydantic.
            warnings: Whether pydantic warns of values of a wrong type, which answers may have.
            **options: pydantic's own, such as ``by_alias=False`` for snake_case names.
        """
        chosen = {"include": _by_name(type(self), include), "exclude": _by_name(type(self), exclude)}
        return super().model_dump(warnings=warnings, **chosen, **options)

    def _model_dump_json(
        self, *, include: Any = None, exclude: Any = None, warnings: Any = False, **options: Any
    ) -> str:
        """Return the same as a JSON text."""
        chosen = {"include": _by_name(type(self), include), "exclude": _by_name(type(self), exclude)}
        return super().model_dump_json(warnings=warnings, **chosen, **options)

    if not TYPE_CHECKING:
        # Type checkers read pydantic's own signatures, which name all options.
        model_dump, model_dump_json = _model_dump, _model_dump_json
        model_dump.__name__, model_dump_json.__name__ = "model_dump", "model_dump_json"

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with some fields changed.

        Args:
            update: The fields to change, in either spelling; they are checked, unlike pydantic does it.
            deep: Whether nested objects are copied, too.

        Raises:
            ValidationError: A value has the wrong type.
        """
        copied = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            field = self._fields.get(name)
            if field is None:
                warn_unknown(type(self), name, "is discarded")
            else:
                copied._assign(field, value)
        return copied

    def copy(self, **options: Any) -> Self:
        """Return a copy of the object; ``dict(description)`` is the old SDK's dict.

        Args:
            **options: Those of `model_copy`.
        """
        return self.model_copy(**options)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """Make an object of values that are known to be right; nothing is checked or copied.

        Args:
            _fields_set: The snake_case names that count as set; all that are given for None.
            **values: Fields, in either spelling; others are discarded.
        """
        made = cls.__new__(cls)
        given = {cls._fields[name].name: value for name, value in values.items() if name in cls._fields}
        full = {
            name: None
            if info.is_required()
            else info.get_default(call_default_factory=True, validated_data={})
            for name, info in cls.model_fields.items()
        }
        state = {name: UNSET if value is None else value for name, value in {**full, **given}.items()}
        made._set_state(state)
        object.__setattr__(
            made, "__pydantic_fields_set__", set(given) if _fields_set is None else _fields_set
        )
        return made
