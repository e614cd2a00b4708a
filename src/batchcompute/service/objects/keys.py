"""The names of directories and files that hold a key, and the key that names stand for."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence

from batchcompute.runner.object_urls import NOT_IN_XML, split_object_url

__all__: list[str] = []

# A key is a text of 1 to 1,024 bytes in UTF-8. The key ``a/b.txt`` is the file ``b.txt`` in the directory ``a``. Only
# parts that cannot be the name of a file are escaped with a ``%`` sign, so that no two keys share a file:
#
#   part of a key                             name
#   empty, as in ``a//b``                     ``%_``
#   longer than 240 bytes                     a directory ``%+piece`` for each piece, then the rest
#   beginning with ``%_``, ``%+`` or ``%%``   an additional ``%`` in front
#
# ``.`` and ``..`` cannot be parts of a key, because some clients resolve them like in a path.

_LONGEST_NAME = 240
"""Bytes of a name. File systems accept 255."""

_LONGEST_FILE_NAME = 255
"""Bytes of the longest name that a program can see."""

_MARKED = re.compile(r"%[_+%]")


def parts_of(object_url: str) -> tuple[str, ...]:
    """Return the bucket and the names below it that hold ``oss://bucket/key``.

    A key that ends in a slash stands for the directory of everything below it.

    Raises:
        ValidationError: The URL is invalid.
    """
    bucket, key = split_object_url(object_url)
    return (bucket, *names_of(key))


def names_of(key: str) -> Iterator[str]:
    """Yield the names of the directories and of the file that hold a key; no names for the empty key."""
    parts = key.split("/")
    if not parts[-1]:
        # The key names the directory itself.
        parts.pop()
    for part in parts:
        yield from _pieces(part)


def _pieces(part: str) -> Iterator[str]:
    rest = part.encode("utf-8")
    while len(rest) > _LONGEST_NAME:
        piece = rest[:_LONGEST_NAME].decode("utf-8", "ignore")
        yield f"%+{piece}"
        rest = rest[len(piece.encode("utf-8")) :]
    yield _escaped(rest.decode("utf-8"))


def _escaped(part: str) -> str:
    if part == "":
        return "%_"
    return f"%{part}" if _MARKED.match(part) else part


def decode(names: Sequence[str]) -> tuple[str, bool]:
    """Return the key that names stand for.

    Args:
        names: Names of directories. The last one may be the name of a file.

    Returns:
        The key without a slash at its end, and whether the last name holds only a piece of a part.
    """
    text = ""
    joined = True
    for name in names:
        if not joined:
            text += "/"
        joined = name.startswith("%+")
        text += name[2:] if joined else _unescaped(name)
    return text, joined and bool(names)


def _unescaped(name: str) -> str:
    if name == "%_":
        return ""
    return name[1:] if name.startswith("%%") else name


def is_name_of_key(names: Sequence[str], key: str) -> bool:
    """Return whether these names hold a key. Files that were put there by hand may have other names."""
    return not re.search(NOT_IN_XML, key) and tuple(names_of(key)) == tuple(names)


def is_escaped(name: str) -> bool:
    """Return whether a name may stand for a part of a key that differs from it."""
    return _MARKED.match(name) is not None


def file_names(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the names under which a program finds an object: the parts of its key.

    Args:
        names: Names that hold the key, below a prefix.

    Returns:
        The names that the program sees; None for a directory that only holds further pieces of a part.

    Raises:
        OSError: A part of the key cannot be the name of a file.
    """
    text, joined = decode(names)
    if joined or not text:
        return None
    if not is_name_of_key(names, text):
        # The file was put there by hand. It is not an object, and keeps its name.
        return names
    parts = tuple(text.split("/"))
    if any(not part or len(part.encode("utf-8")) > _LONGEST_FILE_NAME for part in parts):
        reason = f"it holds the object {text[:300]!r}, and no file can have this name"
        raise OSError(errno.EINVAL, reason)
    return parts
