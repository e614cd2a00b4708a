"""Filters of lists: what each list takes, in both spellings, and how it is sent.

A filter that a list does not know is an error. The old SDK dropped it, so that a program that meant to delete
all failed jobs deleted every job.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from batchcompute.errors import Problem, ValidationError
from batchcompute.operations import OPERATIONS, id_of

if TYPE_CHECKING:
    from batchcompute.operations import IdLike
    from batchcompute.resources import ImageType, JobState

__all__ = ["ImageFilters", "InstanceFilters", "JobFilters", "TaskFilters"]

_PAGE = ("Marker", "MaxItemCount")
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


def _snake(name: str) -> str:
    return (
        _ARGUMENTS.get(name)
        or "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
    )


def _text(name: str, argument: str, value: object) -> str:
    """Return a filter as it is sent; empty for none."""
    if value is None or value == "":
        return ""
    if name == "ClusterId":
        return id_of(value, argument) if not isinstance(value, str) or value.strip() else ""
    if isinstance(value, bool) and name == "IsReverse":
        return str(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str):
        raise ValidationError([Problem(argument, repr(value)[:60], "must be a text")])
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValidationError([Problem(argument, repr(value)[:60], "must be text in UTF-8")]) from None
    return value if value.strip() else ""


def query_of(operation: str, arguments: Mapping[str, object], further: Mapping[str, Any]) -> dict[str, str]:
    """Return the part of a query that filters.

    Args:
        operation: Name of the client's method that lists.
        arguments: Its own arguments, by snake_case name. Outer blanks go, as in the old SDK.
        further: What else was given as keywords, in either spelling.

    Raises:
        TypeError: A keyword is none of the list's, or a filter is given in both spellings.
        ValidationError: A value is no text.
    """
    known = [name for name in OPERATIONS[operation].query if name not in _PAGE]
    spellings = {**{name: name for name in known}, **{_snake(name): name for name in known}}
    query: dict[str, str] = {}
    for argument, value in arguments.items():
        text = _text(spellings[argument], argument, value).strip()
        if text:
            query[spellings[argument]] = text
    for keyword, value in further.items():
        name = spellings.get(keyword)
        if name is None:
            candidates = [*spellings, *(_snake(page) for page in _PAGE)]
            close = difflib.get_close_matches(keyword, candidates, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(known) or 'no filter'}"
            raise TypeError(f"{operation}() got an unexpected keyword argument {keyword!r}; {hint}")
        text = _text(name, keyword, value)
        if text and query.get(name, text) != text:
            raise TypeError(f"{operation}() got {name} twice, as {query[name]!r} and as {text!r}")
        if text:
            query[name] = text
    return query
