"""Packages with entry points, as pip would have installed them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import pytest


def install(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    modules: Mapping[str, str],
    points: Mapping[str, Mapping[str, str]],
    name: str = "toy",
) -> None:
    """Make a package importable until the end of the test.

    Args:
        folder: An empty directory.
        monkeypatch: Removes the package at the end.
        modules: The text of each module, by name.
        points: The entry points: by group, by name.
        name: Name of the package.
    """
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text, "utf-8")
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    lines = [
        line
        for group, entries in points.items()
        for line in (f"[{group}]", *(f"{point} = {place}" for point, place in entries.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
