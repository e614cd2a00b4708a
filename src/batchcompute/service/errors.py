"""Errors of the API and of object storage: statuses, codes and messages (REST API, 7)."""

from __future__ import annotations

from collections.abc import Iterable

from batchcompute.errors import Problem
from batchcompute.models.problems import short_repr
from batchcompute.runner.errors import CodedError

__all__: list[str] = []


class HttpError(CodedError):
    """An error that becomes the response to a request.

    Args:
        status: HTTP status.
        code: Code of the error.
        message: Message of the error.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status: int = status


class ApiError(HttpError):
    """An error of the API, which responds in JSON."""


class ObjectError(HttpError):
    """An error of object storage, which responds in XML."""


def not_found(
    kind: str, name: str, parent: str = "", there: Iterable[str] | None = None, count: int = 0
) -> ApiError:
    """Return the error for a resource that does not exist.

    Args:
        kind: Kind of the resource, for example ``task``.
        name: Id or name in the request.
        parent: The resource that was searched, for example ``job job-1``; empty for the whole service.
        there: Existing names in the parent, if they help.
        count: How many there are in the parent, if they are numbered from 0.
    """
    text = f"Specified resource is not found. There is no {kind} {short_repr(name)}"
    if parent:
        text += f" in {parent}"
    if there is not None:
        names = list(there)
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        those = "the only one is" if len(names) == 1 else "there are"
        text += f"; {those} {', '.join(names[:_MOST_NAMED])}{more}" if names else "; there is none"
    elif count:
        text += "; the only one is 0" if count == 1 else f"; the numbers are 0 to {count - 1}"
    return ApiError(404, "InvalidResource.NotFound", f"{text}.")


def existing(kind: str, name: str, advice: str) -> ApiError:
    """Return the error for a name that is taken.

    Args:
        kind: Kind of the resource, for example ``app``.
        name: Name of the resource.
        advice: What the client can do, as a sentence.
    """
    text = f"Specified resource already exists. There is {kind} {short_repr(name)}. {advice}"
    return ApiError(403, "InvalidResource.AlreadyExisting", text)


def state_conflict(state: str, refused: str = "") -> ApiError:
    """Return the error for an action that the state of the resource does not allow.

    Args:
        state: State of the resource.
        refused: What is not possible in this state, as a sentence; empty if the operation says it.
    """
    text = f"User operation is invalid. The current resource state is {state}."
    if refused:
        text += f" {refused}"
    return ApiError(409, "StateConflict", text)


def denied(bucket: str) -> ApiError:
    """Return the error for a bucket of another owner."""
    text = (
        f"Bucket {bucket!r} belongs to another owner, who has not granted access to it. Its owner, or whoever runs "
        "the service, can: batchcompute buckets grant BUCKET --to OWNER (with --write, so that OWNER can write)."
    )
    return ApiError(403, "Forbidden", text)


def invalid(parameter: str, reason: str) -> ApiError:
    """Return the error for an invalid parameter."""
    text = f"Specified parameter {parameter} is not valid. {reason}"
    return ApiError(400, f"Invalid{parameter}", text)


def missing(parameter: str) -> ApiError:
    """Return the error for a missing parameter."""
    return ApiError(400, f"Missing{parameter}", f"{parameter} is mandatory for this action.")


_MOST_NAMED = 10
"""Existing names that one message lists."""

_MOST_PROBLEMS = 100
"""Problems that one message lists. A body may have thousands."""

_NAMED = frozenset({"Tasks", "Groups", "Dependencies", "Inputs", "Outputs", "EnvVars"})
"""Fields whose keys are names chosen by the user."""

_TYPES = {
    "must be an integer": "integer",
    "must be a number": "number",
    "must be a text": "string",
    "must be true or false": "bool",
    "must be an object": "object",
    "must be a list": "array",
}


def error_of_problems(problems: list[Problem]) -> ApiError:
    """Return the error for an invalid description: with the code of the first problem, and the text of all."""
    first = problems[0]
    parameter = _parameter(first.path)
    if first.kind == "cycle":
        return ApiError(400, "BadDAG", "It is a cyclic dag.")
    error = missing(parameter) if first.kind == "missing" else invalid(parameter, _reason(first))
    if first.path != parameter or len(problems) > 1:
        texts = [str(problem) for problem in problems[:_MOST_PROBLEMS]]
        if len(problems) > _MOST_PROBLEMS:
            texts.append(f"and {len(problems) - _MOST_PROBLEMS} more")
        error.message += f" [{'; '.join(texts)}]"
    return error


def _parameter(path: str) -> str:
    """Return the last part of a path that is the name of a field, and not of a task or a group."""
    parts = path.split(".")
    fields = [part for part in parts if part[:1].isupper() and part.isalnum()]
    if len(parts) > 1 and parts[-2] in _NAMED:
        return parts[-2]
    return fields[-1] if fields else "Parameter"


def _reason(problem: Problem) -> str:
    kind = _TYPES.get(problem.allowed)
    return f"Its type must be {kind}." if kind else f"It {problem.allowed}."
