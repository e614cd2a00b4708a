"""The operations of the API as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

__all__ = ["OPERATIONS", "Operation", "RetryClass"]

RetryClass: TypeAlias = Literal["read", "create", "change", "delete", "action"]
"""The effect of sending the request of an operation twice.

* ``read``: No effect.
* ``create``: Two resources, unless both requests carry the same token.
* ``change``: The same values are set again.
* ``delete``: The second response has the status 404.
* ``action``: The second request is rejected, or acts a second time.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API (REST API, 2)."""

    name: str
    """Name of the client's method."""
    api: str
    """Name in the vendor's documents."""
    method: str
    """HTTP method."""
    path: str
    """Path, with ``{Name}`` for each variable part."""
    response: str
    """Class of the response, in `responses`, `job_responses` or `resource_responses`; for lists the class of an item."""
    status: int
    """HTTP status of a successful response."""
    retry_class: RetryClass
    """The effect of sending the request twice."""
    query: tuple[str, ...] = ()
    """Allowed keys of the query."""
    flags: tuple[str, ...] = ()
    """Keys of the query that distinguish it from another operation with the same method and path."""
    body: str = ""
    """Class of the body, in `resources`; empty if there is no body."""
    section: str = ""
    """Section of the page on the REST API."""
    status_operation: str = ""
    """Name of the operation that reads the outcome when the response was lost; empty if there is none."""

    takes_token: bool = field(init=False)
    """Whether the query can have an ``IdempotentToken``."""
    is_list: bool = field(init=False)
    """Whether the response is one page of a list."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "takes_token", "IdempotentToken" in self.query)
        object.__setattr__(self, "is_list", "MaxItemCount" in self.query)


_PAGE = ("Marker", "MaxItemCount")
_JOB = "/jobs/{JobId}"
_TASK = _JOB + "/tasks/{TaskName}"
_MACHINES = "/clusters/{ClusterId}/groups/{GroupName}/instances"
_MACHINE = _MACHINES + "/{InstanceId}"
_TOKEN = ("IdempotentToken",)

_ROWS: Final = (
    Operation("create_job", "CreateJob", "POST", "/jobs", "CreateResponse", 201, "create", (*_TOKEN, "sync"), body="JobDescription", section="2.1"),
    Operation("list_jobs", "ListJobs", "GET", "/jobs", "Job", 200, "read", (*_PAGE, "State", "ClusterId", "ProjectId", "OrderBy", "IsReverse"), section="2.1"),
    Operation("get_job", "GetJob", "GET", _JOB, "JobResponse", 200, "read", section="2.1"),
    Operation("get_job_description", "GetJobDescription", "GET", _JOB, "JobDescriptionResponse", 200, "read", ("description",), ("description",), section="2.1"),
    Operation("stop_job", "StopJob", "POST", _JOB + "/stop", "ActionResponse", 201, "action", section="2.1", status_operation="get_job"),
    Operation("start_job", "StartJob", "POST", _JOB + "/start", "ActionResponse", 201, "action", section="2.1", status_operation="get_job"),
    Operation("change_job_priority", "ChangeJobPriority", "PUT", _JOB, "ActionResponse", 200, "change", body="Priority", section="2.1"),
    Operation("delete_job", "DeleteJob", "DELETE", _JOB, "ActionResponse", 204, "delete", section="2.1"),
    Operation("list_tasks", "ListTasks", "GET", _JOB + "/tasks", "Task", 200, "read", (*_PAGE, "State", "ClusterId"), section="2.2"),
    Operation("get_task", "GetTask", "GET", _TASK, "TaskResponse", 200, "read", section="2.2"),
    Operation("list_instances", "ListInstances", "GET", _TASK + "/instances", "Instance", 200, "read", (*_PAGE, "State"), section="2.2"),
    Operation("get_instance", "GetInstance", "GET", _TASK + "/instances/{InstanceId}", "InstanceResponse", 200, "read", section="2.2"),
    Operation("list_attempts", "ListAttempts", "GET", _TASK + "/instances/{InstanceId}/attempts", "InstanceAttempt", 200, "read", _PAGE, section="2.7"),
    Operation("create_cluster", "CreateCluster", "POST", "/clusters", "CreateResponse", 201, "create", _TOKEN, body="ClusterDescription", section="2.3"),
    Operation("list_clusters", "ListClusters", "GET", "/clusters", "Cluster", 200, "read", _PAGE, section="2.3"),
    Operation("get_cluster", "GetCluster", "GET", "/clusters/{ClusterId}", "ClusterResponse", 200, "read", section="2.3"),
    Operation("modify_cluster", "ModifyCluster", "PUT", "/clusters/{ClusterId}", "ActionResponse", 200, "change", body="ModifyClusterDescription", section="2.3"),
    Operation("delete_cluster", "DeleteCluster", "DELETE", "/clusters/{ClusterId}", "ActionResponse", 204, "delete", section="2.3", status_operation="get_cluster"),
    Operation("list_cluster_instances", "ListClusterInstances", "GET", _MACHINES, "ClusterInstance", 200, "read", _PAGE, section="2.3"),
    Operation("get_cluster_instance", "GetClusterInstance", "GET", _MACHINE, "ClusterInstanceResponse", 200, "read", section="2.3"),
    Operation("recreate_cluster_instance", "RecreateClusterInstance", "POST", _MACHINE + "/recreate", "ActionResponse", 201, "action", section="2.3", status_operation="get_cluster_instance"),
    Operation("delete_cluster_instance", "DeleteClusterInstance", "DELETE", _MACHINE, "ActionResponse", 202, "delete", section="2.3", status_operation="get_cluster_instance"),
    Operation("create_image", "CreateImage", "POST", "/images", "CreateResponse", 201, "create", _TOKEN, body="ImageDescription", section="2.4"),
    Operation("list_images", "ListImages", "GET", "/images", "Image", 200, "read", (*_PAGE, "Type"), section="2.4"),
    Operation("get_image", "GetImage", "GET", "/images/{ImageId}", "ImageResponse", 200, "read", section="2.4"),
    Operation("delete_image", "DeleteImage", "DELETE", "/images/{ImageId}", "ActionResponse", 204, "delete", section="2.4"),
    Operation("create_app", "CreateApp", "POST", "/apps", "CreateResponse", 201, "create", _TOKEN, body="AppDescription", section="2.5"),
    Operation("list_apps", "ListApps", "GET", "/apps", "AppStatus", 200, "read", (*_PAGE, "Scope"), section="2.5"),
    Operation("get_app", "GetApp", "GET", "/apps/{AppName}", "AppResponse", 200, "read", ("Scope",), section="2.5"),
    Operation("get_app_detail", "GetAppDetail", "GET", "/apps/{AppName}", "AppResponse", 200, "read", ("Detail", "Qualifier"), ("Detail",), section="2.5"),
    Operation("get_app_revisions", "GetAppRevisions", "GET", "/apps/{AppName}", "AppRevision", 200, "read", ("Revisions",), ("Revisions",), section="2.5"),
    Operation("modify_app", "ModifyApp", "PUT", "/apps/{AppName}", "ActionResponse", 200, "change", body="AppDescription", section="2.5"),
    Operation("delete_app", "DeleteApp", "DELETE", "/apps/{AppName}", "ActionResponse", 204, "delete", ("Qualifier",), section="2.5"),
    Operation("get_quotas", "GetQuota", "GET", "/quotas", "QuotaResponse", 200, "read", section="2.6"),
    Operation("get_available_resource", "GetAvailableResource", "GET", "/available", "AvailableResourceResponse", 200, "read", section="2.6"),
)  # fmt: skip

OPERATIONS: Final[Mapping[str, Operation]] = {row.name: row for row in _ROWS}
"""All documented operations by the name of the client's method."""
