from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchcompute.service import embedded
from batchcompute.service.data_directory import default_directory
from tests.cli.helpers import Terminal, Write


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Commands run on a data directory of their own, which is closed after the test."""
    for name in [name for name in os.environ if name.startswith(("BATCHCOMPUTE_", "ALIBABA_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "data"))
    yield
    service = embedded._services.pop(tmp_path / "data", None)
    if service is not None:
        service.close()


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys, default_directory())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), "utf-8")
        return str(path)

    return write
