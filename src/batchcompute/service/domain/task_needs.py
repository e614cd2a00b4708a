"""The requirements of a task: its container image, and its buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchcompute.runner.mappings import Mappings
from batchcompute.runner.object_urls import split_object_url
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
    urls = [(entry.source, keep_mounts and entry.mount and entry.write) for entry in mappings.inputs]
    urls += [(output.target, True) for output in (*mappings.outputs, *mappings.logs)]
    urls += [(parameters.get(f"{stream}RedirectPath") or "", True) for stream in ("Stdout", "Stderr")]
    urls.append((parameters["Command"].get("PackagePath") or "", False))
    return frozenset((split_object_url(url)[0], writes) for url, writes in urls if url)
