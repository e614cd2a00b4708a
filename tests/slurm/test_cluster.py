"""The cluster of the tests ends with the process that has started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm import cluster
from tests.slurm.cluster import carrying, wait_until

pytestmark = pytest.mark.long


# The fixture skips the test where Slurm is not installed.
@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_daemon_stays_behind(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "own"
    process = subprocess.Popen(
        [sys.executable, cluster.__file__, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"export SLURM_CONF={folder}/slurm.conf\n"
    assert len(carrying(str(folder))) >= 5
    process.send_signal(number)
    process.communicate(timeout=30)
    wait_until(lambda: not carrying(str(folder)), "no process of the cluster is left", 10)
