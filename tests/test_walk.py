"""The number of files that a call crosses, as `tools/walk.py` counts them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def files_of(call: str) -> list[str]:
    command = [sys.executable, str(ROOT / "tools" / "walk.py"), call, "--files"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[1].rstrip(":") for line in lines if ".py:" in line]


@pytest.mark.skipif(sys.platform == "win32", reason="the service does not run there")
@pytest.mark.parametrize("call", ["create_job", "get_job"])
def test_each_half_of_a_call_crosses_fewer_than_25_files(call: str) -> None:
    files = files_of(call)
    service = [file for file in files if file.startswith("service/")]
    assert 5 < len(service) < 25
    assert 5 < len(files) - len(service) < 25
    assert len(files) < 40


def test_a_create_crosses_six_files_of_the_models() -> None:
    assert [file for file in files_of("create_job") if file.startswith("models/")] == [
        "models/base.py",
        "models/constraints.py",
        "models/fields.py",
        "models/mapping.py",
        "models/storage.py",
        "models/validation.py",
    ]
