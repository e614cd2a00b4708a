"""Clusters: machines in groups (REST API, 2.3 and 3.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, cast

from pydantic import Field

from batchcompute.errors import Problem
from batchcompute.models.base import Description, Status
from batchcompute.models.constraints import EachKey, Name, Range, Required, join
from batchcompute.models.field_types import (
    AnyMap,
    Boolean,
    EnvMap,
    Integer,
    NonBlankText,
    Number,
    Text,
    TextList,
    TextMap,
    TextOrInteger,
    Time,
)
from batchcompute.resources._literals import ClusterState, MachineState, ResourceTypeName
from batchcompute.resources.configs import (
    NAS,
    OSS,
    VPC,
    Classic,
    Configs,
    DataDisk,
    Disks,
    InputMappingConfig,
    MountEntry,
    Mounts,
    Networks,
    Notification,
    SystemDisk,
    Topic,
)

__all__ = [
    "NAS",
    "OSS",
    "VPC",
    "Classic",
    "Cluster",
    "ClusterDescription",
    "ClusterInstance",
    "Configs",
    "DataDisk",
    "Disk",
    "Disks",
    "Group",
    "GroupDescription",
    "InputMappingConfig",
    "Metrics",
    "ModifyClusterDescription",
    "ModifyConfigs",
    "ModifyGroupDescription",
    "MountEntry",
    "Mounts",
    "Networks",
    "Notification",
    "SystemDisk",
    "Topic",
]

_MOST_MACHINES = 65536


class _GroupBase(Description):
    """The fields that a group has when it is made and when it is changed."""

    desired_vm_count: Annotated[Integer, Range(0, _MOST_MACHINES)] | None = Field(
        default=None, validation_alias="DesiredVMCount", serialization_alias="DesiredVMCount"
    )
    """How many machines the group shall have, 0 to 65536. Required for a new group."""
    instance_type: Text | None = None
    """Instance type of the machines; the cluster's own when not set."""
    spot_strategy: Text | None = None
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    spot_price_limit: Number | None = None
    """Highest price per hour of a spot machine."""


class GroupDescription(_GroupBase):
    """A group of equal machines (REST API, 3.5)."""

    instance_type: NonBlankText | None = None
    """Instance type of the machines; the cluster's own when not set."""
    resource_type: ResourceTypeName | None = "OnDemand"
    """How the machines are paid for."""
    hostname_prefix: Text | None = None
    """What host names start with."""
    image_id: Text | None = None
    """Image of this group; the cluster's own when not set."""
    mode: Text | None = None
    """Undocumented; sent as it is."""

    def _cross_field_problems(self, at: str) -> Iterator[Problem]:
        limit = Required("an integer in [0, 65536]")
        yield from limit.problems(self.desired_vm_count, join(at, "DesiredVMCount"))


class ModifyGroupDescription(_GroupBase):
    """What shall change in a group (ModifyCluster)."""


class ClusterDescription(Description):
    """A cluster to make (CreateCluster)."""

    _examples = (
        {
            "Name": "demo",
            "ImageId": "img-ubuntu",
            "InstanceType": "ecs.s3.large",
            "Groups": {"workers": {"DesiredVMCount": 1}},
        },
    )

    name: Annotated[Text, Name(64)] | None = None
    """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    description: Text | None = None
    """Free text."""
    image_id: Text | None = None
    """Image of all groups. Required unless every group names its own."""
    instance_type: Text | None = None
    """Instance type of the groups that name none."""
    user_data: AnyMap | None = Field(default_factory=dict)
    """Readable on the machines."""
    schedule_type: Text | None = None
    """``LowLatency``, ``Poll`` or ``Push``."""
    configs: Configs | None = None
    """Disks, networks and mounts."""
    notification: Notification | None = None
    """Who is told of events."""
    groups: (
        Annotated[
            dict[str, GroupDescription],
            Required("one group or more"),
            EachKey(Required("a name for each group")),
        ]
        | None
    ) = Field(default_factory=dict)
    """The groups by name. Required."""
    bootstrap: Text | None = None
    """Command that each machine runs at its start."""
    env_vars: EnvMap | None = None
    """Environment variables of the machines; every value becomes a text."""
    password_inherit: Boolean | None = None
    """Whether the image's password is kept."""
    dependency_isv_service: Text | None = ""
    """Third-party service that is needed, for example ``GTX``."""

    def add_group(self, group_name: str, group: GroupDescription | Mapping[str, object]) -> None:
        """Add a group; it is copied in.

        Args:
            group_name: Name of the group.
            group: The group, or a mapping of its fields.
        """
        self.groups[group_name] = cast("GroupDescription", group)

    def get_group(self, group_name: str) -> GroupDescription:
        """Return a group by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.groups[group_name]

    def delete_group(self, group_name: str) -> None:
        """Take out a group by name.

        Raises:
            KeyError: There is none of this name.
        """
        del self.groups[group_name]

    def _cross_field_problems(self, at: str) -> Iterator[Problem]:
        if not self.groups or not all(group.image_id for group in self.groups.values()):
            yield from Required("the id of an image").problems(self.image_id, join(at, "ImageId"))


class ModifyConfigs(Description):
    """What can change in a cluster's configs."""

    mounts: Mounts | None = None
    """The mounts."""


class ModifyClusterDescription(Description):
    """What shall change in a cluster (ModifyCluster); what is not set stays as it is."""

    user_data: AnyMap | None = None
    """Readable on the machines."""
    configs: ModifyConfigs | None = None
    """The mounts."""
    groups: dict[str, ModifyGroupDescription] | None = Field(default_factory=dict)
    """The groups to change, by name."""
    env_vars: EnvMap | None = None
    """Environment variables of the machines; every value becomes a text."""
    image_id: Text | None = None
    """Image of machines that start from now on."""
    input_mapping: TextMap | None = None
    """Read-only mappings from OSS, in older documents."""

    def add_group(self, group_name: str, group: ModifyGroupDescription | Mapping[str, object]) -> None:
        """Add what shall change in a group; it is copied in."""
        self.groups[group_name] = cast("ModifyGroupDescription", group)

    def get_group(self, group_name: str) -> ModifyGroupDescription:
        """Return a group by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.groups[group_name]

    def delete_group(self, group_name: str) -> None:
        """Take out a group by name.

        Raises:
            KeyError: There is none of this name.
        """
        del self.groups[group_name]


class Disk(Status):
    """A disk of a group, as the service describes it."""

    ecs_snapshot_id: Text | None = Field(
        default=None, validation_alias="ECSSnapshotId", serialization_alias="ECSSnapshotId"
    )
    """Snapshot that the disk was made from."""


class Group(Status):
    """A group of a cluster (part of GetCluster)."""

    desired_vm_count: Integer | None = Field(
        default=None, validation_alias="DesiredVMCount", serialization_alias="DesiredVMCount"
    )
    """How many machines the group shall have."""
    actual_vm_count: Integer | None = Field(
        default=None, validation_alias="ActualVMCount", serialization_alias="ActualVMCount"
    )
    """How many it has."""
    instance_type: Text | None = None
    """Instance type of the machines."""
    resource_type: ResourceTypeName | None = None
    """How the machines are paid for."""
    spot_strategy: Text | None = None
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``; empty for other machines."""
    spot_price_limit: Number | None = None
    """Highest price per hour of a spot machine."""
    disks: Disks | None = None
    """The disks of the machines."""


class Metrics(Status):
    """How many machines of a cluster are in which state."""

    running_count: Integer | None = None
    """Machines that run."""
    starting_count: Integer | None = None
    """Machines that start."""
    stopping_count: Integer | None = None
    """Machines that stop."""
    stopped_count: Integer | None = None
    """Machines that have stopped."""


class Cluster(Status):
    """A cluster (GetCluster, ListClusters)."""

    _identity = "Id"

    name: Text | None = None
    """Name of the cluster."""
    id: Text | None = None
    """Id of the cluster, ``cls-…``."""
    owner_id: TextOrInteger | None = None
    """The owner's account; a number or a text, as the service has it."""
    description: Text | None = None
    """Free text."""
    creation_time: Time | None = None
    """When it was made."""
    state: ClusterState | None = None
    """``Active`` from the start, ``Deleting`` after a delete."""
    instance_type: Text | None = None
    """Instance type of the groups that name none."""
    image_id: Text | None = None
    """Image of all groups."""
    user_data: AnyMap | None = None
    """Readable on the machines."""
    env_vars: EnvMap | None = None
    """Environment variables of the machines."""
    input_mapping: TextMap | None = None
    """Read-only mappings from OSS, in older answers."""
    input_mapping_config: InputMappingConfig | None = None
    """How input mappings read file names, in older answers."""
    notification: Notification | None = None
    """Who is told of events."""
    configs: Configs | None = None
    """Disks, networks and mounts."""
    write_support: Boolean | None = None
    """Whether input mappings may be written to, in older answers."""
    bootstrap: Text | None = None
    """Command that each machine runs at its start."""
    security_group: Text | None = None
    """Security group of the machines."""
    groups: dict[str, Group] | None = None
    """The groups by name."""
    operation_logs: TextList | None = None
    """What happened to the cluster: ``[time][group][machine]text``."""
    metrics: Metrics | None = None
    """How many machines are in which state."""
    error_code: Text | None = None
    """Why the cluster is in error; known from the Java SDK."""

    def get_group(self, group_name: str) -> Group:
        """Return a group by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.groups[group_name]


class ClusterInstance(Status):
    """A machine of a cluster (GetClusterInstance, ListClusterInstances)."""

    _identity = "Id"

    id: Text | None = None
    """Id of the machine, ``i-…``."""
    hint: Text | None = None
    """``affinity`` for a machine of an automatic cluster, else empty."""
    state: MachineState | None = None
    """State of the machine."""
    ip_address: Text | None = None
    """Its address."""
    host_name: Text | None = None
    """Its host name."""
    error_code: Integer | None = None
    """0, or why it failed."""
    error_message: Text | None = None
    """Why it failed, in words."""
    creation_time: Time | None = None
    """When it was made."""
    instance_password: Text | None = None
    """Password of the machine, where the service tells it; never shown by ``repr``."""
    ecs_instance_id: Text | None = None
    """The ECS machine behind it."""
