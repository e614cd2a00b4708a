"""The quickstart, line by line: somebody who follows it gets what it promises."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text("utf-8")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it runs jobs")


def block(language: str, text: str) -> str:
    """Return the block of a language that contains a text."""
    blocks: list[str] = [
        one for one in re.findall(rf"^```{language}[^\n]*\n(.*?)^```", PAGE, re.S | re.M) if text in one
    ]
    assert len(blocks) == 1, text
    return blocks[0]


@pytest.mark.long
def test_the_lines_of_the_quickstart(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "batchcompute"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m batchcompute.cli "$@"\n')
    program.chmod(0o700)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "BATCHCOMPUTE_DATA_DIR": str(tmp_path / "data"),
    }

    def shell(line: str) -> tuple[int, str]:
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    line = block("sh", "hello from").strip()
    code, output = shell(line)
    assert (code, output.count("hello from")) == (0, 1), output
    code, output = shell(f"{line} --count 3")
    assert code == 0, output
    code, output = shell(f"batchcompute logs {re.findall(r'job-[0-9A-F]+', output)[0]}")
    assert (code, output.count("hello from")) == (0, 3), output
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(block("yaml", "cat parts.txt"))
    up, _page = block("sh", "batchcompute up").splitlines()
    code, output = shell(f"{up} --port 0")
    assert code == 0, output
    try:
        code, output = shell(block("sh", "run pipeline.yaml"))
        assert code == 1
        assert re.search(r"^  merge\[0\] exit code 1 ProgramFailed", output, re.M), output
        assert "| cat: parts.txt: No such file or directory" in output
        broken = re.findall(r"(job-\w+) failed", output)[0]
        code, output = shell(block("sh", "batchcompute start ID").replace("ID", broken))
        assert code == 0, output
        pipeline.write_text(pipeline.read_text().replace("cat parts.txt", "echo merged"))
        code, output = shell("batchcompute run pipeline.yaml")
        assert code == 0, output
        assert "finished" in output.splitlines()[-1]
    finally:
        code, output = shell("batchcompute down")
    assert code == 0, output
