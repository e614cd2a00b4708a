"""Conversion of a method's arguments to the texts of a request."""

from __future__ import annotations

from typing import Protocol, SupportsIndex, TypeAlias

from batchcompute.errors import Problem, ValidationError

__all__ = ["HasId", "HasName", "IdLike"]


class HasId(Protocol):
    """An object with an id, such as the status of a job or the response to a create."""

    @property
    def Id(self) -> str:  # noqa: N802
        """The id."""
        ...


class HasName(Protocol):
    """An object with a name, such as the status of an app or the response to its create."""

    @property
    def Name(self) -> str:  # noqa: N802
        """The name."""
        ...


IdLike: TypeAlias = "str | HasId"
"""An id, or an object with an ``Id``."""


def _invalid(argument: str, shown: str, allowed: str) -> ValidationError:
    return ValidationError([Problem(argument, shown, allowed)])


def id_of(value: object, argument: str, attribute: str = "Id") -> str:
    """Return the id that an argument gives.

    Args:
        value: An id, or an object with one.
        argument: Name of the argument, for the error.
        attribute: Name of the object's attribute.

    Raises:
        ValidationError: The id is empty, or the value has no id.
    """
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else value
        identifier = text if isinstance(text, str) else getattr(text, attribute, None)
        if isinstance(identifier, str):
            identifier.encode("utf-8")
    except UnicodeError:
        identifier = None
    if not isinstance(identifier, str):
        raise _invalid(argument, repr(value)[:60], "must be an id, or an object that has one")
    if not identifier.strip():
        raise _invalid(argument, repr(identifier), "must be an id that is not empty")
    if identifier != identifier.strip():
        raise _invalid(argument, repr(identifier), "must be an id without leading or trailing white space")
    if not {".", ".."}.isdisjoint(identifier.split("/")):
        # The client encodes the slashes of an id, and not the dots. A proxy may resolve such a segment to another path.
        raise _invalid(argument, repr(identifier), "must be an id without '.' and '..' as path segments")
    return identifier


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def revision_of(value: object) -> str:
    """Return the app revision that the argument ``qualifier`` gives; empty if it gives none."""
    revision = getattr(value, "Revision", value)
    if revision is None or revision == "":
        return ""
    if isinstance(revision, str) and _is_number(revision):
        return revision
    if isinstance(revision, bool) or not isinstance(revision, SupportsIndex):
        raise _invalid("qualifier", repr(value)[:60], "must be the number of a revision")
    return str(int(revision))


def task_name_of(value: object, argument: str) -> str:
    """Return the task name that an argument gives, as a text or as the status of a task."""
    return id_of(getattr(value, "TaskName", value), argument)


def instance_number_of(value: object, argument: str) -> str:
    """Return the instance number that an argument gives, as a number or as the status of an instance."""
    number = getattr(value, "InstanceId", value)
    if number is not value and "InstanceId" not in value:  # type: ignore[operator]
        raise _invalid(argument, repr(value)[:60], "must be an instance that has a number")
    if isinstance(number, str) and _is_number(number):
        return number
    if isinstance(number, bool) or not hasattr(type(number), "__index__") or int(number) < 0:  # type: ignore[call-overload]
        raise _invalid(argument, repr(value)[:60], "must be the number of an instance, 0 or more")
    return str(int(number))  # type: ignore[call-overload]


def count_of(value: object, argument: str = "max_item_count") -> str:
    """Return the maximum number of items of a page."""
    if isinstance(value, str) and _is_number(value):
        value = int(value)
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise _invalid(argument, repr(value)[:60], "must be an integer")
    return str(int(value))  # type: ignore[call-overload]


def text_of(value: object, argument: str) -> str:
    """Return the text that an argument gives; empty for None.

    Raises:
        ValidationError: The value is not a text, or UTF-8 cannot encode it.
    """
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else "" if value is None else value
        if isinstance(text, str):
            text.encode("utf-8")
            return text
    except UnicodeError:
        pass
    raise _invalid(argument, repr(value)[:60], "must be text in UTF-8")


def marker_of(value: object) -> str:
    """Return the marker of a page; a number is converted to a text."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return text_of(str(value) if is_number else value, "marker")


def token_query(token: object) -> dict[str, str]:
    """Return the part of a query that holds a create's token; empty without a token."""
    # The old SDK ignored a token that is not a text (recorded case "token not str is ignored").
    return {"IdempotentToken": text_of(token, "token")} if isinstance(token, (str, bytes)) and token else {}


def job_path(job: IdLike) -> dict[str, str]:
    """Return the variable parts of the path of a job."""
    return {"JobId": id_of(job, "job")}


def task_path(job: IdLike, task_name: object) -> dict[str, str]:
    """Return the variable parts of the path of a task."""
    return {"JobId": id_of(job, "job"), "TaskName": task_name_of(task_name, "task_name")}


def instance_path(job: IdLike, task_name: object, instance_id: object) -> dict[str, str]:
    """Return the variable parts of the path of an instance."""
    return {**task_path(job, task_name), "InstanceId": instance_number_of(instance_id, "instance_id")}


def page_query(marker: object, max_item_count: object) -> dict[str, str]:
    """Return the query of a list call."""
    return {"Marker": marker_of(marker), "MaxItemCount": count_of(max_item_count)}
