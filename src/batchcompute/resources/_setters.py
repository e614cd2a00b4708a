"""The setters that the two kinds of configuration share."""

from __future__ import annotations

from batchcompute.models.base import Description

__all__: list[str] = []


class ConfigSetters(Description):
    """The setters of an app's configuration, and of the values that a job gives it.

    Each takes the value, whether a job may give another one, and a text that describes it. The last
    two belong to an app; a job's own configuration has values only, and leaves them out.
    """

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:  # noqa: ARG002
        raise AssertionError("each class says how it holds a value")

    def set_resource_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set how the machines are paid for."""
        self._set("ResourceType", value, overwritable, description)

    def set_instance_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the instance type of the machines."""
        self._set("InstanceType", value, overwritable, description)

    def set_instance_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set how many instances run."""
        self._set("InstanceCount", value, overwritable, description)

    def set_min_disk_size(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the smallest system disk in GB."""
        self._set("MinDiskSize", value, overwritable, description)

    def set_disk_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the type of the system disk."""
        self._set("DiskType", value, overwritable, description)

    def set_min_data_disk_size(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the smallest data disk in GB."""
        self._set("MinDataDiskSize", value, overwritable, description)

    def set_data_disk_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the type of the data disk."""
        self._set("DataDiskType", value, overwritable, description)

    def set_data_disk_mount_point(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set where the data disk is mounted."""
        self._set("DataDiskMountPoint", value, overwritable, description)

    def set_max_retry_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set how often a failed instance is run again."""
        self._set("MaxRetryCount", value, overwritable, description)

    def set_timeout(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the seconds that one attempt of an instance may take."""
        self._set("Timeout", value, overwritable, description)
