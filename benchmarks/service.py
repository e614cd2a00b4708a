"""Benchmarks of the service: throughput, latency, requests, memory and idle load."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from batchcompute import Client, Credentials
from batchcompute.http.signing import sign
from batchcompute.resources import JobDescription, TaskDescription
from batchcompute.service import LocalService
from batchcompute.service.requests import Request
from benchmarks.common import Row

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
COUNT = 1000
GOAL = 0.45
"""Instances a second, over programs a second of xargs."""
ROUNDS = 3
MANY = 100_000
PAUSE = 6.0
"""Seconds before each measurement: the removal of earlier directories slows the disk down."""
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A directory in memory; on a disk, a working directory may cost more than the program."""
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}


def job(count: int = 1, command: str = "true") -> JobDescription:
    task = TaskDescription({"InstanceCount": count, "AutoCluster": {"InstanceType": "x"}})
    task.Parameters.Command.CommandLine = command
    return JobDescription(Name="bench", Priority=1, DAG={"Tasks": {"t": task}})


@contextlib.contextmanager
def serving(directory: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "batchcompute.cli", "serve", "--port", "0", "--data-dir", str(directory)]
    command += ["--log-level", "ERROR", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **KEYS}) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if " is served at " in line:
                break
        try:
            yield line.split()[-1], server
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


# -- other tools ---------------------------------------------------------------------------------


def _xargs(folder: Path) -> None:
    numbers = "\n".join(map(str, range(COUNT))).encode()
    subprocess.run(["xargs", f"-P{CORES}", "-n1", "/bin/true"], input=numbers, check=True, cwd=folder)


def _make(folder: Path) -> None:
    names = " ".join(f"t{number}" for number in range(COUNT))
    (folder / "Makefile").write_text(f".PHONY: all {names}\nall: {names}\n{names}:\n\t@/bin/true\n")
    subprocess.run(["make", f"-j{CORES}", "-s"], check=True, cwd=folder)


def _parallel(folder: Path) -> None:
    numbers = "\n".join(map(str, range(COUNT))).encode()
    command = ["parallel", f"-j{CORES}", "--will-cite", "/bin/true"]
    subprocess.run(command, input=numbers, check=True, cwd=folder)


def _run(client: Client, command: str = "true") -> None:
    job_id = client.create_job(job(COUNT, command)).Id
    while client.get_job(job_id).State not in ("Finished", "Failed"):
        time.sleep(0.02)
    assert client.get_job(job_id).InstanceMetrics.FinishedCount == COUNT


def _rate(work: Callable[[], None]) -> float:
    time.sleep(PAUSE)
    start = time.perf_counter()
    work()
    return COUNT / (time.perf_counter() - start)


def throughput() -> Iterable[Row]:
    rates: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        service = stack.enter_context(LocalService(folder / "here", slots=CORES))
        here = stack.enter_context(service.client())
        url, _ = stack.enter_context(serving(folder / "there"))
        there = stack.enter_context(Client(url, "id", "secret"))
        memory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=MEMORY))
        fast_url, _ = stack.enter_context(serving(folder / "fast", "--work-dir", memory))
        fast = stack.enter_context(Client(fast_url, "id", "secret"))
        works: dict[str, Callable[[], None]] = {
            f"xargs -P{CORES} -n1": lambda: _xargs(folder),
            f"make -j{CORES}": lambda: _make(folder),
            "in-process": lambda: _run(here),
            "over HTTP": lambda: _run(there),
            "over HTTP, working in memory": lambda: _run(fast),
            "over HTTP, working in memory, `/bin/true`": lambda: _run(fast, "/bin/true"),
        }
        if shutil.which("parallel"):
            works[f"parallel -j{CORES}"] = lambda: _parallel(folder)
        for _ in range(ROUNDS):
            for name, work in works.items():
                rates.setdefault(name, []).append(_rate(work))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    base = middle[f"xargs -P{CORES} -n1"]
    for name in [name for name in works if name.startswith(("in-process", "over HTTP"))]:
        rate = middle[name] / base
        yield Row(
            f"1,000 no-op instances, {name}, over `xargs -P{CORES} -n1`",
            f"{rate:.2f} x ({middle[name]:.0f} / {base:.0f} per s)", f">= {GOAL} x", rate >= GOAL,
        )  # fmt: skip
    ours = middle["over HTTP, working in memory"]
    for name in middle:
        if name.startswith("parallel"):
            yield Row(
                f"the same, over HTTP, working in memory, over GNU `{name}`",
                f"{ours / middle[name]:.1f} x ({middle[name]:.0f} per s)", ">= 2 x", ours / middle[name] >= 2,
            )  # fmt: skip
        elif name.startswith("make"):
            yield Row(
                f"the same over `{name}`, for comparison",
                f"{ours / middle[name]:.2f} x ({middle[name]:.0f} per s)",
                "",
                True,
            )


# -- one at a time --------------------------------------------------------------------------------


def _latency(client: Client) -> float:
    times = []
    for _ in range(40):
        start = time.perf_counter()
        job_id = client.create_job(job()).Id
        while client.get_job(job_id).State != "Finished":
            time.sleep(0.0005)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def _signed(target: str, number: int) -> Request:
    headers = sign(
        "GET", target, b"", credentials=Credentials("id", "secret"), region="local", now=datetime.now(UTC),
        nonce=str(number), user_agent="bench",
    )  # fmt: skip
    return Request("GET", target, {name.lower(): value for name, value in headers.items()})


def requests() -> Iterable[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        start = time.perf_counter()
        with LocalService(Path(folder) / "here") as service, service.client() as client:
            assert client.get_quotas().StatusCode == 200
            begun = (time.perf_counter() - start) * 1000
            yield Row("start in-process, to the first answer", f"{begun:.0f} ms", "<= 50 ms", begun <= 50)
            half = _latency(client)
            yield Row("one no-op job in-process, median", f"{half:.1f} ms", "<= 50 ms", half <= 50)
            service.add_key("id", "secret")
            job_id = client.create_job(job()).Id
            made = [_signed(f"/jobs/{job_id}", number) for number in range(5000)]
            start = time.perf_counter()
            answers = [service.dispatch(request) for request in made]
            rate = len(made) / (time.perf_counter() - start)
            assert all(answer.status == 200 for answer in answers)
            yield Row("signed GetJob, direct", f"{rate:,.0f} per s", ">= 5,000 per s", rate >= 5000)
        with serving(Path(folder) / "there") as (url, _), Client(url, "id", "secret") as client:
            assert client.get_quotas().StatusCode == 200
            half = _latency(client)
            yield Row("one no-op job over HTTP, median", f"{half:.1f} ms", "<= 80 ms", half <= 80)
            job_id = client.create_job(job()).Id
            with httpx.Client(base_url=url, trust_env=False) as bare:
                ready = [_signed(f"/jobs/{job_id}", number) for number in range(2000)]
                start = time.perf_counter()
                for request in ready:
                    assert bare.get(request.target, headers=dict(request.headers)).status_code == 200
                rate = len(ready) / (time.perf_counter() - start)
            yield Row(
                "signed GetJob over one connection, bare httpx",
                f"{rate:,.0f} per s",
                ">= 800 per s",
                rate >= 800,
            )


# -- many jobs, no job ------------------------------------------------------------------------------


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scale() -> Iterable[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        serving(Path(folder) / "there") as (url, server),
        Client(url, "id", "secret") as client,
    ):
        client.get_quotas()
        time.sleep(1)
        used, start = _seconds(server.pid), time.monotonic()
        time.sleep(20)
        share = (_seconds(server.pid) - used) / (time.monotonic() - start) * 100
        yield Row("idle server, of one core", f"{share:.2f} %", "<= 0.5 %", share <= 0.5)
        size = _status(server.pid, "VmRSS")
        yield Row("memory of an idle server", f"{size:.0f} MB", "<= 60 MB", size <= 60)
        # The job waits for a cluster without machines, so none of its instances runs.
        empty = client.create_cluster(
            {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 0}}}
        ).Id
        many = job(MANY)
        many.DAG.Tasks["t"].ClusterId = empty
        del many.DAG.Tasks["t"].AutoCluster
        start = time.monotonic()
        job_id = client.create_job(many).Id
        took = time.monotonic() - start
        yield Row("100,000 instances accepted, over HTTP", f"{took:.2f} s", "<= 2 s", took <= 2)
        times = []
        for number in range(50):
            marker = str(number * 1999)
            begun = time.perf_counter()
            page = client.list_instances(job_id, "t", marker, 100)
            times.append((time.perf_counter() - begun) * 1000)
            assert page[0].InstanceId == number * 1999
        half = statistics.median(times)
        with httpx.Client(base_url=url, trust_env=False) as bare:
            ready = [
                _signed(f"/jobs/{job_id}/tasks/t/instances?MaxItemCount=100", number) for number in range(50)
            ]
            raw: list[float] = []
            for request in ready:
                begun = time.perf_counter()
                answer: Any = bare.get(request.target, headers=dict(request.headers))
                raw.append((time.perf_counter() - begun) * 1000)
                assert len(answer.json()["Items"]) == 100
        page_time = statistics.median(raw)
        yield Row(
            "a page of 100 of them over HTTP, bare httpx (and as models)",
            f"{page_time:.1f} ms ({half:.1f} ms)", "<= 3 ms", page_time <= 3,
        )  # fmt: skip
        size = _status(server.pid, "VmRSS")
        yield Row("memory of the server then", f"{size:.0f} MB", "<= 150 MB", size <= 150)
        start = time.monotonic()
        last = client.create_job(job()).Id
        while client.get_job(last).State != "Finished":
            time.sleep(0.001)
        behind = (time.monotonic() - start) * 1000
        yield Row("a no-op job behind them", f"{behind:.0f} ms", "<= 80 ms", behind <= 80)
