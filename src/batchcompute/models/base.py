"""`Jsonizable`: the base of every model of a description or of a status.

A model is a pydantic model whose fields can be named in two ways, ``job_desc.Name`` as on the wire
and ``job_desc.name`` as in Python, and which also reads like a mapping, ``job_desc["Name"]``. It
behaves as the vendor's guide to the old SDK describes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pydantic
from pydantic_core import PydanticSerializationError

from batchcompute.errors import (
    JSONError,
    Problem,
    ValidationError,
)
from batchcompute.models.body_limits import LARGEST_BODY, problem_of
from batchcompute.models.constraints import Needed
from batchcompute.models.core_schema import STRICT
from batchcompute.models.field_types import NULL, UNSET, is_unset
from batchcompute.models.fields import Field, NestedField
from batchcompute.models.problems import problems_of, shown, warn_unknown
from batchcompute.models.pydantic_methods import PydanticModel
from batchcompute.models.serialization import as_json, plain, wire
from batchcompute.models.storage import owned, without_extra

__all__ = ["Description", "Jsonizable", "Status"]

_REPLACED = "\ufffd".encode()


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

    _required: ClassVar[tuple[Any, ...]] = ()
    """What a class in the old style has listed as ``required``: names, and lists of which one is."""
    _ruled_fields: ClassVar[tuple[Field, ...]] = ()

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
            self._set_state(without_extra(self._copy_state(properties, {})))
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
            self.__pydantic_validator__.validate_python(owned(data), self_instance=self, context=STRICT)
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
            raise JSONError(f"{cls.__name__}: the JSON must be an object, not {shown(value)}")
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
            self._forget(field)
        if changes:
            self._attach()

    def load(self, json_str: str | bytes) -> None:
        """Set the fields that a JSON text names, and discard what the class does not have.

        Raises:
            JSONError: The text is not a JSON object.
            ValidationError: A value has the wrong type; nothing was changed then.
        """
        self.update(self._parse(json_str))

    def detail(self) -> dict[str, Any]:
        """Return the fields that are not null as plain dicts and lists, under their wire names."""
        return {field_name: plain(value) for field_name, value in self._set_values() if value is not NULL}

    def _set_values(self) -> Iterator[tuple[str, Any]]:
        for field in self._declared:
            if self._is_there(field):
                value = self.__dict__[field.name]
                yield field.wire, value if value is NULL else field.__get__(self)
        yield from (self.__pydantic_extra__ or {}).items()

    def dump(self, indent: int | None = 4) -> str:
        """Return the fields that are not null as a JSON text with wire names.

        Args:
            indent: Columns for each level; None for a text in one line.
        """
        return self._to_json(indent).decode("utf-8")

    def _to_json(self, indent: int | None = None) -> bytes:
        if self._zeros or self.__pydantic_extra__ is not None:
            # What came in an answer is written as it came: with what this version does not know, and with "" for a
            # time that is not known yet.
            return as_json(wire(self), indent, type(self).__name__)
        try:
            text = self.__pydantic_serializer__.to_json(
                self, indent=indent or None, by_alias=True, warnings=False
            )
        except PydanticSerializationError:
            return as_json(wire(self), indent, type(self).__name__)
        # pydantic-core puts this in the place of half a character in a key, without a word.
        return as_json(wire(self), indent, type(self).__name__) if _REPLACED in text else text

    def validate(self) -> None:  # type: ignore[override]
        """Check what the service would refuse, before any request.

        Raises:
            ValidationError: With every problem at once, each with its path.
        """
        problems = self._problems()
        if problems:
            raise ValidationError(problems, type(self)._resource.__name__)

    def _problems(self) -> list[Problem]:
        """Return what is wrong: types, then limits."""
        text = self._to_json()
        unkeepable = problem_of(json.loads(text))
        if unkeepable is not None:
            return [unkeepable]
        try:
            # Containers hand out their contents, so a type may have gone wrong since the checks.
            self._resource.__pydantic_validator__.validate_json(text, context=STRICT)
        except pydantic.ValidationError as error:
            return problems_of(error, self._resource)
        problems = list(self._rules(""))
        if len(text) > LARGEST_BODY:
            allowed = f"may hold at most {LARGEST_BODY} bytes as JSON"
            problems.append(Problem("", f"{len(text)} bytes", allowed))
        return problems

    def _rules(self, at: str) -> Iterator[Problem]:
        """Yield what the service would refuse, each under its path.

        Args:
            at: Where this object stands; empty for the outermost one.
        """
        before = f"{at}." if at else ""
        for field in self._ruled():
            value = self.__dict__.get(field.name)
            known = None if is_unset(value) or value is NULL else value
            path = before + field.wire
            for limit in field.limits:
                yield from limit.problems(known, path)
            if field.item is None:
                continue
            if isinstance(field, NestedField):
                if known is not None or any(isinstance(limit, Needed) for limit in field.limits):
                    yield from field.__get__(self)._rules(path)
            elif isinstance(known, dict):
                for key, item in cast("dict[str, Jsonizable]", known).items():
                    yield from item._rules(f"{path}.{key}")
            elif isinstance(known, list):
                for number, item in enumerate(cast("list[Jsonizable]", known)):
                    yield from item._rules(f"{path}.{number}")
        yield from self._further_rules(at)

    @classmethod
    def _ruled(cls) -> tuple[Field, ...]:
        """Return the fields that have limits, or hold objects that have rules; each class finds out once."""
        if "_ruled_fields" not in cls.__dict__:
            items = {field: cast("type[Jsonizable] | None", field.item) for field in cls._declared}
            found = [field for field, item in items.items() if field.limits or (item and item._has_rules())]
            cls._ruled_fields = tuple(found)
        return cls._ruled_fields

    @classmethod
    def _has_rules(cls) -> bool:
        own = cls._further_rules is not Jsonizable._further_rules or bool(cls._required)
        return own or bool(cls._ruled())

    def _further_rules(self, at: str) -> Iterator[Problem]:  # noqa: ARG002
        """Yield what the service would refuse of several fields together."""
        for name in self._required:
            if isinstance(name, str):
                if name not in self:
                    yield Problem(name, "", "is required", "missing")
            elif sum(one in self for one in name) != 1:
                yield Problem(" | ".join(name), "", "exactly one of these is required", "missing")

    # -- the rest of Python's protocols -------------------------------------------------------

    def __str__(self) -> str:
        return self.dump()

    def __bytes__(self) -> bytes:
        return self._to_json(4)

    def __repr__(self) -> str:
        parts = (f"{key}={shown(value, key, 200)}" for key, value in self._set_values())
        return f"{type(self).__name__}({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Jsonizable) or self._resource is not other._resource:
            return NotImplemented
        return bool(self._state() == other._state())

    def _state(self) -> dict[str, Any]:
        """Return what makes two objects equal."""
        # What answers hold beyond the declared fields does not count: it is lost where one is read again.
        values = {field.name: self.__dict__.get(field.name) for field in self._declared}
        return {name: value for name, value in values.items() if not is_unset(value)}

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

    _zeros: ClassVar[bool] = True
    _identity: ClassVar[str] = ""
    """The field that tells two resources of one kind apart."""

    def __hash__(self) -> int:
        return hash(self[self._identity]) if self._identity else super().__hash__()

    def __eq__(self, other: object) -> bool:
        if self._identity and isinstance(other, (str, int)):
            # In the old SDK a status was equal to its id: `"job-1" in client.list_jobs()`.
            return bool(self[self._identity] == other)
        return super().__eq__(other)

    def _rules(self, at: str) -> Iterator[Problem]:  # noqa: ARG002
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
