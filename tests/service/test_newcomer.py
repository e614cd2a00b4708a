"""The first experiences of a new user: ends of programs, second programs, messages, unknown resources."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchcompute import (
    LOCAL,
    Client,
    ClientError,
    ConfigError,
    NotFoundError,
    RetryPolicy,
    StateConflictError,
)
from batchcompute.errors import LocalServiceError, client_error
from batchcompute.http.oss import get_object
from batchcompute.service import LocalService
from batchcompute.service.domain.instance_types import InstanceType
from tests.client.loopback import CERTIFICATE, HERE
from tests.service.helpers import finish, job, task, until
from tests.service.test_serve import serving

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

GROUP = {"DesiredVMCount": 1}


def program(text: str, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a small program, with `LOCAL` in a data directory."""
    environment = {**os.environ, "BATCHCOMPUTE_DATA_DIR": str(directory)}
    begin = "from batchcompute import *\nfrom tests.service.helpers import job, task, until\n"
    return subprocess.run(
        [sys.executable, *options, "-c", begin + text],
        capture_output=True, text=True, cwd=ROOT, env=environment, timeout=60,
    )  # fmt: skip


# -- ends of programs -----------------------------------------------------------------------------

UNFINISHED = """
client = Client(LOCAL, "id", "secret")
jobs = [client.create_job(job("sleep 54321")) for _ in range({count})]
until(lambda: client.get_job(jobs[0]).State == "Running")
"""


@pytest.mark.parametrize(("count", "said"), [(1, "1 job has"), (3, "3 jobs have")])
def test_an_exit_with_unfinished_jobs_warns_once(tmp_path: Path, count: int, said: str) -> None:
    done = program(UNFINISHED.format(count=count), tmp_path / "d")
    assert done.returncode == 0
    assert done.stderr.count("UserWarning") == 1
    assert f"{said} not ended" in done.stderr
    for wanted in (str(tmp_path / "d"), "batchcompute up", "client.wait"):
        assert wanted in done.stderr
    # As the message says, the jobs run again when the next program opens the directory.
    with LocalService(tmp_path / "d") as service, service.client() as client:
        until(lambda: any(found.State == "Running" for found in client.iter_jobs()))
        for found in client.iter_jobs():
            client.stop_job(found)


QUIET = {
    "all have ended": "client = Client(LOCAL, 'id', 'secret'); client.wait(client.create_job(job('true')))",
    "it is stopped": "client = Client(LOCAL, 'id', 'secret'); client.stop_job(client.create_job(job('sleep 9')))",
    "no job": "Client(LOCAL, 'id', 'secret').get_quotas()",
    "nothing is sent": "Client(LOCAL, 'id', 'secret')",
    "they go on": (
        "from batchcompute.service import LocalService\n"
        "import os; service = LocalService(os.environ['BATCHCOMPUTE_DATA_DIR'], detach=True)\n"
        "client = service.client(); one = client.create_job(job('sleep 1'))\n"
        "until(lambda: client.get_job(one).State == 'Running')"
    ),
}


@pytest.mark.parametrize("text", QUIET.values(), ids=QUIET.keys())
def test_an_exit_without_unfinished_jobs_does_not_warn(tmp_path: Path, text: str) -> None:
    done = program(text, tmp_path / "d", "-W", "default", "-W", "ignore::ResourceWarning")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_exit_does_not_warn_if_a_server_runs_the_jobs(tmp_path: Path) -> None:
    with serving(tmp_path / "d"):
        done = program("Client(LOCAL, 'id', 'secret').create_job(job('sleep 54321'))", tmp_path / "d")
        assert (done.returncode, done.stderr) == (0, "")


def test_an_exit_warns_about_lost_jobs(tmp_path: Path) -> None:
    text = "from batchcompute.service import LocalService\n"
    text += "service = LocalService(); service.client().create_job(job('sleep 54321'))"
    done = program(text, tmp_path / "d")
    assert "1 job has not ended and is lost: the temporary data directory" in done.stderr


def test_closing_a_service_logs_unfinished_jobs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING),
        LocalService(tmp_path / "d") as service,
        service.client() as client,
    ):
        client.create_job(job("sleep 54321"))
    assert service.unfinished == 1
    assert "1 job has not ended" in caplog.text


# -- second programs ------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Client], object]] = {
    "read": lambda client: client.get_quotas(),
    "create": lambda client: client.create_job(job("true")),
    "action": lambda client: client.stop_job("job-1"),
    "delete": lambda client: client.delete_job("job-1"),
    "list": lambda client: list(client.iter_jobs()),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_second_program_gets_an_error_of_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[[Client], object]
) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "d"))
    with LocalService(tmp_path / "d"), Client(LOCAL, "id", "secret") as client:
        with pytest.raises(LocalServiceError) as caught:
            call(client)
    error = caught.value
    assert isinstance(error, ClientError)
    assert isinstance(error, ConfigError)
    assert (error.get_status_code(), error.get_code()) == (0, "DataDirectoryInUse")
    assert len(error.attempts) == 1
    for wanted in (f"pid {os.getpid()}", str(tmp_path / "d"), "batchcompute up", "BATCHCOMPUTE_DATA_DIR"):
        assert wanted in error.get_msg()
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.code) == (type(error), str(error), error.code)


def test_the_advice_of_the_message_works(tmp_path: Path) -> None:
    with serving(tmp_path / "d"):
        text = (
            "client = Client(LOCAL, 'id', 'secret'); print(client.wait(client.create_job(job('true'))).State)"
        )
        both = [
            subprocess.Popen(
                [sys.executable, "-c", f"from batchcompute import *\nfrom tests.service.helpers import job\n{text}"],
                stdout=subprocess.PIPE, text=True, cwd=ROOT,
                env={**os.environ, "BATCHCOMPUTE_DATA_DIR": str(tmp_path / "d")},
            )
            for _ in range(2)
        ]  # fmt: skip
        assert [process.communicate(timeout=60)[0] for process in both] == ["Finished\n"] * 2


@pytest.mark.parametrize("what", ["a file in the way", "something else in it", "a later version"])
def test_a_directory_that_cannot_be_used_is_an_error_of_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    directory = tmp_path / "d"
    if what == "a file in the way":
        directory.write_text("")
    elif what == "something else in it":
        directory.mkdir()
        (directory / "thesis.tex").write_text("")
    else:
        directory.mkdir()
        (directory / "batchcompute.db").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(directory))
    with Client(LOCAL, "id", "secret") as client, pytest.raises(LocalServiceError) as caught:
        client.get_quotas()
    assert str(directory) in str(caught.value)
    assert caught.value.code == "LocalServiceUnavailable"


def test_the_error_for_a_dead_server_names_the_process_that_uses_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "d"
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(directory))
    with LocalService(directory):
        keys = [{"access_key_id": "a", "access_key_secret": "b", "owner": "local"}]
        (directory / "credentials.json").write_text(json.dumps({"keys": keys}))
        (directory / "server.json").write_text(json.dumps({"url": "https://127.0.0.1:9", "pid": 1}))
        with Client(LOCAL, "id", "secret") as client, pytest.raises(LocalServiceError) as caught:
            client.get_quotas()
    for wanted in ("https://127.0.0.1:9", f"pid {os.getpid()}", "batchcompute up"):
        assert wanted in str(caught.value)


def test_local_joins_a_server_with_a_certificate_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "d"
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(directory))
    with serving(directory, "--tls-cert", CERTIFICATE, "--tls-key", str(HERE / "server.pem")) as (url, _):
        with Client(LOCAL, "id", "secret") as client:
            assert client.get_quotas().StatusCode == 200
        # A certificate that the directory does not name is not trusted, and the error names the server.
        said = json.loads((directory / "server.json").read_text())
        (directory / "server.json").write_text(json.dumps({**said, "certificate": ""}))
        with Client(LOCAL, "id", "secret") as client:
            with pytest.raises(LocalServiceError, match="CERTIFICATE_VERIFY_FAILED") as caught:
                client.get_quotas()
        assert url in str(caught.value)
        (directory / "server.json").write_text(json.dumps(said))


def test_the_error_for_a_silent_server_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "d"))
    with serving(tmp_path / "d") as (url, server):
        with Client(LOCAL, "id", "secret", timeout=0.3, retry=RetryPolicy.none()) as client:
            client.get_quotas()
            server.send_signal(19)
            try:
                with pytest.raises(OSError, match=re.escape(url)):
                    client.get_quotas()
            finally:
                server.send_signal(18)


@pytest.mark.long
def test_two_quickstarts_run_at_the_same_time(tmp_path: Path) -> None:
    environment = {**os.environ, "BATCHCOMPUTE_DATA_DIR": str(tmp_path / "d"), "TMPDIR": str(tmp_path)}
    both = [
        subprocess.Popen(
            [sys.executable, "-W", "error", str(ROOT / "examples" / "quickstart.py")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert ": Finished, 3 instances finished" in out


# -- messages -------------------------------------------------------------------------------------

TYPES = [InstanceType("huge", 4096, 1), InstanceType("fat", 1, 1_000_000)]


def held(directory: Path) -> str:
    """Return a command that ends when a file exists."""
    return f"until [ -e {directory}/go ]; do sleep 0.02; done"


def test_a_message_says_what_a_job_waits_for_and_nothing_once_it_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO, "batchcompute"),
        LocalService(tmp_path / "data", slots=1, types=TYPES) as service,
        service.client() as client,
    ):
        first = client.create_job(job(held(tmp_path)))
        until(lambda: client.get_job(first).State == "Running")
        assert client.get_job(first).Message == ""
        waits: dict[str, dict[str, Any]] = {
            "waits for a slot: the only one is taken": {},
            "huge with 4096 cores": {"AutoCluster": {"InstanceType": "huge"}},
            "1e+06 GB": {"AutoCluster": {"InstanceType": "fat"}},
            "asks for 3 instances at a time": {"InstanceCount": 3},
        }
        jobs = {said: client.create_job(job({"t": task("true", **more)})) for said, more in waits.items()}
        listed = {found.Id: found for found in client.iter_jobs("Waiting")}
        for said, waiting in jobs.items():
            for found in (client.get_job(waiting), listed[waiting.Id]):
                assert found.State == "Waiting"
                assert said in found.Message
                assert "waits for a slot" in found.Message
        (tmp_path / "go").touch()
        for said, waiting in jobs.items():
            finish(client, waiting.Id)
            assert client.get_job(waiting).Message == ""
            instance = client.get_instance(waiting, "t", 0)
            assert (instance.Result.ErrorMessage, instance.Result.Detail) == ("", "")
            if "slot" not in said:
                assert re.search(rf"{waiting.Id}: .*{re.escape(said)}", caplog.text)


def test_the_message_of_a_failed_job_names_the_failure_only(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=1, types=TYPES) as service, service.client() as client:
        failing = client.create_job(job({"t": task("exit 3", AutoCluster={"InstanceType": "huge"})}))
        stopped = client.create_job(job({"t": task("sleep 60", AutoCluster={"InstanceType": "huge"})}))
        client.stop_job(stopped)
        assert client.get_job(stopped).Message == ""
        until(lambda: client.get_job(failing).State == "Failed")
        message = client.get_job(failing).Message
        assert message.startswith("Instance 0 of task t failed")
        assert "huge" not in message


def test_a_message_says_that_the_machines_of_a_cluster_are_busy(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data", slots=4) as service, service.client() as client:
        one = client.create_cluster({"Name": "c", "ImageId": "img-ubuntu", "Groups": {"g": GROUP}}).Id
        on = {"ClusterId": one, "AutoCluster": None}
        first = client.create_job(job({"t": task(held(tmp_path), InstanceCount=2, **on)}))
        until(lambda: client.get_job(first).State == "Running")
        second = client.create_job(job({"t": task("true", **on)}))
        assert client.get_job(second).Message == f"Task t waits: the only machine of cluster {one} is busy."
        # A running job has no message, although some of its instances wait.
        assert client.get_job(first).Message == ""
        client.change_cluster_desired_vm_count(one, g=0)
        until(lambda: "no machines" in client.get_job(first).Message)
        client.change_cluster_desired_vm_count(one, g=1)
        (tmp_path / "go").touch()
        finish(client, second.Id)
        assert client.get_job(second).Message == ""


# -- names and ids --------------------------------------------------------------------------------


@pytest.fixture
def there(local: Client) -> dict[str, str]:
    """Create a job, a cluster and an app; return their ids by kind."""
    made = local.create_job(job({"split": task("true", InstanceCount=3), "merge": task("true")}))
    cluster = local.create_cluster({"Name": "c", "ImageId": "img-ubuntu", "Groups": {"workers": GROUP}}).Id
    local.create_app({"Name": "demo", "CommandLine": "true", "VM": {"ECSImageId": "img-ubuntu"}})
    return {"job": made.Id, "cluster": cluster}


MISSING: dict[str, tuple[Callable[[Client, dict[str, str]], object], list[str]]] = {
    "job": (lambda c, _: c.get_job("job-1"), ["job 'job-1'"]),
    "job description": (lambda c, _: c.get_job_description("job-1"), ["job 'job-1'"]),
    "stop": (lambda c, _: c.stop_job("job-1"), ["job 'job-1'"]),
    "start": (lambda c, _: c.start_job("job-1"), ["job 'job-1'"]),
    "delete": (lambda c, _: c.delete_job("job-1"), ["job 'job-1'"]),
    "priority": (lambda c, _: c.change_job_priority("job-1", 1), ["job 'job-1'"]),
    "tasks": (lambda c, _: c.list_tasks("job-1"), ["job 'job-1'"]),
    "task": (lambda c, t: c.get_task(t["job"], "nope"), ["task 'nope'", "{job}", "split, merge"]),
    "instances": (lambda c, t: c.list_instances(t["job"], "nope"), ["task 'nope'", "split, merge"]),
    "instance": (lambda c, t: c.get_instance(t["job"], "split", 3), ["instance '3'", "split", "{job}", "; the numbers are 0 to 2."]),
    "the only instance": (lambda c, t: c.get_instance(t["job"], "merge", 1), ["instance '1'", "merge", "the only one is 0"]),
    "logs of no task": (lambda c, t: c.logs(t["job"], "nope", 0), ["task 'nope'", "{job}", "split, merge"]),
    "logs of no instance": (lambda c, t: c.logs(t["job"], "split", 7), ["instance '7'", "0 to 2"]),
    "followed": (lambda c, t: list(c.logs(t["job"], "nope", 0, follow=True)), ["task 'nope'", "split, merge"]),
    "cluster": (lambda c, _: c.get_cluster("cls-1"), ["cluster 'cls-1'"]),
    "delete cluster": (lambda c, _: c.delete_cluster("cls-1"), ["cluster 'cls-1'"]),
    "group": (lambda c, t: c.list_cluster_instances(t["cluster"], "g"), ["group 'g'", "{cluster}", "workers"]),
    "changed group": (
        lambda c, t: c.change_cluster_desired_vm_count(t["cluster"], g=1),
        ["group 'g'", "{cluster}", "workers"],
    ),
    "machine": (
        lambda c, t: c.get_cluster_instance(t["cluster"], "workers", "i-1"),
        ["machine 'i-1'", "workers", "{cluster}"],
    ),
    "image": (lambda c, _: c.get_image("img-1"), ["image 'img-1'"]),
    "delete image": (lambda c, _: c.delete_image("img-1"), ["image 'img-1'"]),
    "app": (lambda c, _: c.get_app("nope"), ["app 'nope'"]),
    "public app": (lambda c, _: c.get_app("demo", scope="Public"), ["public app 'demo'"]),
    "revision": (lambda c, _: c.get_app_detail("demo", 7), ["revision '7'", "app demo", "the only one is 0"]),
    "object": (
        lambda c, _: c._call(get_object("http://local", "oss://b/some/key")),
        ["/b/some/key"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "named"), MISSING.values(), ids=MISSING.keys())
def test_the_error_for_a_missing_resource_names_it(
    local: Client,
    there: dict[str, str],
    call: Callable[[Client, dict[str, str]], object],
    named: list[str],
) -> None:
    with pytest.raises(NotFoundError) as caught:
        call(local, there)
    assert caught.value.status == 404
    for text in named:
        assert text.format(**there) in caught.value.msg
    if caught.value.code == "InvalidResource.NotFound":
        # The vendor's sentence comes first.
        assert caught.value.msg.startswith("Specified resource is not found.")


def test_the_error_for_an_unknown_key_names_it(service: LocalService) -> None:
    with service.client("id", "s3cret") as client:
        (Path(service.data_dir) / "credentials.json").unlink(missing_ok=True)
        client._fixed = type(client._fixed)("stranger", "s3cret")  # type: ignore[misc]
        with pytest.raises(ClientError) as caught:
            client.get_quotas()
    assert "'stranger'" in caught.value.msg
    assert "s3cret" not in str(caught.value)


def test_an_error_shortens_a_long_name(local: Client, there: dict[str, str]) -> None:
    with pytest.raises(NotFoundError) as caught:
        local.get_task(there["job"], "x" * 32)
    assert len(caught.value.msg) < 300
    many = local.create_job(job({f"task{number}": task("true") for number in range(40)}))
    with pytest.raises(NotFoundError, match="and 30 more") as caught:
        local.get_task(many, "nope")
    assert len(caught.value.msg) < 300


def test_creating_an_app_with_an_existing_name_is_a_conflict(local: Client, there: dict[str, str]) -> None:
    with pytest.raises(StateConflictError) as caught:
        local.create_app({"Name": "demo", "CommandLine": "true", "VM": {"ECSImageId": "img-ubuntu"}})
    # As in the vendor's table of errors.
    assert (caught.value.status, caught.value.code) == (403, "InvalidResource.AlreadyExisting")
    assert "'demo'" in caught.value.msg


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_conflict_is_recognized_with_any_status(status: int) -> None:
    assert isinstance(client_error(status, "InvalidResource.AlreadyExisting", "", ""), StateConflictError)
    assert not isinstance(client_error(403, "InvalidHttpBody", "", ""), StateConflictError)
