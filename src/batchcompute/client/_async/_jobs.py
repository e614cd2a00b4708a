"""The methods for jobs, tasks and instances (REST API, 2.1 and 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Unpack, overload

from batchcompute.api import calls
from batchcompute.client._async._base import AsyncBase
from batchcompute.client._async._iterate import AsyncItems

if TYPE_CHECKING:
    from batchcompute.api.arguments import IdLike
    from batchcompute.api.filters import InstanceFilters, JobFilters, NoFilters, TaskFilters
    from batchcompute.api.resource_responses import (
        InstanceResponse,
        JobDescriptionResponse,
        JobResponse,
        SynchronousInstanceResponse,
        TaskResponse,
    )
    from batchcompute.api.responses import ActionResponse, CreateResponse, ListResponse
    from batchcompute.resources import (
        AppJobDescription,
        Instance,
        InstanceAttempt,
        Job,
        JobDescription,
        JobState,
        Task,
    )

__all__: list[str] = []


class AsyncJobs(AsyncBase):
    """The methods for jobs, tasks and instances."""

    @overload
    async def create_job(
        self,
        job_desc: JobDescription | AppJobDescription | Mapping[str, object] | str | bytes,
        token: str = "",
        sync: Literal[False] = False,
    ) -> CreateResponse: ...
    @overload
    async def create_job(
        self,
        job_desc: AppJobDescription | Mapping[str, object] | str | bytes,
        token: str = "",
        *,
        sync: Literal[True],
    ) -> SynchronousInstanceResponse: ...
    async def create_job(
        self,
        job_desc: JobDescription | AppJobDescription | Mapping[str, object] | str | bytes,
        token: str = "",
        sync: bool = False,
    ) -> CreateResponse | SynchronousInstanceResponse:
        """Create a job (CreateJob).

        Args:
            job_desc: The job: a description, a mapping, or JSON text.
            token: Idempotent token of at most 64 letters, digits and underscores. A repeated create with the
                same token returns the same job.
            sync: For an App job, whether the service responds after the end of the job, with its result. The
                response to the create of a DAG job never waits.

        Returns:
            The response with the ``Id`` of the job; for a synchronous App job, its result.

        Raises:
            ValidationError: The description is invalid. No request was sent.
            JSONError: The description is a text that is not a JSON object.
            ClientError: The service rejected the request.
        """
        if sync and calls.is_app_job(job_desc):
            return await self._call(calls.create_job_sync(job_desc, token))
        return await self._call(calls.create_job(job_desc, token))

    async def list_jobs(
        self,
        marker: str | None = "",
        max_item_count: int = 50,
        state: JobState = "",
        cluster_id: IdLike = "",
        project_id: str = "",
        **filters: Unpack[JobFilters],
    ) -> ListResponse[Job]:
        """Return one page of the jobs (ListJobs).

        Args:
            marker: Marker of the page: empty for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of jobs of the page, 0 to 100.
            state: Only jobs in this state.
            cluster_id: Only jobs that use this cluster.
            project_id: Only jobs of this project.
            **filters: ``OrderBy`` (``Id`` or ``CreationTime``) and ``IsReverse`` (``"True"``), and the filters above
                in the old SDK's spelling. An unknown keyword is a TypeError.

        Raises:
            ClientError: The service rejected the request.
        """
        return await self._call(
            calls.list_jobs(marker, max_item_count, state, cluster_id, project_id, **filters)
        )

    def iter_jobs(
        self,
        state: JobState = "",
        cluster_id: IdLike = "",
        project_id: str = "",
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[JobFilters],
    ) -> AsyncItems[Job]:
        """Iterate over all jobs (ListJobs).

        Args:
            state: Only jobs in this state.
            cluster_id: Only jobs that use this cluster.
            project_id: Only jobs of this project.
            max_item_count: Maximum number of jobs of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: ``OrderBy`` (``Id`` or ``CreationTime``) and ``IsReverse`` (``"True"``), and the filters above
                in the old SDK's spelling. An unknown keyword is a TypeError.
        """
        # Checks the arguments now instead of at the first item.
        calls.list_jobs(marker, max_item_count, state, cluster_id, project_id, **filters)
        return AsyncItems(
            lambda page: self.list_jobs(page, max_item_count, state, cluster_id, project_id, **filters),
            marker,
        )

    async def get_job(self, job: IdLike) -> JobResponse:
        """Return the status of a job (GetJob).

        Args:
            job: Id of the job, or an object with an ``Id``.

        Raises:
            NotFoundError: The job does not exist.
        """
        return await self._call(calls.get_job(job))

    async def get_job_description(self, job: IdLike) -> JobDescriptionResponse:
        """Return the description of a job, including the defaults of the service (GetJobDescription).

        Args:
            job: Id of the job, or an object with an ``Id``.

        Raises:
            NotFoundError: The job does not exist.
        """
        return await self._call(calls.get_job_description(job))

    async def stop_job(self, job: IdLike) -> ActionResponse:
        """Stop a waiting or running job (StopJob).

        Args:
            job: Id of the job, or an object with an ``Id``.

        Raises:
            StateConflictError: The job has already ended.
            NotFoundError: The job does not exist.
        """
        return await self._call(calls.stop_job(job))

    async def start_job(self, job: IdLike) -> ActionResponse:
        """Start a stopped or failed job again (StartJob). Finished instances do not run again.

        Args:
            job: Id of the job, or an object with an ``Id``.

        Raises:
            StateConflictError: The job is waiting, running or finished.
            NotFoundError: The job does not exist.
        """
        return await self._call(calls.start_job(job))

    async def change_job_priority(self, job: IdLike, priority: int) -> ActionResponse:
        """Change the priority of a stopped or failed job (ChangeJobPriority).

        Args:
            job: Id of the job, or an object with an ``Id``.
            priority: 0 to 1000. Jobs with a higher priority start first.

        Raises:
            ValidationError: The priority is out of range. No request was sent.
            StateConflictError: The job is waiting, running or finished.
        """
        return await self._call(calls.change_job_priority(job, priority))

    async def delete_job(self, job: IdLike) -> ActionResponse:
        """Delete a job that has ended (DeleteJob).

        Args:
            job: Id of the job, or an object with an ``Id``.

        Raises:
            StateConflictError: The job is waiting or running; it must be stopped first.
            NotFoundError: The job does not exist.
        """
        return await self._call(calls.delete_job(job))

    async def list_tasks(
        self,
        job: IdLike,
        marker: str | None = "",
        max_item_count: int = 50,
        state: JobState = "",
        cluster_id: IdLike = "",
        **filters: Unpack[TaskFilters],
    ) -> ListResponse[Task]:
        """Return one page of a job's tasks (ListTasks).

        Args:
            job: Id of the job, or an object with an ``Id``.
            marker: Marker of the page: empty for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of tasks of the page, 0 to 100.
            state: Only tasks in this state.
            cluster_id: Only tasks that use this cluster.
            **filters: The filters above in the old SDK's spelling. An unknown keyword is a TypeError.

        Raises:
            NotFoundError: The job does not exist.
        """
        return await self._call(calls.list_tasks(job, marker, max_item_count, state, cluster_id, **filters))

    def iter_tasks(
        self,
        job: IdLike,
        state: JobState = "",
        cluster_id: IdLike = "",
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[TaskFilters],
    ) -> AsyncItems[Task]:
        """Iterate over all tasks of a job (ListTasks).

        Args:
            job: Id of the job, or an object with an ``Id``.
            state: Only tasks in this state.
            cluster_id: Only tasks that use this cluster.
            max_item_count: Maximum number of tasks of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: The filters above in the old SDK's spelling.
        """
        # Checks the arguments now instead of at the first item.
        calls.list_tasks(job, marker, max_item_count, state, cluster_id, **filters)
        return AsyncItems(
            lambda page: self.list_tasks(job, page, max_item_count, state, cluster_id, **filters), marker
        )

    async def get_task(self, job: IdLike, task_name: str | Task) -> TaskResponse:
        """Return the status of a task (GetTask).

        Args:
            job: Id of the job, or an object with an ``Id``.
            task_name: Name of the task, or its status.

        Raises:
            NotFoundError: The job or the task does not exist.
        """
        return await self._call(calls.get_task(job, task_name))

    async def list_instances(
        self,
        job: IdLike,
        task_name: str | Task,
        marker: str | int | None = "",
        max_item_count: int = 50,
        state: JobState = "",
        **filters: Unpack[InstanceFilters],
    ) -> ListResponse[Instance]:
        """Return one page of a task's instances (ListInstances).

        Args:
            job: Id of the job, or an object with an ``Id``.
            task_name: Name of the task, or its status.
            marker: Marker of the page: empty or 0 for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of instances of the page, 0 to 100.
            state: Only instances in this state.
            **filters: The filters above in the old SDK's spelling. An unknown keyword is a TypeError.

        Raises:
            NotFoundError: The job or the task does not exist.
        """
        return await self._call(
            calls.list_instances(job, task_name, marker, max_item_count, state, **filters)
        )

    def iter_instances(
        self,
        job: IdLike,
        task_name: str | Task,
        state: JobState = "",
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[InstanceFilters],
    ) -> AsyncItems[Instance]:
        """Iterate over all instances of a task (ListInstances).

        Args:
            job: Id of the job, or an object with an ``Id``.
            task_name: Name of the task, or its status.
            state: Only instances in this state.
            max_item_count: Maximum number of instances of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: The filters above in the old SDK's spelling.
        """
        # Checks the arguments now instead of at the first item.
        calls.list_instances(job, task_name, marker, max_item_count, state, **filters)
        return AsyncItems(
            lambda page: self.list_instances(job, task_name, page, max_item_count, state, **filters), marker
        )

    async def get_instance(
        self, job: IdLike, task_name: str | Task, instance_id: int | str | Instance
    ) -> InstanceResponse:
        """Return the status of an instance (GetInstance).

        Args:
            job: Id of the job, or an object with an ``Id``.
            task_name: Name of the task, or its status.
            instance_id: Number of the instance, from 0, or its status.

        Raises:
            NotFoundError: The job, task or instance does not exist.
        """
        return await self._call(calls.get_instance(job, task_name, instance_id))

    async def list_attempts(
        self,
        job: IdLike,
        task_name: str | Task,
        instance_id: int | str | Instance,
        marker: str | int | None = "",
        max_item_count: int = 50,
        **filters: Unpack[NoFilters],
    ) -> ListResponse[InstanceAttempt]:
        """Return one page of an instance's attempts, the oldest first.

        ListAttempts is an extension of the service of this package (REST API, 2.7).

        Args:
            job: Id of the job, or an object with an ``Id``.
            task_name: Name of the task, or its status.
            instance_id: Number of the instance, from 0, or its status.
            marker: Marker of the page: empty or 0 for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of attempts of the page, 0 to 100.
            **filters: There are no filters. An unknown keyword is a TypeError that names the nearest argument.

        Raises:
            NotFoundError: The job, task or instance does not exist.
        """
        return await self._call(
            calls.list_attempts(job, task_name, instance_id, marker, max_item_count, **filters)
        )

    def iter_attempts(
        self,
        job: IdLike,
        task_name: str | Task,
        instance_id: int | str | Instance,
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[NoFilters],
    ) -> AsyncItems[InstanceAttempt]:
        """Iterate over all attempts of an instance, the oldest first (ListAttempts; REST API, 2.7).

        Args:
            job: Id of the job, or an object with an ``Id``.
            task_name: Name of the task, or its status.
            instance_id: Number of the instance, from 0, or its status.
            max_item_count: Maximum number of attempts of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: There are no filters. An unknown keyword is a TypeError that names the nearest argument.
        """
        calls.list_attempts(job, task_name, instance_id, marker, max_item_count, **filters)
        return AsyncItems(
            lambda page: self.list_attempts(job, task_name, instance_id, page, max_item_count, **filters),
            marker,
        )
