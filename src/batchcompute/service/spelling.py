"""The nearest name to a misspelt one, for messages."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, names: Iterable[str], likeness: float = 0.0) -> str:
    """Return the name that is most like a misspelt one; empty if there is none.

    Args:
        name: The misspelt name.
        names: The names that there are.
        likeness: The smallest likeness that counts, from 0 to 1.
    """
    import difflib

    return next(iter(difflib.get_close_matches(name, list(names), n=1, cutoff=likeness)), "")
