"""Apps: commands with named inputs and outputs (REST API, 2.5 and 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, cast

from pydantic import Field

from batchcompute.models.base import Description, Status
from batchcompute.models.constraints import (
    MAX_VARIABLES,
    EnvironmentVariables,
    MaxLength,
    Name,
    OneOf,
    Required,
)
from batchcompute.models.field_types import (
    NULL,
    AnyDefault,
    Boolean,
    EnvMap,
    Integer,
    NumberDefault,
    Text,
    TextDefault,
    Time,
)
from batchcompute.resources._rules import app_problems
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

    description: Annotated[Text, MaxLength(1000)] | None = ""
    """Free text, at most 1000 characters."""
    type: Annotated[Text, OneOf(("String", "Number"))] | None = "String"
    """``String`` or ``Number``."""
    default: AnyDefault = NULL
    """Value for jobs that set none. With None, each job must set a value."""
    local_path: Annotated[Text, MaxLength(1000)] | None = ""
    """Path on the machine for a value that is an ``oss://`` URL; empty for a plain value."""


class InputParameter(Parameter):
    """A named input of an app."""


class OutputParameter(Parameter):
    """A named output of an app."""


class Docker(Description):
    """The container image that an app runs in."""

    image: Text | None = None
    """The image. Required."""
    registry_oss_path: Text | None = Field(
        default=None, validation_alias="RegistryOSSPath", serialization_alias="RegistryOSSPath"
    )
    """``oss://`` URL of a private registry."""


class VM(Description):
    """The machine image that an app runs on."""

    ecs_image_id: Text | None = Field(
        default=None, validation_alias="ECSImageId", serialization_alias="ECSImageId"
    )
    """The image. Required."""


class _Item(Description):
    description: Text | None = ""
    """Free text."""
    overwritable: Boolean | None = True
    """Whether a job may replace the value."""


class _TextItem(_Item):
    default: TextDefault = NULL
    """Value for jobs that set none; None for no default."""


class _NumberItem(_Item):
    default: NumberDefault = NULL
    """Value for jobs that set none; None for no default."""


class ResourceType(_TextItem):
    """Payment of the machines, ``OnDemand`` or ``Spot``; the default of the service is ``OnDemand``."""


class InstanceType(_TextItem):
    """Instance type of the machines."""


class InstanceCount(_NumberItem):
    """Number of instances; the default of the service is 1."""


class MinDiskSize(_NumberItem):
    """Smallest system disk in GB; the default of the service is 40."""


class DiskType(_TextItem):
    """Type of the system disk; the default of the service is ``cloud_efficiency``."""


class MinDataDiskSize(_NumberItem):
    """Smallest data disk in GB; the default of the service is 0, no data disk."""


class DataDiskType(_TextItem):
    """Type of the data disk; the default of the service is ``cloud_efficiency``."""


class DataDiskMountPoint(_TextItem):
    """Mount point of the data disk."""


class MaxRetryCount(_NumberItem):
    """Number of times that a failed instance is retried; the default of the service is 0."""


class Timeout(_NumberItem):
    """Time-out of an attempt of an instance, in seconds; the default of the service is 86400."""


class Config(ConfigSetters):
    """The configuration of an app: a default for each value, and whether a job may replace it."""

    resource_type: ResourceType | None = None
    """Payment of the machines: ``OnDemand`` or ``Spot``."""
    instance_type: InstanceType | None = None
    """Instance type of the machines."""
    instance_count: InstanceCount | None = None
    """Number of instances."""
    min_disk_size: MinDiskSize | None = None
    """Smallest system disk in GB."""
    disk_type: DiskType | None = None
    """Type of the system disk."""
    min_data_disk_size: MinDataDiskSize | None = None
    """Smallest data disk in GB."""
    data_disk_type: DataDiskType | None = None
    """Type of the data disk."""
    data_disk_mount_point: DataDiskMountPoint | None = None
    """Mount point of the data disk."""
    max_retry_count: MaxRetryCount | None = None
    """Number of times that a failed instance is retried."""
    timeout: Timeout | None = None
    """Time-out of an attempt of an instance, in seconds."""

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:
        self[name] = {"Default": value, "Overwritable": overwritable, "Description": description}


class AppDescription(ConfigSetters):
    """An app to create or to modify (CreateApp, ModifyApp; REST API, 3.3)."""

    _examples = (
        {
            "Name": "echo",
            "CommandLine": "echo ${text}",
            "VM": {"ECSImageId": "img-ubuntu"},
            "InputParameters": {"text": {"Type": "String"}},
        },
    )

    name: Annotated[Text, Name(64, digit_first=True)] | None = None
    """Name: letters, digits, ``_`` and ``-``, at most 64. Required."""
    description: Annotated[Text, MaxLength(1000)] | None = None
    """Free text, at most 1000 characters."""
    input_parameters: Annotated[dict[str, InputParameter], MaxLength(50, "entries")] | None = Field(
        default_factory=dict
    )
    """The inputs by name, at most 50."""
    output_parameters: Annotated[dict[str, OutputParameter], MaxLength(50, "entries")] | None = Field(
        default_factory=dict
    )
    """The outputs by name, at most 50."""
    docker: Docker | None = None
    """The container image; this or ``VM`` is required."""
    vm: VM | None = Field(default=None, validation_alias="VM", serialization_alias="VM")
    """The machine image; this or ``Docker`` is required."""
    command_line: Annotated[Text, Required("the command to run"), MaxLength(1000)] | None = None
    """The command, at most 1000 characters; the value of a parameter replaces ``${name}``. Required."""
    env_vars: Annotated[EnvMap, MaxLength(MAX_VARIABLES, "entries"), EnvironmentVariables()] | None = None
    """Environment variables, at most 2000; every value is converted to a string."""
    daemonize: Boolean | None = None
    """Whether the program starts once and keeps running."""
    config: Config | None = None
    """The configuration."""

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:
        self.config._set(name, value, overwritable, description)

    def add_input_parameter(self, name: str, params: InputParameter | Mapping[str, object]) -> None:
        """Add an input parameter. The description stores a copy."""
        self.input_parameters[name] = cast("InputParameter", params)

    def get_input_parameter(self, name: str) -> InputParameter:
        """Return an input parameter.

        Raises:
            KeyError: This name does not exist.
        """
        return self.input_parameters[name]

    def delete_input_parameter(self, name: str) -> None:
        """Remove an input parameter.

        Raises:
            KeyError: This name does not exist.
        """
        del self.input_parameters[name]

    def add_output_parameter(self, name: str, params: OutputParameter | Mapping[str, object]) -> None:
        """Add an output parameter. The description stores a copy."""
        self.output_parameters[name] = cast("OutputParameter", params)

    def get_output_parameter(self, name: str) -> OutputParameter:
        """Return an output parameter.

        Raises:
            KeyError: This name does not exist.
        """
        return self.output_parameters[name]

    def get_outpu_parameter(self, name: str) -> OutputParameter:
        """Return an output parameter: the misspelt name of the old SDK."""
        return self.get_output_parameter(name)

    def delete_output_parameter(self, name: str) -> None:
        """Remove an output parameter.

        Raises:
            KeyError: This name does not exist.
        """
        del self.output_parameters[name]

    _cross_field_problems = app_problems


class AppStatus(AppDescription, Status):
    """An app (GetApp, ListApps, GetAppDetail). The old SDK calls it ``client.response.App``.

    GetApp and ListApps omit the fields that only the owner can see: ``LocalPath``, ``CommandLine``, ``Docker``
    and ``VM``.
    """

    _identity: ClassVar[str] = "Name"
    _unset_as_zero: ClassVar[bool] = True

    creation_time: Time | None = None
    """Time of creation."""


class AppRevision(Status):
    """A revision of an app (GetAppRevisions)."""

    _identity = "Revision"

    revision: Integer | None = None
    """Number of the revision, from 0."""
    update_time: Time | None = None
    """Time of creation."""
