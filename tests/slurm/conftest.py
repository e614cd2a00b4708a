"""A Slurm cluster for the tests of this folder; without Slurm's packages they skip and say why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, missing_programs, running_cluster

REQUIRED = "BATCHCOMPUTE_TEST_SLURM"
"""Variable that makes a missing Slurm an error, and not a reason to skip. Continuous integration sets it."""


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    missing = missing_programs()
    if missing:
        reason = f"Slurm is not installed: {', '.join(missing)} (Debian's packages slurm-wlm and munge)"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    with running_cluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """A cluster without jobs, all of whose nodes and daemons are up."""
    yield running
    running.clear()


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory that all nodes see."""
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder
