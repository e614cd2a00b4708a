"""Staging: an attempt's inputs are made ready before it starts, its outputs are uploaded when it has ended.

A program may have put links and pipes anywhere it can write, so every file here is reached below a root, by
descriptor, and without following links.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Generator, Iterable, Set
from dataclasses import replace
from pathlib import Path

from batchcompute.errors import ValidationError
from batchcompute.models.constraints import LONGEST_KEY
from batchcompute.runner.aborting import check_abort
from batchcompute.runner.os_errors import has_no_room, is_transient
from batchcompute.runner.plan import (
    TMP,
    WORKDIR,
    Bind,
    Delivery,
    Plan,
    ancestors,
    depth,
    names_of_path,
)
from batchcompute.runner.rooted import NotRegular, Parts, Root
from batchcompute.service.objects.base import ObjectStore, parts_of

__all__: list[str] = []

ROOT_VARIABLE = "BATCH_COMPUTE_ROOT"
"""Where mappings are found below if they cannot be at their literal paths; else it is not set."""

_PIECE = 4 * 1024**2
"""Bytes that are held in memory at once."""


class StagingError(Exception):
    """A mapping cannot be brought in, or an output away.

    Args:
        code: ``ErrorCode`` of the result.
        message: ``ErrorMessage``; it names the path.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_inputs(sources: Iterable[tuple[str, str]], store: ObjectStore) -> None:
    """Refuse to start while an input is missing.

    Args:
        sources: Place and path of each input.
        store: Object storage.

    Raises:
        StagingError: One is not there.
    """
    for place, path in sources:
        try:
            if not store.exists(place):
                raise _missing(path, place)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            raise StagingError(
                "MountError", f"The input {place} cannot be mapped to {path}: {error}"
            ) from error


def _missing(path: str, place: str) -> StagingError:
    return StagingError("MountError", f"The input {place}, mapped to {path}, does not exist.")


def stage_in(plan: Plan, work: Root, store: ObjectStore, abort: threading.Event) -> Plan:
    """Make the tree, and everything that is mounted.

    Args:
        plan: What is mounted and copied.
        work: The directory that the attempt works below.
        store: Object storage.
        abort: Ends it.

    Returns:
        The plan, with copies of what could not be mounted as it is.

    Raises:
        StagingError: An input is missing, or something cannot be written.
        OSError: The machine has no room for it at this moment.
        Aborted: Nobody wants it any more.
    """
    tree = work.parts_of(plan.tree)
    work.make_folder(tree)
    copied = {copy.path: copy.place for copy in plan.copies}
    # The outer ones first: what lies inside takes the place of what was there.
    for path in sorted({*copied, *plan.folders, *plan.parents}, key=depth):
        place = copied.get(path, "")
        with _mapping(path, place):
            parts = (*tree, *names_of_path(path))
            if place:
                _fetch(place, work, parts, store, abort)
                continue
            if path in plan.folders and any(outer in copied for outer in ancestors(path)):
                # What was copied is no output.
                work.remove(parts)
            work.make_folder(parts)
    for delivery in plan.deliveries:
        if delivery.source.is_relative_to(plan.tree):
            with _mapping(delivery.path):
                work.make_folder(work.parts_of(delivery.source)[:-1])
    binds: list[Bind] = []
    for bind in plan.binds:
        with _mapping(bind.path, bind.place):
            binds.append(_make(bind, plan, work, store, abort))
    return replace(plan, binds=tuple(binds))


@contextlib.contextmanager
def _mapping(path: str, place: str = "") -> Generator[None]:
    """Name the mapping whose files cannot be made."""
    try:
        yield
    except (FileNotFoundError, NotRegular) as error:
        if place:
            raise _missing(path, place) from None
        raise StagingError("MountError", f"{path} cannot be mapped: {error.strerror or error}.") from error
    except (OSError, ValidationError) as error:
        if has_no_room(error):
            raise
        reason = getattr(error, "strerror", None) or error
        raise StagingError(
            "MountError", f"{place or 'What is mapped'} cannot be mapped to {path}: {reason}."
        ) from error


def _fetch(place: str, work: Root, parts: Parts, store: ObjectStore, abort: threading.Event) -> None:
    work.make_folder(parts[:-1])
    work.remove(parts)
    store.fetch(place, work, parts, abort)


def _make(bind: Bind, plan: Plan, work: Root, store: ObjectStore, abort: threading.Event) -> Bind:
    if not bind.place:
        return bind
    if bind.write:
        # A mount that is kept is the storage itself; a log is the object itself, so that it is seen growing.
        if bind.folder:
            store.write(f"{bind.place.rstrip('/')}/", [])
            store.is_mountable(bind.place)
        elif store.stat(bind.place) is None:
            store.write(bind.place, [])
        return bind
    if not store.exists(bind.place):
        raise _missing(bind.path, bind.place)
    if store.is_mountable(bind.place):
        return bind
    source = plan.at(bind.path)
    _fetch(bind.place, work, work.parts_of(source), store, abort)
    return replace(bind, source=source, place="")


def link_kept(plan: Plan, work: Root) -> None:
    """Put links to mounts that are kept into the tree: where nothing can be mounted."""
    for bind in plan.binds:
        parts = work.parts_of(plan.at(bind.path))
        work.make_folder(parts[:-1])
        work.link(bind.source, parts)


def mount_points(entries: Iterable[tuple[str, bool]], plan: Plan, work: Root) -> None:
    """Make places in the tree to mount on.

    Args:
        entries: What is mounted beside the mappings, and whether it is a directory.
        plan: What is mounted.
        work: The directory that the attempt works below.
    """
    for path, folder in (*((bind.path, bind.folder) for bind in plan.binds), *entries):
        parts = work.parts_of(plan.at(path))
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            try:
                work.lstat(parts)
            except FileNotFoundError:
                if folder:
                    work.make_folder(parts)
                else:
                    os.close(work.new_file(parts))


def close(plan: Plan, work: Root) -> None:
    """Keep others out of directories that had the modes of the machine's own ones, until they are removed."""
    tree = work.parts_of(plan.tree)
    binds = [bind.path for bind in plan.binds]
    paths = [*plan.folders, *plan.parents, *(copy.path for copy in plan.copies), *binds, TMP, WORKDIR]
    around = {outer for path in paths for outer in ancestors(path)}
    for folder in {"/", TMP, *plan.parents, *around}:
        with contextlib.suppress(OSError):
            work.chmod((*tree, *names_of_path(folder)), stat.S_IRWXU)


def stage_out(
    plan: Plan, work: Root, store: ObjectStore, logs_only: bool, abort: threading.Event
) -> list[str]:
    """Upload what the program has made.

    Args:
        plan: What is uploaded.
        work: The directory that the attempt works below.
        store: Object storage.
        logs_only: Whether only logs are: after a stop or a time-out.
        abort: Ends it; not for logs.

    Returns:
        What is no object and stays behind: links, special files, and names that no object has.

    Raises:
        StagingError: It cannot be read or written.
        Aborted: It is not wanted any more.
    """
    left: list[str] = []
    folders = {each.source for each in plan.deliveries if each.place.endswith("/")}
    # Single files first: those inside of an output directory have a place of their own, too.
    for delivery in sorted(plan.deliveries, key=lambda each: each.place.endswith("/")):
        if logs_only and not delivery.log:
            continue
        try:
            _deliver(delivery, folders, work, store, None if delivery.log else abort, left)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            reason = getattr(error, "strerror", None) or error
            text = f"The output {delivery.path} cannot be written to {delivery.place}: {reason}."
            raise StagingError("OutputError", text) from error
    return left


def _deliver(
    delivery: Delivery,
    folders: Set[Path],
    work: Root,
    store: ObjectStore,
    abort: threading.Event | None,
    left: list[str],
) -> None:
    if delivery.stored:
        _copy_stored(delivery, store)
        return
    if store.path(delivery.place) == delivery.source:
        log = store.stat(delivery.place)
        if log is not None and not log.size:
            # The program wrote no log; the vendor's tools take a missing object for that.
            store.remove(delivery.place)
        return
    parts = work.parts_of(delivery.source)
    try:
        mode = work.lstat(parts).st_mode
    except FileNotFoundError:
        return
    except NotADirectoryError:
        # A link, or a file, stands where a directory was.
        left.append(delivery.path)
        return
    if stat.S_ISDIR(mode) != delivery.place.endswith("/"):
        if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            left.append(delivery.path)
            return
        kind = "directory" if stat.S_ISDIR(mode) else "file"
        text = f"The output {delivery.path} is a {kind}, and not what {delivery.place} names."
        raise StagingError("OutputError", text)
    if not stat.S_ISDIR(mode):
        shared = not folders.isdisjoint(delivery.source.parents)
        _upload(delivery.path, parts, delivery.place, shared, work, store, left)
        return

    def skips(path: str) -> bool:
        check_abort(abort)
        if len(path) > LONGEST_KEY:
            # Nothing below it could be an object. To walk on down would take longer with each level.
            left.append(f"{delivery.path}/{path[:200]}…")
            return True
        return path in delivery.skip

    for path, found in work.walk(parts, skips):
        name = f"{delivery.path}/{path}"
        place = f"{delivery.place}{path}"
        try:
            parts_of(place)
        except ValidationError:
            left.append(name)
            continue
        if not stat.S_ISREG(found.st_mode):
            left.append(name)
            continue
        check_abort(abort)
        with contextlib.suppress(FileNotFoundError):
            _upload(name, (*parts, *path.split("/")), place, False, work, store, left)


def _copy_stored(delivery: Delivery, store: ObjectStore) -> None:
    """Copy an output that the program has made in a mount that is kept: in object storage itself."""
    reader = store.open(delivery.stored)
    if reader is None:
        return
    try:
        starts = range(0, reader.stat.size, _PIECE)
        store.write(delivery.place, (reader.read(at, min(at + _PIECE, reader.stat.size)) for at in starts))
    finally:
        reader.close()


def _upload(
    name: str, parts: tuple[str, ...], place: str, keep: bool, work: Root, store: ObjectStore, left: list[str]
) -> None:
    try:
        store.deliver(work, parts, place, keep)
    except NotRegular:
        left.append(name)
