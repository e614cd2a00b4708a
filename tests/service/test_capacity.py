"""Clusters limit the number of running instances; messages say where jobs ask for more than the machine has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from batchcompute import Client, ClientError
from batchcompute.resources import TaskDescription
from batchcompute.service import LocalService
from batchcompute.service.domain.instance_types import InstanceType
from tests.service.helpers import alive, carrying, finish, job, output, task, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for what is left running")


def cluster(client: Client, count: int) -> str:
    return client.create_cluster(
        {
            "Name": "c",
            "ImageId": "img-ubuntu",
            "Groups": {"g": {"DesiredVMCount": count, "InstanceType": "x"}},
        }
    ).Id


def on(cluster_id: str, command: str, **fields: Any) -> Any:
    made = task(command, **fields)
    del made.AutoCluster
    made.ClusterId = cluster_id
    return made


def test_no_more_run_at_once_than_a_cluster_has_machines(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=4) as service, service.client() as client:
        one = cluster(client, 1)
        job_id = client.create_job(job({"t": on(one, "sleep 60", InstanceCount=3)})).Id
        until(lambda: client.get_job(job_id).InstanceMetrics.RunningCount == 1)
        # A later job without a cluster does not wait for the cluster.
        other = client.create_job(job("true")).Id
        finish(client, other)
        assert client.get_job(job_id).InstanceMetrics.RunningCount == 1
        client.change_cluster_desired_vm_count(one, g=3)
        until(lambda: client.get_job(job_id).InstanceMetrics.RunningCount == 3)


def test_programs_know_their_cluster_and_machine(service: LocalService, local: Client) -> None:
    one = cluster(local, 1)
    command = "echo $BATCH_COMPUTE_CLUSTER_ID $BATCH_COMPUTE_WORKER_ID"
    job_id = local.create_job(job({"a": on(one, command), "b": task(command)})).Id
    finish(local, job_id)
    machine = next(iter(local.iter_cluster_instances(one, "g"))).Id
    assert output(service, local, job_id, "a").split() == [one, machine]
    auto, worker = output(service, local, job_id, "b").split()
    assert auto.startswith("cls-")
    assert auto != one
    assert worker.startswith("i-")


def test_a_task_waits_for_machines_and_its_job_says_so(local: Client) -> None:
    none = cluster(local, 0)
    job_id = local.create_job(job({"t": on(none, "true")})).Id
    assert f"cluster {none} has no machines" in local.get_job(job_id).Message
    local.change_cluster_desired_vm_count(none, g=1)
    finish(local, job_id)
    assert "no machines" not in local.get_job(job_id).Message


def test_instances_of_a_released_machine_run_again_on_another_one(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=4) as service, service.client() as client:
        two = cluster(client, 1)
        flag = tmp_path / "go"
        command = f"until [ -e {flag} ]; do sleep 0.02; done"
        job_id = client.create_job(job({"t": on(two, command)})).Id
        pids = until(lambda: carrying(job_id))
        machine = next(iter(client.iter_cluster_instances(two, "g"))).Id
        client.recreate_cluster_instance(two, "g", machine)
        until(lambda: not any(alive(pid) for pid in pids))
        until(lambda: client.get_instance(job_id, "t", 0).RetryCount == 1)
        flag.touch()
        finish(client, job_id)


def test_a_group_that_shrinks_gives_up_idle_machines_first(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=4) as service, service.client() as client:
        two = cluster(client, 2)
        job_id = client.create_job(job({"t": on(two, "sleep 60")})).Id
        until(lambda: carrying(job_id))
        client.change_cluster_desired_vm_count(two, g=1)
        assert client.get_instance(job_id, "t", 0).State == "Running"
        assert client.get_instance(job_id, "t", 0).RetryCount == 0


def test_jobs_of_a_cluster_that_is_deleted_fail(local: Client) -> None:
    one = cluster(local, 1)
    job_id = local.create_job(job({"t": on(one, "sleep 60", InstanceCount=2)})).Id
    until(lambda: carrying(job_id))
    local.delete_cluster(one)
    assert local.get_job(job_id).State == "Failed"
    assert one in local.get_job(job_id).Message
    until(lambda: not carrying(job_id))
    with pytest.raises(ClientError) as caught:
        local.start_job(job_id)
    assert caught.value.code == "InvalidClusterId"


def test_an_auto_cluster_may_name_a_cluster(local: Client) -> None:
    none = cluster(local, 0)
    job_id = local.create_job(job({"t": task("true", AutoCluster={"ClusterId": none})})).Id
    assert none in local.get_job(job_id).Message
    with pytest.raises(ClientError):
        local.create_job(job({"t": task("true", AutoCluster={"ClusterId": "cls-none"})}))


def test_a_job_that_asks_for_more_than_the_machine_has_says_so_while_it_waits(tmp_path: Path) -> None:
    types = [InstanceType("huge", 4096, 1), InstanceType("fat", 1, 1_000_000), InstanceType("small", 1, 0.1)]
    with LocalService(tmp_path / "data", slots=2, types=types) as service, service.client() as client:
        names = client.get_quotas().AvailableClusterInstanceType
        assert {"huge", "ecs.s3.large"} <= set(names)

        def message(**fields: Any) -> str:
            job_id = client.create_job(job({"t": task("true", **fields)})).Id
            said = str(client.get_job(job_id).Message)
            client.stop_job(job_id)
            assert client.get_job(job_id).Message == ""
            return said

        blocker = client.create_job(job({"t": task("sleep 60", InstanceCount=2)})).Id
        until(lambda: client.get_job(blocker).InstanceMetrics.RunningCount == 2)
        slots = "It waits for a slot: all 2 are taken."
        assert "huge with 4096 cores" in message(AutoCluster={"InstanceType": "huge"})
        assert "1e+06 GB" in message(AutoCluster={"InstanceType": "fat"})
        assert message(AutoCluster={"InstanceType": "small"}, InstanceCount=2) == slots
        assert "2 run at a time" in message(AutoCluster={"InstanceType": "small"}, InstanceCount=3)
        service._parts.keys.add("other", "secret", "other")
        with service.client("other", "secret") as other:
            waiting = other.create_job(job({"t": TaskDescription.of_command("true")})).Id
            assert other.get_job(waiting).Message == slots.replace("taken", "taken by jobs of other owners")
            other.stop_job(waiting)
        logs = client.get_cluster(cluster(client, 5)).OperationLogs
        assert any("2 instances run at a time" in line for line in logs)


def test_reserve_on_fail_keeps_the_working_directory(service: LocalService, local: Client) -> None:
    kept = task("echo left > file; exit 1", AutoCluster={"InstanceType": "x", "ReserveOnFail": True})
    job_id = local.create_job(job({"t": kept})).Id
    finish(local, job_id, "Failed")
    place = service.data_dir / "kept" / f"{job_id}.t.0"
    until(place.is_dir)
    assert (place / "file").read_text() == "left\n"
    assert str(place) in local.get_instance(job_id, "t", 0).Result.detail_text
    local.delete_job(job_id)
    until(lambda: not place.exists())


def test_a_job_behind_a_full_cluster_is_found_among_many(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=2) as service, service.client() as client:
        full = [cluster(client, 0) for _ in range(5)]
        for number in range(50):
            client.create_job(job({"t": on(full[number % 5], "true", InstanceCount=20)}, Priority=10))
        finish(client, client.create_job(job("true")).Id)
