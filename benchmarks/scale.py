"""Benchmarks of large jobs on the simulated engine: the cost of the service itself, in time, memory and on disk."""

#     python -m benchmarks.scale              # measure all sizes; write docs/scale.json, from which tools/draw_scale.py draws
#     python -m benchmarks.scale 100000       # measure one size in this process; print it as JSON
#
# No program runs, and no time passes that nobody needs: a virtual clock moves to the next event. So the whole time is
# that of the service. Each size has a process of its own, because memory is measured as its largest value.

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service import LocalService, Script, SimulatedClock, SimulatedEngine
from benchmarks.common import Row
from benchmarks.service import _signed

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docs" / "scale.json"
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
SLOTS = 1000
"""Number of instances that run at once."""
PROGRAM_SECONDS = 60.0
"""Virtual seconds that each instance runs."""
PAGES = 60
"""Number of pages that are read."""


def _memory() -> float:
    """Return the memory of this process in MB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmRSS")


def _job(count: int) -> JobDescription:
    task = TaskDescription({"InstanceCount": count, "AutoCluster": {"InstanceType": "x"}})
    task.Parameters.Command.CommandLine = "work"
    return JobDescription(Name="scale", Priority=1, DAG={"Tasks": {"t": task}})


def _milliseconds(service: LocalService, targets: Sequence[str]) -> tuple[float, list[Any]]:
    """Return the median of the processor time of requests, and their responses."""
    # The service answers in the calling thread, so other programs of the machine do not count.
    requests = [_signed(target, number) for number, target in enumerate(targets)]
    times: list[float] = []
    answers: list[Any] = []
    for request in requests:
        begun = time.thread_time()
        answer = service.dispatch(request)
        times.append(time.thread_time() - begun)
        assert answer.status == 200, answer
        answers.append(json.loads(answer.body))
    return statistics.median(times) * 1000, answers


def measure(count: int) -> dict[str, float]:
    """Run a job on the simulated engine, check its end, and return the costs.

    Args:
        count: The number of its instances.
    """
    clock = SimulatedClock()
    engine = SimulatedEngine(clock, Script(seconds=PROGRAM_SECONDS))
    costs: dict[str, float] = {"instances": count}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with LocalService(folder, engine=engine, clock=clock, slots=SLOTS) as service:
            service.add_key("id", "secret")
            with service.client() as client:
                assert client.get_quotas().StatusCode == 200
                costs["memory_before_mb"] = _memory()
                began, used = time.perf_counter(), time.process_time()
                job = client.create_job(_job(count)).Id
                costs["accepted_seconds"] = time.perf_counter() - began
                while (status := client.get_job(job)).State in ("Waiting", "Running"):
                    time.sleep(0.05)
            costs["seconds"] = time.perf_counter() - began
            costs["processor_seconds"] = time.process_time() - used
            costs["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            assert status.State == "Finished", status.Message
            assert status.InstanceMetrics.FinishedCount == count, status.InstanceMetrics
            assert engine.submitted == count, f"{engine.submitted} attempts of {count} instances"
            waves = -(-count // SLOTS)
            assert clock.monotonic() >= waves * PROGRAM_SECONDS, "some programs were shorter than they are"
            _ask(service, job, count, costs)
        costs["database_mb"] = (folder / "batchcompute.db").stat().st_size / 2**20
        begun = time.process_time()
        with LocalService(folder, engine=engine, clock=clock, slots=SLOTS) as service:
            costs["restart_ms"] = (time.process_time() - begun) * 1000
            with service.client() as client:
                assert client.get_job(job).InstanceMetrics.FinishedCount == count
    return costs


def _ask(service: LocalService, job: str, count: int, costs: dict[str, float]) -> None:
    """Measure the requests of somebody who looks at the job."""
    markers = [number * (count // PAGES) for number in range(PAGES)]
    address = f"/jobs/{job}/tasks/t/instances?MaxItemCount=100&Marker="
    costs["page_ms"], pages = _milliseconds(service, [f"{address}{marker}" for marker in markers])
    for marker, page in zip(markers, pages, strict=True):
        ids = [instance["InstanceId"] for instance in page["Items"]]
        assert ids == list(range(marker, min(marker + 100, count))), (marker, ids)
        assert all(instance["State"] == "Finished" for instance in page["Items"])
    costs["job_ms"], _ = _milliseconds(service, [f"/jobs/{job}"] * PAGES)


def measured(count: int) -> dict[str, float]:
    """Measure a size in a process of its own.

    Args:
        count: The number of instances.
    """
    command = [sys.executable, "-m", "benchmarks.scale", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def large() -> Iterable[Row]:
    """Measure 10,000, 100,000 and 1,000,000 instances."""
    counts = (10_000, 100_000, 1_000_000)
    first = [measured(count) for count in counts]
    # Backwards once more, because the speed of a machine can change in the minutes that a million instances take.
    again = [measured(count) for count in (100_000, 10_000)]
    _, middle, big = first
    rate = middle["instances"] / middle["seconds"]
    share = middle["processor_seconds"] / middle["seconds"]
    yield Row(
        "100,000 instances on the simulated engine, from the request to the end",
        f"{rate:,.0f} per s, with {share:.0%} of a core", ">= 5,000 per s", rate >= 5000,
    )  # fmt: skip
    memory = middle["memory_mb"]
    yield Row("the largest memory of that process", f"{memory:.0f} MB", "<= 300 MB", memory <= 300)
    page = middle["page_ms"]
    yield Row("a page of 100 of these instances, direct", f"{page:.1f} ms", "<= 3 ms", page <= 3)
    seconds = [
        statistics.mean(run["processor_seconds"] for run in (*first, *again) if run["instances"] == count)
        for count in counts
    ]
    for less, more in ((0, 1), (1, 2)):
        found = seconds[more] / seconds[less]
        yield Row(
            f"processor time of {counts[more]:,} instances over that of {counts[less]:,}",
            f"{found:.1f} x ({seconds[more]:.1f} / {seconds[less]:.1f} s)",
            "<= 11 x",
            found <= 11,
        )
    yield Row(
        "1,000,000 instances in one job accepted, and finished",
        f"{big['accepted_seconds']:.1f} s, {big['seconds']:.0f} s, {big['memory_mb']:.0f} MB",
        "<= 300 MB",
        big["memory_mb"] <= 300,
    )


def main() -> None:
    """Measure one size, or all of them for the documentation."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
        return
    machine = f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    sizes = []
    for count in SIZES:
        costs = measured(count)
        print(json.dumps(costs), file=sys.stderr)
        sizes.append({name: round(value, 4) for name, value in costs.items()})
    FILE.write_text(
        json.dumps({"machine": machine, "slots": SLOTS, "sizes": sizes}, indent=1) + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
