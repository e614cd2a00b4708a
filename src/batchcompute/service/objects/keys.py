"""From a key to the names of directories and a file, and back: one key, one place.

A key is any text of 1 to 1,024 bytes in UTF-8; a file system takes less. ``a/b.txt`` is the file ``b.txt`` in the
directory ``a``, as everybody expects. Only parts that no file can have as a name are written otherwise, behind a
``%`` sign, so that two keys never meet in one file:

| part of a key | name |
| --- | --- |
| empty, as in ``a//b`` | ``%_`` |
| longer than 240 bytes | directories ``%+`` and a piece each, then the rest |
| beginning with ``%_``, ``%+`` or ``%%`` | another ``%`` in front |

``.`` and ``..`` are no parts of a key: whoever writes them means a path, and clients fold them away or not.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence

from batchcompute.runner.object_urls import NOT_IN_XML, split_object_url

__all__: list[str] = []

_LONGEST_NAME = 240
"""Bytes of a name; file systems take 255."""

_LONGEST_FILE_NAME = 255
"""Bytes of a name that a program can see."""

_MARKED = re.compile(r"%[_+%]")


def parts_of(place: str) -> tuple[str, ...]:
    """Return the bucket and the names below it that hold ``oss://bucket/key``.

    A key that ends in a slash is the directory of everything below it.

    Raises:
        ValidationError: It is no such name.
    """
    bucket, key = split_object_url(place)
    return (bucket, *names_of(key))


def names_of(key: str) -> Iterator[str]:
    """Yield the names of directories, and of the file, that hold a key; none for the empty key."""
    parts = key.split("/")
    if not parts[-1]:
        # The directory itself.
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
    """Return the text that names stand for.

    Args:
        names: Names of directories, the last one perhaps that of a file.

    Returns:
        The text, without a slash at its end; and whether the last name is only a piece of a part.
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


def is_ours(names: Sequence[str], key: str) -> bool:
    """Return whether a key really lies under these names: others may have put files there by hand."""
    return not NOT_IN_XML.search(key) and tuple(names_of(key)) == tuple(names)


def is_written_otherwise(name: str) -> bool:
    """Return whether a name may stand for a part of a key that reads otherwise."""
    return _MARKED.match(name) is not None


def file_names(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the names under which a program finds what lies under these names: the parts of its key.

    Args:
        names: Names below a prefix.

    Returns:
        The names; None for a directory that holds nothing but the rest of a part.

    Raises:
        OSError: No file can have such a name.
    """
    text, joined = decode(names)
    if joined or not text:
        return None
    if not is_ours(names, text):
        # Somebody has put it there by hand; it is no object, and keeps its name.
        return names
    parts = tuple(text.split("/"))
    if any(not part or len(part.encode("utf-8")) > _LONGEST_FILE_NAME for part in parts):
        reason = f"it holds the object {text[:300]!r}, and no file can have this name"
        raise OSError(errno.EINVAL, reason)
    return parts
