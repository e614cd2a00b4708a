# Made by tools/generate.py from job.py; change that file instead.
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, overload

from batchcompute.models.base import Description, Status
from batchcompute.resources._drawn import DrawnPlan, DrawnStatus
from batchcompute.resources._literals import JobState, JobType
from batchcompute.resources.appjob import App, AppJobDescription, Config, Logging
from batchcompute.resources.configs import Configs, InputMappingConfig, Mounts, Notification
from batchcompute.resources.task import (
    AutoCluster,
    Command,
    CredentialConfig,
    Docker,
    Parameters,
    TaskDescription,
)

__all__ = [
    "DAG",
    "AnyJobDescription",
    "App",
    "AppJobDescription",
    "AutoCluster",
    "Command",
    "Config",
    "Configs",
    "CredentialConfig",
    "Docker",
    "Error",
    "InputMappingConfig",
    "Instance",
    "InstanceAttempt",
    "InstanceMetrics",
    "Job",
    "JobDescription",
    "Logging",
    "Mounts",
    "Notification",
    "Parameters",
    "Result",
    "SynchronousInstance",
    "Task",
    "TaskDescription",
    "TaskMetrics",
]

class DAG(DrawnPlan, Description):
    """The tasks of a job and their dependencies."""
    @overload
    def __init__(
        self,
        properties: _DAG | Mapping[str, object] | str | bytes | None = ...,
        *,
        Tasks: Mapping[str, _TaskDescription | Mapping[str, object]] | None = ...,
        Dependencies: Mapping[str, list[str] | tuple[str, ...]] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _DAG | Mapping[str, object] | str | bytes | None = ...,
        *,
        tasks: Mapping[str, _TaskDescription | Mapping[str, object]] | None = ...,
        dependencies: Mapping[str, list[str] | tuple[str, ...]] | None = ...,
    ) -> None: ...
    @property
    def tasks(self) -> dict[str, _TaskDescription]:
        """The tasks by name. Required."""
    @tasks.setter
    def tasks(self, value: Mapping[str, _TaskDescription | Mapping[str, object]] | None) -> None: ...
    @property
    def Tasks(self) -> dict[str, _TaskDescription]:  # noqa: N802
        """The tasks by name. Required."""
    @Tasks.setter
    def Tasks(self, value: Mapping[str, _TaskDescription | Mapping[str, object]] | None) -> None: ...  # noqa: N802
    @property
    def dependencies(self) -> dict[str, list[str]]:
        """For each task, the tasks that start after it: ``{"A": ["B", "C"]}``."""
    @dependencies.setter
    def dependencies(self, value: Mapping[str, list[str] | tuple[str, ...]] | None) -> None: ...
    @property
    def Dependencies(self) -> dict[str, list[str]]:  # noqa: N802
        """For each task, the tasks that start after it: ``{"A": ["B", "C"]}``."""
    @Dependencies.setter
    def Dependencies(self, value: Mapping[str, list[str] | tuple[str, ...]] | None) -> None: ...  # noqa: N802
    def add_task(
        self,
        task_name: str,
        task: TaskDescription | Mapping[str, object],
        after: str | Sequence[str] | None = None,
    ) -> None:
        """Add a task. The description stores a copy.

        Args:
            task_name: Letters, digits, ``_`` and ``-``, no digit first, at most 32 bytes.
            task: The task, or a mapping of its fields.
            after: The tasks that have to end before this one starts: a name, or several; None for none. They may be
                added later.
        """
    def get_task(self, task_name: str) -> TaskDescription:
        """Return a task.

        Raises:
            KeyError: This name does not exist.
        """
    def delete_task(self, task_name: str) -> None:
        """Remove a task. Its dependencies stay.

        Raises:
            KeyError: This name does not exist.
        """

class JobDescription(DrawnPlan, Description):
    """A job to run (CreateJob; REST API, 3.1)."""
    @overload
    def __init__(
        self,
        properties: _JobDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Description: str | None = ...,
        Priority: int | None = ...,
        Notification: _Notification | Mapping[str, object] | None = ...,
        JobFailOnInstanceFail: bool | None = ...,
        AutoRelease: bool | None = ...,
        Type: _JobType | None = ...,
        DAG: _DAG | Mapping[str, object] | None = ...,
        Id: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _JobDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        description: str | None = ...,
        priority: int | None = ...,
        notification: _Notification | Mapping[str, object] | None = ...,
        job_fail_on_instance_fail: bool | None = ...,
        auto_release: bool | None = ...,
        type: _JobType | None = ...,
        dag: _DAG | Mapping[str, object] | None = ...,
        id: str | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str | None:
        """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str | None:  # noqa: N802
        """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def description(self) -> str:
        """Free text."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str:  # noqa: N802
        """Free text."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def priority(self) -> int | None:
        """Priority, 0 to 1000; the default of the service is 0. Jobs with a higher priority start first."""
    @priority.setter
    def priority(self, value: int | None) -> None: ...
    @property
    def Priority(self) -> int | None:  # noqa: N802
        """Priority, 0 to 1000; the default of the service is 0. Jobs with a higher priority start first."""
    @Priority.setter
    def Priority(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def notification(self) -> _Notification:
        """The topic that receives events, and the names of these events."""
    @notification.setter
    def notification(self, value: _Notification | Mapping[str, object] | None) -> None: ...
    @property
    def Notification(self) -> _Notification:  # noqa: N802
        """The topic that receives events, and the names of these events."""
    @Notification.setter
    def Notification(self, value: _Notification | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def job_fail_on_instance_fail(self) -> bool:
        """Whether the job fails as soon as an instance fails and has no retries left."""
    @job_fail_on_instance_fail.setter
    def job_fail_on_instance_fail(self, value: bool | None) -> None: ...
    @property
    def JobFailOnInstanceFail(self) -> bool:  # noqa: N802
        """Whether the job fails as soon as an instance fails and has no retries left."""
    @JobFailOnInstanceFail.setter
    def JobFailOnInstanceFail(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def auto_release(self) -> bool:
        """Whether the service deletes the job when it finishes."""
    @auto_release.setter
    def auto_release(self, value: bool | None) -> None: ...
    @property
    def AutoRelease(self) -> bool:  # noqa: N802
        """Whether the service deletes the job when it finishes."""
    @AutoRelease.setter
    def AutoRelease(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def type(self) -> _JobType:
        """Type of the job: ``DAG``."""
    @type.setter
    def type(self, value: _JobType | None) -> None: ...
    @property
    def Type(self) -> _JobType:  # noqa: N802
        """Type of the job: ``DAG``."""
    @Type.setter
    def Type(self, value: _JobType | None) -> None: ...  # noqa: N802
    @property
    def dag(self) -> _DAG:
        """The tasks and their dependencies. Required."""
    @dag.setter
    def dag(self, value: _DAG | Mapping[str, object] | None) -> None: ...
    @property
    def DAG(self) -> _DAG:  # noqa: N802
        """The tasks and their dependencies. Required."""
    @DAG.setter
    def DAG(self, value: _DAG | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def id(self) -> str | None:
        """Id of the job, in descriptions of existing jobs. A create does not send it."""
    @id.setter
    def id(self, value: str | None) -> None: ...
    @property
    def Id(self) -> str | None:  # noqa: N802
        """Id of the job, in descriptions of existing jobs. A create does not send it."""
    @Id.setter
    def Id(self, value: str | None) -> None: ...  # noqa: N802

class _Counts(Status):
    @overload
    def __init__(
        self,
        properties: __Counts | Mapping[str, object] | str | bytes | None = ...,
        *,
        WaitingCount: int | None = ...,
        RunningCount: int | None = ...,
        FinishedCount: int | None = ...,
        FailedCount: int | None = ...,
        StoppedCount: int | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: __Counts | Mapping[str, object] | str | bytes | None = ...,
        *,
        waiting_count: int | None = ...,
        running_count: int | None = ...,
        finished_count: int | None = ...,
        failed_count: int | None = ...,
        stopped_count: int | None = ...,
    ) -> None: ...
    @property
    def waiting_count(self) -> int:
        """Number in the state ``Waiting``."""
    @waiting_count.setter
    def waiting_count(self, value: int | None) -> None: ...
    @property
    def WaitingCount(self) -> int:  # noqa: N802
        """Number in the state ``Waiting``."""
    @WaitingCount.setter
    def WaitingCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def running_count(self) -> int:
        """Number in the state ``Running``."""
    @running_count.setter
    def running_count(self, value: int | None) -> None: ...
    @property
    def RunningCount(self) -> int:  # noqa: N802
        """Number in the state ``Running``."""
    @RunningCount.setter
    def RunningCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def finished_count(self) -> int:
        """Number in the state ``Finished``."""
    @finished_count.setter
    def finished_count(self, value: int | None) -> None: ...
    @property
    def FinishedCount(self) -> int:  # noqa: N802
        """Number in the state ``Finished``."""
    @FinishedCount.setter
    def FinishedCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def failed_count(self) -> int:
        """Number in the state ``Failed``."""
    @failed_count.setter
    def failed_count(self, value: int | None) -> None: ...
    @property
    def FailedCount(self) -> int:  # noqa: N802
        """Number in the state ``Failed``."""
    @FailedCount.setter
    def FailedCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def stopped_count(self) -> int:
        """Number in the state ``Stopped``."""
    @stopped_count.setter
    def stopped_count(self, value: int | None) -> None: ...
    @property
    def StoppedCount(self) -> int:  # noqa: N802
        """Number in the state ``Stopped``."""
    @StoppedCount.setter
    def StoppedCount(self, value: int | None) -> None: ...  # noqa: N802

class TaskMetrics(_Counts):
    """Number of tasks of a job in each state."""
    @overload
    def __init__(
        self,
        properties: _TaskMetrics | Mapping[str, object] | str | bytes | None = ...,
        *,
        WaitingCount: int | None = ...,
        RunningCount: int | None = ...,
        FinishedCount: int | None = ...,
        FailedCount: int | None = ...,
        StoppedCount: int | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _TaskMetrics | Mapping[str, object] | str | bytes | None = ...,
        *,
        waiting_count: int | None = ...,
        running_count: int | None = ...,
        finished_count: int | None = ...,
        failed_count: int | None = ...,
        stopped_count: int | None = ...,
    ) -> None: ...

class InstanceMetrics(_Counts):
    """Number of instances of a job or a task in each state."""
    @overload
    def __init__(
        self,
        properties: _InstanceMetrics | Mapping[str, object] | str | bytes | None = ...,
        *,
        WaitingCount: int | None = ...,
        RunningCount: int | None = ...,
        FinishedCount: int | None = ...,
        FailedCount: int | None = ...,
        StoppedCount: int | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _InstanceMetrics | Mapping[str, object] | str | bytes | None = ...,
        *,
        waiting_count: int | None = ...,
        running_count: int | None = ...,
        finished_count: int | None = ...,
        failed_count: int | None = ...,
        stopped_count: int | None = ...,
    ) -> None: ...

class Job(DrawnStatus, Status):
    """A job (GetJob, ListJobs)."""
    @overload
    def __init__(
        self,
        properties: _Job | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Id: str | None = ...,
        Priority: int | None = ...,
        Owner: str | None = ...,
        OwnerId: str | int | None = ...,
        State: _JobState | None = ...,
        Message: str | None = ...,
        CreationTime: datetime | str | None = ...,
        StartTime: datetime | str | None = ...,
        EndTime: datetime | str | None = ...,
        TaskMetrics: _TaskMetrics | Mapping[str, object] | None = ...,
        InstanceMetrics: _InstanceMetrics | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Job | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        id: str | None = ...,
        priority: int | None = ...,
        owner: str | None = ...,
        owner_id: str | int | None = ...,
        state: _JobState | None = ...,
        message: str | None = ...,
        creation_time: datetime | str | None = ...,
        start_time: datetime | str | None = ...,
        end_time: datetime | str | None = ...,
        task_metrics: _TaskMetrics | Mapping[str, object] | None = ...,
        instance_metrics: _InstanceMetrics | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str:
        """Name of the job."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str:  # noqa: N802
        """Name of the job."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def id(self) -> str:
        """Id of the job, ``job-…``."""
    @id.setter
    def id(self, value: str | None) -> None: ...
    @property
    def Id(self) -> str:  # noqa: N802
        """Id of the job, ``job-…``."""
    @Id.setter
    def Id(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def priority(self) -> int:
        """Priority of the job, if the service sends it."""
    @priority.setter
    def priority(self, value: int | None) -> None: ...
    @property
    def Priority(self) -> int:  # noqa: N802
        """Priority of the job, if the service sends it."""
    @Priority.setter
    def Priority(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def owner(self) -> str:
        """Owner of the job, if the service sends this field."""
    @owner.setter
    def owner(self, value: str | None) -> None: ...
    @property
    def Owner(self) -> str:  # noqa: N802
        """Owner of the job, if the service sends this field."""
    @Owner.setter
    def Owner(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def owner_id(self) -> str | int:
        """The account of the owner: a number or a string, as the service sends it."""
    @owner_id.setter
    def owner_id(self, value: str | int | None) -> None: ...
    @property
    def OwnerId(self) -> str | int:  # noqa: N802
        """The account of the owner: a number or a string, as the service sends it."""
    @OwnerId.setter
    def OwnerId(self, value: str | int | None) -> None: ...  # noqa: N802
    @property
    def state(self) -> _JobState:
        """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @state.setter
    def state(self, value: _JobState | None) -> None: ...
    @property
    def State(self) -> _JobState:  # noqa: N802
        """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @State.setter
    def State(self, value: _JobState | None) -> None: ...  # noqa: N802
    @property
    def message(self) -> str:
        """Reason why the job failed, or reason why it waits; empty for none."""
    @message.setter
    def message(self, value: str | None) -> None: ...
    @property
    def Message(self) -> str:  # noqa: N802
        """Reason why the job failed, or reason why it waits; empty for none."""
    @Message.setter
    def Message(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def creation_time(self) -> datetime | None:
        """Time of creation."""
    @creation_time.setter
    def creation_time(self, value: datetime | str | None) -> None: ...
    @property
    def CreationTime(self) -> datetime | None:  # noqa: N802
        """Time of creation."""
    @CreationTime.setter
    def CreationTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """Time when the first instance started; None before."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """Time when the first instance started; None before."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """Time of the end; None before."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """Time of the end; None before."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def task_metrics(self) -> _TaskMetrics:
        """Number of tasks in each state."""
    @task_metrics.setter
    def task_metrics(self, value: _TaskMetrics | Mapping[str, object] | None) -> None: ...
    @property
    def TaskMetrics(self) -> _TaskMetrics:  # noqa: N802
        """Number of tasks in each state."""
    @TaskMetrics.setter
    def TaskMetrics(self, value: _TaskMetrics | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def instance_metrics(self) -> _InstanceMetrics:
        """Number of instances in each state."""
    @instance_metrics.setter
    def instance_metrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...
    @property
    def InstanceMetrics(self) -> _InstanceMetrics:  # noqa: N802
        """Number of instances in each state."""
    @InstanceMetrics.setter
    def InstanceMetrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Task(DrawnStatus, Status):
    """A task of a job (GetTask, ListTasks)."""
    @overload
    def __init__(
        self,
        properties: _Task | Mapping[str, object] | str | bytes | None = ...,
        *,
        TaskName: str | None = ...,
        State: _JobState | None = ...,
        StartTime: datetime | str | None = ...,
        EndTime: datetime | str | None = ...,
        InstanceMetrics: _InstanceMetrics | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Task | Mapping[str, object] | str | bytes | None = ...,
        *,
        task_name: str | None = ...,
        state: _JobState | None = ...,
        start_time: datetime | str | None = ...,
        end_time: datetime | str | None = ...,
        instance_metrics: _InstanceMetrics | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def task_name(self) -> str:
        """Name of the task."""
    @task_name.setter
    def task_name(self, value: str | None) -> None: ...
    @property
    def TaskName(self) -> str:  # noqa: N802
        """Name of the task."""
    @TaskName.setter
    def TaskName(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def state(self) -> _JobState:
        """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @state.setter
    def state(self, value: _JobState | None) -> None: ...
    @property
    def State(self) -> _JobState:  # noqa: N802
        """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @State.setter
    def State(self, value: _JobState | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """Time when the first instance started; None before."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """Time when the first instance started; None before."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """Time of the end; None before."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """Time of the end; None before."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def instance_metrics(self) -> _InstanceMetrics:
        """Number of instances in each state."""
    @instance_metrics.setter
    def instance_metrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...
    @property
    def InstanceMetrics(self) -> _InstanceMetrics:  # noqa: N802
        """Number of instances in each state."""
    @InstanceMetrics.setter
    def InstanceMetrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Result(Status):
    """The result of the program of an instance (REST API, 4.3)."""
    @overload
    def __init__(
        self,
        properties: _Result | Mapping[str, object] | str | bytes | None = ...,
        *,
        ExitCode: int | None = ...,
        ErrorCode: str | None = ...,
        ErrorMessage: str | None = ...,
        Detail: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Result | Mapping[str, object] | str | bytes | None = ...,
        *,
        exit_code: int | None = ...,
        error_code: str | None = ...,
        error_message: str | None = ...,
        detail_text: str | None = ...,
    ) -> None: ...
    @property
    def exit_code(self) -> int:
        """Exit code of the program. It is also 0 before the program ends."""
    @exit_code.setter
    def exit_code(self, value: int | None) -> None: ...
    @property
    def ExitCode(self) -> int:  # noqa: N802
        """Exit code of the program. It is also 0 before the program ends."""
    @ExitCode.setter
    def ExitCode(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def error_code(self) -> str:
        """Code of the reason of the failure, for example ``ProgramFailed``; empty after success."""
    @error_code.setter
    def error_code(self, value: str | None) -> None: ...
    @property
    def ErrorCode(self) -> str:  # noqa: N802
        """Code of the reason of the failure, for example ``ProgramFailed``; empty after success."""
    @ErrorCode.setter
    def ErrorCode(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def error_message(self) -> str:
        """Message about the failure."""
    @error_message.setter
    def error_message(self, value: str | None) -> None: ...
    @property
    def ErrorMessage(self) -> str:  # noqa: N802
        """Message about the failure."""
    @ErrorMessage.setter
    def ErrorMessage(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def detail_text(self) -> str:
        """Details of the failure, for example the end of stderr. The wire name is ``Detail``; ``detail()`` is a method."""
    @detail_text.setter
    def detail_text(self, value: str | None) -> None: ...
    @property
    def Detail(self) -> str:  # noqa: N802
        """Details of the failure, for example the end of stderr. The wire name is ``Detail``; ``detail()`` is a method."""
    @Detail.setter
    def Detail(self, value: str | None) -> None: ...  # noqa: N802

class Error(Status):
    """The error of the run of an app."""
    @overload
    def __init__(
        self,
        properties: _Error | Mapping[str, object] | str | bytes | None = ...,
        *,
        Code: str | None = ...,
        Message: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Error | Mapping[str, object] | str | bytes | None = ...,
        *,
        code: str | None = ...,
        message: str | None = ...,
    ) -> None: ...
    @property
    def code(self) -> str:
        """Code of the error."""
    @code.setter
    def code(self, value: str | None) -> None: ...
    @property
    def Code(self) -> str:  # noqa: N802
        """Code of the error."""
    @Code.setter
    def Code(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def message(self) -> str:
        """Message of the error."""
    @message.setter
    def message(self, value: str | None) -> None: ...
    @property
    def Message(self) -> str:  # noqa: N802
        """Message of the error."""
    @Message.setter
    def Message(self, value: str | None) -> None: ...  # noqa: N802

class Instance(Status):
    """An instance of a task (GetInstance, ListInstances)."""
    @overload
    def __init__(
        self,
        properties: _Instance | Mapping[str, object] | str | bytes | None = ...,
        *,
        InstanceId: int | None = ...,
        State: _JobState | None = ...,
        StartTime: datetime | str | None = ...,
        EndTime: datetime | str | None = ...,
        RetryCount: int | None = ...,
        Progress: int | None = ...,
        StdoutRedirectPath: str | None = ...,
        StderrRedirectPath: str | None = ...,
        Result: _Result | Mapping[str, object] | None = ...,
        Error: _Error | Mapping[str, object] | None = ...,
        Outputs: Mapping[str, object] | None = ...,
        NodeIp: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Instance | Mapping[str, object] | str | bytes | None = ...,
        *,
        instance_id: int | None = ...,
        state: _JobState | None = ...,
        start_time: datetime | str | None = ...,
        end_time: datetime | str | None = ...,
        retry_count: int | None = ...,
        progress: int | None = ...,
        stdout_redirect_path: str | None = ...,
        stderr_redirect_path: str | None = ...,
        result: _Result | Mapping[str, object] | None = ...,
        error: _Error | Mapping[str, object] | None = ...,
        outputs: Mapping[str, object] | None = ...,
        node_ip: str | None = ...,
    ) -> None: ...
    @property
    def instance_id(self) -> int:
        """Number of the instance, from 0."""
    @instance_id.setter
    def instance_id(self, value: int | None) -> None: ...
    @property
    def InstanceId(self) -> int:  # noqa: N802
        """Number of the instance, from 0."""
    @InstanceId.setter
    def InstanceId(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def state(self) -> _JobState:
        """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @state.setter
    def state(self, value: _JobState | None) -> None: ...
    @property
    def State(self) -> _JobState:  # noqa: N802
        """State: ``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @State.setter
    def State(self, value: _JobState | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """Time when the last attempt started; None before."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """Time when the last attempt started; None before."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """Time of the end; None before."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """Time of the end; None before."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def retry_count(self) -> int:
        """Number of retries."""
    @retry_count.setter
    def retry_count(self, value: int | None) -> None: ...
    @property
    def RetryCount(self) -> int:  # noqa: N802
        """Number of retries."""
    @RetryCount.setter
    def RetryCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def progress(self) -> int:
        """Progress, 0 to 100. The service of Alibaba always sends 0."""
    @progress.setter
    def progress(self, value: int | None) -> None: ...
    @property
    def Progress(self) -> int:  # noqa: N802
        """Progress, 0 to 100. The service of Alibaba always sends 0."""
    @Progress.setter
    def Progress(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def stdout_redirect_path(self) -> str:
        """URL of the object with the stdout."""
    @stdout_redirect_path.setter
    def stdout_redirect_path(self, value: str | None) -> None: ...
    @property
    def StdoutRedirectPath(self) -> str:  # noqa: N802
        """URL of the object with the stdout."""
    @StdoutRedirectPath.setter
    def StdoutRedirectPath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def stderr_redirect_path(self) -> str:
        """URL of the object with the stderr."""
    @stderr_redirect_path.setter
    def stderr_redirect_path(self, value: str | None) -> None: ...
    @property
    def StderrRedirectPath(self) -> str:  # noqa: N802
        """URL of the object with the stderr."""
    @StderrRedirectPath.setter
    def StderrRedirectPath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def result(self) -> _Result:
        """The result of the program."""
    @result.setter
    def result(self, value: _Result | Mapping[str, object] | None) -> None: ...
    @property
    def Result(self) -> _Result:  # noqa: N802
        """The result of the program."""
    @Result.setter
    def Result(self, value: _Result | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def error(self) -> _Error:
        """The error of the run of an app."""
    @error.setter
    def error(self, value: _Error | Mapping[str, object] | None) -> None: ...
    @property
    def Error(self) -> _Error:  # noqa: N802
        """The error of the run of an app."""
    @Error.setter
    def Error(self, value: _Error | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def outputs(self) -> dict[str, Any]:
        """The ``oss://`` URLs of the outputs of an App job, by name."""
    @outputs.setter
    def outputs(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def Outputs(self) -> dict[str, Any]:  # noqa: N802
        """The ``oss://`` URLs of the outputs of an App job, by name."""
    @Outputs.setter
    def Outputs(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def node_ip(self) -> str:
        """IP address of the machine."""
    @node_ip.setter
    def node_ip(self, value: str | None) -> None: ...
    @property
    def NodeIp(self) -> str:  # noqa: N802
        """IP address of the machine."""
    @NodeIp.setter
    def NodeIp(self, value: str | None) -> None: ...  # noqa: N802
    def get_output(self, name: str) -> object:
        """Return the URL of an output of an App job.

        Raises:
            KeyError: This name does not exist.
        """

class InstanceAttempt(Status):
    """An attempt of an instance (ListAttempts, an extension of this package: REST API, 2.7)."""
    @overload
    def __init__(
        self,
        properties: _InstanceAttempt | Mapping[str, object] | str | bytes | None = ...,
        *,
        Number: int | None = ...,
        State: str | None = ...,
        Token: str | None = ...,
        NodeIp: str | None = ...,
        WorkerId: str | None = ...,
        StartTime: datetime | str | None = ...,
        EndTime: datetime | str | None = ...,
        ExitCode: int | None = ...,
        ErrorCode: str | None = ...,
        ErrorMessage: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _InstanceAttempt | Mapping[str, object] | str | bytes | None = ...,
        *,
        number: int | None = ...,
        state: str | None = ...,
        token: str | None = ...,
        node_ip: str | None = ...,
        worker_id: str | None = ...,
        start_time: datetime | str | None = ...,
        end_time: datetime | str | None = ...,
        exit_code: int | None = ...,
        error_code: str | None = ...,
        error_message: str | None = ...,
    ) -> None: ...
    @property
    def number(self) -> int:
        """Number of the attempt, from 1."""
    @number.setter
    def number(self, value: int | None) -> None: ...
    @property
    def Number(self) -> int:  # noqa: N802
        """Number of the attempt, from 1."""
    @Number.setter
    def Number(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def state(self) -> str:
        """``Waiting`` in its engine, ``Running``, ``Finished``, ``Failed``, ``Stopped``, or ``Lost`` (unknown outcome)."""
    @state.setter
    def state(self, value: str | None) -> None: ...
    @property
    def State(self) -> str:  # noqa: N802
        """``Waiting`` in its engine, ``Running``, ``Finished``, ``Failed``, ``Stopped``, or ``Lost`` (unknown outcome)."""
    @State.setter
    def State(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def token(self) -> str:
        """Unique name of the attempt; its processes have it in the variable ``BC_INSTANCE``."""
    @token.setter
    def token(self, value: str | None) -> None: ...
    @property
    def Token(self) -> str:  # noqa: N802
        """Unique name of the attempt; its processes have it in the variable ``BC_INSTANCE``."""
    @Token.setter
    def Token(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def node_ip(self) -> str:
        """IP address of the machine."""
    @node_ip.setter
    def node_ip(self, value: str | None) -> None: ...
    @property
    def NodeIp(self) -> str:  # noqa: N802
        """IP address of the machine."""
    @NodeIp.setter
    def NodeIp(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def worker_id(self) -> str:
        """Id of the machine of a cluster; empty for a machine of an AutoCluster."""
    @worker_id.setter
    def worker_id(self, value: str | None) -> None: ...
    @property
    def WorkerId(self) -> str:  # noqa: N802
        """Id of the machine of a cluster; empty for a machine of an AutoCluster."""
    @WorkerId.setter
    def WorkerId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """Time of the start."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """Time of the start."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """Time of the end; None before."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """Time of the end; None before."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def exit_code(self) -> int:
        """Exit code of the program; 0 if there is none."""
    @exit_code.setter
    def exit_code(self, value: int | None) -> None: ...
    @property
    def ExitCode(self) -> int:  # noqa: N802
        """Exit code of the program; 0 if there is none."""
    @ExitCode.setter
    def ExitCode(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def error_code(self) -> str:
        """Code of the error; empty after success. An attempt that is ``Lost`` has the code ``Lost``."""
    @error_code.setter
    def error_code(self, value: str | None) -> None: ...
    @property
    def ErrorCode(self) -> str:  # noqa: N802
        """Code of the error; empty after success. An attempt that is ``Lost`` has the code ``Lost``."""
    @ErrorCode.setter
    def ErrorCode(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def error_message(self) -> str:
        """Message of the error, or the reason why the attempt is lost."""
    @error_message.setter
    def error_message(self, value: str | None) -> None: ...
    @property
    def ErrorMessage(self) -> str:  # noqa: N802
        """Message of the error, or the reason why the attempt is lost."""
    @ErrorMessage.setter
    def ErrorMessage(self, value: str | None) -> None: ...  # noqa: N802

class SynchronousInstance(Status):
    """The finished run of a synchronous App job."""
    @overload
    def __init__(
        self,
        properties: _SynchronousInstance | Mapping[str, object] | str | bytes | None = ...,
        *,
        RequestId: str | None = ...,
        StartTime: datetime | str | None = ...,
        EndTime: datetime | str | None = ...,
        Outputs: Mapping[str, object] | None = ...,
        Error: _Error | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _SynchronousInstance | Mapping[str, object] | str | bytes | None = ...,
        *,
        request_id: str | None = ...,
        start_time: datetime | str | None = ...,
        end_time: datetime | str | None = ...,
        outputs: Mapping[str, object] | None = ...,
        error: _Error | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def request_id(self) -> str:
        """Id of the request."""
    @request_id.setter
    def request_id(self, value: str | None) -> None: ...
    @property
    def RequestId(self) -> str:  # noqa: N802
        """Id of the request."""
    @RequestId.setter
    def RequestId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """Time of the start."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """Time of the start."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """Time of the end."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """Time of the end."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def outputs(self) -> dict[str, Any]:
        """The values of the outputs, by name."""
    @outputs.setter
    def outputs(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def Outputs(self) -> dict[str, Any]:  # noqa: N802
        """The values of the outputs, by name."""
    @Outputs.setter
    def Outputs(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def error(self) -> _Error:
        """The error of the run."""
    @error.setter
    def error(self, value: _Error | Mapping[str, object] | None) -> None: ...
    @property
    def Error(self) -> _Error:  # noqa: N802
        """The error of the run."""
    @Error.setter
    def Error(self, value: _Error | Mapping[str, object] | None) -> None: ...  # noqa: N802
    def get_output(self, name: str) -> object:
        """Return the value of an output.

        Raises:
            KeyError: This name does not exist.
        """

AnyJobDescription: TypeAlias = JobDescription | AppJobDescription
_DAG: TypeAlias = DAG
_Error: TypeAlias = Error
_Instance: TypeAlias = Instance
_InstanceAttempt: TypeAlias = InstanceAttempt
_InstanceMetrics: TypeAlias = InstanceMetrics
_Job: TypeAlias = Job
_JobDescription: TypeAlias = JobDescription
_JobState: TypeAlias = JobState
_JobType: TypeAlias = JobType
_Notification: TypeAlias = Notification
_Result: TypeAlias = Result
_SynchronousInstance: TypeAlias = SynchronousInstance
_Task: TypeAlias = Task
_TaskDescription: TypeAlias = TaskDescription
_TaskMetrics: TypeAlias = TaskMetrics
__Counts: TypeAlias = _Counts
