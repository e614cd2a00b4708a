"""The check of a model before it is sent: the limits of every body, then the constraints of each field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar, Final, cast

import pydantic

from batchcompute.errors import Problem, ValidationError
from batchcompute.models.constraints import Required
from batchcompute.models.core_schema import STRICT
from batchcompute.models.field_types import EMPTY_TIME, NULL, UNSET
from batchcompute.models.fields import Field, NestedField
from batchcompute.models.mapping import MappingModel
from batchcompute.models.problems import problems_of

__all__: list[str] = []

MAX_BODY_BYTES: Final = 256 * 1024
"""Largest body of a request in bytes (REST API, 1.2 and 9)."""

MAX_BODY_DEPTH: Final = 100
"""Largest depth of nested objects and lists in a body."""

MAX_BODY_VALUES: Final = 50_000
"""Largest number of values in a body. A dense graph of 400 tasks has 40,000 edges."""

_MAX_PATH_CHARACTERS = 4 * 1024**2
"""Largest total length of the paths of all values in a body, in characters."""

_MAX_SHOWN_PATH = 200
"""Length of a path in a message, in characters."""


def body_problem(body: Any) -> Problem | None:
    """Return the first part of a body that the service cannot store or send; None if there is no such part.

    Args:
        body: The parsed JSON.
    """
    pending: list[tuple[str, int, int, Any]] = [("", 0, 0, body)]
    count = paths = 0
    while pending:
        # A message shows a shortened path; the limit counts the full path.
        at, length, depth, value = pending.pop()
        if depth > MAX_BODY_DEPTH:
            return Problem(at, "", f"is nested more than {MAX_BODY_DEPTH} levels deep")
        if isinstance(value, (dict, list)):
            count += len(cast("list[Any]", value))
            paths += len(cast("list[Any]", value)) * length
            if count > MAX_BODY_VALUES or paths > _MAX_PATH_CHARACTERS:
                return Problem(
                    "", "", f"holds more than {MAX_BODY_VALUES} values, or many of them below long names"
                )
        if isinstance(value, dict):
            for key, inner in cast("dict[str, Any]", value).items():
                if "\0" in key or not _is_text(key):
                    return Problem(at, "", "has a name with the character NUL or half of a surrogate pair")
                path = f"{at}.{key}" if at else key
                pending.append((path[:_MAX_SHOWN_PATH], length + len(key) + 1, depth + 1, inner))
        elif isinstance(value, list):
            for index, inner in enumerate(cast("list[Any]", value)):
                pending.append((f"{at}.{index}"[:_MAX_SHOWN_PATH], length + 6, depth + 1, inner))
        else:
            fault = _fault(value)
            if fault:
                return Problem(at, "", fault)
    return None


def _fault(value: Any) -> str:
    if isinstance(value, str):
        if "\0" in value:
            return "holds the character NUL"
        return "" if _is_text(value) else "holds half of a surrogate pair"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "is not a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "is a number that does not fit in 64 bits"
    return ""


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class ValidatedModel(MappingModel):
    """A model that checks its values against the rules of the service."""

    __slots__ = ()

    _required: ClassVar[tuple[Any, ...]] = ()
    """The required fields of a class in the old style: names, and lists of names of which exactly one is required."""
    _constrained: ClassVar[tuple[Field, ...]] = ()

    def validate(self) -> None:  # type: ignore[override]
        """Check the object against the rules of the service, without a request.

        Raises:
            ValidationError: The service would reject the object. The error lists every problem with its path.
        """
        problems = self._problems()
        if problems:
            raise ValidationError(problems, type(self)._resource.__name__)

    def _problems(self) -> list[Problem]:
        """Return the problems: wrong types first, and if there are none, violated constraints."""
        text = self._to_json()
        fault = body_problem(json.loads(text))
        if fault is not None:
            return [fault]
        try:
            # A caller can change what a container holds, so a type may be wrong although each field was checked.
            self._resource.__pydantic_validator__.validate_json(text, context=STRICT)
        except pydantic.ValidationError as error:
            return problems_of(error, self._resource)
        problems = list(self._iter_problems(""))
        if len(text) > MAX_BODY_BYTES:
            allowed = f"may hold at most {MAX_BODY_BYTES} bytes as JSON"
            problems.append(Problem("", f"{len(text)} bytes", allowed))
        return problems

    def _iter_problems(self, at: str) -> Iterator[Problem]:
        """Yield the violated constraints.

        Args:
            at: The path of this object; empty for the outermost one.
        """
        prefix = f"{at}." if at else ""
        for field in self._constrained_fields():
            value = self.__dict__.get(field.name)
            known = None if value is UNSET or value is EMPTY_TIME or value is NULL else value
            path = prefix + field.wire
            for constraint in field.constraints:
                yield from constraint.problems(known, path)
            if field.item is None:
                continue
            if isinstance(field, NestedField):
                if known is not None or any(
                    isinstance(constraint, Required) for constraint in field.constraints
                ):
                    yield from field.__get__(self)._iter_problems(path)
            elif isinstance(known, dict):
                for key, item in cast("dict[str, ValidatedModel]", known).items():
                    yield from item._iter_problems(f"{path}.{key}")
            elif isinstance(known, list):
                for number, item in enumerate(cast("list[ValidatedModel]", known)):
                    yield from item._iter_problems(f"{path}.{number}")
        yield from self._cross_field_problems(at)

    @classmethod
    def _constrained_fields(cls) -> tuple[Field, ...]:
        """Return the fields that have constraints or hold objects that have some; the result is cached."""
        if "_constrained" not in cls.__dict__:
            items = {field: cast("type[ValidatedModel] | None", field.item) for field in cls._declared}
            constrained = [
                field
                for field, item in items.items()
                if field.constraints or (item and item._has_constraints())
            ]
            cls._constrained = tuple(constrained)
        return cls._constrained

    @classmethod
    def _has_constraints(cls) -> bool:
        own = cls._cross_field_problems is not ValidatedModel._cross_field_problems or bool(cls._required)
        return own or bool(cls._constrained_fields())

    def _cross_field_problems(self, at: str, /) -> Iterator[Problem]:  # noqa: ARG002
        """Yield the violated constraints between several fields.

        Args:
            at: The path of this object; empty for the outermost one.
        """
        for name in self._required:
            if isinstance(name, str):
                if name not in self:
                    yield Problem(name, "", "is required", "missing")
            elif sum(alternative in self for alternative in name) != 1:
                yield Problem(" | ".join(name), "", "exactly one of these is required", "missing")
