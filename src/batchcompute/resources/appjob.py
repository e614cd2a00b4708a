"""App jobs: runs of an app with inputs and outputs (REST API, 3.4)."""

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
    """Values for the configuration of an app. The app declares which values a job may replace."""

    resource_type: ResourceTypeName | None = None
    """Payment of the machines: ``OnDemand`` or ``Spot``."""
    instance_type: Text | None = None
    """Instance type of the machines."""
    instance_count: Annotated[Integer, Minimum(1)] | None = None
    """Number of instances."""
    min_disk_size: Integer | None = None
    """Smallest system disk in GB."""
    disk_type: Text | None = None
    """Type of the system disk."""
    min_data_disk_size: Integer | None = None
    """Smallest data disk in GB; 0 for none."""
    data_disk_type: Text | None = None
    """Type of the data disk."""
    data_disk_mount_point: Text | None = None
    """Mount point of the data disk."""
    max_retry_count: Annotated[Integer, Minimum(0)] | None = None
    """Number of times that a failed instance is retried."""
    timeout: Annotated[Integer, Minimum(0)] | None = None
    """Time-out of an attempt of an instance, in seconds."""
    classic_network: Boolean | None = None
    """Whether the machines are in the classic network."""
    cluster_id: Text | None = None
    """Id of the cluster to run on, instead of a new one."""
    reserve_on_fail: Boolean | None = None
    """Whether the machines stay when the job fails."""

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:  # noqa: ARG002
        self[name] = value


class Logging(Description):
    """The directories for stdout and stderr of a run."""

    stdout_path: Text | None = None
    """``oss://…/`` URL of the directory for stdout."""
    stderr_path: Text | None = None
    """``oss://…/`` URL of the directory for stderr."""


class App(Description):
    """The app that an App job runs, with its inputs, outputs and configuration."""

    app_name: Annotated[Text, AppReference()] | None = None
    """Name of the app; ``:Name`` or ``Public:Name`` for a public app. Required."""
    inputs: Annotated[AnyMap, MaxLength(50, "entries"), EnvironmentVariables(len("BC_PARAM_"))] | None = (
        Field(default_factory=dict)
    )
    """The values of the inputs by name: strings or numbers."""
    outputs: Annotated[AnyMap, MaxLength(50, "entries")] | None = None
    """The ``oss://`` URLs of the outputs, by name."""
    logging: Logging | None = None
    """The directories for stdout and stderr of the run."""
    config: Config | None = None
    """Values for the configuration of the app."""

    def add_input(self, name: str, value: object) -> None:
        """Set the value of an input."""
        self.inputs[name] = value

    def get_input(self, name: str) -> object:
        """Return the value of an input.

        Raises:
            KeyError: This name does not exist.
        """
        return self.inputs[name]

    def delete_input(self, name: str) -> None:
        """Remove an input.

        Raises:
            KeyError: This name does not exist.
        """
        del self.inputs[name]

    def add_output(self, name: str, value: object) -> None:
        """Set the URL of an output."""
        self.outputs[name] = value

    def get_output(self, name: str) -> object:
        """Return the URL of an output.

        Raises:
            KeyError: This name does not exist.
        """
        return self.outputs[name]

    def delete_output(self, name: str) -> None:
        """Remove an output.

        Raises:
            KeyError: This name does not exist.
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
    """Whether the service deletes the job when it finishes."""
    job_fail_on_instance_fail: Boolean | None = None
    """Whether the job fails as soon as an instance fails and has no retries left."""
    notification: Notification | None = None
    """The topic that receives events, and which events it receives."""
    type: Annotated[JobType, OneOf(("App",))] | None = None
    """``App``. ``create_job`` sends it if it is not set."""
    app: Annotated[App, Required()] | None = Field(default_factory=App)
    """The app, with its inputs, outputs and configuration. Required."""
    priority: Annotated[Integer, Range(0, 1000)] | None = None
    """Priority, 0 to 1000. Jobs with a larger one start first."""
