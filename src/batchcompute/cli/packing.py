"""The packages of ``job.cfg`` files: a folder becomes an archive in object storage."""

from __future__ import annotations

from batchcompute.cli.failures import fail
from batchcompute.cli.files.description import Description
from batchcompute.cli.state import State

__all__: list[str] = []


def upload_packages(description: Description, state: State) -> None:  # noqa: ARG001
    """Pack the folders that a description names, upload them, and set ``PackagePath``.

    Args:
        description: The description; it is changed.
        state: The global options.
    """
    if description.packs:
        fail("pack is not supported yet")
