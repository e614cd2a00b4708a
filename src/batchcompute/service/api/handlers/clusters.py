"""The operations on clusters and their machines (REST API, 2.3)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

from batchcompute import resources
from batchcompute.errors import ValidationError
from batchcompute.runner.object_urls import split_object_url
from batchcompute.service.api import idempotency
from batchcompute.service.api.paging import page
from batchcompute.service.api.routes import Params
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain.capacity import KnownTypes
from batchcompute.service.domain.defaults import NO_NOTIFICATION, check_ascii
from batchcompute.service.domain.ids import new_id
from batchcompute.service.domain.states import owner_number
from batchcompute.service.domain.task_needs import entries_of, inner, mount_problems
from batchcompute.service.errors import denied, invalid, not_found, state_conflict
from batchcompute.service.objects.ownership import Buckets
from batchcompute.service.store import machine_pools, transitions
from batchcompute.service.store.database import Effects, Store, Transaction
from batchcompute.service.store.rows import ClusterRow, MachineRow

__all__: list[str] = []


class Clusters:
    """The operations on clusters; all machines of clusters are this one.

    Args:
        store: The database.
        slots: How many instances run at once on this machine.
        types: The instance types that the service knows.
        buckets: The owners of buckets.
        changed: Called after every change, with the attempts that lost their machine.
        clock: The source of time.
    """

    def __init__(
        self,
        store: Store,
        slots: int,
        types: KnownTypes,
        buckets: Buckets,
        changed: Callable[[Effects], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._slots = slots
        self._types = types
        self._buckets = buckets
        self._changed = changed
        self._clock = clock

    def create_cluster(self, params: Params) -> dict[str, Any]:
        """Answer CreateCluster."""
        body = params.json()
        description = resources.ClusterDescription(body)
        description.validate()
        check_ascii(description.name, "Name")
        self._check_mounts(description, params.owner)
        self._check_types({"The cluster": description.instance_type}, description.groups)
        if "Description" not in body:
            description.description = ""
        now = timestamp(self._clock)
        cluster_id = new_id("cls-")
        logs = [f"[{now}][{name}]Creating instance group successfully" for name in description.groups]
        logs.append(f"[{now}]Creating cluster successfully")
        wanted = sum(group.desired_vm_count or 0 for group in description.groups.values())
        if wanted > self._slots:
            logs.append(
                f"[{now}]{wanted} machines share this one, where {self._slots} instances run at a time"
            )
        if description.bootstrap:
            logs.append(f"[{now}]Bootstrap is not run: the machines are this one, which runs already")
        with self._store.write() as transaction:
            same = idempotency.known(transaction, params, body)
            if same:
                return {"Id": same}
            idempotency.remember(transaction, params, body, cluster_id, self._clock)
            seq = transaction.clusters.insert(cluster_id, params.owner, description, logs, now)
            machine_pools.adjust(transaction, seq, description, self._clock)
        return {"Id": cluster_id}

    def _check_types(self, asked: Mapping[str, str | None], groups: Mapping[str, Any]) -> None:
        names = {**asked, **{f"Group {name}": group.instance_type for name, group in groups.items()}}
        refusal = self._types.refusal_of_names({place: str(name or "") for place, name in names.items()})
        if refusal:
            raise invalid("InstanceType", refusal)

    def list_clusters(self, params: Params) -> dict[str, Any]:
        """Answer ListClusters."""
        count = params.count()
        shown_since = machine_pools.shown_since(self._clock)
        with self._store.read() as transaction:
            rows = transaction.clusters.page(params.owner, params.first_number(), count + 1, shown_since)
            # The row number instead of the id, because the first cluster of the next page may be deleted meanwhile.
            return page(rows, count, lambda row: _status(transaction, row), lambda row: row.seq)

    def get_cluster(self, params: Params) -> dict[str, Any]:
        """Answer GetCluster."""
        with self._store.read() as transaction:
            return _status(transaction, self._find(transaction, params))

    def modify_cluster(self, params: Params) -> None:
        """Answer ModifyCluster."""
        changes = resources.ModifyClusterDescription(params.json())
        changes.validate()
        with self._store.write() as transaction:
            cluster = self._find_active(transaction, params)
            description = resources.ClusterDescription(cluster.text)
            for name, group in changes.groups.items():
                if name not in description.groups:
                    raise not_found("group", name, f"cluster {cluster.id}", list(description.groups))
                description.groups[name].update(group)
            self._check_types({}, changes.groups)
            for field in ("UserData", "EnvVars", "ImageId"):
                if field in changes:
                    description[field] = changes[field]
            if "Configs" in changes:
                description.configs.mounts = changes.configs.mounts
                self._check_mounts(description, params.owner)
            transaction.clusters.set_description(cluster.seq, description)
            machine_pools.adjust(transaction, cluster.seq, description, self._clock)
        self._changed(transaction.effects)

    def delete_cluster(self, params: Params) -> None:
        """Answer DeleteCluster; jobs that need the cluster fail."""
        with self._store.write() as transaction:
            cluster = self._find_active(transaction, params)
            now = timestamp(self._clock)
            transitions.fail_jobs_of(transaction, cluster.id, now)
            machine_pools.release_all(transaction, cluster.seq, self._clock)
            logs = [*cluster.logs, f"[{now}]Deleting cluster"]
            transaction.clusters.release(cluster.seq, self._clock.time(), logs)
            machine_pools.delete_released(transaction, self._clock)
        self._changed(transaction.effects)

    def list_cluster_instances(self, params: Params) -> dict[str, Any]:
        """Answer ListClusterInstances, the oldest first."""
        count = params.count()
        group = params.path["GroupName"]
        with self._store.read() as transaction:
            cluster = self._find_group(transaction, params)
            shown_since = machine_pools.shown_since(self._clock)
            rows = transaction.machines.page(
                cluster.seq, group, params.first_number(), count + 1, shown_since
            )
        prefix = _host_prefix(cluster, group)
        return page(rows, count, lambda row: _machine_status(row, prefix), lambda row: row.seq)

    def get_cluster_instance(self, params: Params) -> dict[str, Any]:
        """Answer GetClusterInstance."""
        with self._store.read() as transaction:
            cluster, machine = self._find_machine(transaction, params)
        return _machine_status(machine, _host_prefix(cluster, params.path["GroupName"]))

    def recreate_cluster_instance(self, params: Params) -> None:
        """Answer RecreateClusterInstance: another machine, with another id, replaces it."""
        with self._store.write() as transaction:
            cluster, machine = self._find_running(transaction, params)
            machine_pools.release(transaction, machine, self._clock)
            machine_pools.adjust(transaction, cluster.seq, cluster.description, self._clock)
        self._changed(transaction.effects)

    def delete_cluster_instance(self, params: Params) -> None:
        """Answer DeleteClusterInstance; the desired number of machines of the group decreases by one."""
        with self._store.write() as transaction:
            cluster, machine = self._find_running(transaction, params)
            machine_pools.release(transaction, machine, self._clock)
            description = resources.ClusterDescription(cluster.text)
            group = description.groups[params.path["GroupName"]]
            group.desired_vm_count = max(0, (group.desired_vm_count or 0) - 1)
            transaction.clusters.set_description(cluster.seq, description)
        self._changed(transaction.effects)

    def _check_mounts(self, description: resources.ClusterDescription, owner: str) -> None:
        """Refuse mounts that no task of the cluster could have.

        Raises:
            ValidationError: A source or a destination is wrong.
            ApiError: A bucket belongs to another owner.
        """
        mounts = inner(description.detail(), "Configs", "Mounts")
        problems = list(mount_problems(mounts, "Configs.Mounts"))
        if problems:
            raise ValidationError(problems)
        for entry in entries_of(mounts):
            bucket, _ = split_object_url(entry["Source"])
            if not self._buckets.may_read(owner, bucket):
                raise denied(bucket)

    def _find(self, transaction: Transaction, params: Params) -> ClusterRow:
        cluster_id = params.path["ClusterId"]
        cluster = transaction.clusters.find(cluster_id, params.owner, machine_pools.shown_since(self._clock))
        if cluster is None:
            raise not_found("cluster", cluster_id)
        return cluster

    def _find_active(self, transaction: Transaction, params: Params) -> ClusterRow:
        cluster = self._find(transaction, params)
        if cluster.state != "Active":
            raise state_conflict(cluster.state)
        return cluster

    def _find_group(self, transaction: Transaction, params: Params) -> ClusterRow:
        """Return the cluster of a request, if it has the group that the request names."""
        cluster = self._find(transaction, params)
        groups = cluster.description.groups
        if params.path["GroupName"] not in groups:
            raise not_found("group", params.path["GroupName"], f"cluster {cluster.id}", list(groups))
        return cluster

    def _find_machine(self, transaction: Transaction, params: Params) -> tuple[ClusterRow, MachineRow]:
        cluster = self._find_group(transaction, params)
        group, machine_id = params.path["GroupName"], params.path["InstanceId"]
        shown_since = machine_pools.shown_since(self._clock)
        machine = transaction.machines.find(cluster.seq, group, machine_id, shown_since)
        if machine is None:
            raise not_found("machine", machine_id, f"group {group} of cluster {cluster.id}")
        return cluster, machine

    def _find_running(self, transaction: Transaction, params: Params) -> tuple[ClusterRow, MachineRow]:
        cluster, machine = self._find_machine(transaction, params)
        if machine.state != "Running":
            raise state_conflict(machine.state)
        return cluster, machine


def _host_prefix(cluster: ClusterRow, group: str) -> str:
    return cluster.description.groups[group].detail().get("HostnamePrefix") or ""


def _machine_status(machine: MachineRow, host_prefix: str) -> dict[str, Any]:
    return {
        "Id": machine.id,
        "State": machine.state,
        "Hint": "",
        "IpAddress": "127.0.0.1",
        # Programs tell machines apart by their host names, so the names differ although all are this machine.
        "HostName": f"{host_prefix or socket.gethostname()}-{machine.id.removeprefix('i-')}",
        "EcsInstanceId": machine.id,
        "ErrorCode": 0,
        "ErrorMessage": "",
        "CreationTime": machine.created,
        "InstancePassword": "",
    }


def _status(transaction: Transaction, cluster: ClusterRow) -> dict[str, Any]:
    description: dict[str, Any] = cluster.description.detail()
    running = transaction.machines.count_by_group(cluster.seq)
    groups: dict[str, dict[str, Any]] = {
        name: {
            "DesiredVMCount": group["DesiredVMCount"],
            "ActualVMCount": running.get(name, 0),
            "InstanceType": group.get("InstanceType") or description.get("InstanceType") or "",
            "ResourceType": group.get("ResourceType") or "OnDemand",
            "SpotStrategy": group.get("SpotStrategy") or "",
            "SpotPriceLimit": group.get("SpotPriceLimit") or 0,
        }
        for name, group in description["Groups"].items()
    }
    return {
        "Id": cluster.id,
        "Name": description["Name"],
        "Description": description.get("Description") or "",
        "OwnerId": owner_number(cluster.owner),
        "CreationTime": cluster.created,
        "State": cluster.state,
        "ImageId": description.get("ImageId") or "",
        "InstanceType": description.get("InstanceType") or "",
        "UserData": description.get("UserData") or {},
        "EnvVars": description.get("EnvVars") or {},
        "Bootstrap": description.get("Bootstrap") or "",
        "Groups": groups,
        "Metrics": {
            "StartingCount": 0,
            "RunningCount": sum(running.values()),
            "StoppingCount": 0,
            "StoppedCount": 0,
        },
        "Configs": description.get("Configs") or {"Disks": {}, "Networks": {}, "Mounts": {}},
        "Notification": description.get("Notification") or NO_NOTIFICATION,
        "OperationLogs": list(cluster.logs),
    }
