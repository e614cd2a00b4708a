"""The types of field values: the values that each accepts, stores and sends."""

# Numbers and booleans are strict: `True` where a count belongs is a mistake. Yet `numpy.int64(3)` and `3.0` are
# accepted as 3. pydantic-core checks the first member of each union, and calls the Python function behind it only
# for values that this member rejects.

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, SupportsFloat, SupportsIndex

from pydantic import GetCoreSchemaHandler
from pydantic_core import MISSING
from pydantic_core import core_schema as cs

__all__: list[str] = []


class _Sentinel:
    """A stored value that reads as None."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __reduce__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return self._name


UNSET: Final[Any] = MISSING
"""The stored value of a field that is not set. pydantic-core never writes it."""

NULL: Final[Any] = _Sentinel("NULL")
"""An explicit null. It is sent as ``null``, while an unset field is not sent."""

EMPTY_TIME: Final = _Sentinel("EMPTY_TIME")
"""The ``""`` that the service sends for an unknown time (REST API, 9)."""


def format_time(value: datetime) -> str:
    """Format a time like the service: in UTC, with six decimals and ``Z`` (REST API, 9)."""
    return in_utc(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def in_utc(value: datetime) -> datetime:
    """Convert a time to UTC. A time without a zone is taken as UTC."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # In UTC the time is before the year 1 or after 9999.
        return value.replace(tzinfo=UTC)


def _either(first: Sequence[cs.CoreSchema], fallback: Callable[[Any], Any], allowed: str) -> cs.CoreSchema:
    return cs.union_schema(
        [*first, cs.no_info_plain_validator_function(fallback)],
        mode="left_to_right",
        custom_error_type="batchcompute",
        custom_error_message=allowed,
    )


class _Schema:
    """The core schema of an ``Annotated`` type."""

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
    # Numbers of numpy and Decimal are accepted. Strings and booleans are not, although float() accepts them.
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
    """Convert the value of an environment variable to a string, like the old SDK."""
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
    return _either([cs.str_schema(strict=True)], to_env_text, "must be a string")


def _default(*kinds: cs.CoreSchema, allowed: str) -> cs.CoreSchema:
    schema = _either(list(kinds), _to_null, allowed)
    schema["serialization"] = cs.plain_serializer_function_ser_schema(  # type: ignore[index]
        _write_null, when_used="always"
    )
    return schema


def _text_default() -> cs.CoreSchema:
    return _default(cs.str_schema(strict=True), allowed="must be a string or null")


def _number_default() -> cs.CoreSchema:
    return _default(_number(), allowed="must be a number or null")


def _any_default() -> cs.CoreSchema:
    return _default(cs.str_schema(strict=True), _number(), allowed="must be a string, a number or null")


Text = str
"""A string. Bytes are decoded as UTF-8."""
NonBlankText = Annotated[str, _Schema(_filled_text)]
"""A string that is not blank. As in the old SDK, the assignment of a blank one has no effect."""
Integer = Annotated[int, _Schema(_whole)]
"""An integer: also objects with ``__index__`` and floats without a fraction, but no bool."""
Number = Annotated[float, _Schema(_number)]
"""An integer or a float."""
Boolean = Annotated[bool, _Schema(_flag)]
"""True or False."""
Time = Annotated[datetime, _Schema(_time)]
"""A time in UTC. An unknown one is ``""`` in answers."""
TextOrInteger = str | Integer
"""A string or an integer: the documents and the SDKs differ."""
AnyDefault = Annotated[str | float, _Schema(_any_default)]
"""The default of an app's parameter. Null is a value: like the old SDK, it is sent if there is no default."""
TextDefault = Annotated[str, _Schema(_text_default)]
NumberDefault = Annotated[float, _Schema(_number_default)]
EnvText = Annotated[str, _Schema(_env_text)]
EnvMap = dict[str, EnvText]
"""Environment variables. Every value is converted to a string."""
TextMap = dict[str, str]
AnyMap = dict[str, Any]
TextList = list[str]


def empty_list() -> list[str]:
    """Return an empty list: the factory of a default.

    pydantic reads the signature of a factory. For `list` itself that takes milliseconds.
    """
    return []
