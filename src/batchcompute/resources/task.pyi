# Made by tools/generate.py from task.py; change that file instead.
from collections.abc import Mapping
from typing import Any, Self, TypeAlias, overload

from batchcompute.models.base import Description
from batchcompute.resources._literals import ResourceTypeName
from batchcompute.resources.configs import Configs, InputMappingConfig, Mounts

__all__ = ["AutoCluster", "Command", "CredentialConfig", "Docker", "Parameters", "TaskDescription"]

class AutoCluster(Description):
    """A cluster that the service creates for a task (REST API, 3.2)."""
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
        """Payment of the machines, ``OnDemand`` or ``Spot``; the default of the service is ``OnDemand``."""
    @resource_type.setter
    def resource_type(self, value: _ResourceTypeName | None) -> None: ...
    @property
    def ResourceType(self) -> _ResourceTypeName | None:  # noqa: N802
        """Payment of the machines, ``OnDemand`` or ``Spot``; the default of the service is ``OnDemand``."""
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
        """Highest price of a spot machine per hour, in yuan; 0 for an automatic price."""
    @spot_price_limit.setter
    def spot_price_limit(self, value: float | None) -> None: ...
    @property
    def SpotPriceLimit(self) -> float | None:  # noqa: N802
        """Highest price of a spot machine per hour, in yuan; 0 for an automatic price."""
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
        """Data that programs on the machines can read."""
    @user_data.setter
    def user_data(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def UserData(self) -> dict[str, Any]:  # noqa: N802
        """Data that programs on the machines can read."""
    @UserData.setter
    def UserData(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def reserve_on_fail(self) -> bool:
        """Whether the machines stay when the job fails."""
    @reserve_on_fail.setter
    def reserve_on_fail(self, value: bool | None) -> None: ...
    @property
    def ReserveOnFail(self) -> bool:  # noqa: N802
        """Whether the machines stay when the job fails."""
    @ReserveOnFail.setter
    def ReserveOnFail(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def cluster_id(self) -> str | None:
        """Id of an existing cluster for the machines, instead of a new one."""
    @cluster_id.setter
    def cluster_id(self, value: str | None) -> None: ...
    @property
    def ClusterId(self) -> str | None:  # noqa: N802
        """Id of an existing cluster for the machines, instead of a new one."""
    @ClusterId.setter
    def ClusterId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def dependency_isv_service(self) -> str:
        """Name of a required third-party service, for example ``GTX``."""
    @dependency_isv_service.setter
    def dependency_isv_service(self, value: str | None) -> None: ...
    @property
    def DependencyIsvService(self) -> str:  # noqa: N802
        """Name of a required third-party service, for example ``GTX``."""
    @DependencyIsvService.setter
    def DependencyIsvService(self, value: str | None) -> None: ...  # noqa: N802

class Docker(Description):
    """The container image that the command runs in."""
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
        """Only the Java SDK documents this field. It is sent unchanged."""
    @run_mode.setter
    def run_mode(self, value: str | None) -> None: ...
    @property
    def RunMode(self) -> str | None:  # noqa: N802
        """Only the Java SDK documents this field. It is sent unchanged."""
    @RunMode.setter
    def RunMode(self, value: str | None) -> None: ...  # noqa: N802

class Command(Description):
    """The command of an instance."""
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
        """The command. ``/bin/sh`` runs it. Required."""
    @command_line.setter
    def command_line(self, value: str | None) -> None: ...
    @property
    def CommandLine(self) -> str | None:  # noqa: N802
        """The command. ``/bin/sh`` runs it. Required."""
    @CommandLine.setter
    def CommandLine(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def package_path(self) -> str | None:
        """URL of an archive that is unpacked into the working directory first: ``oss://…/worker.tar.gz``."""
    @package_path.setter
    def package_path(self, value: str | None) -> None: ...
    @property
    def PackagePath(self) -> str | None:  # noqa: N802
        """URL of an archive that is unpacked into the working directory first: ``oss://…/worker.tar.gz``."""
    @PackagePath.setter
    def PackagePath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def env_vars(self) -> dict[str, str]:
        """Environment variables, at most 2000; every value is converted to a string."""
    @env_vars.setter
    def env_vars(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def EnvVars(self) -> dict[str, str]:  # noqa: N802
        """Environment variables, at most 2000; every value is converted to a string."""
    @EnvVars.setter
    def EnvVars(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def docker(self) -> _Docker:
        """The container image that the command runs in."""
    @docker.setter
    def docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...
    @property
    def Docker(self) -> _Docker:  # noqa: N802
        """The container image that the command runs in."""
    @Docker.setter
    def Docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Parameters(Description):
    """The command of a task, and where its output is stored."""
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
        """The command of the instances."""
    @command.setter
    def command(self, value: _Command | Mapping[str, object] | None) -> None: ...
    @property
    def Command(self) -> _Command:  # noqa: N802
        """The command of the instances."""
    @Command.setter
    def Command(self, value: _Command | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def input_mapping_config(self) -> _InputMappingConfig:
        """Settings for the file names of input mappings."""
    @input_mapping_config.setter
    def input_mapping_config(self, value: _InputMappingConfig | Mapping[str, object] | None) -> None: ...
    @property
    def InputMappingConfig(self) -> _InputMappingConfig:  # noqa: N802
        """Settings for the file names of input mappings."""
    @InputMappingConfig.setter
    def InputMappingConfig(self, value: _InputMappingConfig | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def stdout_redirect_path(self) -> str | None:
        """``oss://…/`` URL of the directory for ``stdout.<job>.<task>.<instance>``; empty to discard stdout."""
    @stdout_redirect_path.setter
    def stdout_redirect_path(self, value: str | None) -> None: ...
    @property
    def StdoutRedirectPath(self) -> str | None:  # noqa: N802
        """``oss://…/`` URL of the directory for ``stdout.<job>.<task>.<instance>``; empty to discard stdout."""
    @StdoutRedirectPath.setter
    def StdoutRedirectPath(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def stderr_redirect_path(self) -> str | None:
        """``oss://…/`` URL of the directory for ``stderr.<job>.<task>.<instance>``; empty to discard stderr."""
    @stderr_redirect_path.setter
    def stderr_redirect_path(self, value: str | None) -> None: ...
    @property
    def StderrRedirectPath(self) -> str | None:  # noqa: N802
        """``oss://…/`` URL of the directory for ``stderr.<job>.<task>.<instance>``; empty to discard stderr."""
    @StderrRedirectPath.setter
    def StderrRedirectPath(self, value: str | None) -> None: ...  # noqa: N802

class CredentialConfig(Description):
    """The roles that the task assumes. Only the Java SDK documents them."""
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
        """The other roles: ``{"Role": …, "UserId": …}``."""
    @chain.setter
    def chain(self, value: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None) -> None: ...
    @property
    def Chain(self) -> list[dict[str, Any]]:  # noqa: N802
        """The other roles: ``{"Role": …, "UserId": …}``."""
    @Chain.setter
    def Chain(self, value: list[dict[str, Any]] | tuple[dict[str, Any], ...] | None) -> None: ...  # noqa: N802

class TaskDescription(Description):
    """A task: a command that runs in a number of identical instances (REST API, 3.2)."""
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
        """The command, and where its output is stored. Required."""
    @parameters.setter
    def parameters(self, value: _Parameters | Mapping[str, object] | None) -> None: ...
    @property
    def Parameters(self) -> _Parameters:  # noqa: N802
        """The command, and where its output is stored. Required."""
    @Parameters.setter
    def Parameters(self, value: _Parameters | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def input_mapping(self) -> dict[str, str]:
        """Inputs: ``oss://`` URLs, each with its path on the machine. They are read-only by default."""
    @input_mapping.setter
    def input_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def InputMapping(self) -> dict[str, str]:  # noqa: N802
        """Inputs: ``oss://`` URLs, each with its path on the machine. They are read-only by default."""
    @InputMapping.setter
    def InputMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    @property
    def output_mapping(self) -> dict[str, str]:
        """Outputs: paths on the machine, each with the ``oss://`` URL for the upload at the end."""
    @output_mapping.setter
    def output_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def OutputMapping(self) -> dict[str, str]:  # noqa: N802
        """Outputs: paths on the machine, each with the ``oss://`` URL for the upload at the end."""
    @OutputMapping.setter
    def OutputMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    @property
    def log_mapping(self) -> dict[str, str]:
        """Logs: files on the machine, each with the ``oss://…/`` URL for uploads while the program runs."""
    @log_mapping.setter
    def log_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def LogMapping(self) -> dict[str, str]:  # noqa: N802
        """Logs: files on the machine, each with the ``oss://…/`` URL for uploads while the program runs."""
    @LogMapping.setter
    def LogMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    @property
    def write_support(self) -> bool | None:
        """Whether programs may write to input mappings."""
    @write_support.setter
    def write_support(self, value: bool | None) -> None: ...
    @property
    def WriteSupport(self) -> bool | None:  # noqa: N802
        """Whether programs may write to input mappings."""
    @WriteSupport.setter
    def WriteSupport(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def timeout(self) -> int:
        """Time-out of an attempt of an instance, in seconds."""
    @timeout.setter
    def timeout(self, value: int | None) -> None: ...
    @property
    def Timeout(self) -> int:  # noqa: N802
        """Time-out of an attempt of an instance, in seconds."""
    @Timeout.setter
    def Timeout(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def instance_count(self) -> int:
        """Number of instances, 1 or more."""
    @instance_count.setter
    def instance_count(self, value: int | None) -> None: ...
    @property
    def InstanceCount(self) -> int:  # noqa: N802
        """Number of instances, 1 or more."""
    @InstanceCount.setter
    def InstanceCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def max_retry_count(self) -> int:
        """Number of times that a failed instance is retried."""
    @max_retry_count.setter
    def max_retry_count(self, value: int | None) -> None: ...
    @property
    def MaxRetryCount(self) -> int:  # noqa: N802
        """Number of times that a failed instance is retried."""
    @MaxRetryCount.setter
    def MaxRetryCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def cluster_id(self) -> str | None:
        """Id of the cluster to run on. This or ``AutoCluster`` is required."""
    @cluster_id.setter
    def cluster_id(self, value: str | None) -> None: ...
    @property
    def ClusterId(self) -> str | None:  # noqa: N802
        """Id of the cluster to run on. This or ``AutoCluster`` is required."""
    @ClusterId.setter
    def ClusterId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def mounts(self) -> _Mounts:
        """The mounts of the machines."""
    @mounts.setter
    def mounts(self, value: _Mounts | Mapping[str, object] | None) -> None: ...
    @property
    def Mounts(self) -> _Mounts:  # noqa: N802
        """The mounts of the machines."""
    @Mounts.setter
    def Mounts(self, value: _Mounts | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def auto_cluster(self) -> _AutoCluster:
        """A new cluster for the task. This or ``ClusterId`` is required."""
    @auto_cluster.setter
    def auto_cluster(self, value: _AutoCluster | Mapping[str, object] | None) -> None: ...
    @property
    def AutoCluster(self) -> _AutoCluster:  # noqa: N802
        """A new cluster for the task. This or ``ClusterId`` is required."""
    @AutoCluster.setter
    def AutoCluster(self, value: _AutoCluster | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def credential_config(self) -> _CredentialConfig:
        """The roles that the task assumes."""
    @credential_config.setter
    def credential_config(self, value: _CredentialConfig | Mapping[str, object] | None) -> None: ...
    @property
    def CredentialConfig(self) -> _CredentialConfig:  # noqa: N802
        """The roles that the task assumes."""
    @CredentialConfig.setter
    def CredentialConfig(self, value: _CredentialConfig | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @classmethod
    def of_command(
        cls,
        command_line: str,
        instance_count: int = 1,
        *,
        instance_type: str = "",
        cluster_id: str = "",
        stdout: str = "",
        stderr: str = "",
        env_vars: Mapping[str, object] | None = None,
    ) -> Self:
        """Return a task that runs a command. Other fields can be set afterwards.

        Args:
            command_line: The command. ``/bin/sh`` runs it.
            instance_count: Number of instances, 1 or more.
            instance_type: Instance type of the machines of a new cluster.
            cluster_id: Id of the cluster to run on, instead of a new one.
            stdout: ``oss://…/`` URL of the directory for stdout; empty to discard it.
            stderr: ``oss://…/`` URL of the directory for stderr; empty to discard it.
            env_vars: Environment variables; every value is converted to a string.

        Raises:
            ValidationError: A value has the wrong type.
        """

_AutoCluster: TypeAlias = AutoCluster
_Command: TypeAlias = Command
_Configs: TypeAlias = Configs
_CredentialConfig: TypeAlias = CredentialConfig
_Docker: TypeAlias = Docker
_InputMappingConfig: TypeAlias = InputMappingConfig
_Mounts: TypeAlias = Mounts
_Parameters: TypeAlias = Parameters
_ResourceTypeName: TypeAlias = ResourceTypeName
_TaskDescription: TypeAlias = TaskDescription
