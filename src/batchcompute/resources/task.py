"""Tasks: their commands, machines and files (REST API, 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field

from batchcompute.models.base import Description
from batchcompute.models.constraints import (
    MAX_INT32,
    MAX_VARIABLES,
    EachKey,
    EachValue,
    EnvironmentVariables,
    MaxLength,
    Minimum,
    ObjectKeyLength,
    Range,
    Required,
    ShellCommand,
    StorageUrl,
)
from batchcompute.models.field_types import AnyMap, Boolean, EnvMap, Integer, Number, Text, TextMap
from batchcompute.resources._literals import ResourceTypeName
from batchcompute.resources._rules import command_problems, task_problems
from batchcompute.resources.configs import Configs, InputMappingConfig, Mounts

__all__ = [
    "AutoCluster",
    "Command",
    "CredentialConfig",
    "Docker",
    "Parameters",
    "TaskDescription",
]


class AutoCluster(Description):
    """A cluster that the service creates for a task (REST API, 3.2)."""

    instance_type: Text | None = ""
    """Instance type of the machines."""
    resource_type: ResourceTypeName | None = None
    """Payment of the machines, ``OnDemand`` or ``Spot``; the default of the service is ``OnDemand``."""
    spot_strategy: Text | None = None
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    spot_price_limit: Number | None = None
    """Highest price of a spot machine per hour, in yuan; 0 for an automatic price."""
    image_id: Text | None = None
    """Id of the image."""
    ecs_image_id: Text | None = Field(
        default="", validation_alias="ECSImageId", serialization_alias="ECSImageId"
    )
    """Id of an ECS image that is not registered."""
    configs: Configs | None = None
    """Disks, networks and mounts."""
    user_data: AnyMap | None = Field(default_factory=dict)
    """Data that programs on the machines can read."""
    reserve_on_fail: Boolean | None = False
    """Whether the machines stay when the job fails."""
    cluster_id: Text | None = None
    """Id of an existing cluster for the machines, instead of a new one."""
    dependency_isv_service: Text | None = ""
    """Name of a required third-party service, for example ``GTX``."""


class Docker(Description):
    """The container image that the command runs in."""

    image: Text | None = ""
    """The image; empty for none."""
    run_mode: Text | None = None
    """Only the Java SDK documents this field. It is sent unchanged."""


class Command(Description):
    """The command of an instance."""

    command_line: Annotated[Text, Required("the command to run"), ShellCommand()] | None = None
    """The command. ``/bin/sh`` runs it. Required."""
    package_path: Annotated[Text, ObjectKeyLength()] | None = None
    """URL of an archive that is unpacked into the working directory first: ``oss://…/worker.tar.gz``."""
    env_vars: Annotated[EnvMap, MaxLength(MAX_VARIABLES, "entries"), EnvironmentVariables()] | None = Field(
        default_factory=dict
    )
    """Environment variables, at most 2000; every value is converted to a string."""
    docker: Docker | None = Field(default_factory=Docker)
    """The container image that the command runs in."""

    _cross_field_problems = command_problems


class Parameters(Description):
    """The command of a task, and where its output is stored."""

    command: Annotated[Command, Required()] | None = Field(default_factory=Command)
    """The command of the instances."""
    input_mapping_config: InputMappingConfig | None = Field(default_factory=InputMappingConfig)
    """Settings for the file names of input mappings."""
    stdout_redirect_path: Annotated[Text, ObjectKeyLength()] | None = None
    """``oss://…/`` URL of the directory for ``stdout.<job>.<task>.<instance>``; empty to discard stdout."""
    stderr_redirect_path: Annotated[Text, ObjectKeyLength()] | None = None
    """``oss://…/`` URL of the directory for ``stderr.<job>.<task>.<instance>``; empty to discard stderr."""


class CredentialConfig(Description):
    """The roles that the task assumes. Only the Java SDK documents them."""

    service_role: Text | None = None
    """The first role."""
    chain: list[AnyMap] | None = None
    """The other roles: ``{"Role": …, "UserId": …}``."""


class TaskDescription(Description):
    """A task: a command that runs in a number of identical instances (REST API, 3.2)."""

    _examples = ({"ClusterId": "cls-1", "Parameters": {"Command": {"CommandLine": "echo hello"}}},)

    parameters: Annotated[Parameters, Required()] | None = Field(default_factory=Parameters)
    """The command, and where its output is stored. Required."""
    input_mapping: Annotated[TextMap, EachKey(StorageUrl())] | None = Field(default_factory=dict)
    """Inputs: ``oss://`` URLs, each with its path on the machine. They are read-only by default."""
    output_mapping: Annotated[TextMap, EachValue(StorageUrl())] | None = Field(default_factory=dict)
    """Outputs: paths on the machine, each with the ``oss://`` URL for the upload at the end."""
    log_mapping: Annotated[TextMap, EachValue(StorageUrl())] | None = Field(default_factory=dict)
    """Logs: files on the machine, each with the ``oss://…/`` URL for uploads while the program runs."""
    write_support: Boolean | None = None
    """Whether programs may write to input mappings."""
    timeout: Annotated[Integer, Range(1, MAX_INT32)] | None = 3600
    """Time-out of an attempt of an instance, in seconds."""
    instance_count: Annotated[Integer, Minimum(1)] | None = 1
    """Number of instances, 1 or more."""
    max_retry_count: Annotated[Integer, Range(0, MAX_INT32)] | None = 0
    """Number of times that a failed instance is retried."""
    cluster_id: Text | None = None
    """Id of the cluster to run on. This or ``AutoCluster`` is required."""
    mounts: Mounts | None = None
    """The mounts of the machines."""
    auto_cluster: AutoCluster | None = None
    """A new cluster for the task. This or ``ClusterId`` is required."""
    credential_config: CredentialConfig | None = None
    """The roles that the task assumes."""

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
        task = cls()
        task.instance_count = instance_count
        parameters = task.parameters
        parameters.command.command_line = command_line
        if env_vars:
            parameters.command.env_vars = env_vars
        if stdout:
            parameters.stdout_redirect_path = stdout
        if stderr:
            parameters.stderr_redirect_path = stderr
        if cluster_id:
            task.cluster_id = cluster_id
        else:
            task.auto_cluster = AutoCluster({"InstanceType": instance_type})
        return task

    _cross_field_problems = task_problems
