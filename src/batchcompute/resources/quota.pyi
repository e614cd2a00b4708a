# Made by tools/generate.py from quota.py; change that file instead.
from collections.abc import Mapping, Sequence
from typing import TypeAlias, overload

from batchcompute.models.base import Status

__all__ = ["AvailableInstanceDesc", "AvailableNetworkType", "AvailableResource", "Quota"]

class Quota(Status):
    """The types that an account may use (GetQuota). It has no numeric limits."""
    @overload
    def __init__(
        self,
        properties: _Quota | Mapping[str, object] | str | bytes | None = ...,
        *,
        AvailableClusterInstanceDataDiskType: list[str] | tuple[str, ...] | None = ...,
        AvailableClusterInstanceSystemDiskType: list[str] | tuple[str, ...] | None = ...,
        AvailableClusterInstanceType: list[str] | tuple[str, ...] | None = ...,
        AvailableClusterResourceType: list[str] | tuple[str, ...] | None = ...,
        AvailableSpotInstanceType: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Quota | Mapping[str, object] | str | bytes | None = ...,
        *,
        available_cluster_instance_data_disk_type: list[str] | tuple[str, ...] | None = ...,
        available_cluster_instance_system_disk_type: list[str] | tuple[str, ...] | None = ...,
        available_cluster_instance_type: list[str] | tuple[str, ...] | None = ...,
        available_cluster_resource_type: list[str] | tuple[str, ...] | None = ...,
        available_spot_instance_type: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @property
    def available_cluster_instance_data_disk_type(self) -> list[str]:
        """Types of data disks."""
    @available_cluster_instance_data_disk_type.setter
    def available_cluster_instance_data_disk_type(
        self, value: list[str] | tuple[str, ...] | None
    ) -> None: ...
    @property
    def AvailableClusterInstanceDataDiskType(self) -> list[str]:  # noqa: N802
        """Types of data disks."""
    @AvailableClusterInstanceDataDiskType.setter
    def AvailableClusterInstanceDataDiskType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def available_cluster_instance_system_disk_type(self) -> list[str]:
        """Types of system disks."""
    @available_cluster_instance_system_disk_type.setter
    def available_cluster_instance_system_disk_type(
        self, value: list[str] | tuple[str, ...] | None
    ) -> None: ...
    @property
    def AvailableClusterInstanceSystemDiskType(self) -> list[str]:  # noqa: N802
        """Types of system disks."""
    @AvailableClusterInstanceSystemDiskType.setter
    def AvailableClusterInstanceSystemDiskType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def available_cluster_instance_type(self) -> list[str]:
        """Instance types."""
    @available_cluster_instance_type.setter
    def available_cluster_instance_type(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AvailableClusterInstanceType(self) -> list[str]:  # noqa: N802
        """Instance types."""
    @AvailableClusterInstanceType.setter
    def AvailableClusterInstanceType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def available_cluster_resource_type(self) -> list[str]:
        """Resource types, ``OnDemand`` or ``Spot``."""
    @available_cluster_resource_type.setter
    def available_cluster_resource_type(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AvailableClusterResourceType(self) -> list[str]:  # noqa: N802
        """Resource types, ``OnDemand`` or ``Spot``."""
    @AvailableClusterResourceType.setter
    def AvailableClusterResourceType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def available_spot_instance_type(self) -> list[str]:
        """Instance types that are available as spot machines."""
    @available_spot_instance_type.setter
    def available_spot_instance_type(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AvailableSpotInstanceType(self) -> list[str]:  # noqa: N802
        """Instance types that are available as spot machines."""
    @AvailableSpotInstanceType.setter
    def AvailableSpotInstanceType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802

class AvailableNetworkType(Status):
    """The networks that are available for an instance type."""
    @overload
    def __init__(
        self,
        properties: _AvailableNetworkType | Mapping[str, object] | str | bytes | None = ...,
        *,
        Classic: bool | None = ...,
        Vpc: bool | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AvailableNetworkType | Mapping[str, object] | str | bytes | None = ...,
        *,
        classic: bool | None = ...,
        vpc: bool | None = ...,
    ) -> None: ...
    @property
    def classic(self) -> bool:
        """Whether the classic network is available."""
    @classic.setter
    def classic(self, value: bool | None) -> None: ...
    @property
    def Classic(self) -> bool:  # noqa: N802
        """Whether the classic network is available."""
    @Classic.setter
    def Classic(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def vpc(self) -> bool:
        """Whether private networks are available."""
    @vpc.setter
    def vpc(self, value: bool | None) -> None: ...
    @property
    def Vpc(self) -> bool:  # noqa: N802
        """Whether private networks are available."""
    @Vpc.setter
    def Vpc(self, value: bool | None) -> None: ...  # noqa: N802

class AvailableInstanceDesc(Status):
    """An instance type and its size."""
    @overload
    def __init__(
        self,
        properties: _AvailableInstanceDesc | Mapping[str, object] | str | bytes | None = ...,
        *,
        CpuCore: int | None = ...,
        InstanceType: str | None = ...,
        MemorySize: float | None = ...,
        Network: _AvailableNetworkType | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AvailableInstanceDesc | Mapping[str, object] | str | bytes | None = ...,
        *,
        cpu_core: int | None = ...,
        instance_type: str | None = ...,
        memory_size: float | None = ...,
        network: _AvailableNetworkType | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def cpu_core(self) -> int:
        """Number of cores."""
    @cpu_core.setter
    def cpu_core(self, value: int | None) -> None: ...
    @property
    def CpuCore(self) -> int:  # noqa: N802
        """Number of cores."""
    @CpuCore.setter
    def CpuCore(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def instance_type(self) -> str:
        """Name of the type, for example ``ecs.sn2ne.xlarge``."""
    @instance_type.setter
    def instance_type(self, value: str | None) -> None: ...
    @property
    def InstanceType(self) -> str:  # noqa: N802
        """Name of the type, for example ``ecs.sn2ne.xlarge``."""
    @InstanceType.setter
    def InstanceType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def memory_size(self) -> float:
        """Memory in GB."""
    @memory_size.setter
    def memory_size(self, value: float | None) -> None: ...
    @property
    def MemorySize(self) -> float:  # noqa: N802
        """Memory in GB."""
    @MemorySize.setter
    def MemorySize(self, value: float | None) -> None: ...  # noqa: N802
    @property
    def network(self) -> _AvailableNetworkType:
        """The available networks."""
    @network.setter
    def network(self, value: _AvailableNetworkType | Mapping[str, object] | None) -> None: ...
    @property
    def Network(self) -> _AvailableNetworkType:  # noqa: N802
        """The available networks."""
    @Network.setter
    def Network(self, value: _AvailableNetworkType | Mapping[str, object] | None) -> None: ...  # noqa: N802

class AvailableResource(Status):
    """The available types (GetAvailableResource)."""
    @overload
    def __init__(
        self,
        properties: _AvailableResource | Mapping[str, object] | str | bytes | None = ...,
        *,
        AvailableClusterInstanceType: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None = ...,
        AvailableSpotInstanceType: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None = ...,
        AvailablePrepaidInstanceType: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None = ...,
        AvailableResourceType: list[str] | tuple[str, ...] | None = ...,
        AvailableSystemDiskType: list[str] | tuple[str, ...] | None = ...,
        AvailableDataDiskType: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AvailableResource | Mapping[str, object] | str | bytes | None = ...,
        *,
        available_cluster_instance_type: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None = ...,
        available_spot_instance_type: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None = ...,
        available_prepaid_instance_type: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None = ...,
        available_resource_type: list[str] | tuple[str, ...] | None = ...,
        available_system_disk_type: list[str] | tuple[str, ...] | None = ...,
        available_data_disk_type: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @property
    def available_cluster_instance_type(self) -> list[_AvailableInstanceDesc]:
        """Instance types."""
    @available_cluster_instance_type.setter
    def available_cluster_instance_type(
        self, value: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None
    ) -> None: ...
    @property
    def AvailableClusterInstanceType(self) -> list[_AvailableInstanceDesc]:  # noqa: N802
        """Instance types."""
    @AvailableClusterInstanceType.setter
    def AvailableClusterInstanceType(
        self, value: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None
    ) -> None: ...  # noqa: N802
    @property
    def available_spot_instance_type(self) -> list[_AvailableInstanceDesc]:
        """Instance types that are available as spot machines."""
    @available_spot_instance_type.setter
    def available_spot_instance_type(
        self, value: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None
    ) -> None: ...
    @property
    def AvailableSpotInstanceType(self) -> list[_AvailableInstanceDesc]:  # noqa: N802
        """Instance types that are available as spot machines."""
    @AvailableSpotInstanceType.setter
    def AvailableSpotInstanceType(
        self, value: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None
    ) -> None: ...  # noqa: N802
    @property
    def available_prepaid_instance_type(self) -> list[_AvailableInstanceDesc]:
        """Instance types that are available as prepaid machines."""
    @available_prepaid_instance_type.setter
    def available_prepaid_instance_type(
        self, value: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None
    ) -> None: ...
    @property
    def AvailablePrepaidInstanceType(self) -> list[_AvailableInstanceDesc]:  # noqa: N802
        """Instance types that are available as prepaid machines."""
    @AvailablePrepaidInstanceType.setter
    def AvailablePrepaidInstanceType(
        self, value: Sequence[_AvailableInstanceDesc | Mapping[str, object]] | None
    ) -> None: ...  # noqa: N802
    @property
    def available_resource_type(self) -> list[str]:
        """Resource types."""
    @available_resource_type.setter
    def available_resource_type(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AvailableResourceType(self) -> list[str]:  # noqa: N802
        """Resource types."""
    @AvailableResourceType.setter
    def AvailableResourceType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def available_system_disk_type(self) -> list[str]:
        """Types of system disks."""
    @available_system_disk_type.setter
    def available_system_disk_type(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AvailableSystemDiskType(self) -> list[str]:  # noqa: N802
        """Types of system disks."""
    @AvailableSystemDiskType.setter
    def AvailableSystemDiskType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def available_data_disk_type(self) -> list[str]:
        """Types of data disks."""
    @available_data_disk_type.setter
    def available_data_disk_type(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AvailableDataDiskType(self) -> list[str]:  # noqa: N802
        """Types of data disks."""
    @AvailableDataDiskType.setter
    def AvailableDataDiskType(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802

_AvailableInstanceDesc: TypeAlias = AvailableInstanceDesc
_AvailableNetworkType: TypeAlias = AvailableNetworkType
_AvailableResource: TypeAlias = AvailableResource
_Quota: TypeAlias = Quota
