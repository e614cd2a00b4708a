"""The commands that install this distribution, as messages show them."""

from __future__ import annotations

from typing import Final

from batchcompute._version import __version__

__all__ = ["DISTRIBUTION", "both_installed", "install_command"]

DISTRIBUTION: Final = "openbatchcompute"
"""Name of the distribution. The distribution ``batchcompute`` is the vendor's SDK."""


def install_command(extra: str = "", options: str = "") -> str:
    """Return the command that installs this distribution.

    Args:
        extra: Name of an extra.
        options: Options of pip.
    """
    pip = f"pip install {options} " if options else "pip install "
    brackets = f"[{extra}]" if extra else ""
    here, released = f"{pip}'.{brackets}'", f"{pip}'{DISTRIBUTION}{brackets}'"
    # A version under development is in no package index.
    return f"{here} in a clone, or {released} once it is released" if ".dev" in __version__ else released


def both_installed() -> str:
    """Return a message with the remedy if the vendor's distribution is installed into the same folder."""
    return (
        f"the distributions {DISTRIBUTION} and batchcompute (the vendor's SDK) are installed into the same folder, "
        "and each has replaced files of the other. Run two commands: pip uninstall batchcompute; then "
        f"{install_command(options='--force-reinstall --no-deps')}"
    )
