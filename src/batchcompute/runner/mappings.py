"""The mappings of a task between object URLs and paths, as plain data (REST API, 5.3 and 5.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from batchcompute.errors import Problem

__all__: list[str] = []

_KERNEL_FOLDERS = ("/proc", "/dev", "/sys")
"""Directories of the kernel, into which nothing is mapped."""


class Input(NamedTuple):
    """An object, or a prefix, that a program sees at a path."""

    source: str
    """Object URL, ``oss://bucket/key``; a prefix ends in a slash."""
    path: str
    """Path at which the program sees the object or the prefix."""
    write: bool = False
    """Whether the program may write to the path. Changes are lost with the attempt, unless an output maps the path."""
    mount: bool = False
    """Whether it is an entry of ``Mounts``, to which a service can be configured to keep writes."""


class Output(NamedTuple):
    """A path whose content is uploaded when the program has ended."""

    path: str
    """A file, or a directory that ends in a slash."""
    target: str
    """Object URL of the upload; it ends in a slash if the path does."""


class Mappings(NamedTuple):
    """All mappings of one task."""

    inputs: tuple[Input, ...] = ()
    """Objects and prefixes that the program reads."""
    outputs: tuple[Output, ...] = ()
    """Files and directories that are uploaded."""
    logs: tuple[Output, ...] = ()
    """Files that are uploaded below a prefix, under names that contain the number of the instance."""

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs or self.logs)


def canonical(path: str) -> str:
    """Return a path with single slashes and without ``.``. A slash at the end is kept."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    end = "/" if path.endswith("/") and parts else ""
    return f"/{'/'.join(parts)}{end}" if path.startswith("/") else path


def path_problems(maps: Mappings) -> list[Problem]:
    """Return the problems of paths of a task together with its cluster: the check of each alone cannot find them."""
    seen: dict[str, str] = {}
    paths = [entry.path for entry in maps.inputs]
    paths += [output.path for output in (*maps.outputs, *maps.logs)]
    return [problem for path in paths for problem in path_problem(path, "the mappings", seen)]


def is_of_kernel(path: str) -> bool:
    """Return whether a path is in a directory of the kernel, into which nothing is mapped."""
    return any(PurePosixPath(path).is_relative_to(folder) for folder in _KERNEL_FOLDERS)


def path_problem(path: object, where: str, seen: dict[str, str]) -> Iterator[Problem]:
    """Yield the problem of a path at which something is mapped.

    Args:
        path: The path.
        where: Name of the field in messages.
        seen: The fields of all earlier paths; the path is added.
    """
    text = str(path or "")
    pure = PurePosixPath(canonical(text))
    if re.fullmatch(r"[A-Za-z]:.*", text):
        yield Problem(where, repr(path)[:200], "must be a Linux path, without a drive letter")
    elif not pure.is_absolute() or ".." in pure.parts or "\0" in text or pure == PurePosixPath("/"):
        yield Problem(
            where, repr(path)[:200], "must be an absolute path without '..', and not the root itself"
        )
    elif is_of_kernel(str(pure)):
        yield Problem(where, repr(path)[:200], f"must not be below {', '.join(_KERNEL_FOLDERS)}")
    elif str(pure) in seen:
        yield Problem(where, repr(path)[:200], f"must be mapped only once; {seen[str(pure)]} maps it, too")
    else:
        seen[str(pure)] = where
