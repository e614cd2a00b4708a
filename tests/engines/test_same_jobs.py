"""The same jobs on each engine, and a service that is killed in the middle of them."""

from __future__ import annotations

import io
import os
import shlex
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from batchcompute import Client
from batchcompute.client.object_storage import ObjectStorage
from tests.service.helpers import job, task, until

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform != "linux", reason="a service runs on Linux")]

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s3cret"}


@dataclass
class Site:
    """An engine with its cluster."""

    name: str
    options: str = ""
    """Lines of its table in the configuration; ``FOLDER`` is the directory of the test."""
    environment: dict[str, str] = field(default_factory=dict[str, str])


class Service:
    """A service on a fixed port, which can be killed and started again."""

    def __init__(self, site: Site, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = folder / "batchcompute.toml"
        table = f"[engines.{site.name}]\n{site.options}" if site.options else ""
        config.write_text(
            f'[serve]\nengine = "{site.name}"\ndetach_jobs = true\nslots = 64\n'
            f"port = {self.url.rpartition(':')[2]}\n{table}".replace("FOLDER", str(folder))
        )
        self._command = [
            sys.executable, "-m", "batchcompute.cli", "serve", "--config", str(config), "--data-dir", str(folder / "data"),
        ]  # fmt: skip
        self._environment = {**os.environ, **site.environment, **KEYS}
        self._log = folder / "serve.log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment
            )
        assert self._process.stdout is not None
        if not any(" is served at " in line for line in self._process.stdout):
            self.end(signal.SIGKILL)
            raise AssertionError(self._log.read_text())

    def end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.communicate(timeout=60)

    @contextmanager
    def client(self) -> Generator[Client]:
        with Client(self.url, "id", "s3cret") as client:
            yield client


def _local(_stack: ExitStack, _folder: Path) -> Site:
    return Site("local")


def _slurm(stack: ExitStack, folder: Path) -> Site:
    from tests.slurm.cluster import missing_programs, running_cluster
    from tests.slurm.conftest import REQUIRED
    from tests.slurm.engines import SETUP

    missing = missing_programs()
    if missing:
        reason = f"Slurm is not installed: {', '.join(missing)}"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    cluster = stack.enter_context(running_cluster(folder))
    options = (
        f"directory = 'FOLDER/shared'\npython = {shlex.quote(sys.executable)!r}\nsetup = {SETUP!r}\n"
        "grace = 6\nmemory = 'none'\ncheck_seconds = 0\n"
    )
    return Site("slurm", options, dict(cluster.environment))


def _dask(stack: ExitStack, folder: Path) -> Site:
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    from tests.dask.cluster import DaskCluster

    cluster = DaskCluster(folder)
    stack.callback(cluster.close)
    cluster.wait()
    return Site("dask", f'scheduler = "{cluster.address}"\n')


SITES = {"local": _local, "slurm": _slurm, "dask": _dask}


@pytest.fixture(scope="module", params=list(SITES))
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        yield SITES[request.param](stack, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def service(site: Site, tmp_path: Path) -> Iterator[Service]:
    service = Service(site, tmp_path)
    service.start()
    yield service
    service.end(signal.SIGTERM)


def test_a_first_job(service: Service) -> None:
    with service.client() as client:
        created = client.create_job(job("echo hello"))
        assert client.wait(created, timeout=60).State == "Finished"
        assert client.logs(created, "t").stdout == "hello\n"


def test_a_diamond_whose_outputs_feed_inputs(service: Service) -> None:
    files = {"InputMapping": {"oss://b/first/": "/in/"}}
    tasks = {
        "first": task("echo one > /out/one.txt", OutputMapping={"/out/": "oss://b/first/"}),
        "left": task("wc -c < /in/one.txt > /out/left", OutputMapping={"/out/": "oss://b/both/"}, **files),
        "right": task("cat /in/one.txt > /out/right", OutputMapping={"/out/": "oss://b/both/"}, **files),
        "last": task("cat /in/left /in/right", InputMapping={"oss://b/both/": "/in/"}),
    }
    with service.client() as client:
        created = client.create_job(
            job(tasks, {"first": ["left", "right"], "left": ["last"], "right": ["last"]})
        )
        assert client.wait(created, timeout=90).State == "Finished"
        assert client.logs(created, "last").stdout == "4\none\n"


def test_a_failing_job_with_retries(service: Service) -> None:
    with service.client() as client:
        created = client.create_job(job({"t": task("echo broken >&2; exit 3", MaxRetryCount=2)}))
        assert client.wait(created, timeout=90, raise_on_failure=False).State == "Failed"
        instance = client.get_instance(created, "t", 0)
        assert (instance.Result.ExitCode, instance.Result.ErrorCode) == (3, "ProgramFailed")
        assert "broken" in instance.Result.detail_text
        assert [each.State for each in client.list_attempts(created, "t", 0)] == ["Failed"] * 3


def test_a_package_and_mappings(service: Service) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as package:
        script = b"#!/bin/sh\nsort /in/words.txt | tee /out/sorted.txt\n"
        member = tarfile.TarInfo("run.sh")
        member.size, member.mode = len(script), 0o755
        package.addfile(member, io.BytesIO(script))
    described = task(
        "sh run.sh",
        InputMapping={"oss://b/words.txt": "/in/words.txt"},
        OutputMapping={"/out/": "oss://b/sorted/"},
    )
    described.Parameters.Command.PackagePath = "oss://b/package.tar.gz"
    with service.client() as client:
        storage = ObjectStorage(client)
        storage.write("oss://b/package.tar.gz", io.BytesIO(archive.getvalue()))
        storage.write("oss://b/words.txt", io.BytesIO(b"b\na\n"))
        created = client.create_job(job({"t": described}))
        assert client.wait(created, timeout=90).State == "Finished"
        assert client.logs(created, "t").stdout == "a\nb\n"
        assert b"".join(storage.read("oss://b/sorted/sorted.txt")) == b"a\nb\n"


def test_hundreds_of_instances(service: Service) -> None:
    with service.client() as client:
        created = client.create_job(job({"t": task("true", InstanceCount=2000)}))
        assert client.wait(created, timeout=400).State == "Finished"
        assert client.get_job(created).InstanceMetrics.FinishedCount == 2000


def test_a_killed_service_loses_and_doubles_nothing(service: Service, tmp_path: Path) -> None:
    done = tmp_path / "done"
    command = f"sleep 0.5; echo $BATCH_COMPUTE_DAG_INSTANCE_ID >> {done}"
    with service.client() as client:
        created = client.create_job(job({"t": task(command, InstanceCount=100)}))
        until(done.exists, 60)
    for _ in range(2):
        service.end(signal.SIGKILL)
        service.start()
    with service.client() as client:
        assert client.wait(created, timeout=200).State == "Finished"
        retries = sum(each.RetryCount or 0 for each in client.iter_instances(created, "t"))
    numbers = sorted(map(int, done.read_text().split()))
    # An attempt that a retry on record has repeated may have written its number before it was lost.
    assert sorted(set(numbers)) == list(range(100))
    assert len(numbers) - 100 <= retries
