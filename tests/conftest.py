from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from batchcompute import Client, regions
from batchcompute.service import LocalService
from tests.client.kinds import KINDS, Kind

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background so. Programs inherit it, and could not be interrupted by a test.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine makes slow examples, and is no mistake of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_MOST_WORKERS = 4
"""Processes that run tests at once; some tests start many programs of their own."""

_PLAIN = "not long and not browser"
"""The selection of the plain run, as in pyproject.toml."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of processes for the tests; 0 for the process of pytest itself.

    A few files are ready before further processes have started. Long tests use all processors themselves.
    """
    names = [str(argument).partition("::")[0] for argument in config.args]
    if config.option.markexpr != _PLAIN or all(name.endswith(".py") for name in names):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_WORKERS, cores)


def pytest_collection_finish() -> None:
    """Keep the collected tests, which stay until the end, out of each collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the endpoint and the data directory of the caller's environment out of the tests."""
    monkeypatch.delenv("BATCHCOMPUTE_ENDPOINT", raising=False)
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "default-data"))


@pytest.fixture(autouse=True)
def _same_log_level() -> Iterator[None]:
    """Undo what `--debug` of a command does to the process of the tests."""
    logger = logging.getLogger("batchcompute")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _fresh_regions() -> Iterator[None]:
    """Undo the registrations of regions that a test makes."""
    before, ports = dict(regions._regions), dict(regions._ports)
    yield
    regions._regions.clear()
    regions._regions.update(before)
    regions._ports.clear()
    regions._ports.update(ports)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    made = Kind(request.param)
    yield made
    made.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LocalService]:
    with LocalService(tmp_path / "data", slots=2) as found:
        yield found


@pytest.fixture
def local(service: LocalService) -> Iterator[Client]:
    with service.client() as client:
        yield client
