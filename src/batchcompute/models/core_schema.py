"""The core schema of a model: how pydantic reads and writes what is not set, and what has a wrong type.

pydantic-core leaves `UNSET` out of all that it writes, at no cost, whatever writes it: ``model_dump()``, a foreign
model that holds this one, FastAPI. So each field that may be unset gets it as its default, and a null becomes it.
Behind the type of a plain field stands `Otherwise`, which runs only for what the type refused: it makes one error of
it, or keeps it as it came in an answer of the service. Its second use is that nothing warns when such a value is
written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import core_schema as cs

from batchcompute.models.field_types import EMPTY_TIME, NULL, UNSET

if TYPE_CHECKING:
    from batchcompute.models.fields import Field
    from batchcompute.models.storage import Model

__all__: list[str] = []

STRICT: Final = object()
"""Context of a check in which a wrong type is an error, in a status too: a caller made the value."""

ANSWER: Final = object()
"""Context of reading an answer of the service: whatever came is kept."""

VALUE: Final = "\0value"
OTHER: Final = "\0other"
"""Parts of a path that stand for no field; `batchcompute.models.problems` takes them out."""

_DONE = "batchcompute"

_ALLOWED = {
    "str": "must be a text",
    "bool": "must be true or false",
    "int": "must be an integer",
    "float": "must be a number",
    "datetime": "must be a time like 2016-11-01T15:25:02.837728Z",
    "literal": "must be one of the listed values",
}

_NESTED = ("model", "definition-ref", "function-wrap", "dict", "list", "any")


class Otherwise:
    """What becomes of a value that the type of a field does not take.

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
            # The service has told that the time is not known, in its other way.
            return EMPTY_TIME if value is None and context is ANSWER and field.is_time else UNSET
        if context is not ANSWER and (context is STRICT or not self._cls._reads_leniently()):
            raise ValueError("is of a wrong type")
        return self._cls._keep(field, value, context is ANSWER)


def _null() -> Any:
    return NULL


def _as_sent(value: Any, handler: Callable[[Any], Any], info: Any) -> Any:
    """Take out the defaults of descriptions: a status holds what it was read from, no more."""
    found = handler(value)
    # An object that somebody else has made is not touched.
    return found if found is value or info.context is STRICT else found._as_sent()


def _is_none(value: Any) -> bool:
    return value is None


def _is_no_time(value: Any) -> bool:
    return value is EMPTY_TIME


def _fields_of(schema: Any) -> Any:
    """Return the part of a model's schema that lists its fields; None where it is of another shape."""
    found: Any = schema
    while found is not None and found["type"] != "model-fields":
        found = found.get("schema")
    return found


def _message(inner: Any) -> str:
    kind = inner["type"]
    if kind == "function-after":
        return _message(inner["schema"])
    if kind == "union":
        message: str = inner.get("custom_error_message") or ""
        # An open word list is any text.
        kinds: set[Any] = {choice["type"] for choice in inner["choices"] if not isinstance(choice, tuple)}
        return message or (_ALLOWED["str"] if "str" in kinds else "is of a wrong type")
    return _ALLOWED.get(kind, "is of a wrong type")


def _plain(inner: Any, otherwise: Callable[[Any, Any], Any]) -> Any:
    return cs.union_schema(
        [inner, cs.with_info_plain_validator_function(otherwise)],
        mode="left_to_right",
        custom_error_type="batchcompute",
        custom_error_message=_message(inner),
    )


def _lenient(inner: Any, otherwise: Callable[[Any, Any], Any]) -> Any:
    return cs.union_schema(
        [(inner, VALUE), (cs.with_info_plain_validator_function(otherwise), OTHER)],
        mode="left_to_right",
    )


def finish(cls: type[Model], schema: Any) -> Any:
    """Return the schema of a model that knows what is not set.

    Args:
        cls: The class.
        schema: What pydantic made of its annotations.
    """
    listed = _fields_of(schema)
    if listed is None or listed.setdefault("metadata", {}).get(_DONE):
        return schema
    listed["metadata"][_DONE] = True
    for name, field in listed["fields"].items():
        outer = field["schema"]
        if outer["type"] != "default":
            continue
        if outer.get("default") is NULL:
            # The schema as JSON cannot show it.
            del outer["default"]
            outer["default_factory"] = _null
        inner = outer["schema"]
        if inner["type"] == "nullable":
            inner = inner["schema"]
        elif inner["type"] != "any":
            continue
        nested = inner["type"] in _NESTED
        if cls._reads_leniently() and inner["type"] != "any":
            made = (_lenient if nested else _plain)(inner, Otherwise(cls, name))
        elif nested:
            # An error within keeps its own path so; a null is left out when it is written.
            made = outer["schema"]
            field["serialization_exclude_if"] = _is_none
        else:
            made = _plain(inner, Otherwise(cls, name))
        if inner.get("metadata", {}).get("batchcompute_time"):
            field["serialization_exclude_if"] = _is_no_time
        outer["schema"] = made
        if outer.get("default", UNSET) is None:
            outer["default"] = UNSET
    if cls._reads_leniently() and cls._defaults_anywhere():
        return cs.with_info_wrap_validator_function(_as_sent, schema)
    return schema
