"""The staging plan of an attempt: what is mounted and copied before it starts, and uploaded when it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__: list[str] = []

WORKDIR = "/batchcompute/workdir"
"""Working directory of a program, as the program sees it (REST API, 5.1)."""

TMP = "/tmp"  # noqa: S108 - the program's own
"""Directory for temporary files, as the program sees it."""


class BindMount(NamedTuple):
    """A file or directory of this machine that is mounted for the program."""

    source: Path
    """The file or directory."""
    path: str
    """Path of the mount, as the program sees it."""
    writable: bool
    """Whether the program may write to it."""
    is_folder: bool = True
    """Whether it is a directory."""
    object_url: str = ""
    """The object, or prefix, whose own files are mounted; empty for files of the attempt."""


class InputCopy(NamedTuple):
    """An object, or everything below a prefix, that is copied into the tree."""

    object_url: str
    """The object, or the prefix."""
    path: str
    """Path of the copy, as the program sees it."""


class Upload(NamedTuple):
    """A file or directory that is uploaded when the program has ended."""

    source: Path
    """A file; a directory if the URL ends in a slash."""
    object_url: str
    """The object, or prefix, that it is uploaded to."""
    path: str
    """Path of the source, as the program sees it."""
    is_log: bool = False
    """Whether it is uploaded even after a stop or a time-out."""
    skip: frozenset[str] = frozenset()
    """Paths relative to the source that are excluded, because they have mappings of their own."""
    source_url: str = ""
    """Object URL of the source, if it is in a kept mount; otherwise empty."""


class StagingPlan(NamedTuple):
    """The copies, mounts and uploads of an attempt.

    Each attempt has one directory, its tree, which is laid out like the root of the file system that the program sees.
    Everything that the program may write to is in the tree: outputs, the directories of single output files, writable
    inputs, and the working directory. Hard links and renames between them therefore work as on a separate machine.
    Only read-only files and files of object storage are mounts.

    All paths are as the program sees them.
    """

    tree: Path = Path()
    """The directory that holds everything below, each under its path."""
    copies: tuple[InputCopy, ...] = ()
    """Copies in the tree, the outermost first."""
    empty_folders: tuple[str, ...] = ()
    """Directories of the tree that are empty at first."""
    merged_folders: tuple[str, ...] = ()
    """Directories of the tree for single files. Each also shows the content of the machine's directory."""
    hidden: frozenset[str] = frozenset()
    """Files of the machine that are hidden from the program, because it creates a file of the same name."""
    mounts: tuple[BindMount, ...] = ()
    """Mounts, the outermost first."""
    uploads: tuple[Upload, ...] = ()
    """Uploads."""

    def with_log(self, source: Path, object_url: str, name: str) -> StagingPlan:
        """Return the plan with one more log."""
        return self._replace(uploads=(*self.uploads, Upload(source, object_url, name, is_log=True)))

    def with_mount(self, mount: BindMount) -> StagingPlan:
        """Return the plan with one more mount."""
        return self._replace(mounts=(*self.mounts, mount))

    def at(self, path: str) -> Path:
        """Return where a path of the tree is on this machine."""
        return self.tree / path.lstrip("/")

    @property
    def has_outputs(self) -> bool:
        """Whether files are uploaded that are not logs."""
        return any(not upload.is_log for upload in self.uploads)


def depth(path: str) -> int:
    """Return the number of directories that contain a path; 0 for the root."""
    return path.rstrip("/").count("/")


def names_of_path(path: str) -> list[str]:
    """Return the names that lead from the root to a path."""
    return [name for name in path.split("/") if name]


def ancestors(path: str) -> Iterator[str]:
    """Yield the directories that contain a path, the nearest one first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path
