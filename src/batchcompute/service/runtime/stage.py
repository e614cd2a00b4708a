"""Staging: an attempt's inputs are made ready before it starts, its outputs are uploaded when it has ended.

A program may have put links and pipes anywhere it can write, so every file here is reached below a root, by
descriptor, and without following links.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from batchcompute.errors import ValidationError
from batchcompute.service import trees
from batchcompute.service.confined import NotRegular, Root, is_transient
from batchcompute.service.objects.base import ObjectStore, parts_of
from batchcompute.service.objects.keys import LONGEST_KEY
from batchcompute.service.runtime.mappings import Bind, Delivery, Plan

__all__: list[str] = []

ROOT_VARIABLE = "BATCH_COMPUTE_ROOT"
"""Where mappings are found below if they cannot be at their literal paths; else it is not set."""


class Trouble(Exception):
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
        Trouble: One is not there.
    """
    for place, path in sources:
        try:
            if not store.exists(place):
                raise _missing(path, place)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            raise Trouble("MountError", f"The input {place} cannot be mapped to {path}: {error}") from error


def _missing(path: str, place: str) -> Trouble:
    return Trouble("MountError", f"The input {place}, mapped to {path}, does not exist.")


def bring_in(plan: Plan, work: Root, store: ObjectStore, abort: threading.Event) -> None:
    """Make everything that is bound.

    Args:
        plan: What is bound where.
        work: The directory that the attempt works below.
        store: Object storage.
        abort: Ends it.

    Raises:
        Trouble: An input is missing, or something cannot be written.
        OSError: The machine has no room for it at this moment.
        Aborted: Nobody wants it any more.
    """
    for path, source in (plan.parents or {}).items():
        parts = work.parts_of(source)
        work.make_folder(parts)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            # It stands in for a directory of the machine, as far as who may write there is concerned.
            work.chmod(parts, os.stat(path).st_mode & 0o7777)  # noqa: PTH116
    for bind in plan.binds:
        try:
            _make(bind, work, store, abort)
        except OSError as error:
            if is_transient(error):
                raise
            text = f"{bind.path} cannot be mapped: {error.strerror or error}"
            raise Trouble("MountError", text) from error
    for delivery in plan.deliveries:
        inside = any(delivery.source.is_relative_to(bind.source) for bind in plan.binds if bind.folder)
        if inside and not delivery.place.endswith("/") and delivery.source.is_relative_to(work.path):
            work.make_folder(work.parts_of(delivery.source)[:-1])


def _make(bind: Bind, work: Root, store: ObjectStore, abort: threading.Event) -> None:
    if bind.fill:
        _fetch(bind, work, store, abort)
    elif not bind.place:
        work.make_folder(work.parts_of(bind.source))
    elif bind.write and (bind.folder or store.stat(bind.place) is None):
        # A mount that is kept is the storage itself; a log is the object itself, so that it is seen growing.
        store.write(f"{bind.place.rstrip('/')}/" if bind.folder else bind.place, [])
    elif not store.exists(bind.place):
        raise _missing(bind.path, bind.place)


def mount_points(plan: Plan, work: Root) -> None:
    """Make places to mount on, inside of what is mounted itself."""
    for bind in plan.binds:
        for outer in plan.binds:
            if (
                bind is outer
                or not bind.path.startswith(f"{outer.path}/")
                or not outer.source.is_relative_to(work.path)
            ):
                continue
            parts = (*work.parts_of(outer.source), *bind.path[len(outer.path) + 1 :].split("/"))
            try:
                work.lstat(parts)
            except FileNotFoundError:
                if bind.source.is_dir():
                    work.make_folder(parts)
                else:
                    os.close(work.new_file(parts))


def _fetch(bind: Bind, work: Root, store: ObjectStore, abort: threading.Event) -> None:
    parts = work.parts_of(bind.source)
    with contextlib.suppress(FileNotFoundError):
        work.lstat(parts)
        return
    work.make_folder(parts[:-1])
    part = (*parts[:-1], f"{parts[-1]}.part")
    work.remove(part)
    try:
        store.fetch(bind.fill, work, part, abort)
    except (FileNotFoundError, NotRegular):
        raise _missing(bind.path, bind.fill) from None
    work.rename(part, work, parts)


def lay_out(plan: Plan, work: Root, root: Path, store: ObjectStore, abort: threading.Event) -> None:
    """Put what is mapped below a directory of the attempt's own: where nothing can be mounted.

    Inputs are copied, as nothing else keeps a program from writing into object storage.

    Args:
        plan: What is bound where.
        work: The directory that the attempt works below.
        root: That directory of its own.
        store: Object storage.
        abort: Ends it.
    """
    base = work.parts_of(root)
    work.make_folder(base)
    # The outer ones first: what lies inside takes the place of what was there.
    for bind in plan.binds:
        target = (*base, *bind.path.strip("/").split("/"))
        work.make_folder(target[:-1])
        work.remove(target)
        if bind.place and bind.write and bind.folder:
            # A mount that is to be kept is the storage itself.
            work.link(bind.source, target)
        elif bind.place:
            place = f"{bind.place.rstrip('/')}/" if bind.folder else bind.place
            store.fetch(place, work, target, abort)
        elif bind.source.exists():
            trees.copy(work, work.parts_of(bind.source), work, target, abort)
        elif bind.folder:
            work.make_folder(target)
    for path in plan.parents or {}:
        work.make_folder((*base, *(part for part in path.split("/") if part)))
    for delivery in plan.deliveries:
        if delivery.source.is_relative_to(root):
            work.make_folder(work.parts_of(delivery.source)[:-1])


def below(plan: Plan, root: Path) -> Plan:
    """Return the plan with the sources of all deliveries below a directory."""
    deliveries = tuple(
        replace(delivery, source=root / delivery.path.lstrip("/")) for delivery in plan.deliveries
    )
    return replace(plan, deliveries=deliveries)


def bring_away(
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
        Trouble: It cannot be read or written.
        Aborted: It is not wanted any more.
    """
    left: list[str] = []
    # Single files first: those inside of an output directory have a place of their own, too.
    for delivery in sorted(plan.deliveries, key=lambda each: each.place.endswith("/")):
        if logs_only and not delivery.log:
            continue
        try:
            _deliver(delivery, plan, work, store, None if delivery.log else abort, left)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            reason = getattr(error, "strerror", None) or error
            text = f"The output {delivery.path} cannot be written to {delivery.place}: {reason}."
            raise Trouble("OutputError", text) from error
    return left


def _deliver(
    delivery: Delivery,
    plan: Plan,
    work: Root,
    store: ObjectStore,
    abort: threading.Event | None,
    left: list[str],
) -> None:
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
        raise Trouble("OutputError", text)
    if not stat.S_ISDIR(mode):
        shared = any(
            other.source in delivery.source.parents for other in plan.deliveries if other is not delivery
        )
        _upload(delivery.path, parts, delivery.place, shared, work, store, left)
        return

    def skips(path: str) -> bool:
        trees.check(abort)
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
        trees.check(abort)
        with contextlib.suppress(FileNotFoundError):
            _upload(name, (*parts, *path.split("/")), place, False, work, store, left)


def _upload(
    name: str, parts: tuple[str, ...], place: str, keep: bool, work: Root, store: ObjectStore, left: list[str]
) -> None:
    try:
        store.deliver(work, parts, place, keep)
    except NotRegular:
        left.append(name)
