"""How the service refuses: statuses, codes and messages (REST API, 7)."""

from __future__ import annotations

from collections.abc import Iterable

from batchcompute.errors import Problem
from batchcompute.models.problems import short_repr
from batchcompute.runner.errors import CodedError

__all__: list[str] = []


class HttpError(CodedError):
    """A request is answered with an error.

    Args:
        status: HTTP status.
        code: Code of the error.
        message: Message of the error.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status: int = status


class ApiError(HttpError):
    """The API answers with an error in JSON."""


class ObjectError(HttpError):
    """Object storage answers with an error in XML."""


def not_found(kind: str, name: str, place: str = "", there: Iterable[str] | None = None) -> ApiError:
    """There is no such resource.

    Args:
        kind: What was looked for, for example ``task``.
        name: Its id or name, as the request has it.
        place: Where, for example ``job job-1``; empty for the whole service.
        there: The names that there are in that place, where they help.
    """
    text = f"Specified resource is not found. There is no {kind} {short_repr(name)}"
    if place:
        text += f" in {place}"
    if there is not None:
        names = list(there)
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        text += f"; there is {', '.join(names[:_MOST_NAMED])}{more}" if names else "; there is none"
    return ApiError(404, "InvalidResource.NotFound", f"{text}.")


def existing(kind: str, name: str, advice: str) -> ApiError:
    """A resource of this name exists.

    Args:
        kind: What there is, for example ``app``.
        name: Its name.
        advice: What can be done; a sentence.
    """
    text = f"Specified resource already exists. There is {kind} {short_repr(name)}. {advice}"
    return ApiError(403, "InvalidResource.AlreadyExisting", text)


def state_conflict(state: str) -> ApiError:
    """The resource's state does not allow the action."""
    text = f"User operation is invalid. The current resource state is {state}."
    return ApiError(409, "StateConflict", text)


def denied(bucket: str) -> ApiError:
    """The bucket belongs to somebody else."""
    text = (
        f"Bucket {bucket!r} belongs to another owner, who has not granted access to it. Its owner, or whoever runs "
        "the service, can: batchcompute buckets grant."
    )
    return ApiError(403, "Forbidden", text)


def invalid(parameter: str, reason: str) -> ApiError:
    """A parameter is wrong."""
    text = f"Specified parameter {parameter} is not valid. {reason}"
    return ApiError(400, f"Invalid{parameter}", text)


def missing(parameter: str) -> ApiError:
    """A parameter is not there."""
    return ApiError(400, f"Missing{parameter}", f"{parameter} is mandatory for this action.")


_MOST_NAMED = 10
"""Names of what there is that one answer tells."""

_MOST_TOLD = 100
"""Problems that one answer tells; a body may have thousands."""

_NAMED = frozenset({"Tasks", "Groups", "Dependencies", "Inputs", "Outputs", "EnvVars"})
"""Fields whose keys are names that somebody has chosen."""

_TYPES = {
    "must be an integer": "integer",
    "must be a number": "number",
    "must be a text": "string",
    "must be true or false": "bool",
    "must be an object": "object",
    "must be a list": "array",
}


def refusal_of(problems: list[Problem]) -> ApiError:
    """Refuse a description for what is wrong with it: the code of the first, the text of all."""
    first = problems[0]
    parameter = _parameter(first.path)
    if first.kind == "cycle":
        return ApiError(400, "BadDAG", "It is a cyclic dag.")
    refusal = missing(parameter) if first.kind == "missing" else invalid(parameter, _reason(first))
    if first.path != parameter or len(problems) > 1:
        told = [str(problem) for problem in problems[:_MOST_TOLD]]
        if len(problems) > _MOST_TOLD:
            told.append(f"and {len(problems) - _MOST_TOLD} more")
        refusal.message += f" [{'; '.join(told)}]"
    return refusal


def _parameter(path: str) -> str:
    """The last part of a path that is a field's name and no task's, group's or number."""
    parts = path.split(".")
    fields = [part for part in parts if part[:1].isupper() and part.isalnum()]
    if len(parts) > 1 and parts[-2] in _NAMED:
        return parts[-2]
    return fields[-1] if fields else "Parameter"


def _reason(problem: Problem) -> str:
    kind = _TYPES.get(problem.allowed)
    return f"Its type must be {kind}." if kind else f"It {problem.allowed}."
