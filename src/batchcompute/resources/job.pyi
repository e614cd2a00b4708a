# Made by tools/generate.py from job.py; change that file instead.
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias, overload

from batchcompute.jsonizable import Description, Status
from batchcompute.resources._types import JobState, JobType, ResourceTypeName
from batchcompute.resources.appjob import App, AppJobDescription, Config, Logging
from batchcompute.resources.configs import Configs, InputMappingConfig, Mounts, Notification

__all__ = [
    "DAG",
    "App",
    "AppJobDescription",
    "AutoCluster",
    "Command",
    "Config",
    "CredentialConfig",
    "Docker",
    "Error",
    "InputMappingConfig",
    "Instance",
    "InstanceMetrics",
    "Job",
    "JobDescription",
    "Logging",
    "Notification",
    "Parameters",
    "Result",
    "SynchronousInstance",
    "Task",
    "TaskDescription",
    "TaskMetrics",
]

class AutoCluster(Description):
    """A cluster of its own for one task (reference, 3.2)."""
    @overload
    def __init__(
        self,
        properties: _AutoCluster | Mapping[str, object] | str | bytes | None = ...,
        *,
        InstanceType: str | None = ...,
        ResourceType: _ResourceTypeName | None = ...,
        SpotStrategy: str | None = ...,
        SpotPriceLimit: float | None = ...,
        ImageId: str | None = ...,
        ECSImageId: str | None = ...,
        Configs: _Configs | Mapping[str, object] | None = ...,
        UserData: Mapping[str, object] | None = ...,
        ReserveOnFail: bool | None = ...,
        ClusterId: str | None = ...,
        DependencyIsvService: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AutoCluster | Mapping[str, object] | str | bytes | None = ...,
        *,
        instance_type: str | None = ...,
        resource_type: _ResourceTypeName | None = ...,
        spot_strategy: str | None = ...,
        spot_price_limit: float | None = ...,
        image_id: str | None = ...,
        ecs_image_id: str | None = ...,
        configs: _Configs | Mapping[str, object] | None = ...,
        user_data: Mapping[str, object] | None = ...,
        reserve_on_fail: bool | None = ...,
        cluster_id: str | None = ...,
        dependency_isv_service: str | None = ...,
    ) -> None: ...
    @property
    def instance_type(self) -> str:
        """Instance type of the machines."""
    @instance_type.setter
    def instance_type(self, value: str | None) -> None: ...
    @property
    def InstanceType(self) -> str:  # noqa: N802
        """Instance type of the machines."""
    @InstanceType.setter
    def InstanceType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def resource_type(self) -> _ResourceTypeName | None:
        """How the machines are paid for; the service's default is ``OnDemand``."""
    @resource_type.setter
    def resource_type(self, value: _ResourceTypeName | None) -> None: ...
    @property
    def ResourceType(self) -> _ResourceTypeName | None:  # noqa: N802
        """How the machines are paid for; the service's default is ``OnDemand``."""
    @ResourceType.setter
    def ResourceType(self, value: _ResourceTypeName | None) -> None: ...  # noqa: N802
    @property
    def spot_strategy(self) -> str | None:
        """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    @spot_strategy.setter
    def spot_strategy(self, value: str | None) -> None: ...
    @property
    def SpotStrategy(self) -> str | None:  # noqa: N802
        """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    @SpotStrategy.setter
    def SpotStrategy(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def spot_price_limit(self) -> float | None:
        """Highest price per hour of a spot machine, in yuan; 0 for an automatic one."""
    @spot_price_limit.setter
    def spot_price_limit(self, value: float | None) -> None: ...
    @property
    def SpotPriceLimit(self) -> float | None:  # noqa: N802
        """Highest price per hour of a spot machine, in yuan; 0 for an automatic one."""
    @SpotPriceLimit.setter
    def SpotPriceLimit(self, value: float | None) -> None: ...  # noqa: N802
    @property
    def image_id(self) -> str | None:
        """Id of the image."""
    @image_id.setter
    def image_id(self, value: str | None) -> None: ...
    @property
    def ImageId(self) -> str | None:  # noqa: N802
        """Id of the image."""
    @ImageId.setter
    def ImageId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def ecs_image_id(self) -> str:
        """Id of an ECS image that is not registered."""
    @ecs_image_id.setter
    def ecs_image_id(self, value: str | None) -> None: ...
    @property
    def ECSImageId(self) -> str:  # noqa: N802
        """Id of an ECS image that is not registered."""
    @ECSImageId.setter
    def ECSImageId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def configs(self) -> _Configs:
        """Disks, networks and mounts."""
    @configs.setter
    def configs(self, value: _Configs | Mapping[str, object] | None) -> None: ...
    @property
    def Configs(self) -> _Configs:  # noqa: N802
        """Disks, networks and mounts."""
    @Configs.setter
    def Configs(self, value: _Configs | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def user_data(self) -> dict[str, Any]:
        """Readable on the machines."""
    @user_data.setter
    def user_data(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def UserData(self) -> dict[str, Any]:  # noqa: N802
        """Readable on the machines."""
    @UserData.setter
    def UserData(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def reserve_on_fail(self) -> bool:
        """Whether the machines are kept when the job fails."""
    @reserve_on_fail.setter
    def reserve_on_fail(self, value: bool | None) -> None: ...
    @property
    def ReserveOnFail(self) -> bool:  # noqa: N802
        """Whether the machines are kept when the job fails."""
    @ReserveOnFail.setter
    def ReserveOnFail(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def cluster_id(self) -> str | None:
        """A cluster to put the machines into, instead of a new one."""
    @cluster_id.setter
    def cluster_id(self, value: str | None) -> None: ...
    @property
    def ClusterId(self) -> str | None:  # noqa: N802
        """A cluster to put the machines into, instead of a new one."""
    @ClusterId.setter
    def ClusterId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def dependency_isv_service(self) -> str:
        """Third-party service that is needed, for example ``GTX``."""
    @dependency_isv_service.setter
    def dependency_isv_service(self, value: str | None) -> None: ...
    @property
    def DependencyIsvService(self) -> str:  # noqa: N802
        """Third-party service that is needed, for example ``GTX``."""
    @DependencyIsvService.setter
    def DependencyIsvService(self, value: str | None) -> None: ...  # noqa: N802

class Docker(Description):
    """A container image to run the command in."""
    @overload
    def __init__(
        self,
        properties: _Docker | Mapping[str, object] | str | bytes | None = ...,
        *,
        Image: str | None = ...,
        RunMode: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Docker | Mapping[str, object] | str | bytes | None = ...,
        *,
        image: str | None = ...,
        run_mode: str | None = ...,
    ) -> None: ...
    @property
    def image(self) -> str:
        """The image; empty for none."""
    @image.setter
    def image(self, value: str | None) -> None: ...
    @property
    def Image(self) -> str:  # noqa: N802
        """The image; empty for none."""
    @Image.setter
    def Image(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def run_mode(self) -> str | None:
        """Known from the Java SDK only; sent as it is."""
    @run_mode.setter
    def run_mode(self, value: str | None) -> None: ...
    @property
    def RunMode(self) -> str | None:  # noqa: N802
        """Known from the Java SDK only; sent as it is."""
    @RunMode.setter
    def RunMode(self, value: str | None) -> None: ...  # noqa: N802

class Command(Description):
    """What an instance runs."""
    @overload
    def __init__(
        self,
        properties: _Command | Mapping[str, object] | str | bytes | None = ...,
        *,
        CommandLine: str | None = ...,
        PackagePath: str | None = ...,
        EnvVars: Mapping[str, object] | None = ...,
        Docker: _Docker | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Command | Mapping[str, object] | str | bytes | None = ...,
        *,
        command_line: str | None = ...,
        package_path: str | None = ...,
        env_vars: Mapping[str, object] | None = ...,
        docker: _Docker | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def command_line(self) -> str | None:
        """The command, run by ``/bin/sh``. Required."""
    @command_line.setter
    def command_line(self, value: str | None) -> None: ...
    @property
    def CommandLine(self) -> str | None:  # noqa: N802
        """The command, run by ``/bin/sh``. Required."""
    @CommandLine.setter
    def CommandLine(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def package_path(self) -> str | None:
        """An object to unpack into the working directory first: ``oss://…/worker.tar.gz``."""
    @package_path.setter
    def package_path(self, value: str | None) -> None: ...
    @property
    def PackagePath(self) -> str | None:  # noqa: N802
        """An object to unpack into the working directory first: ``oss://…/worker.tar.gz``."""
    @PackagePath.setter
    def PackagePath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def env_vars(self) -> dict[str, str]:
        """Environment variables; every value becomes a text."""
    @env_vars.setter
    def env_vars(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def EnvVars(self) -> dict[str, str]:  # noqa: N802
        """Environment variables; every value becomes a text."""
    @EnvVars.setter
    def EnvVars(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def docker(self) -> _Docker:
        """A container image to run the command in."""
    @docker.setter
    def docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...
    @property
    def Docker(self) -> _Docker:  # noqa: N802
        """A container image to run the command in."""
    @Docker.setter
    def Docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Parameters(Description):
    """What a task runs, and where its output goes."""
    @overload
    def __init__(
        self,
        properties: _Parameters | Mapping[str, object] | str | bytes | None = ...,
        *,
        Command: _Command | Mapping[str, object] | None = ...,
        InputMappingConfig: _InputMappingConfig | Mapping[str, object] | None = ...,
        StdoutRedirectPath: str | None = ...,
        StderrRedirectPath: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Parameters | Mapping[str, object] | str | bytes | None = ...,
        *,
        command: _Command | Mapping[str, object] | None = ...,
        input_mapping_config: _InputMappingConfig | Mapping[str, object] | None = ...,
        stdout_redirect_path: str | None = ...,
        stderr_redirect_path: str | None = ...,
    ) -> None: ...
    @property
    def command(self) -> _Command:
        """What its instances run."""
    @command.setter
    def command(self, value: _Command | Mapping[str, object] | None) -> None: ...
    @property
    def Command(self) -> _Command:  # noqa: N802
        """What its instances run."""
    @Command.setter
    def Command(self, value: _Command | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def input_mapping_config(self) -> _InputMappingConfig:
        """How input mappings read file names."""
    @input_mapping_config.setter
    def input_mapping_config(self, value: _InputMappingConfig | Mapping[str, object] | None) -> None: ...
    @property
    def InputMappingConfig(self) -> _InputMappingConfig:  # noqa: N802
        """How input mappings read file names."""
    @InputMappingConfig.setter
    def InputMappingConfig(self, value: _InputMappingConfig | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def stdout_redirect_path(self) -> str | None:
        """``oss://…/`` directory for ``stdout.<job>.<task>.<instance>``; empty to keep none."""
    @stdout_redirect_path.setter
    def stdout_redirect_path(self, value: str | None) -> None: ...
    @property
    def StdoutRedirectPath(self) -> str | None:  # noqa: N802
        """``oss://…/`` directory for ``stdout.<job>.<task>.<instance>``; empty to keep none."""
    @StdoutRedirectPath.setter
    def StdoutRedirectPath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def stderr_redirect_path(self) -> str | None:
        """``oss://…/`` directory for ``stderr.<job>.<task>.<instance>``; empty to keep none."""
    @stderr_redirect_path.setter
    def stderr_redirect_path(self, value: str | None) -> None: ...
    @property
    def StderrRedirectPath(self) -> str | None:  # noqa: N802
        """``oss://…/`` directory for ``stderr.<job>.<task>.<instance>``; empty to keep none."""
    @StderrRedirectPath.setter
    def StderrRedirectPath(self, value: str | None) -> None: ...  # noqa: N802

class CredentialConfig(Description):
    """Roles that the task takes on (known from the Java SDK)."""
    @overload
    def __init__(
        self,
        properties: _CredentialConfig | Mapping[str, object] | str | bytes | None = ...,
        *,
        ServiceRole: str | None = ...,
        Chain: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _CredentialConfig | Mapping[str, object] | str | bytes | None = ...,
        *,
        service_role: str | None = ...,
        chain: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None = ...,
    ) -> None: ...
    @property
    def service_role(self) -> str | None:
        """The first role."""
    @service_role.setter
    def service_role(self, value: str | None) -> None: ...
    @property
    def ServiceRole(self) -> str | None:  # noqa: N802
        """The first role."""
    @ServiceRole.setter
    def ServiceRole(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def chain(self) -> list[dict[str, Any]]:
        """Further roles: ``{"Role": …, "UserId": …}``."""
    @chain.setter
    def chain(self, value: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None) -> None: ...
    @property
    def Chain(self) -> list[dict[str, Any]]:  # noqa: N802
        """Further roles: ``{"Role": …, "UserId": …}``."""
    @Chain.setter
    def Chain(self, value: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None) -> None: ...  # noqa: N802

class TaskDescription(Description):
    """A task: a number of identical instances of a command (reference, 3.2)."""
    @overload
    def __init__(
        self,
        properties: _TaskDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        Parameters: _Parameters | Mapping[str, object] | None = ...,
        InputMapping: Mapping[str, str] | None = ...,
        OutputMapping: Mapping[str, str] | None = ...,
        LogMapping: Mapping[str, str] | None = ...,
        WriteSupport: bool | None = ...,
        Timeout: int | None = ...,
        InstanceCount: int | None = ...,
        MaxRetryCount: int | None = ...,
        ClusterId: str | None = ...,
        Mounts: _Mounts | Mapping[str, object] | None = ...,
        AutoCluster: _AutoCluster | Mapping[str, object] | None = ...,
        CredentialConfig: _CredentialConfig | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _TaskDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        parameters: _Parameters | Mapping[str, object] | None = ...,
        input_mapping: Mapping[str, str] | None = ...,
        output_mapping: Mapping[str, str] | None = ...,
        log_mapping: Mapping[str, str] | None = ...,
        write_support: bool | None = ...,
        timeout: int | None = ...,
        instance_count: int | None = ...,
        max_retry_count: int | None = ...,
        cluster_id: str | None = ...,
        mounts: _Mounts | Mapping[str, object] | None = ...,
        auto_cluster: _AutoCluster | Mapping[str, object] | None = ...,
        credential_config: _CredentialConfig | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def parameters(self) -> _Parameters:
        """What it runs, and where its output goes. Required."""
    @parameters.setter
    def parameters(self, value: _Parameters | Mapping[str, object] | None) -> None: ...
    @property
    def Parameters(self) -> _Parameters:  # noqa: N802
        """What it runs, and where its output goes. Required."""
    @Parameters.setter
    def Parameters(self, value: _Parameters | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def input_mapping(self) -> dict[str, str]:
        """From ``oss://`` place to local path, read-only."""
    @input_mapping.setter
    def input_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def InputMapping(self) -> dict[str, str]:  # noqa: N802
        """From ``oss://`` place to local path, read-only."""
    @InputMapping.setter
    def InputMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    @property
    def output_mapping(self) -> dict[str, str]:
        """From local path to ``oss://`` place, uploaded at the end."""
    @output_mapping.setter
    def output_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def OutputMapping(self) -> dict[str, str]:  # noqa: N802
        """From local path to ``oss://`` place, uploaded at the end."""
    @OutputMapping.setter
    def OutputMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    @property
    def log_mapping(self) -> dict[str, str]:
        """From local file to ``oss://…/`` directory, uploaded while the program runs."""
    @log_mapping.setter
    def log_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def LogMapping(self) -> dict[str, str]:  # noqa: N802
        """From local file to ``oss://…/`` directory, uploaded while the program runs."""
    @LogMapping.setter
    def LogMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    @property
    def write_support(self) -> bool | None:
        """Whether input mappings may be written to."""
    @write_support.setter
    def write_support(self, value: bool | None) -> None: ...
    @property
    def WriteSupport(self) -> bool | None:  # noqa: N802
        """Whether input mappings may be written to."""
    @WriteSupport.setter
    def WriteSupport(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def timeout(self) -> int:
        """Seconds that one attempt of an instance may take."""
    @timeout.setter
    def timeout(self, value: int | None) -> None: ...
    @property
    def Timeout(self) -> int:  # noqa: N802
        """Seconds that one attempt of an instance may take."""
    @Timeout.setter
    def Timeout(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def instance_count(self) -> int:
        """How many instances run, 1 or more."""
    @instance_count.setter
    def instance_count(self, value: int | None) -> None: ...
    @property
    def InstanceCount(self) -> int:  # noqa: N802
        """How many instances run, 1 or more."""
    @InstanceCount.setter
    def InstanceCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def max_retry_count(self) -> int:
        """How often a failed instance is run again."""
    @max_retry_count.setter
    def max_retry_count(self, value: int | None) -> None: ...
    @property
    def MaxRetryCount(self) -> int:  # noqa: N802
        """How often a failed instance is run again."""
    @MaxRetryCount.setter
    def MaxRetryCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def cluster_id(self) -> str | None:
        """The cluster to run on; this or ``AutoCluster`` is required."""
    @cluster_id.setter
    def cluster_id(self, value: str | None) -> None: ...
    @property
    def ClusterId(self) -> str | None:  # noqa: N802
        """The cluster to run on; this or ``AutoCluster`` is required."""
    @ClusterId.setter
    def ClusterId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def mounts(self) -> _Mounts:
        """What the machines mount."""
    @mounts.setter
    def mounts(self, value: _Mounts | Mapping[str, object] | None) -> None: ...
    @property
    def Mounts(self) -> _Mounts:  # noqa: N802
        """What the machines mount."""
    @Mounts.setter
    def Mounts(self, value: _Mounts | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def auto_cluster(self) -> _AutoCluster:
        """A cluster of its own; this or ``ClusterId`` is required."""
    @auto_cluster.setter
    def auto_cluster(self, value: _AutoCluster | Mapping[str, object] | None) -> None: ...
    @property
    def AutoCluster(self) -> _AutoCluster:  # noqa: N802
        """A cluster of its own; this or ``ClusterId`` is required."""
    @AutoCluster.setter
    def AutoCluster(self, value: _AutoCluster | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def credential_config(self) -> _CredentialConfig:
        """Roles that the task takes on."""
    @credential_config.setter
    def credential_config(self, value: _CredentialConfig | Mapping[str, object] | None) -> None: ...
    @property
    def CredentialConfig(self) -> _CredentialConfig:  # noqa: N802
        """Roles that the task takes on."""
    @CredentialConfig.setter
    def CredentialConfig(self, value: _CredentialConfig | Mapping[str, object] | None) -> None: ...  # noqa: N802

class DAG(Description):
    """The tasks of a job, and which of them wait for which."""
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
        """From a task to those that start after it: ``{"A": ["B", "C"]}``."""
    @dependencies.setter
    def dependencies(self, value: Mapping[str, list[str] | tuple[str, ...]] | None) -> None: ...
    @property
    def Dependencies(self) -> dict[str, list[str]]:  # noqa: N802
        """From a task to those that start after it: ``{"A": ["B", "C"]}``."""
    @Dependencies.setter
    def Dependencies(self, value: Mapping[str, list[str] | tuple[str, ...]] | None) -> None: ...  # noqa: N802
    def add_task(self, task_name: str, task: TaskDescription | Mapping[str, object]) -> None:
        """Add a task; it is copied in.

        Args:
            task_name: Letters, digits, ``_`` and ``-``, no digit first, at most 32 bytes.
            task: The task, or a mapping of its fields.
        """
    def get_task(self, task_name: str) -> TaskDescription:
        """Return a task by name.

        Raises:
            KeyError: There is none of this name.
        """
    def delete_task(self, task_name: str) -> None:
        """Take out a task by name; dependencies that name it stay.

        Raises:
            KeyError: There is none of this name.
        """

class JobDescription(Description):
    """A job to run (CreateJob; reference, 3.1)."""
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
        """0 to 1000, larger first; the service takes 0 where nothing is said."""
    @priority.setter
    def priority(self, value: int | None) -> None: ...
    @property
    def Priority(self) -> int | None:  # noqa: N802
        """0 to 1000, larger first; the service takes 0 where nothing is said."""
    @Priority.setter
    def Priority(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def notification(self) -> _Notification:
        """Who is told of events."""
    @notification.setter
    def notification(self, value: _Notification | Mapping[str, object] | None) -> None: ...
    @property
    def Notification(self) -> _Notification:  # noqa: N802
        """Who is told of events."""
    @Notification.setter
    def Notification(self, value: _Notification | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def job_fail_on_instance_fail(self) -> bool:
        """Whether the job fails as soon as one instance has failed for good."""
    @job_fail_on_instance_fail.setter
    def job_fail_on_instance_fail(self, value: bool | None) -> None: ...
    @property
    def JobFailOnInstanceFail(self) -> bool:  # noqa: N802
        """Whether the job fails as soon as one instance has failed for good."""
    @JobFailOnInstanceFail.setter
    def JobFailOnInstanceFail(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def auto_release(self) -> bool:
        """Whether the job is deleted once it has finished."""
    @auto_release.setter
    def auto_release(self, value: bool | None) -> None: ...
    @property
    def AutoRelease(self) -> bool:  # noqa: N802
        """Whether the job is deleted once it has finished."""
    @AutoRelease.setter
    def AutoRelease(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def type(self) -> _JobType:
        """``DAG``."""
    @type.setter
    def type(self, value: _JobType | None) -> None: ...
    @property
    def Type(self) -> _JobType:  # noqa: N802
        """``DAG``."""
    @Type.setter
    def Type(self, value: _JobType | None) -> None: ...  # noqa: N802
    @property
    def dag(self) -> _DAG:
        """The tasks, and which of them wait for which. Required."""
    @dag.setter
    def dag(self, value: _DAG | Mapping[str, object] | None) -> None: ...
    @property
    def DAG(self) -> _DAG:  # noqa: N802
        """The tasks, and which of them wait for which. Required."""
    @DAG.setter
    def DAG(self, value: _DAG | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def id(self) -> str | None:
        """The job's id where the service describes an existing one; not sent with a create."""
    @id.setter
    def id(self, value: str | None) -> None: ...
    @property
    def Id(self) -> str | None:  # noqa: N802
        """The job's id where the service describes an existing one; not sent with a create."""
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
        """How many wait."""
    @waiting_count.setter
    def waiting_count(self, value: int | None) -> None: ...
    @property
    def WaitingCount(self) -> int:  # noqa: N802
        """How many wait."""
    @WaitingCount.setter
    def WaitingCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def running_count(self) -> int:
        """How many run."""
    @running_count.setter
    def running_count(self, value: int | None) -> None: ...
    @property
    def RunningCount(self) -> int:  # noqa: N802
        """How many run."""
    @RunningCount.setter
    def RunningCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def finished_count(self) -> int:
        """How many have finished."""
    @finished_count.setter
    def finished_count(self, value: int | None) -> None: ...
    @property
    def FinishedCount(self) -> int:  # noqa: N802
        """How many have finished."""
    @FinishedCount.setter
    def FinishedCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def failed_count(self) -> int:
        """How many have failed."""
    @failed_count.setter
    def failed_count(self, value: int | None) -> None: ...
    @property
    def FailedCount(self) -> int:  # noqa: N802
        """How many have failed."""
    @FailedCount.setter
    def FailedCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def stopped_count(self) -> int:
        """How many were stopped."""
    @stopped_count.setter
    def stopped_count(self, value: int | None) -> None: ...
    @property
    def StoppedCount(self) -> int:  # noqa: N802
        """How many were stopped."""
    @StoppedCount.setter
    def StoppedCount(self, value: int | None) -> None: ...  # noqa: N802

class TaskMetrics(_Counts):
    """How many tasks of a job are in which state."""
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
    """How many instances of a job or a task are in which state."""
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

class Job(Status):
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
        """Its priority, where the service tells it."""
    @priority.setter
    def priority(self, value: int | None) -> None: ...
    @property
    def Priority(self) -> int:  # noqa: N802
        """Its priority, where the service tells it."""
    @Priority.setter
    def Priority(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def owner(self) -> str:
        """The owner, where the service tells it so."""
    @owner.setter
    def owner(self, value: str | None) -> None: ...
    @property
    def Owner(self) -> str:  # noqa: N802
        """The owner, where the service tells it so."""
    @Owner.setter
    def Owner(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def owner_id(self) -> str | int:
        """The owner's account; a number or a text, as the service has it."""
    @owner_id.setter
    def owner_id(self, value: str | int | None) -> None: ...
    @property
    def OwnerId(self) -> str | int:  # noqa: N802
        """The owner's account; a number or a text, as the service has it."""
    @OwnerId.setter
    def OwnerId(self, value: str | int | None) -> None: ...  # noqa: N802
    @property
    def state(self) -> _JobState:
        """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @state.setter
    def state(self, value: _JobState | None) -> None: ...
    @property
    def State(self) -> _JobState:  # noqa: N802
        """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @State.setter
    def State(self, value: _JobState | None) -> None: ...  # noqa: N802
    @property
    def message(self) -> str:
        """Why it failed; else empty."""
    @message.setter
    def message(self, value: str | None) -> None: ...
    @property
    def Message(self) -> str:  # noqa: N802
        """Why it failed; else empty."""
    @Message.setter
    def Message(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def creation_time(self) -> datetime | None:
        """When it was made."""
    @creation_time.setter
    def creation_time(self, value: datetime | str | None) -> None: ...
    @property
    def CreationTime(self) -> datetime | None:  # noqa: N802
        """When it was made."""
    @CreationTime.setter
    def CreationTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """When its first instance started; None before."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """When its first instance started; None before."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """When it ended; None before."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """When it ended; None before."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def task_metrics(self) -> _TaskMetrics:
        """How many tasks are in which state."""
    @task_metrics.setter
    def task_metrics(self, value: _TaskMetrics | Mapping[str, object] | None) -> None: ...
    @property
    def TaskMetrics(self) -> _TaskMetrics:  # noqa: N802
        """How many tasks are in which state."""
    @TaskMetrics.setter
    def TaskMetrics(self, value: _TaskMetrics | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def instance_metrics(self) -> _InstanceMetrics:
        """How many instances are in which state."""
    @instance_metrics.setter
    def instance_metrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...
    @property
    def InstanceMetrics(self) -> _InstanceMetrics:  # noqa: N802
        """How many instances are in which state."""
    @InstanceMetrics.setter
    def InstanceMetrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Task(Status):
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
        """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @state.setter
    def state(self, value: _JobState | None) -> None: ...
    @property
    def State(self) -> _JobState:  # noqa: N802
        """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @State.setter
    def State(self, value: _JobState | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """When its first instance started; None before."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """When its first instance started; None before."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """When it ended; None before."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """When it ended; None before."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def instance_metrics(self) -> _InstanceMetrics:
        """How many instances are in which state."""
    @instance_metrics.setter
    def instance_metrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...
    @property
    def InstanceMetrics(self) -> _InstanceMetrics:  # noqa: N802
        """How many instances are in which state."""
    @InstanceMetrics.setter
    def InstanceMetrics(self, value: _InstanceMetrics | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Result(Status):
    """How the program of an instance ended (reference, 4.3)."""
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
        """Exit code of the program; 0 before it ended, too."""
    @exit_code.setter
    def exit_code(self, value: int | None) -> None: ...
    @property
    def ExitCode(self) -> int:  # noqa: N802
        """Exit code of the program; 0 before it ended, too."""
    @ExitCode.setter
    def ExitCode(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def error_code(self) -> str:
        """Empty after success, else why the instance failed, for example ``ProgramFailed``."""
    @error_code.setter
    def error_code(self, value: str | None) -> None: ...
    @property
    def ErrorCode(self) -> str:  # noqa: N802
        """Empty after success, else why the instance failed, for example ``ProgramFailed``."""
    @ErrorCode.setter
    def ErrorCode(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def error_message(self) -> str:
        """The same in words."""
    @error_message.setter
    def error_message(self, value: str | None) -> None: ...
    @property
    def ErrorMessage(self) -> str:  # noqa: N802
        """The same in words."""
    @ErrorMessage.setter
    def ErrorMessage(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def detail_text(self) -> str:
        """More of it, for example the end of stderr (``Detail``; ``detail()`` is a method)."""
    @detail_text.setter
    def detail_text(self, value: str | None) -> None: ...
    @property
    def Detail(self) -> str:  # noqa: N802
        """More of it, for example the end of stderr (``Detail``; ``detail()`` is a method)."""
    @Detail.setter
    def Detail(self, value: str | None) -> None: ...  # noqa: N802

class Error(Status):
    """What went wrong while an app ran."""
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
        """The same in words."""
    @message.setter
    def message(self, value: str | None) -> None: ...
    @property
    def Message(self) -> str:  # noqa: N802
        """The same in words."""
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
        """Its number, from 0."""
    @instance_id.setter
    def instance_id(self, value: int | None) -> None: ...
    @property
    def InstanceId(self) -> int:  # noqa: N802
        """Its number, from 0."""
    @InstanceId.setter
    def InstanceId(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def state(self) -> _JobState:
        """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @state.setter
    def state(self, value: _JobState | None) -> None: ...
    @property
    def State(self) -> _JobState:  # noqa: N802
        """``Waiting``, ``Running``, ``Finished``, ``Failed`` or ``Stopped``."""
    @State.setter
    def State(self, value: _JobState | None) -> None: ...  # noqa: N802
    @property
    def start_time(self) -> datetime | None:
        """When its last attempt started; None before."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """When its last attempt started; None before."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """When it ended; None before."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """When it ended; None before."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def retry_count(self) -> int:
        """How often it was run again."""
    @retry_count.setter
    def retry_count(self, value: int | None) -> None: ...
    @property
    def RetryCount(self) -> int:  # noqa: N802
        """How often it was run again."""
    @RetryCount.setter
    def RetryCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def progress(self) -> int:
        """0 to 100; the real service always said 0."""
    @progress.setter
    def progress(self, value: int | None) -> None: ...
    @property
    def Progress(self) -> int:  # noqa: N802
        """0 to 100; the real service always said 0."""
    @Progress.setter
    def Progress(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def stdout_redirect_path(self) -> str:
        """The object that holds its stdout."""
    @stdout_redirect_path.setter
    def stdout_redirect_path(self, value: str | None) -> None: ...
    @property
    def StdoutRedirectPath(self) -> str:  # noqa: N802
        """The object that holds its stdout."""
    @StdoutRedirectPath.setter
    def StdoutRedirectPath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def stderr_redirect_path(self) -> str:
        """The object that holds its stderr."""
    @stderr_redirect_path.setter
    def stderr_redirect_path(self, value: str | None) -> None: ...
    @property
    def StderrRedirectPath(self) -> str:  # noqa: N802
        """The object that holds its stderr."""
    @StderrRedirectPath.setter
    def StderrRedirectPath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def result(self) -> _Result:
        """How its program ended."""
    @result.setter
    def result(self, value: _Result | Mapping[str, object] | None) -> None: ...
    @property
    def Result(self) -> _Result:  # noqa: N802
        """How its program ended."""
    @Result.setter
    def Result(self, value: _Result | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def error(self) -> _Error:
        """What went wrong while an app ran."""
    @error.setter
    def error(self, value: _Error | Mapping[str, object] | None) -> None: ...
    @property
    def Error(self) -> _Error:  # noqa: N802
        """What went wrong while an app ran."""
    @Error.setter
    def Error(self, value: _Error | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def outputs(self) -> dict[str, Any]:
        """From output name to OSS place, for App jobs."""
    @outputs.setter
    def outputs(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def Outputs(self) -> dict[str, Any]:  # noqa: N802
        """From output name to OSS place, for App jobs."""
    @Outputs.setter
    def Outputs(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def node_ip(self) -> str:
        """Address of the machine that it ran on."""
    @node_ip.setter
    def node_ip(self, value: str | None) -> None: ...
    @property
    def NodeIp(self) -> str:  # noqa: N802
        """Address of the machine that it ran on."""
    @NodeIp.setter
    def NodeIp(self, value: str | None) -> None: ...  # noqa: N802
    def get_output(self, name: str) -> object:
        """Return an output of an App job by name.

        Raises:
            KeyError: There is none of this name.
        """

class SynchronousInstance(Status):
    """The finished run that a synchronous App job answers with."""
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
        """When it started."""
    @start_time.setter
    def start_time(self, value: datetime | str | None) -> None: ...
    @property
    def StartTime(self) -> datetime | None:  # noqa: N802
        """When it started."""
    @StartTime.setter
    def StartTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def end_time(self) -> datetime | None:
        """When it ended."""
    @end_time.setter
    def end_time(self, value: datetime | str | None) -> None: ...
    @property
    def EndTime(self) -> datetime | None:  # noqa: N802
        """When it ended."""
    @EndTime.setter
    def EndTime(self, value: datetime | str | None) -> None: ...  # noqa: N802
    @property
    def outputs(self) -> dict[str, Any]:
        """From output name to value."""
    @outputs.setter
    def outputs(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def Outputs(self) -> dict[str, Any]:  # noqa: N802
        """From output name to value."""
    @Outputs.setter
    def Outputs(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def error(self) -> _Error:
        """What went wrong."""
    @error.setter
    def error(self, value: _Error | Mapping[str, object] | None) -> None: ...
    @property
    def Error(self) -> _Error:  # noqa: N802
        """What went wrong."""
    @Error.setter
    def Error(self, value: _Error | Mapping[str, object] | None) -> None: ...  # noqa: N802

_AutoCluster: TypeAlias = AutoCluster
_Command: TypeAlias = Command
_Configs: TypeAlias = Configs
_CredentialConfig: TypeAlias = CredentialConfig
_DAG: TypeAlias = DAG
_Docker: TypeAlias = Docker
_Error: TypeAlias = Error
_InputMappingConfig: TypeAlias = InputMappingConfig
_Instance: TypeAlias = Instance
_InstanceMetrics: TypeAlias = InstanceMetrics
_Job: TypeAlias = Job
_JobDescription: TypeAlias = JobDescription
_JobState: TypeAlias = JobState
_JobType: TypeAlias = JobType
_Mounts: TypeAlias = Mounts
_Notification: TypeAlias = Notification
_Parameters: TypeAlias = Parameters
_ResourceTypeName: TypeAlias = ResourceTypeName
_Result: TypeAlias = Result
_SynchronousInstance: TypeAlias = SynchronousInstance
_Task: TypeAlias = Task
_TaskDescription: TypeAlias = TaskDescription
_TaskMetrics: TypeAlias = TaskMetrics
__Counts: TypeAlias = _Counts
