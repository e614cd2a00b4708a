"""The needs of a task: its files, container image, buckets and resources (REST API, 5.3 to 5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, cast

from batchcompute.errors import Problem, ValidationError
from batchcompute.models.problems import short_repr
from batchcompute.runner.attempt_spec import AttemptSpec, Resources
from batchcompute.runner.mappings import Input, Mappings, Output, canonical, path_problem
from batchcompute.runner.object_urls import split_object_url
from batchcompute.service.domain.instance_types import InstanceType

__all__: list[str] = []

_IMAGE_VARIABLE = "BATCH_COMPUTE_DOCKER_IMAGE"
"""Variable that names the image in the older form of the API."""

_VENDOR_REGISTRY = "localhost:5000"
"""Address of the registry that the vendor's machines had."""


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


def mapping_problems(task: Mapping[str, Any], at: str) -> Iterator[Problem]:
    """Yield the problems of the mappings of a task that are known before it runs.

    Args:
        task: Description of the task, as JSON.
        at: Path of the task in the description of the job.
    """
    seen: dict[str, str] = {}
    logs: set[str] = set()
    for source, path in _pairs(task, "InputMapping"):
        where = f"{at}.InputMapping"
        yield from _url_problem(source, where)
        yield from path_problem(path, where, seen)
        yield from _slash_problem(source, path, where)
    for kind in ("OutputMapping", "LogMapping"):
        for path, target in _pairs(task, kind):
            where = f"{at}.{kind}"
            yield from _url_problem(target, where)
            yield from path_problem(path, where, seen)
            if kind == "OutputMapping":
                yield from _slash_problem(path, target, where)
            elif path.endswith("/") or not target.endswith("/"):
                allowed = "must map a file to a prefix that ends in a slash"
                yield Problem(where, f"{path} -> {target}", allowed)
            else:
                name = f"{target}{PurePosixPath(path).name}"
                yield from _url_problem(name, where)
                if name in logs:
                    yield Problem(where, path, f"must not have the name of another log that goes to {target}")
                logs.add(name)
    yield from mount_problems(task.get("Mounts"), f"{at}.Mounts", seen)


def mount_problems(mounts: Any, at: str, seen: dict[str, str] | None = None) -> Iterator[Problem]:
    """Yield the problems of a ``Mounts`` object.

    Args:
        mounts: The object.
        at: Its path in the description.
        seen: The field of each path that is mapped already; the paths of the mounts are added.
    """
    for entry in entries_of(mounts):
        source = str(entry.get("Source") or "")
        scheme = source.partition("://")[0]
        if scheme in ("nas", "smb", "lustre", "nasplus"):
            allowed = (
                "must be an object URL like oss://bucket/dir/: the local service cannot mount anything else"
            )
            yield Problem(f"{at}.Entries.Source", short_repr(source), allowed)
        else:
            yield from _url_problem(source, f"{at}.Entries.Source")
        yield from path_problem(
            entry.get("Destination"), f"{at}.Entries.Destination", {} if seen is None else seen
        )


def _url_problem(object_url: Any, where: str) -> Iterator[Problem]:
    try:
        split_object_url(str(object_url or ""))
    except ValidationError:
        yield Problem(where, short_repr(object_url), "must be an object URL like oss://bucket/key")


def _slash_problem(source: Any, target: Any, where: str) -> Iterator[Problem]:
    if str(source).endswith("/") != str(target).endswith("/"):
        allowed = "must end in a slash on both sides, for a directory, or on neither"
        yield Problem(where, f"{source} -> {target}", allowed)


def image_of(command: Mapping[str, Any]) -> str:
    """Return the image that a command asks for, in either form; empty for none.

    The address of the vendor's own registry is left out, so that the container runtime chooses the registry.

    Args:
        command: ``Parameters.Command`` of a task.
    """
    image = str(inner(command, "Docker", "Image") or "")
    image = image or str(inner(command, "EnvVars", _IMAGE_VARIABLE) or "")
    return image.removeprefix(f"{_VENDOR_REGISTRY}/").removesuffix(f"@{_VENDOR_REGISTRY}")


def buckets_of(
    mappings: Mappings, parameters: Mapping[str, Any], keep_mounts: bool
) -> frozenset[tuple[str, bool]]:
    """Return the buckets that a task needs, each with whether the task writes to it.

    Args:
        mappings: The mappings of the task.
        parameters: ``Parameters`` of its description.
        keep_mounts: Whether object storage keeps the changes of programs to writable mounts.
    """
    streams = [str(parameters.get(f"{stream}RedirectPath") or "") for stream in ("Stdout", "Stderr")]
    return _buckets(mappings, streams, parameters["Command"].get("PackagePath") or "", keep_mounts)


def buckets_of_attempt(spec: AttemptSpec, keep_mounts: bool) -> frozenset[tuple[str, bool]]:
    """Return the buckets that an attempt needs, each with whether the attempt writes to it.

    Args:
        spec: The attempt.
        keep_mounts: Whether object storage keeps the changes of programs to writable mounts.
    """
    return _buckets(spec.mappings, (spec.stdout, spec.stderr), spec.package, keep_mounts)


def _buckets(
    mappings: Mappings, streams: Iterable[str], package: str, keep_mounts: bool
) -> frozenset[tuple[str, bool]]:
    urls = [(entry.source, keep_mounts and entry.mount and entry.write) for entry in mappings.inputs]
    urls += [(output.target, True) for output in (*mappings.outputs, *mappings.logs)]
    urls += [(stream, True) for stream in streams]
    urls.append((package, False))
    return frozenset((split_object_url(url)[0], writes) for url, writes in urls if url)


def resources_of(
    task: Mapping[str, Any], cluster: Mapping[str, Any], types: Mapping[str, InstanceType]
) -> tuple[str, Resources]:
    """Return the instance type of a task, and its resources.

    Args:
        task: Description of the task, as JSON.
        cluster: Description of the cluster that the task names; empty if the task has an AutoCluster.
        types: The instance types by name.
    """
    groups: Mapping[str, Any] = inner(cluster, "Groups") or {}
    names = [inner(group, "InstanceType") for group in groups.values()]
    if not cluster:
        names.append(inner(task, "AutoCluster", "InstanceType"))
    name = next((str(name) for name in (inner(cluster, "InstanceType"), *names) if name), "")
    kind = types.get(name)
    return name, Resources(kind.cores, int(kind.memory * 1024), kind.gpus) if kind else Resources()
