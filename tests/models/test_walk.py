"""A create crosses few files of the models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_a_create_crosses_six_files_of_the_models() -> None:
    command = [sys.executable, str(ROOT / "tools" / "walk.py"), "create_job", "--files"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    files = [line.split()[1] for line in lines if " models/" in line]
    assert sorted(files) == [
        "models/base.py:",
        "models/constraints.py:",
        "models/fields.py:",
        "models/mapping.py:",
        "models/storage.py:",
        "models/validation.py:",
    ]
