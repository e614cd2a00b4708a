"""The base classes of all models: `Jsonizable`, and those of descriptions and of statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pydantic

from batchcompute.errors import JSONError, Problem, ValidationError
from batchcompute.models.core_schema import STRICT
from batchcompute.models.field_types import EMPTY_TIME, UNSET
from batchcompute.models.problems import problems_of, short_repr, warn_unknown
from batchcompute.models.pydantic_methods import PydanticModel
from batchcompute.models.storage import drop_extra, own_copy

__all__ = ["Description", "Jsonizable", "Status"]


class Jsonizable(PydanticModel):
    """The base class of every model.

    A model is a pydantic model. Each field has two names: ``job_desc.Name``, as in requests and answers, and
    ``job_desc.name``, as in Python. A model is also a mapping of the fields that are set: ``job_desc["Name"]``.

    Your own classes declare their fields like any pydantic model. Classes in the style of the old SDK, with
    ``descriptor_map`` and ``required``, work too, with a DeprecationWarning.

    Args:
        properties: The initial values: a mapping, a JSON string that holds an object, or an object of the same
            class, which is copied. Fields that the class does not declare are discarded.
        **fields: Fields by either of their names. They take precedence over ``properties``.

    Raises:
        JSONError: ``properties`` is a string that is not a JSON object.
        TypeError: ``properties`` has another class or type.
        ValidationError: A value has the wrong type. The error names the path of the value.
    """

    def __init__(self, properties: Any = None, **fields: Any) -> None:
        if isinstance(properties, (str, bytes, bytearray)):
            if not fields and self._fill_from_text(properties):
                return
            properties = self._parse(properties)
        if fields:
            unknown = [name for name in fields if name not in self._fields]
            for name in unknown:
                del fields[name]
                warn_unknown(type(self), name, "is discarded")
        if isinstance(properties, self._resource):
            self._set_state(drop_extra(self._copy_state(properties, {})))
            for name, value in fields.items():
                self._assign(self._fields[name], value)
            return
        data: dict[Any, Any]
        if isinstance(properties, Mapping):
            mapping = cast("Mapping[Any, Any]", properties)
            # Under one spelling, a keyword replaces the value of the mapping, whatever the spelling of each.
            data = {name: value for name, value in mapping.items() if name not in self._fields}
            for source in (mapping, fields):
                for name, value in source.items():
                    if name in self._fields:
                        data[self._fields[name].wire] = value
        elif properties is None:
            data = fields
        else:
            raise TypeError(
                f"{type(self).__name__} takes a mapping, a JSON string or another "
                f"{type(self).__name__}, not from {type(properties).__name__}"
            )
        try:
            self.__pydantic_validator__.validate_python(own_copy(data), self_instance=self, context=STRICT)
        except pydantic.ValidationError as error:
            raise ValidationError(problems_of(error, type(self)), type(self).__name__) from None

    # Without this mark, pydantic-core calls __init__ for every nested model. Reading a large description is
    # then several times slower.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def _fill_from_text(self, text: str | bytes | bytearray) -> bool:
        """Parse and check a JSON string in one pass, several times faster than with json.loads.

        Returns:
            False for a string that the parser of pydantic-core rejects. json.loads accepts some of these, and
            its messages for the others are clearer.
        """
        try:
            self.__pydantic_validator__.validate_json(text, self_instance=self, context=STRICT)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            if not first["loc"]:
                return False
            raise ValidationError(problems_of(error, type(self)), type(self).__name__) from None
        return True

    @classmethod
    def _parse(cls, text: str | bytes | bytearray) -> dict[str, Any]:
        """Parse a JSON string that holds an object."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise JSONError(f"{cls.__name__}: not valid JSON: {error}") from None
        if not isinstance(value, dict):
            raise JSONError(f"{cls.__name__}: the JSON must be an object, not {short_repr(value)}")
        return cast("dict[str, Any]", value)

    # -- methods of the vendor's guide ---------------------------------------------------------------

    def update(self, d: Mapping[str, Any] | Jsonizable) -> None:
        """Set fields from a mapping; keys that the class does not declare are ignored.

        Raises:
            TypeError: ``d`` is not a mapping.
            ValidationError: A value has the wrong type. No field is changed.
        """
        if not isinstance(d, (Mapping, Jsonizable)):
            raise TypeError(f"update takes a mapping, not {type(d).__name__}")
        changes = {key: d[key] for key in d if key in self._fields}
        trial = type(self)(changes)
        for key in changes:
            field = self._fields[key]
            value = trial.__dict__[field.name]
            vars(self)[field.name] = value
            if value is UNSET:
                self.__pydantic_fields_set__.discard(field.name)
            else:
                self.__pydantic_fields_set__.add(field.name)
            self._drop_pending(field)
        if changes:
            self._attach()

    def load(self, json_str: str | bytes) -> None:
        """Set fields from a JSON object; keys that the class does not declare are ignored.

        Raises:
            JSONError: The string is not a JSON object.
            ValidationError: A value has the wrong type. No field is changed.
        """
        self.update(self._parse(json_str))

    # -- comparison and text ------------------------------------------------------------------

    def __str__(self) -> str:
        return self.dump()

    def __bytes__(self) -> bytes:
        return self._to_json(4)

    def __repr__(self) -> str:
        parts = (f"{key}={short_repr(value, key, 200)}" for key, value in self._set_values())
        return f"{type(self).__name__}({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Jsonizable) or self._resource is not other._resource:
            return NotImplemented
        return bool(self._state() == other._state())

    def _state(self) -> dict[str, Any]:
        """Return the values that equal objects share."""
        # Undeclared fields of answers do not count: they are lost when the answer is read again.
        values = {field.name: self.__dict__.get(field.name) for field in self._declared}
        return {
            name: value
            for name, value in values.items()
            if value is not UNSET and value is not None and value is not EMPTY_TIME
        }

    def __hash__(self) -> int:
        # Equal objects have equal hashes. Every field can change, so the hash uses none of them.
        return hash(self._resource)


class Description(Jsonizable):
    """The base class of descriptions, which callers write: jobs, clusters, images, apps and their parts."""

    __slots__ = ()

    if TYPE_CHECKING:
        # For each subclass of a pydantic model, type checkers derive a constructor from its fields.
        def __init__(self, properties: Any = None, **fields: Any) -> None: ...


class Status(Jsonizable):
    """The base class of statuses, which the service answers.

    The service always sends the fields of a status. An unset field therefore reads as ``""``, ``0`` or ``False``,
    an unset nested field as an empty object, and an unknown time as None. Fields that this version does not
    declare are kept, and can be read by name.
    """

    __slots__ = ()

    _unset_as_zero: ClassVar[bool] = True
    _identity: ClassVar[str] = ""
    """The field that identifies a resource."""

    def __hash__(self) -> int:
        return hash(self[self._identity]) if self._identity else super().__hash__()

    def __eq__(self, other: object) -> bool:
        if self._identity and isinstance(other, (str, int)):
            # As in the old SDK, a status equals its id: `"job-1" in client.list_jobs()`.
            return bool(self[self._identity] == other)
        return super().__eq__(other)

    def _iter_problems(self, at: str) -> Iterator[Problem]:  # noqa: ARG002
        # A status is not part of a request.
        yield from ()

    def _state(self) -> dict[str, Any]:
        # An unset container reads as an empty one.
        return {name: value for name, value in super()._state().items() if value != {} and value != []}

    def _order(self, other: object) -> tuple[Any, Any] | None:
        if self._identity and isinstance(other, (str, int)):
            return self[self._identity], other
        if not self._identity or not isinstance(other, Status) or other._resource is not self._resource:
            return None
        return self[self._identity], other[self._identity]

    def __lt__(self, other: object) -> bool:
        pair = self._order(other)
        return NotImplemented if pair is None else bool(pair[0] < pair[1])

    def __le__(self, other: object) -> bool:
        pair = self._order(other)
        return NotImplemented if pair is None else bool(pair[0] <= pair[1])

    def __gt__(self, other: object) -> bool:
        pair = self._order(other)
        return NotImplemented if pair is None else bool(pair[0] > pair[1])

    def __ge__(self, other: object) -> bool:
        pair = self._order(other)
        return NotImplemented if pair is None else bool(pair[0] >= pair[1])
