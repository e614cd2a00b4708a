# Made by tools/generate.py from cluster.py; change that file instead.
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias, overload

from batchcompute.models.base import Description, Status
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

class _GroupBase(Description):
    """The fields of a group in CreateCluster and in ModifyCluster."""
    @overload
    def __init__(
        self,
        properties: __GroupBase | Mapping[str, object] | str | bytes | None = ...,
        *,
        DesiredVMCount: int | None = ...,
        InstanceType: str | None = ...,
        SpotStrategy: str | None = ...,
        SpotPriceLimit: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: __GroupBase | Mapping[str, object] | str | bytes | None = ...,
        *,
        desired_vm_count: int | None = ...,
        instance_type: str | None = ...,
        spot_strategy: str | None = ...,
        spot_price_limit: float | None = ...,
    ) -> None: ...
    @property
    def desired_vm_count(self) -> int | None:
        """Desired number of machines, 0 to 65536. Required for a new group."""
    @desired_vm_count.setter
    def desired_vm_count(self, value: int | None) -> None: ...
    @property
    def DesiredVMCount(self) -> int | None:  # noqa: N802
        """Desired number of machines, 0 to 65536. Required for a new group."""
    @DesiredVMCount.setter
    def DesiredVMCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def instance_type(self) -> str | None:
        """Instance type of the machines; without it, that of the cluster."""
    @instance_type.setter
    def instance_type(self, value: str | None) -> None: ...
    @property
    def InstanceType(self) -> str | None:  # noqa: N802
        """Instance type of the machines; without it, that of the cluster."""
    @InstanceType.setter
    def InstanceType(self, value: str | None) -> None: ...  # noqa: N802
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
        """Highest price of a spot machine per hour, in yuan."""
    @spot_price_limit.setter
    def spot_price_limit(self, value: float | None) -> None: ...
    @property
    def SpotPriceLimit(self) -> float | None:  # noqa: N802
        """Highest price of a spot machine per hour, in yuan."""
    @SpotPriceLimit.setter
    def SpotPriceLimit(self, value: float | None) -> None: ...  # noqa: N802

class GroupDescription(_GroupBase):
    """A group of equal machines (REST API, 3.5)."""
    @overload
    def __init__(
        self,
        properties: _GroupDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        DesiredVMCount: int | None = ...,
        InstanceType: str | None = ...,
        SpotStrategy: str | None = ...,
        SpotPriceLimit: float | None = ...,
        ResourceType: _ResourceTypeName | None = ...,
        HostnamePrefix: str | None = ...,
        ImageId: str | None = ...,
        Mode: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _GroupDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        desired_vm_count: int | None = ...,
        instance_type: str | None = ...,
        spot_strategy: str | None = ...,
        spot_price_limit: float | None = ...,
        resource_type: _ResourceTypeName | None = ...,
        hostname_prefix: str | None = ...,
        image_id: str | None = ...,
        mode: str | None = ...,
    ) -> None: ...
    @property
    def instance_type(self) -> str | None:
        """Instance type of the machines; without it, that of the cluster."""
    @instance_type.setter
    def instance_type(self, value: str | None) -> None: ...
    @property
    def InstanceType(self) -> str | None:  # noqa: N802
        """Instance type of the machines; without it, that of the cluster."""
    @InstanceType.setter
    def InstanceType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def resource_type(self) -> _ResourceTypeName:
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @resource_type.setter
    def resource_type(self, value: _ResourceTypeName | None) -> None: ...
    @property
    def ResourceType(self) -> _ResourceTypeName:  # noqa: N802
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @ResourceType.setter
    def ResourceType(self, value: _ResourceTypeName | None) -> None: ...  # noqa: N802
    @property
    def hostname_prefix(self) -> str | None:
        """Prefix of the host names."""
    @hostname_prefix.setter
    def hostname_prefix(self, value: str | None) -> None: ...
    @property
    def HostnamePrefix(self) -> str | None:  # noqa: N802
        """Prefix of the host names."""
    @HostnamePrefix.setter
    def HostnamePrefix(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def image_id(self) -> str | None:
        """Image of this group; without it, that of the cluster."""
    @image_id.setter
    def image_id(self, value: str | None) -> None: ...
    @property
    def ImageId(self) -> str | None:  # noqa: N802
        """Image of this group; without it, that of the cluster."""
    @ImageId.setter
    def ImageId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def mode(self) -> str | None:
        """Undocumented. It is sent unchanged."""
    @mode.setter
    def mode(self, value: str | None) -> None: ...
    @property
    def Mode(self) -> str | None:  # noqa: N802
        """Undocumented. It is sent unchanged."""
    @Mode.setter
    def Mode(self, value: str | None) -> None: ...  # noqa: N802

class ModifyGroupDescription(_GroupBase):
    """The changes to a group (ModifyCluster)."""
    @overload
    def __init__(
        self,
        properties: _ModifyGroupDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        DesiredVMCount: int | None = ...,
        InstanceType: str | None = ...,
        SpotStrategy: str | None = ...,
        SpotPriceLimit: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _ModifyGroupDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        desired_vm_count: int | None = ...,
        instance_type: str | None = ...,
        spot_strategy: str | None = ...,
        spot_price_limit: float | None = ...,
    ) -> None: ...

class ClusterDescription(Description):
    """A cluster to create (CreateCluster)."""
    @overload
    def __init__(
        self,
        properties: _ClusterDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Description: str | None = ...,
        ImageId: str | None = ...,
        InstanceType: str | None = ...,
        UserData: Mapping[str, object] | None = ...,
        ScheduleType: str | None = ...,
        Configs: _Configs | Mapping[str, object] | None = ...,
        Notification: _Notification | Mapping[str, object] | None = ...,
        Groups: Mapping[str, _GroupDescription | Mapping[str, object]] | None = ...,
        Bootstrap: str | None = ...,
        EnvVars: Mapping[str, object] | None = ...,
        PasswordInherit: bool | None = ...,
        DependencyIsvService: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _ClusterDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        description: str | None = ...,
        image_id: str | None = ...,
        instance_type: str | None = ...,
        user_data: Mapping[str, object] | None = ...,
        schedule_type: str | None = ...,
        configs: _Configs | Mapping[str, object] | None = ...,
        notification: _Notification | Mapping[str, object] | None = ...,
        groups: Mapping[str, _GroupDescription | Mapping[str, object]] | None = ...,
        bootstrap: str | None = ...,
        env_vars: Mapping[str, object] | None = ...,
        password_inherit: bool | None = ...,
        dependency_isv_service: str | None = ...,
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
    def description(self) -> str | None:
        """Free text."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str | None:  # noqa: N802
        """Free text."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def image_id(self) -> str | None:
        """Image of the groups without one of their own. Required if there is such a group."""
    @image_id.setter
    def image_id(self, value: str | None) -> None: ...
    @property
    def ImageId(self) -> str | None:  # noqa: N802
        """Image of the groups without one of their own. Required if there is such a group."""
    @ImageId.setter
    def ImageId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def instance_type(self) -> str | None:
        """Instance type of the groups without one of their own."""
    @instance_type.setter
    def instance_type(self, value: str | None) -> None: ...
    @property
    def InstanceType(self) -> str | None:  # noqa: N802
        """Instance type of the groups without one of their own."""
    @InstanceType.setter
    def InstanceType(self, value: str | None) -> None: ...  # noqa: N802
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
    def schedule_type(self) -> str | None:
        """``LowLatency``, ``Poll`` or ``Push``."""
    @schedule_type.setter
    def schedule_type(self, value: str | None) -> None: ...
    @property
    def ScheduleType(self) -> str | None:  # noqa: N802
        """``LowLatency``, ``Poll`` or ``Push``."""
    @ScheduleType.setter
    def ScheduleType(self, value: str | None) -> None: ...  # noqa: N802
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
    def groups(self) -> dict[str, _GroupDescription]:
        """The groups by name. Required."""
    @groups.setter
    def groups(self, value: Mapping[str, _GroupDescription | Mapping[str, object]] | None) -> None: ...
    @property
    def Groups(self) -> dict[str, _GroupDescription]:  # noqa: N802
        """The groups by name. Required."""
    @Groups.setter
    def Groups(self, value: Mapping[str, _GroupDescription | Mapping[str, object]] | None) -> None: ...  # noqa: N802
    @property
    def bootstrap(self) -> str | None:
        """Command that each machine runs when it starts."""
    @bootstrap.setter
    def bootstrap(self, value: str | None) -> None: ...
    @property
    def Bootstrap(self) -> str | None:  # noqa: N802
        """Command that each machine runs when it starts."""
    @Bootstrap.setter
    def Bootstrap(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def env_vars(self) -> dict[str, str]:
        """Environment variables of the machines; every value is converted to a string."""
    @env_vars.setter
    def env_vars(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def EnvVars(self) -> dict[str, str]:  # noqa: N802
        """Environment variables of the machines; every value is converted to a string."""
    @EnvVars.setter
    def EnvVars(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def password_inherit(self) -> bool | None:
        """Whether the machines keep the password of the image."""
    @password_inherit.setter
    def password_inherit(self, value: bool | None) -> None: ...
    @property
    def PasswordInherit(self) -> bool | None:  # noqa: N802
        """Whether the machines keep the password of the image."""
    @PasswordInherit.setter
    def PasswordInherit(self, value: bool | None) -> None: ...  # noqa: N802
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
    def add_group(self, group_name: str, group: GroupDescription | Mapping[str, object]) -> None:
        """Add a group. The description stores a copy.

        Args:
            group_name: Name of the group.
            group: The group, or a mapping of its fields.
        """
    def get_group(self, group_name: str) -> GroupDescription:
        """Return a group.

        Raises:
            KeyError: This name does not exist.
        """
    def delete_group(self, group_name: str) -> None:
        """Remove a group.

        Raises:
            KeyError: This name does not exist.
        """

class ModifyConfigs(Description):
    """The configuration of a cluster that can change."""
    @overload
    def __init__(
        self,
        properties: _ModifyConfigs | Mapping[str, object] | str | bytes | None = ...,
        *,
        Mounts: _Mounts | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _ModifyConfigs | Mapping[str, object] | str | bytes | None = ...,
        *,
        mounts: _Mounts | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def mounts(self) -> _Mounts:
        """The mounts."""
    @mounts.setter
    def mounts(self, value: _Mounts | Mapping[str, object] | None) -> None: ...
    @property
    def Mounts(self) -> _Mounts:  # noqa: N802
        """The mounts."""
    @Mounts.setter
    def Mounts(self, value: _Mounts | Mapping[str, object] | None) -> None: ...  # noqa: N802

class ModifyClusterDescription(Description):
    """The changes to a cluster (ModifyCluster). Fields that are not set stay unchanged."""
    @overload
    def __init__(
        self,
        properties: _ModifyClusterDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        UserData: Mapping[str, object] | None = ...,
        Configs: _ModifyConfigs | Mapping[str, object] | None = ...,
        Groups: Mapping[str, _ModifyGroupDescription | Mapping[str, object]] | None = ...,
        EnvVars: Mapping[str, object] | None = ...,
        ImageId: str | None = ...,
        InputMapping: Mapping[str, str] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _ModifyClusterDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        user_data: Mapping[str, object] | None = ...,
        configs: _ModifyConfigs | Mapping[str, object] | None = ...,
        groups: Mapping[str, _ModifyGroupDescription | Mapping[str, object]] | None = ...,
        env_vars: Mapping[str, object] | None = ...,
        image_id: str | None = ...,
        input_mapping: Mapping[str, str] | None = ...,
    ) -> None: ...
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
    def configs(self) -> _ModifyConfigs:
        """The mounts."""
    @configs.setter
    def configs(self, value: _ModifyConfigs | Mapping[str, object] | None) -> None: ...
    @property
    def Configs(self) -> _ModifyConfigs:  # noqa: N802
        """The mounts."""
    @Configs.setter
    def Configs(self, value: _ModifyConfigs | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def groups(self) -> dict[str, _ModifyGroupDescription]:
        """The groups to change, by name."""
    @groups.setter
    def groups(self, value: Mapping[str, _ModifyGroupDescription | Mapping[str, object]] | None) -> None: ...
    @property
    def Groups(self) -> dict[str, _ModifyGroupDescription]:  # noqa: N802
        """The groups to change, by name."""
    @Groups.setter
    def Groups(self, value: Mapping[str, _ModifyGroupDescription | Mapping[str, object]] | None) -> None: ...  # noqa: N802
    @property
    def env_vars(self) -> dict[str, str]:
        """Environment variables of the machines; every value is converted to a string."""
    @env_vars.setter
    def env_vars(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def EnvVars(self) -> dict[str, str]:  # noqa: N802
        """Environment variables of the machines; every value is converted to a string."""
    @EnvVars.setter
    def EnvVars(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def image_id(self) -> str | None:
        """Image of the machines that start after the change."""
    @image_id.setter
    def image_id(self, value: str | None) -> None: ...
    @property
    def ImageId(self) -> str | None:  # noqa: N802
        """Image of the machines that start after the change."""
    @ImageId.setter
    def ImageId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def input_mapping(self) -> dict[str, str]:
        """Read-only mappings from OSS, in older documents."""
    @input_mapping.setter
    def input_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def InputMapping(self) -> dict[str, str]:  # noqa: N802
        """Read-only mappings from OSS, in older documents."""
    @InputMapping.setter
    def InputMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    def add_group(self, group_name: str, group: ModifyGroupDescription | Mapping[str, object]) -> None:
        """Add the changes to a group. The description stores a copy."""
    def get_group(self, group_name: str) -> ModifyGroupDescription:
        """Return a group.

        Raises:
            KeyError: This name does not exist.
        """
    def delete_group(self, group_name: str) -> None:
        """Remove a group.

        Raises:
            KeyError: This name does not exist.
        """

class Disk(Status):
    """A disk of a group, in answers."""
    @overload
    def __init__(
        self,
        properties: _Disk | Mapping[str, object] | str | bytes | None = ...,
        *,
        ECSSnapshotId: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Disk | Mapping[str, object] | str | bytes | None = ...,
        *,
        ecs_snapshot_id: str | None = ...,
    ) -> None: ...
    @property
    def ecs_snapshot_id(self) -> str:
        """Snapshot from which the disk was created."""
    @ecs_snapshot_id.setter
    def ecs_snapshot_id(self, value: str | None) -> None: ...
    @property
    def ECSSnapshotId(self) -> str:  # noqa: N802
        """Snapshot from which the disk was created."""
    @ECSSnapshotId.setter
    def ECSSnapshotId(self, value: str | None) -> None: ...  # noqa: N802

class Group(Status):
    """A group of a cluster (part of GetCluster)."""
    @overload
    def __init__(
        self,
        properties: _Group | Mapping[str, object] | str | bytes | None = ...,
        *,
        DesiredVMCount: int | None = ...,
        ActualVMCount: int | None = ...,
        InstanceType: str | None = ...,
        ResourceType: _ResourceTypeName | None = ...,
        SpotStrategy: str | None = ...,
        SpotPriceLimit: float | None = ...,
        Disks: _Disks | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Group | Mapping[str, object] | str | bytes | None = ...,
        *,
        desired_vm_count: int | None = ...,
        actual_vm_count: int | None = ...,
        instance_type: str | None = ...,
        resource_type: _ResourceTypeName | None = ...,
        spot_strategy: str | None = ...,
        spot_price_limit: float | None = ...,
        disks: _Disks | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def desired_vm_count(self) -> int:
        """Desired number of machines."""
    @desired_vm_count.setter
    def desired_vm_count(self, value: int | None) -> None: ...
    @property
    def DesiredVMCount(self) -> int:  # noqa: N802
        """Desired number of machines."""
    @DesiredVMCount.setter
    def DesiredVMCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def actual_vm_count(self) -> int:
        """Current number of machines."""
    @actual_vm_count.setter
    def actual_vm_count(self, value: int | None) -> None: ...
    @property
    def ActualVMCount(self) -> int:  # noqa: N802
        """Current number of machines."""
    @ActualVMCount.setter
    def ActualVMCount(self, value: int | None) -> None: ...  # noqa: N802
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
    def resource_type(self) -> _ResourceTypeName:
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @resource_type.setter
    def resource_type(self, value: _ResourceTypeName | None) -> None: ...
    @property
    def ResourceType(self) -> _ResourceTypeName:  # noqa: N802
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @ResourceType.setter
    def ResourceType(self, value: _ResourceTypeName | None) -> None: ...  # noqa: N802
    @property
    def spot_strategy(self) -> str:
        """``SpotWithPriceLimit`` or ``SpotAsPriceGo``; empty for other machines."""
    @spot_strategy.setter
    def spot_strategy(self, value: str | None) -> None: ...
    @property
    def SpotStrategy(self) -> str:  # noqa: N802
        """``SpotWithPriceLimit`` or ``SpotAsPriceGo``; empty for other machines."""
    @SpotStrategy.setter
    def SpotStrategy(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def spot_price_limit(self) -> float:
        """Highest price of a spot machine per hour, in yuan."""
    @spot_price_limit.setter
    def spot_price_limit(self, value: float | None) -> None: ...
    @property
    def SpotPriceLimit(self) -> float:  # noqa: N802
        """Highest price of a spot machine per hour, in yuan."""
    @SpotPriceLimit.setter
    def SpotPriceLimit(self, value: float | None) -> None: ...  # noqa: N802
    @property
    def disks(self) -> _Disks:
        """The disks of the machines."""
    @disks.setter
    def disks(self, value: _Disks | Mapping[str, object] | None) -> None: ...
    @property
    def Disks(self) -> _Disks:  # noqa: N802
        """The disks of the machines."""
    @Disks.setter
    def Disks(self, value: _Disks | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Metrics(Status):
    """Number of machines of a cluster in each state."""
    @overload
    def __init__(
        self,
        properties: _Metrics | Mapping[str, object] | str | bytes | None = ...,
        *,
        RunningCount: int | None = ...,
        StartingCount: int | None = ...,
        StoppingCount: int | None = ...,
        StoppedCount: int | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Metrics | Mapping[str, object] | str | bytes | None = ...,
        *,
        running_count: int | None = ...,
        starting_count: int | None = ...,
        stopping_count: int | None = ...,
        stopped_count: int | None = ...,
    ) -> None: ...
    @property
    def running_count(self) -> int:
        """Number of running machines."""
    @running_count.setter
    def running_count(self, value: int | None) -> None: ...
    @property
    def RunningCount(self) -> int:  # noqa: N802
        """Number of running machines."""
    @RunningCount.setter
    def RunningCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def starting_count(self) -> int:
        """Number of starting machines."""
    @starting_count.setter
    def starting_count(self, value: int | None) -> None: ...
    @property
    def StartingCount(self) -> int:  # noqa: N802
        """Number of starting machines."""
    @StartingCount.setter
    def StartingCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def stopping_count(self) -> int:
        """Number of stopping machines."""
    @stopping_count.setter
    def stopping_count(self, value: int | None) -> None: ...
    @property
    def StoppingCount(self) -> int:  # noqa: N802
        """Number of stopping machines."""
    @StoppingCount.setter
    def StoppingCount(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def stopped_count(self) -> int:
        """Number of stopped machines."""
    @stopped_count.setter
    def stopped_count(self, value: int | None) -> None: ...
    @property
    def StoppedCount(self) -> int:  # noqa: N802
        """Number of stopped machines."""
    @StoppedCount.setter
    def StoppedCount(self, value: int | None) -> None: ...  # noqa: N802

class Cluster(Status):
    """A cluster (GetCluster, ListClusters)."""
    @overload
    def __init__(
        self,
        properties: _Cluster | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Id: str | None = ...,
        OwnerId: str | int | None = ...,
        Description: str | None = ...,
        CreationTime: datetime | str | None = ...,
        State: _ClusterState | None = ...,
        InstanceType: str | None = ...,
        ImageId: str | None = ...,
        UserData: Mapping[str, object] | None = ...,
        EnvVars: Mapping[str, object] | None = ...,
        InputMapping: Mapping[str, str] | None = ...,
        InputMappingConfig: _InputMappingConfig | Mapping[str, object] | None = ...,
        Notification: _Notification | Mapping[str, object] | None = ...,
        Configs: _Configs | Mapping[str, object] | None = ...,
        WriteSupport: bool | None = ...,
        Bootstrap: str | None = ...,
        SecurityGroup: str | None = ...,
        Groups: Mapping[str, _Group | Mapping[str, object]] | None = ...,
        OperationLogs: list[str] | tuple[str, ...] | None = ...,
        Metrics: _Metrics | Mapping[str, object] | None = ...,
        ErrorCode: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Cluster | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        id: str | None = ...,
        owner_id: str | int | None = ...,
        description: str | None = ...,
        creation_time: datetime | str | None = ...,
        state: _ClusterState | None = ...,
        instance_type: str | None = ...,
        image_id: str | None = ...,
        user_data: Mapping[str, object] | None = ...,
        env_vars: Mapping[str, object] | None = ...,
        input_mapping: Mapping[str, str] | None = ...,
        input_mapping_config: _InputMappingConfig | Mapping[str, object] | None = ...,
        notification: _Notification | Mapping[str, object] | None = ...,
        configs: _Configs | Mapping[str, object] | None = ...,
        write_support: bool | None = ...,
        bootstrap: str | None = ...,
        security_group: str | None = ...,
        groups: Mapping[str, _Group | Mapping[str, object]] | None = ...,
        operation_logs: list[str] | tuple[str, ...] | None = ...,
        metrics: _Metrics | Mapping[str, object] | None = ...,
        error_code: str | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str:
        """Name of the cluster."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str:  # noqa: N802
        """Name of the cluster."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def id(self) -> str:
        """Id of the cluster, ``cls-…``."""
    @id.setter
    def id(self, value: str | None) -> None: ...
    @property
    def Id(self) -> str:  # noqa: N802
        """Id of the cluster, ``cls-…``."""
    @Id.setter
    def Id(self, value: str | None) -> None: ...  # noqa: N802
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
    def state(self) -> _ClusterState:
        """State of the cluster: ``Active`` after the create, ``Deleting`` after the delete."""
    @state.setter
    def state(self, value: _ClusterState | None) -> None: ...
    @property
    def State(self) -> _ClusterState:  # noqa: N802
        """State of the cluster: ``Active`` after the create, ``Deleting`` after the delete."""
    @State.setter
    def State(self, value: _ClusterState | None) -> None: ...  # noqa: N802
    @property
    def instance_type(self) -> str:
        """Instance type of the groups without one of their own."""
    @instance_type.setter
    def instance_type(self, value: str | None) -> None: ...
    @property
    def InstanceType(self) -> str:  # noqa: N802
        """Instance type of the groups without one of their own."""
    @InstanceType.setter
    def InstanceType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def image_id(self) -> str:
        """Image of the groups without one of their own."""
    @image_id.setter
    def image_id(self, value: str | None) -> None: ...
    @property
    def ImageId(self) -> str:  # noqa: N802
        """Image of the groups without one of their own."""
    @ImageId.setter
    def ImageId(self, value: str | None) -> None: ...  # noqa: N802
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
    def env_vars(self) -> dict[str, str]:
        """Environment variables of the machines."""
    @env_vars.setter
    def env_vars(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def EnvVars(self) -> dict[str, str]:  # noqa: N802
        """Environment variables of the machines."""
    @EnvVars.setter
    def EnvVars(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def input_mapping(self) -> dict[str, str]:
        """Read-only mappings from OSS, in older answers."""
    @input_mapping.setter
    def input_mapping(self, value: Mapping[str, str] | None) -> None: ...
    @property
    def InputMapping(self) -> dict[str, str]:  # noqa: N802
        """Read-only mappings from OSS, in older answers."""
    @InputMapping.setter
    def InputMapping(self, value: Mapping[str, str] | None) -> None: ...  # noqa: N802
    @property
    def input_mapping_config(self) -> _InputMappingConfig:
        """Settings for the file names of input mappings, in older answers."""
    @input_mapping_config.setter
    def input_mapping_config(self, value: _InputMappingConfig | Mapping[str, object] | None) -> None: ...
    @property
    def InputMappingConfig(self) -> _InputMappingConfig:  # noqa: N802
        """Settings for the file names of input mappings, in older answers."""
    @InputMappingConfig.setter
    def InputMappingConfig(self, value: _InputMappingConfig | Mapping[str, object] | None) -> None: ...  # noqa: N802
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
    def write_support(self) -> bool:
        """Whether programs may write to input mappings, in older answers."""
    @write_support.setter
    def write_support(self, value: bool | None) -> None: ...
    @property
    def WriteSupport(self) -> bool:  # noqa: N802
        """Whether programs may write to input mappings, in older answers."""
    @WriteSupport.setter
    def WriteSupport(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def bootstrap(self) -> str:
        """Command that each machine runs when it starts."""
    @bootstrap.setter
    def bootstrap(self, value: str | None) -> None: ...
    @property
    def Bootstrap(self) -> str:  # noqa: N802
        """Command that each machine runs when it starts."""
    @Bootstrap.setter
    def Bootstrap(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def security_group(self) -> str:
        """Security group of the machines."""
    @security_group.setter
    def security_group(self, value: str | None) -> None: ...
    @property
    def SecurityGroup(self) -> str:  # noqa: N802
        """Security group of the machines."""
    @SecurityGroup.setter
    def SecurityGroup(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def groups(self) -> dict[str, _Group]:
        """The groups by name."""
    @groups.setter
    def groups(self, value: Mapping[str, _Group | Mapping[str, object]] | None) -> None: ...
    @property
    def Groups(self) -> dict[str, _Group]:  # noqa: N802
        """The groups by name."""
    @Groups.setter
    def Groups(self, value: Mapping[str, _Group | Mapping[str, object]] | None) -> None: ...  # noqa: N802
    @property
    def operation_logs(self) -> list[str]:
        """Events of the cluster, in the format ``[time][group][machine]text``."""
    @operation_logs.setter
    def operation_logs(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def OperationLogs(self) -> list[str]:  # noqa: N802
        """Events of the cluster, in the format ``[time][group][machine]text``."""
    @OperationLogs.setter
    def OperationLogs(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def metrics(self) -> _Metrics:
        """Number of machines in each state."""
    @metrics.setter
    def metrics(self, value: _Metrics | Mapping[str, object] | None) -> None: ...
    @property
    def Metrics(self) -> _Metrics:  # noqa: N802
        """Number of machines in each state."""
    @Metrics.setter
    def Metrics(self, value: _Metrics | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def error_code(self) -> str:
        """Code of the error of the cluster. Only the Java SDK documents this field."""
    @error_code.setter
    def error_code(self, value: str | None) -> None: ...
    @property
    def ErrorCode(self) -> str:  # noqa: N802
        """Code of the error of the cluster. Only the Java SDK documents this field."""
    @ErrorCode.setter
    def ErrorCode(self, value: str | None) -> None: ...  # noqa: N802
    def get_group(self, group_name: str) -> Group:
        """Return a group.

        Raises:
            KeyError: This name does not exist.
        """

class ClusterInstance(Status):
    """A machine of a cluster (GetClusterInstance, ListClusterInstances)."""
    @overload
    def __init__(
        self,
        properties: _ClusterInstance | Mapping[str, object] | str | bytes | None = ...,
        *,
        Id: str | None = ...,
        Hint: str | None = ...,
        State: _MachineState | None = ...,
        IpAddress: str | None = ...,
        HostName: str | None = ...,
        ErrorCode: int | None = ...,
        ErrorMessage: str | None = ...,
        CreationTime: datetime | str | None = ...,
        InstancePassword: str | None = ...,
        EcsInstanceId: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _ClusterInstance | Mapping[str, object] | str | bytes | None = ...,
        *,
        id: str | None = ...,
        hint: str | None = ...,
        state: _MachineState | None = ...,
        ip_address: str | None = ...,
        host_name: str | None = ...,
        error_code: int | None = ...,
        error_message: str | None = ...,
        creation_time: datetime | str | None = ...,
        instance_password: str | None = ...,
        ecs_instance_id: str | None = ...,
    ) -> None: ...
    @property
    def id(self) -> str:
        """Id of the machine, ``i-…``."""
    @id.setter
    def id(self, value: str | None) -> None: ...
    @property
    def Id(self) -> str:  # noqa: N802
        """Id of the machine, ``i-…``."""
    @Id.setter
    def Id(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def hint(self) -> str:
        """``affinity`` for a machine of an automatic cluster; empty for other machines."""
    @hint.setter
    def hint(self, value: str | None) -> None: ...
    @property
    def Hint(self) -> str:  # noqa: N802
        """``affinity`` for a machine of an automatic cluster; empty for other machines."""
    @Hint.setter
    def Hint(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def state(self) -> _MachineState:
        """State of the machine."""
    @state.setter
    def state(self, value: _MachineState | None) -> None: ...
    @property
    def State(self) -> _MachineState:  # noqa: N802
        """State of the machine."""
    @State.setter
    def State(self, value: _MachineState | None) -> None: ...  # noqa: N802
    @property
    def ip_address(self) -> str:
        """IP address of the machine."""
    @ip_address.setter
    def ip_address(self, value: str | None) -> None: ...
    @property
    def IpAddress(self) -> str:  # noqa: N802
        """IP address of the machine."""
    @IpAddress.setter
    def IpAddress(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def host_name(self) -> str:
        """Host name of the machine."""
    @host_name.setter
    def host_name(self, value: str | None) -> None: ...
    @property
    def HostName(self) -> str:  # noqa: N802
        """Host name of the machine."""
    @HostName.setter
    def HostName(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def error_code(self) -> int:
        """Code of the error; 0 for no error."""
    @error_code.setter
    def error_code(self, value: int | None) -> None: ...
    @property
    def ErrorCode(self) -> int:  # noqa: N802
        """Code of the error; 0 for no error."""
    @ErrorCode.setter
    def ErrorCode(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def error_message(self) -> str:
        """Message of the error."""
    @error_message.setter
    def error_message(self, value: str | None) -> None: ...
    @property
    def ErrorMessage(self) -> str:  # noqa: N802
        """Message of the error."""
    @ErrorMessage.setter
    def ErrorMessage(self, value: str | None) -> None: ...  # noqa: N802
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
    def instance_password(self) -> str:
        """Password of the machine, if the service sends it. ``repr`` never shows it."""
    @instance_password.setter
    def instance_password(self, value: str | None) -> None: ...
    @property
    def InstancePassword(self) -> str:  # noqa: N802
        """Password of the machine, if the service sends it. ``repr`` never shows it."""
    @InstancePassword.setter
    def InstancePassword(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def ecs_instance_id(self) -> str:
        """Id of the ECS instance that is the machine."""
    @ecs_instance_id.setter
    def ecs_instance_id(self, value: str | None) -> None: ...
    @property
    def EcsInstanceId(self) -> str:  # noqa: N802
        """Id of the ECS instance that is the machine."""
    @EcsInstanceId.setter
    def EcsInstanceId(self, value: str | None) -> None: ...  # noqa: N802

_Cluster: TypeAlias = Cluster
_ClusterDescription: TypeAlias = ClusterDescription
_ClusterInstance: TypeAlias = ClusterInstance
_ClusterState: TypeAlias = ClusterState
_Configs: TypeAlias = Configs
_Disk: TypeAlias = Disk
_Disks: TypeAlias = Disks
_Group: TypeAlias = Group
_GroupDescription: TypeAlias = GroupDescription
_InputMappingConfig: TypeAlias = InputMappingConfig
_MachineState: TypeAlias = MachineState
_Metrics: TypeAlias = Metrics
_ModifyClusterDescription: TypeAlias = ModifyClusterDescription
_ModifyConfigs: TypeAlias = ModifyConfigs
_ModifyGroupDescription: TypeAlias = ModifyGroupDescription
_Mounts: TypeAlias = Mounts
_Notification: TypeAlias = Notification
_ResourceTypeName: TypeAlias = ResourceTypeName
__GroupBase: TypeAlias = _GroupBase
