# Made by tools/generate.py from appjob.py; change that file instead.
from collections.abc import Mapping
from typing import Any, TypeAlias, overload

from batchcompute.models.base import Description
from batchcompute.resources._literals import JobType, ResourceTypeName
from batchcompute.resources._setters import ConfigSetters
from batchcompute.resources.configs import Notification

__all__ = ["App", "AppJobDescription", "Config", "Logging"]

class Config(ConfigSetters):
    """Values for the configuration of an app. The app declares which values a job may replace."""
    @overload
    def __init__(
        self,
        properties: _Config | Mapping[str, object] | str | bytes | None = ...,
        *,
        ResourceType: _ResourceTypeName | None = ...,
        InstanceType: str | None = ...,
        InstanceCount: int | None = ...,
        MinDiskSize: int | None = ...,
        DiskType: str | None = ...,
        MinDataDiskSize: int | None = ...,
        DataDiskType: str | None = ...,
        DataDiskMountPoint: str | None = ...,
        MaxRetryCount: int | None = ...,
        Timeout: int | None = ...,
        ClassicNetwork: bool | None = ...,
        ClusterId: str | None = ...,
        ReserveOnFail: bool | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Config | Mapping[str, object] | str | bytes | None = ...,
        *,
        resource_type: _ResourceTypeName | None = ...,
        instance_type: str | None = ...,
        instance_count: int | None = ...,
        min_disk_size: int | None = ...,
        disk_type: str | None = ...,
        min_data_disk_size: int | None = ...,
        data_disk_type: str | None = ...,
        data_disk_mount_point: str | None = ...,
        max_retry_count: int | None = ...,
        timeout: int | None = ...,
        classic_network: bool | None = ...,
        cluster_id: str | None = ...,
        reserve_on_fail: bool | None = ...,
    ) -> None: ...
    @property
    def resource_type(self) -> _ResourceTypeName | None:
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @resource_type.setter
    def resource_type(self, value: _ResourceTypeName | None) -> None: ...
    @property
    def ResourceType(self) -> _ResourceTypeName | None:  # noqa: N802
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @ResourceType.setter
    def ResourceType(self, value: _ResourceTypeName | None) -> None: ...  # noqa: N802
    @property
    def instance_type(self) -> str | None:
        """Instance type of the machines."""
    @instance_type.setter
    def instance_type(self, value: str | None) -> None: ...
    @property
    def InstanceType(self) -> str | None:  # noqa: N802
        """Instance type of the machines."""
    @InstanceType.setter
    def InstanceType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def instance_count(self) -> int | None:
        """Number of instances."""
    @instance_count.setter
    def instance_count(self, value: int | None) -> None: ...
    @property
    def InstanceCount(self) -> int | None:  # noqa: N802
        """Number of instances."""
    @InstanceCount.setter
    def InstanceCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def min_disk_size(self) -> int | None:
        """Smallest system disk in GB."""
    @min_disk_size.setter
    def min_disk_size(self, value: int | None) -> None: ...
    @property
    def MinDiskSize(self) -> int | None:  # noqa: N802
        """Smallest system disk in GB."""
    @MinDiskSize.setter
    def MinDiskSize(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def disk_type(self) -> str | None:
        """Type of the system disk."""
    @disk_type.setter
    def disk_type(self, value: str | None) -> None: ...
    @property
    def DiskType(self) -> str | None:  # noqa: N802
        """Type of the system disk."""
    @DiskType.setter
    def DiskType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def min_data_disk_size(self) -> int | None:
        """Smallest data disk in GB; 0 for none."""
    @min_data_disk_size.setter
    def min_data_disk_size(self, value: int | None) -> None: ...
    @property
    def MinDataDiskSize(self) -> int | None:  # noqa: N802
        """Smallest data disk in GB; 0 for none."""
    @MinDataDiskSize.setter
    def MinDataDiskSize(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def data_disk_type(self) -> str | None:
        """Type of the data disk."""
    @data_disk_type.setter
    def data_disk_type(self, value: str | None) -> None: ...
    @property
    def DataDiskType(self) -> str | None:  # noqa: N802
        """Type of the data disk."""
    @DataDiskType.setter
    def DataDiskType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def data_disk_mount_point(self) -> str | None:
        """Mount point of the data disk."""
    @data_disk_mount_point.setter
    def data_disk_mount_point(self, value: str | None) -> None: ...
    @property
    def DataDiskMountPoint(self) -> str | None:  # noqa: N802
        """Mount point of the data disk."""
    @DataDiskMountPoint.setter
    def DataDiskMountPoint(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def max_retry_count(self) -> int | None:
        """Number of times that a failed instance is retried."""
    @max_retry_count.setter
    def max_retry_count(self, value: int | None) -> None: ...
    @property
    def MaxRetryCount(self) -> int | None:  # noqa: N802
        """Number of times that a failed instance is retried."""
    @MaxRetryCount.setter
    def MaxRetryCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def timeout(self) -> int | None:
        """Time-out of an attempt of an instance, in seconds."""
    @timeout.setter
    def timeout(self, value: int | None) -> None: ...
    @property
    def Timeout(self) -> int | None:  # noqa: N802
        """Time-out of an attempt of an instance, in seconds."""
    @Timeout.setter
    def Timeout(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def classic_network(self) -> bool | None:
        """Whether the machines are in the classic network."""
    @classic_network.setter
    def classic_network(self, value: bool | None) -> None: ...
    @property
    def ClassicNetwork(self) -> bool | None:  # noqa: N802
        """Whether the machines are in the classic network."""
    @ClassicNetwork.setter
    def ClassicNetwork(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def cluster_id(self) -> str | None:
        """Id of the cluster to run on, instead of a new one."""
    @cluster_id.setter
    def cluster_id(self, value: str | None) -> None: ...
    @property
    def ClusterId(self) -> str | None:  # noqa: N802
        """Id of the cluster to run on, instead of a new one."""
    @ClusterId.setter
    def ClusterId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def reserve_on_fail(self) -> bool | None:
        """Whether the machines stay when the job fails."""
    @reserve_on_fail.setter
    def reserve_on_fail(self, value: bool | None) -> None: ...
    @property
    def ReserveOnFail(self) -> bool | None:  # noqa: N802
        """Whether the machines stay when the job fails."""
    @ReserveOnFail.setter
    def ReserveOnFail(self, value: bool | None) -> None: ...  # noqa: N802

class Logging(Description):
    """The directories for stdout and stderr of a run."""
    @overload
    def __init__(
        self,
        properties: _Logging | Mapping[str, object] | str | bytes | None = ...,
        *,
        StdoutPath: str | None = ...,
        StderrPath: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Logging | Mapping[str, object] | str | bytes | None = ...,
        *,
        stdout_path: str | None = ...,
        stderr_path: str | None = ...,
    ) -> None: ...
    @property
    def stdout_path(self) -> str | None:
        """``oss://…/`` URL of the directory for stdout."""
    @stdout_path.setter
    def stdout_path(self, value: str | None) -> None: ...
    @property
    def StdoutPath(self) -> str | None:  # noqa: N802
        """``oss://…/`` URL of the directory for stdout."""
    @StdoutPath.setter
    def StdoutPath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def stderr_path(self) -> str | None:
        """``oss://…/`` URL of the directory for stderr."""
    @stderr_path.setter
    def stderr_path(self, value: str | None) -> None: ...
    @property
    def StderrPath(self) -> str | None:  # noqa: N802
        """``oss://…/`` URL of the directory for stderr."""
    @StderrPath.setter
    def StderrPath(self, value: str | None) -> None: ...  # noqa: N802

class App(Description):
    """The app that an App job runs, with its inputs, outputs and configuration."""
    @overload
    def __init__(
        self,
        properties: _App | Mapping[str, object] | str | bytes | None = ...,
        *,
        AppName: str | None = ...,
        Inputs: Mapping[str, object] | None = ...,
        Outputs: Mapping[str, object] | None = ...,
        Logging: _Logging | Mapping[str, object] | None = ...,
        Config: _Config | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _App | Mapping[str, object] | str | bytes | None = ...,
        *,
        app_name: str | None = ...,
        inputs: Mapping[str, object] | None = ...,
        outputs: Mapping[str, object] | None = ...,
        logging: _Logging | Mapping[str, object] | None = ...,
        config: _Config | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def app_name(self) -> str | None:
        """Name of the app; ``:Name`` or ``Public:Name`` for a public app. Required."""
    @app_name.setter
    def app_name(self, value: str | None) -> None: ...
    @property
    def AppName(self) -> str | None:  # noqa: N802
        """Name of the app; ``:Name`` or ``Public:Name`` for a public app. Required."""
    @AppName.setter
    def AppName(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def inputs(self) -> dict[str, Any]:
        """The values of the inputs by name: strings or numbers."""
    @inputs.setter
    def inputs(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def Inputs(self) -> dict[str, Any]:  # noqa: N802
        """The values of the inputs by name: strings or numbers."""
    @Inputs.setter
    def Inputs(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def outputs(self) -> dict[str, Any]:
        """The ``oss://`` URLs of the outputs, by name."""
    @outputs.setter
    def outputs(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def Outputs(self) -> dict[str, Any]:  # noqa: N802
        """The ``oss://`` URLs of the outputs, by name."""
    @Outputs.setter
    def Outputs(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def logging(self) -> _Logging:
        """The directories for stdout and stderr of the run."""
    @logging.setter
    def logging(self, value: _Logging | Mapping[str, object] | None) -> None: ...
    @property
    def Logging(self) -> _Logging:  # noqa: N802
        """The directories for stdout and stderr of the run."""
    @Logging.setter
    def Logging(self, value: _Logging | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def config(self) -> _Config:
        """Values for the configuration of the app."""
    @config.setter
    def config(self, value: _Config | Mapping[str, object] | None) -> None: ...
    @property
    def Config(self) -> _Config:  # noqa: N802
        """Values for the configuration of the app."""
    @Config.setter
    def Config(self, value: _Config | Mapping[str, object] | None) -> None: ...  # noqa: N802
    def add_input(self, name: str, value: object) -> None:
        """Set the value of an input."""
    def get_input(self, name: str) -> object:
        """Return the value of an input.

        Raises:
            KeyError: This name does not exist.
        """
    def delete_input(self, name: str) -> None:
        """Remove an input.

        Raises:
            KeyError: This name does not exist.
        """
    def add_output(self, name: str, value: object) -> None:
        """Set the URL of an output."""
    def get_output(self, name: str) -> object:
        """Return the URL of an output.

        Raises:
            KeyError: This name does not exist.
        """
    def delete_output(self, name: str) -> None:
        """Remove an output.

        Raises:
            KeyError: This name does not exist.
        """

class AppJobDescription(Description):
    """A job that runs an app (CreateJob; REST API, 3.4)."""
    @overload
    def __init__(
        self,
        properties: _AppJobDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Description: str | None = ...,
        AutoRelease: bool | None = ...,
        JobFailOnInstanceFail: bool | None = ...,
        Notification: _Notification | Mapping[str, object] | None = ...,
        Type: _JobType | None = ...,
        App: _App | Mapping[str, object] | None = ...,
        Priority: int | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AppJobDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        description: str | None = ...,
        auto_release: bool | None = ...,
        job_fail_on_instance_fail: bool | None = ...,
        notification: _Notification | Mapping[str, object] | None = ...,
        type: _JobType | None = ...,
        app: _App | Mapping[str, object] | None = ...,
        priority: int | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str | None:
        """Name: letters, digits, ``_`` and ``-``, at most 100. Required."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str | None:  # noqa: N802
        """Name: letters, digits, ``_`` and ``-``, at most 100. Required."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def description(self) -> str | None:
        """Free text, at most 1000 characters."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str | None:  # noqa: N802
        """Free text, at most 1000 characters."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def auto_release(self) -> bool | None:
        """Whether the service deletes the job when it finishes."""
    @auto_release.setter
    def auto_release(self, value: bool | None) -> None: ...
    @property
    def AutoRelease(self) -> bool | None:  # noqa: N802
        """Whether the service deletes the job when it finishes."""
    @AutoRelease.setter
    def AutoRelease(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def job_fail_on_instance_fail(self) -> bool | None:
        """Whether the job fails as soon as an instance fails and has no retries left."""
    @job_fail_on_instance_fail.setter
    def job_fail_on_instance_fail(self, value: bool | None) -> None: ...
    @property
    def JobFailOnInstanceFail(self) -> bool | None:  # noqa: N802
        """Whether the job fails as soon as an instance fails and has no retries left."""
    @JobFailOnInstanceFail.setter
    def JobFailOnInstanceFail(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def notification(self) -> _Notification:
        """The topic that receives events, and which events it receives."""
    @notification.setter
    def notification(self, value: _Notification | Mapping[str, object] | None) -> None: ...
    @property
    def Notification(self) -> _Notification:  # noqa: N802
        """The topic that receives events, and which events it receives."""
    @Notification.setter
    def Notification(self, value: _Notification | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def type(self) -> _JobType | None:
        """``App``. ``create_job`` sends it if it is not set."""
    @type.setter
    def type(self, value: _JobType | None) -> None: ...
    @property
    def Type(self) -> _JobType | None:  # noqa: N802
        """``App``. ``create_job`` sends it if it is not set."""
    @Type.setter
    def Type(self, value: _JobType | None) -> None: ...  # noqa: N802
    @property
    def app(self) -> _App:
        """The app, with its inputs, outputs and configuration. Required."""
    @app.setter
    def app(self, value: _App | Mapping[str, object] | None) -> None: ...
    @property
    def App(self) -> _App:  # noqa: N802
        """The app, with its inputs, outputs and configuration. Required."""
    @App.setter
    def App(self, value: _App | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def priority(self) -> int | None:
        """Priority, 0 to 1000. Jobs with a larger one start first."""
    @priority.setter
    def priority(self, value: int | None) -> None: ...
    @property
    def Priority(self) -> int | None:  # noqa: N802
        """Priority, 0 to 1000. Jobs with a larger one start first."""
    @Priority.setter
    def Priority(self, value: int | None) -> None: ...  # noqa: N802

_App: TypeAlias = App
_AppJobDescription: TypeAlias = AppJobDescription
_Config: TypeAlias = Config
_JobType: TypeAlias = JobType
_Logging: TypeAlias = Logging
_Notification: TypeAlias = Notification
_ResourceTypeName: TypeAlias = ResourceTypeName
