"""Bringing an attempt's mappings in before it starts, and its outputs away when it has ended."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from batchcompute.errors import ValidationError
from batchcompute.service.objects.base import ObjectStore, parts_of
from batchcompute.service.runtime import trees
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
            raise Trouble("MountError", f"The input {place} cannot be mapped to {path}: {error}") from error


def _missing(path: str, place: str) -> Trouble:
    return Trouble("MountError", f"The input {place}, mapped to {path}, does not exist.")


def bring_in(plan: Plan, store: ObjectStore, abort: threading.Event) -> None:
    """Make everything that is bound.

    Args:
        plan: What is bound where.
        store: Object storage.
        abort: Ends it.

    Raises:
        Trouble: An input is missing, or something cannot be written.
        Aborted: It is not wanted any more.
    """
    for path, source in (plan.parents or {}).items():
        source.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            # It stands in for a directory of the machine, as far as who may write there is concerned.
            source.chmod(os.stat(path).st_mode & 0o7777)  # noqa: PTH116
    outputs = {delivery.source for delivery in plan.deliveries}
    for bind in plan.binds:
        try:
            if bind.fill:
                _fetch(bind, store, abort)
            elif bind.source in outputs and not bind.folder:
                # A log is the object itself, so that it can be read while it grows.
                bind.source.parent.mkdir(parents=True, exist_ok=True)
                bind.source.touch()
            elif bind.write:
                bind.source.mkdir(parents=True, exist_ok=True)
            elif not bind.source.exists() or (bind.folder and not bind.source.is_dir()):
                raise _missing(bind.path, bind.source.name)
        except OSError as error:
            text = f"{bind.path} cannot be mapped: {error.strerror or error}"
            raise Trouble("MountError", text) from error
    for delivery in plan.deliveries:
        inside = any(delivery.source.is_relative_to(bind.source) for bind in plan.binds if bind.folder)
        if inside and not delivery.place.endswith("/"):
            delivery.source.parent.mkdir(parents=True, exist_ok=True)


def mount_points(plan: Plan) -> None:
    """Make places to mount on, inside of what is mounted itself."""
    for bind in plan.binds:
        for outer in plan.binds:
            if bind is not outer and bind.path.startswith(f"{outer.path}/"):
                path = outer.source / bind.path[len(outer.path) + 1 :]
                if path.exists():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                if bind.source.is_dir():
                    path.mkdir()
                else:
                    path.touch()


def _fetch(bind: Bind, store: ObjectStore, abort: threading.Event) -> None:
    if bind.source.exists():
        return
    bind.source.parent.mkdir(parents=True, exist_ok=True)
    part = bind.source.with_name(f"{bind.source.name}.part")
    trees.remove(str(part))
    try:
        local = store.local(bind.fill)
        if local is not None:
            trees.copy(local, part, abort)
        else:
            store.fetch(bind.fill, part)
    except FileNotFoundError:
        raise _missing(bind.path, bind.fill) from None
    part.replace(bind.source)


def lay_out(plan: Plan, root: Path, abort: threading.Event) -> None:
    """Put what is mapped below a directory of the attempt's own: where nothing can be mounted.

    Inputs are copied, as nothing else keeps a program from writing into object storage.
    """
    root.mkdir(parents=True, exist_ok=True)
    # The outer ones first: what lies inside takes the place of what was there.
    for bind in plan.binds:
        target = root / bind.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            trees.remove(str(target))
        if bind.write and not bind.source.is_relative_to(root.parent):
            # A mount that is to be kept is the storage itself.
            target.symlink_to(bind.source, target_is_directory=True)
        elif bind.source.exists():
            trees.copy(bind.source, target, abort)
        elif bind.folder:
            target.mkdir(parents=True)
    for path in plan.parents or {}:
        (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for delivery in plan.deliveries:
        if delivery.source.is_relative_to(root):
            delivery.source.parent.mkdir(parents=True, exist_ok=True)


def below(plan: Plan, root: Path) -> Plan:
    """Return the plan with the sources of all deliveries below a directory."""
    deliveries = tuple(
        replace(delivery, source=root / delivery.path.lstrip("/")) for delivery in plan.deliveries
    )
    return replace(plan, deliveries=deliveries)


def bring_away(plan: Plan, store: ObjectStore, logs_only: bool, abort: threading.Event) -> list[str]:
    """Deliver what the program has made.

    Args:
        plan: What is brought away.
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
            _deliver(delivery, plan, store, None if delivery.log else abort, left)
        except (OSError, ValidationError) as error:
            reason = getattr(error, "strerror", None) or error
            text = f"The output {delivery.path} cannot be written to {delivery.place}: {reason}."
            raise Trouble("OutputError", text) from error
    return left


def _deliver(
    delivery: Delivery, plan: Plan, store: ObjectStore, abort: threading.Event | None, left: list[str]
) -> None:
    source = delivery.source
    if store.local(delivery.place) == source:
        if source.is_file() and not source.stat().st_size:
            # The program wrote no log; the vendor's tools take a missing object for that.
            source.unlink()
    elif source.is_symlink():
        left.append(delivery.path)
    elif not source.exists():
        return
    elif source.is_dir() != delivery.place.endswith("/"):
        kind = "directory" if source.is_dir() else "file"
        text = f"The output {delivery.path} is a {kind}, and not what {delivery.place} names."
        raise Trouble("OutputError", text)
    elif not source.is_dir():
        shared = any(other.source in source.parents for other in plan.deliveries if other is not delivery)
        store.deliver(source, delivery.place, keep=shared)
    else:
        for path, entry in trees.entries(source, delivery.skip, abort):
            name = f"{delivery.path}/{path}"
            try:
                parts_of(f"{delivery.place}{path}")
                path.encode("utf-8")
            except (ValidationError, UnicodeError):
                left.append(name)
                continue
            if entry.is_symlink() or not entry.is_file(follow_symlinks=False):
                left.append(name)
            else:
                trees.check(abort)
                store.deliver(Path(entry.path), f"{delivery.place}{path}")
