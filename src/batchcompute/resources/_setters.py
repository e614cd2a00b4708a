"""The setters that the configurations of apps and of App jobs share."""

from __future__ import annotations

from batchcompute.models.base import Description

__all__: list[str] = []


class ConfigSetters(Description):
    """The setters of the configuration of an app or of an App job.

    The arguments of each setter are the value, whether a job may replace it, and a description. The last two are for
    apps; the configuration of a job ignores them.
    """

    def _set(self, name: str, value: object, overwritable: bool, description: str) -> None:
        raise NotImplementedError("each subclass stores values in its own way")

    def set_resource_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the payment of the machines: ``OnDemand`` or ``Spot``."""
        self._set("ResourceType", value, overwritable, description)

    def set_instance_type(self, value: str, overwritable: bool = True, description: str = "") -> None:
        """Set the instance type of the machines."""
        self._set("InstanceType", value, overwritable, description)

    def set_instance_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the number of instances."""
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
        """Set the mount point of the data disk."""
        self._set("DataDiskMountPoint", value, overwritable, description)

    def set_max_retry_count(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the number of times that a failed instance is retried."""
        self._set("MaxRetryCount", value, overwritable, description)

    def set_timeout(self, value: int, overwritable: bool = True, description: str = "") -> None:
        """Set the time-out of an attempt of an instance, in seconds."""
        self._set("Timeout", value, overwritable, description)
