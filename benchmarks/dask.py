"""Benchmarks of the Dask engine: instances in a second, and what the service adds to Dask itself."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from batchcompute import Client
from batchcompute.resources import JobDescription
from batchcompute.service import LocalService
from benchmarks.common import Row

WORKERS, THREADS = 2, 2
SLOTS = WORKERS * THREADS
INSTANCES = 1000
SECONDS = 8
"""Instances of one second that each slot runs."""


def _raw(client: Any, command: list[str], count: int) -> float:
    begun = time.perf_counter()
    futures = client.map(subprocess.call, [command] * count, pure=False)
    codes = client.gather(futures)
    seconds = time.perf_counter() - begun
    assert codes == [0] * count, "a command has failed"
    return seconds


def _ours(client: Client, command: str, count: int) -> float:
    task = {
        "Parameters": {"Command": {"CommandLine": command}},
        "AutoCluster": {"InstanceType": "ecs.s3.large"},
        "InstanceCount": count,
    }
    begun = time.perf_counter()
    job = client.create_job(JobDescription(Name="bench", DAG={"Tasks": {"t": task}}))
    client.wait(job)
    seconds = time.perf_counter() - begun
    status = client.get_job(job)
    assert status.InstanceMetrics.FinishedCount == count, status
    return seconds


def dask() -> Iterable[Row]:
    """Measure Dask itself and the engine, one after the other, on clusters of the same shape."""
    distributed: Any = import_module("distributed")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with (
            distributed.LocalCluster(
                n_workers=WORKERS,
                threads_per_worker=THREADS,
                host="127.0.0.1",
                security=distributed.Security.temporary(),
                dashboard_address="127.0.0.1:0",
                local_directory=folder,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            raw = [_raw(client, ["true"], INSTANCES) for _ in range(2)]
            raw_second = _raw(client, ["sleep", "1"], SECONDS * SLOTS)
        options = {"workers": WORKERS, "threads": THREADS, "work": folder}
        with (
            LocalService(
                Path(folder) / "data", slots=SLOTS, engine="dask", engine_options={"dask": options}
            ) as service,
            service.client() as ours,
        ):
            rates = [INSTANCES / _ours(ours, "true", INSTANCES) for _ in range(2)]
            second = _ours(ours, "sleep 1", SECONDS * SLOTS)
    rate, raw_rate = max(rates), INSTANCES / min(raw)
    name = f"no-op instances on the Dask engine, {WORKERS} workers with {THREADS} threads"
    yield Row(name, f"{rate:.0f}/s (Dask itself: {raw_rate:.0f}/s)", ">= 250/s", rate >= 250)
    extra = (second / raw_second - 1) * 100
    name = "instances of one second on the Dask engine, over Dask itself"
    yield Row(name, f"{extra:.0f} % ({second:.2f} / {raw_second:.2f} s)", "<= 25 %", extra <= 25)
