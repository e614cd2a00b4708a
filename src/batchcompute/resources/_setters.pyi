# Made by tools/generate.py from _setters.py; change that file instead.
from collections.abc import Mapping
from typing import TypeAlias

from batchcompute.models.base import Description

__all__ = []

class ConfigSetters(Description):
    """The setters of an app's configuration, and of the values that a job gives it.

    Each takes the value, whether a job may give another one, and a text that describes it. The last
    two belong to an app; a job's own configuration has values only, and leaves them out.
    """
    def __init__(
        self, properties: _ConfigSetters | Mapping[str, object] | str | bytes | None = ...
    ) -> None: ...
    def set_resource_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set how the machines are paid for."""
    def set_instance_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the instance type of the machines."""
    def set_instance_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set how many instances run."""
    def set_min_disk_size(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the smallest system disk in GB."""
    def set_disk_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the type of the system disk."""
    def set_min_data_disk_size(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the smallest data disk in GB."""
    def set_data_disk_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the type of the data disk."""
    def set_data_disk_mount_point(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set where the data disk is mounted."""
    def set_max_retry_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set how often a failed instance is run again."""
    def set_timeout(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the seconds that one attempt of an instance may take."""

_ConfigSetters: TypeAlias = ConfigSetters
