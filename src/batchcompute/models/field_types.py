"""The types of single values: what each accepts, keeps and sends.

Numbers and flags are strict, because a `True` where a count belongs is a mistake, and yet a
`numpy.int64(3)` or a `3.0` is plainly a 3. The first member of each union is checked inside
pydantic-core; the Python function behind it runs only where that one refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, SupportsFloat, SupportsIndex

from pydantic import GetCoreSchemaHandler
from pydantic_core import MISSING
from pydantic_core import core_schema as cs

__all__: list[str] = []


class _Sentinel:
    """A stored value that is not None, though it reads as None."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __reduce__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return self._name


UNSET: Final[Any] = MISSING
"""The stored value of a field that is not set; pydantic-core leaves it out of all that it writes."""

NULL: Final[Any] = _Sentinel("NULL")
"""An explicit null: sent as ``null``, where an unset field is not sent at all."""

EMPTY_TIME: Final = _Sentinel("EMPTY_TIME")
"""The service's ``""`` for a time that is not known yet (REST API, 9)."""


def format_time(value: datetime) -> str:
    """Write a time as the service does: UTC, six decimals, ``Z`` (REST API, 9)."""
    return in_utc(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def in_utc(value: datetime) -> datetime:
    """Return a time in UTC; one without a zone can only be meant so."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # Hours before the year 1 or after 9999: no such time can be, and none shall do harm.
        return value.replace(tzinfo=UTC)


def _either(first: Sequence[cs.CoreSchema], fallback: Callable[[Any], Any], allowed: str) -> cs.CoreSchema:
    return cs.union_schema(
        [*first, cs.no_info_plain_validator_function(fallback)],
        mode="left_to_right",
        custom_error_type="batchcompute",
        custom_error_message=allowed,
    )


class _Schema:
    """Gives an ``Annotated`` type its core schema."""

    def __init__(self, make: Callable[[], cs.CoreSchema]) -> None:
        self._make = make

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        return self._make()


def _to_whole(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise ValueError
    return int(value.__index__())


def _to_number(value: Any) -> int | float:
    # numpy and Decimal numbers convert; texts and flags do not, although float() would take them.
    if isinstance(value, bool) or not isinstance(value, (SupportsIndex, SupportsFloat)):
        raise ValueError
    if isinstance(value, SupportsIndex):
        return int(value.__index__())
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _to_time(value: Any) -> Any:
    if value == "" or value is EMPTY_TIME:
        return EMPTY_TIME
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError
    return in_utc(value)


def to_env_text(value: Any) -> str:
    """Turn an environment variable's value into text, as the old SDK did for every value."""
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8")
    return str(value)


def _to_null(value: Any) -> Any:
    if value is None or value is NULL:
        return NULL
    raise ValueError


def _write_time(value: Any) -> Any:
    return format_time(value) if isinstance(value, datetime) else value


def _write_null(value: Any) -> Any:
    return None if value is NULL else value


def _whole() -> cs.CoreSchema:
    return _either([cs.int_schema(strict=True)], _to_whole, "must be an integer")


def _number() -> cs.CoreSchema:
    first = [cs.int_schema(strict=True), cs.float_schema(strict=True, allow_inf_nan=False)]
    return _either(first, _to_number, "must be a number")


def _flag() -> cs.CoreSchema:
    return cs.bool_schema(strict=True)


def _time() -> cs.CoreSchema:
    schema = _either(
        [cs.datetime_schema(tz_constraint="aware")],
        _to_time,
        "must be a time like 2016-11-01T15:25:02.837728Z",
    )
    schema["serialization"] = cs.plain_serializer_function_ser_schema(  # type: ignore[index]
        _write_time, when_used="json"
    )
    schema["metadata"] = {"batchcompute_time": True}  # type: ignore[index]
    return schema


def _filled(value: str) -> Any:
    return value if value.strip() else UNSET


def _filled_text() -> cs.CoreSchema:
    return cs.no_info_after_validator_function(_filled, cs.str_schema())


def _env_text() -> cs.CoreSchema:
    return _either([cs.str_schema(strict=True)], to_env_text, "must be a text")


def _default(*kinds: cs.CoreSchema, allowed: str) -> cs.CoreSchema:
    schema = _either(list(kinds), _to_null, allowed)
    schema["serialization"] = cs.plain_serializer_function_ser_schema(  # type: ignore[index]
        _write_null, when_used="always"
    )
    return schema


def _text_default() -> cs.CoreSchema:
    return _default(cs.str_schema(strict=True), allowed="must be a text or null")


def _number_default() -> cs.CoreSchema:
    return _default(_number(), allowed="must be a number or null")


def _any_default() -> cs.CoreSchema:
    return _default(cs.str_schema(strict=True), _number(), allowed="must be a text, a number or null")


Text = str
"""A text; bytes are read as UTF-8."""
NonBlankText = Annotated[str, _Schema(_filled_text)]
"""A text that says something: the old SDK did not take in a blank one, and never sent it."""
Integer = Annotated[int, _Schema(_whole)]
"""An integer: any object with ``__index__`` and any float without a fraction, but no bool."""
Number = Annotated[float, _Schema(_number)]
"""An integer or a float, kept as it is."""
Boolean = Annotated[bool, _Schema(_flag)]
"""True or False, nothing else."""
Time = Annotated[datetime, _Schema(_time)]
"""A UTC time; ``""`` on the wire while it is not known."""
TextOrInteger = str | Integer
"""Documents and SDKs disagree whether this is a text or a number; both are kept as they come."""
AnyDefault = Annotated[str | float, _Schema(_any_default)]
"""A default value; the old SDK sends ``null`` where there is none, so null is a value here."""
TextDefault = Annotated[str, _Schema(_text_default)]
NumberDefault = Annotated[float, _Schema(_number_default)]
EnvText = Annotated[str, _Schema(_env_text)]
EnvMap = dict[str, EnvText]
"""Environment variables: every value becomes a text."""
TextMap = dict[str, str]
AnyMap = dict[str, Any]
TextList = list[str]
