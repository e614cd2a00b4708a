"""Durations as people write them: ``30d``, ``12h``."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ALLOWED", "seconds_of"]

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

_FORM: Final = re.compile(r"([0-9]{1,6})([smhdw])")

ALLOWED: Final = "a whole number with s, m, h, d or w, such as 30d"
"""The allowed durations, in words."""


def seconds_of(text: str) -> float:
    """Return the seconds of a duration.

    Args:
        text: The duration.

    Raises:
        ValueError: It is not written as `ALLOWED` says.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not {ALLOWED}")
    return int(match[1]) * _UNITS[match[2]]
