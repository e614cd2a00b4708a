"""The responses to gets, each of which is also the resource."""

from __future__ import annotations

from batchcompute.api.job_responses import (
    InstanceResponse,
    JobDescriptionResponse,
    JobResponse,
    ResourceResponse,
    SynchronousInstanceResponse,
    TaskResponse,
)
from batchcompute.resources.app import AppStatus
from batchcompute.resources.cluster import Cluster, ClusterInstance
from batchcompute.resources.image import Image
from batchcompute.resources.quota import AvailableResource, Quota

__all__ = [
    "AppResponse",
    "AvailableResourceResponse",
    "ClusterInstanceResponse",
    "ClusterResponse",
    "ImageResponse",
    "InstanceResponse",
    "JobDescriptionResponse",
    "JobResponse",
    "QuotaResponse",
    "SynchronousInstanceResponse",
    "TaskResponse",
]


class ClusterResponse(ResourceResponse, Cluster):
    """The response to GetCluster."""


class ClusterInstanceResponse(ResourceResponse, ClusterInstance):
    """The response to GetClusterInstance."""


class ImageResponse(ResourceResponse, Image):
    """The response to GetImage."""


class AppResponse(ResourceResponse, AppStatus):
    """The response to GetApp and GetAppDetail."""


class QuotaResponse(ResourceResponse, Quota):
    """The response to GetQuota."""


class AvailableResourceResponse(ResourceResponse, AvailableResource):
    """The response to GetAvailableResource."""
