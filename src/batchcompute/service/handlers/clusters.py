"""Clusters (reference, 2.3). On this machine they are names that tasks run under."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import UTC, datetime
from typing import Any

from batchcompute._values import format_time
from batchcompute.resources import ClusterDescription, ModifyClusterDescription
from batchcompute.service import idempotency
from batchcompute.service.defaults import NO_NOTIFICATION, check_ascii
from batchcompute.service.faults import not_found
from batchcompute.service.states import owner_number
from batchcompute.service.store import Store, load, save
from batchcompute.service.wire import Params

__all__: list[str] = []

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"


class Clusters:
    """The operations on clusters.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_cluster(self, params: Params) -> dict[str, Any]:
        """Answer CreateCluster."""
        body = params.json()
        description = ClusterDescription(body)
        description.validate()
        check_ascii(description.name, "Name")
        if "Description" not in body:
            description.description = ""
        now = format_time(datetime.now(UTC))
        cluster_id = "cls-" + "".join(secrets.choice(_ALPHABET) for _ in range(18))
        logs = [f"[{now}][{name}]Creating instance group successfully" for name in description.groups]
        logs.append(f"[{now}]Creating cluster successfully")
        with self._store.write() as db:
            same = idempotency.known(db, params, body)
            if same:
                return {"Id": same}
            idempotency.remember(db, params, body, cluster_id)
            db.execute(
                "INSERT INTO clusters (id, owner, state, description, logs, created) VALUES (?, ?, 'Active', ?, ?, ?)",
                (cluster_id, params.owner, description.dump(None), save(logs), now),
            )
        return {"Id": cluster_id}

    def list_clusters(self, params: Params) -> dict[str, Any]:
        """Answer ListClusters."""
        count = params.count()
        with self._store.read() as db:
            start = params.number(params.query.get("Marker", "0") or "0")
            rows = db.execute(
                "SELECT * FROM clusters WHERE owner = ? AND seq >= ? ORDER BY seq LIMIT ?",
                (params.owner, 2**62 if start is None else start, count + 1),
            ).fetchall()
        # A number, and not the id: the cluster that the next page begins with may be deleted by then.
        more = str(rows[count]["seq"]) if len(rows) > count else ""
        return {"Items": [_status(row) for row in rows[:count]], "NextMarker": more}

    def get_cluster(self, params: Params) -> dict[str, Any]:
        """Answer GetCluster."""
        with self._store.read() as db:
            return _status(_row(db, params))

    def modify_cluster(self, params: Params) -> None:
        """Answer ModifyCluster."""
        changes = ModifyClusterDescription(params.json())
        changes.validate()
        with self._store.write() as db:
            row = _row(db, params)
            description = ClusterDescription(row["description"])
            for name, group in changes.groups.items():
                if name not in description.groups:
                    raise not_found()
                description.groups[name].update(group)
            for field in ("UserData", "EnvVars", "ImageId"):
                if field in changes:
                    description[field] = changes[field]
            if "Configs" in changes:
                description.configs.mounts = changes.configs.mounts
            db.execute(
                "UPDATE clusters SET description = ? WHERE seq = ?", (description.dump(None), row["seq"])
            )

    def delete_cluster(self, params: Params) -> None:
        """Answer DeleteCluster; tasks that wait for it run on, as its machines are this machine."""
        with self._store.write() as db:
            db.execute("DELETE FROM clusters WHERE seq = ?", (_row(db, params)["seq"],))


def _row(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM clusters WHERE id = ? AND owner = ?", (params.path["ClusterId"], params.owner)
    ).fetchone()
    if row is None:
        raise not_found()
    return row


def _status(row: sqlite3.Row) -> dict[str, Any]:
    description = load(row["description"])
    groups: dict[str, dict[str, Any]] = {
        name: {
            "DesiredVMCount": group["DesiredVMCount"],
            "ActualVMCount": group["DesiredVMCount"],
            "InstanceType": group.get("InstanceType") or description.get("InstanceType") or "",
            "ResourceType": group.get("ResourceType") or "OnDemand",
            "SpotStrategy": group.get("SpotStrategy") or "",
            "SpotPriceLimit": group.get("SpotPriceLimit") or 0,
        }
        for name, group in description["Groups"].items()
    }
    machines = sum(group["ActualVMCount"] for group in groups.values())
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
        "Metrics": {"StartingCount": 0, "RunningCount": machines, "StoppingCount": 0, "StoppedCount": 0},
        "Configs": description.get("Configs") or {"Disks": {}, "Networks": {}, "Mounts": {}},
        "Notification": description.get("Notification") or NO_NOTIFICATION,
        "OperationLogs": load(row["logs"]),
    }
