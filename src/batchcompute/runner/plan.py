"""From mappings to files of this machine: what is mounted, what is copied, and what is uploaded at the end.

Each attempt has one directory, its tree, which is laid out like the root of the file system that the program sees. All
that the program may write to lies in it: outputs, the directories of single outputs, inputs that can be written to,
and the working directory. So a hard link or a rename from one of them to another one works as on a machine of its own.
Only what must not be written to, or belongs to object storage itself, is a mount of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from batchcompute.errors import Problem, ValidationError
from batchcompute.runner.spec import Isolation
from batchcompute.service.domain.mappings import Input, Mappings, Output, is_of_kernel, path_problems

__all__: list[str] = []

WORKDIR = "/batchcompute/workdir"
"""Where a program runs (REST API, 5.1), seen from the root of its tree."""

TMP = "/tmp"  # noqa: S108 - the program's own
"""Where programs put what they need for a while."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory of this machine that is mounted on its own."""

    source: Path
    """What it is."""
    path: str
    """Where it is seen."""
    write: bool
    """Whether it may be written."""
    folder: bool = True
    """Whether it is a directory where it has to be made."""
    place: str = ""
    """The place in object storage that it is; empty if it is a file of the attempt."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A place in object storage of which the tree gets a copy."""

    place: str
    """The place."""
    path: str
    """Where it is seen."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that goes to object storage when the program has ended."""

    source: Path
    """A file, or a directory if the place ends in a slash."""
    place: str
    """Where it goes."""
    path: str
    """What the program calls it."""
    log: bool = False
    """Whether it goes there however the program ended."""
    skip: frozenset[str] = frozenset()
    """Relative paths below a directory at which something else is mapped."""
    stored: str = ""
    """The place in object storage that the source itself is, in a mount that is kept; empty for none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an attempt needs, and what it leaves; paths are those that the program sees."""

    tree: Path = Path()
    """The directory that everything below is in, under its path."""
    copies: tuple[Copy, ...] = ()
    """What is copied into the tree, the outer ones first."""
    folders: tuple[str, ...] = ()
    """Directories of the tree that are empty at first."""
    parents: tuple[str, ...] = ()
    """Directories of the tree in which single files are made: each holds what the machine's own directory holds, too."""
    hidden: frozenset[str] = frozenset()
    """Files of the machine that the program does not see, because it makes one of that name."""
    binds: tuple[Bind, ...] = ()
    """What is mounted on its own, the outer ones first."""
    deliveries: tuple[Delivery, ...] = ()
    """What is uploaded."""

    def with_log(self, source: Path, place: str, name: str) -> Plan:
        """Return the plan with one more log."""
        return replace(self, deliveries=(*self.deliveries, Delivery(source, place, name, True)))

    def with_bind(self, bind: Bind) -> Plan:
        """Return the plan with one more mount."""
        return replace(self, binds=(*self.binds, bind))

    def at(self, path: str) -> Path:
        """Return where something of the tree is on this machine."""
        return self.tree / path.lstrip("/")

    @property
    def has_outputs(self) -> bool:
        """Whether anything is uploaded that the program has made as a file."""
        return any(not delivery.log for delivery in self.deliveries)


class LocalPlaces(Protocol):
    """Knows where places of object storage are on this machine."""

    def local(self, place: str) -> Path | None:
        """Return the file or directory of a place; None if it is not on this machine."""
        ...


@dataclass(frozen=True, slots=True)
class Choices:
    """How an attempt gets its mappings."""

    isolation: Isolation
    """How they get to their paths."""
    log_name: str
    """What is put behind the name of a log."""
    keep_mounts: bool = False
    """Whether writable mounts are the storage itself."""
    bind_logs: bool = False
    """Whether a log can be the object itself from the start, so that it is seen growing."""
    copy_all: bool = False
    """Whether every input is a copy, because the program may not read the storage itself."""
    real: Callable[[str], str] = str
    """Returns where a directory really is for the program: links of the machine lead elsewhere."""


def plan_of(maps: Mappings, tree: Path, store: LocalPlaces, choices: Choices) -> Plan:
    """Decide what is mounted, copied and uploaded; nothing is made yet.

    Args:
        maps: What the task wants.
        tree: The tree of the attempt.
        store: Tells where places are.
        choices: How it gets them.

    Raises:
        ValidationError: Two of them have one path, a task's own and its cluster's, or one must not be mapped.
    """
    problems = path_problems(maps)
    if problems:
        raise ValidationError(problems)
    return _Planning(maps, tree, store, choices).plan()


class _Planning:
    def __init__(self, maps: Mappings, tree: Path, store: LocalPlaces, choices: Choices) -> None:
        self._maps = maps
        self._store = store
        self._choices = choices
        self._real = _resolved(
            [item.path for group in (maps.inputs, maps.outputs, maps.logs) for item in group], choices.real
        )
        # Directories in which something is mapped.
        self._outer = {outer for path in self._real.values() for outer in ancestors(path)}
        self._plan = Plan(tree)
        self._copies: dict[str, Copy] = {}
        self._folders: dict[str, str] = {}
        self._parents: dict[str, None] = {}
        self._binds: list[Bind] = []
        self._kept: dict[str, Bind] = {}
        self._deliveries: list[Delivery] = []

    def plan(self) -> Plan:
        for given in self._maps.inputs:
            self._input(given, self._real[given.path])
        outputs = [output for output in self._maps.outputs if not output.path.endswith("/")]
        for output in self._maps.outputs:
            if output.path.endswith("/"):
                self._folders[self._real[output.path]] = output.target
        for output in self._maps.outputs:
            if output.path.endswith("/"):
                self._folder(output)
        for output in outputs:
            self._single(self._real[output.path], output)
        for log in self._maps.logs:
            self._log(log)
        for path in (*self._folders, *self._copies):
            self._mount_in_kept(path)
        return replace(
            self._plan,
            copies=tuple(self._copies[path] for path in sorted(self._copies, key=depth)),
            folders=tuple(sorted(self._folders, key=depth)),
            parents=tuple(sorted(self._parents, key=depth)),
            hidden=frozenset(self._real[output.path] for output in outputs),
            binds=tuple(sorted(self._binds, key=lambda bind: depth(bind.path))),
            deliveries=tuple(self._deliveries),
        )

    def _input(self, given: Input, path: str) -> None:
        choices = self._choices
        local = self._store.local(given.source)
        folder = given.source.endswith("/")
        if local is not None and given.mount and given.write and folder and choices.keep_mounts:
            self._kept[path] = Bind(local, path, True, place=given.source)
            self._binds.append(self._kept[path])
            return
        # What lies inside needs a place to lie in, which nothing read-only gives.
        writable = given.write or path in self._outer or choices.isolation == "prefix"
        if local is not None and not writable and not choices.copy_all:
            self._binds.append(Bind(local, path, False, folder, given.source))
            return
        self._copies[path] = Copy(given.source, path)
        if not writable:
            self._binds.append(Bind(self._plan.at(path), path, False, folder))

    def _folder(self, output: Output) -> None:
        path = self._real[output.path]
        # Inputs and other output directories.
        inner = [self._real[given.path] for given in self._maps.inputs] if path in self._outer else []
        inner += self._folders if path in self._outer else ()
        skip = frozenset(other[len(path) + 1 :] for other in inner if other.startswith(f"{path}/"))
        shown = str(PurePosixPath(output.path))
        self._deliveries.append(Delivery(self._plan.at(path), output.target, shown, skip=skip))

    def _single(self, path: str, output: Output, log: bool = False) -> None:
        """Have a single file uploaded, which the program makes."""
        around = next((outer for outer in ancestors(path) if outer in self._kept or self._is_made(outer)), "")
        if around in self._kept:
            inner = path[len(around) + 1 :]
            kept = self._kept[around]
            stored = f"{kept.place}{inner}"
            self._deliveries.append(
                Delivery(kept.source / inner, output.target, output.path, log, stored=stored)
            )
            return
        if not around:
            self._parents[path.rpartition("/")[0] or "/"] = None
        self._deliveries.append(Delivery(self._plan.at(path), output.target, output.path, log))

    def _log(self, log: Output) -> None:
        path = self._real[log.path]
        place = f"{log.target}{PurePosixPath(log.path).name}.{self._choices.log_name}"
        local = self._store.local(place)
        alone = not any(outer in self._kept or self._is_made(outer) for outer in ancestors(path))
        alone = alone and (path.rpartition("/")[0] or "/") not in self._parents
        if self._choices.bind_logs and local is not None and alone:
            self._binds.append(Bind(local, path, True, False, place))
            self._deliveries.append(Delivery(local, place, log.path, True))
        else:
            self._single(path, replace(log, target=place), log=True)

    def _is_made(self, path: str) -> bool:
        """Return whether a directory is one of the tree."""
        return path in self._folders or path in self._copies

    def _mount_in_kept(self, path: str) -> None:
        """Have something of the tree that lies in a mount that is kept mounted in that one."""
        around = next((outer for outer in ancestors(path) if outer in self._kept or self._is_made(outer)), "")
        if around not in self._kept:
            return
        if self._choices.isolation == "prefix":
            allowed = (
                "must not be inside of a mount that is kept: without bubblewrap, nothing can be mounted there"
            )
            raise ValidationError([Problem("the mappings", path, allowed)])
        folder = path in self._folders or self._copies[path].place.endswith("/")
        self._binds.append(Bind(self._plan.at(path), path, True, folder))


def depth(path: str) -> int:
    """Return how many directories lead to a path; 0 for the root."""
    return path.rstrip("/").count("/")


def names_of_path(path: str) -> list[str]:
    """Return the names that lead from the root to a path."""
    return [name for name in path.split("/") if name]


def ancestors(path: str) -> Iterator[str]:
    """Yield the directories that a path lies in, the nearest one first, without the root itself."""
    while path := path.rpartition("/")[0]:
        yield path


def _resolved(paths: Iterable[str], real: Callable[[str], str]) -> dict[str, str]:
    """Return where the program really finds each of some paths, which have single slashes.

    Of a path that is itself a link of the machine, the link is hidden, and not what it leads to. What is mapped inside
    of something that is mapped is found there.

    Raises:
        ValidationError: Two of them are in one place, or one is in a directory of the kernel.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    bare = {path.rstrip("/"): path for path in paths}
    for path in sorted(bare, key=depth):
        outer = next((outer for outer in ancestors(path) if outer in found), "")
        folder, _, name = path.rpartition("/")
        result = found[outer] + path[len(outer) :] if outer else f"{real(folder or '/').rstrip('/')}/{name}"
        if result in taken or is_of_kernel(result):
            allowed = f"must be a place of its own: on this machine it is {result}"
            raise ValidationError([Problem("the mappings", path, allowed)])
        taken.add(result)
        found[path] = result
    return {path: found[without] for without, path in bare.items()}
