"""Filters of lists: what each list takes, in both spellings, and how it is sent.

A filter that a list does not know is an error. The old SDK dropped it, so that a program that meant to delete
all failed jobs deleted every job.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from batchcompute.api.operations import OPERATIONS, text_of

if TYPE_CHECKING:
    from batchcompute.api.operations import IdLike
    from batchcompute.resources import ImageType, JobState

__all__ = ["AppFilters", "ImageFilters", "InstanceFilters", "JobFilters", "NoFilters", "TaskFilters"]

PAGE: Final = ("Marker", "MaxItemCount")
"""Query names that say which page, and filter nothing."""
_ARGUMENTS = {"Type": "type_"}
"""Query names whose argument is not simply the same in snake_case."""


class InstanceFilters(TypedDict, total=False):
    """Further filters of ListInstances, as the old SDK took them."""

    State: JobState
    """Only instances in this state."""


class TaskFilters(TypedDict, total=False):
    """Further filters of ListTasks, as the old SDK took them."""

    State: JobState
    """Only tasks in this state."""
    ClusterId: IdLike
    """Only tasks that use this cluster."""


class JobFilters(TypedDict, total=False):
    """Further filters of ListJobs, as the old SDK took them."""

    State: JobState
    """Only jobs in this state."""
    ClusterId: IdLike
    """Only jobs that use this cluster."""
    ProjectId: str
    """Only jobs of this project."""
    OrderBy: Literal["Id", "CreationTime"] | str
    """What the jobs are sorted by."""
    IsReverse: Literal["True", "False"] | str | bool
    """Whether they are sorted downwards."""
    order_by: Literal["Id", "CreationTime"] | str
    """What the jobs are sorted by."""
    is_reverse: Literal["True", "False"] | str | bool
    """Whether they are sorted downwards."""


class ImageFilters(TypedDict, total=False):
    """Further filters of ListImages."""

    Type: ImageType
    """``System`` for the public images; own ones without it."""


class AppFilters(TypedDict, total=False):
    """Further filters of ListApps."""

    Scope: str
    """``Private`` for own apps, ``Public`` for those of everybody."""


class NoFilters(TypedDict):
    """What a list without filters takes further: nothing. It names the nearest argument of one that it does not know."""


class Default(str):
    """A text that was not given; it differs from the same text that was."""

    __slots__ = ()


PRIVATE: Final = Default("Private")
"""The scope of apps without another."""


def _snake(name: str) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
    return _ARGUMENTS.get(name, words)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _given(name: str, argument: str, value: object) -> str:
    """Return a filter as it was given; empty for none."""
    if isinstance(value, bool) and name == "IsReverse":
        return str(value)
    if name == "ClusterId" and not isinstance(value, (str, bytes)):
        value = getattr(value, "Id", value)
    text = text_of(value, argument)
    return text if text.strip() else ""


def _unknown(operation: str, keyword: str, known: Iterable[str]) -> TypeError:
    """Make the error for a keyword that a list does not know; it names the nearest."""
    # In the spelling of the keyword, as that is what is to be mended.
    names = sorted(known, key=lambda name: name[:1].isupper() == keyword[:1].isupper())
    nearest = {_plain(name): name for name in names}
    close = difflib.get_close_matches(_plain(keyword), nearest, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[close[0]]!r}?" if close else f"it takes {', '.join(nearest.values())}"
    return TypeError(f"{operation}() got an unexpected keyword argument {keyword!r}; {hint}")


def query_of(operation: str, arguments: Mapping[str, object], further: Mapping[str, Any]) -> dict[str, str]:
    """Return the part of a query that filters.

    As in the old SDK, outer blanks of the method's own arguments go, those of other keywords stay, and a
    text of nothing but blanks is no filter.

    Args:
        operation: Name of the client's method that lists.
        arguments: Its own arguments, by snake_case name.
        further: What else was given as keywords, in either spelling.

    Raises:
        TypeError: A keyword is none of the list's, or a filter is given twice with different values.
        ValidationError: A value is no text.
    """
    columns = [name for name in OPERATIONS[operation].query if name not in PAGE]
    spellings = {**{name: name for name in columns}, **{_snake(name): name for name in columns}}
    query: dict[str, str] = {}
    for argument, value in arguments.items():
        text = _given(spellings[argument], argument, value).strip()
        if text:
            query[spellings[argument]] = text
    for keyword, value in further.items():
        name = spellings.get(keyword)
        if name is None:
            raise _unknown(operation, keyword, [*spellings, *map(_snake, PAGE)])
        text = _given(name, keyword, value)
        if text and query.setdefault(name, text) != text:
            raise TypeError(f"{operation}() got {name} twice, as {query[name]!r} and as {text!r}")
    return query


def scope_of(scope: object, further: Mapping[str, Any]) -> str:
    """Return the scope of a list of apps as it is sent; it is sent even if it is empty.

    Args:
        scope: The method's own argument.
        further: What else was given as keywords.

    Raises:
        TypeError: A keyword is another one, or the scope is given twice with different values.
        ValidationError: It is no text.
    """
    found = query_of("list_apps", {}, further)
    told = text_of(scope, "scope")
    if isinstance(scope, Default):
        return found.get("Scope", told)
    if found.get("Scope", told) != told:
        raise TypeError(f"list_apps() got Scope twice, as {told!r} and as {found['Scope']!r}")
    return told
