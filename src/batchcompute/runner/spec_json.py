"""Specifications of attempts as JSON: written by an engine, and read by the runner on another machine."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from batchcompute.errors import Problem, ValidationError
from batchcompute.runner import json_reading as reading
from batchcompute.runner.attempt_spec import AttemptSpec, Resources
from batchcompute.runner.json_reading import Invalid, Problems, Reader
from batchcompute.runner.mappings import Input, Mappings, Output
from batchcompute.runner.object_urls import split_object_url

__all__ = [
    "Assignment",
    "DamagedSpec",
    "SpecFile",
    "dump_specs",
    "parse_specs",
    "spec_from_json",
    "spec_to_json",
]

# This module is read by hand and not by pydantic, whose import takes longer than the whole start of a runner.

VERSION: Final = 1
"""Version of the document. A runner refuses every other one."""

# Patterns are compiled when they are first used.
_TOKEN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"  # noqa: S105 - a pattern
_ENDPOINT: Final = r"https?://[^/\s@?#]+/?"
_IMAGE: Final = r"[^-\s\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*"


class Assignment(NamedTuple):
    """An attempt that a runner has to run."""

    spec: AttemptSpec
    """The attempt."""
    grant: str = ""
    """The grant with which the runner reaches the objects of the attempt; empty if it needs none."""

    def __repr__(self) -> str:
        # The grant is a secret.
        return f"Assignment({self.spec!r})"


class DamagedSpec(NamedTuple):
    """An attempt whose specification is damaged, so that it cannot run."""

    token: str
    """The token of the attempt."""
    message: str
    """The problems of its specification."""


class SpecFile(NamedTuple):
    """The content of a file of specifications. It holds secrets, so only its owner may read it."""

    records: str
    """Absolute path of the file to which the runner appends records."""
    attempts: tuple[Assignment, ...]
    """The attempts, in the order in which they start."""
    endpoint: str = ""
    """URL of the service whose object API the attempts use; empty if they need no objects."""
    certificates: str = ""
    """Path of the certificates that the endpoint is checked with; empty for those of the machine."""
    earlier_records: tuple[str, ...] = ()
    """Absolute paths of other record files. An attempt that has a record in one of them does not start."""
    damaged: tuple[DamagedSpec, ...] = ()
    """Attempts that cannot run. A written file has none."""
    problem: str = ""
    """The problems of the file itself, and of attempts that cannot be identified; empty for none."""


# -- reading ----------------------------------------------------------------------------------


def _token(problems: Problems, value: object, path: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(_TOKEN, value):
        allowed = "must be 1 to 200 letters, digits, '.', '_' and '-', beginning with a letter or a digit"
        problems.refuse(path, value, allowed)
    return value


def _object_url(problems: Problems, value: object, path: str) -> str:
    if not isinstance(value, str):
        problems.refuse(path, value, "must be an object URL, oss://bucket/key")
    try:
        split_object_url(value)
    except ValidationError as error:
        problems.refuse(path, value, f"must be an object URL: {error.problems[0].allowed}")
    return value


def _optional_url(problems: Problems, value: object, path: str) -> str:
    return "" if value == "" else _object_url(problems, value, path)


def _image(problems: Problems, value: object, path: str) -> str:
    # A name that begins with a hyphen would be an option of the container runtime.
    if not isinstance(value, str) or (value and not re.fullmatch(_IMAGE, value)):
        problems.refuse(
            path, value, "must be the name of an image, without spaces, that begins with no hyphen"
        )
    return value


def _keep_as(problems: Problems, value: object, path: str) -> str:
    if value == "":
        return ""
    if value in (".", ".."):
        problems.refuse(path, value, "must be a file name")
    return reading.name(problems, value, path)


def _endpoint(problems: Problems, value: object, path: str) -> str:
    if not isinstance(value, str) or (value and not re.fullmatch(_ENDPOINT, value)):
        allowed = (
            "must be http://HOST:PORT or https://HOST:PORT, without a path, a query, a user or a password"
        )
        problems.refuse(path, value, allowed)
    return value.rstrip("/")


def _grant(problems: Problems, value: object, path: str) -> str:
    if (
        not isinstance(value, str)
        or not value.isascii()
        or (value and not value.isprintable())
        or " " in value
    ):
        problems.all.append(
            Problem(path, "***", "must be a text of printable ASCII characters without spaces")
        )
        raise Invalid
    return value


def _version(problems: Problems, value: object, path: str) -> int:
    if value != VERSION or isinstance(value, bool):
        problems.refuse(path, value, f"must be {VERSION}; this runner reads no other version")
    return VERSION


_PATH = reading.absolute_path
_INPUT: dict[str, Reader[Any]] = {
    "source": _object_url,
    "path": _PATH,
    "write": reading.flag,
    "mount": reading.flag,
}
_OUTPUT: dict[str, Reader[Any]] = {"path": _PATH, "target": _object_url}
_RESOURCES: dict[str, Reader[Any]] = {
    "cpus": reading.positive,
    "memory": reading.count,
    "gpus": reading.count,
}


def _input(problems: Problems, value: object, path: str) -> Input:
    return Input(**reading.fields(problems, value, path, _INPUT, frozenset({"source", "path"})))


def _output(problems: Problems, value: object, path: str) -> Output:
    return Output(**reading.fields(problems, value, path, _OUTPUT, frozenset(_OUTPUT)))


def _inputs(problems: Problems, value: object, path: str) -> tuple[Input, ...]:
    return reading.items(problems, value, path, _input)


def _outputs(problems: Problems, value: object, path: str) -> tuple[Output, ...]:
    return reading.items(problems, value, path, _output)


_MAPPINGS: dict[str, Reader[Any]] = {"inputs": _inputs, "outputs": _outputs, "logs": _outputs}


def _mappings(problems: Problems, value: object, path: str) -> Mappings:
    return Mappings(**reading.fields(problems, value, path, _MAPPINGS, frozenset()))


def _resources(problems: Problems, value: object, path: str) -> Resources:
    return Resources(**reading.fields(problems, value, path, _RESOURCES, frozenset()))


_SPEC: dict[str, Reader[Any]] = {
    "token": _token,
    "job_id": reading.name,
    "task": reading.name,
    "number": reading.count,
    "owner": reading.some_text,
    "command": reading.some_text,
    "time_limit": reading.positive,
    "environment": reading.texts,
    "mappings": _mappings,
    "package": _optional_url,
    "image": _image,
    "stdout": _optional_url,
    "stderr": _optional_url,
    "instance_type": reading.text,
    "resources": _resources,
    "separate": reading.flag,
    "keep_as": _keep_as,
}
_REQUIRED = frozenset({"token", "job_id", "task", "number", "owner", "command", "time_limit"})
_FILE: dict[str, Reader[Any]] = {
    "version": _version,
    "records": _PATH,
    "earlier_records": lambda problems, value, path: reading.items(problems, value, path, _PATH),
    "endpoint": _endpoint,
    "certificates": lambda problems, value, path: "" if value == "" else _PATH(problems, value, path),
    "attempts": lambda problems, value, path: reading.items(problems, value, path, lambda _, item, __: item),
}


def _spec(problems: Problems, value: object, path: str) -> AttemptSpec:
    return AttemptSpec(**reading.fields(problems, value, path, _SPEC, _REQUIRED))


def spec_from_json(content: object, path: str = "") -> AttemptSpec:
    """Read the specification of an attempt from parsed JSON.

    Args:
        content: The parsed JSON.
        path: Path of the value in messages.

    Raises:
        ValidationError: A field is missing, unknown or invalid. It names all of them.
    """
    problems = Problems()
    try:
        return _spec(problems, content, path)
    except Invalid:
        raise ValidationError(problems.all, "AttemptSpec") from None


def parse_specs(data: bytes, subject: str = "the specifications") -> SpecFile:
    """Read a file of specifications.

    A damaged attempt does not stop the others: `SpecFile.damaged` names it. If the head of the file is damaged, no attempt
    runs, and each one whose token can be read is a damaged one.

    Args:
        data: Content of the file.
        subject: Name of the file in messages.

    Raises:
        ValidationError: The file is not JSON, or does not name the file of the records, so no record can be written.
    """
    problems = Problems()
    content = reading.parse(data, subject)
    head: dict[str, Any]
    try:
        head = reading.fields(problems, content, "", _FILE, frozenset({"version", "records", "attempts"}))
        head.pop("version")
    except Invalid:
        if not _records_of(content):
            raise ValidationError(problems.all, subject) from None
        head = {"records": _records_of(content)}
    is_head_valid = not problems.all
    head_message = str(ValidationError(problems.all)) if problems.all else ""
    attempts: list[Assignment] = []
    damaged: list[DamagedSpec] = []
    tokens: set[str] = set()
    for number, entry in enumerate(_entries(content)):
        token = _token_of(entry)
        own = Problems()
        try:
            assignment = _assignment(own, entry, f"attempts[{number}]", tokens)
            if is_head_valid:
                attempts.append(assignment)
            else:
                # Not even the meaning of the attempt is certain.
                damaged.append(DamagedSpec(token, head_message))
        except Invalid:
            if token and token not in tokens:
                damaged.append(DamagedSpec(token, str(ValidationError(own.all))))
            else:
                problems.all += own.all
        tokens.add(token)
    head["attempts"] = tuple(attempts)
    problem = str(ValidationError(problems.all, subject)) if problems.all else ""
    return SpecFile(**head, damaged=tuple(damaged), problem=problem)


def _assignment(problems: Problems, entry: object, path: str, tokens: set[str]) -> Assignment:
    values = reading.fields(problems, entry, path, {**_SPEC, "grant": _grant}, _REQUIRED)
    if values["token"] in tokens:
        problems.refuse(f"{path}.token", values["token"], "must be the token of one attempt only")
    grant: str = values.pop("grant", "")
    return Assignment(AttemptSpec(**values), grant)


def _entries(content: object) -> Sequence[object]:
    entries = cast("dict[str, object]", content).get("attempts") if isinstance(content, dict) else None
    return cast("list[object]", entries) if isinstance(entries, list) else []


def _records_of(content: object) -> str:
    value = cast("dict[str, object]", content).get("records") if isinstance(content, dict) else None
    return value if isinstance(value, str) and value.startswith("/") and "\0" not in value else ""


def _token_of(entry: object) -> str:
    value = cast("dict[str, object]", entry).get("token") if isinstance(entry, dict) else None
    return value if isinstance(value, str) and re.fullmatch(_TOKEN, value) else ""


# -- writing ----------------------------------------------------------------------------------


def spec_to_json(spec: AttemptSpec) -> dict[str, Any]:
    """Return the specification of an attempt as a value that `json` writes. Fields with default values are left out."""
    content: dict[str, Any] = {
        "token": spec.token,
        "job_id": spec.job_id,
        "task": spec.task,
        "number": spec.number,
        "owner": spec.owner,
        "command": spec.command,
        "time_limit": spec.time_limit,
    }
    resources = spec.resources
    optional: dict[str, Any] = {
        "environment": dict(spec.environment),
        "mappings": _mappings_to_json(spec.mappings),
        "package": spec.package,
        "image": spec.image,
        "stdout": spec.stdout,
        "stderr": spec.stderr,
        "instance_type": spec.instance_type,
        "separate": spec.separate,
        "keep_as": spec.keep_as,
    }
    content.update((name, value) for name, value in optional.items() if value)
    if resources != Resources():
        content["resources"] = {"cpus": resources.cpus, "memory": resources.memory, "gpus": resources.gpus}
    return content


def _mappings_to_json(mappings: Mappings) -> dict[str, Any]:
    content: dict[str, Any] = {
        "inputs": [_input_to_json(entry) for entry in mappings.inputs],
        "outputs": [{"path": output.path, "target": output.target} for output in mappings.outputs],
        "logs": [{"path": output.path, "target": output.target} for output in mappings.logs],
    }
    return {name: value for name, value in content.items() if value}


def _input_to_json(entry: Input) -> dict[str, Any]:
    content: dict[str, Any] = {"source": entry.source, "path": entry.path}
    return content | {name: True for name in ("write", "mount") if getattr(entry, name)}


def dump_specs(file: SpecFile) -> bytes:
    """Return the content of a file of specifications."""
    attempts: list[dict[str, Any]] = []
    for assignment in file.attempts:
        content = spec_to_json(assignment.spec)
        if assignment.grant:
            content["grant"] = assignment.grant
        attempts.append(content)
    document: dict[str, Any] = {"version": VERSION, "records": file.records}
    optional: dict[str, Any] = {
        "endpoint": file.endpoint,
        "certificates": file.certificates,
        "earlier_records": list(file.earlier_records),
    }
    document.update((name, value) for name, value in optional.items() if value)
    return json.dumps({**document, "attempts": attempts}, separators=(",", ":")).encode("ascii")
