"""The client: its calls, and the two helpers that make several of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from batchcompute.client._async._catalogue import AsyncCatalogue
from batchcompute.client._async._clusters import AsyncClusters
from batchcompute.client._async._jobs import AsyncJobs
from batchcompute.client._common import FINAL_STATES, easy_list_call, ids_of, keep
from batchcompute.errors import NotFoundError, StateConflictError

if TYPE_CHECKING:
    from batchcompute.operations import IdLike
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

_FIRST_INTERVAL = 0.05
"""Seconds before the first look at a job; short jobs end long before a whole interval."""


class AsyncClient(AsyncJobs, AsyncClusters, AsyncCatalogue):
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
        name = easy_list_call(resource_type, resource_info)
        found: list[Any] = []
        marker: str | int = 0 if resource_type == "instances" else ""
        while True:
            if resource_type == "apps":
                scope = resource_info[0] if resource_info else "Private"
                page: Any = await self.list_apps(scope, str(marker), 100)
            else:
                parent = (
                    2 if name in ("list_instances", "list_cluster_instances") else int(name == "list_tasks")
                )
                method = getattr(self, name)
                page = await method(*resource_info[:parent], marker, 100, *resource_info[parent:])
            found += keep(page.Items, filters)
            if not page.NextMarker or page.NextMarker == marker:
                return found
            marker = page.NextMarker

    async def poll(
        self,
        job_ids: IdLike | Iterable[IdLike],
        timeout: float = 86400,  # noqa: ASYNC109
        interval: float = 3,
    ) -> list[str]:
        """Wait until jobs have ended, and say what went wrong.

        As soon as one of them has failed or was stopped, or the time is up, those that are not done
        are stopped.

        Args:
            job_ids: A job or several: ids, or anything that has one.
            timeout: Seconds to wait at most.
            interval: Seconds between two looks; the first looks follow faster.

        Returns:
            A text for each job that did not finish; nothing if all did.

        Raises:
            ClientError: The service refused, for example because a job does not exist.
        """
        ids = ids_of(job_ids, "job_ids")
        end = time.monotonic() + timeout
        pause = min(interval, _FIRST_INTERVAL)
        seen: dict[str, str] = dict.fromkeys(ids, "")
        while True:
            for job_id, state in list(seen.items()):
                if state not in FINAL_STATES:
                    seen[job_id] = (await self.get_job(job_id)).State
            if FINAL_STATES.issuperset(seen.values()) or {"Failed", "Stopped"}.intersection(seen.values()):
                break
            if time.monotonic() >= end:
                break
            await asyncio.sleep(max(0.0, min(pause, end - time.monotonic())))
            pause = min(interval, pause * 2)
        late = time.monotonic() >= end
        texts = [
            await self._conclude(job_id, state, timeout if late else None) for job_id, state in seen.items()
        ]
        return [text for text in texts if text]

    async def _conclude(self, job_id: str, seen: str, timed_out: float | None) -> str:
        """Say what became of a polled job, and stop it if it is not done."""
        unfinished = f"Job {job_id} stopped." if timed_out is None else f"Timeout({timed_out})."
        try:
            state = (await self.get_job(job_id)).State
            if state not in FINAL_STATES:
                await self.stop_job(job_id)
                return unfinished
        except NotFoundError:
            # Deleted meanwhile: by AutoRelease once it had finished, or by somebody else.
            state = seen if seen in FINAL_STATES else "Deleted"
        except StateConflictError:
            # It ended by itself between the two requests.
            state = (await self.get_job(job_id)).State
            if state not in FINAL_STATES:
                return unfinished
        return "" if state == "Finished" else f"Job {job_id} {state.lower()}."
