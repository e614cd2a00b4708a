"""Benchmark of the start: the time from the start of a server to its first response."""

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

from benchmarks.common import Row

ROUNDS = 11
LIMIT = 250.0
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}


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


def starting() -> Iterable[Row]:
    # Compiled modules are on disk, as after an installation.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
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
        # The first start compiles the modules, and reads them from the disk.
        middle = statistics.median(times[1:])
        yield Row(what, f"{middle:.0f} ms", f"<= {LIMIT:.0f} ms", middle <= LIMIT)
