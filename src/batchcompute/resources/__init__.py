"""The models of the descriptions and statuses of jobs, clusters, images, apps and quotas."""

# Some names of the API have several meanings. As in the old SDK, ``Config`` and ``App`` here are those of an App job,
# and ``Docker`` is that of an app. The modules have the others: ``resources.job.Docker``, ``resources.app.Config``. The
# status of an app is ``AppStatus`` here, and ``App`` in ``batchcompute.client.response``.

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from batchcompute._lazy import lazy_names as _lazy_names

if _TYPE_CHECKING:
    from collections.abc import Callable as _Callable

    from batchcompute.resources._literals import (
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
        AnyJobDescription,
        Error,
        Instance,
        InstanceAttempt,
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
    "AnyJobDescription",
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
    "InstanceAttempt",
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

# Classes are made at their first use: those that a program does not use would take a third of its start.
_MODULES = {
    "_literals": "ClusterState ImageType JobState JobType MachineState Platform ResourceTypeName",
    "app": "VM AppDescription AppRevision AppStatus Docker InputParameter OutputParameter",
    "appjob": "App AppJobDescription Config Logging",
    "cluster": (
        "Cluster ClusterDescription ClusterInstance Disk Group GroupDescription Metrics "
        "ModifyClusterDescription ModifyConfigs ModifyGroupDescription"
    ),
    "configs": (
        "NAS OSS VPC Classic Configs DataDisk Disks InputMappingConfig MountEntry Mounts Networks "
        "Notification SystemDisk Topic"
    ),
    "image": "Image ImageDescription",
    "job": (
        "DAG AnyJobDescription Error Instance InstanceAttempt InstanceMetrics Job JobDescription "
        "Result SynchronousInstance Task TaskMetrics"
    ),
    "quota": "AvailableInstanceDesc AvailableNetworkType AvailableResource Quota",
    "task": "AutoCluster Command CredentialConfig Parameters TaskDescription",
}


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})


# Programs use `batchcompute.resources.job` after an import of this package alone.
_load: _Callable[[str], object] = _lazy_names(__name__, _MODULES, _MODULES)

if not _TYPE_CHECKING:
    __getattr__ = _load
