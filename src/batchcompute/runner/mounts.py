"""The staging plan of an attempt, made from the mappings of its task: what to mount, copy and upload."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from batchcompute.errors import Problem, ValidationError
from batchcompute.runner.mappings import Input, Mappings, Output, is_of_kernel, path_problems
from batchcompute.runner.spec import Isolation
from batchcompute.runner.staging_plan import BindMount, InputCopy, StagingPlan, Upload, ancestors, depth

__all__: list[str] = []


class LocalFiles(Protocol):
    """Object storage, some of whose objects are files of this machine."""

    def local(self, object_url: str, /) -> Path | None:
        """Return the file or directory of an object URL; None if it is not on this machine."""
        ...


@dataclass(frozen=True, slots=True)
class MountOptions:
    """Options for the mappings of an attempt."""

    isolation: Isolation
    """The view that the program has of its mappings."""
    log_suffix: str
    """Suffix of the names of logs."""
    keep_mounts: bool = False
    """Whether a writable mount is the object storage itself, so that what is written there is kept."""
    bind_logs: bool = False
    """Whether a log may be the object itself while the program runs, so that others see it grow."""
    copy_all: bool = False
    """Whether every input is a copy, because the program may not read the files of the object storage."""
    resolve: Callable[[str], str] = str
    """Returns the path of a directory without links, as the program sees it."""


def plan_mounts(mappings: Mappings, tree: Path, storage: LocalFiles, options: MountOptions) -> StagingPlan:
    """Return what is mounted, copied and uploaded. No file is touched.

    Args:
        mappings: The mappings of the task.
        tree: The tree of the attempt.
        storage: Object storage.
        options: How the mappings are made.

    Raises:
        ValidationError: Two mappings have the same path, or nothing may be mapped at a path. The checks of the job and
            of its cluster, each on its own, could not find this.
    """
    problems = path_problems(mappings)
    if problems:
        raise ValidationError(problems)
    return _MountPlanner(mappings, tree, storage, options).plan()


class _MountPlanner:
    def __init__(self, mappings: Mappings, tree: Path, storage: LocalFiles, options: MountOptions) -> None:
        self._mappings = mappings
        self._storage = storage
        self._options = options
        self._resolved = _resolved(
            [item.path for group in (mappings.inputs, mappings.outputs, mappings.logs) for item in group],
            options.resolve,
        )
        # Directories in which something is mapped.
        self._outer = {outer for path in self._resolved.values() for outer in ancestors(path)}
        self._plan = StagingPlan(tree)
        self._copies: dict[str, InputCopy] = {}
        self._output_folders: dict[str, None] = {}
        self._merged_folders: dict[str, None] = {}
        self._mounts: list[BindMount] = []
        self._kept: dict[str, BindMount] = {}
        self._uploads: list[Upload] = []

    def plan(self) -> StagingPlan:
        for entry in self._mappings.inputs:
            self._add_input(entry, self._resolved[entry.path])
        folders = [output for output in self._mappings.outputs if output.path.endswith("/")]
        files = [output for output in self._mappings.outputs if not output.path.endswith("/")]
        # All folders first: each one skips those inside of it.
        self._output_folders = dict.fromkeys(self._resolved[output.path] for output in folders)
        for output in folders:
            self._add_output_folder(output)
        for output in files:
            self._add_output_file(self._resolved[output.path], output)
        for log in self._mappings.logs:
            self._add_log(log)
        for path in (*self._output_folders, *self._copies):
            self._mount_in_kept(path)
        return self._plan._replace(
            copies=tuple(self._copies[path] for path in sorted(self._copies, key=depth)),
            empty_folders=tuple(sorted(self._output_folders, key=depth)),
            merged_folders=tuple(sorted(self._merged_folders, key=depth)),
            hidden=frozenset(self._resolved[output.path] for output in files),
            mounts=tuple(sorted(self._mounts, key=lambda mount: depth(mount.path))),
            uploads=tuple(self._uploads),
        )

    def _add_input(self, entry: Input, path: str) -> None:
        options = self._options
        local = self._storage.local(entry.source)
        is_folder = entry.source.endswith("/")
        if local is not None and entry.mount and entry.write and is_folder and options.keep_mounts:
            self._kept[path] = BindMount(local, path, True, object_url=entry.source)
            self._mounts.append(self._kept[path])
            return
        # A read-only mount has no place for what is mapped inside of it.
        writable = entry.write or path in self._outer or options.isolation == "prefix"
        if local is not None and not writable and not options.copy_all:
            self._mounts.append(BindMount(local, path, False, is_folder, entry.source))
            return
        self._copies[path] = InputCopy(entry.source, path)
        if not writable:
            self._mounts.append(BindMount(self._plan.at(path), path, False, is_folder))

    def _add_output_folder(self, output: Output) -> None:
        path = self._resolved[output.path]
        # Inputs and other output directories inside of it.
        inner = [self._resolved[entry.path] for entry in self._mappings.inputs] if path in self._outer else []
        inner += self._output_folders if path in self._outer else ()
        skip = frozenset(other[len(path) + 1 :] for other in inner if other.startswith(f"{path}/"))
        shown = str(PurePosixPath(output.path))
        self._uploads.append(Upload(self._plan.at(path), output.target, shown, skip=skip))

    def _add_output_file(self, path: str, output: Output, is_log: bool = False) -> None:
        outer = self._nearest_made(path)
        if outer in self._kept:
            inner = path[len(outer) + 1 :]
            kept = self._kept[outer]
            url = f"{kept.object_url}{inner}"
            self._uploads.append(
                Upload(kept.source / inner, output.target, output.path, is_log, source_url=url)
            )
            return
        if not outer:
            self._merged_folders[path.rpartition("/")[0] or "/"] = None
        self._uploads.append(Upload(self._plan.at(path), output.target, output.path, is_log))

    def _add_log(self, log: Output) -> None:
        path = self._resolved[log.path]
        url = f"{log.target}{PurePosixPath(log.path).name}.{self._options.log_suffix}"
        local = self._storage.local(url)
        is_alone = (
            not self._nearest_made(path) and (path.rpartition("/")[0] or "/") not in self._merged_folders
        )
        if self._options.bind_logs and local is not None and is_alone:
            self._mounts.append(BindMount(local, path, True, False, url))
            self._uploads.append(Upload(local, url, log.path, is_log=True))
        else:
            self._add_output_file(path, log._replace(target=url), is_log=True)

    def _nearest_made(self, path: str) -> str:
        """Return the nearest directory around a path that is in the tree or in a kept mount; empty for none."""
        return next((outer for outer in ancestors(path) if outer in self._kept or self._is_made(outer)), "")

    def _is_made(self, path: str) -> bool:
        """Return whether a directory is one of the tree."""
        return path in self._output_folders or path in self._copies

    def _mount_in_kept(self, path: str) -> None:
        """Mount a path of the tree that lies in a kept mount into that mount."""
        if self._nearest_made(path) not in self._kept:
            return
        if self._options.isolation == "prefix":
            allowed = (
                "must not be inside of a mount that is kept: without bubblewrap, nothing can be mounted there"
            )
            raise ValidationError([Problem("the mappings", path, allowed)])
        is_folder = path in self._output_folders or self._copies[path].object_url.endswith("/")
        self._mounts.append(BindMount(self._plan.at(path), path, True, is_folder))


def _resolved(paths: Iterable[str], resolve: Callable[[str], str]) -> dict[str, str]:
    """Return the path without links of each path; paths have single slashes.

    Of a path that is itself a link of the machine, the link is hidden, and not its target. A path inside of another
    mapped path is found there.

    Raises:
        ValidationError: Two paths are the same without links, or one is in a directory of the kernel.
    """
    resolved: dict[str, str] = {}
    taken: set[str] = set()
    bare = {path.rstrip("/"): path for path in paths}
    for path in sorted(bare, key=depth):
        outer = next((outer for outer in ancestors(path) if outer in resolved), "")
        folder, _, name = path.rpartition("/")
        result = (
            resolved[outer] + path[len(outer) :] if outer else f"{resolve(folder or '/').rstrip('/')}/{name}"
        )
        if result in taken or is_of_kernel(result):
            allowed = f"must be a path of its own: without links, it is {result} on this machine"
            raise ValidationError([Problem("the mappings", path, allowed)])
        taken.add(result)
        resolved[path] = result
    return {path: resolved[without] for without, path in bare.items()}
