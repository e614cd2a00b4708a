"""The nearest name to a misspelt one, for messages."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the name that is most like a misspelt one.

    Args:
        name: The misspelt name.
        names: The names that there are; at least one.
    """
    import difflib

    return difflib.get_close_matches(name, list(names), n=1, cutoff=0.0)[0]
