"""TypedDicts with wire names, for dict literals that a type checker shall check.

    job: JobDescriptionDict = {"Name": "demo", "DAG": {"Tasks": {}}}

Every description takes such a dict; at run time they are plain dicts.
"""

# Made by tools/generate.py from the models; change that file instead.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from batchcompute.resources._literals import (
    JobType,
    Platform,
    ResourceTypeName,
)

__all__ = [
    "AppConfigDict",
    "AppDescriptionDict",
    "AppDict",
    "AppDockerDict",
    "AppJobDescriptionDict",
    "AutoClusterDict",
    "ClassicDict",
    "ClusterDescriptionDict",
    "CommandDict",
    "ConfigDict",
    "ConfigsDict",
    "CredentialConfigDict",
    "DAGDict",
    "DataDiskDict",
    "DataDiskMountPointDict",
    "DataDiskTypeDict",
    "DiskTypeDict",
    "DisksDict",
    "DockerDict",
    "GroupDescriptionDict",
    "ImageDescriptionDict",
    "InputMappingConfigDict",
    "InputParameterDict",
    "InstanceCountDict",
    "InstanceTypeDict",
    "JobDescriptionDict",
    "LoggingDict",
    "MaxRetryCountDict",
    "MinDataDiskSizeDict",
    "MinDiskSizeDict",
    "ModifyClusterDescriptionDict",
    "ModifyConfigsDict",
    "ModifyGroupDescriptionDict",
    "MountEntryDict",
    "MountsDict",
    "NASDict",
    "NetworksDict",
    "NotificationDict",
    "OSSDict",
    "OutputParameterDict",
    "ParameterDict",
    "ParametersDict",
    "ResourceTypeDict",
    "SystemDiskDict",
    "TaskDescriptionDict",
    "TimeoutDict",
    "TopicDict",
    "VMDict",
    "VPCDict",
]


class ImageDescriptionDict(TypedDict, total=False):
    """A dict that `ImageDescription` takes."""

    Name: str
    """Name of the image."""
    Description: str
    """Free text."""
    Platform: Platform
    """Operating system, ``Linux`` or ``Windows``. Required."""
    EcsImageId: str
    """The ECS image behind it, ``m-…``. Required."""
    IdempotentToken: str
    """Token of the create; the service also takes it from the query."""


class SystemDiskDict(TypedDict, total=False):
    """A dict that `SystemDisk` takes."""

    Type: str
    """Type of the disk, for example ``cloud_efficiency``; empty for the default."""
    Size: int
    """Size in GB, 40 to 500."""


class DataDiskDict(TypedDict, total=False):
    """A dict that `DataDisk` takes."""

    Type: str
    """Type of the disk; it must equal that of the system disk."""
    Size: int
    """Size in GB, 5 to 2000."""
    MountPoint: str
    """A directory on Linux, a drive letter on Windows."""


class DisksDict(TypedDict, total=False):
    """A dict that `Disks` takes."""

    SystemDisk: SystemDiskDict
    """The disk that it starts from."""
    DataDisk: DataDiskDict
    """A second disk."""


class ClassicDict(TypedDict, total=False):
    """A dict that `Classic` takes."""

    AllowSecurityGroup: list[str]
    """Security groups that may connect in."""
    AllowSecurityGroupEgress: list[str]
    """Security groups that may be connected to."""
    AllowIpAddress: list[str]
    """Addresses that may connect in."""
    AllowIpAddressEgress: list[str]
    """Addresses that may be connected to."""


class VPCDict(TypedDict, total=False):
    """A dict that `VPC` takes."""

    CidrBlock: str
    """Address range, for example ``192.168.0.0/16``."""
    VpcId: str
    """Id of an existing VPC."""
    ExpressConnectSpec: str
    """Bandwidth class of the connection to another network."""
    OppositeRegionId: str
    """Region of the other network."""
    OppositeAccessPointId: str
    """Access point of the other network."""
    OppositeRouterType: str
    """Router type of the other network."""
    OppositeRouterId: str
    """Router id of the other network."""
    OppositeInterfaceId: str
    """Interface id of the other network."""


class NetworksDict(TypedDict, total=False):
    """A dict that `Networks` takes."""

    Classic: ClassicDict
    """The classic network."""
    VPC: VPCDict
    """A private network."""


class MountEntryDict(TypedDict, total=False):
    """A dict that `MountEntry` takes."""

    Source: str
    """Where it is: ``oss://``, ``nas://``, ``smb://``, ``lustre://`` or ``nasplus://``."""
    Destination: str
    """Where the machine sees it."""
    WriteSupport: bool
    """Whether the machine may write to it (directories only)."""


class NASDict(TypedDict, total=False):
    """A dict that `NAS` takes."""

    AccessGroup: list[str]
    """Access groups."""
    FileSystem: list[str]
    """Host names of the file systems."""


class OSSDict(TypedDict, total=False):
    """A dict that `OSS` takes."""

    AccessKeyId: str
    """Access key id."""
    AccessKeySecret: str
    """Access key secret; never shown by ``repr``."""
    SecurityToken: str
    """STS token, as the old SDK spells it."""
    AccessSecurityToken: str
    """STS token, as the documents and the Node SDK spell it."""


class MountsDict(TypedDict, total=False):
    """A dict that `Mounts` takes."""

    Entries: list[MountEntryDict]
    """The mounts."""
    Locale: str
    """Character set of file names, for example ``UTF-8``; the service's default is ``GBK``."""
    Lock: bool
    """Whether files are locked over the network."""
    CacheSupport: bool
    """Whether reads are cached."""
    CacheBlockSize: int
    """Bytes in a block of the cache."""
    CacheTotalSize: int
    """Bytes of the whole cache."""
    NAS: NASDict
    """What is needed to mount from NAS."""
    OSS: OSSDict
    """Credentials for mounts from OSS."""
    RefreshStrategy: str
    """How metadata is refreshed."""
    RefreshTopicName: str
    """Topic that announces a refresh."""
    RefreshTimeOut: float
    """Seconds between refreshes."""
    NasMetaCache: bool
    """Whether NAS metadata is cached."""


class ConfigsDict(TypedDict, total=False):
    """A dict that `Configs` takes."""

    Disks: DisksDict
    """The disks."""
    Networks: NetworksDict
    """The networks; the old SDK sends ``192.168.0.0/16`` where nothing is said."""
    Mounts: MountsDict
    """The mounts."""


class TopicDict(TypedDict, total=False):
    """A dict that `Topic` takes."""

    Name: str
    """Name of the MNS topic."""
    Endpoint: str
    """Endpoint of the MNS account."""
    Events: list[str]
    """Events to be told of, for example ``OnJobFinished``."""
    UserData: str
    """Text of the caller's, sent along."""
    UserTemplate: str
    """Template of the message."""


class NotificationDict(TypedDict, total=False):
    """A dict that `Notification` takes."""

    Topic: TopicDict
    """Where events are sent, and which."""


class InputMappingConfigDict(TypedDict, total=False):
    """A dict that `InputMappingConfig` takes."""

    Locale: str
    """Character set of file names."""
    Lock: bool
    """Whether files are locked over the network."""


class GroupDescriptionDict(TypedDict, total=False):
    """A dict that `GroupDescription` takes."""

    DesiredVMCount: int
    """How many machines the group shall have, 0 to 65536. Required for a new group."""
    InstanceType: str
    """Instance type of the machines; the cluster's own when not set."""
    SpotStrategy: str
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    SpotPriceLimit: float
    """Highest price per hour of a spot machine."""
    ResourceType: ResourceTypeName
    """How the machines are paid for."""
    HostnamePrefix: str
    """What host names start with."""
    ImageId: str
    """Image of this group; the cluster's own when not set."""
    Mode: str
    """Undocumented; sent as it is."""


class ModifyGroupDescriptionDict(TypedDict, total=False):
    """A dict that `ModifyGroupDescription` takes."""

    DesiredVMCount: int
    """How many machines the group shall have, 0 to 65536. Required for a new group."""
    InstanceType: str
    """Instance type of the machines; the cluster's own when not set."""
    SpotStrategy: str
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    SpotPriceLimit: float
    """Highest price per hour of a spot machine."""


class ClusterDescriptionDict(TypedDict, total=False):
    """A dict that `ClusterDescription` takes."""

    Name: str
    """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    Description: str
    """Free text."""
    ImageId: str
    """Image of all groups. Required unless every group names its own."""
    InstanceType: str
    """Instance type of the groups that name none."""
    UserData: Mapping[str, object]
    """Readable on the machines."""
    ScheduleType: str
    """``LowLatency``, ``Poll`` or ``Push``."""
    Configs: ConfigsDict
    """Disks, networks and mounts."""
    Notification: NotificationDict
    """Who is told of events."""
    Groups: dict[str, GroupDescriptionDict]
    """The groups by name. Required."""
    Bootstrap: str
    """Command that each machine runs at its start."""
    EnvVars: Mapping[str, object]
    """Environment variables of the machines; every value becomes a text."""
    PasswordInherit: bool
    """Whether the image's password is kept."""
    DependencyIsvService: str
    """Third-party service that is needed, for example ``GTX``."""


class ModifyConfigsDict(TypedDict, total=False):
    """A dict that `ModifyConfigs` takes."""

    Mounts: MountsDict
    """The mounts."""


class ModifyClusterDescriptionDict(TypedDict, total=False):
    """A dict that `ModifyClusterDescription` takes."""

    UserData: Mapping[str, object]
    """Readable on the machines."""
    Configs: ModifyConfigsDict
    """The mounts."""
    Groups: dict[str, ModifyGroupDescriptionDict]
    """The groups to change, by name."""
    EnvVars: Mapping[str, object]
    """Environment variables of the machines; every value becomes a text."""
    ImageId: str
    """Image of machines that start from now on."""
    InputMapping: dict[str, str]
    """Read-only mappings from OSS, in older documents."""


class ConfigDict(TypedDict, total=False):
    """A dict that `Config` takes."""

    ResourceType: ResourceTypeName
    """How the machines are paid for."""
    InstanceType: str
    """Instance type of the machines."""
    InstanceCount: int
    """How many instances run."""
    MinDiskSize: int
    """Smallest system disk in GB."""
    DiskType: str
    """Type of the system disk."""
    MinDataDiskSize: int
    """Smallest data disk in GB; 0 for none."""
    DataDiskType: str
    """Type of the data disk."""
    DataDiskMountPoint: str
    """Where the data disk is mounted."""
    MaxRetryCount: int
    """How often a failed instance is run again."""
    Timeout: int
    """Seconds that one attempt of an instance may take."""
    ClassicNetwork: bool
    """Whether the machines are in the classic network."""
    ClusterId: str
    """The cluster to run on, instead of one of its own."""
    ReserveOnFail: bool
    """Whether the machines are kept when the job fails."""


class LoggingDict(TypedDict, total=False):
    """A dict that `Logging` takes."""

    StdoutPath: str
    """``oss://…/`` directory for stdout."""
    StderrPath: str
    """``oss://…/`` directory for stderr."""


class AppDict(TypedDict, total=False):
    """A dict that `App` takes."""

    AppName: str
    """Name of the app; ``:Name`` or ``Public:Name`` for a public one. Required."""
    Inputs: Mapping[str, object]
    """From input name to text or number."""
    Outputs: Mapping[str, object]
    """From output name to OSS place."""
    Logging: LoggingDict
    """Where the output of the run goes."""
    Config: ConfigDict
    """Values for the app's configuration."""


class AppJobDescriptionDict(TypedDict, total=False):
    """A dict that `AppJobDescription` takes."""

    Name: str
    """Name: letters, digits, ``_`` and ``-``, at most 100. Required."""
    Description: str
    """Free text, at most 1000 characters."""
    AutoRelease: bool
    """Whether the job is deleted once it has finished."""
    JobFailOnInstanceFail: bool
    """Whether the job fails as soon as one instance has failed for good."""
    Notification: NotificationDict
    """Who is told of events."""
    Type: JobType
    """``App``; a create sends it where it is not set."""
    App: AppDict
    """Which app, and with what. Required."""
    Priority: int
    """0 to 1000, larger first."""


class AutoClusterDict(TypedDict, total=False):
    """A dict that `AutoCluster` takes."""

    InstanceType: str
    """Instance type of the machines."""
    ResourceType: ResourceTypeName
    """How the machines are paid for; the service's default is ``OnDemand``."""
    SpotStrategy: str
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    SpotPriceLimit: float
    """Highest price per hour of a spot machine, in yuan; 0 for an automatic one."""
    ImageId: str
    """Id of the image."""
    ECSImageId: str
    """Id of an ECS image that is not registered."""
    Configs: ConfigsDict
    """Disks, networks and mounts."""
    UserData: Mapping[str, object]
    """Readable on the machines."""
    ReserveOnFail: bool
    """Whether the machines are kept when the job fails."""
    ClusterId: str
    """A cluster to put the machines into, instead of a new one."""
    DependencyIsvService: str
    """Third-party service that is needed, for example ``GTX``."""


class DockerDict(TypedDict, total=False):
    """A dict that `Docker` takes."""

    Image: str
    """The image; empty for none."""
    RunMode: str
    """Known from the Java SDK only; sent as it is."""


class CommandDict(TypedDict, total=False):
    """A dict that `Command` takes."""

    CommandLine: str
    """The command, run by ``/bin/sh``. Required."""
    PackagePath: str
    """An object to unpack into the working directory first: ``oss://…/worker.tar.gz``."""
    EnvVars: Mapping[str, object]
    """Environment variables, at most 2000; every value becomes a text."""
    Docker: DockerDict
    """A container image to run the command in."""


class ParametersDict(TypedDict, total=False):
    """A dict that `Parameters` takes."""

    Command: CommandDict
    """What its instances run."""
    InputMappingConfig: InputMappingConfigDict
    """How input mappings read file names."""
    StdoutRedirectPath: str
    """``oss://…/`` directory for ``stdout.<job>.<task>.<instance>``; empty to keep none."""
    StderrRedirectPath: str
    """``oss://…/`` directory for ``stderr.<job>.<task>.<instance>``; empty to keep none."""


class CredentialConfigDict(TypedDict, total=False):
    """A dict that `CredentialConfig` takes."""

    ServiceRole: str
    """The first role."""
    Chain: list[dict[str, Any]]
    """Further roles: ``{"Role": …, "UserId": …}``."""


class TaskDescriptionDict(TypedDict, total=False):
    """A dict that `TaskDescription` takes."""

    Parameters: ParametersDict
    """What it runs, and where its output goes. Required."""
    InputMapping: dict[str, str]
    """From ``oss://`` place to local path, read-only."""
    OutputMapping: dict[str, str]
    """From local path to ``oss://`` place, uploaded at the end."""
    LogMapping: dict[str, str]
    """From local file to ``oss://…/`` directory, uploaded while the program runs."""
    WriteSupport: bool
    """Whether input mappings may be written to."""
    Timeout: int
    """Seconds that one attempt of an instance may take."""
    InstanceCount: int
    """How many instances run, 1 or more."""
    MaxRetryCount: int
    """How often a failed instance is run again."""
    ClusterId: str
    """The cluster to run on; this or ``AutoCluster`` is required."""
    Mounts: MountsDict
    """What the machines mount."""
    AutoCluster: AutoClusterDict
    """A cluster of its own; this or ``ClusterId`` is required."""
    CredentialConfig: CredentialConfigDict
    """Roles that the task takes on."""


class DAGDict(TypedDict, total=False):
    """A dict that `DAG` takes."""

    Tasks: dict[str, TaskDescriptionDict]
    """The tasks by name. Required."""
    Dependencies: dict[str, list[str]]
    """From a task to those that start after it: ``{"A": ["B", "C"]}``."""


class JobDescriptionDict(TypedDict, total=False):
    """A dict that `JobDescription` takes."""

    Name: str
    """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    Description: str
    """Free text."""
    Priority: int
    """0 to 1000, larger first; the service takes 0 where nothing is said."""
    Notification: NotificationDict
    """Who is told of events."""
    JobFailOnInstanceFail: bool
    """Whether the job fails as soon as one instance has failed for good."""
    AutoRelease: bool
    """Whether the job is deleted once it has finished."""
    Type: JobType
    """``DAG``."""
    DAG: DAGDict
    """The tasks, and which of them wait for which. Required."""
    Id: str
    """The job's id where the service describes an existing one; not sent with a create."""


class ParameterDict(TypedDict, total=False):
    """A dict that `Parameter` takes."""

    Description: str
    """Free text, at most 1000 characters."""
    Type: str
    """``String`` or ``Number``."""
    Default: str | float | None
    """Value where a job gives none; None where it must give one."""
    LocalPath: str
    """Where the machine sees the value's OSS place; empty for a plain value."""


class InputParameterDict(TypedDict, total=False):
    """A dict that `InputParameter` takes."""

    Description: str
    """Free text, at most 1000 characters."""
    Type: str
    """``String`` or ``Number``."""
    Default: str | float | None
    """Value where a job gives none; None where it must give one."""
    LocalPath: str
    """Where the machine sees the value's OSS place; empty for a plain value."""


class OutputParameterDict(TypedDict, total=False):
    """A dict that `OutputParameter` takes."""

    Description: str
    """Free text, at most 1000 characters."""
    Type: str
    """``String`` or ``Number``."""
    Default: str | float | None
    """Value where a job gives none; None where it must give one."""
    LocalPath: str
    """Where the machine sees the value's OSS place; empty for a plain value."""


class AppDockerDict(TypedDict, total=False):
    """A dict that `Docker` takes."""

    Image: str
    """The image. Required."""
    RegistryOSSPath: str
    """OSS place of a private registry."""


class VMDict(TypedDict, total=False):
    """A dict that `VM` takes."""

    ECSImageId: str
    """The image. Required."""


class ResourceTypeDict(TypedDict, total=False):
    """A dict that `ResourceType` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: str | None
    """Value where a job gives none."""


class InstanceTypeDict(TypedDict, total=False):
    """A dict that `InstanceType` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: str | None
    """Value where a job gives none."""


class InstanceCountDict(TypedDict, total=False):
    """A dict that `InstanceCount` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: float | None
    """Value where a job gives none."""


class MinDiskSizeDict(TypedDict, total=False):
    """A dict that `MinDiskSize` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: float | None
    """Value where a job gives none."""


class DiskTypeDict(TypedDict, total=False):
    """A dict that `DiskType` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: str | None
    """Value where a job gives none."""


class MinDataDiskSizeDict(TypedDict, total=False):
    """A dict that `MinDataDiskSize` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: float | None
    """Value where a job gives none."""


class DataDiskTypeDict(TypedDict, total=False):
    """A dict that `DataDiskType` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: str | None
    """Value where a job gives none."""


class DataDiskMountPointDict(TypedDict, total=False):
    """A dict that `DataDiskMountPoint` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: str | None
    """Value where a job gives none."""


class MaxRetryCountDict(TypedDict, total=False):
    """A dict that `MaxRetryCount` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: float | None
    """Value where a job gives none."""


class TimeoutDict(TypedDict, total=False):
    """A dict that `Timeout` takes."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may give another value."""
    Default: float | None
    """Value where a job gives none."""


class AppConfigDict(TypedDict, total=False):
    """A dict that `Config` takes."""

    ResourceType: ResourceTypeDict
    """How the machines are paid for."""
    InstanceType: InstanceTypeDict
    """Instance type of the machines."""
    InstanceCount: InstanceCountDict
    """How many instances run."""
    MinDiskSize: MinDiskSizeDict
    """Smallest system disk in GB."""
    DiskType: DiskTypeDict
    """Type of the system disk."""
    MinDataDiskSize: MinDataDiskSizeDict
    """Smallest data disk in GB."""
    DataDiskType: DataDiskTypeDict
    """Type of the data disk."""
    DataDiskMountPoint: DataDiskMountPointDict
    """Where the data disk is mounted."""
    MaxRetryCount: MaxRetryCountDict
    """How often a failed instance is run again."""
    Timeout: TimeoutDict
    """Seconds that one attempt of an instance may take."""


class AppDescriptionDict(TypedDict, total=False):
    """A dict that `AppDescription` takes."""

    Name: str
    """Name: letters, digits, ``_`` and ``-``, at most 64. Required."""
    Description: str
    """Free text, at most 1000 characters."""
    InputParameters: dict[str, InputParameterDict]
    """The inputs by name, at most 50."""
    OutputParameters: dict[str, OutputParameterDict]
    """The outputs by name, at most 50."""
    Docker: AppDockerDict
    """The container image; this or ``VM`` is required."""
    VM: VMDict
    """The machine image; this or ``Docker`` is required."""
    CommandLine: str
    """The command, in which ``${name}`` stands for a parameter; at most 1000 characters. Required."""
    EnvVars: Mapping[str, object]
    """Environment variables, at most 2000; every value becomes a text."""
    Daemonize: bool
    """Whether the program is started once and kept running."""
    Config: AppConfigDict
    """The configuration."""
