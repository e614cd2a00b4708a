"""Detects the vendor's distribution in the folder of this package."""

from __future__ import annotations

from pathlib import Path

from batchcompute.errors.installation import both_installed

__all__: list[str] = []

# Where the vendor's distribution was installed after this one, its files come first: its `core/__init__.py`
# imports `batchcompute.core.api`. Python prefers this folder to the vendor's file `core/api.py`.
if (Path(__file__).parent.parent / "api.py").exists():
    raise ImportError(both_installed())
