"""The table of handlers: the function that answers each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from batchcompute.api.operations import OPERATIONS
from batchcompute.service.api.handlers.apps import Apps
from batchcompute.service.api.handlers.clusters import Clusters
from batchcompute.service.api.handlers.images import Images
from batchcompute.service.api.handlers.jobs import Jobs
from batchcompute.service.api.handlers.quotas import Quotas
from batchcompute.service.api.handlers.submit import Submissions
from batchcompute.service.api.routes import Params

__all__: list[str] = []

Handler: TypeAlias = Callable[[Params], Any]


def handlers(
    submissions: Submissions, jobs: Jobs, clusters: Clusters, images: Images, apps: Apps, quotas: Quotas
) -> Mapping[str, Handler]:
    """Return the handler of each operation of the table `OPERATIONS`, by the operation's name.

    Raises:
        LookupError: An operation has no handler, or a handler has no operation.
    """
    table: dict[str, Handler] = {
        "create_job": submissions.create_job,
        "list_jobs": jobs.list_jobs,
        "get_job": jobs.get_job,
        "get_job_description": jobs.get_job_description,
        "stop_job": jobs.stop_job,
        "start_job": jobs.start_job,
        "change_job_priority": jobs.change_job_priority,
        "delete_job": jobs.delete_job,
        "list_tasks": jobs.list_tasks,
        "get_task": jobs.get_task,
        "list_instances": jobs.list_instances,
        "get_instance": jobs.get_instance,
        "list_attempts": jobs.list_attempts,
        "create_cluster": clusters.create_cluster,
        "list_clusters": clusters.list_clusters,
        "get_cluster": clusters.get_cluster,
        "modify_cluster": clusters.modify_cluster,
        "delete_cluster": clusters.delete_cluster,
        "list_cluster_instances": clusters.list_cluster_instances,
        "get_cluster_instance": clusters.get_cluster_instance,
        "recreate_cluster_instance": clusters.recreate_cluster_instance,
        "delete_cluster_instance": clusters.delete_cluster_instance,
        "create_image": images.create_image,
        "list_images": images.list_images,
        "get_image": images.get_image,
        "delete_image": images.delete_image,
        "create_app": apps.create_app,
        "list_apps": apps.list_apps,
        "get_app": apps.get_app,
        "get_app_detail": apps.get_app_detail,
        "get_app_revisions": apps.get_app_revisions,
        "modify_app": apps.modify_app,
        "delete_app": apps.delete_app,
        "get_quotas": quotas.get_quotas,
        "get_available_resource": quotas.get_available_resource,
    }
    if wrong := table.keys() ^ OPERATIONS.keys():
        raise LookupError(f"the tables of handlers and of operations differ in {', '.join(sorted(wrong))}")
    return table
