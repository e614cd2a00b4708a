"""Jobs that run on this machine, through the typed client."""

from __future__ import annotations

import io
import random
import sqlite3
import sys
import tarfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from batchcompute import Client, ClientError, InvalidParameterError, NotFoundError, StateConflictError
from batchcompute.resources import ClusterDescription, JobDescription
from batchcompute.service import LocalService
from batchcompute.service.store import machine_pools
from tests.service.helpers import carrying, finish, job, output, task, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for what is left running")


def test_the_three_instances_of_a_task_run_and_write_their_logs(service: LocalService, local: Client) -> None:
    created = local.create_job(job({"Echo": task('echo "$BATCH_COMPUTE_DAG_INSTANCE_ID"', InstanceCount=3)}))
    assert created.StatusCode == 201
    assert created.Id.startswith("job-")
    assert len(created.Id) == 36
    finish(local, created.Id)
    found = local.get_job(created)
    assert found.InstanceMetrics.FinishedCount == 3
    assert found.TaskMetrics.FinishedCount == 1
    assert found.CreationTime is not None
    assert found.StartTime is not None
    assert found.EndTime is not None
    assert found.CreationTime <= found.StartTime <= found.EndTime
    for number in range(3):
        assert output(service, local, created.Id, "Echo", number) == f"{number}\n"
        instance = local.get_instance(created, "Echo", number)
        assert instance.StdoutRedirectPath == f"oss://bucket/logs/stdout.{created.Id}.Echo.{number}"
        assert (instance.Result.ExitCode, instance.Result.ErrorCode, instance.State) == (0, "", "Finished")


def test_a_job_is_waiting_right_after_it_is_created(local: Client) -> None:
    first = local.create_job(job({"t": task("sleep 30", InstanceCount=2)})).Id
    until(lambda: local.get_job(first).InstanceMetrics.RunningCount == 2)
    second = local.create_job(job("true")).Id
    assert local.get_job(second).State == "Waiting"
    assert [found.Id for found in local.list_jobs(state="Waiting")] == [second]
    local.stop_job(first)
    finish(local, second)


def test_programs_get_the_documented_environment(
    service: LocalService, local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "not for tasks")
    cluster = local.create_cluster({"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 1}}}).Id
    described = task("env; pwd; ls -A", AutoCluster=None, ClusterId=cluster)
    described.Parameters.Command.EnvVars = {"MINE": 5, "PATH": "/mine:/usr/bin:/bin"}
    job_id = local.create_job(job({"t": described})).Id
    finish(local, job_id)
    lines = output(service, local, job_id).splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    assert values["BATCH_COMPUTE_DAG_JOB_ID"] == job_id
    assert values["BATCH_COMPUTE_DAG_TASK_ID"] == "t"
    assert values["BATCH_COMPUTE_DAG_INSTANCE_ID"] == "0"
    assert values["BATCH_COMPUTE_CLUSTER_ID"] == cluster
    assert values["BATCH_COMPUTE_REGION"] == "local"
    assert {"BATCH_COMPUTE_OSS_HOST", "BATCH_COMPUTE_WORKER_ID"} <= set(values)
    assert (values["MINE"], values["PATH"]) == ("5", "/mine:/usr/bin:/bin")
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET" not in values
    # Each instance has its own, empty working directory.
    assert lines[-1].startswith(str(service.data_dir / "work"))


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("exit 3", 3, "ProgramFailed"), ("false", 1, "ProgramFailed"), ("no-such-command", 127, "CommandNotFound"),
        ("kill -9 $$", 137, "ProgramFailed"), ("kill -9 $PPID", 137, "ProgramKilled"), ("sh -c 'kill -TERM $$'", 143, "ProgramFailed"),
        ("set -e; false; true", 1, "ProgramFailed"), ('exec sh -c "exit 4"', 4, "ProgramFailed"),
        ("unset BC_EXIT; cd /; exit 7", 7, "ProgramFailed"),
    ],
)  # fmt: skip
def test_the_result_of_an_instance_says_how_its_command_ended(
    local: Client, command: str, code: int, error: str
) -> None:
    job_id = local.create_job(job(f"echo why >&2; {command}")).Id
    finish(local, job_id, "Failed")
    result = local.get_instance(job_id, "t", 0).Result
    assert (result.ExitCode, result.ErrorCode) == (code, error)
    assert result.Detail.startswith("why")
    assert result.ErrorMessage in local.get_job(job_id).Message


def test_a_shell_syntax_error_fails_the_instance(local: Client) -> None:
    job_id = local.create_job(job("if then")).Id
    finish(local, job_id, "Failed")
    result = local.get_instance(job_id, "t", 0).Result
    assert result.ExitCode == 2
    assert "yntax error" in result.Detail


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo 'a  b' \"c\"", "a  b c\n"), ("echo a # comment", "a\n"), ("echo a\necho b", "a\nb\n"), ("echo $#:$1", "0:\n"),
        ("printf 'a\\nb'", "a\nb"), ("cat <<X\nhere\nX", "here\n"), ("echo 中文", "中文\n"), ("echo a; exit 0; echo b", "a\n"),
        ("(echo a) && { echo b; }", "a\nb\n"), ("x=1; echo $x; cat", "1\n"),
    ],
)  # fmt: skip
def test_commands_run_in_a_shell(service: LocalService, local: Client, command: str, expected: str) -> None:
    job_id = local.create_job(job(command)).Id
    finish(local, job_id)
    assert output(service, local, job_id) == expected


def test_tasks_start_when_their_predecessors_have_finished(
    service: LocalService, local: Client, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    tasks = {name: task(f"echo {name} >> {trace}", InstanceCount=2) for name in "abcd"}
    job_id = local.create_job(job(tasks, {"a": ["b", "c"], "b": ["d"], "c": ["d"]})).Id
    finish(local, job_id)
    order = trace.read_text().split()
    assert order[:2] == ["a", "a"]
    assert sorted(order[2:6]) == ["b", "b", "c", "c"]
    assert order[6:] == ["d", "d"]


def test_no_more_instances_run_than_there_are_slots(
    service: LocalService, local: Client, tmp_path: Path
) -> None:
    command = f"mkdir {tmp_path}/$$ && ls {tmp_path} | wc -l; sleep 0.02; rmdir {tmp_path}/$$"
    before = len(list(tmp_path.iterdir()))
    job_id = local.create_job(job({"t": task(command, InstanceCount=20)})).Id
    finish(local, job_id)
    counts = {int(output(service, local, job_id, number=number)) - before for number in range(20)}
    assert counts <= {1, 2}
    assert max(counts) == 2


def test_higher_priorities_start_first(service: LocalService, local: Client) -> None:
    block = local.create_job(job({"t": task("sleep 30", InstanceCount=2)})).Id
    until(lambda: local.get_job(block).InstanceMetrics.RunningCount == 2)
    ids = [local.create_job(job("true", Priority=priority)).Id for priority in (1, 5, 3)]
    # A new job waits for a moment, and lets others pass.
    held = service._parts.dispatcher._held
    until(lambda: all(moment < time.monotonic() for moment in list(held.values())))
    local.stop_job(block)
    for job_id in ids:
        finish(local, job_id)
    # Compare the times of the starts: two jobs run at a time, so the order of their output may differ.
    low, high, middle = (str(local.get_instance(job_id, "t", 0).StartTime) for job_id in ids)
    assert high <= middle <= low != high


def test_a_failed_instance_is_retried_as_often_as_its_task_allows(
    service: LocalService, local: Client, tmp_path: Path
) -> None:
    counter = tmp_path / "count"
    command = f"echo x >> {counter}; test $(wc -l < {counter}) -ge 3"
    job_id = local.create_job(job({"t": task(command, MaxRetryCount=5)})).Id
    finish(local, job_id)
    assert local.get_instance(job_id, "t", 0).RetryCount == 2
    counter.unlink()
    job_id = local.create_job(job({"t": task(command, MaxRetryCount=1)})).Id
    finish(local, job_id, "Failed")
    assert local.get_instance(job_id, "t", 0).RetryCount == 1


def test_a_failed_instance_fails_its_job(local: Client) -> None:
    tasks = {"bad": task("exit 3"), "slow": task("sleep 30"), "after": task("true")}
    job_id = local.create_job(job(tasks, {"bad": ["after"]})).Id
    finish(local, job_id, "Failed")
    states = {found.TaskName: found.State for found in local.list_tasks(job_id)}
    assert states == {"bad": "Failed", "slow": "Stopped", "after": "Stopped"}
    assert "task bad" in local.get_job(job_id).Message
    assert local.get_job(job_id).InstanceMetrics.detail() == {
        "WaitingCount": 0, "RunningCount": 0, "FinishedCount": 0, "FailedCount": 1, "StoppedCount": 2,
    }  # fmt: skip


def test_a_failed_instance_does_not_fail_a_job_that_tolerates_it(local: Client) -> None:
    tasks = {"bad": task('exit "$BATCH_COMPUTE_DAG_INSTANCE_ID"', InstanceCount=2), "after": task("true")}
    job_id = local.create_job(job(tasks, {"bad": ["after"]}, JobFailOnInstanceFail=False)).Id
    finish(local, job_id)
    states = {found.TaskName: found.State for found in local.list_tasks(job_id)}
    assert states == {"bad": "Finished", "after": "Finished"}
    assert [found.State for found in local.list_instances(job_id, "bad")] == ["Finished", "Failed"]


def test_a_timeout_ends_the_whole_tree(local: Client) -> None:
    command = "sleep 54321 & (setsid sh -c 'sleep 54321 & sleep 54321' &) ; sleep 54321"
    job_id = local.create_job(job({"t": task(command, Timeout=1)})).Id
    until(lambda: local.get_job(job_id).State == "Running")
    assert until(lambda: len(carrying(job_id)) > 2)
    finish(local, job_id, "Failed")
    assert local.get_instance(job_id, "t", 0).Result.ErrorCode == "Timeout"
    until(lambda: not carrying(job_id))


def test_stop_ends_the_whole_tree_at_once(local: Client) -> None:
    job_id = local.create_job(job("(setsid sh -c 'sleep 54321 & sleep 54321' &); sleep 54321")).Id
    until(lambda: len(carrying(job_id)) > 2)
    assert local.stop_job(job_id).StatusCode == 201
    assert local.get_job(job_id).State == "Stopped"
    until(lambda: not carrying(job_id))
    assert local.get_instance(job_id, "t", 0).State == "Stopped"


def test_processes_that_a_program_leaves_behind_end_with_it(local: Client, service: LocalService) -> None:
    job_id = local.create_job(job("(setsid sleep 54321 &) ; echo started")).Id
    finish(local, job_id)
    until(lambda: not carrying(job_id))


def test_a_job_is_stopped_started_and_deleted(service: LocalService, local: Client, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    tasks = {
        "first": task(f"echo x >> {tmp_path}/first"),
        "second": task(f"while [ ! -e {flag} ]; do sleep 0.01; done"),
    }
    job_id = local.create_job(job(tasks, {"first": ["second"]})).Id
    until(lambda: local.get_task(job_id, "second").State == "Running")
    for refused in (local.start_job, local.delete_job, lambda found: local.change_job_priority(found, 3)):
        with pytest.raises(StateConflictError, match="The current resource state is Running"):
            refused(job_id)
    local.stop_job(job_id)
    with pytest.raises(StateConflictError):
        local.stop_job(job_id)
    local.change_job_priority(job_id, 10)
    assert local.get_job_description(job_id).Priority == 10
    local.start_job(job_id)
    assert local.get_job(job_id).State in ("Waiting", "Running")
    flag.touch()
    finish(local, job_id)
    assert (tmp_path / "first").read_text() == "x\n"
    assert local.delete_job(job_id).StatusCode == 204
    with pytest.raises(NotFoundError):
        local.get_job(job_id)


def test_stop_start_and_delete_need_no_waiting_in_between(local: Client) -> None:
    job_id = local.create_job(job("sleep 30")).Id
    local.stop_job(job_id)
    local.change_job_priority(job_id, 7)
    local.start_job(job_id)
    local.stop_job(job_id)
    local.delete_job(job_id)
    with pytest.raises(NotFoundError):
        local.get_task(job_id, "t")


def test_a_failed_job_starts_again_without_its_finished_tasks(local: Client, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    tasks = {"good": task(f"echo x >> {tmp_path}/good"), "bad": task(f"test -e {flag}")}
    job_id = local.create_job(job(tasks, {"good": ["bad"]})).Id
    finish(local, job_id, "Failed")
    flag.touch()
    local.start_job(job_id)
    finish(local, job_id)
    assert "failed" not in local.get_job(job_id).Message
    assert (tmp_path / "good").read_text() == "x\n"


def test_a_finished_job_with_auto_release_is_deleted(local: Client) -> None:
    job_id = local.create_job(job("true", AutoRelease=True)).Id

    def gone() -> bool:
        try:
            local.get_job(job_id)
        except NotFoundError:
            return True
        return False

    until(gone)
    failed = local.create_job(job("false", AutoRelease=True)).Id
    finish(local, failed, "Failed")


def test_a_program_runs_from_its_package(service: LocalService, local: Client) -> None:
    package = service.oss_path("oss://bucket/worker.tar.gz")
    package.parent.mkdir(parents=True)
    with tarfile.open(package, "w:gz") as archive:
        data = b"echo packed $1\n"
        info = tarfile.TarInfo("run.sh")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    script = service.oss_path("oss://bucket/worker")
    script.write_text("#!/bin/sh\necho plain\n")
    for name, command, expected in (
        ("worker.tar.gz", "sh run.sh 1", "packed 1\n"),
        ("worker", "./worker", "plain\n"),
    ):
        described = task(command)
        described.Parameters.Command.PackagePath = f"oss://bucket/{name}"
        job_id = local.create_job(job({"t": described})).Id
        finish(local, job_id)
        assert output(service, local, job_id) == expected


def test_a_missing_package_fails_the_instance(local: Client) -> None:
    described = task("true")
    described.Parameters.Command.PackagePath = "oss://bucket/missing.tar.gz"
    job_id = local.create_job(job({"t": described})).Id
    finish(local, job_id, "Failed")
    result = local.get_instance(job_id, "t", 0).Result
    assert result.ErrorCode == "PackageError"
    assert "oss://bucket/missing.tar.gz" in result.ErrorMessage


def test_an_output_that_cannot_be_written_fails_the_instance(service: LocalService, local: Client) -> None:
    blocked = service.oss_path("oss://bucket/logs")
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where the directory should be")
    job_id = local.create_job(job("true")).Id
    finish(local, job_id, "Failed")
    assert local.get_instance(job_id, "t", 0).Result.ErrorCode == "OutputError"


def test_a_task_without_redirect_paths_has_no_log_paths(local: Client) -> None:
    described = task("echo lost")
    described.Parameters.StdoutRedirectPath = ""
    described.Parameters.StderrRedirectPath = None
    job_id = local.create_job(job({"t": described})).Id
    finish(local, job_id)
    assert local.get_instance(job_id, "t", 0).StdoutRedirectPath == ""


def test_the_description_of_a_job_is_returned_with_its_defaults(local: Client) -> None:
    sent = job("true", Priority=3, Description="mine")
    found = local.get_job_description(local.create_job(sent))
    assert (found.Name, found.Priority, found.Description, found.Type) == ("test", 3, "mine", "DAG")
    assert found.DAG.Tasks["t"].Parameters.Command.CommandLine == "true"
    assert found.Notification.Topic.Events == []
    assert "Notification" in found


def test_pages_of_lists_hold_each_item_once(local: Client) -> None:
    ids = [local.create_job(job("true")).Id for _ in range(5)]
    page = local.list_jobs("", 2)
    assert [found.Id for found in page] == ids[:2]
    assert page.NextMarker == ids[2]
    assert [found.Id for found in local.list_jobs(page.NextMarker, 2)] == ids[2:4]
    last = local.list_jobs(ids[4], 2)
    assert (len(last), last.NextMarker) == (1, "")
    assert [found.Id for found in local.list_jobs("", 3, OrderBy="Id", IsReverse="True")] == ids[:1:-1]
    assert local.list_jobs("", 0).Items == []
    assert [found.Id for found in local.easy_list("jobs", Id=ids[3])] == [ids[3]]
    many = local.create_job(job({"t": task("true", InstanceCount=205)})).Id
    assert [found.InstanceId for found in local.easy_list("instances", many, "t")] == list(range(205))
    for bad, reason in (("101", r"It must be in \[0, 100\]"), ("-1", r"It must be in \[0, 100\]")):
        with pytest.raises(InvalidParameterError, match=reason) as caught:
            local.list_jobs("", int(bad))
        assert caught.value.code == "InvalidMaxItemCount"
    with pytest.raises(InvalidParameterError) as caught:
        local.list_jobs("", 1, "Dreaming")
    assert caught.value.code == "InvalidState"


def test_a_cluster_is_created_modified_listed_and_deleted(
    local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster_id = local.create_cluster(
        {
            "Name": "c",
            "ImageId": "img-ubuntu",
            "UserData": {"a": "b"},
            "Groups": {"group1": {"DesiredVMCount": 3, "InstanceType": "x"}},
        }
    ).Id
    assert cluster_id.startswith("cls-")
    found = local.get_cluster(cluster_id)
    assert (found.Name, found.State, found.ImageId, found.UserData) == (
        "c",
        "Active",
        "img-ubuntu",
        {"a": "b"},
    )
    assert found.Groups["group1"].DesiredVMCount == 3
    assert found.OperationLogs
    assert found.CreationTime is not None
    local.change_cluster_desired_vm_count(cluster_id, group1=0)
    assert local.get_cluster(cluster_id).get_group("group1").DesiredVMCount == 0
    local.change_cluster_user_data(cluster_id, {"c": "d"})
    assert local.get_cluster(cluster_id).UserData == {"c": "d"}
    with pytest.raises(NotFoundError):
        local.change_cluster_desired_vm_count(cluster_id, nope=1)
    assert [item.Id for item in local.list_clusters()] == [cluster_id]
    assert local.delete_cluster(cluster_id).StatusCode == 204
    assert local.get_cluster(cluster_id).State == "Deleting"
    for call in (
        lambda: local.delete_cluster(cluster_id),
        lambda: local.change_cluster_desired_vm_count(cluster_id, group1=1),
    ):
        with pytest.raises(StateConflictError, match="Deleting"):
            call()
    monkeypatch.setattr(machine_pools, "_SHOWN_SECONDS", 0)
    with pytest.raises(NotFoundError):
        local.get_cluster(cluster_id)
    assert list(local.iter_clusters()) == []


def test_quotas_list_the_instance_types(local: Client) -> None:
    quotas = local.get_quotas()
    assert quotas.StatusCode == 200
    assert all(quotas[key] for key in quotas)
    assert len(list(quotas)) == 5


def test_bad_jobs_are_refused_by_the_service_too(
    service: LocalService, local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobDescription, "validate", lambda self: None)
    monkeypatch.setattr(ClusterDescription, "validate", lambda self: None)
    unknown = job({"t": task("true", AutoCluster=None, ClusterId="cls-unknown")})
    with pytest.raises(ClientError) as caught:
        local.create_job(unknown)
    assert (caught.value.code, caught.value.status) == ("InvalidClusterId", 400)
    assert "cls-unknown" in caught.value.msg
    monkeypatch.undo()
    assert local.list_jobs().Items == []


def check_counters(service: LocalService) -> None:
    """Check that the counters of each task equal the states of its instances, and that ended jobs block nothing."""
    with closing(sqlite3.connect(service.data_dir / "batchcompute.db", isolation_level=None)) as db:
        # One transaction, so that all rows are from the same moment.
        db.execute("BEGIN")
        for row in db.execute(
            "SELECT job, position, Waiting, Running, Finished, Failed, Stopped FROM tasks"
        ).fetchall():
            counted = dict(
                db.execute(
                    "SELECT state, COUNT(*) FROM instances WHERE job = ? AND task = ? GROUP BY state", row[:2]
                )
            )
            assert row[2:] == tuple(
                counted.get(state, 0) for state in ("Waiting", "Running", "Finished", "Failed", "Stopped")
            )
        left = db.execute(
            "SELECT COUNT(*) FROM instances i JOIN jobs j ON j.seq = i.job "
            "WHERE j.state NOT IN ('Waiting', 'Running') AND i.state IN ('Waiting', 'Running')"
        ).fetchone()[0]
        assert left == 0


def test_the_counters_of_tasks_equal_the_states_of_instances(service: LocalService, local: Client) -> None:
    chance = random.Random(7)
    ids: list[str] = []
    for _ in range(60):
        action = chance.choice(["create", "create", "stop", "start", "delete"])
        if action == "create" or not ids:
            command = chance.choice(["true", "false", "sleep 0.01"])
            tasks = {
                name: task(command, InstanceCount=chance.randint(1, 5), MaxRetryCount=chance.randint(0, 1))
                for name in "ab"
            }
            ids.append(
                local.create_job(job(tasks, {"a": ["b"]}, JobFailOnInstanceFail=chance.random() < 0.5)).Id
            )
            continue
        chosen = chance.choice(ids)
        try:
            getattr(local, f"{action}_job")(chosen)
        except (StateConflictError, NotFoundError):
            continue
        check_counters(service)
    until(lambda: all(found.State in ("Finished", "Failed", "Stopped") for found in local.easy_list("jobs")))
    check_counters(service)


@pytest.mark.parametrize("count", [300, pytest.param(2000, marks=pytest.mark.long)])
def test_a_job_with_many_instances_finishes(service: LocalService, local: Client, count: int) -> None:
    job_id = local.create_job(job({"t": task("true", InstanceCount=count)})).Id
    until(lambda: local.get_job(job_id).State == "Finished", 120)
    assert local.get_job(job_id).InstanceMetrics.FinishedCount == count
    check_counters(service)
