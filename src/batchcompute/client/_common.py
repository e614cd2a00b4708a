"""What both clients share and neither has to await."""

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
"""For `easy_list`: the iterator of each resource type, and how many arguments name its parent."""


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = ("connection", "content-length", "transfer-encoding")


class HeaderMap(dict[str, str]):
    """The caller's headers; only their names are shown, as a value may be a secret."""

    def __repr__(self) -> str:
        return f"<headers {', '.join(self)}>"


def check_credentials(
    access_key_id: object, access_key_secret: object, security_token: object
) -> Credentials:
    """Make credentials of a client's arguments.

    Raises:
        ConfigError: One of the pair is missing or no text; the secret is not shown.
    """
    pair = {"access_key_id": access_key_id, "access_key_secret": access_key_secret}
    bad = next((name for name, value in pair.items() if not isinstance(value, str) or not value.strip()), "")
    kind = type(pair[bad]).__name__ if bad and pair[bad] else ""
    token_kind = "" if security_token is None else type(security_token).__name__
    key_id, secret = ("", "") if bad else (str(access_key_id), str(access_key_secret))
    made = Credentials(key_id, secret, str(security_token or ""))
    # No frame of a traceback is to hold a secret.
    del pair, access_key_id, access_key_secret, security_token, key_id, secret
    if bad:
        raise ConfigError(
            f"{bad} is {f'of type {kind}' if kind and kind != 'str' else 'missing'}: give both "
            "access_key_id and access_key_secret as texts; for the embedded service (LOCAL) any pair of "
            "your own will do"
        )
    if token_kind not in ("", "str"):
        raise ConfigError(f"security_token must be a text, not {token_kind}")
    return made


def options_of(init: Callable[..., None]) -> tuple[str, ...]:
    """Return the names of the options that the class of a client takes."""
    parameters = inspect.signature(init).parameters.values()
    return tuple(one.name for one in parameters if one.kind is not one.VAR_KEYWORD)[1:]


def check_headers(headers: Mapping[str, object], options: Collection[str] = ()) -> dict[str, str]:
    """Check the headers that a client was given.

    Args:
        headers: The headers.
        options: What else a keyword may have been meant as, where they came as keywords.

    Raises:
        ConfigError: A header cannot be sent, or is probably a misspelt option.
    """
    checked: dict[str, str] = {}
    for name, value in headers.items():
        close = difflib.get_close_matches(
            name, options, n=1, cutoff=0.6 if not isinstance(value, str) else 0.8
        )
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        if close and isinstance(value, str) and name.replace("_", "a").isalnum() and name.islower():
            raise ConfigError(
                f"{name!r} is no option of the client{hint}; a header of this name can be given with "
                "with_options(headers=...)"
            )
        if not isinstance(value, str):
            raise ConfigError(
                f"{name!r} is no option of the client{hint}, and as a header it must be a text, not "
                f"{type(value).__name__}"
            )
        # Blanks around a value are no part of it (RFC 9110, 5.5), and the service signs without them.
        text = value.strip(" \t")
        # A tab may stand within a value; in a name it is refused below.
        problem = header_problem((name + text).replace("\t", " "))
        if problem:
            raise ConfigError(f"header {name!r} {problem}")
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigError(f"{name!r} cannot be the name of a header")
        if name.lower() in _FRAMING:
            raise ConfigError(f"header {name!r} cannot be given: it follows from each request")
        checked[name] = text
    return checked


def ids_of(job_ids: IdLike | Iterable[IdLike], argument: str) -> list[str]:
    """Return the ids that an argument names: one, or several."""
    if isinstance(job_ids, (str, bytes)) or hasattr(job_ids, "Id") or not isinstance(job_ids, Iterable):
        return [id_of(job_ids, argument)]
    return [id_of(job, argument) for job in job_ids]


def tell(callback: Callable[[T], object], value: T) -> None:
    """Call the caller's callback."""
    callback(value)


async def tell_async(callback: Callable[[T], object], value: T) -> None:
    """Call the caller's callback, and await it if it is to be awaited."""
    found = callback(value)
    if inspect.isawaitable(found):
        await found


def easy_list_call(resource_type: str, resource_info: tuple[Any, ...]) -> str:
    """Return the name of the iterator over a resource type.

    Raises:
        ValidationError: The type is unknown, or its parent is not named; the former is a FieldError, too.
    """
    found = RESOURCE_TYPES.get(resource_type)
    if found is None:
        allowed = f"must be one of {', '.join(RESOURCE_TYPES)}"
        raise UnknownChoice([Problem("resource_type", repr(resource_type), allowed)])
    name, needed = found
    if len(resource_info) < needed:
        allowed = f"needs {needed} argument(s) that name where to list {resource_type}"
        raise ValidationError([Problem("resource_info", repr(resource_info), allowed)])
    return name


class Found(list[T]):
    """What `easy_list` returns: a list that can also be gone through with ``next``.

    The old SDK returned a generator.
    """

    _next = 0

    def __next__(self) -> T:
        if self._next >= len(self):
            raise StopIteration
        self._next += 1
        return self[self._next - 1]


def keep(items: Iterable[T], filters: Mapping[str, object]) -> list[T]:
    """Return the items whose fields pass every filter.

    A filter is a value to be equal to, a collection to be in, or a callable that is given the
    field's value.
    """
    return [item for item in items if all(_passes(item, name, test) for name, test in filters.items())]


def _passes(item: object, name: str, test: object) -> bool:
    value = getattr(item, name)
    if callable(test):
        decide: Callable[[object], object] = test
        return bool(decide(value))
    if isinstance(test, Collection) and not isinstance(test, (str, bytes, Mapping)):
        # By equality, because a field's value need not be hashable.
        return any(value == member for member in cast("Collection[object]", test))
    return bool(value == test)
