"""Filters of list operations, and their conversion to a query."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from batchcompute.api.arguments import text_of
from batchcompute.api.operations import OPERATIONS

if TYPE_CHECKING:
    from batchcompute.api.arguments import IdLike
    from batchcompute.resources import ImageType, JobState

__all__ = ["AppFilters", "ImageFilters", "InstanceFilters", "JobFilters", "NoFilters", "TaskFilters"]

PAGE: Final = ("Marker", "MaxItemCount")
"""Query keys that select the page and do not filter."""
_ARGUMENTS = {"Type": "type_"}
"""Query keys whose argument has another name than the key in snake_case."""


class InstanceFilters(TypedDict, total=False):
    """Filters of ListInstances in the old SDK's spelling."""

    State: JobState
    """Only instances in this state."""


class TaskFilters(TypedDict, total=False):
    """Filters of ListTasks in the old SDK's spelling."""

    State: JobState
    """Only tasks in this state."""
    ClusterId: IdLike
    """Only tasks that use this cluster."""


class JobFilters(TypedDict, total=False):
    """Filters of ListJobs in the old SDK's spelling, and the order of the list in both spellings."""

    State: JobState
    """Only jobs in this state."""
    ClusterId: IdLike
    """Only jobs that use this cluster."""
    ProjectId: str
    """Only jobs of this project."""
    OrderBy: Literal["Id", "CreationTime"] | str
    """The field by which the jobs are sorted."""
    IsReverse: Literal["True", "False"] | str | bool
    """Whether the order is descending."""
    order_by: Literal["Id", "CreationTime"] | str
    """The field by which the jobs are sorted."""
    is_reverse: Literal["True", "False"] | str | bool
    """Whether the order is descending."""


class ImageFilters(TypedDict, total=False):
    """Filters of ListImages in the old SDK's spelling."""

    Type: ImageType
    """``System`` for the public images; without it, the account's own images."""


class AppFilters(TypedDict, total=False):
    """Filters of ListApps in the old SDK's spelling."""

    Scope: str
    """``Private`` for the account's own apps, ``Public`` for public apps."""


class NoFilters(TypedDict):
    """The filters of a list that has none. An unknown keyword is a TypeError that names the nearest argument."""


class Default(str):
    """The default value of an argument, distinguishable from an equal text of the caller."""

    __slots__ = ()


PRIVATE: Final = Default("Private")
"""The default scope of apps."""


def _snake_case(name: str) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
    return _ARGUMENTS.get(name, words)


def _normalized(name: str) -> str:
    return name.replace("_", "").lower()


def _filter_text(name: str, argument: str, value: object) -> str:
    """Return the text of a filter; empty if the filter is blank."""
    if isinstance(value, bool) and name == "IsReverse":
        return str(value)
    if name == "ClusterId" and not isinstance(value, (str, bytes)):
        value = getattr(value, "Id", value)
    text = text_of(value, argument)
    return text if text.strip() else ""


def _unknown_keyword(operation: str, keyword: str, known: Iterable[str]) -> TypeError:
    """Return the error for an unknown keyword; it names the nearest known one."""
    # The suggestion has the spelling style of the keyword.
    names = sorted(known, key=lambda name: name[:1].isupper() == keyword[:1].isupper())
    nearest = {_normalized(name): name for name in names}
    close = difflib.get_close_matches(_normalized(keyword), nearest, n=1, cutoff=0.5)
    hint = (
        f"did you mean {nearest[close[0]]!r}?" if close else f"the keywords are {', '.join(nearest.values())}"
    )
    return TypeError(f"{operation}() got an unexpected keyword argument {keyword!r}; {hint}")


def query_of(operation: str, arguments: Mapping[str, object], further: Mapping[str, Any]) -> dict[str, str]:
    """Return the filters of a list operation as a query.

    As in the old SDK, the values of the method's own arguments are stripped of white space, the values of
    other keywords are not, and a blank value is no filter. In contrast to the old SDK, an unknown keyword is
    an error: ignoring it would list too much, so a program that deletes all listed jobs would delete others.

    Args:
        operation: Name of the client's list method.
        arguments: The method's own arguments by name.
        further: All other keywords, in either spelling.

    Raises:
        TypeError: A keyword is unknown, or a filter is given twice with different values.
        ValidationError: A value is not a text.
    """
    columns = [name for name in OPERATIONS[operation].query if name not in PAGE]
    spellings = {**{name: name for name in columns}, **{_snake_case(name): name for name in columns}}
    query: dict[str, str] = {}
    for argument, value in arguments.items():
        text = _filter_text(spellings[argument], argument, value).strip()
        if text:
            query[spellings[argument]] = text
    for keyword, value in further.items():
        name = spellings.get(keyword)
        if name is None:
            raise _unknown_keyword(operation, keyword, [*spellings, *map(_snake_case, PAGE)])
        text = _filter_text(name, keyword, value)
        if text and query.setdefault(name, text) != text:
            raise TypeError(f"{operation}() got {name} twice, as {query[name]!r} and as {text!r}")
    return query


def scope_of(scope: object, further: Mapping[str, Any]) -> str:
    """Return the scope of ListApps as it is sent; an empty scope is sent, too.

    Args:
        scope: The method's argument ``scope``.
        further: All other keywords.

    Raises:
        TypeError: A keyword is unknown, or the scope is given twice with different values.
        ValidationError: The scope is not a text.
    """
    keywords = query_of("list_apps", {}, further)
    argument = text_of(scope, "scope")
    if isinstance(scope, Default):
        return keywords.get("Scope", argument)
    if keywords.get("Scope", argument) != argument:
        raise TypeError(f"list_apps() got Scope twice, as {argument!r} and as {keywords['Scope']!r}")
    return argument
