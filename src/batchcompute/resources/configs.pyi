# Made by tools/generate.py from configs.py; change that file instead.
from collections.abc import Mapping, Sequence
from typing import TypeAlias, overload

from batchcompute.models.base import Description

__all__ = [
    "NAS",
    "OSS",
    "VPC",
    "Classic",
    "Configs",
    "DataDisk",
    "Disks",
    "InputMappingConfig",
    "MountEntry",
    "Mounts",
    "Networks",
    "Notification",
    "SystemDisk",
    "Topic",
]

class SystemDisk(Description):
    """The system disk of a machine."""
    @overload
    def __init__(
        self,
        properties: _SystemDisk | Mapping[str, object] | str | bytes | None = ...,
        *,
        Type: str | None = ...,
        Size: int | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _SystemDisk | Mapping[str, object] | str | bytes | None = ...,
        *,
        type: str | None = ...,
        size: int | None = ...,
    ) -> None: ...
    @property
    def type(self) -> str | None:
        """Type of the disk, for example ``cloud_efficiency``; empty for the default."""
    @type.setter
    def type(self, value: str | None) -> None: ...
    @property
    def Type(self) -> str | None:  # noqa: N802
        """Type of the disk, for example ``cloud_efficiency``; empty for the default."""
    @Type.setter
    def Type(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def size(self) -> int | None:
        """Size in GB, 40 to 500."""
    @size.setter
    def size(self, value: int | None) -> None: ...
    @property
    def Size(self) -> int | None:  # noqa: N802
        """Size in GB, 40 to 500."""
    @Size.setter
    def Size(self, value: int | None) -> None: ...  # noqa: N802

class DataDisk(Description):
    """The data disk of a machine."""
    @overload
    def __init__(
        self,
        properties: _DataDisk | Mapping[str, object] | str | bytes | None = ...,
        *,
        Type: str | None = ...,
        Size: int | None = ...,
        MountPoint: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _DataDisk | Mapping[str, object] | str | bytes | None = ...,
        *,
        type: str | None = ...,
        size: int | None = ...,
        mount_point: str | None = ...,
    ) -> None: ...
    @property
    def type(self) -> str | None:
        """Type of the disk. It must be the type of the system disk."""
    @type.setter
    def type(self, value: str | None) -> None: ...
    @property
    def Type(self) -> str | None:  # noqa: N802
        """Type of the disk. It must be the type of the system disk."""
    @Type.setter
    def Type(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def size(self) -> int | None:
        """Size in GB, 5 to 2000."""
    @size.setter
    def size(self, value: int | None) -> None: ...
    @property
    def Size(self) -> int | None:  # noqa: N802
        """Size in GB, 5 to 2000."""
    @Size.setter
    def Size(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def mount_point(self) -> str | None:
        """Mount point: a directory on Linux, a drive letter on Windows."""
    @mount_point.setter
    def mount_point(self, value: str | None) -> None: ...
    @property
    def MountPoint(self) -> str | None:  # noqa: N802
        """Mount point: a directory on Linux, a drive letter on Windows."""
    @MountPoint.setter
    def MountPoint(self, value: str | None) -> None: ...  # noqa: N802

class Disks(Description):
    """The disks of a machine."""
    @overload
    def __init__(
        self,
        properties: _Disks | Mapping[str, object] | str | bytes | None = ...,
        *,
        SystemDisk: _SystemDisk | Mapping[str, object] | None = ...,
        DataDisk: _DataDisk | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Disks | Mapping[str, object] | str | bytes | None = ...,
        *,
        system_disk: _SystemDisk | Mapping[str, object] | None = ...,
        data_disk: _DataDisk | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def system_disk(self) -> _SystemDisk:
        """The system disk."""
    @system_disk.setter
    def system_disk(self, value: _SystemDisk | Mapping[str, object] | None) -> None: ...
    @property
    def SystemDisk(self) -> _SystemDisk:  # noqa: N802
        """The system disk."""
    @SystemDisk.setter
    def SystemDisk(self, value: _SystemDisk | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def data_disk(self) -> _DataDisk:
        """The data disk."""
    @data_disk.setter
    def data_disk(self, value: _DataDisk | Mapping[str, object] | None) -> None: ...
    @property
    def DataDisk(self) -> _DataDisk:  # noqa: N802
        """The data disk."""
    @DataDisk.setter
    def DataDisk(self, value: _DataDisk | Mapping[str, object] | None) -> None: ...  # noqa: N802

class Classic(Description):
    """The classic network."""
    @overload
    def __init__(
        self,
        properties: _Classic | Mapping[str, object] | str | bytes | None = ...,
        *,
        AllowSecurityGroup: list[str] | tuple[str, ...] | None = ...,
        AllowSecurityGroupEgress: list[str] | tuple[str, ...] | None = ...,
        AllowIpAddress: list[str] | tuple[str, ...] | None = ...,
        AllowIpAddressEgress: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Classic | Mapping[str, object] | str | bytes | None = ...,
        *,
        allow_security_group: list[str] | tuple[str, ...] | None = ...,
        allow_security_group_egress: list[str] | tuple[str, ...] | None = ...,
        allow_ip_address: list[str] | tuple[str, ...] | None = ...,
        allow_ip_address_egress: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @property
    def allow_security_group(self) -> list[str]:
        """Security groups that may connect to the machines."""
    @allow_security_group.setter
    def allow_security_group(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AllowSecurityGroup(self) -> list[str]:  # noqa: N802
        """Security groups that may connect to the machines."""
    @AllowSecurityGroup.setter
    def AllowSecurityGroup(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def allow_security_group_egress(self) -> list[str]:
        """Security groups that the machines may connect to."""
    @allow_security_group_egress.setter
    def allow_security_group_egress(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AllowSecurityGroupEgress(self) -> list[str]:  # noqa: N802
        """Security groups that the machines may connect to."""
    @AllowSecurityGroupEgress.setter
    def AllowSecurityGroupEgress(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def allow_ip_address(self) -> list[str]:
        """IP addresses that may connect to the machines."""
    @allow_ip_address.setter
    def allow_ip_address(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AllowIpAddress(self) -> list[str]:  # noqa: N802
        """IP addresses that may connect to the machines."""
    @AllowIpAddress.setter
    def AllowIpAddress(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def allow_ip_address_egress(self) -> list[str]:
        """IP addresses that the machines may connect to."""
    @allow_ip_address_egress.setter
    def allow_ip_address_egress(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AllowIpAddressEgress(self) -> list[str]:  # noqa: N802
        """IP addresses that the machines may connect to."""
    @AllowIpAddressEgress.setter
    def AllowIpAddressEgress(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802

class VPC(Description):
    """A private network."""
    @overload
    def __init__(
        self,
        properties: _VPC | Mapping[str, object] | str | bytes | None = ...,
        *,
        CidrBlock: str | None = ...,
        VpcId: str | None = ...,
        ExpressConnectSpec: str | None = ...,
        OppositeRegionId: str | None = ...,
        OppositeAccessPointId: str | None = ...,
        OppositeRouterType: str | None = ...,
        OppositeRouterId: str | None = ...,
        OppositeInterfaceId: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _VPC | Mapping[str, object] | str | bytes | None = ...,
        *,
        cidr_block: str | None = ...,
        vpc_id: str | None = ...,
        express_connect_spec: str | None = ...,
        opposite_region_id: str | None = ...,
        opposite_access_point_id: str | None = ...,
        opposite_router_type: str | None = ...,
        opposite_router_id: str | None = ...,
        opposite_interface_id: str | None = ...,
    ) -> None: ...
    @property
    def cidr_block(self) -> str | None:
        """Address range, for example ``192.168.0.0/16``."""
    @cidr_block.setter
    def cidr_block(self, value: str | None) -> None: ...
    @property
    def CidrBlock(self) -> str | None:  # noqa: N802
        """Address range, for example ``192.168.0.0/16``."""
    @CidrBlock.setter
    def CidrBlock(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def vpc_id(self) -> str | None:
        """Id of an existing VPC."""
    @vpc_id.setter
    def vpc_id(self, value: str | None) -> None: ...
    @property
    def VpcId(self) -> str | None:  # noqa: N802
        """Id of an existing VPC."""
    @VpcId.setter
    def VpcId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def express_connect_spec(self) -> str | None:
        """Bandwidth class of the connection to another network."""
    @express_connect_spec.setter
    def express_connect_spec(self, value: str | None) -> None: ...
    @property
    def ExpressConnectSpec(self) -> str | None:  # noqa: N802
        """Bandwidth class of the connection to another network."""
    @ExpressConnectSpec.setter
    def ExpressConnectSpec(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def opposite_region_id(self) -> str | None:
        """Region of the other network."""
    @opposite_region_id.setter
    def opposite_region_id(self, value: str | None) -> None: ...
    @property
    def OppositeRegionId(self) -> str | None:  # noqa: N802
        """Region of the other network."""
    @OppositeRegionId.setter
    def OppositeRegionId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def opposite_access_point_id(self) -> str | None:
        """Access point of the other network."""
    @opposite_access_point_id.setter
    def opposite_access_point_id(self, value: str | None) -> None: ...
    @property
    def OppositeAccessPointId(self) -> str | None:  # noqa: N802
        """Access point of the other network."""
    @OppositeAccessPointId.setter
    def OppositeAccessPointId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def opposite_router_type(self) -> str | None:
        """Router type of the other network."""
    @opposite_router_type.setter
    def opposite_router_type(self, value: str | None) -> None: ...
    @property
    def OppositeRouterType(self) -> str | None:  # noqa: N802
        """Router type of the other network."""
    @OppositeRouterType.setter
    def OppositeRouterType(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def opposite_router_id(self) -> str | None:
        """Router id of the other network."""
    @opposite_router_id.setter
    def opposite_router_id(self, value: str | None) -> None: ...
    @property
    def OppositeRouterId(self) -> str | None:  # noqa: N802
        """Router id of the other network."""
    @OppositeRouterId.setter
    def OppositeRouterId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def opposite_interface_id(self) -> str | None:
        """Interface id of the other network."""
    @opposite_interface_id.setter
    def opposite_interface_id(self, value: str | None) -> None: ...
    @property
    def OppositeInterfaceId(self) -> str | None:  # noqa: N802
        """Interface id of the other network."""
    @OppositeInterfaceId.setter
    def OppositeInterfaceId(self, value: str | None) -> None: ...  # noqa: N802

class Networks(Description):
    """The networks of a machine."""
    @overload
    def __init__(
        self,
        properties: _Networks | Mapping[str, object] | str | bytes | None = ...,
        *,
        Classic: _Classic | Mapping[str, object] | None = ...,
        VPC: _VPC | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Networks | Mapping[str, object] | str | bytes | None = ...,
        *,
        classic: _Classic | Mapping[str, object] | None = ...,
        vpc: _VPC | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def classic(self) -> _Classic:
        """The classic network."""
    @classic.setter
    def classic(self, value: _Classic | Mapping[str, object] | None) -> None: ...
    @property
    def Classic(self) -> _Classic:  # noqa: N802
        """The classic network."""
    @Classic.setter
    def Classic(self, value: _Classic | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def vpc(self) -> _VPC:
        """A private network."""
    @vpc.setter
    def vpc(self, value: _VPC | Mapping[str, object] | None) -> None: ...
    @property
    def VPC(self) -> _VPC:  # noqa: N802
        """A private network."""
    @VPC.setter
    def VPC(self, value: _VPC | Mapping[str, object] | None) -> None: ...  # noqa: N802

class MountEntry(Description):
    """A file or directory of a storage, mounted on a machine."""
    @overload
    def __init__(
        self,
        properties: _MountEntry | Mapping[str, object] | str | bytes | None = ...,
        *,
        Source: str | None = ...,
        Destination: str | None = ...,
        WriteSupport: bool | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _MountEntry | Mapping[str, object] | str | bytes | None = ...,
        *,
        source: str | None = ...,
        destination: str | None = ...,
        write_support: bool | None = ...,
    ) -> None: ...
    @property
    def source(self) -> str | None:
        """URL of the file or directory: ``oss://``, ``nas://``, ``smb://``, ``lustre://`` or ``nasplus://``."""
    @source.setter
    def source(self, value: str | None) -> None: ...
    @property
    def Source(self) -> str | None:  # noqa: N802
        """URL of the file or directory: ``oss://``, ``nas://``, ``smb://``, ``lustre://`` or ``nasplus://``."""
    @Source.setter
    def Source(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def destination(self) -> str | None:
        """Path on the machine."""
    @destination.setter
    def destination(self, value: str | None) -> None: ...
    @property
    def Destination(self) -> str | None:  # noqa: N802
        """Path on the machine."""
    @Destination.setter
    def Destination(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def write_support(self) -> bool | None:
        """Whether the machine may write to the directory."""
    @write_support.setter
    def write_support(self, value: bool | None) -> None: ...
    @property
    def WriteSupport(self) -> bool | None:  # noqa: N802
        """Whether the machine may write to the directory."""
    @WriteSupport.setter
    def WriteSupport(self, value: bool | None) -> None: ...  # noqa: N802

class NAS(Description):
    """The settings of mounts from NAS."""
    @overload
    def __init__(
        self,
        properties: _NAS | Mapping[str, object] | str | bytes | None = ...,
        *,
        AccessGroup: list[str] | tuple[str, ...] | None = ...,
        FileSystem: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _NAS | Mapping[str, object] | str | bytes | None = ...,
        *,
        access_group: list[str] | tuple[str, ...] | None = ...,
        file_system: list[str] | tuple[str, ...] | None = ...,
    ) -> None: ...
    @property
    def access_group(self) -> list[str]:
        """Access groups."""
    @access_group.setter
    def access_group(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def AccessGroup(self) -> list[str]:  # noqa: N802
        """Access groups."""
    @AccessGroup.setter
    def AccessGroup(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def file_system(self) -> list[str]:
        """Host names of the file systems."""
    @file_system.setter
    def file_system(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def FileSystem(self) -> list[str]:  # noqa: N802
        """Host names of the file systems."""
    @FileSystem.setter
    def FileSystem(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802

class OSS(Description):
    """Credentials for mounts from OSS."""
    @overload
    def __init__(
        self,
        properties: _OSS | Mapping[str, object] | str | bytes | None = ...,
        *,
        AccessKeyId: str | None = ...,
        AccessKeySecret: str | None = ...,
        SecurityToken: str | None = ...,
        AccessSecurityToken: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _OSS | Mapping[str, object] | str | bytes | None = ...,
        *,
        access_key_id: str | None = ...,
        access_key_secret: str | None = ...,
        security_token: str | None = ...,
        access_security_token: str | None = ...,
    ) -> None: ...
    @property
    def access_key_id(self) -> str | None:
        """Access key id."""
    @access_key_id.setter
    def access_key_id(self, value: str | None) -> None: ...
    @property
    def AccessKeyId(self) -> str | None:  # noqa: N802
        """Access key id."""
    @AccessKeyId.setter
    def AccessKeyId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def access_key_secret(self) -> str | None:
        """Access key secret. ``repr`` never shows it."""
    @access_key_secret.setter
    def access_key_secret(self, value: str | None) -> None: ...
    @property
    def AccessKeySecret(self) -> str | None:  # noqa: N802
        """Access key secret. ``repr`` never shows it."""
    @AccessKeySecret.setter
    def AccessKeySecret(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def security_token(self) -> str | None:
        """STS token, under the name in the old SDK."""
    @security_token.setter
    def security_token(self, value: str | None) -> None: ...
    @property
    def SecurityToken(self) -> str | None:  # noqa: N802
        """STS token, under the name in the old SDK."""
    @SecurityToken.setter
    def SecurityToken(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def access_security_token(self) -> str | None:
        """STS token, under the name in the documents and the Node SDK."""
    @access_security_token.setter
    def access_security_token(self, value: str | None) -> None: ...
    @property
    def AccessSecurityToken(self) -> str | None:  # noqa: N802
        """STS token, under the name in the documents and the Node SDK."""
    @AccessSecurityToken.setter
    def AccessSecurityToken(self, value: str | None) -> None: ...  # noqa: N802

class Mounts(Description):
    """The mounts of a machine, and their settings (REST API, 3.6)."""
    @overload
    def __init__(
        self,
        properties: _Mounts | Mapping[str, object] | str | bytes | None = ...,
        *,
        Entries: Sequence[_MountEntry | Mapping[str, object]] | None = ...,
        Locale: str | None = ...,
        Lock: bool | None = ...,
        CacheSupport: bool | None = ...,
        CacheBlockSize: int | None = ...,
        CacheTotalSize: int | None = ...,
        NAS: _NAS | Mapping[str, object] | None = ...,
        OSS: _OSS | Mapping[str, object] | None = ...,
        RefreshStrategy: str | None = ...,
        RefreshTopicName: str | None = ...,
        RefreshTimeOut: float | None = ...,
        NasMetaCache: bool | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Mounts | Mapping[str, object] | str | bytes | None = ...,
        *,
        entries: Sequence[_MountEntry | Mapping[str, object]] | None = ...,
        locale: str | None = ...,
        lock: bool | None = ...,
        cache_support: bool | None = ...,
        cache_block_size: int | None = ...,
        cache_total_size: int | None = ...,
        nas: _NAS | Mapping[str, object] | None = ...,
        oss: _OSS | Mapping[str, object] | None = ...,
        refresh_strategy: str | None = ...,
        refresh_topic_name: str | None = ...,
        refresh_time_out: float | None = ...,
        nas_meta_cache: bool | None = ...,
    ) -> None: ...
    @property
    def entries(self) -> list[_MountEntry]:
        """The mounts."""
    @entries.setter
    def entries(self, value: Sequence[_MountEntry | Mapping[str, object]] | None) -> None: ...
    @property
    def Entries(self) -> list[_MountEntry]:  # noqa: N802
        """The mounts."""
    @Entries.setter
    def Entries(self, value: Sequence[_MountEntry | Mapping[str, object]] | None) -> None: ...  # noqa: N802
    @property
    def locale(self) -> str | None:
        """Character encoding of file names, for example ``UTF-8``; the default of the service is ``GBK``."""
    @locale.setter
    def locale(self, value: str | None) -> None: ...
    @property
    def Locale(self) -> str | None:  # noqa: N802
        """Character encoding of file names, for example ``UTF-8``; the default of the service is ``GBK``."""
    @Locale.setter
    def Locale(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def lock(self) -> bool | None:
        """Whether file locks work across machines."""
    @lock.setter
    def lock(self, value: bool | None) -> None: ...
    @property
    def Lock(self) -> bool | None:  # noqa: N802
        """Whether file locks work across machines."""
    @Lock.setter
    def Lock(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def cache_support(self) -> bool | None:
        """Whether reads use a cache."""
    @cache_support.setter
    def cache_support(self, value: bool | None) -> None: ...
    @property
    def CacheSupport(self) -> bool | None:  # noqa: N802
        """Whether reads use a cache."""
    @CacheSupport.setter
    def CacheSupport(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def cache_block_size(self) -> int | None:
        """Size of a block of the cache in bytes."""
    @cache_block_size.setter
    def cache_block_size(self, value: int | None) -> None: ...
    @property
    def CacheBlockSize(self) -> int | None:  # noqa: N802
        """Size of a block of the cache in bytes."""
    @CacheBlockSize.setter
    def CacheBlockSize(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def cache_total_size(self) -> int | None:
        """Size of the cache in bytes."""
    @cache_total_size.setter
    def cache_total_size(self, value: int | None) -> None: ...
    @property
    def CacheTotalSize(self) -> int | None:  # noqa: N802
        """Size of the cache in bytes."""
    @CacheTotalSize.setter
    def CacheTotalSize(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def nas(self) -> _NAS:
        """The settings of mounts from NAS."""
    @nas.setter
    def nas(self, value: _NAS | Mapping[str, object] | None) -> None: ...
    @property
    def NAS(self) -> _NAS:  # noqa: N802
        """The settings of mounts from NAS."""
    @NAS.setter
    def NAS(self, value: _NAS | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def oss(self) -> _OSS:
        """Credentials for mounts from OSS."""
    @oss.setter
    def oss(self, value: _OSS | Mapping[str, object] | None) -> None: ...
    @property
    def OSS(self) -> _OSS:  # noqa: N802
        """Credentials for mounts from OSS."""
    @OSS.setter
    def OSS(self, value: _OSS | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def refresh_strategy(self) -> str | None:
        """Strategy for refreshing metadata."""
    @refresh_strategy.setter
    def refresh_strategy(self, value: str | None) -> None: ...
    @property
    def RefreshStrategy(self) -> str | None:  # noqa: N802
        """Strategy for refreshing metadata."""
    @RefreshStrategy.setter
    def RefreshStrategy(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def refresh_topic_name(self) -> str | None:
        """Name of the topic that announces a refresh."""
    @refresh_topic_name.setter
    def refresh_topic_name(self, value: str | None) -> None: ...
    @property
    def RefreshTopicName(self) -> str | None:  # noqa: N802
        """Name of the topic that announces a refresh."""
    @RefreshTopicName.setter
    def RefreshTopicName(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def refresh_time_out(self) -> float | None:
        """Time between refreshes in seconds."""
    @refresh_time_out.setter
    def refresh_time_out(self, value: float | None) -> None: ...
    @property
    def RefreshTimeOut(self) -> float | None:  # noqa: N802
        """Time between refreshes in seconds."""
    @RefreshTimeOut.setter
    def RefreshTimeOut(self, value: float | None) -> None: ...  # noqa: N802
    @property
    def nas_meta_cache(self) -> bool | None:
        """Whether metadata of NAS is cached."""
    @nas_meta_cache.setter
    def nas_meta_cache(self, value: bool | None) -> None: ...
    @property
    def NasMetaCache(self) -> bool | None:  # noqa: N802
        """Whether metadata of NAS is cached."""
    @NasMetaCache.setter
    def NasMetaCache(self, value: bool | None) -> None: ...  # noqa: N802
    def add_entry(self, entry: MountEntry | Mapping[str, object]) -> None:
        """Add a mount. The object stores a copy of the entry."""
    def get_entry(self, destination: str) -> MountEntry:
        """Return the mount with this destination.

        Raises:
            KeyError: No mount has this destination.
        """
    def delete_entry(self, destination: str) -> None:
        """Remove the mount with this destination.

        Raises:
            KeyError: No mount has this destination.
        """

class Configs(Description):
    """Disks, networks and mounts of the machines of a cluster."""
    @overload
    def __init__(
        self,
        properties: _Configs | Mapping[str, object] | str | bytes | None = ...,
        *,
        Disks: _Disks | Mapping[str, object] | None = ...,
        Networks: _Networks | Mapping[str, object] | None = ...,
        Mounts: _Mounts | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Configs | Mapping[str, object] | str | bytes | None = ...,
        *,
        disks: _Disks | Mapping[str, object] | None = ...,
        networks: _Networks | Mapping[str, object] | None = ...,
        mounts: _Mounts | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def disks(self) -> _Disks:
        """The disks."""
    @disks.setter
    def disks(self, value: _Disks | Mapping[str, object] | None) -> None: ...
    @property
    def Disks(self) -> _Disks:  # noqa: N802
        """The disks."""
    @Disks.setter
    def Disks(self, value: _Disks | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def networks(self) -> _Networks:
        """The networks. As in the old SDK, the default is a private network with the addresses ``192.168.0.0/16``."""
    @networks.setter
    def networks(self, value: _Networks | Mapping[str, object] | None) -> None: ...
    @property
    def Networks(self) -> _Networks:  # noqa: N802
        """The networks. As in the old SDK, the default is a private network with the addresses ``192.168.0.0/16``."""
    @Networks.setter
    def Networks(self, value: _Networks | Mapping[str, object] | None) -> None: ...  # noqa: N802
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
    def add_system_disk(self, size: int, type_: str = "cloud") -> None:
        """Set the system disk.

        Args:
            size: Size in GB, 40 to 500.
            type_: Type of the disk.
        """
    def add_data_disk(self, size: int, type_: str = "cloud", mount_point: str = "") -> None:
        """Set the data disk.

        Args:
            size: Size in GB, 5 to 2000.
            type_: Type of the disk.
            mount_point: A directory on Linux, a drive letter on Windows.
        """
    def set_networks_type(self, classicnetworks: bool = False) -> None:
        """Choose the classic network, or a private network with the default address range.

        Args:
            classicnetworks: Whether to choose the classic network.
        """
    def set_classic_networks(self) -> None:
        """Choose the classic network."""
    def set_classic_netWorks(self) -> None:  # noqa: N802
        """Choose the classic network: the misspelt name of the old SDK."""

class Topic(Description):
    """The topic that receives events, and which events it receives (REST API, 3.8 and 8)."""
    @overload
    def __init__(
        self,
        properties: _Topic | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Endpoint: str | None = ...,
        Events: list[str] | tuple[str, ...] | None = ...,
        UserData: str | None = ...,
        UserTemplate: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Topic | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        endpoint: str | None = ...,
        events: list[str] | tuple[str, ...] | None = ...,
        user_data: str | None = ...,
        user_template: str | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str:
        """Name of the MNS topic."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str:  # noqa: N802
        """Name of the MNS topic."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def endpoint(self) -> str:
        """Endpoint of the MNS account."""
    @endpoint.setter
    def endpoint(self, value: str | None) -> None: ...
    @property
    def Endpoint(self) -> str:  # noqa: N802
        """Endpoint of the MNS account."""
    @Endpoint.setter
    def Endpoint(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def events(self) -> list[str]:
        """Names of the events to send, for example ``OnJobFinished``."""
    @events.setter
    def events(self, value: list[str] | tuple[str, ...] | None) -> None: ...
    @property
    def Events(self) -> list[str]:  # noqa: N802
        """Names of the events to send, for example ``OnJobFinished``."""
    @Events.setter
    def Events(self, value: list[str] | tuple[str, ...] | None) -> None: ...  # noqa: N802
    @property
    def user_data(self) -> str:
        """A string of the caller that is sent with each event."""
    @user_data.setter
    def user_data(self, value: str | None) -> None: ...
    @property
    def UserData(self) -> str:  # noqa: N802
        """A string of the caller that is sent with each event."""
    @UserData.setter
    def UserData(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def user_template(self) -> str:
        """Template of the messages."""
    @user_template.setter
    def user_template(self, value: str | None) -> None: ...
    @property
    def UserTemplate(self) -> str:  # noqa: N802
        """Template of the messages."""
    @UserTemplate.setter
    def UserTemplate(self, value: str | None) -> None: ...  # noqa: N802

class Notification(Description):
    """The notification about events."""
    @overload
    def __init__(
        self,
        properties: _Notification | Mapping[str, object] | str | bytes | None = ...,
        *,
        Topic: _Topic | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Notification | Mapping[str, object] | str | bytes | None = ...,
        *,
        topic: _Topic | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def topic(self) -> _Topic:
        """The topic that receives events, and which events it receives."""
    @topic.setter
    def topic(self, value: _Topic | Mapping[str, object] | None) -> None: ...
    @property
    def Topic(self) -> _Topic:  # noqa: N802
        """The topic that receives events, and which events it receives."""
    @Topic.setter
    def Topic(self, value: _Topic | Mapping[str, object] | None) -> None: ...  # noqa: N802

class InputMappingConfig(Description):
    """Settings for the file names of input mappings."""
    @overload
    def __init__(
        self,
        properties: _InputMappingConfig | Mapping[str, object] | str | bytes | None = ...,
        *,
        Locale: str | None = ...,
        Lock: bool | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _InputMappingConfig | Mapping[str, object] | str | bytes | None = ...,
        *,
        locale: str | None = ...,
        lock: bool | None = ...,
    ) -> None: ...
    @property
    def locale(self) -> str:
        """Character encoding of file names."""
    @locale.setter
    def locale(self, value: str | None) -> None: ...
    @property
    def Locale(self) -> str:  # noqa: N802
        """Character encoding of file names."""
    @Locale.setter
    def Locale(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def lock(self) -> bool:
        """Whether file locks work across machines."""
    @lock.setter
    def lock(self, value: bool | None) -> None: ...
    @property
    def Lock(self) -> bool:  # noqa: N802
        """Whether file locks work across machines."""
    @Lock.setter
    def Lock(self, value: bool | None) -> None: ...  # noqa: N802

_Classic: TypeAlias = Classic
_Configs: TypeAlias = Configs
_DataDisk: TypeAlias = DataDisk
_Disks: TypeAlias = Disks
_InputMappingConfig: TypeAlias = InputMappingConfig
_MountEntry: TypeAlias = MountEntry
_Mounts: TypeAlias = Mounts
_NAS: TypeAlias = NAS
_Networks: TypeAlias = Networks
_Notification: TypeAlias = Notification
_OSS: TypeAlias = OSS
_SystemDisk: TypeAlias = SystemDisk
_Topic: TypeAlias = Topic
_VPC: TypeAlias = VPC
