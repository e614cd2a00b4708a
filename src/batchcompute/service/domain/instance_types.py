"""What may be chosen: instance types, disks and system images, all of which mean this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An instance type of the catalogue."""

    name: str
    """Its name."""
    cores: int
    """Number of cores."""
    memory: float
    """Memory in GB."""

    def described(self) -> dict[str, Any]:
        """Return it as GetAvailableResource tells it (REST API, 2.6)."""
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
"""Types that programs name; any other name is accepted, too, as each means slots of this machine."""

RESOURCE_TYPES = ("OnDemand", "Spot")
"""How machines may be had."""

DISK_TYPES = ("cloud", "cloud_efficiency", "cloud_ssd", "ephemeral")
"""Types of disks that programs name."""

SYSTEM_IMAGES = {
    "img-ubuntu": ("ubuntu-14.04-x64", "Linux"),
    "img-ubuntu-vpc": ("ubuntu-14.04-x64-vpc", "Linux"),
    "img-centos": ("centos-6.8-x64", "Linux"),
}
"""From the id of a system image to its name and platform; programs run on this machine's own system."""

SYSTEM_IMAGE_TIME = "2015-11-11T00:00:00.000000Z"
"""When the system images were made: the day of the API's version, as no other is known."""
