"""The methods of pydantic for models whose fields have two names and may be unset."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from pydantic_core import SchemaError

from batchcompute.models.field_types import UNSET
from batchcompute.models.fields import Field
from batchcompute.models.problems import warn_unknown
from batchcompute.models.validation import ValidatedModel

__all__: list[str] = []


def _snake_case_names(cls: Any, chosen: Any) -> Any:
    """Convert the names in ``include`` and ``exclude`` to snake_case, at every depth."""
    if cls is None or chosen is None or isinstance(chosen, (bool, str)):
        return chosen
    fields: Mapping[str, Field] = cls._fields
    if isinstance(chosen, Mapping):
        converted: dict[Any, Any] = {}
        for key, inner in cast("Mapping[Any, Any]", chosen).items():
            field = fields.get(key) if isinstance(key, str) else None
            if field is None:
                converted[key] = inner
            elif field.item is not None and field.type is not field.item and isinstance(inner, Mapping):
                items = cast("Mapping[Any, Any]", inner).items()
                converted[field.name] = {number: _snake_case_names(field.item, one) for number, one in items}
            else:
                converted[field.name] = _snake_case_names(field.item, inner)
        return converted
    if isinstance(chosen, (Set, list, tuple)):
        names = cast("Set[Any]", chosen)
        return {fields[name].name if name in fields else name for name in names}
    return chosen


class PydanticModel(ValidatedModel):
    """A model with the methods of `pydantic.BaseModel`."""

    __slots__ = ()

    _examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Examples in the JSON schema."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        from batchcompute.models.json_schema import model_schema

        return model_schema(cls, handler(schema), handler)

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **options: Any) -> bool | None:
        """Build the validator of the class; see `pydantic.BaseModel.model_rebuild`."""
        try:
            return super().model_rebuild(_parent_namespace_depth=_parent_namespace_depth + 1, **options)
        except SchemaError as error:
            # Models are built when they are first used. A Ctrl-C at that moment becomes a text in the error.
            if str(error).rstrip(" :\n").endswith("KeyboardInterrupt"):
                raise KeyboardInterrupt from None
            raise

    def _model_dump(
        self, *, include: Any = None, exclude: Any = None, warnings: Any = False, **options: Any
    ) -> dict[str, Any]:
        """Return the fields that are set, under their wire names.

        The undeclared fields of a response are omitted; `detail` and `dump` return them.

        Args:
            include: The fields to return, by either of their names; see pydantic.
            exclude: The fields to omit, by either of their names; see pydantic.
            warnings: Whether pydantic warns about values of a wrong type, which responses may have.
            **options: Other options of pydantic, such as ``by_alias=False`` for snake_case names.
        """
        chosen = {
            "include": _snake_case_names(type(self), include),
            "exclude": _snake_case_names(type(self), exclude),
        }
        return super().model_dump(warnings=warnings, **chosen, **options)

    def _model_dump_json(
        self, *, include: Any = None, exclude: Any = None, warnings: Any = False, **options: Any
    ) -> str:
        """Return the result of `model_dump` as a JSON string."""
        chosen = {
            "include": _snake_case_names(type(self), include),
            "exclude": _snake_case_names(type(self), exclude),
        }
        return super().model_dump_json(warnings=warnings, **chosen, **options)

    if not TYPE_CHECKING:
        # Type checkers read pydantic's own signatures, which name all options.
        model_dump, model_dump_json = _model_dump, _model_dump_json
        model_dump.__name__, model_dump_json.__name__ = "model_dump", "model_dump_json"

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy of the object, with some fields changed.

        Args:
            update: The fields to change, by either name. Unlike pydantic, this method checks their values.
            deep: Whether nested objects are copied.

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
        """Return a copy of the object. For a dict, use ``dict(description)``.

        Args:
            **options: The options of `model_copy`.
        """
        return self.model_copy(**options)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """Create an object from valid values, without checks and copies.

        Args:
            _fields_set: The snake_case names of the fields that count as set; None for the fields in ``values``.
            **values: Fields by either name. Unknown names are discarded.
        """
        instance = cls.__new__(cls)
        values_by_name = {
            cls._fields[name].name: value for name, value in values.items() if name in cls._fields
        }
        full = {
            name: None
            if info.is_required()
            else info.get_default(call_default_factory=True, validated_data={})
            for name, info in cls.model_fields.items()
        }
        state = {
            name: UNSET if value is None else value for name, value in {**full, **values_by_name}.items()
        }
        instance._set_state(state)
        object.__setattr__(
            instance, "__pydantic_fields_set__", set(values_by_name) if _fields_set is None else _fields_set
        )
        return instance
