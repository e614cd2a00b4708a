"""App jobs: inputs and outputs as data, configuration, and the synchronous run."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from batchcompute import Client, ClientError
from batchcompute.api import calls
from batchcompute.resources import AppDescription, AppJobDescription
from batchcompute.runner import sandbox
from batchcompute.service import LocalService
from tests.service.helpers import finish, output, until
from tests.service.test_mappings import put

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runs commands as Linux does")


def app(command: str, name: str = "tool", **fields: Any) -> AppDescription:
    return AppDescription(
        {"Name": name, "CommandLine": command, "VM": {"ECSImageId": "img-ubuntu"}, **fields}
    )


def app_job(name: str = "tool", **fields: Any) -> AppJobDescription:
    logging = {"StdoutPath": "oss://b/logs/", "StderrPath": "oss://b/logs/"}
    return AppJobDescription(
        {"Name": "run", "Type": "App", "App": {"AppName": name, "Inputs": {}, "Logging": logging, **fields}}
    )


@pytest.mark.parametrize("change", [False, True])
def test_a_command_that_could_run_a_value_is_refused(local: Client, change: bool) -> None:
    command = "sh -c 'echo ${x}'"
    unsafe = app(command, InputParameters={"x": {}})
    if change:
        local.create_app(app("true"))
    with pytest.raises(ClientError) as caught:
        local.modify_app("tool", unsafe) if change else local.create_app(unsafe)
    assert (caught.value.status, caught.value.code) == (400, "InvalidCommandLine")
    assert "${x} near `sh -c 'echo ${x}'`" in caught.value.msg
    assert '"$BC_PARAM_x"' in caught.value.msg
    assert [found.Name for found in local.iter_apps()] == ["tool"] * change
    # The service does not check a line without parameters.
    local.modify_app("tool", app(command)) if change else local.create_app(app(command))


def test_a_command_that_was_stored_before_the_rules_is_refused_for_each_job(local: Client) -> None:
    local.create_app(app("true", InputParameters={"x": {"Default": "a"}}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batchcompute.service.domain.app_jobs.check", lambda description: None)
        local.modify_app("tool", app("eval ${x}", InputParameters={"x": {"Default": "a"}}))
    with pytest.raises(ClientError) as caught:
        local.create_job(app_job())
    assert (caught.value.status, caught.value.code) == (400, "InvalidCommandLine")
    assert list(local.iter_jobs()) == []


def test_only_the_app_may_choose_a_file_to_write(local: Client) -> None:
    command = "./prog ${x} > ${out}"
    local.create_app(
        app(command, "a", InputParameters={"x": {}}, OutputParameters={"out": {"LocalPath": "/o"}})
    )
    with pytest.raises(ClientError, match="LocalPath"):
        local.create_app(app(command, "b", InputParameters={"x": {}, "out": {}}))


def test_the_variables_of_parameters_are_always_set(service: LocalService, local: Client) -> None:
    local.create_app(
        app(
            'echo "$BC_PARAM_x" "$BC_PARAM_a_b" "${BC_PARAM_out-none}" | tr a b; sh -c \'echo "$BC_PARAM_x"\'',
            InputParameters={"x": {}, "a-b": {"Default": "a a"}},
            OutputParameters={"out": {"LocalPath": "/a"}},
            EnvVars={"BC_PARAM_x": "no"},
        )
    )
    job_id = local.create_job(app_job(Inputs={"x": "$(a)"})).Id
    finish(local, job_id)
    assert output(service, local, job_id, "tool") == "$(b) b b /b\n$(a)\n"


def test_an_app_runs_with_its_inputs(service: LocalService, local: Client, tmp_path: Path) -> None:
    parameters = {
        "text": {"Type": "String"}, "count": {"Type": "Number", "Default": 3}, "half": {"Type": "Number"},
    }  # fmt: skip
    local.create_app(
        app(
            "printf '%s|' ${text} ${count} \"${half}\" $SET",
            InputParameters=parameters,
            EnvVars={"SET": "env"},
        )
    )
    job_id = local.create_job(app_job(Inputs={"text": f"a b; touch {tmp_path}/pwned", "half": 0.5})).Id
    finish(local, job_id)
    assert [task.TaskName for task in local.iter_tasks(job_id)] == ["tool"]
    assert output(service, local, job_id, "tool") == f"a b; touch {tmp_path}/pwned|3|0.5|env|"
    assert not (tmp_path / "pwned").exists()
    told = local.get_job_description(job_id)
    assert told.Type == "App"
    assert told["App"]["AppName"] == "tool"
    assert "DAG" not in told


@pytest.mark.skipif(not sandbox.probe().usable, reason=sandbox.probe().reason)
def test_files_come_from_and_go_to_object_storage(service: LocalService, local: Client) -> None:
    local.create_app(
        app(
            "cp -rf ${source} ${target}; cat ${folder}x > ${results}y",
            InputParameters={
                "source": {"LocalPath": "/home/in.txt"},
                "folder": {"LocalPath": "/home/folder/"},
            },
            OutputParameters={
                "target": {"LocalPath": "/home/out.txt"},
                "results": {"LocalPath": "/results/"},
            },
        )
    )
    put(service, "oss://b/given.txt", "given")
    put(service, "oss://b/folder/x", "x")
    outputs = {"target": "oss://b/made.txt", "results": "oss://b/results/"}
    job_id = local.create_job(
        app_job(Inputs={"source": "oss://b/given.txt", "folder": "oss://b/folder/"}, Outputs=outputs)
    ).Id
    finish(local, job_id)
    assert service.oss_path("oss://b/made.txt").read_text() == "given"
    assert service.oss_path("oss://b/results/y").read_text() == "x"
    assert local.get_instance(job_id, "tool", 0).Outputs == outputs


def test_the_configuration_of_app_and_job(service: LocalService, local: Client) -> None:
    made = app("echo $BATCH_COMPUTE_DAG_INSTANCE_ID")
    made.set_instance_count(2)
    made.set_max_retry_count(1, overwritable=False)
    local.create_app(made)
    job_id = local.create_job(app_job()).Id
    finish(local, job_id)
    assert local.get_job(job_id).InstanceMetrics.FinishedCount == 2
    job_id = local.create_job(app_job(Config={"InstanceCount": 3, "InstanceCounts": 9})).Id
    finish(local, job_id)
    assert local.get_job(job_id).InstanceMetrics.FinishedCount == 3
    with pytest.raises(ClientError) as caught:
        local.create_job(app_job(Config={"MaxRetryCount": 5}))
    assert caught.value.code == "InvalidConfig"
    assert "does not let" in caught.value.msg


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "MissingInputs"),
        ({"Inputs": {"need": 1, "more": 2}}, "InvalidInputs"),
        ({"Inputs": {"need": "text"}}, "InvalidInputs"),
        ({"Inputs": {"need": 1, "file": "no place"}}, "InvalidInputs"),
        ({"Inputs": {"need": 1, "file": "oss://b/dir/"}}, "InvalidInputs"),
        ({"Inputs": {"need": 1}, "Outputs": {"plain": "oss://b/x"}}, "InvalidOutputs"),
        ({"Inputs": {"need": 1}, "Config": {"InstanceCount": 0}}, "InvalidInstanceCount"),
        ({"AppName": "unknown"}, "InvalidAppName"),
        ({"AppName": ":tool", "Inputs": {"need": 1}}, "InvalidAppName"),
    ],
)  # fmt: skip
def test_jobs_that_do_not_fit_their_app_are_refused(
    local: Client, fields: dict[str, Any], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The service checks the request even if the client does not.
    monkeypatch.setattr(calls, "_checked", lambda description, cls: cls(description))
    local.create_app(
        app(
            "true",
            InputParameters={"need": {"Type": "Number"}, "file": {"LocalPath": "/x", "Default": "oss://b/x"}},
            OutputParameters={"plain": {}},
        )
    )
    with pytest.raises(ClientError) as caught:
        local.create_job(app_job(**fields))
    assert caught.value.status == 400
    assert caught.value.code.lower() == code.lower()
    assert list(local.iter_jobs()) == []


def test_a_job_runs_the_newest_revision(service: LocalService, local: Client) -> None:
    local.create_app(app("echo old"))
    local.modify_app("tool", app("echo new"))
    job_id = local.create_job(app_job()).Id
    local.modify_app("tool", app("echo newer"))
    finish(local, job_id)
    assert output(service, local, job_id, "tool") == "new\n"


def test_a_synchronous_job_answers_with_its_run(local: Client) -> None:
    local.create_app(app("exit ${code}", InputParameters={"code": {"Type": "Number", "Default": 0}}))
    run = local.create_job(app_job(), sync=True)
    assert run.RequestId
    assert run.EndTime is not None
    assert run.StartTime is not None
    assert run.EndTime >= run.StartTime
    assert run.Error.Code == ""
    failed = local.create_job(app_job(Inputs={"code": 3}), sync=True)
    assert failed.Error.Code == "ProgramFailed"
    assert "3" in failed.Error.Message
    job_id = next(job.Id for job in local.iter_jobs(state="Failed"))
    assert local.get_instance(job_id, "tool", 0).Error.Code == "ProgramFailed"


def test_a_synchronous_job_that_is_stopped_and_one_that_releases_itself(local: Client) -> None:
    local.create_app(app("sleep ${time}", InputParameters={"time": {"Type": "Number", "Default": 0}}))
    job = app_job()
    job.AutoRelease = True
    assert local.create_job(job, sync=True).Error.Code == ""
    assert list(local.iter_jobs()) == []
    found: list[Any] = []
    thread = threading.Thread(
        target=lambda: found.append(local.create_job(app_job(Inputs={"time": 60}), sync=True))
    )
    thread.start()
    job_id = until(lambda: [job.Id for job in local.iter_jobs()])[0]
    local.stop_job(job_id)
    thread.join(20)
    assert found[0].Error.Code == "Stopped"


async def test_a_synchronous_job_does_not_hold_up_the_loop(service: LocalService) -> None:
    async with service.async_client() as client:
        await client.create_app(app("sleep 0.3"))
        running = asyncio.create_task(client.create_job(app_job(), sync=True))
        rounds = 0
        while not running.done():
            await client.get_quotas()
            await asyncio.sleep(0)
            rounds += 1
        assert (await running).Error.Code == ""
        assert rounds > 20


def test_an_app_job_behaves_like_any_other(local: Client) -> None:
    local.create_app(app("sleep 60"))
    token = "same"
    job_id = local.create_job(app_job(), token).Id
    assert local.create_job(app_job(), token).Id == job_id
    until(lambda: local.get_job(job_id).State == "Running")
    local.stop_job(job_id)
    local.change_job_priority(job_id, 9)
    assert local.get_job_description(job_id).Priority == 9
    local.start_job(job_id)
    local.stop_job(job_id)
    local.delete_job(job_id)
