"""The program of section 1 of the old guide, and the quickstart, run unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the service runs commands through /bin/sh")


def run(program: Path, tmp_path: Path) -> str:
    environment = {**os.environ, "BATCHCOMPUTE_DATA_DIR": str(tmp_path / "data"), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", str(program)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert result.returncode == 0, result.stderr
    assert not result.stderr
    return result.stdout


def test_the_program_of_the_old_guide_runs(tmp_path: Path) -> None:
    assert run(ROOT / "tests" / "typing" / "guide.py", tmp_path) == ""
    logs = sorted((tmp_path / "data" / "oss" / "xxx" / "xxx").glob("stdout.*.Echo.*"))
    assert [path.read_text() for path in logs] == ["Batchcompute service\n"] * 3


def test_the_quickstart_runs(tmp_path: Path) -> None:
    output = run(ROOT / "examples" / "quickstart.py", tmp_path)
    assert ": Waiting" in output or ": Running" in output
    assert ": Finished, 3 instances finished" in output
    for number in range(3):
        assert f"instance {number} of Echo" in output
    paths = [Path(line.strip()) for line in output.splitlines() if "/oss/demo/logs/" in line]
    assert len(paths) == 3
    assert all(path.is_file() for path in paths)
