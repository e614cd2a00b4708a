"""Tasks: what their instances run, on what, and with which files (REST API, 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import Field

from batchcompute.errors import Problem
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
    join,
)
from batchcompute.models.field_types import AnyMap, Boolean, EnvMap, Integer, Number, Text, TextMap
from batchcompute.models.problems import short_repr
from batchcompute.resources._literals import ResourceTypeName
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
    """A cluster of its own for one task (REST API, 3.2)."""

    instance_type: Text | None = ""
    """Instance type of the machines."""
    resource_type: ResourceTypeName | None = None
    """How the machines are paid for; the service's default is ``OnDemand``."""
    spot_strategy: Text | None = None
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    spot_price_limit: Number | None = None
    """Highest price per hour of a spot machine, in yuan; 0 for an automatic one."""
    image_id: Text | None = None
    """Id of the image."""
    ecs_image_id: Text | None = Field(
        default="", validation_alias="ECSImageId", serialization_alias="ECSImageId"
    )
    """Id of an ECS image that is not registered."""
    configs: Configs | None = None
    """Disks, networks and mounts."""
    user_data: AnyMap | None = Field(default_factory=dict)
    """Readable on the machines."""
    reserve_on_fail: Boolean | None = False
    """Whether the machines are kept when the job fails."""
    cluster_id: Text | None = None
    """A cluster to put the machines into, instead of a new one."""
    dependency_isv_service: Text | None = ""
    """Third-party service that is needed, for example ``GTX``."""

    def _names_machines(self) -> bool:
        # The service fills an unused AutoCluster with empty texts in its answers (REST API, 2.1).
        return bool(self.instance_type or self.image_id or self.ecs_image_id or self.cluster_id)


class Docker(Description):
    """A container image to run the command in."""

    image: Text | None = ""
    """The image; empty for none."""
    run_mode: Text | None = None
    """Known from the Java SDK only; sent as it is."""


class Command(Description):
    """What an instance runs."""

    command_line: Annotated[Text, Required("the command to run"), ShellCommand()] | None = None
    """The command, run by ``/bin/sh``. Required."""
    package_path: Annotated[Text, ObjectKeyLength()] | None = None
    """An object to unpack into the working directory first: ``oss://…/worker.tar.gz``."""
    env_vars: Annotated[EnvMap, MaxLength(MAX_VARIABLES, "entries"), EnvironmentVariables()] | None = Field(
        default_factory=dict
    )
    """Environment variables, at most 2000; every value becomes a text."""
    docker: Docker | None = Field(default_factory=Docker)
    """A container image to run the command in."""

    def _cross_field_problems(self, at: str) -> Iterator[Problem]:
        for name in self.env_vars:
            if not name or "=" in name:
                yield Problem(join(at, "EnvVars"), short_repr(name), "must be a name without '='")


class Parameters(Description):
    """What a task runs, and where its output goes."""

    command: Annotated[Command, Required()] | None = Field(default_factory=Command)
    """What its instances run."""
    input_mapping_config: InputMappingConfig | None = Field(default_factory=InputMappingConfig)
    """How input mappings read file names."""
    stdout_redirect_path: Annotated[Text, ObjectKeyLength()] | None = None
    """``oss://…/`` directory for ``stdout.<job>.<task>.<instance>``; empty to keep none."""
    stderr_redirect_path: Annotated[Text, ObjectKeyLength()] | None = None
    """``oss://…/`` directory for ``stderr.<job>.<task>.<instance>``; empty to keep none."""


class CredentialConfig(Description):
    """Roles that the task takes on (known from the Java SDK)."""

    service_role: Text | None = None
    """The first role."""
    chain: list[AnyMap] | None = None
    """Further roles: ``{"Role": …, "UserId": …}``."""


class TaskDescription(Description):
    """A task: a number of identical instances of a command (REST API, 3.2)."""

    _examples = ({"ClusterId": "cls-1", "Parameters": {"Command": {"CommandLine": "echo hello"}}},)

    parameters: Annotated[Parameters, Required()] | None = Field(default_factory=Parameters)
    """What it runs, and where its output goes. Required."""
    input_mapping: Annotated[TextMap, EachKey(StorageUrl())] | None = Field(default_factory=dict)
    """From ``oss://`` place to local path, read-only."""
    output_mapping: Annotated[TextMap, EachValue(StorageUrl())] | None = Field(default_factory=dict)
    """From local path to ``oss://`` place, uploaded at the end."""
    log_mapping: Annotated[TextMap, EachValue(StorageUrl())] | None = Field(default_factory=dict)
    """From local file to ``oss://…/`` directory, uploaded while the program runs."""
    write_support: Boolean | None = None
    """Whether input mappings may be written to."""
    timeout: Annotated[Integer, Range(1, MAX_INT32)] | None = 3600
    """Seconds that one attempt of an instance may take."""
    instance_count: Annotated[Integer, Minimum(1)] | None = 1
    """How many instances run, 1 or more."""
    max_retry_count: Annotated[Integer, Range(0, MAX_INT32)] | None = 0
    """How often a failed instance is run again."""
    cluster_id: Text | None = None
    """The cluster to run on; this or ``AutoCluster`` is required."""
    mounts: Mounts | None = None
    """What the machines mount."""
    auto_cluster: AutoCluster | None = None
    """A cluster of its own; this or ``ClusterId`` is required."""
    credential_config: CredentialConfig | None = None
    """Roles that the task takes on."""

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
        """Return a task that runs a command; all else is set on it as usual.

        Args:
            command_line: The command, run by ``/bin/sh``.
            instance_count: How many instances run, 1 or more.
            instance_type: Instance type of a cluster of the task's own.
            cluster_id: The cluster to run on, instead of one of its own.
            stdout: ``oss://…/`` directory for stdout; empty to keep none.
            stderr: ``oss://…/`` directory for stderr; empty to keep none.
            env_vars: Environment variables; every value becomes a text.

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

    def _cross_field_problems(self, at: str) -> Iterator[Problem]:
        if not self.cluster_id and "AutoCluster" not in self:
            path = join(at, "ClusterId")
            yield Problem(path, "", "one of ClusterId and AutoCluster is required", "missing")
        if self.cluster_id and "AutoCluster" in self and self.auto_cluster._names_machines():
            allowed = "only one of ClusterId and AutoCluster may be given"
            yield Problem(join(at, "ClusterId"), short_repr(self.cluster_id), allowed)
