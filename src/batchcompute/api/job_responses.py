"""The responses about jobs, tasks and instances; each is also the resource."""

# Creating a model class is slow. Nearly every program needs these, and few programs need the other responses.

from __future__ import annotations

from typing import Any, ClassVar

from batchcompute.api.responses import GetResponse, HttpResponse, attach
from batchcompute.models.base import Jsonizable
from batchcompute.resources.appjob import App
from batchcompute.resources.job import Instance, Job, JobDescription, SynchronousInstance, Task

__all__ = [
    "InstanceResponse",
    "JobDescriptionResponse",
    "JobResponse",
    "ResourceResponse",
    "SynchronousInstanceResponse",
    "TaskResponse",
]

_NO_RESPONSE = HttpResponse(0, {}, b"")


class ResourceResponse(GetResponse, Jsonizable):
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


class JobResponse(ResourceResponse, Job):
    """The response to GetJob."""


class JobDescriptionResponse(ResourceResponse, JobDescription):
    """The response to GetJobDescription, for DAG jobs and App jobs; ``Type`` distinguishes them."""

    app: App | None = None
    """The app of an App job; empty for a DAG job."""


class TaskResponse(ResourceResponse, Task):
    """The response to GetTask."""


class InstanceResponse(ResourceResponse, Instance):
    """The response to GetInstance."""


class SynchronousInstanceResponse(ResourceResponse, SynchronousInstance):  # type: ignore[override]
    """The response to a synchronous CreateJob of an App job."""
