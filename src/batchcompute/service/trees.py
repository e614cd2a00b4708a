"""Reading the trees of a data directory, which programs may change meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from batchcompute.runner.rooted import Parts, Root

__all__ = ["Node", "walk"]


@dataclass(frozen=True, slots=True)
class Node:
    """A file or a directory in a tree."""

    parts: Parts
    """Names that lead to it."""
    status: os.stat_result | None
    """Its properties; None for a directory that cannot be read."""

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory that can be read."""
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.status is not None and stat.S_ISREG(self.status.st_mode)


def walk(root: Root, top: Parts) -> Iterator[Node]:
    """Yield everything below a directory, directories before their content; links are not followed.

    Nothing is changed. Files that disappear meanwhile are left out.

    Args:
        root: The root.
        top: Names that lead to the directory; nothing is yielded if it does not exist.
    """
    waiting = [top]
    while waiting:
        at = waiting.pop()
        try:
            with root.folder(at) as fd:
                entries = [(name, _status(name, fd)) for name in sorted(os.listdir(fd))]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            yield Node(at, None)
            continue
        for name, status in entries:
            if status is None:
                continue
            yield Node((*at, name), status)
            if stat.S_ISDIR(status.st_mode):
                waiting.append((*at, name))


def _status(name: str, fd: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
