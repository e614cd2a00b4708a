"""The data directory: where it is, whose it is, and that nobody else can look into it."""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import stat
import sys
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from batchcompute.errors import ConfigError, LocalServiceError
from batchcompute.runner.descriptors import kind_of
from batchcompute.runner.rooted import Root
from batchcompute.service.locking import give, take

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service")

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_LEFTOVER = re.compile(r"[.].{1,100}[.][0-9a-f]{12}[.]part")
"""What earlier versions leave where they are killed while they write an object."""


def default_directory() -> Path:
    """Return the per-user directory, or the one that ``BATCHCOMPUTE_DATA_DIR`` names."""
    named = os.environ.get("BATCHCOMPUTE_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "batchcompute"


_OURS = frozenset(
    ["batchcompute.db", "credentials.json", "credentials.json.lock", "identity", "kept", "lock", "oss", "server.json",
     "uploads", "work"]
)  # fmt: skip
"""What there is in a data directory."""

_EARLY = frozenset({"credentials.json", "credentials.json.lock", "lock", "oss"})
"""What may be there before the first start: keys, and objects that were laid out by hand."""


def check_ours(directory: Path) -> None:
    """Refuse a directory that holds something else: it would be cleared up as if it were the service's own.

    Raises:
        ConfigError: It does.
    """
    if not directory.is_dir() or (directory / "batchcompute.db").exists():
        return
    foreign = sorted(path.name for path in directory.iterdir() if path.name not in _EARLY)
    if foreign:
        raise ConfigError(
            f"{directory} is no data directory: it holds {', '.join(foreign[:5])}; name an empty one, or a new one"
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    # mkstemp makes it readable by its owner only, from its first moment on.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def identity_of(directory: Path, make: bool = False) -> str:
    """Return the secret by which a server proves that a data directory is its own; empty for none.

    Args:
        directory: The data directory.
        make: Whether to make one where there is none.
    """
    path = directory / "identity"
    with suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    if not make:
        return ""
    secret = secrets.token_hex(32)
    write_private(path, f"{secret}\n")
    return secret


def tighten(directory: Path, whole: bool) -> None:
    """Take from others what rights they have to a data directory, and say so.

    Args:
        directory: The data directory.
        whole: Whether every object is looked at; else only the files of the service itself.
    """
    root = Root(directory)
    try:
        changed = 0
        if root.lstat(()).st_mode & _OTHERS:
            directory.chmod(stat.S_IRWXU)
            changed += 1
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            at = waiting.pop()
            for name in root.names(at):
                parts = (*at, name)
                with suppress(FileNotFoundError):
                    mode = root.lstat(parts).st_mode
                    if stat.S_ISREG(mode) and whole and len(parts) > 2 and _LEFTOVER.fullmatch(name):
                        root.unlink(parts)
                        continue
                    if parts[0].removesuffix("-wal").removesuffix("-shm") not in _OURS:
                        continue
                    if not stat.S_ISLNK(mode) and mode & _OTHERS and parts[0] not in ("work", "kept"):
                        root.chmod(parts, mode & stat.S_IRWXU)
                        changed += 1
                    if stat.S_ISDIR(mode) and whole and parts[0] in ("oss", "uploads"):
                        waiting.append(parts)
    finally:
        root.close()
    if changed:
        _log.warning(
            "%s: %d files or directories could be read by others; now only their owner can",
            directory,
            changed,
        )


def private_folder(path: Path) -> Path:
    """Make a directory of this user's own in a place that others may share, or check the one that is there.

    Args:
        path: The directory.

    Returns:
        The directory.

    Raises:
        PermissionError: What is there is a link, no directory, another user's, or open to others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    reason = ""
    for parent in path.parents:
        around = parent.stat()
        if around.st_mode & stat.S_IWOTH and not around.st_mode & stat.S_ISVTX:
            reason = f"others can exchange it, because they can write to {parent}"
        elif hasattr(os, "getuid") and around.st_uid not in (0, os.getuid()):
            reason = f"another user can exchange it, who owns {parent}"
    if not stat.S_ISDIR(found.st_mode):
        reason = f"it is {kind_of(found.st_mode)}"
    elif hasattr(os, "getuid") and found.st_uid != os.getuid():
        reason = "it belongs to another user"
    elif found.st_mode & 0o022:
        reason = "others can write to it"
    if reason:
        raise PermissionError(errno.EPERM, f"{reason}; remove it, or name another directory", str(path))
    return path


class Work(Root):
    """The directory that programs run in, from the start of a service to its end.

    Args:
        path: The directory.
        goes: Whether it is removed at the end, if nothing in it runs on, or waits for the next start.
    """

    def __init__(self, path: Path, goes: bool) -> None:
        super().__init__(path)
        self._goes = goes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._goes:
            with suppress(OSError):
                self.path.rmdir()


def work_of(directory: Path, given: Path | None, store_id: str, shared: bool) -> Work:
    """Make the directory that programs run in; others must not be able to exchange what is in it.

    Args:
        directory: The data directory.
        given: Where to make it; None for the usual place.
        store_id: Names it, outside of the data directory.
        shared: Whether programs run as other users, who get through to their own directory in it, and not
            through the data directory.

    Raises:
        OSError: It cannot be made, or what is there is not safe.
    """
    if given is None and shared:
        given = Path("/var/tmp")  # noqa: S108 - private_folder checks what is there
    if given is None:
        parent = Root(directory)
        try:
            parent.make_folder(("work",))
            parent.chmod(("work",), 0o700)
        finally:
            parent.close()
        return Work(private_folder(directory / "work"), False)
    path = private_folder(given / f"batchcompute-{store_id}")
    path.chmod(0o711 if shared else 0o700)
    return Work(path, True)


class DirectoryInUse(LocalServiceError):
    """Another process owns the data directory."""


def _in_use(directory: Path, owner: str) -> DirectoryInUse:
    option = "" if directory == default_directory() else f" --data-dir {directory}"
    return DirectoryInUse(
        0,
        "DataDirectoryInUse",
        "",
        f"the data directory {directory} is in use by the process with pid {owner}: end that process, set "
        "BATCHCOMPUTE_DATA_DIR to another directory, or use LocalService(data_dir=…) with one of its own. Programs "
        f"share a directory through a server: run `batchcompute serve{option}` before them, and clients of LOCAL join it",
    )


class Lock:
    """Makes one process the owner of a data directory for as long as it lives.

    Args:
        directory: The directory; it is made if it is not there.

    Raises:
        ConfigError: It cannot be written, or another process owns it.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(
                directory / "lock",
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0),
                0o600,
            )
            self._file: IO[str] = os.fdopen(fd, "r+", encoding="ascii")
        except OSError as error:
            raise ConfigError(
                f"the data directory {directory} cannot be written: {error}; give it to this user, or set "
                "BATCHCOMPUTE_DATA_DIR, or LocalService(data_dir=…), to a directory that can be written"
            ) from error
        try:
            take(self._file.fileno(), wait=False)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise _in_use(directory, owner) from None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()
        _locks.add(self)

    def release(self) -> None:
        """Give the directory up."""
        _locks.discard(self)
        give(self._file.fileno())
        self._file.close()

    def _drop(self) -> None:
        """Close the file in a forked child, without unlocking: the lock is the parent's."""
        self._file.close()


def _after_fork() -> None:
    for lock in list(_locks):
        lock._drop()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
