"""Bringing an attempt's mappings in before it starts, and its outputs away when it has ended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from batchcompute.errors import ValidationError
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.objects.directory import files_below
from batchcompute.service.runtime.mappings import Delivery, Plan

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


def bring_in(plan: Plan, store: ObjectStore) -> None:
    """Make everything that is bound.

    Args:
        plan: What is bound where.
        store: Object storage.

    Raises:
        Trouble: An input is missing, or something cannot be written.
    """
    for source in (plan.parents or {}).values():
        source.mkdir(parents=True, exist_ok=True)
    outputs = {delivery.source for delivery in plan.deliveries}
    for bind in plan.binds:
        try:
            if bind.fill:
                _fetch(bind.fill, bind.path, bind.source, store)
            elif bind.source in outputs and not bind.folder:
                # A log is the object itself, so that it can be read while it grows.
                bind.source.parent.mkdir(parents=True, exist_ok=True)
                bind.source.touch()
            elif bind.source in outputs or bind.write:
                bind.source.mkdir(parents=True, exist_ok=True)
            elif not bind.source.exists() or (bind.folder and not bind.source.is_dir()):
                raise _missing(bind.path, bind.source.name)
        except OSError as error:
            text = f"{bind.path} cannot be mapped: {error.strerror or error}"
            raise Trouble("MountError", text) from error
    # A place to mount on, inside of what is mounted read-only.
    for bind in plan.binds:
        for outer in plan.binds:
            if bind is not outer and bind.path.startswith(f"{outer.path}/") and outer.source not in outputs:
                _mount_point(outer.source / bind.path[len(outer.path) + 1 :], bind.source.is_dir())


def check_inputs(sources: Iterator[tuple[str, str]], store: ObjectStore) -> None:
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


def _fetch(place: str, path: str, target: Path, store: ObjectStore) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    if part.is_dir():
        shutil.rmtree(part)
    try:
        store.fetch(place, part)
    except FileNotFoundError:
        raise _missing(path, place) from None
    part.replace(target)


def _mount_point(path: Path, folder: bool) -> None:
    if path.exists():
        return
    if folder:
        path.mkdir(parents=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def lay_out(plan: Plan, root: Path) -> Plan:
    """Put what is mapped below a directory of the attempt's own: where nothing can be mounted.

    Inputs are copied, as nothing else keeps a program from writing into object storage.

    Returns:
        The plan with the sources of all deliveries where the program writes them now.
    """
    root.mkdir(parents=True, exist_ok=True)
    outputs = {delivery.source for delivery in plan.deliveries}
    for bind in plan.binds:
        target = root / bind.path.lstrip("/")
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if bind.write and not bind.source.is_relative_to(root.parent):
            # A mount that is to be kept is the storage itself.
            target.symlink_to(bind.source, target_is_directory=True)
        elif bind.source in outputs or not bind.source.exists():
            target.mkdir(parents=True) if bind.folder else None
        elif bind.source.is_dir():
            shutil.copytree(bind.source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(bind.source, target)
    for path in plan.parents or {}:
        (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return below(plan, root)


def below(plan: Plan, root: Path) -> Plan:
    """Return the plan with the sources of all deliveries below a directory."""
    deliveries = tuple(
        Delivery(root / delivery.path.lstrip("/"), delivery.place, delivery.path, delivery.log)
        for delivery in plan.deliveries
    )
    return Plan(plan.binds, plan.parents, deliveries)


def bring_away(plan: Plan, store: ObjectStore, logs_only: bool) -> None:
    """Deliver what the program has made.

    Args:
        plan: What is brought away.
        store: Object storage.
        logs_only: Whether only logs are: after a stop or a time-out.

    Raises:
        Trouble: It cannot be written.
    """
    for delivery in plan.deliveries:
        if logs_only and not delivery.log:
            continue
        try:
            source = delivery.source
            if store.local(delivery.place) == source:
                if source.is_file() and not source.stat().st_size:
                    # The program wrote no log; the vendor's tools take a missing object for that.
                    source.unlink()
            elif source.is_symlink() or not source.exists():
                continue
            elif source.is_dir() == delivery.place.endswith("/"):
                store.deliver(source, delivery.place)
            else:
                kind = "directory" if source.is_dir() else "file"
                raise Trouble(
                    "OutputError",
                    f"The output {delivery.path} is a {kind}, and not what {delivery.place} names.",
                )
        except (OSError, ValidationError) as error:
            reason = getattr(error, "strerror", None) or error
            text = f"The output {delivery.path} cannot be written to {delivery.place}: {reason}."
            raise Trouble("OutputError", text) from error


def left_out(plan: Plan) -> list[str]:
    """Return the links and special files below the outputs, which are no objects and stay behind."""
    found: list[str] = []
    for delivery in plan.deliveries:
        if delivery.source.is_dir():
            plain = set(files_below(delivery.source))
            for parent, folders, names in os.walk(delivery.source):
                for name in (*names, *(folder for folder in folders if Path(parent, folder).is_symlink())):
                    path = Path(parent, name)
                    if path not in plain:
                        found.append(f"{delivery.path}/{path.relative_to(delivery.source).as_posix()}")
        elif delivery.source.is_symlink():
            found.append(delivery.path)
    return found
