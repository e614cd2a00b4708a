"""A service with the engines `local` and `slurm`, on a real cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service import LocalService
from batchcompute.service.domain.instance_types import InstanceType
from tests.service.helpers import finish, until
from tests.slurm.cluster import Cluster
from tests.slurm.engines import options


@pytest.mark.long
def test_small_tasks_stay_here_and_large_ones_go_to_slurm(
    cluster: Cluster, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    job = JobDescription(Name="mixed")
    running = shared / "running"
    running.mkdir()
    # Each instance counts those that run at the same time as it does.
    count = f"touch {running}/$$; ls {running} | wc -l >> {shared}/counts; sleep 0.2; rm {running}/$$"
    near = TaskDescription.of_command(count, instance_type="ecs.s3.large")
    near.InstanceCount = 8
    wait = f"touch {shared}/far; while ! test -e {shared}/go; do sleep 0.1; done"
    far = TaskDescription.of_command(wait, instance_type="far")
    job.DAG.add_task("near", near)
    job.DAG.add_task("far", far)
    with (
        LocalService(
            tmp_path / "data",
            engine="local,slurm",
            engine_options={"slurm": options(shared)},
            types=[InstanceType("far", 1, 0.1, engine="slurm")],
            slots=2,
        ) as service,
        service.client() as client,
    ):
        created = client.create_job(job).Id or ""
        until(lambda: client.get_task(created, "near").State == "Finished", 60)
        until((shared / "far").exists, 60)
        (shared / "go").touch()
        finish(client, created)
        nodes = {name: client.list_attempts(created, name, 0)[0].NodeIp for name in ("near", "far")}
    assert nodes["near"] == "127.0.0.1"
    assert nodes["far"] != "127.0.0.1"
    # This machine has 2 slots, although the engines have 1,002 together.
    counts = [int(line) for line in (shared / "counts").read_text().split()]
    assert len(counts) == 8
    assert max(counts) <= 2
