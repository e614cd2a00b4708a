"""The instance types, resource types, disk types and system images that the service offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An instance type."""

    name: str
    """Its name."""
    cores: int
    """Number of cores."""
    memory: float
    """Memory in GB."""
    gpus: int = 0
    """Number of GPUs."""
    engine: str = ""
    """Name of the engine that runs instances of this type; empty for the first engine of the service."""

    def described(self) -> dict[str, Any]:
        """Return the instance type in the form of GetAvailableResource (REST API, 2.6)."""
        return {
            "InstanceType": self.name,
            "CpuCore": self.cores,
            "MemorySize": self.memory,
            "Network": {"Classic": False, "Vpc": True},
        }


TYPES = (
    InstanceType("ecs.t1.small", 1, 1),
    InstanceType("ecs.s3.large", 4, 8),
    InstanceType("ecs.sn1.medium", 2, 4),
    InstanceType("ecs.sn1.large", 4, 8),
    InstanceType("ecs.sn1ne.large", 2, 4),
    InstanceType("ecs.sn2ne.large", 2, 8),
    InstanceType("ecs.sn2ne.xlarge", 4, 16),
    InstanceType("bcs.a2.large", 4, 8),
)
"""The built-in instance types. `KnownTypes` decides whether other names are accepted."""

RESOURCE_TYPES = ("OnDemand", "Spot")
"""The resource types of machines."""

DISK_TYPES = ("cloud", "cloud_efficiency", "cloud_ssd", "ephemeral")
"""The disk types."""

SYSTEM_IMAGES = {
    "img-ubuntu": ("ubuntu-14.04-x64", "Linux"),
    "img-ubuntu-vpc": ("ubuntu-14.04-x64-vpc", "Linux"),
    "img-centos": ("centos-6.8-x64", "Linux"),
}
"""Name and platform of each system image, by id.

System images are only listed; programs run on the system of their machine.
"""

SYSTEM_IMAGE_TIME = "2015-11-11T00:00:00.000000Z"
"""The creation time of the system images: the date of the API version, because no other time is known."""
