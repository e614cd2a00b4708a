"""The old SDK's import path of responses and statuses."""

from __future__ import annotations

from batchcompute.api.responses import (
    ActionResponse,
    CreateResponse,
    GetResponse,
    ListResponse,
    RawResponse,
)
from batchcompute.resources.app import AppRevision
from batchcompute.resources.app import AppStatus as App
from batchcompute.resources.cluster import Cluster, ClusterInstance, Disk, Group, Metrics
from batchcompute.resources.image import Image
from batchcompute.resources.job import (
    Error,
    Instance,
    InstanceMetrics,
    Job,
    Result,
    SynchronousInstance,
    Task,
    TaskMetrics,
)
from batchcompute.resources.quota import (
    AvailableInstanceDesc,
    AvailableNetworkType,
    AvailableResource,
    Quota,
)

__all__ = [
    "ActionResponse",
    "App",
    "AppRevision",
    "AvailableInstanceDesc",
    "AvailableNetworkType",
    "AvailableResource",
    "Cluster",
    "ClusterInstance",
    "CreateResponse",
    "Disk",
    "Error",
    "GetResponse",
    "Group",
    "Image",
    "Instance",
    "InstanceMetrics",
    "Job",
    "ListResponse",
    "Metrics",
    "Quota",
    "RawResponse",
    "Result",
    "SynchronousInstance",
    "Task",
    "TaskMetrics",
]
