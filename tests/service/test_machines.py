"""The machines of clusters: groups grow and shrink, machines are recreated and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from batchcompute import Client, NotFoundError, StateConflictError
from batchcompute.service.store import machine_pools

CLUSTER: dict[str, Any] = {
    "Name": "c",
    "ImageId": "img-ubuntu",
    "Groups": {"g": {"DesiredVMCount": 3, "InstanceType": "ecs.s3.large"}, "none": {"DesiredVMCount": 0}},
}


def test_a_group_has_its_desired_number_of_machines(local: Client) -> None:
    cluster = local.create_cluster(CLUSTER)
    first = [machine.Id for machine in local.iter_cluster_instances(cluster, "g", max_item_count=2)]
    assert len(set(first)) == 3
    assert all(machine_id.startswith("i-") for machine_id in first)
    assert list(local.iter_cluster_instances(cluster, "none")) == []
    local.change_cluster_desired_vm_count(cluster, g=5, none=1)
    grown = [machine.Id for machine in local.iter_cluster_instances(cluster, "g")]
    assert grown[:3] == first
    found = local.get_cluster(cluster)
    assert (found.Groups["g"].ActualVMCount, found.Groups["none"].ActualVMCount) == (5, 1)
    assert found.Metrics.RunningCount == 6
    local.change_cluster_desired_vm_count(cluster, g=2)
    states = {machine.Id: machine.State for machine in local.iter_cluster_instances(cluster, "g")}
    assert [states[machine_id] for machine_id in grown] == ["Running"] * 2 + ["Deleting"] * 3
    assert local.get_cluster(cluster).Groups["g"].ActualVMCount == 2
    local.change_cluster_desired_vm_count(cluster, g=0)
    assert local.get_cluster(cluster).Groups["g"].ActualVMCount == 0


def test_a_machine_is_listed_and_read(local: Client) -> None:
    cluster = local.create_cluster(CLUSTER)
    machine = local.list_cluster_instances(cluster, "g", "", 1)[0]
    same = local.get_cluster_instance(cluster, "g", machine)
    assert (same.Id, same.State, same.IpAddress, same.Hint) == (machine.Id, "Running", "127.0.0.1", "")
    assert same.CreationTime is not None
    assert same.HostName
    for group, machine_id in (("g", "i-0"), ("none", machine.Id), ("other", machine.Id)):
        with pytest.raises(NotFoundError):
            local.get_cluster_instance(cluster, group, machine_id)
    with pytest.raises(NotFoundError):
        local.list_cluster_instances(cluster, "other")


def test_a_machine_is_recreated_and_deleted(local: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = local.create_cluster(CLUSTER)
    before = [machine.Id for machine in local.iter_cluster_instances(cluster, "g")]
    assert local.recreate_cluster_instance(cluster, "g", before[0]).StatusCode == 201
    assert local.get_cluster_instance(cluster, "g", before[0]).State == "Deleting"
    running = [
        machine.Id for machine in local.iter_cluster_instances(cluster, "g") if machine.State == "Running"
    ]
    assert len(running) == 3
    assert before[0] not in running
    for again in (local.recreate_cluster_instance, local.delete_cluster_instance):
        with pytest.raises(StateConflictError):
            again(cluster, "g", before[0])
    assert local.delete_cluster_instance(cluster, "g", before[1]).StatusCode == 202
    found = local.get_cluster(cluster)
    assert (found.Groups["g"].DesiredVMCount, found.Groups["g"].ActualVMCount) == (2, 2)
    monkeypatch.setattr(machine_pools, "_SHOWN_SECONDS", 0)
    with pytest.raises(NotFoundError):
        local.get_cluster_instance(cluster, "g", before[0])
    local.delete_cluster(cluster)
    with pytest.raises(NotFoundError):
        local.list_cluster_instances(cluster, "g")
