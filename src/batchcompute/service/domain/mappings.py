"""The mappings of a task between object URLs and paths (REST API, 5.3 and 5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, cast

from batchcompute.errors import Problem, ValidationError
from batchcompute.models.problems import short_repr
from batchcompute.runner.mappings import Input, Mappings, Output, canonical, path_problem
from batchcompute.runner.object_urls import split_object_url

__all__: list[str] = []


def inner(value: Any, *names: str) -> Any:
    """Return a nested value of a JSON value; None if it does not exist."""
    for name in names:
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value


def entries_of(mounts: Any) -> list[dict[str, Any]]:
    """Return the entries of a ``Mounts`` object, which may be missing or empty."""
    return list(inner(mounts, "Entries") or [])


def _pairs(task: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    mapping: Mapping[str, str] = task.get(name) or {}
    return [(str(source), str(target)) for source, target in mapping.items()]


def mappings_of(task: Mapping[str, Any], mounts: Iterable[Mapping[str, Any]] = ()) -> Mappings:
    """Read the mappings of a task.

    Args:
        task: Description of the task, as JSON.
        mounts: The mounts of its cluster.
    """
    write = bool(task.get("WriteSupport"))
    entries = [*entries_of(task.get("Mounts")), *mounts]
    return Mappings(
        (
            *(Input(source, canonical(path), write) for source, path in _pairs(task, "InputMapping")),
            *(
                Input(entry["Source"], canonical(entry["Destination"]), bool(entry.get("WriteSupport")), True)
                for entry in entries
            ),
        ),
        tuple(Output(canonical(path), target) for path, target in _pairs(task, "OutputMapping")),
        tuple(Output(canonical(path), target) for path, target in _pairs(task, "LogMapping")),
    )


def problems_of(task: Mapping[str, Any], at: str) -> Iterator[Problem]:
    """Yield the problems of the mappings of a task that are known before it runs.

    Args:
        task: Description of the task, as JSON.
        at: Path of the task in the description of the job.
    """
    seen: dict[str, str] = {}
    logs: set[str] = set()
    for source, path in _pairs(task, "InputMapping"):
        where = f"{at}.InputMapping"
        yield from _url(source, where)
        yield from path_problem(path, where, seen)
        yield from _both(source, path, where)
    for kind in ("OutputMapping", "LogMapping"):
        for path, target in _pairs(task, kind):
            where = f"{at}.{kind}"
            yield from _url(target, where)
            yield from path_problem(path, where, seen)
            if kind == "OutputMapping":
                yield from _both(path, target, where)
            elif path.endswith("/") or not target.endswith("/"):
                allowed = "must map a file to a prefix that ends in a slash"
                yield Problem(where, f"{path} -> {target}", allowed)
            else:
                name = f"{target}{PurePosixPath(path).name}"
                yield from _url(name, where)
                if name in logs:
                    yield Problem(where, path, f"must not have the name of another log that goes to {target}")
                logs.add(name)
    yield from mount_problems(task.get("Mounts"), f"{at}.Mounts", seen)


def mount_problems(mounts: Any, at: str, seen: dict[str, str] | None = None) -> Iterator[Problem]:
    """Yield the problems of a ``Mounts`` object."""
    for entry in entries_of(mounts):
        source = str(entry.get("Source") or "")
        scheme = source.partition("://")[0]
        if scheme in ("nas", "smb", "lustre", "nasplus"):
            allowed = (
                "must be an object URL like oss://bucket/dir/: the local service cannot mount anything else"
            )
            yield Problem(f"{at}.Entries.Source", short_repr(source), allowed)
        else:
            yield from _url(source, f"{at}.Entries.Source")
        yield from path_problem(
            entry.get("Destination"), f"{at}.Entries.Destination", {} if seen is None else seen
        )


def _url(object_url: Any, where: str) -> Iterator[Problem]:
    try:
        split_object_url(str(object_url or ""))
    except ValidationError:
        yield Problem(where, short_repr(object_url), "must be an object URL like oss://bucket/key")


def _both(source: Any, target: Any, where: str) -> Iterator[Problem]:
    if str(source).endswith("/") != str(target).endswith("/"):
        allowed = "must end in a slash on both sides, for a directory, or on neither"
        yield Problem(where, f"{source} -> {target}", allowed)
