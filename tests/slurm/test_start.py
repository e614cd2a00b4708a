"""The look at the nodes when a service starts, with commands that run the script of a job on this machine."""

from __future__ import annotations

import logging
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from batchcompute.errors import ConfigError
from batchcompute.service.engines.slurm import SlurmEngine
from batchcompute.service.engines.slurm.commands import Commands
from batchcompute.service.engines.slurm.doctor import diagnose
from batchcompute.service.engines.slurm.settings import SlurmSettings
from tests.slurm.engines import SETUP
from tests.slurm.test_doctor import fake_site

RUNS = "cat > {folder}/script; SLURMD_NODENAME=n sh {folder}/script 2> {folder}/errors; echo 7"
WAITS = "cat > {folder}/script; echo 7"


def site(folder: Path, job: str = RUNS, state: str = "") -> Commands:
    """Return commands of a site with a node. Its queue has the job in a state; empty for no job."""
    folder.mkdir()
    own = fake_site(folder, "MaxArraySize = 1001")
    submit = job.format(folder=folder)
    (folder / "sbatch").write_text(
        '#!/bin/sh\ntest "$1" = --version && { echo slurm 22.05.8; exit; }\n'
        f'for each; do case $each in --job-name=*) echo "${{each#--job-name=}}" > {folder}/name;; esac; done\n{submit}\n'
    )
    if state:
        line = f'name=$(cat {folder}/name); echo "7|0|{state}||$name|$name|Resources"'
        (folder / "squeue").write_text(f"#!/bin/sh\n{line}\n")
    return own


def chosen(tmp_path: Path, **change: Any) -> dict[str, Any]:
    own = {"directory": str(tmp_path / "shared"), "python": shlex.quote(sys.executable), "setup": SETUP}
    return {**own, "check_seconds": 5, **change}


def start(tmp_path: Path, options: dict[str, Any], commands: Commands) -> SlurmEngine:
    engine = SlurmEngine(SlurmSettings.read(options), tmp_path / "data", "a-", commands=commands)
    try:
        engine.attach([])
    finally:
        engine.close()
    return engine


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"python": "/nowhere/python"}, "Python: /nowhere/python does not run on n: "),
        ({"python": f"{shlex.quote(sys.executable)} -I -S"}, "package: the package cannot be imported on n: ModuleNotFoundError"),
        ({"setup": "cd /nowhere || exit 7", "check_seconds": 0.1}, "job: a small job has not answered within 0.1 seconds: "),
    ],
)  # fmt: skip
def test_a_service_refuses_nodes_in_the_words_of_the_doctor(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    options, commands = chosen(tmp_path, **change), site(tmp_path / "bin", state="FAILED")
    with pytest.raises(ConfigError) as error:
        start(tmp_path, options, commands)
    assert str(error.value).startswith(f"the Slurm engine cannot start: {message}")
    seconds = change.get("check_seconds", 5)
    told = [finding for finding in diagnose(options, "", commands, seconds) if not finding.ok]
    assert str(error.value) == f"the Slurm engine cannot start: {told[0]}"
    # Nothing stays of the look.
    assert not list((tmp_path / "shared").glob("bc-doctor-*"))


def test_nodes_in_order_count_as_nodes_that_work(tmp_path: Path) -> None:
    engine = start(tmp_path, chosen(tmp_path, exclude_after=1), site(tmp_path / "bin"))
    assert "is excluded" in engine._state.nodes.note_loss("other")


def test_busy_nodes_do_not_keep_a_service_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        start(tmp_path, chosen(tmp_path, check_seconds=0.1), site(tmp_path / "bin", WAITS, "PENDING"))
    assert "a small job has not answered within 0.1 seconds: it is PENDING (Resources)" in caplog.text


def test_a_site_that_accepts_no_job_at_this_moment_does_not_either(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = "echo sbatch: error: QOSMaxSubmitJobPerUserLimit >&2; exit 1"
    with caplog.at_level(logging.WARNING):
        start(tmp_path, chosen(tmp_path), site(tmp_path / "bin", refusal))
    assert "QOSMaxSubmitJobPerUserLimit" in caplog.text


def test_the_look_can_be_left_out(tmp_path: Path) -> None:
    start(tmp_path, chosen(tmp_path, check_seconds=0, python="/nowhere/python"), site(tmp_path / "bin"))


def test_a_service_with_attempts_in_slurm_starts_at_once(tmp_path: Path) -> None:
    options, commands = chosen(tmp_path, python="/nowhere/python"), site(tmp_path / "bin")
    before = SlurmEngine(SlurmSettings.read(options), tmp_path / "data", "a-", commands=commands)
    before._state.journal.note_array("bc-a-1", [["a-1"]])
    before.close(leave_running=True)
    start(tmp_path, options, commands)
    assert not (tmp_path / "bin" / "script").exists()
