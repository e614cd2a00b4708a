"""The requirements of a task: its container image, its buckets, and its resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchcompute.runner.attempt_spec import AttemptSpec, Resources
from batchcompute.runner.mappings import Mappings
from batchcompute.runner.object_urls import split_object_url
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.domain.mappings import inner

__all__: list[str] = []

_IMAGE_VARIABLE = "BATCH_COMPUTE_DOCKER_IMAGE"
"""Variable that names the image in the older form of the API."""

_VENDOR_REGISTRY = "localhost:5000"
"""Address of the registry that the vendor's machines had."""


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
        keep_mounts: Whether writable mounts are the storage itself.
    """
    streams = [str(parameters.get(f"{stream}RedirectPath") or "") for stream in ("Stdout", "Stderr")]
    return _buckets(mappings, streams, parameters["Command"].get("PackagePath") or "", keep_mounts)


def buckets_of_attempt(spec: AttemptSpec, keep_mounts: bool) -> frozenset[tuple[str, bool]]:
    """Return the buckets that an attempt needs, each with whether the attempt writes to it.

    Args:
        spec: The attempt.
        keep_mounts: Whether writable mounts are the storage itself.
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
        cluster: Description of its cluster; empty if it has one of its own.
        types: The instance types by name.
    """
    groups: Mapping[str, Any] = inner(cluster, "Groups") or {}
    names = [inner(group, "InstanceType") for group in groups.values()]
    if not cluster:
        names.append(inner(task, "AutoCluster", "InstanceType"))
    name = next((str(name) for name in (inner(cluster, "InstanceType"), *names) if name), "")
    kind = types.get(name)
    return name, Resources(kind.cores, int(kind.memory * 1024), kind.gpus) if kind else Resources()
