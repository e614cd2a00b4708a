"""Backups of a data directory: the database, the keys, the objects and the kept working directories."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

from batchcompute._version import __version__
from batchcompute.errors import ConfigError
from batchcompute.runner.rooted import NotRegular, OutsideRoot, Root
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.store.snapshot import check_database, copy_database
from batchcompute.service.trees import Node, walk

__all__ = ["BackupReport", "back_up", "restore"]

_DATABASE: Final = "batchcompute.db"
_FILES: Final = ("credentials.json", "identity", "key-uses.json")
_TREES: Final = ("oss", "kept")
_SUMMARY: Final = "backup.json"
"""The last member of a backup. A backup without it is not complete."""

_PENDING: Final = ("oss", ".aside")
"""Directory of objects that are being written."""

_FORMAT: Final = 1
_LONGEST_SUMMARY: Final = 65536
_PIECE: Final = 1024**2


@dataclass(frozen=True, slots=True)
class BackupReport:
    """The content of a backup."""

    files: int
    """Number of files, the database included."""
    size: int
    """Their bytes."""
    left_out: int
    """Number of links, pipes, and files that changed or could not be read."""


def back_up(directory: Path, target: Path, clock: Clock = SYSTEM_CLOCK) -> BackupReport:
    """Write a backup of a data directory; a service may run meanwhile.

    The database is copied first, as it is at one moment. So the outputs of each job that it calls finished are in the
    backup, unless a program deletes them meanwhile.

    Args:
        directory: The data directory.
        target: The new file; it is compressed if its name ends with ``.gz`` or ``.tgz``. Only its owner can read it.
        clock: The source of time.

    Raises:
        ConfigError: The directory cannot be read, or the file exists or cannot be written.
    """
    target = target.absolute()
    if target.exists():
        raise ConfigError(f"the backup {target} exists already; name another file")
    if target.resolve().is_relative_to(directory.resolve()):
        raise ConfigError(f"the backup {target} would be in the data directory itself; name a file elsewhere")
    mode: Literal["w|gz", "w|"] = "w|gz" if target.suffix in (".gz", ".tgz") else "w|"
    try:
        with ExitStack() as stack:
            # mkdtemp makes a directory that only its owner can read.
            scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
            root = Root(directory)
            stack.callback(root.close)
            partial = scratch / "backup"
            with partial.open("xb") as file:
                os.fchmod(file.fileno(), 0o600)
                with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as archive:
                    report = _write(archive, directory, root, scratch, clock)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
    except OSError as error:
        raise ConfigError(f"the backup {target} cannot be written: {error.strerror or error}") from None
    return report


def _write(
    archive: tarfile.TarFile, directory: Path, root: Root, scratch: Path, clock: Clock
) -> BackupReport:
    database = scratch / _DATABASE
    schema = copy_database(directory / _DATABASE, database)
    writer = _Writer(archive, root)
    with database.open("rb") as file:
        writer.add(_DATABASE, file, database.stat().st_size, 0o600)
    database.unlink()
    for name in _FILES:
        if (directory / name).exists():
            writer.add_node(Node((name,), root.lstat((name,))))
    for tree in _TREES:
        for node in walk(root, (tree,)):
            if node.parts[:2] != _PENDING:
                writer.add_node(node)
    summary = {
        "format": _FORMAT, "version": __version__, "schema": schema, "created": timestamp(clock),
        "files": writer.files, "size": writer.size,
    }  # fmt: skip
    text = json.dumps(summary).encode("utf-8")
    archive.addfile(_member(_SUMMARY, len(text), 0o600), io.BytesIO(text))
    return BackupReport(writer.files, writer.size, writer.left_out)


class _Writer:
    """Adds files to an archive.

    Args:
        archive: The archive.
        root: The data directory.
    """

    def __init__(self, archive: tarfile.TarFile, root: Root) -> None:
        self._archive = archive
        self._root = root
        self.files: int = 0
        """Number of added files."""
        self.size: int = 0
        """Bytes of the added files."""
        self.left_out: int = 0
        """Number of files that cannot be added."""

    def add(self, name: str, file: IO[bytes], size: int, mode: int) -> None:
        """Add an open file, with the size that it had before."""
        self._archive.addfile(_member(name, size, mode), cast("Any", _Padded(file, size)))
        self.files += 1
        self.size += size

    def add_node(self, node: Node) -> None:
        """Add a file or a directory; count it if it cannot be added."""
        name = "/".join(node.parts)
        if node.is_directory:
            member = _member(name, 0, 0o700)
            member.type = tarfile.DIRTYPE
            self._archive.addfile(member)
            return
        if not node.is_file:
            self.left_out += 1
            return
        try:
            fd = self._root.open_file(node.parts)
        except (FileNotFoundError, NotADirectoryError):
            # It was deleted meanwhile.
            return
        except (NotRegular, OutsideRoot, PermissionError):
            self.left_out += 1
            return
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            self.add(name, file, status.st_size, status.st_mode & 0o700 | 0o600)


class _Padded:
    """Reads a number of bytes from a file; zeros stand for the end of a file that became shorter meanwhile."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._remaining = size

    def read(self, count: int) -> bytes:
        """Return the next bytes."""
        count = min(count, self._remaining)
        piece = self._file.read(count)
        self._remaining -= count
        return piece.ljust(count, b"\0")


def _member(name: str, size: int, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, mode
    return member


def restore(file: Path, directory: Path) -> BackupReport:
    """Make a data directory from a backup.

    Args:
        file: The backup.
        directory: The directory; it must not exist, or must be empty.

    Raises:
        ConfigError: The file is not a complete backup, or the directory is not empty or cannot be written.
    """
    directory = directory.absolute()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigError(
            f"{directory} is not empty; restore to a new directory, or end its "
            "service with `batchcompute down` and move this one away"
        )
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    except OSError as error:
        raise ConfigError(f"the directory {directory} cannot be written: {error.strerror or error}") from None
    root = Root(scratch)
    try:
        report = _read(file, root)
        check_database(scratch / _DATABASE)
        # A directory takes the place of an empty one.
        scratch.replace(directory)
    except ConfigError as error:
        raise ConfigError(f"the backup {file} cannot be restored: {error}") from None
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ConfigError(f"{file} is not a backup, or is damaged: {error}") from None
    except OSError as error:
        raise ConfigError(f"the backup {file} cannot be restored: {error.strerror or error}") from None
    finally:
        root.close()
        shutil.rmtree(scratch, ignore_errors=True)
    return report


def _read(file: Path, root: Root) -> BackupReport:
    """Unpack a backup below a root, and check that it is complete."""
    files, size = 0, 0
    with tarfile.open(file, "r|*") as archive:
        for member in archive:
            parts = tuple(member.name.split("/"))
            content = archive.extractfile(member) if member.isreg() else None
            if parts == (_SUMMARY,) and content is not None:
                _check_summary(content.read(_LONGEST_SUMMARY), files, size)
                return BackupReport(files, size, 0)
            if parts[0] not in (_DATABASE, *_FILES, *_TREES) or not (content or member.isdir()):
                raise ConfigError(f"it holds {member.name[:200]!r}, which no backup holds")
            if content is None:
                root.make_folder(parts)
                continue
            _unpack(content, root.new_file(parts, member.mode & 0o700 | 0o600))
            files += 1
            size += member.size
    raise ConfigError("its end is missing")


def _unpack(content: IO[bytes], fd: int) -> None:
    with os.fdopen(fd, "wb") as file:
        shutil.copyfileobj(content, file, _PIECE)


def _check_summary(text: bytes, files: int, size: int) -> None:
    summary: object = json.loads(text)
    values = cast("dict[str, object]", summary) if isinstance(summary, dict) else {}
    if values.get("format") != _FORMAT:
        raise ConfigError("its format is not known to this version of batchcompute")
    if (values.get("files"), values.get("size")) != (files, size):
        raise ConfigError("files are missing in it")
