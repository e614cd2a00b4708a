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
    """The base of every model.

    A class of one's own is written like any pydantic model. One in the old SDK's style, with
    ``descriptor_map`` and ``required``, works as well, with a DeprecationWarning.

    Args:
        properties: What to start from: a mapping with wire names, a JSON text of one, or an object
            of the same class, which is copied. Attributes that the class does not have are
            discarded.
        **fields: Fields by name, in either spelling; they win over ``properties``.

    Raises:
        JSONError: ``properties`` is a text that is no JSON object.
        TypeError: ``properties`` is of another class or type.
        ValidationError: A value has the wrong type; the error names its path.
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
            given = cast("Mapping[Any, Any]", properties)
            # One spelling only, so that a keyword wins over a key whichever way each is spelt.
            data = {name: value for name, value in given.items() if name not in self._fields}
            for source in (given, fields):
                for name, value in source.items():
                    if name in self._fields:
                        data[self._fields[name].wire] = value
        elif properties is None:
            data = fields
        else:
            raise TypeError(
                f"{type(self).__name__} is made from a mapping, a JSON text or another "
                f"{type(self).__name__}, not from {type(properties).__name__}"
            )
        try:
            self.__pydantic_validator__.validate_python(own_copy(data), self_instance=self, context=STRICT)
        except pydantic.ValidationError as error:
            raise ValidationError(problems_of(error, type(self)), type(self).__name__) from None

    # Without this mark pydantic-core would call __init__ for every nested model, at a cost that
    # makes reading a large description several times slower.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def _fill_from_text(self, text: str | bytes | bytearray) -> bool:
        """Read and check a text in one pass, several times faster than by way of json.loads.

        Returns:
            False for a text that pydantic-core's parser does not take; json.loads takes some more,
            and has the better words for the others.
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
        """Read a JSON text that must hold an object."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise JSONError(f"{cls.__name__}: not valid JSON: {error}") from None
        if not isinstance(value, dict):
            raise JSONError(f"{cls.__name__}: the JSON must be an object, not {short_repr(value)}")
        return cast("dict[str, Any]", value)

    # -- the guide's methods ------------------------------------------------------------------

    def update(self, d: Mapping[str, Any] | Jsonizable) -> None:
        """Set the fields that a mapping names, and discard what the class does not have.

        Raises:
            ValidationError: A value has the wrong type; nothing was changed then.
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
        """Set the fields that a JSON text names, and discard what the class does not have.

        Raises:
            JSONError: The text is not a JSON object.
            ValidationError: A value has the wrong type; nothing was changed then.
        """
        self.update(self._parse(json_str))

    # -- the rest of Python's protocols -------------------------------------------------------

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
        """Return what makes two objects equal."""
        # What answers hold beyond the declared fields does not count: it is lost where one is read again.
        values = {field.name: self.__dict__.get(field.name) for field in self._declared}
        return {
            name: value
            for name, value in values.items()
            if value is not UNSET and value is not None and value is not EMPTY_TIME
        }

    def __hash__(self) -> int:
        # Equal objects must have equal hashes for as long as they can change, so nothing that can
        # change may count.
        return hash(self._resource)


class Description(Jsonizable):
    """The base of what a caller writes: a job, a cluster, an image, an app, and their parts."""

    __slots__ = ()

    if TYPE_CHECKING:
        # Type checkers give each subclass of a pydantic model a constructor of its own fields.
        def __init__(self, properties: Any = None, **fields: Any) -> None: ...


class Status(Jsonizable):
    """The base of what the service answers.

    The service always sends the fields of a status, so an unset one reads as ``""``, ``0`` or
    ``False``, a nested one as an empty object, and only a time that is not known reads as None.
    Fields that this version does not know are kept and can be read by name.
    """

    __slots__ = ()

    _unset_as_zero: ClassVar[bool] = True
    _identity: ClassVar[str] = ""
    """The field that tells two resources of one kind apart."""

    def __hash__(self) -> int:
        return hash(self[self._identity]) if self._identity else super().__hash__()

    def __eq__(self, other: object) -> bool:
        if self._identity and isinstance(other, (str, int)):
            # In the old SDK a status was equal to its id: `"job-1" in client.list_jobs()`.
            return bool(self[self._identity] == other)
        return super().__eq__(other)

    def _iter_problems(self, at: str) -> Iterator[Problem]:  # noqa: ARG002
        # What the service has said is no request of a caller's.
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
