"""Copies between files of this machine and object storage."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from batchcompute.client.object_storage import ObjectStorage
from batchcompute.errors import ConfigError, NotFoundError, ValidationError

__all__ = ["download", "download_file", "files_below", "path_inside", "upload"]


def files_below(directory: Path) -> list[str]:
    """Return the names of all regular files below a directory, relative to it. Symbolic links are left out.

    Args:
        directory: The directory.
    """
    # A link may lead out of the directory, or into a circle.
    return sorted(
        (Path(folder) / name).relative_to(directory).as_posix()
        for folder, _, names in os.walk(directory)
        for name in names
        if not (Path(folder) / name).is_symlink()
    )


def path_inside(directory: Path, name: str) -> Path:
    """Return the path of a file in a directory.

    Args:
        directory: The directory.
        name: The name of an object, relative to the directory.

    Raises:
        ValidationError: The name would lead out of the directory.
    """
    parts = name.split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\0" in name or "\\" in name:
        raise ValidationError(
            f"the object {name!r} has no name that a file below {os.fspath(directory)} can have"
        )
    return directory.joinpath(*parts)


def download_file(storage: ObjectStorage, url: str, target: Path) -> None:
    """Write an object to a file, completely or not at all.

    Args:
        storage: The object storage.
        url: ``oss://bucket/key``.
        target: The file.

    Raises:
        NotFoundError: The object does not exist.
    """
    pieces = storage.read(url)
    # An object that does not exist leaves no directory behind.
    first = next(pieces, b"")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(first)
            for data in pieces:
                file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def upload(storage: ObjectStorage, source: Path, url: str) -> list[str]:
    """Write a file, or all files below a directory, to object storage.

    Args:
        storage: The object storage.
        source: The file or the directory.
        url: ``oss://bucket/key``. A file gets its own name below a URL that ends in a slash. The files of a directory
            get their names below the URL.

    Returns:
        The URLs of the objects.

    Raises:
        ConfigError: There is no such file or directory.
    """
    base = url if url.endswith("/") else f"{url}/"
    if source.is_dir():
        pairs = [(source / name, base + name) for name in files_below(source)]
    else:
        pairs = [(source, base + source.name if url.endswith("/") else url)]
    for path, target in pairs:
        try:
            with path.open("rb") as file:
                storage.write(target, file)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
    return [target for _, target in pairs]


def download(storage: ObjectStorage, url: str, target: Path) -> list[Path]:
    """Write an object to a file, or all objects below a URL that ends in a slash to a directory.

    Args:
        storage: The object storage.
        url: ``oss://bucket/key``, or ``oss://bucket/prefix/`` for a directory.
        target: The file; or a directory, in which an object gets the last part of its key as name.

    Returns:
        The files.

    Raises:
        NotFoundError: There is no such object, or none below the URL.
        ValidationError: An object has a name that no file in the directory can have. Nothing is written.
    """
    if url.endswith("/"):
        pairs = [(one, path_inside(target, one.removeprefix(url))) for one in _objects_below(storage, url)]
    else:
        is_directory = target.is_dir()
        pairs = [(url, path_inside(target, url.rpartition("/")[2]) if is_directory else target)]
    for one, path in pairs:
        try:
            download_file(storage, one, path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    return [path for _, path in pairs]


def _objects_below(storage: ObjectStorage, url: str) -> Iterator[str]:
    empty = True
    for entry in storage.entries(url):
        # A key that ends in a slash stands for an empty directory.
        if not isinstance(entry, str) and not entry.url.endswith("/"):
            empty = False
            yield entry.url
    if empty:
        raise NotFoundError(404, "NoSuchKey", "", f"there is no object below {url}")
