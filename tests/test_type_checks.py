"""The type checks of continuous integration find a wrong type anywhere under ``src``."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "src").rglob("*.py"))


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("check_bodies", ROOT / "tools" / "check_bodies.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


check_bodies = _load()


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Yield the statements of a module, and of each class, function and branch in it."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                yield block
        for case in [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]:
            yield case.body


def _plant(source: str) -> str:
    """Put an assignment of a wrong type before the first statement of every block."""
    lines = source.splitlines()
    starts: dict[int, int] = {}
    for block in _blocks(ast.parse(source)):
        first = next(
            (node for node in block if not check_bodies._is_text(node) and not _is_future(node)), None
        )
        if first is not None:
            at = check_bodies._span(first)[0]
            # A statement may stand on the line of its block, and `elif` is an `if` in a block of its own.
            if lines[at][: first.col_offset].strip() in ("", "@") and not lines[at].lstrip().startswith(
                "elif"
            ):
                starts[at] = len(lines[at]) - len(lines[at].lstrip())
    for number, at in enumerate(sorted(starts, reverse=True)):
        lines.insert(at, f'{" " * starts[at]}planted_{number}: int = "a"')
    return "\n".join(lines) + "\n"


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _planted(path: Path) -> set[int]:
    return {
        number
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if line.lstrip().startswith("planted_")
    }


@pytest.mark.long
def test_a_wrong_type_anywhere_under_src_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module in MODULES:
        (tmp_path / module).write_text(_plant((ROOT / module).read_text("utf-8")), "utf-8")
    found = [
        *check_bodies.mypy(tmp_path, tmp_path / "cache", "src"),
        *check_bodies.check(tmp_path, pyright=False),
    ]
    errors = {(item.path, item.line) for item in found}
    assert sum(len(_planted(tmp_path / module)) for module in MODULES) > 5000
    missed = [
        f"{module}:{line}"
        for module in MODULES
        for line in sorted(_planted(tmp_path / module))
        if (str(module), line) not in errors
    ]
    assert missed == []


def test_continuous_integration_runs_these_checks() -> None:
    steps = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert {"$python -m mypy", "$python tools/check_bodies.py"} <= set(steps)
