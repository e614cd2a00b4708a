"""Bringing a task's package into the working directory (reference, 5.2)."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zlib
from pathlib import Path

__all__: list[str] = []


class PackageError(Exception):
    """The package cannot be brought in; the message names it."""


def unpack(source: Path, place: str, directory: Path) -> None:
    """Unpack an archive, or copy a plain file and make it executable.

    Args:
        source: The object as a file of this machine.
        place: Its ``oss://`` name, for messages.
        directory: The working directory.

    Raises:
        PackageError: It is not there, or cannot be unpacked.
    """
    if not source.is_file():
        raise PackageError(f"The package {place} does not exist.")
    try:
        if tarfile.is_tarfile(source):
            with tarfile.open(source) as archive:
                # The filter refuses members that would land outside the directory.
                archive.extractall(directory, filter="data")
        else:
            target = directory / source.name
            shutil.copyfile(source, target)
            target.chmod(0o755)
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        raise PackageError(f"The package {place} cannot be unpacked: {error}") from error
