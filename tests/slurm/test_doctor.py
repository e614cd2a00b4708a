"""The doctor of the Slurm engine, on a real cluster and on sites that lack something."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchcompute import __version__
from batchcompute.errors import ConfigError
from batchcompute.service.engines.findings import Finding
from batchcompute.service.engines.slurm import SlurmEngine
from batchcompute.service.engines.slurm.commands import Commands
from batchcompute.service.engines.slurm.doctor import diagnose
from batchcompute.service.engines.slurm.settings import SlurmSettings
from tests.slurm.cluster import Cluster, wait_until
from tests.slurm.engines import commands, options


@pytest.fixture
def healthy() -> Iterator[str]:
    """A server that answers as a service does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def findings(
    cluster: Cluster, shared: Path, endpoint: str = "", seconds: float = 20.0, **change: Any
) -> dict[str, Finding]:
    found = list(diagnose(options(shared, **change), endpoint, commands(cluster), seconds))
    assert all(bool(finding.action) or finding.ok for finding in found)
    return {finding.subject: finding for finding in found}


@pytest.mark.long
def test_a_site_in_order(cluster: Cluster, shared: Path, healthy: str) -> None:
    found = findings(cluster, shared, healthy, types={"one": {"partition": "one"}})
    assert not [str(finding) for finding in found.values() if not finding.ok]
    assert list(found) == [
        "commands", "directory", "controller", "job arrays", "partition", "partition of one", "queue",
        "job", "directory from a node", "Python", "package", "clocks", "endpoint",
        "job of one", "directory from a node of one", "Python of one", "package of one", "clocks of one",
        "endpoint of one",
    ]  # fmt: skip
    assert found["partition"].text == (
        "all has 2 nodes, the largest with 32 CPUs and 8000 MiB of memory; jobs may take any time"
    )
    assert found["job of one"].text == "a small job ran on node n2"
    assert found["package"].text == f"node n1 has version {__version__}"
    assert not list(shared.iterdir())


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "name", "text", "advice"),
    [
        ({"partition": "nope"}, "partition", "the partition 'nope' does not exist; the site has all, one, short, shut", "set the option 'partition'"),
        ({"partition": "shut"}, "partition", "shut is DOWN", "wait for it, or set the option 'partition'"),
        ({"directory": "/proc/nowhere"}, "directory", "/proc/nowhere cannot be written: No such file or directory", "set the option 'directory' to"),
        ({"constraint": "unknown"}, "job", "sbatch: Batch job submission failed: Invalid feature specification", "check the options 'partition'"),
        ({"python": "/nowhere/python"}, "Python", "/nowhere/python does not run on n1", "set the option 'python'"),
        ({"setup": "cd /nowhere || exit 7"}, "job", "a small job has not answered within 3 seconds: it is FAILED (NonZeroExitCode)", "check that the directory"),
        ({"setup": "unset PYTHONPATH", "python": "/usr/bin/python3 -I"}, "package", "the package cannot be imported on n1: ModuleNotFoundError", "install this package"),
        ({"sbatch": "--hold"}, "job", "a small job has not answered within 3 seconds: it is PENDING (JobHeld", "check that the directory"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    cluster: Cluster, shared: Path, change: dict[str, Any], name: str, text: str, advice: str
) -> None:
    finding = findings(cluster, shared, seconds=3, **change)[name]
    assert not finding.ok
    assert text in finding.text
    assert finding.action.startswith(advice)
    wait_until(lambda: not cluster.queue(), "no job stays")


@pytest.mark.long
def test_a_service_that_nodes_do_not_reach(cluster: Cluster, shared: Path) -> None:
    finding = findings(cluster, shared, "http://127.0.0.1:9")["endpoint"]
    assert not finding.ok
    assert "node n1 does not reach http://127.0.0.1:9: " in finding.text
    assert "node_endpoint" in finding.action


def fake_site(folder: Path, config: str, version: str = "slurm 22.05.8") -> Commands:
    """Return commands that print texts."""
    answers = {
        "config": config,
        "partition": "PartitionName=p Default=YES MaxTime=UNLIMITED State=UP",
        "node": "NodeName=n CPUTot=1 Partitions=p",
    }
    for name, answer in answers.items():
        (folder / name).write_text(answer)
    texts = {"sbatch": f"echo {version}", "squeue": "", "scancel": "", "scontrol": f'cat "{folder}/$4"'}
    for name, text in texts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return Commands(5, {"PATH": f"{folder}:/usr/bin:/bin"})


@pytest.mark.parametrize(
    ("config", "version", "message"),
    [
        ("MaxArraySize = 0", "slurm 22.05.8", "MaxArraySize is 0"),
        ("MaxArraySize = 1", "slurm 22.05.8", "job arrays: MaxArraySize is 1, so the site has none; ask for a MaxArraySize of 1001"),
        ("", "slurm 19.05.2", "commands: the version is 'slurm 19.05.2'; use Slurm 20.11 or later"),
    ],
)  # fmt: skip
def test_a_service_refuses_a_site_in_the_words_of_the_doctor(
    tmp_path: Path, config: str, version: str, message: str
) -> None:
    (tmp_path / "bin").mkdir()
    own = fake_site(tmp_path / "bin", config, version)
    chosen = {"directory": str(tmp_path / "shared")}
    engine = SlurmEngine(SlurmSettings.read(chosen), tmp_path, "a-", commands=own)
    with pytest.raises(ConfigError) as error:
        engine.attach([])
    engine.close()
    found = [finding for finding in diagnose(chosen, "", own) if not finding.ok]
    assert str(error.value) == f"the Slurm engine cannot start: {found[0]}"
    assert message in str(found[0])


def test_a_machine_without_commands(tmp_path: Path) -> None:
    chosen = {"directory": str(tmp_path)}
    first, _ = diagnose(chosen, "", Commands(5, {"PATH": str(tmp_path)}))
    assert str(first) == (
        "commands: this machine has no sbatch, squeue, scancel, scontrol; install the client programs of Slurm, or set PATH"
    )
    engine = SlurmEngine(
        SlurmSettings.read(chosen), tmp_path, "a-", commands=Commands(5, {"PATH": str(tmp_path)})
    )
    with pytest.raises(
        ConfigError, match="the Slurm engine cannot start: commands: this machine has no sbatch"
    ):
        engine.attach([])
    engine.close()


def test_a_missing_option_is_an_error_before_anything_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'directory'"):
        next(diagnose({}))


@pytest.mark.long
def test_the_command_runs_the_checks(cluster: Cluster, shared: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "batchcompute.cli", "doctor", "--engine", "slurm", "--port", "0"]
    chosen = {**options(shared), "partition": "one"}
    command += [
        part for name, value in chosen.items() for part in ("--engine-options", f"slurm.{name}={value}")
    ]
    environment = {**os.environ, **cluster.environment, "BATCHCOMPUTE_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "node n2 reaches http://127.0.0.1:" in done.stdout
    done = subprocess.run(
        [*command, "--engine-options", "slurm.constraint=unknown"],
        capture_output=True, text=True, env=environment, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Invalid feature specification" in done.stdout
