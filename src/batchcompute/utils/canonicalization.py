"""The old SDK's helper functions for the parsing of responses."""

from __future__ import annotations

import json
from typing import Any, cast

from batchcompute.errors import JsonError
from batchcompute.models.base import Jsonizable
from batchcompute.utils.constants import PY2, PY3, STATE_MAP, STRING
from batchcompute.utils.functions import (
    import_json,
    partial,
    str2datetime,
    timediff,
    timestamp_datetime,
    utc2local,
)

__all__ = [
    "PY2",
    "PY3",
    "STATE_MAP",
    "STRING",
    "CamelCasedClass",
    "import_json",
    "partial",
    "remap",
    "str2datetime",
    "timediff",
    "timestamp_datetime",
    "utc2local",
]

CamelCasedClass: type[type] = type(Jsonizable)
"""The metaclass of `Jsonizable`, which creates the attributes of a ``descriptor_map``."""


def remap(container: Any, human_readable: bool = False) -> Any:  # noqa: ARG001
    """Parse JSON text, and convert the value of each key that ends in ``Time`` to a local time.

    Args:
        container: A JSON text, a dict or a list. It is not changed.
        human_readable: Argument of the old SDK, without effect.

    Returns:
        The converted copy. Times have no zone. A value that is not a time becomes None. The result for a blank
        text and for None is an empty dict.

    Raises:
        JsonError: The text is not valid JSON, or the value is nested too deeply.
    """
    try:
        if isinstance(container, (str, bytes)):
            container = json.loads(container) if container.strip() else {}
        return {} if container is None else _with_times(container)
    except (ValueError, RecursionError) as error:
        raise JsonError(f"the text is not valid JSON: {error}") from None


def _with_times(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_times(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[Any, Any]", value)
    return {
        key: utc2local(str2datetime(item))
        if isinstance(key, str) and key.endswith("Time")
        else _with_times(item)
        for key, item in fields.items()
    }
