"""`batchcompute doctor`, and `serve` with a wrong option, on a real Slurm cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchcompute.cli import main
from tests.slurm.cluster import Cluster
from tests.slurm.engines import options


@pytest.fixture
def site(cluster: Cluster, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration for the cluster. Programs of this process find the cluster by their environment."""
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    lines = [f"{name} = {json.dumps(value)}" for name, value in options(shared).items()]
    file = tmp_path / "service.toml"
    file.write_text(
        "\n".join(['[serve]\nengine = "slurm"\nport = 0', "[engines.slurm]", *lines, ""]), "utf-8"
    )
    return file


@pytest.mark.long
def test_a_node_reaches_the_doctor_at_the_address_of_the_service(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = str(tmp_path / "data")
    status = main(["doctor", "--config", str(site), "--data-dir", data_dir, "--json"])
    findings = json.loads(capsys.readouterr().out)["Engines"]["slurm"]
    assert status == 0, findings
    endpoint = next(finding for finding in findings if finding["Subject"] == "endpoint")
    assert endpoint["Level"] == "ok"
    assert " reaches http://127.0.0.1:" in endpoint["Text"]


def test_serve_refuses_a_site_in_the_words_of_the_doctor(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", str(site), "--data-dir", str(tmp_path / "data"), "--engine-options"]
    arguments += [f"slurm.directory={tmp_path / 'shared'}", "--engine-options", "slurm.partition=none"]
    assert main(["doctor", *arguments]) == 1
    told = capsys.readouterr().out.splitlines()
    error = next(line for line in told if line.startswith("error"))
    assert main(["serve", *arguments]) == 2
    assert error.removeprefix("error").strip() in capsys.readouterr().err
