"""Which buckets a task needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchcompute.runner.object_urls import split_object_url
from batchcompute.service.domain.mappings import Mappings

__all__: list[str] = []


def buckets_of(
    mappings: Mappings, parameters: Mapping[str, Any], keep_mounts: bool
) -> frozenset[tuple[str, bool]]:
    """Return the buckets that a task needs, each with whether the task writes to it.

    Args:
        mappings: The mappings of the task.
        parameters: ``Parameters`` of its description.
        keep_mounts: Whether writable mounts are the storage itself.
    """
    urls = [(given.source, keep_mounts and given.mount and given.write) for given in mappings.inputs]
    urls += [(output.target, True) for output in (*mappings.outputs, *mappings.logs)]
    urls += [(parameters.get(f"{stream}RedirectPath") or "", True) for stream in ("Stdout", "Stderr")]
    urls.append((parameters["Command"].get("PackagePath") or "", False))
    return frozenset((split_object_url(url)[0], writes) for url, writes in urls if url)
