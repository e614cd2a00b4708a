"""Each "how to add" of the page on the architecture works as it is written."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
EXPECTED = {
    "operation": "True\n",
    "field": "{'Umask': '022'}\n",
    "option": "--greeting BATCHCOMPUTE_GREETING what the server says when it starts\n"
    "--greeting must be a text of one character or more, not ''\n",
}


def block(language: str, title: str) -> str:
    found = re.search(rf'^```{language} title="{title}"\n(.*?)^```', PAGE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


@pytest.mark.long
@pytest.mark.parametrize("kind", EXPECTED)
def test_a_recipe_works(kind: str, tmp_path: Path) -> None:
    """The diff applies to a copy, `tools/generate.py` runs in it, and the program prints what the page says."""
    for folder in ("src", "tools", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    patch = block("diff", kind)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-p1", "-"], cwd=tmp_path, input=patch, text=True, check=True)
    for changed in re.findall(r"^[+]{3} b/(.*[.]py)$", patch, re.MULTILINE):
        # The test of the length of modules would refuse the change.
        assert len((tmp_path / changed).read_text("utf-8").splitlines()) <= 400, changed
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    for command in (["tools/generate.py"], ["-c", block("python", f"try the {kind}")]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout == EXPECTED[kind]
    generated = {
        "operation": ("src/batchcompute/client/_sync/_jobs.py", "def get_newest_job(self) -> JobResponse"),
        "field": ("src/batchcompute/resources/task.pyi", "umask"),
        "option": ("docs/serving.md", "`--greeting`"),
    }
    path, text = generated[kind]
    assert text in (tmp_path / path).read_text("utf-8")


def test_the_rooms_of_the_page_are_those_of_the_tree() -> None:
    rooms = re.findall(r"^\| `([a-z.]+)` \|", PAGE, re.MULTILINE)
    for room in rooms:
        path = ROOT / "src" / "batchcompute" / room.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), room
    assert {"errors", "models", "api", "client", "runner", "service.store", "service.domain"} <= set(rooms)


def test_the_arrows_of_the_picture_are_imports() -> None:
    """Each solid arrow is an import, and a room imports no room that has an arrow to it."""
    names = dict(re.findall(r"\b(\w+)\[\"([\w.]+)<br/>", PAGE)) | {"errors": "errors", "runner": "runner"}
    arrows = {
        (names[source], names[target])
        for line in re.findall(r"^\s+(.*-->.*)$", PAGE, re.MULTILINE)
        for source, target in re.findall(r"(\w+)(?:\[[^\]]*\])? --> (\w+)", line)
    }
    assert len(arrows) >= 15
    for source, target in sorted(arrows):
        assert target in imported(source), (source, target)
        assert source not in imported(target), (target, source)


def imported(room: str) -> set[str]:
    folder = ROOT / "src" / "batchcompute" / room.replace(".", "/")
    paths = [*folder.rglob("*.py")] if folder.is_dir() else [folder.with_suffix(".py")]
    found: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("batchcompute"):
                parts = str(node.module).split(".")[1:] + [alias.name for alias in node.names[:1]]
                found |= {parts[0], ".".join(parts[:2])}
    return found


def test_the_picture_is_drawn_from_the_source_of_the_page() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from draw_architecture import digest
    finally:
        sys.path.remove(str(ROOT / "tools"))
    picture = (ROOT / "docs" / "architecture.svg").read_text("utf-8")
    assert f"<!-- source: {digest()} -->" in picture, "run python tools/draw_architecture.py"
