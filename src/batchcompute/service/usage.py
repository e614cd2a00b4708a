"""The space that the parts of a data directory take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from batchcompute.runner.rooted import Root
from batchcompute.service.store.snapshot import count_rows
from batchcompute.service.trees import walk

__all__ = ["Space", "Usage", "usage_of"]

_BLOCK: Final = 512
"""Bytes of a block in the properties of a file."""


@dataclass(slots=True)
class Space:
    """The space of one part of a data directory."""

    files: int = 0
    """Number of its files."""
    size: int = 0
    """Bytes that it takes on the disk."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The content of a data directory that grows."""

    spaces: Mapping[str, Space]
    """The space of each part: ``database``, each bucket as ``oss://bucket/``, ``kept``, ``uploads`` and ``work``."""
    rows: Mapping[str, int]
    """Numbers of rows of the database, by name."""


def usage_of(directory: Path) -> Usage:
    """Return the space that the parts of a data directory take; a service may run meanwhile.

    Args:
        directory: The data directory.

    Raises:
        ConfigError: The database cannot be read.
        OSError: The directory cannot be read.
    """
    spaces: defaultdict[str, Space] = defaultdict(Space)
    root = Root(directory)
    try:
        for name in root.names():
            status = root.lstat((name,))
            if name.startswith("batchcompute.db"):
                spaces["database"].files += 1
                spaces["database"].size += status.st_blocks * _BLOCK
        for top in ("oss", "kept", "uploads", "work"):
            for node in walk(root, (top,)):
                if node.status is None:
                    continue
                is_object = top == "oss" and not node.parts[1].startswith(".")
                space = spaces[f"oss://{node.parts[1]}/" if is_object else top]
                space.files += not node.is_directory
                space.size += node.status.st_blocks * _BLOCK
    finally:
        root.close()
    return Usage(dict(spaces), count_rows(directory / "batchcompute.db"))
