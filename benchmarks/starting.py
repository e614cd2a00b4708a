"""Benchmark of the start: of a server until its first response, and of a runner until its first program starts."""

from __future__ import annotations

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.records import RecordReader, Started
from batchcompute.runner.spec_json import Assignment, SpecFile, dump_specs
from batchcompute.testing import temporary_service
from benchmarks.common import Row

ROUNDS = 11
LIMIT = 250.0
RUNNER_LIMIT = 60.0
FIXTURE_LIMIT = 50.0
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}


def _row(name: str, times: list[float], limit: float) -> Row:
    """Return the row of a start that was measured several times.

    The goals are those of a quiet machine, and other work only ever adds time, so the best time counts. The first start
    compiles modules, and reads them from the disk.
    """
    rest = times[1:]
    measured = f"{min(rest):.0f} ms (median of {len(rest)}: {statistics.median(rest):.0f} ms)"
    return Row(name, measured, f"<= {limit:.0f} ms", min(rest) <= limit)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _first_200(directory: Path, environment: dict[str, str]) -> float:
    """Return the milliseconds from the start of the process to the first 200."""
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "batchcompute.cli",
        "serve",
        "--port",
        str(port),
        "--data-dir",
        str(directory),
    ]
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as server:
        while not _answers(port):
            assert server.poll() is None
            time.sleep(0.002)
        took = time.perf_counter() - start
        server.terminate()
    return took * 1000


def _first_start(folder: Path, number: int, environment: dict[str, str]) -> float:
    """Return the milliseconds from the start of a runner to the record of the start of its first program."""
    records = folder / f"records-{number}"
    spec = AttemptSpec(f"bench-{number}", "job-1", "t", 0, "owner", "true", 60.0)
    specs = folder / f"specs-{number}"
    specs.write_bytes(dump_specs(SpecFile(str(records), (Assignment(spec),))))
    start = time.time()
    subprocess.run([sys.executable, "-m", "batchcompute.runner", str(specs)], check=True, env=environment)
    (first,) = [record for record in RecordReader(records).new() if isinstance(record, Started)]
    return (first.time - start) * 1000


def runner(environment: dict[str, str]) -> Iterable[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        times = [_first_start(Path(folder), number, environment) for number in range(ROUNDS + 1)]
    yield _row("runner: the first program starts", times, RUNNER_LIMIT)


def fixture() -> Iterable[Row]:
    """Measure what the fixtures `batchcompute_service` and `batchcompute_client` do before a test."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        with temporary_service() as service, service.client():
            times.append((time.perf_counter() - start) * 1000)
    yield _row("pytest: a service and its client for a test", times, FIXTURE_LIMIT)


def command_line(environment: dict[str, str]) -> Iterable[Row]:
    """Measure whole commands, from the start of the process to its end."""
    program = [sys.executable, "-m", "batchcompute.cli"]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        chosen = {**environment, "BATCHCOMPUTE_DATA_DIR": folder}
        for arguments, limit in ((["--help"], 150.0), (["run", "--command", "true"], 400.0)):
            times = []
            for _ in range(ROUNDS + 1):
                start = time.perf_counter()
                subprocess.run(
                    [*program, *arguments],
                    check=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=chosen,
                )
                times.append((time.perf_counter() - start) * 1000)
            yield _row(f"`batchcompute {' '.join(arguments)}`, from start to end", times, limit)


def starting() -> Iterable[Row]:
    # Compiled modules are on disk, as after an installation.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    yield from runner(environment)
    yield from command_line(environment)
    yield from fixture()
    secret_free = {name: text for name, text in environment.items() if name not in KEYS}
    for what, chosen in (
        ("serve: first 200", secret_free),
        (
            "serve: first 200, with a key in its environment",
            {**environment, **KEYS},
        ),
    ):
        times = []
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for number in range(ROUNDS + 1):
                times.append(_first_200(Path(folder) / str(number), chosen))
        yield _row(what, times, LIMIT)
