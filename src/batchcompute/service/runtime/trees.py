"""Walking, copying and removing what programs leave: any depth, any names, any modes."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.runtime")


class Aborted(Exception):
    """What is done is not wanted any more."""


def check(abort: threading.Event | None) -> None:
    """Stop here if what is done is not wanted any more.

    Raises:
        Aborted: It is not.
    """
    if abort is not None and abort.is_set():
        raise Aborted


def entries(
    folder: Path, skip: Collection[str] = (), abort: threading.Event | None = None
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield everything below a directory that is no directory, with its path relative to it.

    Args:
        folder: The directory.
        skip: Relative paths that are left out, with what is below them.
        abort: Ends it.

    Raises:
        OSError: A directory cannot be read.
    """
    waiting = [""]
    while waiting:
        at = waiting.pop()
        check(abort)
        for entry in _scan(os.path.join(folder, at)):  # noqa: PTH118
            path = f"{at}/{entry.name}" if at else entry.name
            if path in skip:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            else:
                yield path, entry


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except PermissionError:
        # A program may have locked its own directory; it is this user's, too.
        os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101
        with os.scandir(folder) as found:
            return list(found)


def copy(source: Path, target: Path, abort: threading.Event | None = None) -> None:
    """Copy a file, or a directory with its files, folders and links; links are copied as links.

    Raises:
        OSError: It cannot be read or written.
        Aborted: It is not wanted any more.
    """
    if not source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        return
    waiting = [""]
    while waiting:
        at = waiting.pop()
        here = target / at
        here.mkdir(parents=True, exist_ok=True)
        for entry in _scan(os.path.join(source, at)):  # noqa: PTH118
            check(abort)
            path = f"{at}/{entry.name}" if at else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            elif entry.is_symlink():
                os.symlink(os.readlink(entry.path), target / path)  # noqa: PTH115, PTH211
            else:
                shutil.copy2(entry.path, target / path)


def remove(path: str) -> None:
    """Remove a file, or a directory with all that is in it; what is not there is no error."""
    try:
        os.unlink(path)  # noqa: PTH108
        return
    except FileNotFoundError:
        return
    except OSError:
        pass
    try:
        folders = [path]
        for folder in folders:
            for entry in _scan(folder):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    os.unlink(entry.path)  # noqa: PTH108
        for folder in reversed(folders):
            os.rmdir(folder)  # noqa: PTH106
    except FileNotFoundError:
        return
    except OSError:
        # Locked, or a longer path than the system takes: its own tools go anywhere.
        with contextlib.suppress(OSError):
            subprocess.run(["chmod", "-R", "u+rwx", path], check=False, capture_output=True)  # noqa: S607
            subprocess.run(["rm", "-rf", "--", path], check=False, capture_output=True)  # noqa: S607
    if os.path.lexists(path):
        _log.warning("%s cannot be removed", path)
