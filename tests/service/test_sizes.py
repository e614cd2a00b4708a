"""Commands and variables above limits of the kernel run if they can, and are refused otherwise."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from batchcompute import Client, ClientError, ValidationError
from batchcompute.models.constraints import MAX_STRING_BYTES, MAX_VARIABLES
from batchcompute.resources import AppDescription, AppJobDescription, TaskDescription
from batchcompute.runner.environment import environment_room
from batchcompute.service import LocalService
from tests.service.helpers import finish, job, task
from tests.service.test_containers import calls  # noqa: F401 - a fixture
from tests.service.test_files_at_paths import service_of
from tests.service.test_mappings import run
from tests.service.test_requests import signed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")

LONG = "x" * 200_000


def answer(service: LocalService, path: str, body: dict[str, Any]) -> tuple[int, str, str]:
    """Return status, code and message of the response to a create that no SDK has validated."""
    service.add_key("id", "s3cret")
    found = service.dispatch(signed("POST", path, json.dumps(body, ensure_ascii=False).encode()))
    content = json.loads(found.body)
    return found.status, content["Code"], content["Message"]


def padded(line: str, size: int) -> str:
    """Return a long command with the same effect."""
    return f"{line}\n: '{'x' * (size - len(line) - 5)}'"


@pytest.mark.parametrize(
    "isolation", ["no mappings", "sandbox", "strict", "user in a sandbox", "user", "no sandbox"]
)
def test_a_long_command_runs_like_a_short_one(tmp_path: Path, isolation: str) -> None:
    """Its name, arguments, input, files and exit code are the same."""
    line = (
        'echo "$0 $#"; cat; ls -A; alias say=echo\nsay aliased; case $- in *i*) echo interactive;; esac; '
        "ls -l /proc/self/fd | grep -c '[.]command\\|-command'; trap 'echo bye' EXIT; (exit 7) || set -- a b; echo \"$@\"; f() { return 3; }; f"
    )
    fields: dict[str, Any] = (
        {} if isolation == "no mappings" else {"OutputMapping": {"/out/": "oss://b/out/"}}
    )
    with service_of("sandbox" if isolation == "no mappings" else isolation, tmp_path) as (service, client):
        seen = []
        for size in (0, 70_000, 131_071, 131_072, 200_000):
            made = task(padded(f"{line}\nc=$?", size) + "\nexit $c" if size else f"{line}\nexit $?", **fields)
            job_id = client.create_job(job({"t": made})).Id
            finish(client, job_id, "Failed")
            found = client.get_instance(job_id, "t", 0).Result
            assert found.ExitCode == 3, found
            log = client.logs(job_id, "t", 0)
            seen.append((log.stdout, log.stderr))
        assert seen[0][0].startswith("/bin/sh 0\naliased\n0\n")
        assert len(set(seen)) == 1
        assert not service.oss_path("oss://b/out/").exists()


BY_SHELL = ["echo {}", "A=1 echo {}", "command echo {}", "eval echo {}", "pwd; echo {}", "set -- {}", ": {}"]


def test_commands_of_the_shell_itself_may_have_long_words(local: Client) -> None:
    jobs = {line: job(line.format(LONG)) for line in BY_SHELL}
    for made in jobs.values():
        made.validate()
    ids = {line: local.create_job(made).Id for line, made in jobs.items()}
    for line, job_id in ids.items():
        finish(local, job_id)
        log = local.logs(job_id, "t", 0)
        assert log.stdout.endswith(f"{LONG}\n" if "echo" in line else ""), line


def test_files_of_long_commands_are_removed(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        run(client, padded("true", 150_000))
        run(client, padded("true", 150_000), OutputMapping={"/out/": "oss://b/out/"})
    assert list((tmp_path / "d" / "work").iterdir()) == []


def test_a_container_reads_a_long_command_from_a_file(calls: Path, tmp_path: Path) -> None:  # noqa: F811
    with LocalService(tmp_path / "data") as service, service.client() as client:
        made = task(padded("echo hello", 150_000))
        made.Parameters.Command.Docker.Image = "tool"
        # A line of an environment file of docker has a lower limit.
        made.Parameters.Command.EnvVars = {"LARGE": "y" * 80_000, "SMALL": "z"}
        job_id = client.create_job(job({"t": made})).Id
        # The stub does not mount files.
        finish(client, job_id, "Failed")
        started = next(line for line in calls.read_text().splitlines() if line.startswith("run"))
        assert ".command,target=/.batchcompute-command,readonly " in started
        assert started.endswith("tool -c . /.batchcompute-command")
        assert "--env LARGE " in started
        assert "--env SMALL" not in started
        made.Parameters.Command.EnvVars = {"LD_LARGE": "y" * 80_000}
        job_id = client.create_job(job({"t": made})).Id
        finish(client, job_id, "Failed")
        assert "LD_LARGE" in client.get_instance(job_id, "t", 0).Result.ErrorMessage


VARIABLES = {
    "one that fits": ({"LARGE": "x" * (MAX_STRING_BYTES - 6)}, ""),
    "one byte more": ({"LARGE": "x" * (MAX_STRING_BYTES - 5)}, "EnvVars.LARGE"),
    "bytes, not characters": ({"LARGE": "é" * (MAX_STRING_BYTES // 2)}, "EnvVars.LARGE"),
    "a long name": ({"x" * MAX_STRING_BYTES: ""}, "EnvVars.xxx"),
    "among others": ({"A": "1", "B": LONG, "C": "2"}, "EnvVars.B"),
}


@pytest.mark.parametrize("case", VARIABLES)
@pytest.mark.parametrize("isolation", ["no mappings", "sandbox", "no sandbox"])
def test_a_variable_above_the_limit_is_refused(tmp_path: Path, isolation: str, case: str) -> None:
    variables, told = VARIABLES[case]
    fields: dict[str, Any] = (
        {} if isolation == "no mappings" else {"OutputMapping": {"/out/": "oss://b/out/"}}
    )
    made = task("/bin/sh -c 'echo ${#LARGE}'", **fields)
    made.Parameters.Command.EnvVars = variables
    described = job({"t": made})
    with service_of("sandbox" if isolation == "no mappings" else isolation, tmp_path) as (service, client):
        if not told:
            described.validate()
            job_id = client.create_job(described).Id
            finish(client, job_id)
            assert client.logs(job_id, "t", 0).stdout == f"{len(variables['LARGE'])}\n"
            return
        with pytest.raises(ValidationError) as checked:
            described.validate()
        status, code, message = answer(service, "/jobs", described.detail())
        for text in (str(checked.value), message):
            assert f"DAG.Tasks.t.Parameters.Command.{told}" in text
            assert f"at most {MAX_STRING_BYTES} bytes" in text
            assert len(text) < MAX_STRING_BYTES + 1000
        assert (status, code) == (400, "InvalidEnvVars")


@pytest.mark.parametrize("isolation", ["no mappings", "sandbox", "no sandbox"])
def test_the_largest_number_of_variables(tmp_path: Path, isolation: str) -> None:
    fields: dict[str, Any] = (
        {} if isolation == "no mappings" else {"OutputMapping": {"/out/": "oss://b/out/"}}
    )
    made = task("env | grep -c '^V[0-9]*=$'", **fields)
    made.Parameters.Command.EnvVars = {f"V{number}": "" for number in range(MAX_VARIABLES)}
    with service_of("sandbox" if isolation == "no mappings" else isolation, tmp_path) as (service, client):
        job_id = run_of(client, made)
        assert client.logs(job_id, "t", 0).stdout == f"{MAX_VARIABLES}\n"
        made.Parameters.Command.EnvVars["ONE_MORE"] = ""
        with pytest.raises(ValidationError, match=f"EnvVars: may hold at most {MAX_VARIABLES} entries"):
            job({"t": made}).validate()
        status, code, message = answer(service, "/jobs", job({"t": made}).detail())
        assert (status, code) == (400, "InvalidEnvVars")
        assert f"at most {MAX_VARIABLES} entries" in message


def test_too_many_mounts_for_a_sandbox_are_an_error(tmp_path: Path) -> None:
    with service_of("sandbox", tmp_path) as (service, client):
        service.objects.write("oss://b/x", [b"x"])
        mounts = [{"Source": "oss://b/x", "Destination": f"/{number}"} for number in range(3000)]
        made = task("true", Mounts={"Entries": mounts})
        job_id = client.create_job(job({"t": made})).Id
        finish(client, job_id, "Failed")
        found = client.get_instance(job_id, "t", 0).Result
        assert found.ErrorCode == "MountError"
        assert "a sandbox can have about 2966 mounts and variables together" in found.ErrorMessage


def run_of(client: Client, made: TaskDescription) -> str:
    """Run a task to success."""
    job_id = client.create_job(job({"t": made})).Id
    finish(client, job_id)
    return job_id


def test_a_command_that_cannot_run_is_refused(service: LocalService) -> None:
    described = job(f"/bin/echo {LONG}")
    with pytest.raises(ValidationError, match=f"at most {MAX_STRING_BYTES} bytes as an argument"):
        described.validate()
    status, code, message = answer(service, "/jobs", described.detail())
    assert (status, code) == (400, "InvalidCommandLine")
    assert "DAG.Tasks.t.Parameters.Command.CommandLine" in message
    job(f"/bin/echo {LONG[:MAX_STRING_BYTES]}").validate()


def test_values_of_an_app_above_the_limits(service: LocalService, local: Client) -> None:
    app: dict[str, Any] = {
        "Name": "a",
        "CommandLine": "echo ${x}",
        "VM": {"ECSImageId": "i"},
        "InputParameters": {"x": {"Type": "String"}},
    }
    with pytest.raises(ValidationError, match="EnvVars.LARGE"):
        AppDescription({**app, "EnvVars": {"LARGE": LONG}}).validate()
    status, code, message = answer(service, "/apps", {**app, "EnvVars": {"LARGE": LONG}})
    assert (status, code) == (400, "InvalidEnvVars")
    assert "EnvVars.LARGE" in message
    local.create_app(app)
    described = AppJobDescription({"Name": "j", "App": {"AppName": "a", "Inputs": {"x": LONG}}})
    with pytest.raises(ValidationError, match="App.Inputs.x"):
        described.validate()
    status, code, message = answer(service, "/jobs", {"Type": "App", **described.detail()})
    assert (status, code) == (400, "InvalidInputs")
    assert "App.Inputs.x" in message
    longest = MAX_STRING_BYTES - len("BC_PARAM_x=")
    described.App.Inputs["x"] = "y" * longest
    described.App.Logging = {"StdoutPath": "oss://b/l/"}
    job_id = local.create_job(described).Id
    finish(local, job_id)
    assert len(local.logs(job_id, "a", 0).stdout) == longest + 1


def test_variables_above_the_limit_of_the_machine_are_refused(
    local: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine with a small stack limit passes few bytes to a program."""
    real = os.sysconf
    made = task("true")
    made.Parameters.Command.EnvVars = {"A": "x" * 60_000, "B": "x" * 60_000}
    finish(local, local.create_job(job({"t": made})).Id)
    monkeypatch.setattr(os, "sysconf", lambda name: 131_072 if name == "SC_ARG_MAX" else real(name))
    with pytest.raises(ClientError, match=f"at most {environment_room()} bytes on this machine") as refused:
        local.create_job(job({"t": made}))
    assert refused.value.code == "InvalidEnvVars"
