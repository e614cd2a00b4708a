"""Clusters (REST API, 2.3). Their machines, in `machines`, are places on this one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from batchcompute.errors import ValidationError
from batchcompute.models.field_types import format_time
from batchcompute.resources import ClusterDescription, ModifyClusterDescription
from batchcompute.runner.object_urls import split_object_url
from batchcompute.service.api import idempotency
from batchcompute.service.api.requests import Params, new_id
from batchcompute.service.domain.defaults import NO_NOTIFICATION, check_ascii
from batchcompute.service.domain.mappings import entries_of, inner, mount_problems
from batchcompute.service.domain.states import owner_number
from batchcompute.service.errors import denied, not_found, state_conflict
from batchcompute.service.store import machines, transitions
from batchcompute.service.store.buckets import Buckets
from batchcompute.service.store.database import Store, load, save

__all__: list[str] = []


class Clusters:
    """The operations on clusters.

    Args:
        store: The database.
        slots: How many instances run at once on this machine.
        buckets: Who may do what with which bucket.
        changed: Is told of every change, with the attempts that lost their machine.
    """

    def __init__(
        self, store: Store, slots: int, buckets: Buckets, changed: Callable[[transitions.Effects], None]
    ) -> None:
        self._store = store
        self._slots = slots
        self._buckets = buckets
        self._changed = changed

    def create_cluster(self, params: Params) -> dict[str, Any]:
        """Answer CreateCluster."""
        body = params.json()
        description = ClusterDescription(body)
        description.validate()
        check_ascii(description.name, "Name")
        self._check_mounts(description, params.owner)
        if "Description" not in body:
            description.description = ""
        now = format_time(datetime.now(UTC))
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
        with self._store.write() as db:
            same = idempotency.known(db, params, body)
            if same:
                return {"Id": same}
            idempotency.remember(db, params, body, cluster_id)
            seq = db.execute(
                "INSERT INTO clusters (id, owner, state, description, logs, created) VALUES (?, ?, 'Active', ?, ?, ?)",
                (cluster_id, params.owner, description.dump(None), save(logs), now),
            ).lastrowid
            machines.adjust(db, seq or 0, description, transitions.Effects())
        return {"Id": cluster_id}

    def list_clusters(self, params: Params) -> dict[str, Any]:
        """Answer ListClusters."""
        count = params.count()
        with self._store.read() as db:
            start = params.number(params.query.get("Marker", "0") or "0")
            rows = db.execute(
                "SELECT * FROM clusters WHERE owner = ? AND seq >= ? AND (released = 0 OR released > ?) "
                "ORDER BY seq LIMIT ?",
                (params.owner, 2**62 if start is None else start, machines.shown_since(), count + 1),
            ).fetchall()
            items = [_status(db, row) for row in rows[:count]]
        # A number, and not the id: the cluster that the next page begins with may be deleted by then.
        more = str(rows[count]["seq"]) if len(rows) > count else ""
        return {"Items": items, "NextMarker": more}

    def get_cluster(self, params: Params) -> dict[str, Any]:
        """Answer GetCluster."""
        with self._store.read() as db:
            return _status(db, _row(db, params))

    def modify_cluster(self, params: Params) -> None:
        """Answer ModifyCluster."""
        changes = ModifyClusterDescription(params.json())
        changes.validate()
        effects = transitions.Effects()
        with self._store.write() as db:
            row = _active(db, params)
            description = ClusterDescription(row["description"])
            for name, group in changes.groups.items():
                if name not in description.groups:
                    raise not_found("group", name, f"cluster {row['id']}", list(description.groups))
                description.groups[name].update(group)
            for field in ("UserData", "EnvVars", "ImageId"):
                if field in changes:
                    description[field] = changes[field]
            if "Configs" in changes:
                description.configs.mounts = changes.configs.mounts
                self._check_mounts(description, params.owner)
            db.execute(
                "UPDATE clusters SET description = ? WHERE seq = ?", (description.dump(None), row["seq"])
            )
            machines.adjust(db, row["seq"], description, effects)
        self._changed(effects)

    def list_cluster_instances(self, params: Params) -> dict[str, Any]:
        """Answer ListClusterInstances, the oldest first."""
        count = params.count()
        number = params.number(params.query.get("Marker", "") or "0")
        with self._store.read() as db:
            row = _group(db, params)
            prefix = _prefix(row, params)
            start = 2**62 if number is None else number
            rows = machines.listed(db, row["seq"], params.path["GroupName"], start, count + 1)
        more = str(rows[count]["seq"]) if len(rows) > count else ""
        return {"Items": [machines.status(found, prefix) for found in rows[:count]], "NextMarker": more}

    def get_cluster_instance(self, params: Params) -> dict[str, Any]:
        """Answer GetClusterInstance."""
        with self._store.read() as db:
            return machines.status(_machine(db, params), _prefix(_group(db, params), params))

    def recreate_cluster_instance(self, params: Params) -> None:
        """Answer RecreateClusterInstance: another machine, with another id, takes its place."""
        effects = transitions.Effects()
        with self._store.write() as db:
            row = _group(db, params)
            machines.release(db, _running(db, params), effects)
            machines.adjust(db, row["seq"], ClusterDescription(row["description"]), effects)
        self._changed(effects)

    def delete_cluster_instance(self, params: Params) -> None:
        """Answer DeleteClusterInstance: its group wants one machine less from now on."""
        effects = transitions.Effects()
        with self._store.write() as db:
            row = _group(db, params)
            machines.release(db, _running(db, params), effects)
            description = ClusterDescription(row["description"])
            group = description.groups[params.path["GroupName"]]
            group.desired_vm_count = max(0, (group.desired_vm_count or 0) - 1)
            db.execute(
                "UPDATE clusters SET description = ? WHERE seq = ?", (description.dump(None), row["seq"])
            )
        self._changed(effects)

    def delete_cluster(self, params: Params) -> None:
        """Answer DeleteCluster; jobs that need it fail, as there is nowhere else for them to run."""
        effects = transitions.Effects()
        with self._store.write() as db:
            row = _active(db, params)
            now = format_time(datetime.now(UTC))
            transitions.fail_jobs_of(db, row["id"], now, effects)
            machines.release_all(db, row["seq"], effects)
            logs = [*load(row["logs"]), f"[{now}]Deleting cluster"]
            db.execute(
                "UPDATE clusters SET state = 'Deleting', released = ?, logs = ? WHERE seq = ?",
                (time.time(), save(logs), row["seq"]),
            )
            machines.forget(db)
        self._changed(effects)

    def _check_mounts(self, description: ClusterDescription, owner: str) -> None:
        """Refuse mounts that no task of the cluster could have.

        Raises:
            ValidationError: A place or a destination is wrong.
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


def _row(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM clusters WHERE id = ? AND owner = ? AND (released = 0 OR released > ?)",
        (params.path["ClusterId"], params.owner, machines.shown_since()),
    ).fetchone()
    if row is None:
        raise not_found("cluster", params.path["ClusterId"])
    return row


def _active(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    row = _row(db, params)
    if row["state"] != "Active":
        raise state_conflict(row["state"])
    return row


def _group(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    """Return the cluster of a request, if it has the group that the request names."""
    row = _row(db, params)
    groups = load(row["description"])["Groups"]
    if params.path["GroupName"] not in groups:
        raise not_found("group", params.path["GroupName"], f"cluster {row['id']}", list(groups))
    return row


def _prefix(cluster: sqlite3.Row, params: Params) -> str:
    return str(load(cluster["description"])["Groups"][params.path["GroupName"]].get("HostnamePrefix") or "")


def _machine(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    cluster = _group(db, params)
    found = machines.find(db, cluster["seq"], params.path["GroupName"], params.path["InstanceId"])
    if found is None:
        place = f"group {params.path['GroupName']} of cluster {cluster['id']}"
        raise not_found("machine", params.path["InstanceId"], place)
    return found


def _running(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    found = _machine(db, params)
    if found["state"] != "Running":
        raise state_conflict(found["state"])
    return found


def _status(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    description = load(row["description"])
    running = machines.running(db, row["seq"])
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
        "Id": row["id"],
        "Name": description["Name"],
        "Description": description.get("Description") or "",
        "OwnerId": owner_number(row["owner"]),
        "CreationTime": row["created"],
        "State": row["state"],
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
        "OperationLogs": load(row["logs"]),
    }
