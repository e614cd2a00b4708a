"""Every attempt of an instance is kept, with how it ended."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchcompute import Client, NotFoundError
from batchcompute.resources import InstanceAttempt
from batchcompute.service import LocalService
from tests.service.helpers import carrying, finish, job, task, until


def attempts(client: Client, job_id: str, number: int = 0) -> list[tuple[object, ...]]:
    found = list(client.iter_attempts(job_id, "t", number, max_item_count=1))
    assert all(isinstance(attempt, InstanceAttempt) for attempt in found)
    return [(attempt.Number, attempt.State, attempt.ExitCode, attempt.ErrorCode) for attempt in found]


def test_an_instance_that_runs_once_has_one_attempt(local: Client) -> None:
    job_id = local.create_job(job({"t": task("true", InstanceCount=2)})).Id
    finish(local, job_id)
    for number in (0, 1):
        assert attempts(local, job_id, number) == [(1, "Finished", 0, "")]
    only = local.list_attempts(job_id, "t", 0)[0]
    assert only.Token
    assert only.NodeIp == "127.0.0.1"
    assert only.StartTime <= only.EndTime  # type: ignore[operator]


def test_each_failure_is_an_attempt(local: Client, tmp_path: Path) -> None:
    """Two failures, and then a success; the reasons stay."""
    count = tmp_path / "count"
    command = f"echo x >> {count}; n=$(wc -l < {count}); [ $n = 3 ] || exit $n"
    job_id = local.create_job(job({"t": task(command, MaxRetryCount=5)})).Id
    finish(local, job_id)
    expected = [(1, "Failed", 1, "ProgramFailed"), (2, "Failed", 2, "ProgramFailed"), (3, "Finished", 0, "")]
    assert attempts(local, job_id) == expected
    assert len({attempt.Token for attempt in local.list_attempts(job_id, "t", 0)}) == 3


def test_a_started_job_keeps_the_attempts_of_its_first_run(local: Client, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    job_id = local.create_job(job({"t": task(f"test -e {flag}", MaxRetryCount=1)})).Id
    finish(local, job_id, "Failed")
    flag.touch()
    local.start_job(job_id)
    finish(local, job_id)
    states = [(number, state) for number, state, _, _ in attempts(local, job_id)]
    assert states == [(1, "Failed"), (2, "Failed"), (3, "Finished")]


def test_a_stopped_attempt_and_one_that_never_started(local: Client) -> None:
    job_id = local.create_job(job({"t": task("sleep 54321", InstanceCount=50)})).Id
    until(lambda: local.get_instance(job_id, "t", 0).State == "Running")
    local.stop_job(job_id)
    assert [state for _, state, _, _ in attempts(local, job_id)] == ["Stopped"]
    assert attempts(local, job_id, 49) == []
    assert local.get_instance(job_id, "t", 49).State == "Stopped"


def test_a_lost_attempt_says_why(tmp_path: Path) -> None:
    """The service ends with work in flight: the next one lists what was lost."""
    data = tmp_path / "data"
    with LocalService(data, slots=1) as service, service.client() as client:
        job_id = client.create_job(job({"t": task("sleep 54321")})).Id
        until(lambda: client.get_job(job_id).State == "Running")
    with LocalService(data, slots=1) as service, service.client() as client:
        until(lambda: len(client.list_attempts(job_id, "t", 0)) == 2)
        lost, running = client.list_attempts(job_id, "t", 0)
        assert (lost.State, lost.ErrorCode, lost.ErrorMessage) == ("Lost", "Lost", "The service was closed.")
        assert running.State == "Running"
        assert running.EndTime is None
        client.stop_job(job_id)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="it looks for processes")
def test_an_attempt_that_was_killed_with_its_service_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    service = LocalService(data, slots=1, detach=True)
    with service.client() as client:
        job_id = client.create_job(job({"t": task("sleep 54321")})).Id
        until(lambda: carrying(job_id))
    service.close()
    for pid in carrying(job_id):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not carrying(job_id))
    with LocalService(data, slots=1) as service, service.client() as client:
        until(lambda: len(client.list_attempts(job_id, "t", 0)) == 2)
        assert "processes are gone" in str(client.list_attempts(job_id, "t", 0)[0].ErrorMessage)
        client.stop_job(job_id)


def test_a_released_machine_is_the_reason(local: Client) -> None:
    cluster = local.create_cluster(
        {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 1, "InstanceType": "ecs.s3.large"}}}
    ).Id
    described = task("sleep 54321", ClusterId=cluster)
    del described.AutoCluster
    job_id = local.create_job(job({"t": described})).Id
    until(lambda: local.get_job(job_id).State == "Running")
    machine = local.list_cluster_instances(cluster, "g")[0].Id
    local.recreate_cluster_instance(cluster, "g", machine)
    until(lambda: len(local.list_attempts(job_id, "t", 0)) == 2)
    lost = local.list_attempts(job_id, "t", 0)[0]
    assert (lost.State, lost.WorkerId, lost.ErrorMessage) == (
        "Lost",
        machine,
        f"Machine {machine} was released.",
    )
    local.stop_job(job_id)


def test_attempts_go_with_their_job(service: LocalService, local: Client) -> None:
    job_id = local.create_job(job({"t": task("false", MaxRetryCount=3)})).Id
    finish(local, job_id, "Failed")
    with closing(sqlite3.connect(service.data_dir / "batchcompute.db")) as db:
        assert db.execute("SELECT count(*) FROM attempts").fetchone()[0] == 3
    local.delete_job(job_id)
    with closing(sqlite3.connect(service.data_dir / "batchcompute.db")) as db:
        assert db.execute("SELECT count(*) FROM attempts").fetchone()[0] == 0


def test_what_is_not_there_is_named(local: Client) -> None:
    job_id = local.create_job(job("true")).Id
    with pytest.raises(NotFoundError, match="There is no instance '7' in task t"):
        local.list_attempts(job_id, "t", 7)
    with pytest.raises(NotFoundError, match="There is no task 'u'"):
        local.list_attempts(job_id, "u", 0)
