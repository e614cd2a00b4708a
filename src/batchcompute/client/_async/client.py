"""The client class with all of its methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from batchcompute.client._async._clusters import AsyncClusters
from batchcompute.client._async._images_apps_quotas import AsyncImagesAppsQuotas
from batchcompute.client._async._waiting import AsyncWaiting
from batchcompute.client._common import ListWithNext, easy_list_call, filter_items

if TYPE_CHECKING:
    from batchcompute.api.arguments import IdLike
    from batchcompute.resources import (
        AppStatus,
        Cluster,
        ClusterInstance,
        Image,
        Instance,
        Job,
        Task,
    )

__all__ = ["AsyncClient"]

Filter: TypeAlias = Callable[[Any], object] | object
"""A value, a collection of values, or a callable that gets the value of the field."""


class AsyncClient(AsyncWaiting, AsyncClusters, AsyncImagesAppsQuotas):
    """A client of the service with a method for each operation.

    It is a context manager. It can be shared by concurrent tasks.

    Example:
        >>> async with AsyncClient(CN_QINGDAO, access_key_id, access_key_secret) as client:
        ...     job = await client.get_job("job-1")
        ...     print(job.State, job.RequestId)
    """

    @overload
    async def easy_list(
        self, resource_type: Literal["jobs"], /, *resource_info: str, **filters: Filter
    ) -> list[Job]: ...
    @overload
    async def easy_list(
        self, resource_type: Literal["tasks"], job: IdLike, /, *resource_info: str, **filters: Filter
    ) -> list[Task]: ...
    @overload
    async def easy_list(
        self,
        resource_type: Literal["instances"],
        job: IdLike,
        task_name: str | Task,
        /,
        *resource_info: str,
        **filters: Filter,
    ) -> list[Instance]: ...
    @overload
    async def easy_list(
        self, resource_type: Literal["clusters"], /, *resource_info: str, **filters: Filter
    ) -> list[Cluster]: ...
    @overload
    async def easy_list(
        self,
        resource_type: Literal["cluster_instances"],
        cluster_id: IdLike,
        group_name: str,
        /,
        *resource_info: str,
        **filters: Filter,
    ) -> list[ClusterInstance]: ...
    @overload
    async def easy_list(
        self, resource_type: Literal["images"], /, *resource_info: str, **filters: Filter
    ) -> list[Image]: ...
    @overload
    async def easy_list(
        self, resource_type: Literal["apps"], /, *resource_info: str, **filters: Filter
    ) -> list[AppStatus]: ...
    async def easy_list(self, resource_type: str, /, *resource_info: Any, **filters: Filter) -> list[Any]:
        """Return all resources of a type that match the filters, from all pages.

        Args:
            resource_type: ``jobs``, ``tasks``, ``instances``, ``clusters``, ``cluster_instances``,
                ``images`` or ``apps``.
            *resource_info: The parent of the resources: the job for tasks; job and task for instances;
                cluster and group for cluster instances. Further arguments are those of the iterator.
            **filters: A value, a collection of values, or a callable that gets the value, by field name. The
                client applies the filters, not the service.

        Raises:
            ValidationError: The type is unknown (then also a FieldError), or the parent is missing.
        """
        method = getattr(self, easy_list_call(resource_type, resource_info))
        # As in the old SDK, lists of instances start with 0, and all others with an empty marker.
        start = "0" if resource_type == "instances" else ""
        matches: ListWithNext[Any] = ListWithNext()
        async for page in method(*resource_info, max_item_count=100, marker=start).by_page():
            matches += filter_items(page, filters)
        return matches
