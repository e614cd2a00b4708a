"""Every public name of the old SDK exists, or the page on migration lists it with a reason."""

from __future__ import annotations

import importlib
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import batchcompute

ROOT = Path(__file__).parent.parent.parent
OLD = json.loads((ROOT / "tests" / "wire" / "names.json").read_text("utf-8"))
DETECTOR = ("batchcompute.core", "api")
MODULES = [key for key in OLD if key.startswith("batchcompute")]


def gone_rows() -> list[tuple[list[str], list[str], str]]:
    """Return the modules, the names and the reason of each row of the table of removed names."""
    page = (ROOT / "docs" / "migration.md").read_text("utf-8")
    section = page.partition("### Removed names\n")[2].partition("\n#")[0]
    rows: list[tuple[list[str], list[str], str]] = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        modules, names, why = cells
        rows.append((words(modules), words(names), why))
    return rows


def words(cell: str) -> list[str]:
    return [word.strip("`") for word in cell.split(", ")]


ROWS = gone_rows()


def missing(key: str) -> list[str]:
    """Return the names of a module, or of a class in it (``module:class``), that do not exist here."""
    module, _, cls = key.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ImportError:
        found = None
    if cls:
        # Attributes of instances, such as `Client.version`, count too.
        found = batchcompute.Client("cn-qingdao", "a", "b") if cls == "Client" else getattr(found, cls, None)
    # The package `batchcompute.core.api` detects the vendor's files. It is an attribute only once it is imported.
    return [name for name in OLD[key].split() if not hasattr(found, name) or (key, name) == DETECTOR]


MISSING = [
    (key.partition(":")[0].removeprefix("batchcompute."), f"{cls}.{name}" if cls else name)
    for key in MODULES
    for cls in [key.partition(":")[2]]
    for name in missing(key)
]


def in_row(row: tuple[list[str], list[str], str], module: str, name: str) -> bool:
    modules, names, _ = row
    return any(fnmatchcase(module, pattern) for pattern in modules) and any(
        fnmatchcase(name, pattern) for pattern in names
    )


@pytest.mark.parametrize("key", MODULES)
def test_every_old_name_exists_or_is_listed_as_removed(key: str) -> None:
    module, _, cls = key.removeprefix("batchcompute.").partition(":")
    for name in missing(key):
        full = f"{cls}.{name}" if cls else name
        assert any(in_row(row, module, full) for row in ROWS), f"{key}: {name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][0])
def test_names_listed_as_removed_do_not_exist(row: tuple[list[str], list[str], str]) -> None:
    modules, names, why = row
    assert why
    hit = [(module, name) for module, name in MISSING if in_row(row, module, name)]
    for pattern in modules:
        assert any(fnmatchcase(module, pattern) for module, _ in hit), pattern
    for pattern in names:
        assert any(fnmatchcase(name, pattern) for _, name in hit), pattern


def test_moved_names_are_where_the_page_says() -> None:
    (row,) = (row for row in ROWS if "`batchcompute.utils`" in row[2])
    homes = [
        importlib.import_module(home.strip("`"))
        for home in row[2].replace(",", " ").split()
        if home.startswith("`batchcompute")
    ]
    assert len(homes) > 2
    for pattern in row[1]:
        assert any(hasattr(home, pattern) for home in homes), pattern
