"""Checks of the values of options that no plain type expresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, cast

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.durations import seconds_of

__all__ = [
    "AbsolutePath",
    "read_engine_options",
    "read_users",
    "refuse_empty_names",
    "refuse_other_than_duration",
    "refuse_other_than_http",
    "refuse_other_than_url",
    "refuse_wrong_types",
    "upper_case",
]

_URL: Final = re.compile(r"(/|[A-Za-z][A-Za-z0-9+.-]*:(//|:))[^\x00-\x1f]*")
"""Texts that fsspec opens: a URL, a chain of them, or an absolute path."""


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        # `~name` of a user that this machine does not have.
        raise ValueError("no home directory") from None


def _not_empty(value: object) -> object:
    if value == "":
        # Path("") is the working directory, which an unset variable of a script must not name.
        raise ValueError("empty")
    return value


def _without_nul(value: object) -> object:
    if "\0" in str(value):
        # Calls of the operating system refuse it, each with another error.
        raise ValueError("a null character")
    return value


AbsolutePath = Annotated[
    Path, BeforeValidator(_not_empty), BeforeValidator(_without_nul), AfterValidator(_absolute)
]
"""A path that is made absolute; ``~`` is the user's home."""


def read_users(value: object) -> object:
    """Read a list of ``OWNER=USER`` texts as a mapping.

    Args:
        value: The list; any other value is returned as it is.
    """
    if not isinstance(value, (list, tuple)):
        return value
    users: dict[str, str] = {}
    for text in cast("Iterable[object]", value):
        owner, sign, user = str(text).partition("=")
        if not sign or owner in users or "\0" in user:
            raise PydanticCustomError("wrong", "one text is wrong", {"value": text})
        users[owner] = user
    return users


def read_engine_options(value: object) -> object:
    """Read a list of ``ENGINE.OPTION=VALUE`` texts as the options of each engine.

    Args:
        value: The list; any other value is returned as it is.
    """
    if not isinstance(value, (list, tuple)):
        return value
    options: dict[str, dict[str, object]] = {}
    for text in cast("Iterable[object]", value):
        name, sign, content = str(text).partition("=")
        engine, dot, option = name.partition(".")
        if not (sign and dot and engine and option) or option in options.get(engine, {}):
            raise PydanticCustomError("wrong", "one text is wrong", {"value": text})
        options.setdefault(engine, {})[option] = content
    return options


def refuse_empty_names(users: dict[str, str]) -> dict[str, str]:
    """Return the users of owners, unless a name is empty.

    Args:
        users: Unix users by owner.
    """
    for owner, user in users.items():
        if not owner or not user:
            raise PydanticCustomError("wrong", "a name is empty", {"value": f"{owner}={user}"})
    return users


def refuse_other_than_duration(text: str) -> str:
    """Return a text, unless it is no duration, or one of 0.

    Args:
        text: The value of an option.
    """
    if text and seconds_of(text) == 0:
        raise ValueError("a duration of 0")
    return text


def upper_case(value: object) -> object:
    """Return a text in upper case, and any other value as it is.

    Args:
        value: The value of an option.
    """
    return value.upper() if isinstance(value, str) else value


def refuse_other_than_url(text: str) -> str:
    """Return a text, unless fsspec would not take it for a URL or an absolute path.

    Args:
        text: The value of an option.
    """
    # Without `scheme://`, fsspec takes any text for a path below the working directory.
    if text and not _URL.fullmatch(text):
        raise PydanticCustomError("wrong", "not a URL", {"value": re.sub(r"[^/]*@", "…@", text)})
    return text


def refuse_other_than_http(text: str) -> str:
    """Return a text, unless it is no URL of an HTTP server, or has a path.

    Args:
        text: The value of an option.
    """
    # Runners refuse a path: the object API is at the root of the server.
    if text and not re.fullmatch(r"https?://[A-Za-z0-9._\[\]:-]+/?", text):
        raise PydanticCustomError("wrong", "not a URL", {"value": re.sub(r"[^/]*@", "…@", text)})
    return text


def refuse_wrong_types(types: tuple[InstanceType, ...]) -> tuple[InstanceType, ...]:
    """Return instance types, unless one has no name or a number that is not positive and finite.

    Args:
        types: Instance types.
    """
    for item in types:
        are_numbers = isinstance(item.cores, int) and isinstance(item.memory, (int, float))
        if not (item.name and are_numbers and item.cores > 0 and 0 < item.memory < float("inf")):
            raise PydanticCustomError("wrong", "not a name with positive numbers", {"value": item})
    return types
