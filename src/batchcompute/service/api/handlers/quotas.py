"""The operations on quotas and available resources (REST API, 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchcompute.service.api.routes import Params
from batchcompute.service.domain.instance_types import DISK_TYPES, RESOURCE_TYPES, InstanceType

__all__: list[str] = []


class Quotas:
    """The operations on quotas. `KnownTypes` decides which instance types are accepted.

    Args:
        types: The instance types, by name.
    """

    def __init__(self, types: Mapping[str, InstanceType]) -> None:
        self._types = types

    def get_quotas(self, _params: Params) -> dict[str, Any]:
        """Answer GetQuota."""
        names = list(self._types)
        return {
            "AvailableClusterResourceType": list(RESOURCE_TYPES),
            "AvailableClusterInstanceType": names,
            "AvailableSpotInstanceType": names,
            "AvailableClusterInstanceSystemDiskType": list(DISK_TYPES),
            "AvailableClusterInstanceDataDiskType": list(DISK_TYPES),
        }

    def get_available_resource(self, _params: Params) -> dict[str, Any]:
        """Answer GetAvailableResource."""
        types = [instance_type.described() for instance_type in self._types.values()]
        return {
            "AvailableClusterInstanceType": types,
            "AvailableSpotInstanceType": types,
            "AvailablePrepaidInstanceType": [],
            "AvailableResourceType": list(RESOURCE_TYPES),
            "AvailableSystemDiskType": list(DISK_TYPES),
            "AvailableDataDiskType": list(DISK_TYPES),
        }
