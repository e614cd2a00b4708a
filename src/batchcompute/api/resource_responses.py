"""The answers to gets: each is a `GetResponse` and the resource itself.

So ``client.get_job(job_id)`` has ``.State`` and ``["Id"]`` as well as ``.RequestId`` and
``.StatusCode``, and goes wherever a ``Job`` does.
"""

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

_NO_ANSWER = HttpResponse(0, {}, b"")


class _Answer(GetResponse, Jsonizable):
    """Carries the raw answer along through copies and pickles."""

    __slots__ = ("_kept",)

    _is_answer: ClassVar[bool] = True

    @property
    def _raw(self) -> HttpResponse:
        # One that a caller made has no answer.
        return getattr(self, "_kept", _NO_ANSWER)

    def _carry(self, target: Any, values: dict[str, Any], extra: dict[str, Any] | None) -> None:
        super()._carry(target, values, extra)
        attach(target, self._raw)

    def __getstate__(self) -> dict[Any, Any]:
        return {**super().__getstate__(), "raw": self._raw}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        attach(self, state["raw"])


class JobResponse(_Answer, Job):
    """The answer to GetJob."""


class JobDescriptionResponse(_Answer, JobDescription):
    """The answer to GetJobDescription, for DAG jobs and App jobs alike (``Type`` tells)."""

    app: App | None = None
    """Which app an App job runs; empty for a DAG job."""


class TaskResponse(_Answer, Task):
    """The answer to GetTask."""


class InstanceResponse(_Answer, Instance):
    """The answer to GetInstance."""


class SynchronousInstanceResponse(_Answer, SynchronousInstance):  # type: ignore[override]
    """The answer to a synchronous CreateJob of an App job."""


class ClusterResponse(_Answer, Cluster):
    """The answer to GetCluster."""


class ClusterInstanceResponse(_Answer, ClusterInstance):
    """The answer to GetClusterInstance."""


class ImageResponse(_Answer, Image):
    """The answer to GetImage."""


class AppResponse(_Answer, AppStatus):
    """The answer to GetApp and GetAppDetail."""


class QuotaResponse(_Answer, Quota):
    """The answer to GetQuota."""


class AvailableResourceResponse(_Answer, AvailableResource):
    """The answer to GetAvailableResource."""
