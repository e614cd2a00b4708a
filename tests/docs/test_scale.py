"""The page on scale: its plots and its table are those of the measurements, which keep the promises."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.docs.test_architecture import ROOT

DOCS = ROOT / "docs"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[Path, str]:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import draw_scale

    files: dict[Path, str] = draw_scale.files()
    return files


def test_plots_and_table_are_those_of_the_measurements(drawn: dict[Path, str]) -> None:
    assert len(drawn) == 5
    for path, text in drawn.items():
        assert path.read_text("utf-8") == text, f"{path.name}: run python tools/draw_scale.py"
        if path.suffix == ".svg":
            ET.fromstring(text)
            assert f"images/{path.name}" in (DOCS / "scale.md").read_text("utf-8")


def test_the_measurements_keep_the_promises() -> None:
    sizes = {
        size["instances"]: size for size in json.loads((DOCS / "scale.json").read_text("utf-8"))["sizes"]
    }
    for size in sizes.values():
        assert size["memory_mb"] <= 300
        assert size["page_ms"] <= 3
    for less, more in ((10_000, 100_000), (100_000, 1_000_000)):
        assert sizes[more]["processor_seconds"] <= 11 * sizes[less]["processor_seconds"]
        assert sizes[more]["memory_mb"] <= 1.2 * sizes[less]["memory_mb"]
    assert 100_000 / sizes[100_000]["seconds"] >= 5000
