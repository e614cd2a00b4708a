# Made by tools/generate.py from client/_async/_jobs.py; change that file instead.
"""Calls for jobs, tasks and instances (REST API, 2.1 and 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Unpack, overload

from batchcompute.api import calls
from batchcompute.client._sync._base import Base
from batchcompute.client._sync._iterate import Items

if TYPE_CHECKING:
    from batchcompute.api.arguments import IdLike
    from batchcompute.api.filters import InstanceFilters, JobFilters, TaskFilters
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
        Job,
        JobDescription,
        JobState,
        Task,
    )

__all__: list[str] = []


class Jobs(Base):
    """Calls for jobs, tasks and instances."""

    @overload
    def create_job(
        self,
        job_desc: JobDescription | AppJobDescription | Mapping[str, object] | str | bytes,
        token: str = "",
        sync: Literal[False] = False,
    ) -> CreateResponse: ...
    @overload
    def create_job(
        self,
        job_desc: AppJobDescription | Mapping[str, object] | str | bytes,
        token: str = "",
        *,
        sync: Literal[True],
    ) -> SynchronousInstanceResponse: ...
    def create_job(
        self,
        job_desc: JobDescription | AppJobDescription | Mapping[str, object] | str | bytes,
        token: str = "",
        sync: bool = False,
    ) -> CreateResponse | SynchronousInstanceResponse:
        """Create a job (CreateJob).

        Args:
            job_desc: The job: a description, a mapping of one, or its JSON text.
            token: Idempotent token, at most 64 letters, digits and underscores; a create that is
                repeated with the same token answers with the same job.
            sync: For an App job, wait on the service's side and return the finished run. A DAG job
                is always created without waiting.

        Returns:
            The answer with the job's ``Id``; for a synchronous App job its finished run.

        Raises:
            ValidationError: The description is one that the service would refuse; nothing was sent.
            JSONError: The description is a text that is no JSON object.
            ClientError: The service refused.
        """
        if sync and calls.is_app_job(job_desc):
            return self._call(calls.create_job_sync(job_desc, token))
        return self._call(calls.create_job(job_desc, token))

    def list_jobs(
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
            marker: Where the page begins: empty, or the ``NextMarker`` of the page before.
            max_item_count: How many jobs the page may hold, 0 to 100.
            state: Only jobs in this state.
            cluster_id: Only jobs that use this cluster.
            project_id: Only jobs of this project.
            **filters: ``OrderBy`` (``Id`` or ``CreationTime``) and ``IsReverse`` (``"True"``), and the filters above
                as the old SDK spells them; a keyword that is none of these is a TypeError.

        Raises:
            ClientError: The service refused.
        """
        return self._call(calls.list_jobs(marker, max_item_count, state, cluster_id, project_id, **filters))

    def iter_jobs(
        self,
        state: JobState = "",
        cluster_id: IdLike = "",
        project_id: str = "",
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[JobFilters],
    ) -> Items[Job]:
        """Iterate over the jobs of all pages (ListJobs).

        Args:
            state: Only jobs in this state.
            cluster_id: Only jobs that use this cluster.
            project_id: Only jobs of this project.
            max_item_count: How many jobs are fetched at a time, 1 to 100.
            marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
            **filters: ``OrderBy`` (``Id`` or ``CreationTime``) and ``IsReverse`` (``"True"``), and the filters above
                as the old SDK spells them; a keyword that is none of these is a TypeError.
        """
        # A wrong argument is told now, not with the first item.
        calls.list_jobs(marker, max_item_count, state, cluster_id, project_id, **filters)
        return Items(
            lambda page: self.list_jobs(page, max_item_count, state, cluster_id, project_id, **filters),
            marker,
        )

    def get_job(self, job: IdLike) -> JobResponse:
        """Return the status of a job (GetJob).

        Args:
            job: Id of the job, or anything that has it.

        Raises:
            NotFoundError: There is no such job.
        """
        return self._call(calls.get_job(job))

    def get_job_description(self, job: IdLike) -> JobDescriptionResponse:
        """Return the description of a job, with the service's defaults filled in (GetJobDescription).

        Args:
            job: Id of the job, or anything that has it.

        Raises:
            NotFoundError: There is no such job.
        """
        return self._call(calls.get_job_description(job))

    def stop_job(self, job: IdLike) -> ActionResponse:
        """Stop a job that waits or runs (StopJob).

        Args:
            job: Id of the job, or anything that has it.

        Raises:
            StateConflictError: The job has ended already.
            NotFoundError: There is no such job.
        """
        return self._call(calls.stop_job(job))

    def start_job(self, job: IdLike) -> ActionResponse:
        """Start a job again that was stopped or has failed; finished instances are kept (StartJob).

        Args:
            job: Id of the job, or anything that has it.

        Raises:
            StateConflictError: The job waits, runs, or has finished.
            NotFoundError: There is no such job.
        """
        return self._call(calls.start_job(job))

    def change_job_priority(self, job: IdLike, priority: int) -> ActionResponse:
        """Change the priority of a job that was stopped or has failed (ChangeJobPriority).

        Args:
            job: Id of the job, or anything that has it.
            priority: 0 to 1000, larger first.

        Raises:
            ValidationError: The priority is out of range; nothing was sent.
            StateConflictError: The job waits, runs, or has finished.
        """
        return self._call(calls.change_job_priority(job, priority))

    def delete_job(self, job: IdLike) -> ActionResponse:
        """Delete a job that has ended (DeleteJob).

        Args:
            job: Id of the job, or anything that has it.

        Raises:
            StateConflictError: The job waits or runs; stop it first.
            NotFoundError: There is no such job.
        """
        return self._call(calls.delete_job(job))

    def list_tasks(
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
            job: Id of the job, or anything that has it.
            marker: Where the page begins: empty, or the ``NextMarker`` of the page before.
            max_item_count: How many tasks the page may hold, 0 to 100.
            state: Only tasks in this state.
            cluster_id: Only tasks that use this cluster.
            **filters: The filters above as the old SDK spells them; another keyword is a TypeError.

        Raises:
            NotFoundError: There is no such job.
        """
        return self._call(calls.list_tasks(job, marker, max_item_count, state, cluster_id, **filters))

    def iter_tasks(
        self,
        job: IdLike,
        state: JobState = "",
        cluster_id: IdLike = "",
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[TaskFilters],
    ) -> Items[Task]:
        """Iterate over the tasks of a job, over all pages (ListTasks).

        Args:
            job: Id of the job, or anything that has it.
            state: Only tasks in this state.
            cluster_id: Only tasks that use this cluster.
            max_item_count: How many tasks are fetched at a time, 1 to 100.
            marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
            **filters: The filters above as the old SDK spells them.
        """
        # A wrong argument is told now, not with the first item.
        calls.list_tasks(job, marker, max_item_count, state, cluster_id, **filters)
        return Items(
            lambda page: self.list_tasks(job, page, max_item_count, state, cluster_id, **filters), marker
        )

    def get_task(self, job: IdLike, task_name: str | Task) -> TaskResponse:
        """Return the status of a task (GetTask).

        Args:
            job: Id of the job, or anything that has it.
            task_name: Name of the task, or its status.

        Raises:
            NotFoundError: There is no such job or task.
        """
        return self._call(calls.get_task(job, task_name))

    def list_instances(
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
            job: Id of the job, or anything that has it.
            task_name: Name of the task, or its status.
            marker: Where the page begins: empty or 0, or the ``NextMarker`` of the page before.
            max_item_count: How many instances the page may hold, 0 to 100.
            state: Only instances in this state.
            **filters: The filters above as the old SDK spells them; another keyword is a TypeError.

        Raises:
            NotFoundError: There is no such job or task.
        """
        return self._call(calls.list_instances(job, task_name, marker, max_item_count, state, **filters))

    def iter_instances(
        self,
        job: IdLike,
        task_name: str | Task,
        state: JobState = "",
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[InstanceFilters],
    ) -> Items[Instance]:
        """Iterate over the instances of a task, over all pages (ListInstances).

        Args:
            job: Id of the job, or anything that has it.
            task_name: Name of the task, or its status.
            state: Only instances in this state.
            max_item_count: How many instances are fetched at a time, 1 to 100.
            marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
            **filters: The filters above as the old SDK spells them.
        """
        # A wrong argument is told now, not with the first item.
        calls.list_instances(job, task_name, marker, max_item_count, state, **filters)
        return Items(
            lambda page: self.list_instances(job, task_name, page, max_item_count, state, **filters), marker
        )

    def get_instance(
        self, job: IdLike, task_name: str | Task, instance_id: int | str | Instance
    ) -> InstanceResponse:
        """Return the status of an instance (GetInstance).

        Args:
            job: Id of the job, or anything that has it.
            task_name: Name of the task, or its status.
            instance_id: Number of the instance, from 0, or its status.

        Raises:
            NotFoundError: There is no such job, task or instance.
        """
        return self._call(calls.get_instance(job, task_name, instance_id))
