"""The life of a service: opening, closing, crashes, reopening, owners and secrets."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from batchcompute import LOCAL, Client, ClientError, ConfigError
from batchcompute.http.signing import Credentials, sign
from batchcompute.service import LocalService, Request, embedded_service
from tests.service.helpers import carrying, finish, job, output, task, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for what is left running")

CHILD = """
import sys
from batchcompute.service import LocalService
from tests.service.helpers import job, task, until
service = LocalService(sys.argv[1], slots=4)
client = service.client()
tasks = {
    "quick": task("echo done"),
    "slow": task(f"echo began; while [ ! -e {sys.argv[2]} ]; do sleep 0.01; done; exit 0"),
    "dead": task(f"echo x >> {sys.argv[2]}.dead; sleep 54321"),
}
job_id = client.create_job(job(tasks)).Id
until(lambda: client.get_task(job_id, "quick").State == "Finished" and client.get_job(job_id).InstanceMetrics.RunningCount == 2)
until(lambda: service.oss_path(client.get_instance(job_id, "slow", 0).StdoutRedirectPath).read_text() == "began\\n")
print(job_id, flush=True)
sys.stdin.read()
"""


def child(tmp_path: Path, *arguments: str, program: str = CHILD) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip


def test_after_a_kill_each_instance_runs_exactly_once(tmp_path: Path) -> None:
    data, flag = tmp_path / "data", tmp_path / "flag"
    process = child(tmp_path, str(data), str(flag))
    assert process.stdout is not None
    job_id = process.stdout.readline().strip()
    process.kill()
    process.wait()
    assert len(carrying(job_id)) >= 2, "running programs outlive the service"
    # One program is killed while no service runs, so its outcome is lost.
    for pid in carrying("BATCH_COMPUTE_DAG_TASK_ID=dead"):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not carrying("BATCH_COMPUTE_DAG_TASK_ID=dead"))
    with LocalService(data, slots=4) as service, service.client() as client:
        assert client.get_instance(job_id, "quick", 0).State == "Finished"
        assert client.get_instance(job_id, "slow", 0).State == "Running"
        assert client.get_instance(job_id, "slow", 0).RetryCount == 0
        until(lambda: (tmp_path / "flag.dead").read_text() == "x\nx\n")
        assert client.get_instance(job_id, "dead", 0).RetryCount == 1, "a second run is recorded"
        flag.touch()
        until(lambda: client.get_task(job_id, "slow").State == "Finished")
        assert output(service, client, job_id, "slow") == "began\n"
        client.stop_job(job_id)
        until(lambda: not carrying(job_id))
    assert process.stdin is not None
    process.stdin.close()
    process.stdout.close()


def test_programs_may_run_elsewhere(tmp_path: Path) -> None:
    with (
        LocalService(tmp_path / "data", slots=1, work_dir=tmp_path / "elsewhere") as service,
        service.client() as client,
    ):
        job_id = client.create_job(job("pwd")).Id
        finish(client, job_id)
        assert output(service, client, job_id).startswith(f"{tmp_path}/elsewhere/batchcompute-")
        running = client.create_job(job("sleep 60")).Id
        until(lambda: carrying(running))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_attempts_that_end_without_a_service_keep_their_results(tmp_path: Path) -> None:
    data, flag = tmp_path / "data", tmp_path / "flag"
    process = child(tmp_path, str(data), str(flag))
    assert process.stdout is not None
    job_id = process.stdout.readline().strip()
    process.kill()
    process.communicate()
    flag.touch()
    until(lambda: not carrying("BATCH_COMPUTE_DAG_TASK_ID=slow"))
    with LocalService(data, slots=4) as service, service.client() as client:
        # A worker thread reads its exit file.
        until(lambda: client.get_instance(job_id, "slow", 0).State != "Running")
        found = client.get_instance(job_id, "slow", 0)
        assert (found.State, found.RetryCount) == ("Finished", 0)
        client.stop_job(job_id)


def test_closing_ends_attempts_and_reopening_resumes_them(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        job_id = client.create_job(job(f"test -e {flag} || sleep 54321")).Id
        until(lambda: carrying(job_id))
    assert not carrying(job_id)
    flag.touch()
    with LocalService(tmp_path / "data", slots=1) as service, service.client() as client:
        finish(client, job_id)
        assert client.get_instance(job_id, "t", 0).RetryCount == 1


def test_ctrl_c_closes_the_embedded_service(tmp_path: Path) -> None:
    program = """
import sys
from batchcompute import Client, LOCAL
from tests.service.helpers import job, until
client = Client(LOCAL, "id", "secret")
job_id = client.create_job(job("sleep 54321")).Id
until(lambda: client.get_job(job_id).State == "Running")
print(job_id, flush=True)
client.poll(job_id)
"""
    process = child(tmp_path, program=program)
    assert process.stdout is not None
    job_id = process.stdout.readline().strip()
    until(lambda: carrying(job_id + "\0"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert not carrying(job_id)
    with Client(LOCAL, "id", "secret") as client:
        assert client.get_job(job_id).State in ("Waiting", "Running")
        client.stop_job(job_id)
    embedded_service().close()


def test_only_one_process_can_open_a_directory(tmp_path: Path) -> None:
    with LocalService(tmp_path / "data"):
        with pytest.raises(ConfigError, match=rf"pid {os.getpid()}.*BATCHCOMPUTE_DATA_DIR.*LocalService"):
            LocalService(tmp_path / "data")
        program = "import sys; from batchcompute.service import LocalService; LocalService(sys.argv[1])"
        result = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "data")], capture_output=True, text=True
        )
        assert "DirectoryInUse" in result.stderr
        assert f"pid {os.getpid()}" in result.stderr
    LocalService(tmp_path / "data").close()


@pytest.mark.parametrize("place", ["file/data", "data\0bad"])
def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    if "\0" in place:
        with pytest.raises((ConfigError, ValueError)):
            LocalService(tmp_path / place)
        return
    with pytest.raises(ConfigError, match=r"cannot be written.*BATCHCOMPUTE_DATA_DIR"):
        LocalService(tmp_path / place)


def test_a_directory_of_a_later_version_is_refused(tmp_path: Path) -> None:
    LocalService(tmp_path / "data").close()
    with closing(sqlite3.connect(tmp_path / "data" / "batchcompute.db")) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(ConfigError, match="later version"):
        LocalService(tmp_path / "data")
    (tmp_path / "data" / "batchcompute.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigError, match="cannot be used"):
        LocalService(tmp_path / "data")


def test_a_temporary_directory_is_removed() -> None:
    with LocalService() as service:
        directory = service.data_dir
        assert directory.is_dir()
    assert not directory.exists()
    service.close()
    with pytest.raises(ConfigError, match="closed"):
        service.dispatch(Request("GET", "/quotas", {}))


def test_the_embedded_service_follows_the_environment(tmp_path: Path) -> None:
    with Client(LOCAL, "id", "secret") as client:
        assert client.get_quotas().StatusCode == 200
    assert embedded_service().data_dir == tmp_path / "default-data"
    assert (tmp_path / "default-data" / "batchcompute.db").exists()
    embedded_service().close()


def test_a_wrong_secret_is_refused(tmp_path: Path) -> None:
    with Client(LOCAL, "id", "secret") as right, Client(LOCAL, "id", "wrong") as wrong:
        right.get_quotas()
        with pytest.raises(ClientError) as caught:
            wrong.get_quotas()
        assert (caught.value.status, caught.value.code) == (400, "SignatureDoesNotMatch")
        assert caught.value.request_id
        assert "wrong" not in str(caught.value)
    embedded_service().close()


def test_two_keys_of_one_process_see_the_same(service: LocalService) -> None:
    with service.client("one", "1") as one, service.client("two", "2") as two:
        job_id = one.create_job(job("true")).Id
        finish(two, job_id)


async def test_the_asynchronous_client_runs_a_job(service: LocalService) -> None:
    async with service.async_client() as client:
        job_id = (await client.create_job(job({"t": task("echo hi", InstanceCount=2)}))).Id
        assert await client.poll(job_id) == []
        assert (await client.get_job(job_id)).InstanceMetrics.FinishedCount == 2
        assert await client.poll((await client.create_job(job("exit 3"))).Id) != []


def test_clients_work_in_two_event_loops(service: LocalService) -> None:
    client = service.async_client()

    async def count() -> int:
        await client.create_job(job("true"))
        return len(await client.list_jobs())

    assert [asyncio.run(count()) for _ in range(3)] == [1, 2, 3]


def test_a_forked_child_cannot_use_the_service(service: LocalService, local: Client) -> None:
    local.get_quotas()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "_pid", os.getpid() + 1)
        with pytest.raises(ConfigError, match="closed"):
            local.get_quotas()


def raw(
    service: LocalService, method: str, target: str, body: bytes = b"", **changes: str
) -> tuple[int, str]:
    service.add_key("id", "secret")
    extra = {key.replace("_", "-"): value for key, value in changes.items() if key != "authorization"}
    headers = sign(
        method, target, body, credentials=Credentials("id", "secret"), region="r", now=datetime.now(UTC), nonce="n",
        user_agent="x", extra=extra,
    )  # fmt: skip
    if "authorization" in changes:
        headers["Authorization"] = changes["authorization"]
    answer = service.dispatch(
        Request(method, target, {key.lower(): value for key, value in headers.items()}, body)
    )
    content = httpx.Response(answer.status, content=answer.body).json() if answer.body else {}
    return answer.status, content.get("Code", "")


def test_errors_have_documented_statuses_and_codes(service: LocalService) -> None:
    assert raw(service, "GET", "/quotas") == (200, "")
    assert raw(service, "GET", "/nothing") == (400, "InvalidUrlPattern")
    assert raw(service, "PATCH", "/jobs") == (400, "MethodNotAllowed")
    assert raw(service, "POST", "/jobs", b"{") == (400, "InvalidJsonFormat")
    assert raw(service, "POST", "/jobs", b"[1]") == (403, "InvalidHttpBody")
    assert raw(service, "POST", "/jobs", b" " * 262145) == (403, "InvalidHttpBody")
    assert raw(service, "POST", "/jobs", b"{}") == (400, "MissingName")
    assert raw(service, "POST", "/jobs", b'{"Name": "a", "Priority": "x"}') == (400, "InvalidPriority")
    assert raw(service, "POST", "/clusters", b'{"Name": "a", "ImageId": "i", "Groups": {"g": {}}}') == (
        400,
        "MissingDesiredVMCount",
    )
    assert raw(service, "PUT", "/jobs/job-1", b"{}") == (400, "MissingPriority")
    assert raw(service, "PUT", "/jobs/job-1", b'{"Priority": "5"}') == (400, "InvalidPriority")
    assert raw(service, "GET", "/jobs/job-1") == (404, "InvalidResource.NotFound")
    assert raw(service, "GET", "/jobs?MaxItemCount=x") == (400, "InvalidMaxItemCount")
    assert raw(service, "GET", "/quotas", x_acs_version="2013-01-11") == (403, "InvalidVersion.NotFound")
    assert raw(service, "GET", "/quotas", Date="Tue, 06 Nov 2018 08:00:00 GMT") == (
        400,
        "InvalidTimeStamp.Expired",
    )
    assert raw(service, "GET", "/quotas", Date="yesterday") == (400, "InvalidTimeStamp.Format")
    assert raw(service, "GET", "/quotas", authorization="acs id:wrong") == (400, "SignatureDoesNotMatch")
    assert raw(service, "GET", "/quotas", authorization="acs other:x") == (404, "InvalidAccessKeyId.NotFound")
    assert raw(service, "GET", "/quotas", authorization="nonsense") == (400, "InvalidAuthorization")
    cyclic = (
        b'{"Name": "a", "DAG": {"Tasks": {"t": {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}},'
        b'"Dependencies": {"t": ["t"]}}}'
    )
    assert raw(service, "POST", "/jobs", cyclic) == (400, "BadDAG")
    assert raw(service, "POST", "/jobs", cyclic.replace(b'["t"]', b'["u"]')) == (400, "InvalidDependencies")
    assert raw(service, "GET", "/apps/a?Detail=True&Qualifier") == (404, "InvalidResource.NotFound")
    assert raw(service, "GET", "/clusters/c/groups/g/instances") == (404, "InvalidResource.NotFound")


def test_a_missing_description_stays_empty(service: LocalService) -> None:
    # Clients in other languages send no description; the default of the model would name the Python SDK.
    body = b'{"Name": "a", "DAG": {"Tasks": {"t": {"AutoCluster": {}, "Parameters": {"Command": {"CommandLine": "true"}}}}}}'
    assert raw(service, "POST", "/jobs", body) == (201, "")
    with service.client() as client:
        found = client.get_job_description(client.list_jobs()[0])
        assert (found.Description, found.Priority, found.JobFailOnInstanceFail) == ("", 0, True)


def test_a_defect_in_a_handler_is_a_500(service: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_params: object) -> None:
        raise RuntimeError("a defect with the s3cret in it")

    monkeypatch.setitem(service._parts.core._handlers, "get_quotas", broken)
    assert raw(service, "GET", "/quotas") == (500, "InternalError")


@pytest.mark.parametrize(
    "place",
    [
        "oss://b/../x",
        "oss://../x",
        "/etc/passwd",
        "oss://",
        "oss:///x",
        "s3://b/x",
        "oss://b/a\0b",
        "oss://b/\ud800",
    ],
)
def test_object_urls_cannot_leave_the_directory(service: LocalService, place: str) -> None:
    with pytest.raises(ValueError, match="object URL|part|text"):
        service.oss_path(place)


def test_each_key_has_its_own_file(service: LocalService) -> None:
    assert service.oss_path("oss://bucket/a/b c") == service.data_dir / "oss" / "bucket" / "a" / "b c"
    # Two keys are two files.
    bucket = service.data_dir / "oss" / "bucket"
    assert service.oss_path("oss://bucket//etc/passwd") == bucket / "%_" / "etc" / "passwd"
    assert service.oss_path("oss://bucket/a\\b") == bucket / "a\\b"
