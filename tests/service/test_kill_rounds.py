"""Runs a few rounds of the durability check of the README; the command runs hundreds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")
@pytest.mark.parametrize("rounds", [3, pytest.param(8, marks=pytest.mark.long)])
def test_nothing_is_lost_doubled_or_left_behind(rounds: int) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "kill_rounds.py"), "--rounds", str(rounds), "--seed", "3"],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost, 0 doubled" in done.stdout
    assert "0 orphans" in done.stdout
