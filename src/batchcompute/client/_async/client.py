"""The client: all its calls, and `easy_list`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from batchcompute.client._async._clusters import AsyncClusters
from batchcompute.client._async._images_apps import AsyncCatalogue
from batchcompute.client._async._waiting import AsyncWaiting
from batchcompute.client._common import Found, easy_list_call, keep

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
"""A value to be equal to, a collection to be in, or a callable that is given the field's value."""


class AsyncClient(AsyncWaiting, AsyncClusters, AsyncCatalogue):
    """A client of the service: every operation is a method.

    It is a context manager, and can be shared by all that run at the same time.

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
        """Return all resources of a type, over all pages, that pass the filters.

        Args:
            resource_type: ``jobs``, ``tasks``, ``instances``, ``clusters``, ``cluster_instances``,
                ``images`` or ``apps``.
            *resource_info: What names their place: the job for tasks; job and task for instances;
                cluster and group for cluster instances. Further arguments go to the list call.
            **filters: From field name to a value to equal, a collection to be in, or a callable
                that is given the field's value. They are applied here, not by the service.

        Raises:
            ValidationError: The type is unknown, or its place is not named.
        """
        method = getattr(self, easy_list_call(resource_type, resource_info))
        # The old SDK begins lists of instances with 0, and all others with an empty marker.
        start = "0" if resource_type == "instances" else ""
        found: Found[Any] = Found()
        async for page in method(*resource_info, max_item_count=100, marker=start).by_page():
            found += keep(page, filters)
        return found
