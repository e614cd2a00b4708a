"""The models of descriptions and statuses, one module a family.

Two classes are called ``Config`` and three ``Docker`` or ``App`` in the API. Here, as in the old
SDK, ``Config`` and ``App`` are those of an App job, and ``Docker`` is that of an app; the others
are reached through their modules (``resources.job.Docker``, ``resources.app.Config``). The status
of an app is ``AppStatus`` here and ``App`` in ``batchcompute.client.response``.
"""

from __future__ import annotations

from batchcompute.resources._types import (
    ClusterState,
    ImageType,
    JobState,
    JobType,
    MachineState,
    Platform,
    ResourceTypeName,
)
from batchcompute.resources.app import (
    VM,
    AppDescription,
    AppRevision,
    AppStatus,
    Docker,
    InputParameter,
    OutputParameter,
)
from batchcompute.resources.appjob import App, AppJobDescription, Config, Logging
from batchcompute.resources.cluster import (
    Cluster,
    ClusterDescription,
    ClusterInstance,
    Disk,
    Group,
    GroupDescription,
    Metrics,
    ModifyClusterDescription,
    ModifyConfigs,
    ModifyGroupDescription,
)
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
from batchcompute.resources.image import Image, ImageDescription
from batchcompute.resources.job import (
    DAG,
    Error,
    Instance,
    InstanceMetrics,
    Job,
    JobDescription,
    Result,
    SynchronousInstance,
    Task,
    TaskMetrics,
)
from batchcompute.resources.quota import (
    AvailableInstanceDesc,
    AvailableNetworkType,
    AvailableResource,
    Quota,
)
from batchcompute.resources.task import (
    AutoCluster,
    Command,
    CredentialConfig,
    Parameters,
    TaskDescription,
)

__all__ = [
    "DAG",
    "NAS",
    "OSS",
    "VM",
    "VPC",
    "App",
    "AppDescription",
    "AppJobDescription",
    "AppRevision",
    "AppStatus",
    "AutoCluster",
    "AvailableInstanceDesc",
    "AvailableNetworkType",
    "AvailableResource",
    "Classic",
    "Cluster",
    "ClusterDescription",
    "ClusterInstance",
    "ClusterState",
    "Command",
    "Config",
    "Configs",
    "CredentialConfig",
    "DataDisk",
    "Disk",
    "Disks",
    "Docker",
    "Error",
    "Group",
    "GroupDescription",
    "Image",
    "ImageDescription",
    "ImageType",
    "InputMappingConfig",
    "InputParameter",
    "Instance",
    "InstanceMetrics",
    "Job",
    "JobDescription",
    "JobState",
    "JobType",
    "Logging",
    "MachineState",
    "Metrics",
    "ModifyClusterDescription",
    "ModifyConfigs",
    "ModifyGroupDescription",
    "MountEntry",
    "Mounts",
    "Networks",
    "Notification",
    "OutputParameter",
    "Parameters",
    "Platform",
    "Quota",
    "ResourceTypeName",
    "Result",
    "SynchronousInstance",
    "SystemDisk",
    "Task",
    "TaskDescription",
    "TaskMetrics",
    "Topic",
]
