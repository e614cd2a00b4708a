"""The parts of a service from which an engine is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.layout import MachineOptions
from batchcompute.runner.rooted import Root
from batchcompute.service.clock import Clock
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.engines.base import Engine
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.workspaces.cleanup import Cleaner
from batchcompute.service.workspaces.kept import KeptWorkdirs

__all__ = ["EngineContext", "EngineFactory"]


@dataclass(frozen=True, slots=True)
class EngineContext:
    """The parts of a service that an engine may use."""

    data_dir: Path
    """The data directory. An engine makes its own directory in it, named after the engine."""
    token_prefix: str
    """Prefix of the tokens of all attempts of this service, and of no other one."""
    slots: int
    """Number of attempts that the service runs at once, unless the engine has a limit of its own."""
    storage: ObjectStore
    """Object storage."""
    permission: Callable[[AttemptSpec], str]
    """Returns why an attempt may not use its buckets; empty if it may."""
    machine: MachineOptions
    """Options for programs on this machine."""
    work: Root
    """Directory on this machine for the files of attempts."""
    kept: KeptWorkdirs
    """Working directories that are kept after a failure."""
    cleaner: Cleaner
    """Removes files in the background."""
    clock: Clock
    """The source of time."""
    options: Mapping[str, object]
    """The options of the engine: its table ``[engines.NAME]`` in the configuration."""
    issue_grant: Callable[[AttemptSpec], str]
    """Returns a secret with which a node reaches the objects of an attempt over HTTP, and no others."""
    endpoint: Callable[[], str]
    """Returns the URL at which nodes reach this service; empty if it does not listen."""
    types: Mapping[str, InstanceType]
    """The instance types by name."""


EngineFactory: TypeAlias = Callable[[EngineContext], Engine]
"""Makes an engine for a service. The service closes it."""
