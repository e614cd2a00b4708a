"""Quotas (reference, 2.6)."""

from __future__ import annotations

from typing import Any

from batchcompute.service.wire import Params

__all__: list[str] = []

_INSTANCE_TYPES = ["ecs.s3.large", "ecs.sn1.medium", "ecs.sn1.large", "ecs.t1.small", "bcs.a2.large"]
_DISK_TYPES = ["cloud", "cloud_efficiency", "cloud_ssd", "ephemeral"]


class Quotas:
    """The choices of this machine: any type is accepted, and each means a slot of it."""

    def get_quotas(self, _params: Params) -> dict[str, Any]:
        """Answer GetQuota."""
        return {
            "AvailableClusterResourceType": ["OnDemand", "Spot"],
            "AvailableClusterInstanceType": _INSTANCE_TYPES,
            "AvailableSpotInstanceType": _INSTANCE_TYPES,
            "AvailableClusterInstanceSystemDiskType": _DISK_TYPES,
            "AvailableClusterInstanceDataDiskType": _DISK_TYPES,
        }
