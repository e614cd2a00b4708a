"""Apps: commands with named inputs and outputs (REST API, 2.5 and 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, cast

from pydantic import Field

from batchcompute.errors import Problem
from batchcompute.models.base import Description, Status
from batchcompute.models.constraints import (
    MAX_VARIABLES,
    EnvironmentVariables,
    MaxLength,
    Name,
    OneOf,
    Required,
    join,
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
    """Value where a job gives none; None where it must give one."""
    local_path: Annotated[Text, MaxLength(1000)] | None = ""
    """Where the machine sees the value's OSS place; empty for a plain value."""


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
    """OSS place of a private registry."""


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
    """Whether a job may give another value."""


class _TextItem(_Item):
    default: TextDefault = NULL
    """Value where a job gives none."""


class _NumberItem(_Item):
    default: NumberDefault = NULL
    """Value where a job gives none."""


class ResourceType(_TextItem):
    """How the machines are paid for; the service's default is ``OnDemand``."""


class InstanceType(_TextItem):
    """Instance type of the machines."""


class InstanceCount(_NumberItem):
    """How many instances run; the service's default is 1."""


class MinDiskSize(_NumberItem):
    """Smallest system disk in GB; the service's default is 40."""


class DiskType(_TextItem):
    """Type of the system disk; the service's default is ``cloud_efficiency``."""


class MinDataDiskSize(_NumberItem):
    """Smallest data disk in GB; the service's default is 0, no data disk."""


class DataDiskType(_TextItem):
    """Type of the data disk; the service's default is ``cloud_efficiency``."""


class DataDiskMountPoint(_TextItem):
    """Where the data disk is mounted."""


class MaxRetryCount(_NumberItem):
    """How often a failed instance is run again; the service's default is 0."""


class Timeout(_NumberItem):
    """Seconds that one attempt of an instance may take; the service's default is 86400."""


class Config(ConfigSetters):
    """An app's configuration: a default for each value, and whether a job may give another."""

    resource_type: ResourceType | None = None
    """How the machines are paid for."""
    instance_type: InstanceType | None = None
    """Instance type of the machines."""
    instance_count: InstanceCount | None = None
    """How many instances run."""
    min_disk_size: MinDiskSize | None = None
    """Smallest system disk in GB."""
    disk_type: DiskType | None = None
    """Type of the system disk."""
    min_data_disk_size: MinDataDiskSize | None = None
    """Smallest data disk in GB."""
    data_disk_type: DataDiskType | None = None
    """Type of the data disk."""
    data_disk_mount_point: DataDiskMountPoint | None = None
    """Where the data disk is mounted."""
    max_retry_count: MaxRetryCount | None = None
    """How often a failed instance is run again."""
    timeout: Timeout | None = None
    """Seconds that one attempt of an instance may take."""

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:
        self[name] = {"Default": value, "Overwritable": overwritable, "Description": description}


class AppDescription(ConfigSetters):
    """An app to make or to change (CreateApp, ModifyApp; REST API, 3.3)."""

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
    """The command, in which ``${name}`` stands for a parameter; at most 1000 characters. Required."""
    env_vars: Annotated[EnvMap, MaxLength(MAX_VARIABLES, "entries"), EnvironmentVariables()] | None = None
    """Environment variables, at most 2000; every value becomes a text."""
    daemonize: Boolean | None = None
    """Whether the program is started once and kept running."""
    config: Config | None = None
    """The configuration."""

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:
        self.config._set(name, value, overwritable, description)

    def add_input_parameter(self, name: str, params: InputParameter | Mapping[str, object]) -> None:
        """Add an input; it is copied in."""
        self.input_parameters[name] = cast("InputParameter", params)

    def get_input_parameter(self, name: str) -> InputParameter:
        """Return an input by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.input_parameters[name]

    def delete_input_parameter(self, name: str) -> None:
        """Take out an input by name.

        Raises:
            KeyError: There is none of this name.
        """
        del self.input_parameters[name]

    def add_output_parameter(self, name: str, params: OutputParameter | Mapping[str, object]) -> None:
        """Add an output; it is copied in."""
        self.output_parameters[name] = cast("OutputParameter", params)

    def get_output_parameter(self, name: str) -> OutputParameter:
        """Return an output by name.

        Raises:
            KeyError: There is none of this name.
        """
        return self.output_parameters[name]

    def get_outpu_parameter(self, name: str) -> OutputParameter:
        """Return an output by name; the old SDK's spelling."""
        return self.get_output_parameter(name)

    def delete_output_parameter(self, name: str) -> None:
        """Take out an output by name.

        Raises:
            KeyError: There is none of this name.
        """
        del self.output_parameters[name]

    def _cross_field_problems(self, at: str) -> Iterator[Problem]:
        images = [bool(self.docker.image), bool(self.vm.ecs_image_id)]
        if all(images):
            yield Problem(join(at, "Docker"), "", "exactly one of Docker and VM is required")
        elif not any(images):
            # An empty one of the two counts as left out: the service tells both, one of them empty.
            names = {(True, False): "Docker.Image", (False, True): "VM.ECSImageId"}
            name = names.get(("Docker" in self, "VM" in self), "Docker")
            what = "an image; exactly one of Docker and VM has one"
            yield from Required(what).problems("", join(at, name))


class AppStatus(AppDescription, Status):
    """An app (GetApp, ListApps, GetAppDetail); ``client.response.App`` in the old SDK.

    GetApp and ListApps leave out what only the owner sees: ``LocalPath``, ``CommandLine``,
    ``Docker`` and ``VM``.
    """

    _identity: ClassVar[str] = "Name"
    _unset_as_zero: ClassVar[bool] = True

    creation_time: Time | None = None
    """When it was made."""


class AppRevision(Status):
    """A revision of an app (GetAppRevisions)."""

    _identity = "Revision"

    revision: Integer | None = None
    """Its number, from 0."""
    update_time: Time | None = None
    """When it was made."""
