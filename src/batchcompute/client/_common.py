"""Functions that both clients use and that need no await."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar, cast

from batchcompute.api.arguments import IdLike, id_of
from batchcompute.errors import ConfigError, Problem, ValidationError
from batchcompute.errors._values import UnknownChoice
from batchcompute.http.signing import Credentials, header_problem

__all__: list[str] = []

T = TypeVar("T")

RESOURCE_TYPES: Mapping[str, tuple[str, int]] = {
    "jobs": ("iter_jobs", 0),
    "tasks": ("iter_tasks", 1),
    "instances": ("iter_instances", 2),
    "clusters": ("iter_clusters", 0),
    "cluster_instances": ("iter_cluster_instances", 2),
    "images": ("iter_images", 0),
    "apps": ("iter_apps", 0),
}
"""For `easy_list`: the iterator of each resource type, and the number of arguments that identify its parent."""


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = ("connection", "content-length", "transfer-encoding")


class HeaderMap(dict[str, str]):
    """Headers of the caller. The repr shows only the names, because a value may be a secret."""

    def __repr__(self) -> str:
        return f"<headers {', '.join(self)}>"


def check_credentials(
    access_key_id: object, access_key_secret: object, security_token: object
) -> Credentials:
    """Return the credentials of a client's arguments.

    Raises:
        ConfigError: A part of the key pair is missing or not a text. The message does not show the secret.
    """
    pair = {"access_key_id": access_key_id, "access_key_secret": access_key_secret}
    bad = next((name for name, value in pair.items() if not isinstance(value, str) or not value.strip()), "")
    kind = type(pair[bad]).__name__ if bad and pair[bad] else ""
    token_kind = "" if security_token is None else type(security_token).__name__
    key_id, secret = ("", "") if bad else (str(access_key_id), str(access_key_secret))
    credentials = Credentials(key_id, secret, str(security_token or ""))
    # Deleted, so that a traceback that shows local variables does not show the secret.
    del pair, access_key_id, access_key_secret, security_token, key_id, secret
    if bad:
        raise ConfigError(
            f"{bad} is {f'of type {kind}' if kind and kind != 'str' else 'missing'}: access_key_id and "
            "access_key_secret must be non-empty texts; the embedded service (LOCAL) accepts any pair"
        )
    if token_kind not in ("", "str"):
        raise ConfigError(f"security_token must be a text, not {token_kind}")
    return credentials


def options_of(init: Callable[..., None]) -> tuple[str, ...]:
    """Return the names of the options of a client class."""
    parameters = inspect.signature(init).parameters.values()
    return tuple(one.name for one in parameters if one.kind is not one.VAR_KEYWORD)[1:]


def check_headers(headers: Mapping[str, object], options: Collection[str] = ()) -> dict[str, str]:
    """Check the headers of a client.

    Args:
        headers: The headers.
        options: If the headers were keyword arguments, the names of the options that may have been meant.

    Raises:
        ConfigError: A header cannot be sent, or is probably a misspelled option.
    """
    checked: dict[str, str] = {}
    for name, value in headers.items():
        close = difflib.get_close_matches(
            name, options, n=1, cutoff=0.6 if not isinstance(value, str) else 0.8
        )
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        if close and isinstance(value, str) and name.replace("_", "a").isalnum() and name.islower():
            raise ConfigError(
                f"{name!r} is not an option of the client{hint}; to send a header of this name, use "
                "with_options(headers=...)"
            )
        if not isinstance(value, str):
            raise ConfigError(
                f"{name!r} is not an option of the client{hint}, and the value of a header must be a text, not "
                f"{type(value).__name__}"
            )
        # White space around a value is not part of it (RFC 9110, 5.5), and is not part of the signed text.
        text = value.strip(" \t")
        # A value can contain a tab. A name with a tab is rejected below.
        problem = header_problem((name + text).replace("\t", " "))
        if problem:
            raise ConfigError(f"header {name!r} {problem}")
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is not a valid header name")
        if name.lower() in _FRAMING:
            raise ConfigError(f"header {name!r} cannot be set: the client derives it from each request")
        checked[name] = text
    return checked


def ids_of(job_ids: IdLike | Iterable[IdLike], argument: str) -> list[str]:
    """Return the ids that an argument gives: one or several."""
    if isinstance(job_ids, (str, bytes)) or hasattr(job_ids, "Id") or not isinstance(job_ids, Iterable):
        return [id_of(job_ids, argument)]
    return [id_of(job, argument) for job in job_ids]


def notify(callback: Callable[[T], object], value: T) -> None:
    """Call a callback."""
    callback(value)


async def notify_async(callback: Callable[[T], object], value: T) -> None:
    """Call a callback, and await its result if it is awaitable."""
    result = callback(value)
    if inspect.isawaitable(result):
        await result


def easy_list_call(resource_type: str, resource_info: tuple[Any, ...]) -> str:
    """Return the name of the iterator over a resource type.

    Raises:
        ValidationError: The type is unknown (then also a FieldError), or arguments for its parent are missing.
    """
    entry = RESOURCE_TYPES.get(resource_type)
    if entry is None:
        allowed = f"must be one of {', '.join(RESOURCE_TYPES)}"
        raise UnknownChoice([Problem("resource_type", repr(resource_type), allowed)])
    name, count = entry
    if len(resource_info) < count:
        allowed = f"must be {count} argument(s) that identify the parent of the {resource_type}"
        raise ValidationError([Problem("resource_info", repr(resource_info), allowed)])
    return name


class ListWithNext(list[T]):
    """The result of `easy_list`: a list that also supports ``next()``, because the old SDK returned a generator."""

    _position = 0

    def __next__(self) -> T:
        if self._position >= len(self):
            raise StopIteration
        self._position += 1
        return self[self._position - 1]


def filter_items(items: Iterable[T], filters: Mapping[str, object]) -> list[T]:
    """Return the items that match all filters.

    A filter is a value, a collection of values, or a callable that gets the value of the field.
    """
    return [
        item for item in items if all(_matches(item, name, condition) for name, condition in filters.items())
    ]


def _matches(item: object, name: str, condition: object) -> bool:
    value = getattr(item, name)
    if callable(condition):
        predicate: Callable[[object], object] = condition
        return bool(predicate(value))
    if isinstance(condition, Collection) and not isinstance(condition, (str, bytes, Mapping)):
        # By equality instead of `in`, because the value of a field may not be hashable.
        return any(value == member for member in cast("Collection[object]", condition))
    return bool(value == condition)
