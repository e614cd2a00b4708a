"""How an extra of the distribution is installed, for messages that name one."""

from __future__ import annotations

from typing import Final

from batchcompute._version import __version__

__all__ = ["DISTRIBUTION", "install_command"]

DISTRIBUTION: Final = "openbatchcompute"
"""Name of the distribution; the vendor's distribution has the name of the package."""


def install_command(extra: str) -> str:
    """Return the command that installs an extra.

    Args:
        extra: Name of the extra.
    """
    released = f"pip install '{DISTRIBUTION}[{extra}]'"
    if ".dev" in __version__:
        return f"pip install '.[{extra}]' in a clone, or {released} once it is released"
    return released
