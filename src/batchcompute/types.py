"""TypedDicts with wire names, for dict literals that type checkers check."""

# Made by tools/generate.py from the models; change that file instead.
# For example: `job: JobDescriptionDict = {"Name": "demo", "DAG": {"Tasks": {}}}`. Every description accepts
# such a dict.

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
    """The fields of `ImageDescription`."""

    Name: str
    """Name of the image."""
    Description: str
    """Free text."""
    Platform: Platform
    """Operating system, ``Linux`` or ``Windows``. Required."""
    EcsImageId: str
    """Id of the ECS image, ``m-…``. Required."""
    IdempotentToken: str
    """Idempotency token of the create. The service also accepts it in the query."""


class SystemDiskDict(TypedDict, total=False):
    """The fields of `SystemDisk`."""

    Type: str
    """Type of the disk, for example ``cloud_efficiency``; empty for the default."""
    Size: int
    """Size in GB, 40 to 500."""


class DataDiskDict(TypedDict, total=False):
    """The fields of `DataDisk`."""

    Type: str
    """Type of the disk. It must be the type of the system disk."""
    Size: int
    """Size in GB, 5 to 2000."""
    MountPoint: str
    """Mount point: a directory on Linux, a drive letter on Windows."""


class DisksDict(TypedDict, total=False):
    """The fields of `Disks`."""

    SystemDisk: SystemDiskDict
    """The system disk."""
    DataDisk: DataDiskDict
    """The data disk."""


class ClassicDict(TypedDict, total=False):
    """The fields of `Classic`."""

    AllowSecurityGroup: list[str]
    """Security groups that may connect to the machines."""
    AllowSecurityGroupEgress: list[str]
    """Security groups that the machines may connect to."""
    AllowIpAddress: list[str]
    """IP addresses that may connect to the machines."""
    AllowIpAddressEgress: list[str]
    """IP addresses that the machines may connect to."""


class VPCDict(TypedDict, total=False):
    """The fields of `VPC`."""

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
    """The fields of `Networks`."""

    Classic: ClassicDict
    """The classic network."""
    VPC: VPCDict
    """A private network."""


class MountEntryDict(TypedDict, total=False):
    """The fields of `MountEntry`."""

    Source: str
    """URL of the file or directory: ``oss://``, ``nas://``, ``smb://``, ``lustre://`` or ``nasplus://``."""
    Destination: str
    """Path on the machine."""
    WriteSupport: bool
    """Whether the machine may write to the directory."""


class NASDict(TypedDict, total=False):
    """The fields of `NAS`."""

    AccessGroup: list[str]
    """Access groups."""
    FileSystem: list[str]
    """Host names of the file systems."""


class OSSDict(TypedDict, total=False):
    """The fields of `OSS`."""

    AccessKeyId: str
    """Access key id."""
    AccessKeySecret: str
    """Access key secret. ``repr`` never shows it."""
    SecurityToken: str
    """STS token, under the name in the old SDK."""
    AccessSecurityToken: str
    """STS token, under the name in the documents and the Node SDK."""


class MountsDict(TypedDict, total=False):
    """The fields of `Mounts`."""

    Entries: list[MountEntryDict]
    """The mounts."""
    Locale: str
    """Character encoding of file names, for example ``UTF-8``; the default of the service is ``GBK``."""
    Lock: bool
    """Whether file locks work across machines."""
    CacheSupport: bool
    """Whether reads use a cache."""
    CacheBlockSize: int
    """Size of a block of the cache in bytes."""
    CacheTotalSize: int
    """Size of the cache in bytes."""
    NAS: NASDict
    """The settings of mounts from NAS."""
    OSS: OSSDict
    """Credentials for mounts from OSS."""
    RefreshStrategy: str
    """Strategy for refreshing metadata."""
    RefreshTopicName: str
    """Name of the topic that announces a refresh."""
    RefreshTimeOut: float
    """Time between refreshes in seconds."""
    NasMetaCache: bool
    """Whether metadata of NAS is cached."""


class ConfigsDict(TypedDict, total=False):
    """The fields of `Configs`."""

    Disks: DisksDict
    """The disks."""
    Networks: NetworksDict
    """The networks. As in the old SDK, the default is a private network with the addresses ``192.168.0.0/16``."""
    Mounts: MountsDict
    """The mounts."""


class TopicDict(TypedDict, total=False):
    """The fields of `Topic`."""

    Name: str
    """Name of the MNS topic."""
    Endpoint: str
    """Endpoint of the MNS account."""
    Events: list[str]
    """Names of the events to send, for example ``OnJobFinished``."""
    UserData: str
    """A string of the caller that is sent with each event."""
    UserTemplate: str
    """Template of the messages."""


class NotificationDict(TypedDict, total=False):
    """The fields of `Notification`."""

    Topic: TopicDict
    """The topic that receives events, and which events it receives."""


class InputMappingConfigDict(TypedDict, total=False):
    """The fields of `InputMappingConfig`."""

    Locale: str
    """Character encoding of file names."""
    Lock: bool
    """Whether file locks work across machines."""


class GroupDescriptionDict(TypedDict, total=False):
    """The fields of `GroupDescription`."""

    DesiredVMCount: int
    """Desired number of machines, 0 to 65536. Required for a new group."""
    InstanceType: str
    """Instance type of the machines; without it, that of the cluster."""
    SpotStrategy: str
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    SpotPriceLimit: float
    """Highest price of a spot machine per hour, in yuan."""
    ResourceType: ResourceTypeName
    """Payment of the machines: ``OnDemand`` or ``Spot``."""
    HostnamePrefix: str
    """Prefix of the host names."""
    ImageId: str
    """Image of this group; without it, that of the cluster."""
    Mode: str
    """Undocumented. It is sent unchanged."""


class ModifyGroupDescriptionDict(TypedDict, total=False):
    """The fields of `ModifyGroupDescription`."""

    DesiredVMCount: int
    """Desired number of machines, 0 to 65536. Required for a new group."""
    InstanceType: str
    """Instance type of the machines; without it, that of the cluster."""
    SpotStrategy: str
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    SpotPriceLimit: float
    """Highest price of a spot machine per hour, in yuan."""


class ClusterDescriptionDict(TypedDict, total=False):
    """The fields of `ClusterDescription`."""

    Name: str
    """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    Description: str
    """Free text."""
    ImageId: str
    """Image of the groups without one of their own. Required if there is such a group."""
    InstanceType: str
    """Instance type of the groups without one of their own."""
    UserData: Mapping[str, object]
    """Data that programs on the machines can read."""
    ScheduleType: str
    """``LowLatency``, ``Poll`` or ``Push``."""
    Configs: ConfigsDict
    """Disks, networks and mounts."""
    Notification: NotificationDict
    """The topic that receives events, and which events it receives."""
    Groups: dict[str, GroupDescriptionDict]
    """The groups by name. Required."""
    Bootstrap: str
    """Command that each machine runs when it starts."""
    EnvVars: Mapping[str, object]
    """Environment variables of the machines; every value is converted to a string."""
    PasswordInherit: bool
    """Whether the machines keep the password of the image."""
    DependencyIsvService: str
    """Name of a required third-party service, for example ``GTX``."""


class ModifyConfigsDict(TypedDict, total=False):
    """The fields of `ModifyConfigs`."""

    Mounts: MountsDict
    """The mounts."""


class ModifyClusterDescriptionDict(TypedDict, total=False):
    """The fields of `ModifyClusterDescription`."""

    UserData: Mapping[str, object]
    """Data that programs on the machines can read."""
    Configs: ModifyConfigsDict
    """The mounts."""
    Groups: dict[str, ModifyGroupDescriptionDict]
    """The groups to change, by name."""
    EnvVars: Mapping[str, object]
    """Environment variables of the machines; every value is converted to a string."""
    ImageId: str
    """Image of the machines that start after the change."""
    InputMapping: dict[str, str]
    """Read-only mappings from OSS, in older documents."""


class ConfigDict(TypedDict, total=False):
    """The fields of `Config`."""

    ResourceType: ResourceTypeName
    """Payment of the machines: ``OnDemand`` or ``Spot``."""
    InstanceType: str
    """Instance type of the machines."""
    InstanceCount: int
    """Number of instances."""
    MinDiskSize: int
    """Smallest system disk in GB."""
    DiskType: str
    """Type of the system disk."""
    MinDataDiskSize: int
    """Smallest data disk in GB; 0 for none."""
    DataDiskType: str
    """Type of the data disk."""
    DataDiskMountPoint: str
    """Mount point of the data disk."""
    MaxRetryCount: int
    """Number of times that a failed instance is retried."""
    Timeout: int
    """Time-out of an attempt of an instance, in seconds."""
    ClassicNetwork: bool
    """Whether the machines are in the classic network."""
    ClusterId: str
    """Id of the cluster to run on, instead of a new one."""
    ReserveOnFail: bool
    """Whether the machines stay when the job fails."""


class LoggingDict(TypedDict, total=False):
    """The fields of `Logging`."""

    StdoutPath: str
    """``oss://…/`` URL of the directory for stdout."""
    StderrPath: str
    """``oss://…/`` URL of the directory for stderr."""


class AppDict(TypedDict, total=False):
    """The fields of `App`."""

    AppName: str
    """Name of the app; ``:Name`` or ``Public:Name`` for a public app. Required."""
    Inputs: Mapping[str, object]
    """The values of the inputs by name: strings or numbers."""
    Outputs: Mapping[str, object]
    """The ``oss://`` URLs of the outputs, by name."""
    Logging: LoggingDict
    """The directories for stdout and stderr of the run."""
    Config: ConfigDict
    """Values for the configuration of the app."""


class AppJobDescriptionDict(TypedDict, total=False):
    """The fields of `AppJobDescription`."""

    Name: str
    """Name: letters, digits, ``_`` and ``-``, at most 100. Required."""
    Description: str
    """Free text, at most 1000 characters."""
    AutoRelease: bool
    """Whether the service deletes the job when it finishes."""
    JobFailOnInstanceFail: bool
    """Whether the job fails as soon as an instance fails and has no retries left."""
    Notification: NotificationDict
    """The topic that receives events, and which events it receives."""
    Type: JobType
    """``App``. ``create_job`` sends it if it is not set."""
    App: AppDict
    """The app, with its inputs, outputs and configuration. Required."""
    Priority: int
    """Priority, 0 to 1000. Jobs with a larger one start first."""


class AutoClusterDict(TypedDict, total=False):
    """The fields of `AutoCluster`."""

    InstanceType: str
    """Instance type of the machines."""
    ResourceType: ResourceTypeName
    """Payment of the machines, ``OnDemand`` or ``Spot``; the default of the service is ``OnDemand``."""
    SpotStrategy: str
    """``SpotWithPriceLimit`` or ``SpotAsPriceGo``."""
    SpotPriceLimit: float
    """Highest price of a spot machine per hour, in yuan; 0 for an automatic price."""
    ImageId: str
    """Id of the image."""
    ECSImageId: str
    """Id of an ECS image that is not registered."""
    Configs: ConfigsDict
    """Disks, networks and mounts."""
    UserData: Mapping[str, object]
    """Data that programs on the machines can read."""
    ReserveOnFail: bool
    """Whether the machines stay when the job fails."""
    ClusterId: str
    """Id of an existing cluster for the machines, instead of a new one."""
    DependencyIsvService: str
    """Name of a required third-party service, for example ``GTX``."""


class DockerDict(TypedDict, total=False):
    """The fields of `Docker`."""

    Image: str
    """The image; empty for none."""
    RunMode: str
    """Only the Java SDK documents this field. It is sent unchanged."""


class CommandDict(TypedDict, total=False):
    """The fields of `Command`."""

    CommandLine: str
    """The command. ``/bin/sh`` runs it. Required."""
    PackagePath: str
    """URL of an archive that is unpacked into the working directory first: ``oss://…/worker.tar.gz``."""
    EnvVars: Mapping[str, object]
    """Environment variables, at most 2000; every value is converted to a string."""
    Docker: DockerDict
    """The container image that the command runs in."""


class ParametersDict(TypedDict, total=False):
    """The fields of `Parameters`."""

    Command: CommandDict
    """The command of the instances."""
    InputMappingConfig: InputMappingConfigDict
    """Settings for the file names of input mappings."""
    StdoutRedirectPath: str
    """``oss://…/`` URL of the directory for ``stdout.<job>.<task>.<instance>``; empty to discard stdout."""
    StderrRedirectPath: str
    """``oss://…/`` URL of the directory for ``stderr.<job>.<task>.<instance>``; empty to discard stderr."""


class CredentialConfigDict(TypedDict, total=False):
    """The fields of `CredentialConfig`."""

    ServiceRole: str
    """The first role."""
    Chain: list[dict[str, Any]]
    """The other roles: ``{"Role": …, "UserId": …}``."""


class TaskDescriptionDict(TypedDict, total=False):
    """The fields of `TaskDescription`."""

    Parameters: ParametersDict
    """The command, and where its output is stored. Required."""
    InputMapping: dict[str, str]
    """Inputs: ``oss://`` URLs, each with its path on the machine. They are read-only by default."""
    OutputMapping: dict[str, str]
    """Outputs: paths on the machine, each with the ``oss://`` URL for the upload at the end."""
    LogMapping: dict[str, str]
    """Logs: files on the machine, each with the ``oss://…/`` URL for uploads while the program runs."""
    WriteSupport: bool
    """Whether programs may write to input mappings."""
    Timeout: int
    """Time-out of an attempt of an instance, in seconds."""
    InstanceCount: int
    """Number of instances, 1 or more."""
    MaxRetryCount: int
    """Number of times that a failed instance is retried."""
    ClusterId: str
    """Id of the cluster to run on. This or ``AutoCluster`` is required."""
    Mounts: MountsDict
    """The mounts of the machines."""
    AutoCluster: AutoClusterDict
    """A new cluster for the task. This or ``ClusterId`` is required."""
    CredentialConfig: CredentialConfigDict
    """The roles that the task assumes."""


class DAGDict(TypedDict, total=False):
    """The fields of `DAG`."""

    Tasks: dict[str, TaskDescriptionDict]
    """The tasks by name. Required."""
    Dependencies: dict[str, list[str]]
    """For each task, the tasks that start after it: ``{"A": ["B", "C"]}``."""


class JobDescriptionDict(TypedDict, total=False):
    """The fields of `JobDescription`."""

    Name: str
    """Name: letters, digits, ``_`` and ``-``, no digit first, at most 64 bytes. Required."""
    Description: str
    """Free text."""
    Priority: int
    """Priority, 0 to 1000; the default of the service is 0. Jobs with a higher priority start first."""
    Notification: NotificationDict
    """The topic that receives events, and the names of these events."""
    JobFailOnInstanceFail: bool
    """Whether the job fails as soon as an instance fails and has no retries left."""
    AutoRelease: bool
    """Whether the service deletes the job when it finishes."""
    Type: JobType
    """Type of the job: ``DAG``."""
    DAG: DAGDict
    """The tasks and their dependencies. Required."""
    Id: str
    """Id of the job, in descriptions of existing jobs. A create does not send it."""


class ParameterDict(TypedDict, total=False):
    """The fields of `Parameter`."""

    Description: str
    """Free text, at most 1000 characters."""
    Type: str
    """``String`` or ``Number``."""
    Default: str | float | None
    """Value for jobs that set none. With None, each job must set a value."""
    LocalPath: str
    """Path on the machine for a value that is an ``oss://`` URL; empty for a plain value."""


class InputParameterDict(TypedDict, total=False):
    """The fields of `InputParameter`."""

    Description: str
    """Free text, at most 1000 characters."""
    Type: str
    """``String`` or ``Number``."""
    Default: str | float | None
    """Value for jobs that set none. With None, each job must set a value."""
    LocalPath: str
    """Path on the machine for a value that is an ``oss://`` URL; empty for a plain value."""


class OutputParameterDict(TypedDict, total=False):
    """The fields of `OutputParameter`."""

    Description: str
    """Free text, at most 1000 characters."""
    Type: str
    """``String`` or ``Number``."""
    Default: str | float | None
    """Value for jobs that set none. With None, each job must set a value."""
    LocalPath: str
    """Path on the machine for a value that is an ``oss://`` URL; empty for a plain value."""


class AppDockerDict(TypedDict, total=False):
    """The fields of `Docker`."""

    Image: str
    """The image. Required."""
    RegistryOSSPath: str
    """``oss://`` URL of a private registry."""


class VMDict(TypedDict, total=False):
    """The fields of `VM`."""

    ECSImageId: str
    """The image. Required."""


class ResourceTypeDict(TypedDict, total=False):
    """The fields of `ResourceType`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: str | None
    """Value for jobs that set none; None for no default."""


class InstanceTypeDict(TypedDict, total=False):
    """The fields of `InstanceType`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: str | None
    """Value for jobs that set none; None for no default."""


class InstanceCountDict(TypedDict, total=False):
    """The fields of `InstanceCount`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: float | None
    """Value for jobs that set none; None for no default."""


class MinDiskSizeDict(TypedDict, total=False):
    """The fields of `MinDiskSize`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: float | None
    """Value for jobs that set none; None for no default."""


class DiskTypeDict(TypedDict, total=False):
    """The fields of `DiskType`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: str | None
    """Value for jobs that set none; None for no default."""


class MinDataDiskSizeDict(TypedDict, total=False):
    """The fields of `MinDataDiskSize`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: float | None
    """Value for jobs that set none; None for no default."""


class DataDiskTypeDict(TypedDict, total=False):
    """The fields of `DataDiskType`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: str | None
    """Value for jobs that set none; None for no default."""


class DataDiskMountPointDict(TypedDict, total=False):
    """The fields of `DataDiskMountPoint`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: str | None
    """Value for jobs that set none; None for no default."""


class MaxRetryCountDict(TypedDict, total=False):
    """The fields of `MaxRetryCount`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: float | None
    """Value for jobs that set none; None for no default."""


class TimeoutDict(TypedDict, total=False):
    """The fields of `Timeout`."""

    Description: str
    """Free text."""
    Overwritable: bool
    """Whether a job may replace the value."""
    Default: float | None
    """Value for jobs that set none; None for no default."""


class AppConfigDict(TypedDict, total=False):
    """The fields of `Config`."""

    ResourceType: ResourceTypeDict
    """Payment of the machines: ``OnDemand`` or ``Spot``."""
    InstanceType: InstanceTypeDict
    """Instance type of the machines."""
    InstanceCount: InstanceCountDict
    """Number of instances."""
    MinDiskSize: MinDiskSizeDict
    """Smallest system disk in GB."""
    DiskType: DiskTypeDict
    """Type of the system disk."""
    MinDataDiskSize: MinDataDiskSizeDict
    """Smallest data disk in GB."""
    DataDiskType: DataDiskTypeDict
    """Type of the data disk."""
    DataDiskMountPoint: DataDiskMountPointDict
    """Mount point of the data disk."""
    MaxRetryCount: MaxRetryCountDict
    """Number of times that a failed instance is retried."""
    Timeout: TimeoutDict
    """Time-out of an attempt of an instance, in seconds."""


class AppDescriptionDict(TypedDict, total=False):
    """The fields of `AppDescription`."""

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
    """The command, at most 1000 characters; the value of a parameter replaces ``${name}``. Required."""
    EnvVars: Mapping[str, object]
    """Environment variables, at most 2000; every value is converted to a string."""
    Daemonize: bool
    """Whether the program starts once and keeps running."""
    Config: AppConfigDict
    """The configuration."""
