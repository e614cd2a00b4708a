"""The rules for the members of an archive: their names, types, links and modes."""

from __future__ import annotations

import os
from typing import Literal

__all__: list[str] = []

# The service unpacks packages by these rules, and `do_tar` writes no archive that breaks them. They do not depend on
# Python's `tarfile`, whose own rules differ between patch levels.

MAX_PATH = 4095
"""Bytes of the name of a member, and of the target of a link: the longest path of Linux."""

MAX_PART = 255
"""Bytes of one part of a name: the longest file name."""

MAX_DEPTH = 100
"""Parts of a name. The deepest trees of real packages have about 30."""

MAX_TIME = 2**33
"""Latest modification time that is kept, in seconds since 1970: the year 2242."""

Kind = Literal["file", "folder", "hard link", "symbolic link"]
"""The allowed types of members."""

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
    """An archive breaks a rule, which the message names."""


def shown(text: str) -> str:
    """Return a text for a message: printable, and shortened."""
    # The text is cut first: its printable form takes up to ten times the memory.
    return repr(text) if len(text) <= 200 else f"{text[:200]!r}..."


def check_name(name: str) -> tuple[str, ...]:
    """Return the parts of the name of a member, relative to the directory that the archive is unpacked into.

    ``.`` and repeated slashes are left out, so the directory itself has no parts. A backslash is a normal character.
    A byte that is not UTF-8 is a surrogate, as in `os.fsdecode`.

    Raises:
        ArchiveError: The name is empty, absolute, too long or too deep, or contains ``..`` or a NUL.
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
    """Return the target of a symbolic link, normalised: first each ``..``, then names.

    Only this form proves that the link stays inside. The directories of the link itself are real ones, so each ``..``
    at the beginning goes up by exactly one. A ``..`` after a name goes up from the directory that the name points to,
    and the name may be a link, too.

    Args:
        parts: Parts of the name of the link.
        target: The target that the archive gives.

    Raises:
        ArchiveError: The target is empty, absolute, too long, or outside of the directory.
    """
    if not target:
        raise ArchiveError("the link points to an empty path")
    _check_text(target, "the path that the link points to")
    if target.startswith("/"):
        raise ArchiveError(f"the link points to an absolute path: {shown(target)}")
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
        raise ArchiveError(f"the link points outside of the package: {shown(target)}")
    return "/".join([*[".."] * up, *down]) or "."


def check_type(type: bytes) -> Kind:
    """Return the type of a member.

    Args:
        type: The type in its header.

    Raises:
        ArchiveError: The member is not a regular file, a directory or a link.
    """
    kind = _KINDS.get(type)
    if kind is None:
        kind_name = _REFUSED.get(type, f"of the unknown type {type!r}")
        raise ArchiveError(f"it is {kind_name}; only regular files, directories and links are allowed")
    return kind


def safe_mode(mode: int, folder: bool) -> int:
    """Return the mode of an unpacked member.

    Setuid, setgid and sticky bits are cleared, and only the owner may write. The owner may always read and write a
    file, and list, enter and change a directory. Executable files stay executable.

    Args:
        mode: The mode in the header.
        folder: Whether it is a directory.
    """
    return (mode & 0o755) | (0o700 if folder else 0o600)


def _check_text(text: str, what: str) -> None:
    if "\0" in text:
        raise ArchiveError(f"{what} contains a NUL")
    try:
        # The number of characters is checked first: a hostile text may have megabytes.
        too_long = len(text) > MAX_PATH or len(os.fsencode(text)) > MAX_PATH
    except UnicodeEncodeError as error:
        raise ArchiveError(f"{what} cannot be encoded for this machine's files: {error.reason}") from error
    if too_long:
        raise ArchiveError(f"{what} is longer than {MAX_PATH} bytes")
