"""A whole service with the Slurm engine: jobs with files, failures and retries, and a service that is killed."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batchcompute import Client
from tests.service.helpers import job, task, until
from tests.slurm.cluster import Cluster
from tests.slurm.engines import SETUP

pytestmark = pytest.mark.long

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s3cret"}


class Service:
    """A service on a fixed port, which its runners know. It can be killed and started again."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        config = folder / "batchcompute.toml"
        config.write_text(
            f"""
[serve]
engine = "slurm"
detach_jobs = true

[engines.slurm]
directory = "{folder}/shared"
python = "{shlex.quote(sys.executable)}"
setup = '{SETUP}'
grace = 6
memory = "none"
"""
        )
        self.command = [
            sys.executable, "-m", "batchcompute.cli", "serve", "--config", str(config), "--port", str(self.port),
            "--data-dir", str(folder / "data"),
        ]  # fmt: skip
        self.environment = {**os.environ, **cluster.environment, **KEYS}
        self.log = folder / "log"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        # The log goes to a file: a pipe that is not read would stop the service when it is full.
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment
            )
        self.process = process
        assert process.stdout is not None
        assert any(" is served at " in line for line in process.stdout), self.log.read_text()

    def end(self, number: int) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(number)
            process.communicate(timeout=60)

    @contextmanager
    def client(self) -> Iterator[Client]:
        with Client(f"http://127.0.0.1:{self.port}", "id", "s3cret") as client:
            yield client


@pytest.fixture
def service(cluster: Cluster, tmp_path: Path) -> Iterator[Service]:
    service = Service(cluster, tmp_path)
    service.start()
    yield service
    service.end(signal.SIGTERM)


def test_a_diamond_with_files_and_a_retry(service: Service, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    files = {"InputMapping": {"oss://b/first/": "/in/"}}
    tasks = {
        "first": task("echo one > /out/one.txt", OutputMapping={"/out/": "oss://b/first/"}),
        "left": task("wc -c < /in/one.txt > /out/left", OutputMapping={"/out/": "oss://b/both/"}, **files),
        # The first attempt fails.
        "right": task(
            f"test -e {flag} || {{ touch {flag}; echo no >&2; exit 3; }}; cat /in/one.txt > /out/right",
            OutputMapping={"/out/": "oss://b/both/"}, MaxRetryCount=1, **files,
        ),
        "last": task("cat /in/left /in/right; uname -n", InputMapping={"oss://b/both/": "/in/"}),
    }  # fmt: skip
    edges = {"first": ["left", "right"], "left": ["last"], "right": ["last"]}
    with service.client() as client:
        created = client.create_job(job(tasks, edges))
        assert client.wait(created, timeout=60).State == "Finished"
        assert client.logs(created, "last").stdout.startswith("4\none\n")


def test_a_failing_job_is_no_loss(service: Service) -> None:
    with service.client() as client:
        created = client.create_job(job({"t": task("echo broken >&2; exit 3", MaxRetryCount=1)}))
        assert client.wait(created, timeout=60, raise_on_failure=False).State == "Failed"
        result = client.get_instance(created, "t", 0).Result
        assert (result.ExitCode, result.ErrorCode) == (3, "ProgramFailed")
        assert "broken" in result.Detail


def test_a_killed_service_loses_and_doubles_nothing(service: Service, tmp_path: Path) -> None:
    done = tmp_path / "done"
    command = f"sleep 1; echo $BATCH_COMPUTE_DAG_INSTANCE_ID >> {done}"
    with service.client() as client:
        created = client.create_job(job({"t": task(command, InstanceCount=40)}))
        until(done.exists)
    for _ in range(2):
        service.end(signal.SIGKILL)
        service.start()
    with service.client() as client:
        assert client.wait(created, timeout=90).State == "Finished"
    assert sorted(map(int, done.read_text().split())) == list(range(40))


def test_a_job_of_2000_instances(service: Service, tmp_path: Path) -> None:
    done = tmp_path / "done"
    command = f"echo $BATCH_COMPUTE_DAG_INSTANCE_ID >> {done}"
    quiet = task(command, InstanceCount=2000)
    # Without output, an instance needs no request.
    quiet.Parameters.StdoutRedirectPath = quiet.Parameters.StderrRedirectPath = None
    with service.client() as client:
        created = client.create_job(job({"t": quiet}))
        assert client.wait(created, timeout=180).State == "Finished"
    assert sorted(map(int, done.read_text().split())) == list(range(2000))


def test_the_reason_of_waiting_and_a_stopped_job(service: Service) -> None:
    with service.client() as client:
        # Each instance needs 4 of 64 CPUs.
        first = client.create_job(job({"t": task("sleep 300", InstanceCount=20)}))
        until(lambda: client.get_task(first, "t").InstanceMetrics.RunningCount == 16, 30)
        second = client.create_job(job("true"))
        until(lambda: " waits: " in str(client.get_job(second).Message), 30)
        assert client.get_job(second).State == "Waiting"
        client.stop_job(first)
        assert client.wait(first, timeout=60, raise_on_failure=False).State == "Stopped"
        assert client.wait(second, timeout=60).State == "Finished"
