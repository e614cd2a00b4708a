"""One function for each operation, which checks its arguments and returns a `Call`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from batchcompute.api.arguments import (
    IdLike,
    id_of,
    instance_path,
    job_path,
    page_query,
    revision_of,
    task_path,
    token_query,
)
from batchcompute.api.call import Call, make_call
from batchcompute.api.filters import PRIVATE, query_of, scope_of
from batchcompute.api.parsing import ResourceParser
from batchcompute.errors import Problem, ValidationError
from batchcompute.errors._values import UnknownChoice

if TYPE_CHECKING:
    from batchcompute.api.resource_responses import (
        AppResponse,
        AvailableResourceResponse,
        ClusterInstanceResponse,
        ClusterResponse,
        ImageResponse,
        InstanceResponse,
        JobDescriptionResponse,
        JobResponse,
        QuotaResponse,
        SynchronousInstanceResponse,
        TaskResponse,
    )
    from batchcompute.api.responses import ActionResponse, CreateResponse, ListResponse
    from batchcompute.models.base import Jsonizable
    from batchcompute.resources import (
        AppJobDescription,
        AppRevision,
        AppStatus,
        Cluster,
        ClusterInstance,
        Image,
        Instance,
        InstanceAttempt,
        Job,
        JobDescription,
        Task,
    )

__all__: list[str] = []

D = TypeVar("D", bound="Jsonizable")

# The names, the order and the defaults of the arguments are those of the old SDK's client.


def _checked(description: object, cls: type[D]) -> D:
    """Return a validated copy of a description, which is an object, a mapping or a JSON text."""
    if description is None:
        raise ValidationError([Problem("", "None", "must be a description, a mapping, or JSON text")])
    copy = cls(description)
    copy.validate()
    return copy


def _body(description: Jsonizable) -> bytes:
    from batchcompute.models.validation import MAX_BODY_BYTES

    # Indented like the body of the old SDK, unless the white space exceeds the size limit of the service.
    indented = description._to_json(4)
    return indented if len(indented) <= MAX_BODY_BYTES else description._to_json()


# -- jobs -----------------------------------------------------------------------------------------


def job_kind(job_desc: object) -> tuple[type[JobDescription] | type[AppJobDescription], object]:
    """Return the class of a description, for a DAG job or an App job, and the parsed description."""
    from batchcompute.resources import AppJobDescription, JobDescription
    from batchcompute.resources._rules import job_type_of

    if isinstance(job_desc, (str, bytes, bytearray)):
        job_desc = JobDescription._parse(job_desc)
    return (AppJobDescription if job_type_of(job_desc) == "App" else JobDescription), job_desc


def create_job(job_desc: object, token: object = "", **flags: str) -> Call[CreateResponse]:
    from batchcompute.api.responses import GetResponse
    from batchcompute.models.base import Jsonizable
    from batchcompute.resources import AppJobDescription

    cls, description = job_kind(job_desc)
    if isinstance(description, Jsonizable) and not isinstance(description, cls):
        # The response to GetJobDescription has one class for both kinds of job.
        description = description.detail() if isinstance(description, GetResponse) else description
    copy = _checked(description, cls)
    if "Id" in copy:
        # GetJobDescription returns the id of the job in the description. A new job has no id yet.
        del copy["Id"]
    if isinstance(copy, AppJobDescription) and "Type" not in copy:
        copy["Type"] = "App"
    return make_call(
        "create_job", query={**token_query(token), **flags} if token else flags, body=_body(copy)
    )


def create_job_sync(job_desc: object, token: object = "") -> Call[SynchronousInstanceResponse]:
    call: Call[Any] = create_job(job_desc, token, sync="")
    return replace(call, parse=ResourceParser("SynchronousInstanceResponse"))


def is_app_job(job_desc: object) -> bool:
    """Return whether a description is that of an App job; only an App job can run synchronously."""
    from batchcompute.resources import AppJobDescription

    return job_kind(job_desc)[0] is AppJobDescription


def list_jobs(
    marker: object,
    max_item_count: object,
    state: str = "",
    cluster_id: object = "",
    project_id: str = "",
    **filters: object,
) -> Call[ListResponse[Job]]:
    arguments = {"state": state, "cluster_id": cluster_id, "project_id": project_id}
    query = {**page_query(marker, max_item_count), **query_of("list_jobs", arguments, filters)}
    return make_call("list_jobs", query=query)


def get_job(job: IdLike) -> Call[JobResponse]:
    return make_call("get_job", job_path(job))


def get_job_description(job: IdLike) -> Call[JobDescriptionResponse]:
    return make_call("get_job_description", job_path(job), {"description": ""})


def stop_job(job: IdLike) -> Call[ActionResponse]:
    return make_call("stop_job", job_path(job))


def start_job(job: IdLike) -> Call[ActionResponse]:
    return make_call("start_job", job_path(job))


def change_job_priority(job: IdLike, priority: int) -> Call[ActionResponse]:
    path = job_path(job)
    if isinstance(priority, bool) or not hasattr(type(priority), "__index__"):
        raise ValidationError([Problem("Priority", repr(priority)[:60], "must be an integer in [0, 1000]")])
    if not 0 <= int(priority) <= 1000:
        raise ValidationError([Problem("Priority", repr(priority), "must be in [0, 1000]")])
    return make_call("change_job_priority", path, body=b'{"Priority": %d}' % int(priority))


def delete_job(job: IdLike) -> Call[ActionResponse]:
    return make_call("delete_job", job_path(job))


def list_tasks(
    job: IdLike,
    marker: object,
    max_item_count: object,
    state: str = "",
    cluster_id: object = "",
    **filters: object,
) -> Call[ListResponse[Task]]:
    query = query_of("list_tasks", {"state": state, "cluster_id": cluster_id}, filters)
    return make_call("list_tasks", job_path(job), {**page_query(marker, max_item_count), **query})


def get_task(job: IdLike, task_name: object) -> Call[TaskResponse]:
    return make_call("get_task", task_path(job, task_name))


def list_instances(
    job: IdLike,
    task_name: object,
    marker: object,
    max_item_count: object,
    state: str = "",
    **filters: object,
) -> Call[ListResponse[Instance]]:
    query = query_of("list_instances", {"state": state}, filters)
    return make_call(
        "list_instances", task_path(job, task_name), {**page_query(marker, max_item_count), **query}
    )


def get_instance(job: IdLike, task_name: object, instance_id: object) -> Call[InstanceResponse]:
    return make_call("get_instance", instance_path(job, task_name, instance_id))


def list_attempts(
    job: IdLike,
    task_name: object,
    instance_id: object,
    marker: object,
    max_item_count: object,
    **filters: object,
) -> Call[ListResponse[InstanceAttempt]]:
    query = {**page_query(marker, max_item_count), **query_of("list_attempts", {}, filters)}
    return make_call("list_attempts", instance_path(job, task_name, instance_id), query)


# -- clusters -------------------------------------------------------------------------------------


def create_cluster(cluster_desc: object, token: object = "") -> Call[CreateResponse]:
    from batchcompute.resources import ClusterDescription

    body = _body(_checked(cluster_desc, ClusterDescription))
    return make_call("create_cluster", query=token_query(token) if token else None, body=body)


def list_clusters(marker: object, max_item_count: object, **filters: object) -> Call[ListResponse[Cluster]]:
    query = {**page_query(marker, max_item_count), **query_of("list_clusters", {}, filters)}
    return make_call("list_clusters", query=query)


def _cluster(cluster: IdLike) -> dict[str, str]:
    return {"ClusterId": id_of(cluster, "cluster")}


def get_cluster(cluster: IdLike) -> Call[ClusterResponse]:
    return make_call("get_cluster", _cluster(cluster))


def modify_cluster(cluster: IdLike, modify_cluster_desc: object) -> Call[ActionResponse]:
    from batchcompute.resources import ModifyClusterDescription

    body = _body(_checked(modify_cluster_desc, ModifyClusterDescription))
    return make_call("modify_cluster", _cluster(cluster), body=body)


def change_cluster(cluster: IdLike, **parts: object) -> Call[ActionResponse]:
    """Change some fields of a cluster; the body holds only these, as in the old SDK."""
    from batchcompute.resources import ModifyClusterDescription

    changes = ModifyClusterDescription(parts)
    changes.validate()
    if "Groups" not in parts:
        del changes["Groups"]
    return make_call("modify_cluster", _cluster(cluster), body=_body(changes))


def change_cluster_map(cluster: IdLike, name: str, data: object) -> Call[ActionResponse]:
    """Replace a map of a cluster. None is an error, because it would delete the map."""
    if not isinstance(data, Mapping):
        raise ValidationError([Problem(name, repr(data)[:60], "must be a mapping")])
    return change_cluster(cluster, **{name: dict(cast("Mapping[str, object]", data))})


def change_cluster_desired_vm_count(cluster: IdLike, counts: Mapping[str, object]) -> Call[ActionResponse]:
    missing = [name for name, count in counts.items() if count is None]
    if missing:
        raise ValidationError([Problem(f"Groups.{missing[0]}.DesiredVMCount", "None", "must be an integer")])
    groups = {name: {"DesiredVMCount": count} for name, count in counts.items()}
    return change_cluster(cluster, Groups=groups)


def change_cluster_spot_config(
    cluster: IdLike, group_name: str, strategy: str = "", price_limit: float = 0.0
) -> Call[ActionResponse]:
    # An argument without a value does not change the field.
    fields = {"SpotStrategy": strategy, "SpotPriceLimit": price_limit}
    changes = {name: value for name, value in fields.items() if value}
    return change_cluster(cluster, Groups={group_name: changes})


def delete_cluster(cluster: IdLike) -> Call[ActionResponse]:
    return make_call("delete_cluster", _cluster(cluster))


def _machines(cluster_id: IdLike, group_name: str) -> dict[str, str]:
    return {"ClusterId": id_of(cluster_id, "cluster_id"), "GroupName": id_of(group_name, "group_name")}


def _machine(cluster_id: IdLike, group_name: str, instance_id: IdLike) -> dict[str, str]:
    return {**_machines(cluster_id, group_name), "InstanceId": id_of(instance_id, "instance_id")}


def list_cluster_instances(
    cluster_id: IdLike, group_name: str, marker: object, max_item_count: object, **filters: object
) -> Call[ListResponse[ClusterInstance]]:
    query = {**page_query(marker, max_item_count), **query_of("list_cluster_instances", {}, filters)}
    return make_call("list_cluster_instances", _machines(cluster_id, group_name), query)


def get_cluster_instance(
    cluster_id: IdLike, group_name: str, instance_id: IdLike
) -> Call[ClusterInstanceResponse]:
    return make_call("get_cluster_instance", _machine(cluster_id, group_name, instance_id))


def recreate_cluster_instance(
    cluster_id: IdLike, group_name: str, instance_id: IdLike
) -> Call[ActionResponse]:
    return make_call("recreate_cluster_instance", _machine(cluster_id, group_name, instance_id))


def delete_cluster_instance(cluster_id: IdLike, group_name: str, instance_id: IdLike) -> Call[ActionResponse]:
    return make_call("delete_cluster_instance", _machine(cluster_id, group_name, instance_id))


# -- images ---------------------------------------------------------------------------------------


def create_image(image_desc: object, token: object = "") -> Call[CreateResponse]:
    from batchcompute.resources import ImageDescription

    body = _body(_checked(image_desc, ImageDescription))
    return make_call("create_image", query=token_query(token) if token else None, body=body)


def list_images(
    marker: object, max_item_count: object, type_: str = "", **filters: object
) -> Call[ListResponse[Image]]:
    query = query_of("list_images", {"type_": type_}, filters)
    # Like the old SDK, send no type other than System. Without a type, the list holds the account's own images.
    system = {"Type": "System"} if query.get("Type", "").strip() == "System" else {}
    return make_call("list_images", query={**page_query(marker, max_item_count), **system})


def get_image(image: IdLike) -> Call[ImageResponse]:
    return make_call("get_image", {"ImageId": id_of(image, "image")})


def delete_image(image: IdLike) -> Call[ActionResponse]:
    return make_call("delete_image", {"ImageId": id_of(image, "image")})


# -- apps -----------------------------------------------------------------------------------------


def _app(app: object, argument: str) -> dict[str, str]:
    return {"AppName": id_of(app, argument, "Name")}


def create_app(app_desc: object, token: object = "") -> Call[CreateResponse]:
    from batchcompute.resources import AppDescription

    body = _body(_checked(app_desc, AppDescription))
    return make_call("create_app", query=token_query(token) if token else None, body=body)


def list_apps(
    scope: str = PRIVATE, marker: object = "", max_item_count: object = 50, **filters: object
) -> Call[ListResponse[AppStatus]]:
    query = {"Scope": scope_of(scope, filters), **page_query(marker, max_item_count)}
    return make_call("list_apps", query=query)


def get_app(app_name: object, scope: str = "Private") -> Call[AppResponse]:
    if scope not in ("Private", "Public"):
        raise UnknownChoice([Problem("scope", repr(scope)[:60], "must be Private or Public")])
    return make_call("get_app", _app(app_name, "app_name"), {"Scope": scope})


def get_app_detail(app: object, qualifier: object = "") -> Call[AppResponse]:
    query = {"Detail": "True", "Qualifier": revision_of(qualifier)}
    return make_call("get_app_detail", _app(app, "app"), query)


def get_app_revisions(app_name: object) -> Call[ListResponse[AppRevision]]:
    return make_call("get_app_revisions", _app(app_name, "app_name"), {"Revisions": "True"})


def modify_app(app_name: object, app_desc: object) -> Call[ActionResponse]:
    from batchcompute.resources import AppDescription

    body = _body(_checked(app_desc, AppDescription))
    return make_call("modify_app", _app(app_name, "app_name"), body=body)


def delete_app(app_name: object, qualifier: object = "") -> Call[ActionResponse]:
    return make_call("delete_app", _app(app_name, "app_name"), {"Qualifier": revision_of(qualifier)})


# -- quotas ---------------------------------------------------------------------------------------


def get_quotas() -> Call[QuotaResponse]:
    return make_call("get_quotas")


def get_available_resource() -> Call[AvailableResourceResponse]:
    return make_call("get_available_resource")
