"""Findings about the site of an engine: what works, and what has to be done about the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["OPTIONS", "Finding"]

OPTIONS: Final = "options"
"""Subject of the finding that options of an engine are wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding."""

    level: Literal["ok", "warning", "error"]
    """``error``: attempts cannot run. ``warning``: they can, with the consequence that the text names."""
    subject: str
    """The part of the site: a command, a setting, a node."""
    text: str
    """The finding in one sentence without a full stop."""
    action: str = ""
    """The remedy in one sentence without a full stop; empty if nothing has to be done."""

    @property
    def ok(self) -> bool:
        """Whether attempts can run."""
        return self.level != "error"

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.subject}: {self.text}" + f"; {self.action}" * bool(self.action)
