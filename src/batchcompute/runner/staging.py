"""Stages inputs in before a program starts, and stages outputs out when it has ended."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Generator, Iterable, Set
from pathlib import Path

from batchcompute.errors import ValidationError
from batchcompute.runner.aborting import check_abort
from batchcompute.runner.errors import CodedError
from batchcompute.runner.object_storage import ObjectStorage
from batchcompute.runner.object_urls import LONGEST_KEY, split_object_url
from batchcompute.runner.os_errors import has_no_room, is_transient
from batchcompute.runner.rooted import NotRegular, Parts, Root
from batchcompute.runner.staging_plan import (
    TMP,
    WORKDIR,
    BindMount,
    StagingPlan,
    Upload,
    ancestors,
    depth,
    names_of_path,
)

__all__: list[str] = []

# A program can create links and pipes in every directory that it can write to. This module therefore opens every file
# by descriptor, below a root, and without following links.

ROOT_VARIABLE = "BATCH_COMPUTE_ROOT"
"""Variable with the directory of the mappings. It is set only if the mappings cannot be at their own paths."""

_CHUNK = 4 * 1024**2
"""Bytes that are held in memory at once."""


class StagingError(CodedError):
    """An input cannot be staged in, or an output cannot be staged out.

    Args:
        code: ``ErrorCode`` of the result.
        message: ``ErrorMessage`` of the result; it names the path.
    """


def check_inputs(sources: Iterable[tuple[str, str]], storage: ObjectStorage) -> None:
    """Check that every input exists.

    Args:
        sources: Object URL and path of each input.
        storage: Object storage.

    Raises:
        StagingError: An input does not exist.
        OSError: The machine is short of resources at this moment.
    """
    for url, path in sources:
        try:
            if not storage.exists(url):
                raise _missing(path, url)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            raise StagingError(
                "MountError", f"The input {url} cannot be mapped to {path}: {error}"
            ) from error


def _missing(path: str, url: str) -> StagingError:
    return StagingError("MountError", f"The input {url}, mapped to {path}, does not exist.")


def stage_in(plan: StagingPlan, work: Root, storage: ObjectStorage, abort: threading.Event) -> StagingPlan:
    """Create the tree of an attempt and the sources of its mounts.

    Args:
        plan: What is mounted and copied.
        work: The directory that holds the files of attempts.
        storage: Object storage.
        abort: Aborts the staging.

    Returns:
        The plan, with copies in place of mounts that are not possible.

    Raises:
        StagingError: An input does not exist, or a file cannot be written.
        OSError: The machine is short of resources at this moment.
        Aborted: The staging was aborted.
    """
    tree = work.parts_of(plan.tree)
    work.make_folder(tree)
    copied = {copy.path: copy.object_url for copy in plan.copies}
    # The outermost first, because an inner path replaces copied files.
    for path in sorted({*copied, *plan.empty_folders, *plan.merged_folders}, key=depth):
        url = copied.get(path, "")
        with _naming(path, url):
            parts = (*tree, *names_of_path(path))
            if url:
                _fetch(url, work, parts, storage, abort)
                continue
            if path in plan.empty_folders and any(outer in copied for outer in ancestors(path)):
                # Copied files are not outputs.
                work.remove(parts)
            work.make_folder(parts)
    for upload in plan.uploads:
        if upload.source.is_relative_to(plan.tree):
            with _naming(upload.path):
                work.make_folder(work.parts_of(upload.source)[:-1])
    mounts: list[BindMount] = []
    for mount in plan.mounts:
        with _naming(mount.path, mount.object_url):
            mounts.append(_make_mount(mount, plan, work, storage, abort))
    return plan._replace(mounts=tuple(mounts))


@contextlib.contextmanager
def _naming(path: str, url: str = "") -> Generator[None]:
    """Replace an error by a `StagingError` that names the mapping."""
    try:
        yield
    except (FileNotFoundError, NotRegular) as error:
        if url:
            raise _missing(path, url) from None
        raise StagingError("MountError", f"{path} cannot be mapped: {error.strerror or error}.") from error
    except (OSError, ValidationError) as error:
        if has_no_room(error):
            raise
        reason = getattr(error, "strerror", None) or error
        subject = f"{url} cannot be mapped to {path}" if url else f"{path} cannot be mapped"
        raise StagingError("MountError", f"{subject}: {reason}.") from error


def _fetch(url: str, work: Root, parts: Parts, storage: ObjectStorage, abort: threading.Event) -> None:
    work.make_folder(parts[:-1])
    work.remove(parts)
    storage.fetch(url, work, parts, abort)


def _make_mount(
    mount: BindMount, plan: StagingPlan, work: Root, storage: ObjectStorage, abort: threading.Event
) -> BindMount:
    url = mount.object_url
    if not url:
        return mount
    if mount.writable:
        # A kept mount is a directory of the storage. A log is the object itself, so that clients can read it while it grows.
        if mount.is_folder:
            storage.write(f"{url.rstrip('/')}/", [])
            storage.make_mountable(url)
        elif storage.stat(url) is None:
            storage.write(url, [])
        return mount
    if not storage.exists(url):
        raise _missing(mount.path, url)
    if storage.make_mountable(url):
        return mount
    source = plan.at(mount.path)
    _fetch(url, work, work.parts_of(source), storage, abort)
    return mount._replace(source=source, object_url="")


def link_kept_mounts(plan: StagingPlan, work: Root) -> None:
    """Create links to kept mounts in the tree, for programs that run without mounts."""
    for mount in plan.mounts:
        parts = work.parts_of(plan.at(mount.path))
        work.make_folder(parts[:-1])
        work.link(mount.source, parts)


def make_mount_points(entries: Iterable[tuple[str, bool]], plan: StagingPlan, work: Root) -> None:
    """Create the mount points in the tree.

    Args:
        entries: Further paths that are mounted, each with a flag that is true for a directory.
        plan: What is mounted.
        work: The directory that holds the files of attempts.
    """
    for path, is_folder in (*((mount.path, mount.is_folder) for mount in plan.mounts), *entries):
        parts = work.parts_of(plan.at(path))
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            try:
                work.lstat(parts)
            except FileNotFoundError:
                if is_folder:
                    work.make_folder(parts)
                else:
                    os.close(work.new_file(parts))


def lock_tree(plan: StagingPlan, work: Root) -> None:
    """Deny other users access to the tree until it is removed. Its directories have the modes of the machine's directories."""
    tree = work.parts_of(plan.tree)
    mounts = [mount.path for mount in plan.mounts]
    copies = [copy.path for copy in plan.copies]
    paths = [*plan.empty_folders, *plan.merged_folders, *copies, *mounts, TMP, WORKDIR]
    outer = {folder for path in paths for folder in ancestors(path)}
    for folder in {"/", TMP, *plan.merged_folders, *outer}:
        with contextlib.suppress(OSError):
            work.chmod((*tree, *names_of_path(folder)), stat.S_IRWXU)


def stage_out(
    plan: StagingPlan, work: Root, storage: ObjectStorage, logs_only: bool, abort: threading.Event
) -> list[str]:
    """Upload the outputs of a program.

    Args:
        plan: What is uploaded.
        work: The directory that holds the files of attempts.
        storage: Object storage.
        logs_only: Whether only logs are uploaded, as after a stop or a time-out.
        abort: Aborts the upload of everything but logs.

    Returns:
        Paths that cannot be objects and are not uploaded: links, special files, and names that no key can have.

    Raises:
        StagingError: An output cannot be read or written.
        OSError: The machine is short of resources at this moment.
        Aborted: The upload was aborted.
    """
    skipped: list[str] = []
    folders = {upload.source for upload in plan.uploads if upload.object_url.endswith("/")}
    # Single files first: a file in an output directory is uploaded to a separate object, too.
    for upload in sorted(plan.uploads, key=lambda upload: upload.object_url.endswith("/")):
        if logs_only and not upload.is_log:
            continue
        try:
            _upload(upload, folders, work, storage, None if upload.is_log else abort, skipped)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            reason = getattr(error, "strerror", None) or error
            text = f"The output {upload.path} cannot be written to {upload.object_url}: {reason}."
            raise StagingError("OutputError", text) from error
    return skipped


def _upload(
    upload: Upload,
    folders: Set[Path],
    work: Root,
    storage: ObjectStorage,
    abort: threading.Event | None,
    skipped: list[str],
) -> None:
    if upload.source_url:
        _copy_object(upload.source_url, upload.object_url, storage)
        return
    if storage.path(upload.object_url) == upload.source:
        log = storage.stat(upload.object_url)
        if log is not None and not log.size:
            # The program wrote no log, and the vendor's tools expect that the object does not exist.
            storage.remove(upload.object_url)
        return
    parts = work.parts_of(upload.source)
    try:
        mode = work.lstat(parts).st_mode
    except FileNotFoundError:
        return
    except NotADirectoryError:
        # A link or a file has replaced one of its parent directories.
        skipped.append(upload.path)
        return
    if stat.S_ISDIR(mode) != upload.object_url.endswith("/"):
        if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            skipped.append(upload.path)
            return
        is_now, expected = ("directory", "file") if stat.S_ISDIR(mode) else ("file", "directory")
        text = f"The output {upload.path} is a {is_now}, but {upload.object_url} is the URL of a {expected}."
        raise StagingError("OutputError", text)
    if stat.S_ISDIR(mode):
        _upload_folder(upload, parts, work, storage, abort, skipped)
    else:
        is_shared = not folders.isdisjoint(upload.source.parents)
        _upload_file(upload.path, parts, upload.object_url, is_shared, work, storage, skipped)


def _upload_folder(
    upload: Upload,
    parts: tuple[str, ...],
    work: Root,
    storage: ObjectStorage,
    abort: threading.Event | None,
    skipped: list[str],
) -> None:
    def skips(path: str) -> bool:
        check_abort(abort)
        if len(path) > LONGEST_KEY:
            # No path below it can be a key, and each further level takes longer.
            skipped.append(f"{upload.path}/{path[:200]}…")
            return True
        return path in upload.skip

    for path, status in work.walk(parts, skips):
        name = f"{upload.path}/{path}"
        url = f"{upload.object_url}{path}"
        try:
            split_object_url(url)
        except ValidationError:
            skipped.append(name)
            continue
        if not stat.S_ISREG(status.st_mode):
            skipped.append(name)
            continue
        check_abort(abort)
        with contextlib.suppress(FileNotFoundError):
            _upload_file(name, (*parts, *path.split("/")), url, False, work, storage, skipped)


def _copy_object(source_url: str, object_url: str, storage: ObjectStorage) -> None:
    """Copy an output that is an object already, because the program has written it to a kept mount."""
    source = storage.open(source_url)
    if source is None:
        return
    try:
        size = source.stat.size
        starts = range(0, size, _CHUNK)
        storage.write(object_url, (source.read(at, min(at + _CHUNK, size)) for at in starts))
    finally:
        source.close()


def _upload_file(
    name: str,
    parts: tuple[str, ...],
    url: str,
    keep: bool,
    work: Root,
    storage: ObjectStorage,
    skipped: list[str],
) -> None:
    try:
        storage.deliver(work, parts, url, keep)
    except NotRegular:
        skipped.append(name)
