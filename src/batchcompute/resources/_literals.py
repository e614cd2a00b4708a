"""The types of states and kinds: type checkers and editors know the listed words, and any other string is valid."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = [
    "ClusterState",
    "ImageType",
    "JobState",
    "JobType",
    "MachineState",
    "Platform",
    "ResourceTypeName",
]

JobState: TypeAlias = Literal["Waiting", "Running", "Finished", "Failed", "Stopped"] | str
"""State of a job, a task or an instance (REST API, 4.1)."""

ClusterState: TypeAlias = Literal["Active", "Deleting", "Deleted", "Error"] | str
"""State of a cluster (REST API, 4.4)."""

MachineState: TypeAlias = Literal["Pending", "Starting", "Running", "Deleting", "Deleted"] | str
"""State of a machine of a cluster (REST API, 4.4)."""

JobType: TypeAlias = Literal["DAG", "App"] | str
"""Kind of a job (REST API, 3.1 and 3.4)."""

ResourceTypeName: TypeAlias = Literal["OnDemand", "Spot"] | str
"""Payment of a machine (REST API, 3.2)."""

Platform: TypeAlias = Literal["Linux", "Windows"] | str
"""Operating system of an image (REST API, 3.7)."""

ImageType: TypeAlias = Literal["Self", "System"] | str
"""Owner of an image: the caller or the service (REST API, 2.4)."""
