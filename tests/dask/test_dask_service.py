"""The service on a real Dask cluster: jobs with files over HTTP, and services that are killed with work in flight."""

from __future__ import annotations

import io
import os
import signal
import tarfile
from pathlib import Path

import pytest

from batchcompute import Client
from batchcompute.client.object_storage import ObjectStorage
from batchcompute.resources import JobDescription, TaskDescription

from ..service.test_serve import KEYS, serving
from .cluster import DaskCluster, processes_with
from .helpers import until

ROOT = "${BATCH_COMPUTE_ROOT:-}"


def task(command: str, **fields: object) -> TaskDescription:
    described = TaskDescription({"AutoCluster": {"InstanceType": "ecs.s3.large"}, **fields})
    described.Parameters.Command.CommandLine = command
    described.Parameters.StdoutRedirectPath = "oss://results/logs/"
    described.Parameters.StderrRedirectPath = "oss://results/logs/"
    return described


def job(tasks: dict[str, TaskDescription], edges: dict[str, list[str]] | None = None) -> JobDescription:
    return JobDescription({"Name": "dask", "DAG": {"Tasks": tasks, "Dependencies": edges or {}}})


def options(cluster: DaskCluster, *further: str) -> list[str]:
    texts = [f"scheduler={cluster.address}", f"work={cluster.folder}/work", *further]
    return ["--engine", "dask", *(part for text in texts for part in ("--engine-options", f"dask.{text}"))]


@pytest.mark.usefixtures("cluster")
def test_jobs_with_files_need_no_common_directory(cluster: DaskCluster, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", *options(cluster), **KEYS) as (url, _),
        Client(url, "id", "s3cret") as client,
    ):
        hello = client.create_job(job({"t": task("echo hello; echo no >&2; exit 3", MaxRetryCount=1)}))
        assert client.wait(hello, raise_on_failure=False).State == "Failed"
        assert client.logs(hello, "t").stdout == "hello\n"
        result = client.get_instance(hello, "t", 0)
        assert (result.Result.ExitCode, result.Result.Detail, result.RetryCount) == (3, "no\n", 1)

        # A diamond: outputs of one task are inputs of the next ones, and a package has the program of the last one.
        first = task(
            f"mkdir -p {ROOT}/out; for i in 1 2 3; do echo $i > {ROOT}/out/$i; done; echo {ROOT} > {ROOT}/where"
        )
        first.OutputMapping = {"/out/": "oss://results/numbers/", "/where": "oss://results/where"}
        sides: dict[str, TaskDescription] = {}
        for name, factor in (("left", 10), ("right", 100)):
            side = task(f"cat {ROOT}/in/* | awk '{{ s += $1 * {factor} }} END {{ print s }}' > {ROOT}/sum")
            side.InputMapping = {"oss://results/numbers/": "/in/"}
            side.OutputMapping = {"/sum": f"oss://results/sums/{name}"}
            sides[name] = side
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            program = f"#!/bin/sh\ncat {ROOT}/sums/left {ROOT}/sums/right > {ROOT}/total\n".encode()
            member = tarfile.TarInfo("add.sh")
            member.size, member.mode = len(program), 0o755
            tar.addfile(member, io.BytesIO(program))
        archive.seek(0)
        objects = ObjectStorage(client)
        objects.write("oss://results/package.tar.gz", archive)
        last = task("./add.sh")
        last.Parameters.Command.PackagePath = "oss://results/package.tar.gz"
        last.InputMapping = {"oss://results/sums/": "/sums/"}
        last.OutputMapping = {"/total": "oss://results/total"}
        tasks = {"first": first, **sides, "last": last}
        edges = {"first": ["left", "right"], "left": ["last"], "right": ["last"]}
        diamond = client.create_job(job(tasks, edges))
        assert client.wait(diamond).State == "Finished"
        assert b"".join(objects.read("oss://results/total")) == b"60\n600\n"


def test_a_service_that_is_killed_loses_and_doubles_nothing(cluster: DaskCluster, tmp_path: Path) -> None:
    count = 24
    command = f"sleep 0.2; echo $BATCH_COMPUTE_DAG_INSTANCE_ID >> {tmp_path}/runs"
    described = task(command, InstanceCount=count)
    described.Parameters.StdoutRedirectPath = described.Parameters.StderrRedirectPath = ""
    with serving(tmp_path / "data", *options(cluster, "slots=16"), **KEYS) as (url, server):
        with Client(url, "id", "s3cret") as client:
            created = client.create_job(job({"t": described}))
            client.wait(created, until="Running")
            until((tmp_path / "runs").exists, "an instance has ended")
        server.kill()
        server.wait()
    with serving(tmp_path / "data", *options(cluster, "slots=16"), **KEYS) as (url, _):
        with Client(url, "id", "s3cret") as client:
            assert client.wait(created).State == "Finished"
            states = [
                [attempt.State for attempt in client.list_attempts(created, "t", number)]
                for number in range(count)
            ]
    runs = (tmp_path / "runs").read_text().split()
    assert sorted(map(int, runs)) == list(range(count)), "each instance has run, and none of them twice"
    # An attempt that was recorded, and was not with Dask yet when the service was killed, is lost without having run.
    assert all(each[-1] == "Finished" and set(each[:-1]) <= {"Lost"} for each in states), states


@pytest.mark.long
def test_a_worker_that_dies_costs_no_retry(cluster: DaskCluster, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    # The first attempt waits for its end.
    command = f"if mkdir {gate}; then exec sleep 318765; fi"
    with (
        serving(tmp_path / "data", *options(cluster), **KEYS) as (url, _),
        Client(url, "id", "s3cret") as client,
    ):
        created = client.create_job(job({"t": task(command)}))
        until(lambda: processes_with("sleep 318765"), "the program runs")
        pid = processes_with("sleep 318765")[0]
        worker = _owner(pid)
        os.kill(worker, signal.SIGKILL)
        assert client.wait(created).State == "Finished"
        states = [attempt.State for attempt in client.list_attempts(created, "t", 0)]
        # The task allows no retry after a failure.
        assert states == ["Lost", "Finished"]
    until(lambda: not processes_with("sleep 318765"), "the program of the dead worker is ended")
    cluster.wait()


def _owner(pid: int) -> int:
    """Return the process of the worker that has started a program."""
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("the program has no worker")


@pytest.mark.long
def test_a_service_that_is_killed_with_its_own_cluster_repeats_what_ran(tmp_path: Path) -> None:
    settings = ["--engine", "dask", "--slots", "4"]
    for text in ("workers=2", f"work={tmp_path}/work"):
        settings += ["--engine-options", f"dask.{text}"]
    gate, runs = tmp_path / "gate", tmp_path / "runs"
    # Their output goes to objects, so the next service needs its address at once, when it submits them again.
    # The first four instances wait for each other's end; the next service must end them, and run them again.
    command = f"echo $BATCH_COMPUTE_DAG_INSTANCE_ID >> {runs}; [ -e {gate} ] || exec sleep 319876"
    described = task(command, InstanceCount=6)
    with serving(tmp_path / "data", *settings, **KEYS) as (url, server):
        with Client(url, "id", "s3cret") as client:
            created = client.create_job(job({"t": described}))
            until(lambda: len(processes_with("sleep 319876")) >= 4, "four programs run")
        server.kill()
        server.wait()
    gate.touch()
    with serving(tmp_path / "data", *settings, **KEYS) as (url, _), Client(url, "id", "s3cret") as client:
        assert client.wait(created).State == "Finished"
        states = [
            [attempt.State for attempt in client.list_attempts(created, "t", number)] for number in range(6)
        ]
    assert all(each[-1] == "Finished" and set(each[:-1]) <= {"Lost"} for each in states), states
    assert not processes_with("sleep 319876")
    assert sorted(set(map(int, runs.read_text().split()))) == list(range(6))
