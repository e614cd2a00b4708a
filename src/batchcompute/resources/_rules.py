"""What the service would refuse, as small rules; each yields problems with their paths.

The rules are those of the reference: 3.0 (names), 3.1-3.6 (ranges and required fields). A rule is
here only if the service refuses for it, never because the old SDK's validator did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchcompute._problems import shown
from batchcompute.errors import Problem

__all__: list[str] = []

SCHEMES = ("oss", "nas", "smb", "lustre", "nasplus")
"""Where a mapping or a mount may come from (reference, 3.6)."""

# Letters beyond ASCII pass here: the old SDK sent such names (recorded case create_job/unicode),
# and the service is the judge of them.
_NAME = re.compile(r"[\w-]+")
_APP = re.compile(r"[\w:-]+")


def join(*parts: str) -> str:
    """Join the parts of a path, leaving out empty ones."""
    return ".".join(part for part in parts if part)


def required(value: Any, path: str, what: str) -> Iterator[Problem]:
    """A field that must be set, and not to nothing."""
    if value is None or value == "" or value == {}:
        yield Problem(path, "", f"is required: {what}", "missing")


def name(value: str | None, path: str, longest: int, digit_first: bool = False) -> Iterator[Problem]:
    """A name of letters, digits, ``_`` and ``-``, at most ``longest`` bytes long."""
    if not value:
        yield from required(value, path, f"a name of 1 to {longest} letters, digits, '_' and '-'")
        return
    if not _NAME.fullmatch(value):
        yield Problem(path, shown(value), "may only hold letters, digits, '_' and '-'")
    elif value[0].isdigit() and not digit_first:
        yield Problem(path, shown(value), "must not start with a digit")
    if len(value.encode("utf-8", "replace")) > longest:
        yield Problem(path, shown(value), f"must be at most {longest} bytes long")


def app_name(value: str | None, path: str) -> Iterator[Problem]:
    """A reference to an app: ``App1``, ``:App1`` or ``Public:App1``, at most 1024 characters."""
    yield from required(value, path, "the name of an app")
    if value and not _APP.fullmatch(value):
        yield Problem(path, shown(value), "may only hold letters, digits, '_', '-' and ':'")
    yield from at_most(value, path, 1024, "characters")


def between(value: float | None, path: str, low: float, high: float | None = None) -> Iterator[Problem]:
    """A number in a range; nothing is said of one that is not set."""
    if value is None or not isinstance(value, (int, float)):
        return
    if high is None:
        if value < low:
            yield Problem(path, shown(value), f"must be {low} or more")
    elif not low <= value <= high:
        yield Problem(path, shown(value), f"must be in [{low}, {high}]")


def one_of(value: str | None, path: str, allowed: Sequence[str]) -> Iterator[Problem]:
    """A text out of a closed list; nothing is said of one that is not set."""
    if value and value not in allowed:
        yield Problem(path, shown(value), f"must be one of {', '.join(allowed)}")


def at_most(value: Any, path: str, longest: int, unit: str) -> Iterator[Problem]:
    """A text or a container that may not be longer than the service takes."""
    if value is not None and len(value) > longest:
        yield Problem(path, f"{len(value)} {unit}", f"may hold at most {longest} {unit}")


def location(value: str, path: str) -> Iterator[Problem]:
    """A place in a storage whose scheme the reference lists."""
    scheme, found, rest = value.partition("://")
    if not found or scheme not in SCHEMES or not rest:
        listed = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        yield Problem(path, shown(value), f"must start with one of {listed}")


def cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names along one cycle, first and last the same; empty where there is none.

    Args:
        edges: From each task to those that start after it.
    """
    finished: set[str] = set()
    for start in edges:
        # Depth first without recursion: a chain of tasks may be longer than Python's stack.
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in finished:
            path.append(start)
            on_path.add(start)
            stack.append((start, iter(edges.get(start, ()))))
        while stack:
            node, followers = stack[-1]
            for follower in followers:
                if follower in on_path:
                    return [*path[path.index(follower) :], follower]
                if follower not in finished:
                    path.append(follower)
                    on_path.add(follower)
                    stack.append((follower, iter(edges.get(follower, ()))))
                    break
            else:
                stack.pop()
                path.pop()
                on_path.discard(node)
                finished.add(node)
    return []
