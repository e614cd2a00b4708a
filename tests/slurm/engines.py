"""Engines for the tests, and what they have in common."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import batchcompute
from batchcompute.service.engines.base import Engine, Exited
from batchcompute.service.engines.slurm import SlurmEngine, SlurmSettings
from batchcompute.service.engines.slurm.commands import Commands
from tests.slurm.cluster import Cluster

SOURCE = Path(batchcompute.__file__).parents[1]

SETUP = f"export PYTHONPATH={shlex.quote(str(SOURCE))}"
"""Lines that make the nodes find this package."""

PREFIX = "0123456789ab-"
"""Prefix of the tokens of the tests."""


def options(shared: Path, **change: object) -> dict[str, object]:
    """Return options with short times."""
    return {
        "directory": str(shared),
        "python": shlex.quote(sys.executable),
        "setup": SETUP,
        "grace": 6,
        "wait": 5,
        "exclude_after": 1000,
        # A job of its own for each test takes a second.
        "check_seconds": 0,
        **change,
    }


def make_engine(
    cluster: Cluster, shared: Path, data: Path, commands_class: type[Commands] = Commands, **change: Any
) -> SlurmEngine:
    own = SlurmSettings.read(options(shared, **{"command_timeout": 20, **change}))
    return SlurmEngine(own, data, PREFIX, commands=commands(cluster, commands_class, own.command_timeout))


def commands(cluster: Cluster, commands_class: type[Commands] = Commands, timeout: float = 20.0) -> Commands:
    return commands_class(timeout, {"PATH": os.environ["PATH"], "HOME": "/", **cluster.environment})


def codes(engine: Engine, handles: Iterable[str]) -> list[int | None]:
    """Return the exit codes of attempts that have ended."""
    statuses = engine.status(list(handles))
    return [status.code if isinstance(status, Exited) else None for status in statuses.values()]
