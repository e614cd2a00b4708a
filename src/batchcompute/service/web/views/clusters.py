"""Clusters and their machines."""

from __future__ import annotations

from typing import Any

from batchcompute.service.web.requests import View, ViewRequest, url

__all__: list[str] = []

_MOST_CLUSTERS = 500
_MOST_MACHINES = 500


def list_clusters(request: ViewRequest) -> View:
    """Return the list of clusters."""
    clusters = request.api.every("clusters", most=_MOST_CLUSTERS)
    rows = [
        {
            **cluster,
            "url": url("clusters", cluster["Id"]),
            "desired": sum(group["DesiredVMCount"] for group in cluster["Groups"].values()),
            "actual": sum(group["ActualVMCount"] for group in cluster["Groups"].values()),
        }
        for cluster in reversed(clusters)
    ]
    return View("clusters.html", "Clusters", "clusters", {"clusters": rows})


def show_cluster(request: ViewRequest) -> View:
    """Return the page of a cluster."""
    api, cluster_id = request.api, request.path["cluster"]
    cluster: dict[str, Any] = api.get("clusters", cluster_id)
    groups: list[tuple[str, Any, list[Any]]] = []
    for name, group in cluster["Groups"].items():
        machines = api.every("clusters", cluster_id, "groups", name, "instances", most=_MOST_MACHINES)
        groups.append((name, group, machines))
    logs: list[str] = list(cluster.get("OperationLogs") or [])
    content = {"cluster": cluster, "groups": groups, "logs": logs[-100:]}
    return View("cluster.html", cluster["Name"], "clusters", content)
