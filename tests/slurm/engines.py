"""Engines for the tests, and what they have in common."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import batchcompute
from batchcompute.service.engines.base import Engine, Exited
from batchcompute.service.engines.slurm import SlurmEngine, SlurmSettings
from batchcompute.service.engines.slurm.commands import Commands
from tests.slurm.cluster import Cluster

SOURCE = Path(batchcompute.__file__).parents[1]

PREFIX = "0123456789ab-"
"""Prefix of the tokens of the tests."""


def settings(shared: Path, **options: object) -> SlurmSettings:
    """Return settings with short times."""
    values: dict[str, object] = {
        "directory": str(shared),
        "python": shlex.quote(sys.executable),
        "setup": f"export PYTHONPATH={shlex.quote(str(SOURCE))}",
        "grace": 6,
        "wait": 5,
        "exclude_after": 1000,
        **options,
    }
    return SlurmSettings.read(values)


def make_engine(
    cluster: Cluster, shared: Path, data: Path, commands_class: type[Commands] = Commands, **options: object
) -> SlurmEngine:
    return SlurmEngine(settings(shared, **options), data, PREFIX, commands=commands(cluster, commands_class))


def commands(cluster: Cluster, commands_class: type[Commands] = Commands, timeout: float = 20.0) -> Commands:
    return commands_class(timeout, {"PATH": os.environ["PATH"], "HOME": "/", **cluster.environment})


def codes(engine: Engine, handles: Iterable[str]) -> list[int | None]:
    """Return the exit codes of attempts that have ended."""
    statuses = engine.status(list(handles))
    return [status.code if isinstance(status, Exited) else None for status in statuses.values()]
