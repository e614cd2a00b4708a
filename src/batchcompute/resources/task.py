"""Tasks: what their instances run, on what, and with which files (reference, 3.2)."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from batchcompute._problems import shown
from batchcompute._values import AnyMap, EnvMap, Flag, Number, Text, TextMap, Whole
from batchcompute.errors import Problem
from batchcompute.jsonizable import Description
from batchcompute.resources import _rules as rules
from batchcompute.resources._types import ResourceTypeName
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
    """A cluster of its own for one task (reference, 3.2)."""

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
    reserve_on_fail: Flag | None = False
    """Whether the machines are kept when the job fails."""
    cluster_id: Text | None = None
    """A cluster to put the machines into, instead of a new one."""
    dependency_isv_service: Text | None = ""
    """Third-party service that is needed, for example ``GTX``."""

    def _rules(self, at: str) -> Iterator[Problem]:
        if "Configs" in self:
            yield from self.configs._rules(rules.join(at, "Configs"))

    def _names_machines(self) -> bool:
        # The service fills an unused AutoCluster with empty texts in its answers (reference, 2.1).
        return bool(self.instance_type or self.image_id or self.ecs_image_id or self.cluster_id)


class Docker(Description):
    """A container image to run the command in."""

    image: Text | None = ""
    """The image; empty for none."""
    run_mode: Text | None = None
    """Known from the Java SDK only; sent as it is."""


class Command(Description):
    """What an instance runs."""

    command_line: Text | None = None
    """The command, run by ``/bin/sh``. Required."""
    package_path: Text | None = None
    """An object to unpack into the working directory first: ``oss://…/worker.tar.gz``."""
    env_vars: EnvMap | None = Field(default_factory=dict)
    """Environment variables; every value becomes a text."""
    docker: Docker | None = Field(default_factory=Docker)
    """A container image to run the command in."""


class Parameters(Description):
    """What a task runs, and where its output goes."""

    command: Command | None = Field(default_factory=Command)
    """What its instances run."""
    input_mapping_config: InputMappingConfig | None = Field(default_factory=InputMappingConfig)
    """How input mappings read file names."""
    stdout_redirect_path: Text | None = None
    """``oss://…/`` directory for ``stdout.<job>.<task>.<instance>``; empty to keep none."""
    stderr_redirect_path: Text | None = None
    """``oss://…/`` directory for ``stderr.<job>.<task>.<instance>``; empty to keep none."""


class CredentialConfig(Description):
    """Roles that the task takes on (known from the Java SDK)."""

    service_role: Text | None = None
    """The first role."""
    chain: list[AnyMap] | None = None
    """Further roles: ``{"Role": …, "UserId": …}``."""


class TaskDescription(Description):
    """A task: a number of identical instances of a command (reference, 3.2)."""

    parameters: Parameters | None = Field(default_factory=Parameters)
    """What it runs, and where its output goes. Required."""
    input_mapping: TextMap | None = Field(default_factory=dict)
    """From ``oss://`` place to local path, read-only."""
    output_mapping: TextMap | None = Field(default_factory=dict)
    """From local path to ``oss://`` place, uploaded at the end."""
    log_mapping: TextMap | None = Field(default_factory=dict)
    """From local file to ``oss://…/`` directory, uploaded while the program runs."""
    write_support: Flag | None = None
    """Whether input mappings may be written to."""
    timeout: Whole | None = 3600
    """Seconds that one attempt of an instance may take."""
    instance_count: Whole | None = 1
    """How many instances run, 1 or more."""
    max_retry_count: Whole | None = 0
    """How often a failed instance is run again."""
    cluster_id: Text | None = None
    """The cluster to run on; this or ``AutoCluster`` is required."""
    mounts: Mounts | None = None
    """What the machines mount."""
    auto_cluster: AutoCluster | None = None
    """A cluster of its own; this or ``ClusterId`` is required."""
    credential_config: CredentialConfig | None = None
    """Roles that the task takes on."""

    def _rules(self, at: str) -> Iterator[Problem]:
        command = rules.join(at, "Parameters.Command.CommandLine")
        yield from rules.required(self.parameters.command.command_line, command, "the command to run")
        yield from rules.between(self.instance_count, rules.join(at, "InstanceCount"), 1)
        yield from rules.between(self.timeout, rules.join(at, "Timeout"), 1)
        yield from rules.between(self.max_retry_count, rules.join(at, "MaxRetryCount"), 0)
        if not self.cluster_id and "AutoCluster" not in self:
            yield Problem(
                rules.join(at, "ClusterId"), "", "one of ClusterId and AutoCluster is required", "missing"
            )
        if self.cluster_id and "AutoCluster" in self and self.auto_cluster._names_machines():
            allowed = "only one of ClusterId and AutoCluster may be given"
            yield Problem(rules.join(at, "ClusterId"), shown(self.cluster_id), allowed)
        for source in self.input_mapping:
            yield from rules.location(source, rules.join(at, "InputMapping"))
        for field, mapping in (("OutputMapping", self.output_mapping), ("LogMapping", self.log_mapping)):
            for local, place in mapping.items():
                yield from rules.location(place, rules.join(at, field, local))
        if "Mounts" in self:
            yield from self.mounts._rules(rules.join(at, "Mounts"))
        if "AutoCluster" in self:
            yield from self.auto_cluster._rules(rules.join(at, "AutoCluster"))
