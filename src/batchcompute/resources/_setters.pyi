# Made by tools/generate.py from _setters.py; change that file instead.
from collections.abc import Mapping
from typing import TypeAlias

from batchcompute.models.base import Description

__all__ = []

class ConfigSetters(Description):
    """The setters of the configuration of an app or of an App job.

    The arguments of each setter are the value, whether a job may replace it, and a description. The last two are for
    apps; the configuration of a job ignores them.
    """
    def __init__(
        self, properties: _ConfigSetters | Mapping[str, object] | str | bytes | None = ...
    ) -> None: ...
    def set_resource_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the payment of the machines: ``OnDemand`` or ``Spot``."""
    def set_instance_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the instance type of the machines."""
    def set_instance_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the number of instances."""
    def set_min_disk_size(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the smallest system disk in GB."""
    def set_disk_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the type of the system disk."""
    def set_min_data_disk_size(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the smallest data disk in GB."""
    def set_data_disk_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the type of the data disk."""
    def set_data_disk_mount_point(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the mount point of the data disk."""
    def set_max_retry_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the number of times that a failed instance is retried."""
    def set_timeout(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the time-out of an attempt of an instance, in seconds."""

_ConfigSetters: TypeAlias = ConfigSetters
