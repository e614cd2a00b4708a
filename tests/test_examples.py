"""Every example runs, and prints or draws what it promises."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="they run jobs")


def run(name: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run an example as a user does, and return its stdout. A warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **(environment or {})},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested() -> None:
    text = Path(__file__).read_text("utf-8") + (ROOT / "tests/slurm/test_example.py").read_text("utf-8")
    for path in [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.ipynb")]:
        assert f'"{path.name}"' in text, path.name
        assert path.name in (ROOT / "docs" / "examples.md").read_text("utf-8"), path.name


def test_quickstart() -> None:
    out = run("quickstart.py")
    assert re.search(r"Finished, 3 instances finished$", out, re.MULTILINE)
    assert out.count("exit code 0") == 3


def test_retries_and_failures() -> None:
    out = run("retries_and_failures.py")
    assert re.findall(r"fetch\[0\] attempt \d: (.*)", out) == [
        "Failed, exit code 75",
        "Failed, exit code 75",
        "Finished, exit code 0",
    ]
    assert "its output: 42" in out
    assert "table.csv: No such file or directory" in out
    assert out.count("rows[2] attempt") == 2
    assert out.count("rows[0] attempt") == 1, "a start does not run finished instances again"


def test_the_notebook() -> None:
    """Its cells run one after the other, and the cells that draw give an SVG."""
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text("utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, object] = {"__name__": "__main__"}
    pictures: list[str] = []
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                shown = run_cell("".join(cell["source"]), names)
                if hasattr(shown, "_repr_svg_"):
                    pictures.append(shown._repr_svg_())
    assert "all parts are there" in output.getvalue()
    assert ["<svg" in picture for picture in pictures] == [True, True]
    saved = [entry for cell in notebook["cells"] for entry in cell.get("outputs", ())]
    assert sum("image/svg+xml" in entry.get("data", {}) for entry in saved) == 2, "the pictures are stored"


def run_cell(source: str, names: dict[str, object]) -> object:
    """Run a cell, and return the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "cell", "exec"), names)
        return None
    del tree.body[-1]
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.long
def test_word_count(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Words, words and more words.\n")
    (tmp_path / "b.md").write_text("More of them\n")
    (tmp_path / "c.csv").write_text("not,read\n")
    out = run("word_count.py", str(tmp_path))
    assert "a.txt: 4 words" in out
    assert "b.md: 2 words" in out
    assert re.findall(r"^ +(\w+) +(\d+)  █+$", out, re.MULTILINE)[:2] == [("words", "3"), ("more", "2")]


@pytest.mark.long
def test_parameter_sweep() -> None:
    out = run("parameter_sweep.py")
    columns = [line[6:] for line in out.splitlines() if re.match(r"\d[.]\d\d │", line)]
    values = [sum(line[column : column + 1] == "•" for line in columns) for column in range(64)]
    assert len(columns) == 20
    assert values[0] == 1
    assert values[26] == 2
    assert max(values[55:]) > 12


@pytest.mark.long
def test_render_pictures(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    out = run("render_pictures.py", str(picture), "72", "48")
    assert "72 x 48 pixels in 12 strips" in out
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (72, 48)
    size = struct.unpack(">I", data[33:37])[0]
    pixels = zlib.decompress(data[41 : 41 + size])
    assert len(pixels) == 48 * (1 + 3 * 72)
    assert len(set(pixels)) > 50, "it has many colors"


@pytest.mark.long
def test_async_fan_out() -> None:
    out = run("async_fan_out.py")
    assert len(re.findall(r"s  job-\d+ Finished", out)) == 12
    assert len(re.findall(r"job-\d+ │ *█+$", out, re.MULTILINE)) == 12


@pytest.mark.long
def test_fastapi_app() -> None:
    out = run("fastapi_app.py")
    assert "Finished" in out
    assert "hello from a typed body" in out
    assert "a wrong type: 422 ['body', 'DAG', 'Tasks', 't', 'Timeout']" in out
    assert "'path': 'DAG.Tasks'" in out
    assert "an unknown job: 404" in out


def test_slurm_says_that_there_is_no_slurm(tmp_path: Path) -> None:
    assert "Slurm is not installed" in run("slurm.py", str(tmp_path), environment={"PATH": str(tmp_path)})
