"""A data directory of an earlier version opens and goes on."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from batchcompute import Client
from batchcompute.service import LocalService
from batchcompute.service.store.schema import MIGRATIONS
from tests.service.helpers import finish

DUMP = Path(__file__).with_name("database_of_2026_11_23.sql")
"""A database of schema 5: ended jobs, one that ran when its service was closed, waiting ones, an app, a cluster, an image."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with closing(sqlite3.connect(data / "batchcompute.db")) as db:
        db.executescript(DUMP.read_text("utf-8").replace("DIRECTORY", str(data)))
        # Other tests may open a copy at the same time. A service ends all processes of its own directory.
        db.execute("UPDATE facts SET value = ? WHERE name = 'id'", (secrets.token_hex(6),))
        db.commit()
    return data


@pytest.fixture
def client(directory: Path) -> Iterator[Client]:
    with LocalService(directory, slots=2) as service, service.client() as opened:
        yield opened


def test_it_has_the_schema_of_that_day(directory: Path) -> None:
    with closing(sqlite3.connect(directory / "batchcompute.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 5 < len(MIGRATIONS)


def test_what_ended_is_shown_as_before(client: Client, directory: Path) -> None:
    dag, failed, app, single = (client.list_jobs()[number] for number in range(4))
    assert [job.State for job in (dag, failed, app, single)] == ["Finished", "Failed", "Finished", "Finished"]
    assert failed.Message == "Instance 0 of task t failed: The program ended with exit code 4."
    assert [(task.TaskName, task.InstanceMetrics.FinishedCount) for task in client.list_tasks(dag)] == [
        ("a", 1),
        ("b", 2),
    ]
    instance = client.get_instance(dag, "b", 1)
    assert instance.StdoutRedirectPath == f"oss://bucket/logs/stdout.{dag.Id}.b.1"
    assert client.get_instance(failed, "t", 0).RetryCount == 1
    assert client.get_instance(app, "app", 0).Error.Code == ""
    with closing(sqlite3.connect(directory / "batchcompute.db")) as db:
        stored = json.loads(db.execute("SELECT description FROM jobs WHERE id = ?", (dag.Id,)).fetchone()[0])
    described = client.get_job_description(dag).detail()
    assert {name: described[name] for name in stored} == stored


def test_what_had_not_ended_runs(client: Client) -> None:
    interrupted, waiting, on_cluster = (client.list_jobs()[number] for number in (4, 5, 6))
    for job in (interrupted, waiting, on_cluster):
        finish(client, job.Id)
    # The loss of that day counts, but no record of the attempt was kept then.
    assert client.get_instance(interrupted, "t", 0).RetryCount == 1
    assert [attempt.State for attempt in client.list_attempts(interrupted, "t", 0)] == ["Finished"]
    first, second = client.list_tasks(waiting)
    assert first.EndTime <= second.StartTime  # type: ignore[operator]
    assert client.get_instance(on_cluster, "t", 0).NodeIp == "127.0.0.1"


def test_apps_clusters_and_images_can_be_used(client: Client) -> None:
    assert client.get_app_detail("app").CommandLine == "echo ${x}"
    cluster = client.list_clusters()[0]
    assert cluster.Groups["g"].ActualVMCount == 1
    client.change_cluster_desired_vm_count(cluster, g=2)
    assert len(client.list_cluster_instances(cluster, "g")) == 2
    assert client.list_images()[0].Name == "i"
    run = {"Name": "again", "Type": "App", "App": {"AppName": "app", "Inputs": {"x": "there"}}}
    finish(client, client.create_job(run).Id)


def test_a_failed_job_can_start_again(client: Client) -> None:
    failed = client.list_jobs()[1]
    client.start_job(failed)
    finish(client, failed.Id, "Failed")
    states = [(attempt.Number, attempt.State) for attempt in client.list_attempts(failed, "t", 0)]
    assert states == [(2, "Failed"), (3, "Failed"), (4, "Failed")]
