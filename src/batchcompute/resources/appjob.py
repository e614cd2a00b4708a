"""App jobs: the run of an app with inputs and outputs (REST API, 3.4)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from batchcompute.models.base import Description
from batchcompute.models.constraints import (
    AppReference,
    EnvironmentVariables,
    MaxLength,
    Minimum,
    Name,
    OneOf,
    Range,
    Required,
)
from batchcompute.models.field_types import AnyMap, Boolean, Integer, Text
from batchcompute.resources._literals import JobType, ResourceTypeName
from batchcompute.resources._setters import ConfigSetters
from batchcompute.resources.configs import Notification

__all__ = ["App", "AppJobDescription", "Config", "Logging"]


class Config(ConfigSetters):
    """Values for an app's configuration; only those that the app lets a job overwrite."""

    resource_type: ResourceTypeName | None = None
    """How the machines are paid for."""
    instance_type: Text | None = None
    """Instance type of the machines."""
    instance_count: Annotated[Integer, Minimum(1)] | None = None
    """How many instances run."""
    min_disk_size: Integer | None = None
    """Smallest system disk in GB."""
    disk_type: Text | None = None
    """Type of the system disk."""
    min_data_disk_size: Integer | None = None
    """Smallest data disk in GB; 0 for none."""
    data_disk_type: Text | None = None
    """Type of the data disk."""
    data_disk_mount_point: Text | None = None
    """Where the data disk is mounted."""
    max_retry_count: Annotated[Integer, Minimum(0)] | None = None
    """How often a failed instance is run again."""
    timeout: Annotated[Integer, Minimum(0)] | None = None
    """Seconds that one attempt of an instance may take."""
    classic_network: Boolean | None = None
    """Whether the machines are in the classic network."""
    cluster_id: Text | None = None
    """The cluster to run on, instead of one of its own."""
    reserve_on_fail: Boolean | None = None
    """Whether the machines are kept when the job fails."""

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:  # noqa: ARG002
        self[name] = value


class Logging(Description):
    """Where the output of an app's run goes."""

    stdout_path: Text | None = None
    """``oss://…/`` directory for stdout."""
    stderr_path: Text | None = None
    """``oss://…/`` directory for stderr."""


class App(Description):
    """Which app an App job runs, and with what."""

    app_name: Annotated[Text, AppReference()] | None = None
    """Name of the app; ``:Name`` or ``Public:Name`` for a public one. Required."""
    inputs: Annotated[AnyMap, MaxLength(50, "entries"), EnvironmentVariables(len("BC_PARAM_"))] | None = (
        Field(default_factory=dict)
    )
    """From input name to text or number."""
    outputs: Annotated[AnyMap, MaxLength(50, "entries")] | None = None
    """From output name to OSS place."""
    logging: Logging | None = None
    """Where the output of the run goes."""
    config: Config | None = None
    """Values for the app's configuration."""

    def add_input(self, name: str, value: object) -> None:
        """Set an input."""
        self.inputs[name] = value

    def get_input(self, name: str) -> object:
        """Return an input.

        Raises:
            KeyError: There is none of this name.
        """
        return self.inputs[name]

    def delete_input(self, name: str) -> None:
        """Take out an input.

        Raises:
            KeyError: There is none of this name.
        """
        del self.inputs[name]

    def add_output(self, name: str, value: object) -> None:
        """Set an output."""
        self.outputs[name] = value

    def get_output(self, name: str) -> object:
        """Return an output.

        Raises:
            KeyError: There is none of this name.
        """
        return self.outputs[name]

    def delete_output(self, name: str) -> None:
        """Take out an output.

        Raises:
            KeyError: There is none of this name.
        """
        del self.outputs[name]


class AppJobDescription(Description):
    """A job that runs an app (CreateJob; REST API, 3.4)."""

    _examples = ({"Name": "demo", "Type": "App", "App": {"AppName": "echo", "Inputs": {"text": "hello"}}},)

    name: Annotated[Text, Name(100, digit_first=True)] | None = None
    """Name: letters, digits, ``_`` and ``-``, at most 100. Required."""
    description: Annotated[Text, MaxLength(1000)] | None = None
    """Free text, at most 1000 characters."""
    auto_release: Boolean | None = None
    """Whether the job is deleted once it has finished."""
    job_fail_on_instance_fail: Boolean | None = None
    """Whether the job fails as soon as one instance has failed for good."""
    notification: Notification | None = None
    """Who is told of events."""
    type: Annotated[JobType, OneOf(("App",))] | None = None
    """``App``; a create sends it where it is not set."""
    app: Annotated[App, Required()] | None = Field(default_factory=App)
    """Which app, and with what. Required."""
    priority: Annotated[Integer, Range(0, 1000)] | None = None
    """0 to 1000, larger first."""
