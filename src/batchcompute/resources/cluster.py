"""Clusters: machines in groups (REST API, 2.3 and 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import Field

from batchcompute.models.base import Description, Status
from batchcompute.models.constraints import EachKey, Name, Range, Required
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
from batchcompute.resources._rules import cluster_problems, group_problems
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
    """The fields of a group in CreateCluster and in ModifyCluster."""

    desired_vm_count: Annotated[Integer, Range(0, _MOST_MACHINES)] | None = Field(
        default=None, validation_alias="DesiredVMCount", serialization_alias="DesiredVMCount"
    )
    """Desired number of machines, 0 to 65536. Required for a new group."""
    instance_type: Text | None = None
    """Instance type of the machines; without it, that of the cluster."""
    spot_strategy: Text | None = None
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    spot_price_limit: Number | None = None
    """Highest price of a spot machine per hour, in yuan."""


class GroupDescription(_GroupBase):
    """A group of equal machines (REST API, 3.5)."""

    instance_type: NonBlankText | None = None
    """Instance type of the machines; without it, that of the cluster."""
    resource_type: ResourceTypeName | None = "OnDemand"
    """Payment of the machines: ``OnDemand`` or ``Spot``."""
    hostname_prefix: Text | None = None
    """Prefix of the host names."""
    image_id: Text | None = None
    """Image of this group; without it, that of the cluster."""
    mode: Text | None = None
    """Undocumented. It is sent unchanged."""

    _cross_field_problems = group_problems


class ModifyGroupDescription(_GroupBase):
    """The changes to a group (ModifyCluster)."""


class ClusterDescription(Description):
    """A cluster to create (CreateCluster)."""

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
    """Image of the groups without one of their own. Required if there is such a group."""
    instance_type: Text | None = None
    """Instance type of the groups without one of their own."""
    user_data: AnyMap | None = Field(default_factory=dict)
    """Data that programs on the machines can read."""
    schedule_type: Text | None = None
    """``LowLatency``, ``Poll`` or ``Push``."""
    configs: Configs | None = None
    """Disks, networks and mounts."""
    notification: Notification | None = None
    """The topic that receives events, and which events it receives."""
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
    """Command that each machine runs when it starts."""
    env_vars: EnvMap | None = None
    """Environment variables of the machines; every value is converted to a string."""
    password_inherit: Boolean | None = None
    """Whether the machines keep the password of the image."""
    dependency_isv_service: Text | None = ""
    """Name of a required third-party service, for example ``GTX``."""

    def add_group(self, group_name: str, group: GroupDescription | Mapping[str, object]) -> None:
        """Add a group. The description stores a copy.

        Args:
            group_name: Name of the group.
            group: The group, or a mapping of its fields.
        """
        self.groups[group_name] = cast("GroupDescription", group)

    def get_group(self, group_name: str) -> GroupDescription:
        """Return a group.

        Raises:
            KeyError: This name does not exist.
        """
        return self.groups[group_name]

    def delete_group(self, group_name: str) -> None:
        """Remove a group.

        Raises:
            KeyError: This name does not exist.
        """
        del self.groups[group_name]

    _cross_field_problems = cluster_problems


class ModifyConfigs(Description):
    """The configuration of a cluster that can change."""

    mounts: Mounts | None = None
    """The mounts."""


class ModifyClusterDescription(Description):
    """The changes to a cluster (ModifyCluster). Fields that are not set stay unchanged."""

    user_data: AnyMap | None = None
    """Data that programs on the machines can read."""
    configs: ModifyConfigs | None = None
    """The mounts."""
    groups: dict[str, ModifyGroupDescription] | None = Field(default_factory=dict)
    """The groups to change, by name."""
    env_vars: EnvMap | None = None
    """Environment variables of the machines; every value is converted to a string."""
    image_id: Text | None = None
    """Image of the machines that start after the change."""
    input_mapping: TextMap | None = None
    """Read-only mappings from OSS, in older documents."""

    def add_group(self, group_name: str, group: ModifyGroupDescription | Mapping[str, object]) -> None:
        """Add the changes to a group. The description stores a copy."""
        self.groups[group_name] = cast("ModifyGroupDescription", group)

    def get_group(self, group_name: str) -> ModifyGroupDescription:
        """Return a group.

        Raises:
            KeyError: This name does not exist.
        """
        return self.groups[group_name]

    def delete_group(self, group_name: str) -> None:
        """Remove a group.

        Raises:
            KeyError: This name does not exist.
        """
        del self.groups[group_name]


class Disk(Status):
    """A disk of a group, in answers."""

    ecs_snapshot_id: Text | None = Field(
        default=None, validation_alias="ECSSnapshotId", serialization_alias="ECSSnapshotId"
    )
    """Snapshot from which the disk was created."""


class Group(Status):
    """A group of a cluster (part of GetCluster)."""

    desired_vm_count: Integer | None = Field(
        default=None, validation_alias="DesiredVMCount", serialization_alias="DesiredVMCount"
    )
    """Desired number of machines."""
    actual_vm_count: Integer | None = Field(
        default=None, validation_alias="ActualVMCount", serialization_alias="ActualVMCount"
    )
    """Current number of machines."""
    instance_type: Text | None = None
    """Instance type of the machines."""
    resource_type: ResourceTypeName | None = None
    """Payment of the machines: ``OnDemand`` or ``Spot``."""
    spot_strategy: Text | None = None
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``; empty for other machines."""
    spot_price_limit: Number | None = None
    """Highest price of a spot machine per hour, in yuan."""
    disks: Disks | None = None
    """The disks of the machines."""


class Metrics(Status):
    """Number of machines of a cluster in each state."""

    running_count: Integer | None = None
    """Number of running machines."""
    starting_count: Integer | None = None
    """Number of starting machines."""
    stopping_count: Integer | None = None
    """Number of stopping machines."""
    stopped_count: Integer | None = None
    """Number of stopped machines."""


class Cluster(Status):
    """A cluster (GetCluster, ListClusters)."""

    _identity = "Id"

    name: Text | None = None
    """Name of the cluster."""
    id: Text | None = None
    """Id of the cluster, ``cls-…``."""
    owner_id: TextOrInteger | None = None
    """The account of the owner: a number or a string, as the service sends it."""
    description: Text | None = None
    """Free text."""
    creation_time: Time | None = None
    """Time of creation."""
    state: ClusterState | None = None
    """State of the cluster: ``Active`` after the create, ``Deleting`` after the delete."""
    instance_type: Text | None = None
    """Instance type of the groups without one of their own."""
    image_id: Text | None = None
    """Image of the groups without one of their own."""
    user_data: AnyMap | None = None
    """Data that programs on the machines can read."""
    env_vars: EnvMap | None = None
    """Environment variables of the machines."""
    input_mapping: TextMap | None = None
    """Read-only mappings from OSS, in older answers."""
    input_mapping_config: InputMappingConfig | None = None
    """Settings for the file names of input mappings, in older answers."""
    notification: Notification | None = None
    """The topic that receives events, and which events it receives."""
    configs: Configs | None = None
    """Disks, networks and mounts."""
    write_support: Boolean | None = None
    """Whether programs may write to input mappings, in older answers."""
    bootstrap: Text | None = None
    """Command that each machine runs when it starts."""
    security_group: Text | None = None
    """Security group of the machines."""
    groups: dict[str, Group] | None = None
    """The groups by name."""
    operation_logs: TextList | None = None
    """Events of the cluster, in the format ``[time][group][machine]text``."""
    metrics: Metrics | None = None
    """Number of machines in each state."""
    error_code: Text | None = None
    """Code of the error of the cluster. Only the Java SDK documents this field."""

    def get_group(self, group_name: str) -> Group:
        """Return a group.

        Raises:
            KeyError: This name does not exist.
        """
        return self.groups[group_name]


class ClusterInstance(Status):
    """A machine of a cluster (GetClusterInstance, ListClusterInstances)."""

    _identity = "Id"

    id: Text | None = None
    """Id of the machine, ``i-…``."""
    hint: Text | None = None
    """``affinity`` for a machine of an automatic cluster; empty for other machines."""
    state: MachineState | None = None
    """State of the machine."""
    ip_address: Text | None = None
    """IP address of the machine."""
    host_name: Text | None = None
    """Host name of the machine."""
    error_code: Integer | None = None
    """Code of the error; 0 for no error."""
    error_message: Text | None = None
    """Message of the error."""
    creation_time: Time | None = None
    """Time of creation."""
    instance_password: Text | None = None
    """Password of the machine, if the service sends it. ``repr`` never shows it."""
    ecs_instance_id: Text | None = None
    """Id of the ECS instance that is the machine."""
