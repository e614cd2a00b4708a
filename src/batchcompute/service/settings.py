"""How a service is set up, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from batchcompute.service.domain.instance_types import TYPES, InstanceType
from batchcompute.service.isolation import Isolation

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be chosen about how a service runs jobs."""

    slots: int = 1
    """How many instances run at once."""
    region: str = "local"
    """The region that programs are told."""
    oss_host: str = ""
    """Where programs reach object storage; without it, the storage's own URL."""
    sandbox: Literal["auto", "always", "never"] = "auto"
    """When bubblewrap is used: for tasks with mappings, for all, or for none."""
    keep_mounts: bool = False
    """Whether what programs write to mounts with ``WriteSupport`` stays in object storage."""
    max_file_size: int = 0
    """Bytes that a file of a program may grow to, its output too; 0 for any."""
    work_dir: Path | None = None
    """Where programs run; without it, in the data directory."""
    hidden: tuple[Path, ...] = ()
    """Directories that no program in a sandbox sees: those of the service itself."""
    isolation: Isolation = field(default_factory=Isolation)
    """What keeps owners apart."""
    types: Mapping[str, InstanceType] = field(default_factory=lambda: {kind.name: kind for kind in TYPES})
    """The catalogue of instance types."""
