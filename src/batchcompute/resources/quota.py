"""Quotas and available resources (REST API, 2.6)."""

from __future__ import annotations

from batchcompute.models.base import Status
from batchcompute.models.field_types import Boolean, Integer, Number, Text, TextList

__all__ = ["AvailableInstanceDesc", "AvailableNetworkType", "AvailableResource", "Quota"]


class Quota(Status):
    """The types that an account may use (GetQuota). It has no numeric limits."""

    available_cluster_instance_data_disk_type: TextList | None = None
    """Types of data disks."""
    available_cluster_instance_system_disk_type: TextList | None = None
    """Types of system disks."""
    available_cluster_instance_type: TextList | None = None
    """Instance types."""
    available_cluster_resource_type: TextList | None = None
    """Resource types, ``OnDemand`` or ``Spot``."""
    available_spot_instance_type: TextList | None = None
    """Instance types that are available as spot machines."""


class AvailableNetworkType(Status):
    """The networks that are available for an instance type."""

    classic: Boolean | None = None
    """Whether the classic network is available."""
    vpc: Boolean | None = None
    """Whether private networks are available."""


class AvailableInstanceDesc(Status):
    """An instance type and its size."""

    cpu_core: Integer | None = None
    """Number of cores."""
    instance_type: Text | None = None
    """Name of the type, for example ``ecs.sn2ne.xlarge``."""
    memory_size: Number | None = None
    """Memory in GB."""
    network: AvailableNetworkType | None = None
    """The available networks."""


class AvailableResource(Status):
    """The available types (GetAvailableResource)."""

    available_cluster_instance_type: list[AvailableInstanceDesc] | None = None
    """Instance types."""
    available_spot_instance_type: list[AvailableInstanceDesc] | None = None
    """Instance types that are available as spot machines."""
    available_prepaid_instance_type: list[AvailableInstanceDesc] | None = None
    """Instance types that are available as prepaid machines."""
    available_resource_type: TextList | None = None
    """Resource types."""
    available_system_disk_type: TextList | None = None
    """Types of system disks."""
    available_data_disk_type: TextList | None = None
    """Types of data disks."""
