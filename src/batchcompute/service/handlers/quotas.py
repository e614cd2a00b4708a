"""What may be chosen (reference, 2.6)."""

from __future__ import annotations

from typing import Any

from batchcompute.service.catalogue import DISK_TYPES, RESOURCE_TYPES, TYPES
from batchcompute.service.wire import Params

__all__: list[str] = []


class Quotas:
    """The choices of this machine: any type is accepted, and each means a slot of it."""

    def get_quotas(self, _params: Params) -> dict[str, Any]:
        """Answer GetQuota."""
        names = [found.name for found in TYPES]
        return {
            "AvailableClusterResourceType": list(RESOURCE_TYPES),
            "AvailableClusterInstanceType": names,
            "AvailableSpotInstanceType": names,
            "AvailableClusterInstanceSystemDiskType": list(DISK_TYPES),
            "AvailableClusterInstanceDataDiskType": list(DISK_TYPES),
        }

    def get_available_resource(self, _params: Params) -> dict[str, Any]:
        """Answer GetAvailableResource."""
        types = [found.described() for found in TYPES]
        return {
            "AvailableClusterInstanceType": types,
            "AvailableSpotInstanceType": types,
            "AvailablePrepaidInstanceType": [],
            "AvailableResourceType": list(RESOURCE_TYPES),
            "AvailableSystemDiskType": list(DISK_TYPES),
            "AvailableDataDiskType": list(DISK_TYPES),
        }
