"""The Docker image that a command asks for (REST API, 5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchcompute.service.domain.mappings import inner

__all__: list[str] = []

_VARIABLE = "BATCH_COMPUTE_DOCKER_IMAGE"
"""Variable that names the image in the older form of the API."""

_REGISTRY = "localhost:5000"
"""Address of the registry that the vendor's machines had."""


def image_of(command: Mapping[str, Any]) -> str:
    """Return the image that a command asks for, in either form; empty for none.

    The address of the vendor's own registry is left out, so that the container runtime chooses the registry.

    Args:
        command: ``Parameters.Command`` of a task.
    """
    image = str(inner(command, "Docker", "Image") or "")
    image = image or str(inner(command, "EnvVars", _VARIABLE) or "")
    return image.removeprefix(f"{_REGISTRY}/").removesuffix(f"@{_REGISTRY}")
