"""The rules for what an archive may hold: names, types, links and modes of its members.

The service unpacks packages by these rules, and `do_tar` writes no archive that breaks them. They depend on
nothing of Python's `tarfile`, whose own rules differ from one patch level to the next.
"""

from __future__ import annotations

import os
from typing import Literal

__all__: list[str] = []

MAX_PATH = 4095
"""Bytes of a member's name, and of what a link leads to: Linux takes no longer paths."""

MAX_PART = 255
"""Bytes of one part of a name: file systems take no longer ones."""

MAX_DEPTH = 100
"""Parts of a name. The deepest trees of real packages have about 30."""

MAX_TIME = 2**33
"""Latest time of a member that is kept, in seconds since 1970: the year 2242."""

Kind = Literal["file", "folder", "hard link", "symbolic link"]
"""What a member may be."""

_KINDS: dict[bytes, Kind] = {
    b"\0": "file",
    b"0": "file",
    b"7": "file",
    b"1": "hard link",
    b"2": "symbolic link",
    b"5": "folder",
}

_REFUSED = {
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a pipe",
    b"S": "a sparse file",
}


class ArchiveError(ValueError):
    """An archive breaks a rule; the message says which."""


def shown(text: str) -> str:
    """Return a text for messages: printable, and not longer than fits there."""
    # What is cut off is never made printable, which takes up to ten times its memory.
    return repr(text) if len(text) <= 200 else f"{text[:200]!r}..."


def check_name(name: str) -> tuple[str, ...]:
    """Return the parts of a member's name, relative to where the archive is unpacked.

    ``.`` and repeated slashes are left out, so that the directory itself has no parts. A backslash is a
    character like any other. A byte that is not UTF-8 is a surrogate, as `os.fsdecode` has it.

    Raises:
        ArchiveError: The name is empty, absolute, too long or too deep, or holds ``..`` or a NUL.
    """
    if not name:
        raise ArchiveError("the name is empty")
    _check_text(name, "the name")
    if name.startswith("/"):
        raise ArchiveError("the name is absolute")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise ArchiveError("the name contains '..'")
    if any(len(os.fsencode(part)) > MAX_PART for part in parts):
        raise ArchiveError(f"a part of the name is longer than {MAX_PART} bytes")
    if len(parts) > MAX_DEPTH:
        raise ArchiveError(f"the name has more than {MAX_DEPTH} parts")
    return parts


def check_link(parts: tuple[str, ...], target: str) -> str:
    """Return what a symbolic link may lead to, normalised: first each ``..``, then names.

    Only in that form is it certain that the link stays inside. Its own directories are real ones, so each
    ``..`` at the front goes up by exactly one. A ``..`` behind a name would go up from wherever that name
    leads, and the name may be a link, too.

    Args:
        parts: Parts of the link's own name.
        target: What it leads to.

    Raises:
        ArchiveError: It leads out of the directory that the archive is unpacked into, or nowhere.
    """
    if not target:
        raise ArchiveError("the link leads to an empty path")
    _check_text(target, "the path that the link leads to")
    if target.startswith("/"):
        raise ArchiveError(f"the link leads to an absolute path: {shown(target)}")
    up = 0
    down: list[str] = []
    for part in target.split("/"):
        if part == ".." and down:
            down.pop()
        elif part == "..":
            up += 1
        elif part not in ("", "."):
            down.append(part)
    if up > len(parts) - 1:
        raise ArchiveError(f"the link leads out of the package: {shown(target)}")
    return "/".join([*[".."] * up, *down]) or "."


def check_type(type: bytes) -> Kind:
    """Return what a member is.

    Args:
        type: The type in its header.

    Raises:
        ArchiveError: It is neither a plain file, nor a directory, nor a link.
    """
    kind = _KINDS.get(type)
    if kind is None:
        found = _REFUSED.get(type, f"of the unknown type {type!r}")
        raise ArchiveError(f"it is {found}; allowed are plain files, directories and links")
    return kind


def safe_mode(mode: int, folder: bool) -> int:
    """Return the mode that a member gets.

    Set-id and sticky bits are cleared, and nobody but the owner may write. The owner can always read and
    write a file, and list, enter and change a directory. What is executable stays so.

    Args:
        mode: The mode in its header.
        folder: Whether it is a directory.
    """
    return (mode & 0o755) | (0o700 if folder else 0o600)


def _check_text(text: str, what: str) -> None:
    if "\0" in text:
        raise ArchiveError(f"{what} contains a NUL")
    try:
        # The number of characters is looked at first: a hostile text may have megabytes.
        too_long = len(text) > MAX_PATH or len(os.fsencode(text)) > MAX_PATH
    except UnicodeEncodeError as error:
        raise ArchiveError(f"{what} cannot be encoded for this machine's files: {error.reason}") from error
    if too_long:
        raise ArchiveError(f"{what} is longer than {MAX_PATH} bytes")
