"""Helpers for the tests of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchcompute.cli import main
from batchcompute.service import LocalService


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str


class Terminal:
    """Runs commands in this process, on one data directory."""

    def __init__(self, capsys: pytest.CaptureFixture[str], directory: Path) -> None:
        self._capsys = capsys
        self.directory = directory

    def __call__(self, *words: str) -> Done:
        status = main([*words])
        said = self._capsys.readouterr()
        return Done(status, said.out, said.err)

    def make_directory(self) -> None:
        """Make the data directory, as the first service does."""
        LocalService(self.directory).close()


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    environment = {**os.environ, **options.pop("environment", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "batchcompute.cli", *words],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment, **options},
    )


Write = Callable[[str, str], str]
