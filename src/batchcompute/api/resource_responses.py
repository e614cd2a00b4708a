"""The responses to gets, each of which is also the resource."""

from __future__ import annotations

from typing import Any, ClassVar

from batchcompute.api.responses import GetResponse, HttpResponse, attach
from batchcompute.models.base import Jsonizable
from batchcompute.resources.app import AppStatus
from batchcompute.resources.appjob import App
from batchcompute.resources.cluster import Cluster, ClusterInstance
from batchcompute.resources.image import Image
from batchcompute.resources.job import Instance, Job, JobDescription, SynchronousInstance, Task
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

_NO_RESPONSE = HttpResponse(0, {}, b"")


class _ResourceResponse(GetResponse, Jsonizable):
    """A `GetResponse` that is also a resource.

    ``client.get_job(job_id)`` has the fields of a ``Job`` (``.State``, ``["Id"]``), ``.RequestId`` and
    ``.StatusCode``. Copies and pickles keep the HTTP response.
    """

    __slots__ = ("_kept",)

    _is_response: ClassVar[bool] = True

    @property
    def _raw(self) -> HttpResponse:
        # An object that a caller created has no HTTP response.
        return getattr(self, "_kept", _NO_RESPONSE)

    def _copy_to(self, target: Any, values: dict[str, Any], extra: dict[str, Any] | None) -> None:
        super()._copy_to(target, values, extra)
        attach(target, self._raw)

    def __getstate__(self) -> dict[Any, Any]:
        return {**super().__getstate__(), "raw": self._raw}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        attach(self, state["raw"])


class JobResponse(_ResourceResponse, Job):
    """The response to GetJob."""


class JobDescriptionResponse(_ResourceResponse, JobDescription):
    """The response to GetJobDescription, for DAG jobs and App jobs; ``Type`` distinguishes them."""

    app: App | None = None
    """The app of an App job; empty for a DAG job."""


class TaskResponse(_ResourceResponse, Task):
    """The response to GetTask."""


class InstanceResponse(_ResourceResponse, Instance):
    """The response to GetInstance."""


class SynchronousInstanceResponse(_ResourceResponse, SynchronousInstance):  # type: ignore[override]
    """The response to a synchronous CreateJob of an App job."""


class ClusterResponse(_ResourceResponse, Cluster):
    """The response to GetCluster."""


class ClusterInstanceResponse(_ResourceResponse, ClusterInstance):
    """The response to GetClusterInstance."""


class ImageResponse(_ResourceResponse, Image):
    """The response to GetImage."""


class AppResponse(_ResourceResponse, AppStatus):
    """The response to GetApp and GetAppDetail."""


class QuotaResponse(_ResourceResponse, Quota):
    """The response to GetQuota."""


class AvailableResourceResponse(_ResourceResponse, AvailableResource):
    """The response to GetAvailableResource."""
