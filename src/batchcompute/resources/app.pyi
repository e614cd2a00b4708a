# Made by tools/generate.py from app.py; change that file instead.
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, overload

from batchcompute.models.base import Description, Status
from batchcompute.resources._setters import ConfigSetters

__all__ = [
    "VM",
    "AppDescription",
    "AppRevision",
    "AppStatus",
    "Config",
    "DataDiskMountPoint",
    "DataDiskType",
    "DiskType",
    "Docker",
    "InputParameter",
    "InstanceCount",
    "InstanceType",
    "MaxRetryCount",
    "MinDataDiskSize",
    "MinDiskSize",
    "OutputParameter",
    "Parameter",
    "ResourceType",
    "Timeout",
]

class Parameter(Description):
    """A named input or output of an app."""
    @overload
    def __init__(
        self,
        properties: _Parameter | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Type: str | None = ...,
        Default: str | float | None = ...,
        LocalPath: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Parameter | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        type: str | None = ...,
        default: str | float | None = ...,
        local_path: str | None = ...,
    ) -> None: ...
    @property
    def description(self) -> str:
        """Free text, at most 1000 characters."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str:  # noqa: N802
        """Free text, at most 1000 characters."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def type(self) -> str:
        """``String`` or ``Number``."""
    @type.setter
    def type(self, value: str | None) -> None: ...
    @property
    def Type(self) -> str:  # noqa: N802
        """``String`` or ``Number``."""
    @Type.setter
    def Type(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def default(self) -> str | float | None:
        """Value for jobs that set none. With None, each job must set a value."""
    @default.setter
    def default(self, value: str | float | None) -> None: ...
    @property
    def Default(self) -> str | float | None:  # noqa: N802
        """Value for jobs that set none. With None, each job must set a value."""
    @Default.setter
    def Default(self, value: str | float | None) -> None: ...  # noqa: N802
    @property
    def local_path(self) -> str:
        """Path on the machine for a value that is an ``oss://`` URL; empty for a plain value."""
    @local_path.setter
    def local_path(self, value: str | None) -> None: ...
    @property
    def LocalPath(self) -> str:  # noqa: N802
        """Path on the machine for a value that is an ``oss://`` URL; empty for a plain value."""
    @LocalPath.setter
    def LocalPath(self, value: str | None) -> None: ...  # noqa: N802

class InputParameter(Parameter):
    """A named input of an app."""
    @overload
    def __init__(
        self,
        properties: _InputParameter | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Type: str | None = ...,
        Default: str | float | None = ...,
        LocalPath: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _InputParameter | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        type: str | None = ...,
        default: str | float | None = ...,
        local_path: str | None = ...,
    ) -> None: ...

class OutputParameter(Parameter):
    """A named output of an app."""
    @overload
    def __init__(
        self,
        properties: _OutputParameter | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Type: str | None = ...,
        Default: str | float | None = ...,
        LocalPath: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _OutputParameter | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        type: str | None = ...,
        default: str | float | None = ...,
        local_path: str | None = ...,
    ) -> None: ...

class Docker(Description):
    """The container image that an app runs in."""
    @overload
    def __init__(
        self,
        properties: _Docker | Mapping[str, object] | str | bytes | None = ...,
        *,
        Image: str | None = ...,
        RegistryOSSPath: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Docker | Mapping[str, object] | str | bytes | None = ...,
        *,
        image: str | None = ...,
        registry_oss_path: str | None = ...,
    ) -> None: ...
    @property
    def image(self) -> str | None:
        """The image. Required."""
    @image.setter
    def image(self, value: str | None) -> None: ...
    @property
    def Image(self) -> str | None:  # noqa: N802
        """The image. Required."""
    @Image.setter
    def Image(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def registry_oss_path(self) -> str | None:
        """``oss://`` URL of a private registry."""
    @registry_oss_path.setter
    def registry_oss_path(self, value: str | None) -> None: ...
    @property
    def RegistryOSSPath(self) -> str | None:  # noqa: N802
        """``oss://`` URL of a private registry."""
    @RegistryOSSPath.setter
    def RegistryOSSPath(self, value: str | None) -> None: ...  # noqa: N802

class VM(Description):
    """The machine image that an app runs on."""
    @overload
    def __init__(
        self,
        properties: _VM | Mapping[str, object] | str | bytes | None = ...,
        *,
        ECSImageId: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _VM | Mapping[str, object] | str | bytes | None = ...,
        *,
        ecs_image_id: str | None = ...,
    ) -> None: ...
    @property
    def ecs_image_id(self) -> str | None:
        """The image. Required."""
    @ecs_image_id.setter
    def ecs_image_id(self, value: str | None) -> None: ...
    @property
    def ECSImageId(self) -> str | None:  # noqa: N802
        """The image. Required."""
    @ECSImageId.setter
    def ECSImageId(self, value: str | None) -> None: ...  # noqa: N802

class _Item(Description):
    @overload
    def __init__(
        self,
        properties: __Item | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: __Item | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
    ) -> None: ...
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
    def overwritable(self) -> bool:
        """Whether a job may replace the value."""
    @overwritable.setter
    def overwritable(self, value: bool | None) -> None: ...
    @property
    def Overwritable(self) -> bool:  # noqa: N802
        """Whether a job may replace the value."""
    @Overwritable.setter
    def Overwritable(self, value: bool | None) -> None: ...  # noqa: N802

class _TextItem(_Item):
    @overload
    def __init__(
        self,
        properties: __TextItem | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: __TextItem | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: str | None = ...,
    ) -> None: ...
    @property
    def default(self) -> str | None:
        """Value for jobs that set none; None for no default."""
    @default.setter
    def default(self, value: str | None) -> None: ...
    @property
    def Default(self) -> str | None:  # noqa: N802
        """Value for jobs that set none; None for no default."""
    @Default.setter
    def Default(self, value: str | None) -> None: ...  # noqa: N802

class _NumberItem(_Item):
    @overload
    def __init__(
        self,
        properties: __NumberItem | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: __NumberItem | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: float | None = ...,
    ) -> None: ...
    @property
    def default(self) -> float | None:
        """Value for jobs that set none; None for no default."""
    @default.setter
    def default(self, value: float | None) -> None: ...
    @property
    def Default(self) -> float | None:  # noqa: N802
        """Value for jobs that set none; None for no default."""
    @Default.setter
    def Default(self, value: float | None) -> None: ...  # noqa: N802

class ResourceType(_TextItem):
    """Payment of the machines, ``OnDemand`` or ``Spot``; the default of the service is ``OnDemand``."""
    @overload
    def __init__(
        self,
        properties: _ResourceType | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _ResourceType | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: str | None = ...,
    ) -> None: ...

class InstanceType(_TextItem):
    """Instance type of the machines."""
    @overload
    def __init__(
        self,
        properties: _InstanceType | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _InstanceType | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: str | None = ...,
    ) -> None: ...

class InstanceCount(_NumberItem):
    """Number of instances; the default of the service is 1."""
    @overload
    def __init__(
        self,
        properties: _InstanceCount | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _InstanceCount | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: float | None = ...,
    ) -> None: ...

class MinDiskSize(_NumberItem):
    """Smallest system disk in GB; the default of the service is 40."""
    @overload
    def __init__(
        self,
        properties: _MinDiskSize | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _MinDiskSize | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: float | None = ...,
    ) -> None: ...

class DiskType(_TextItem):
    """Type of the system disk; the default of the service is ``cloud_efficiency``."""
    @overload
    def __init__(
        self,
        properties: _DiskType | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _DiskType | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: str | None = ...,
    ) -> None: ...

class MinDataDiskSize(_NumberItem):
    """Smallest data disk in GB; the default of the service is 0, no data disk."""
    @overload
    def __init__(
        self,
        properties: _MinDataDiskSize | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _MinDataDiskSize | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: float | None = ...,
    ) -> None: ...

class DataDiskType(_TextItem):
    """Type of the data disk; the default of the service is ``cloud_efficiency``."""
    @overload
    def __init__(
        self,
        properties: _DataDiskType | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _DataDiskType | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: str | None = ...,
    ) -> None: ...

class DataDiskMountPoint(_TextItem):
    """Mount point of the data disk."""
    @overload
    def __init__(
        self,
        properties: _DataDiskMountPoint | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _DataDiskMountPoint | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: str | None = ...,
    ) -> None: ...

class MaxRetryCount(_NumberItem):
    """Number of times that a failed instance is retried; the default of the service is 0."""
    @overload
    def __init__(
        self,
        properties: _MaxRetryCount | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _MaxRetryCount | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: float | None = ...,
    ) -> None: ...

class Timeout(_NumberItem):
    """Time-out of an attempt of an instance, in seconds; the default of the service is 86400."""
    @overload
    def __init__(
        self,
        properties: _Timeout | Mapping[str, object] | str | bytes | None = ...,
        *,
        Description: str | None = ...,
        Overwritable: bool | None = ...,
        Default: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Timeout | Mapping[str, object] | str | bytes | None = ...,
        *,
        description: str | None = ...,
        overwritable: bool | None = ...,
        default: float | None = ...,
    ) -> None: ...

class Config(ConfigSetters):
    """The configuration of an app: a default for each value, and whether a job may replace it."""
    @overload
    def __init__(
        self,
        properties: _Config | Mapping[str, object] | str | bytes | None = ...,
        *,
        ResourceType: _ResourceType | Mapping[str, object] | None = ...,
        InstanceType: _InstanceType | Mapping[str, object] | None = ...,
        InstanceCount: _InstanceCount | Mapping[str, object] | None = ...,
        MinDiskSize: _MinDiskSize | Mapping[str, object] | None = ...,
        DiskType: _DiskType | Mapping[str, object] | None = ...,
        MinDataDiskSize: _MinDataDiskSize | Mapping[str, object] | None = ...,
        DataDiskType: _DataDiskType | Mapping[str, object] | None = ...,
        DataDiskMountPoint: _DataDiskMountPoint | Mapping[str, object] | None = ...,
        MaxRetryCount: _MaxRetryCount | Mapping[str, object] | None = ...,
        Timeout: _Timeout | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Config | Mapping[str, object] | str | bytes | None = ...,
        *,
        resource_type: _ResourceType | Mapping[str, object] | None = ...,
        instance_type: _InstanceType | Mapping[str, object] | None = ...,
        instance_count: _InstanceCount | Mapping[str, object] | None = ...,
        min_disk_size: _MinDiskSize | Mapping[str, object] | None = ...,
        disk_type: _DiskType | Mapping[str, object] | None = ...,
        min_data_disk_size: _MinDataDiskSize | Mapping[str, object] | None = ...,
        data_disk_type: _DataDiskType | Mapping[str, object] | None = ...,
        data_disk_mount_point: _DataDiskMountPoint | Mapping[str, object] | None = ...,
        max_retry_count: _MaxRetryCount | Mapping[str, object] | None = ...,
        timeout: _Timeout | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def resource_type(self) -> _ResourceType:
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @resource_type.setter
    def resource_type(self, value: _ResourceType | Mapping[str, object] | None) -> None: ...
    @property
    def ResourceType(self) -> _ResourceType:  # noqa: N802
        """Payment of the machines: ``OnDemand`` or ``Spot``."""
    @ResourceType.setter
    def ResourceType(self, value: _ResourceType | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def instance_type(self) -> _InstanceType:
        """Instance type of the machines."""
    @instance_type.setter
    def instance_type(self, value: _InstanceType | Mapping[str, object] | None) -> None: ...
    @property
    def InstanceType(self) -> _InstanceType:  # noqa: N802
        """Instance type of the machines."""
    @InstanceType.setter
    def InstanceType(self, value: _InstanceType | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def instance_count(self) -> _InstanceCount:
        """Number of instances."""
    @instance_count.setter
    def instance_count(self, value: _InstanceCount | Mapping[str, object] | None) -> None: ...
    @property
    def InstanceCount(self) -> _InstanceCount:  # noqa: N802
        """Number of instances."""
    @InstanceCount.setter
    def InstanceCount(self, value: _InstanceCount | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def min_disk_size(self) -> _MinDiskSize:
        """Smallest system disk in GB."""
    @min_disk_size.setter
    def min_disk_size(self, value: _MinDiskSize | Mapping[str, object] | None) -> None: ...
    @property
    def MinDiskSize(self) -> _MinDiskSize:  # noqa: N802
        """Smallest system disk in GB."""
    @MinDiskSize.setter
    def MinDiskSize(self, value: _MinDiskSize | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def disk_type(self) -> _DiskType:
        """Type of the system disk."""
    @disk_type.setter
    def disk_type(self, value: _DiskType | Mapping[str, object] | None) -> None: ...
    @property
    def DiskType(self) -> _DiskType:  # noqa: N802
        """Type of the system disk."""
    @DiskType.setter
    def DiskType(self, value: _DiskType | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def min_data_disk_size(self) -> _MinDataDiskSize:
        """Smallest data disk in GB."""
    @min_data_disk_size.setter
    def min_data_disk_size(self, value: _MinDataDiskSize | Mapping[str, object] | None) -> None: ...
    @property
    def MinDataDiskSize(self) -> _MinDataDiskSize:  # noqa: N802
        """Smallest data disk in GB."""
    @MinDataDiskSize.setter
    def MinDataDiskSize(self, value: _MinDataDiskSize | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def data_disk_type(self) -> _DataDiskType:
        """Type of the data disk."""
    @data_disk_type.setter
    def data_disk_type(self, value: _DataDiskType | Mapping[str, object] | None) -> None: ...
    @property
    def DataDiskType(self) -> _DataDiskType:  # noqa: N802
        """Type of the data disk."""
    @DataDiskType.setter
    def DataDiskType(self, value: _DataDiskType | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def data_disk_mount_point(self) -> _DataDiskMountPoint:
        """Mount point of the data disk."""
    @data_disk_mount_point.setter
    def data_disk_mount_point(self, value: _DataDiskMountPoint | Mapping[str, object] | None) -> None: ...
    @property
    def DataDiskMountPoint(self) -> _DataDiskMountPoint:  # noqa: N802
        """Mount point of the data disk."""
    @DataDiskMountPoint.setter
    def DataDiskMountPoint(self, value: _DataDiskMountPoint | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def max_retry_count(self) -> _MaxRetryCount:
        """Number of times that a failed instance is retried."""
    @max_retry_count.setter
    def max_retry_count(self, value: _MaxRetryCount | Mapping[str, object] | None) -> None: ...
    @property
    def MaxRetryCount(self) -> _MaxRetryCount:  # noqa: N802
        """Number of times that a failed instance is retried."""
    @MaxRetryCount.setter
    def MaxRetryCount(self, value: _MaxRetryCount | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def timeout(self) -> _Timeout:
        """Time-out of an attempt of an instance, in seconds."""
    @timeout.setter
    def timeout(self, value: _Timeout | Mapping[str, object] | None) -> None: ...
    @property
    def Timeout(self) -> _Timeout:  # noqa: N802
        """Time-out of an attempt of an instance, in seconds."""
    @Timeout.setter
    def Timeout(self, value: _Timeout | Mapping[str, object] | None) -> None: ...  # noqa: N802

class AppDescription(ConfigSetters):
    """An app to create or to modify (CreateApp, ModifyApp; REST API, 3.3)."""
    @overload
    def __init__(
        self,
        properties: _AppDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Description: str | None = ...,
        InputParameters: Mapping[str, _InputParameter | Mapping[str, object]] | None = ...,
        OutputParameters: Mapping[str, _OutputParameter | Mapping[str, object]] | None = ...,
        Docker: _Docker | Mapping[str, object] | None = ...,
        VM: _VM | Mapping[str, object] | None = ...,
        CommandLine: str | None = ...,
        EnvVars: Mapping[str, object] | None = ...,
        Daemonize: bool | None = ...,
        Config: _Config | Mapping[str, object] | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AppDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        description: str | None = ...,
        input_parameters: Mapping[str, _InputParameter | Mapping[str, object]] | None = ...,
        output_parameters: Mapping[str, _OutputParameter | Mapping[str, object]] | None = ...,
        docker: _Docker | Mapping[str, object] | None = ...,
        vm: _VM | Mapping[str, object] | None = ...,
        command_line: str | None = ...,
        env_vars: Mapping[str, object] | None = ...,
        daemonize: bool | None = ...,
        config: _Config | Mapping[str, object] | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str | None:
        """Name: letters, digits, ``_`` and ``-``, at most 64. Required."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str | None:  # noqa: N802
        """Name: letters, digits, ``_`` and ``-``, at most 64. Required."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def description(self) -> str | None:
        """Free text, at most 1000 characters."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str | None:  # noqa: N802
        """Free text, at most 1000 characters."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def input_parameters(self) -> dict[str, _InputParameter]:
        """The inputs by name, at most 50."""
    @input_parameters.setter
    def input_parameters(
        self, value: Mapping[str, _InputParameter | Mapping[str, object]] | None
    ) -> None: ...
    @property
    def InputParameters(self) -> dict[str, _InputParameter]:  # noqa: N802
        """The inputs by name, at most 50."""
    @InputParameters.setter
    def InputParameters(self, value: Mapping[str, _InputParameter | Mapping[str, object]] | None) -> None: ...  # noqa: N802
    @property
    def output_parameters(self) -> dict[str, _OutputParameter]:
        """The outputs by name, at most 50."""
    @output_parameters.setter
    def output_parameters(
        self, value: Mapping[str, _OutputParameter | Mapping[str, object]] | None
    ) -> None: ...
    @property
    def OutputParameters(self) -> dict[str, _OutputParameter]:  # noqa: N802
        """The outputs by name, at most 50."""
    @OutputParameters.setter
    def OutputParameters(
        self, value: Mapping[str, _OutputParameter | Mapping[str, object]] | None
    ) -> None: ...  # noqa: N802
    @property
    def docker(self) -> _Docker:
        """The container image; this or ``VM`` is required."""
    @docker.setter
    def docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...
    @property
    def Docker(self) -> _Docker:  # noqa: N802
        """The container image; this or ``VM`` is required."""
    @Docker.setter
    def Docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def vm(self) -> _VM:
        """The machine image; this or ``Docker`` is required."""
    @vm.setter
    def vm(self, value: _VM | Mapping[str, object] | None) -> None: ...
    @property
    def VM(self) -> _VM:  # noqa: N802
        """The machine image; this or ``Docker`` is required."""
    @VM.setter
    def VM(self, value: _VM | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def command_line(self) -> str | None:
        """The command, at most 1000 characters; the value of a parameter replaces ``${name}``. Required."""
    @command_line.setter
    def command_line(self, value: str | None) -> None: ...
    @property
    def CommandLine(self) -> str | None:  # noqa: N802
        """The command, at most 1000 characters; the value of a parameter replaces ``${name}``. Required."""
    @CommandLine.setter
    def CommandLine(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def env_vars(self) -> dict[str, str]:
        """Environment variables, at most 2000; every value is converted to a string."""
    @env_vars.setter
    def env_vars(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def EnvVars(self) -> dict[str, str]:  # noqa: N802
        """Environment variables, at most 2000; every value is converted to a string."""
    @EnvVars.setter
    def EnvVars(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def daemonize(self) -> bool | None:
        """Whether the program starts once and keeps running."""
    @daemonize.setter
    def daemonize(self, value: bool | None) -> None: ...
    @property
    def Daemonize(self) -> bool | None:  # noqa: N802
        """Whether the program starts once and keeps running."""
    @Daemonize.setter
    def Daemonize(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def config(self) -> _Config:
        """The configuration."""
    @config.setter
    def config(self, value: _Config | Mapping[str, object] | None) -> None: ...
    @property
    def Config(self) -> _Config:  # noqa: N802
        """The configuration."""
    @Config.setter
    def Config(self, value: _Config | Mapping[str, object] | None) -> None: ...  # noqa: N802
    def add_input_parameter(self, name: str, params: InputParameter | Mapping[str, object]) -> None:
        """Add an input parameter. The description stores a copy."""
    def get_input_parameter(self, name: str) -> InputParameter:
        """Return an input parameter.

        Raises:
            KeyError: This name does not exist.
        """
    def delete_input_parameter(self, name: str) -> None:
        """Remove an input parameter.

        Raises:
            KeyError: This name does not exist.
        """
    def add_output_parameter(self, name: str, params: OutputParameter | Mapping[str, object]) -> None:
        """Add an output parameter. The description stores a copy."""
    def get_output_parameter(self, name: str) -> OutputParameter:
        """Return an output parameter.

        Raises:
            KeyError: This name does not exist.
        """
    def get_outpu_parameter(self, name: str) -> OutputParameter:
        """Return an output parameter: the misspelt name of the old SDK."""
    def delete_output_parameter(self, name: str) -> None:
        """Remove an output parameter.

        Raises:
            KeyError: This name does not exist.
        """

class AppStatus(AppDescription, Status):
    """An app (GetApp, ListApps, GetAppDetail). The old SDK calls it ``client.response.App``.

    GetApp and ListApps omit the fields that only the owner can see: ``LocalPath``, ``CommandLine``, ``Docker``
    and ``VM``.
    """
    @overload
    def __init__(
        self,
        properties: _AppStatus | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Description: str | None = ...,
        InputParameters: Mapping[str, _InputParameter | Mapping[str, object]] | None = ...,
        OutputParameters: Mapping[str, _OutputParameter | Mapping[str, object]] | None = ...,
        Docker: _Docker | Mapping[str, object] | None = ...,
        VM: _VM | Mapping[str, object] | None = ...,
        CommandLine: str | None = ...,
        EnvVars: Mapping[str, object] | None = ...,
        Daemonize: bool | None = ...,
        Config: _Config | Mapping[str, object] | None = ...,
        CreationTime: datetime | str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AppStatus | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        description: str | None = ...,
        input_parameters: Mapping[str, _InputParameter | Mapping[str, object]] | None = ...,
        output_parameters: Mapping[str, _OutputParameter | Mapping[str, object]] | None = ...,
        docker: _Docker | Mapping[str, object] | None = ...,
        vm: _VM | Mapping[str, object] | None = ...,
        command_line: str | None = ...,
        env_vars: Mapping[str, object] | None = ...,
        daemonize: bool | None = ...,
        config: _Config | Mapping[str, object] | None = ...,
        creation_time: datetime | str | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str:
        """Name: letters, digits, ``_`` and ``-``, at most 64. Required."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str:  # noqa: N802
        """Name: letters, digits, ``_`` and ``-``, at most 64. Required."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def description(self) -> str:
        """Free text, at most 1000 characters."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str:  # noqa: N802
        """Free text, at most 1000 characters."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def input_parameters(self) -> dict[str, _InputParameter]:
        """The inputs by name, at most 50."""
    @input_parameters.setter
    def input_parameters(
        self, value: Mapping[str, _InputParameter | Mapping[str, object]] | None
    ) -> None: ...
    @property
    def InputParameters(self) -> dict[str, _InputParameter]:  # noqa: N802
        """The inputs by name, at most 50."""
    @InputParameters.setter
    def InputParameters(self, value: Mapping[str, _InputParameter | Mapping[str, object]] | None) -> None: ...  # noqa: N802
    @property
    def output_parameters(self) -> dict[str, _OutputParameter]:
        """The outputs by name, at most 50."""
    @output_parameters.setter
    def output_parameters(
        self, value: Mapping[str, _OutputParameter | Mapping[str, object]] | None
    ) -> None: ...
    @property
    def OutputParameters(self) -> dict[str, _OutputParameter]:  # noqa: N802
        """The outputs by name, at most 50."""
    @OutputParameters.setter
    def OutputParameters(
        self, value: Mapping[str, _OutputParameter | Mapping[str, object]] | None
    ) -> None: ...  # noqa: N802
    @property
    def docker(self) -> _Docker:
        """The container image; this or ``VM`` is required."""
    @docker.setter
    def docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...
    @property
    def Docker(self) -> _Docker:  # noqa: N802
        """The container image; this or ``VM`` is required."""
    @Docker.setter
    def Docker(self, value: _Docker | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def vm(self) -> _VM:
        """The machine image; this or ``Docker`` is required."""
    @vm.setter
    def vm(self, value: _VM | Mapping[str, object] | None) -> None: ...
    @property
    def VM(self) -> _VM:  # noqa: N802
        """The machine image; this or ``Docker`` is required."""
    @VM.setter
    def VM(self, value: _VM | Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def command_line(self) -> str:
        """The command, at most 1000 characters; the value of a parameter replaces ``${name}``. Required."""
    @command_line.setter
    def command_line(self, value: str | None) -> None: ...
    @property
    def CommandLine(self) -> str:  # noqa: N802
        """The command, at most 1000 characters; the value of a parameter replaces ``${name}``. Required."""
    @CommandLine.setter
    def CommandLine(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def env_vars(self) -> dict[str, str]:
        """Environment variables, at most 2000; every value is converted to a string."""
    @env_vars.setter
    def env_vars(self, value: Mapping[str, object] | None) -> None: ...
    @property
    def EnvVars(self) -> dict[str, str]:  # noqa: N802
        """Environment variables, at most 2000; every value is converted to a string."""
    @EnvVars.setter
    def EnvVars(self, value: Mapping[str, object] | None) -> None: ...  # noqa: N802
    @property
    def daemonize(self) -> bool:
        """Whether the program starts once and keeps running."""
    @daemonize.setter
    def daemonize(self, value: bool | None) -> None: ...
    @property
    def Daemonize(self) -> bool:  # noqa: N802
        """Whether the program starts once and keeps running."""
    @Daemonize.setter
    def Daemonize(self, value: bool | None) -> None: ...  # noqa: N802
    @property
    def config(self) -> _Config:
        """The configuration."""
    @config.setter
    def config(self, value: _Config | Mapping[str, object] | None) -> None: ...
    @property
    def Config(self) -> _Config:  # noqa: N802
        """The configuration."""
    @Config.setter
    def Config(self, value: _Config | Mapping[str, object] | None) -> None: ...  # noqa: N802
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

class AppRevision(Status):
    """A revision of an app (GetAppRevisions)."""
    @overload
    def __init__(
        self,
        properties: _AppRevision | Mapping[str, object] | str | bytes | None = ...,
        *,
        Revision: int | None = ...,
        UpdateTime: datetime | str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _AppRevision | Mapping[str, object] | str | bytes | None = ...,
        *,
        revision: int | None = ...,
        update_time: datetime | str | None = ...,
    ) -> None: ...
    @property
    def revision(self) -> int:
        """Number of the revision, from 0."""
    @revision.setter
    def revision(self, value: int | None) -> None: ...
    @property
    def Revision(self) -> int:  # noqa: N802
        """Number of the revision, from 0."""
    @Revision.setter
    def Revision(self, value: int | None) -> None: ...  # noqa: N802
    @property
    def update_time(self) -> datetime | None:
        """Time of creation."""
    @update_time.setter
    def update_time(self, value: datetime | str | None) -> None: ...
    @property
    def UpdateTime(self) -> datetime | None:  # noqa: N802
        """Time of creation."""
    @UpdateTime.setter
    def UpdateTime(self, value: datetime | str | None) -> None: ...  # noqa: N802

_AppDescription: TypeAlias = AppDescription
_AppRevision: TypeAlias = AppRevision
_AppStatus: TypeAlias = AppStatus
_Config: TypeAlias = Config
_DataDiskMountPoint: TypeAlias = DataDiskMountPoint
_DataDiskType: TypeAlias = DataDiskType
_DiskType: TypeAlias = DiskType
_Docker: TypeAlias = Docker
_InputParameter: TypeAlias = InputParameter
_InstanceCount: TypeAlias = InstanceCount
_InstanceType: TypeAlias = InstanceType
_MaxRetryCount: TypeAlias = MaxRetryCount
_MinDataDiskSize: TypeAlias = MinDataDiskSize
_MinDiskSize: TypeAlias = MinDiskSize
_OutputParameter: TypeAlias = OutputParameter
_Parameter: TypeAlias = Parameter
_ResourceType: TypeAlias = ResourceType
_Timeout: TypeAlias = Timeout
_VM: TypeAlias = VM
__Item: TypeAlias = _Item
__NumberItem: TypeAlias = _NumberItem
__TextItem: TypeAlias = _TextItem
