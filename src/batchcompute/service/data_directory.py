"""The data directory: its path, its owner, its permissions and its lock."""

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
from batchcompute.service.locking import lock_file, unlock_file

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service")

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_LEFTOVER = re.compile(r"[.].{1,100}[.][0-9a-f]{12}[.]part")
"""Files that earlier versions left behind when they were killed while they wrote an object."""


def default_directory() -> Path:
    """Return the directory that ``BATCHCOMPUTE_DATA_DIR`` names, or else the one of the user."""
    named = os.environ.get("BATCHCOMPUTE_DATA_DIR")
    if named:
        return named_directory(named, "BATCHCOMPUTE_DATA_DIR")
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "batchcompute"


def named_directory(text: str, setting: str) -> Path:
    """Return the directory that a setting names.

    Args:
        text: Its path.
        setting: Name of the setting, for messages.

    Raises:
        ConfigError: The path begins with ``~name``, and this machine has no such user.
    """
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ConfigError(f"{setting} {text} cannot be used: {error}") from None


_NAMES = frozenset(
    ["batchcompute.db", "credentials.json", "credentials.json.lock", "identity", "kept", "key-uses.json", "lock", "oss",
     "server.json", "server.log", "server.log.1", "uploads", "work"]
)  # fmt: skip
"""Names of the files and directories in a data directory."""

_EARLY = frozenset({"credentials.json", "credentials.json.lock", "lock", "oss", "server.log", "server.log.1"})
"""Names that may exist before the first start: keys, and objects that were put there by hand."""


def check_data_directory(directory: Path) -> None:
    """Check that a directory is a data directory or empty: the service removes files in its directory.

    Raises:
        ConfigError: The directory contains other files.
    """
    if not directory.is_dir() or (directory / "batchcompute.db").exists():
        return
    foreign = sorted(path.name for path in directory.iterdir() if path.name not in _EARLY)
    if foreign:
        raise ConfigError(
            f"{directory} is no data directory: it holds {', '.join(foreign[:5])}; name an empty one, or a new one"
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, completely or not at all."""
    # mkstemp creates a file that only its owner can read.
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
    """Return the secret by which a server proves that it owns a data directory; empty if there is none.

    Args:
        directory: The data directory.
        make: Whether to create a missing secret.
    """
    path = directory / "identity"
    with suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    if not make:
        return ""
    secret = secrets.token_hex(32)
    write_private(path, f"{secret}\n")
    return secret


def restrict_access(directory: Path, whole: bool) -> None:
    """Remove the permissions of other users on a data directory, and log a warning if there were any.

    Args:
        directory: The data directory.
        whole: Whether every object is checked, or only the files of the service itself.
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
                    if parts[0].removesuffix("-wal").removesuffix("-shm") not in _NAMES:
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


def private_directory(path: Path) -> Path:
    """Create a directory of this user in a directory that others may share, or check an existing one.

    Args:
        path: The directory.

    Returns:
        The directory.

    Raises:
        PermissionError: The path is a link or not a directory, or another user owns it or can replace it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    status = path.lstat()
    reason = ""
    for parent in path.parents:
        around = parent.stat()
        if around.st_mode & stat.S_IWOTH and not around.st_mode & stat.S_ISVTX:
            reason = f"others can replace it, because they can write to {parent}"
        elif hasattr(os, "getuid") and around.st_uid not in (0, os.getuid()):
            reason = f"another user can replace it, who owns {parent}"
    if not stat.S_ISDIR(status.st_mode):
        reason = f"it is {kind_of(status.st_mode)}"
    elif hasattr(os, "getuid") and status.st_uid != os.getuid():
        reason = "it belongs to another user"
    elif status.st_mode & 0o022:
        reason = "others can write to it"
    if reason:
        raise PermissionError(errno.EPERM, f"{reason}; remove it, or name another directory", str(path))
    return path


class WorkDirectory(Root):
    """The directory in which programs run.

    Args:
        path: The directory.
        removed: Whether it is removed at the end of the service, if it is empty.
    """

    def __init__(self, path: Path, removed: bool) -> None:
        super().__init__(path)
        self._removed = removed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._removed:
            with suppress(OSError):
                self.path.rmdir()


def open_work_directory(directory: Path, base: Path | None, store_id: str, shared: bool) -> WorkDirectory:
    """Create the directory in which programs run. Other users cannot replace its content.

    Args:
        directory: The data directory.
        base: Parent directory; None for the default.
        store_id: Id of the store, which names a directory outside of the data directory.
        shared: Whether programs run as other users. They need access to their own directories in it, and must not
            have access to the data directory.

    Raises:
        OSError: The directory cannot be created, or an existing one is not safe.
    """
    if base is None and shared:
        base = Path("/var/tmp")  # noqa: S108 - private_directory checks what is there
    if base is None:
        parent = Root(directory)
        try:
            parent.make_folder(("work",))
            parent.chmod(("work",), 0o700)
        finally:
            parent.close()
        return WorkDirectory(private_directory(directory / "work"), False)
    path = private_directory(base / f"batchcompute-{store_id}")
    path.chmod(0o711 if shared else 0o700)
    return WorkDirectory(path, True)


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
        f"share a directory through a server: run `batchcompute up{option}` before them, and clients of LOCAL join it",
    )


def database_of(directory: Path) -> Path:
    """Return the database of a data directory.

    Args:
        directory: The data directory.

    Raises:
        ConfigError: The directory has no database.
    """
    database = directory / "batchcompute.db"
    if not database.exists():
        raise ConfigError(
            f"there is no service in {directory}; `batchcompute up` starts one, and --data-dir names another directory"
        )
    return database


class Lock:
    """Makes this process the owner of a data directory until it ends.

    Args:
        directory: The directory. It is created if it does not exist.

    Raises:
        ConfigError: The directory cannot be written, or another process owns it.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(
                self._path,
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
            lock_file(self._file.fileno(), wait=False)
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

    def is_displaced(self) -> bool:
        """Return whether the directory was moved or removed, so that this process owns another one than its path names."""
        try:
            there = self._path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            # An error of the system is no answer.
            return False
        own = os.fstat(self._file.fileno())
        return (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino)

    def release(self) -> None:
        """Release the directory."""
        _locks.discard(self)
        unlock_file(self._file.fileno())
        self._file.close()

    def _drop(self) -> None:
        """Close the file in a forked child without unlocking it, because the lock belongs to the parent."""
        self._file.close()


def _after_fork() -> None:
    for lock in list(_locks):
        lock._drop()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
