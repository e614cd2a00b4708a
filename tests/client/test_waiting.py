"""Iterators over lists, `wait`, `logs`, and the requests and texts of each."""

from __future__ import annotations

import asyncio
import io
import pickle
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from batchcompute import (
    LOCAL,
    AsyncClient,
    Client,
    ConfigError,
    JobFailedError,
    LogsUnavailable,
    NotFoundError,
    RetryPolicy,
    ServerError,
    ValidationError,
    WaitTimeout,
)
from batchcompute.client._progress import reporter
from batchcompute.client.job_host import JobHost
from batchcompute.client.waiting import Watch
from batchcompute.resources import Job
from batchcompute.service import LocalService
from batchcompute.service.store.keys import KeyFile
from tests.client.kinds import Kind
from tests.service import helpers
from tests.service.test_serve import serving

URL = "http://127.0.0.1:9"


@pytest.fixture
def client(kind: Kind) -> Any:
    return kind(URL, "id", "s3cret", retry=RetryPolicy(attempts=2, first_delay=0, longest_delay=0))


def page(items: list[Any], marker: str | None = "") -> httpx.Response:
    more = {} if marker is None else {"NextMarker": marker}
    return httpx.Response(200, json={"Items": items, **more})


# -- iterators ------------------------------------------------------------------------------------


LISTS = [
    ("iter_jobs", (), "/jobs", "Id"), ("iter_tasks", ("j",), "/jobs/j/tasks", "TaskName"),
    ("iter_instances", ("j", "t"), "/jobs/j/tasks/t/instances", "InstanceId"), ("iter_clusters", (), "/clusters", "Id"),
    ("iter_cluster_instances", ("c", "g"), "/clusters/c/groups/g/instances", "Id"), ("iter_images", (), "/images", "Id"),
    ("iter_apps", (), "/apps", "Name"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "path", "key"), LISTS)
def test_iterators_go_over_all_pages(
    client: Any, respx_mock: respx.MockRouter, name: str, arguments: tuple[str, ...], path: str, key: str
) -> None:
    number = key == "InstanceId"
    values: list[Any] = list(range(5)) if number else ["a", "b", "c", "d", "e"]
    pages = [
        page([{key: value} for value in values[:2]], "m1"),
        page([], "m2"),
        page([{key: value} for value in values[2:]], None),
    ]
    route = respx_mock.get(f"{URL}{path}").mock(side_effect=pages)
    items = getattr(client, name)(*arguments, max_item_count=2)
    assert not route.called, "nothing is asked for before the first item is"
    assert [item[key] for item in items] == values
    queries = [call.request.url.params for call in route.calls]
    assert [query["Marker"] for query in queries] == ["", "m1", "m2"]
    assert {query["MaxItemCount"] for query in queries} == {"2"}
    assert list(items) == []


def test_an_iteration_can_be_continued_elsewhere(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs").mock(
        side_effect=[page([{"Id": "a"}, {"Id": "b"}], "m1"), page([{"Id": "c"}], ""), page([{"Id": "c"}], "")]
    )
    first = client.iter_jobs("Running")
    assert next(first).Id == "a"
    assert (first.marker, first.next_marker) == ("", "m1")
    assert [job.Id for job in client.iter_jobs("Running", marker=first.next_marker)] == ["c"]
    assert [job.Id for job in first] == ["b", "c"]
    assert (first.marker, first.next_marker) == ("m1", "")
    assert respx_mock.calls.last.request.url.params["State"] == "Running"


def test_iterating_by_page(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs").mock(
        side_effect=[page([{"Id": "a"}], "m"), page([{"Id": "b"}], "m"), page([], "x")]
    )
    pages = list(client.iter_jobs().by_page())
    # An iteration ends if the service returns the same marker again.
    assert [[job.Id for job in found] for found in pages] == [["a"], ["b"]]
    assert pages[0].RequestId == ""


def test_a_failed_page_raises_an_error(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs").mock(
        side_effect=[page([{"Id": "a"}], "m"), httpx.Response(500), httpx.Response(500)]
    )
    items = client.iter_jobs()
    assert next(items).Id == "a"
    with pytest.raises(ServerError):
        next(items)


# -- waiting --------------------------------------------------------------------------------------


def status(job_id: str, state: str, **counts: int) -> dict[str, Any]:
    return {
        "Id": job_id,
        "State": state,
        "InstanceMetrics": {f"{name}Count": count for name, count in counts.items()},
    }


def states(*found: str) -> list[httpx.Response]:
    return [httpx.Response(200, json=status("job-1", state)) for state in found]


def test_waiting_for_one_job(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=states("Waiting", "Waiting", "Running", "Finished"))
    seen: list[str] = []
    job = client.wait("job-1", on_update=lambda job: seen.append(job.State))
    assert job.State == "Finished"
    assert seen == ["Waiting", "Running", "Finished"]


def test_conditions_of_wait(client: Any, respx_mock: respx.MockRouter) -> None:
    for until, last in (
        ("Running", "Running"), (["Running", "Finished"], "Running"), ({"Stopped"}, "Stopped"),
        (lambda job: job.State == "Running", "Running"), (None, "Stopped"),
    ):  # fmt: skip
        respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=states("Waiting", "Running", "Stopped"))
        assert client.wait("job-1", until=until, raise_on_failure=until is not None).State == last
    for wrong in (5, "", [], [5], [""]):
        with pytest.raises(ConfigError, match="until"):
            client.wait("job-1", until=wrong)
    for wrong in (0, -1):
        with pytest.raises(ConfigError, match="interval"):
            client.wait("job-1", interval=wrong)


def test_a_poll_of_many_jobs_reads_the_list(client: Any, respx_mock: respx.MockRouter) -> None:
    ids = [f"job-{number}" for number in range(60)]
    looks = [[status(job_id, state) for job_id in ids] for state in ("Waiting", "Running", "Finished")]
    route = respx_mock.get(f"{URL}/jobs").mock(side_effect=[page(look) for look in looks])
    jobs = client.wait([Job({"Id": job_id}) for job_id in ids])
    assert [job.Id for job in jobs] == ids
    assert route.call_count == 3
    assert {call.request.url.params["IsReverse"] for call in route.calls} == {"True"}


def test_jobs_that_the_list_does_not_contain(client: Any, respx_mock: respx.MockRouter) -> None:
    """Jobs that are too old for the page of the list are read one by one, 20 at each poll."""
    ids = [f"job-{number}" for number in range(50)]
    lists = respx_mock.get(f"{URL}/jobs").mock(
        side_effect=[page([status("other", "Running")] * 100, "more")] * 9
    )
    for job_id in ids:
        respx_mock.get(f"{URL}/jobs/{job_id}").respond(200, json=status(job_id, "Finished"))
    assert [job.Id for job in client.wait(iter(ids))] == ids
    assert lists.call_count == 1
    assert len(respx_mock.calls) == 51


def test_empty_and_repeated_ids(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(200, json=status("job-1", "Finished"))
    assert client.wait([]) == []
    assert [job.Id for job in client.wait(["job-1", "job-1"])] == ["job-1", "job-1"]
    with pytest.raises(ValidationError):
        client.wait([""])
    with pytest.raises(ValidationError):
        client.wait(5)


def test_wait_timeout(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(200, json=status("job-1", "Running"))
    for timeout in (0, 0.05, timedelta(milliseconds=50)):
        with pytest.raises(WaitTimeout, match=r"job-1 \(Running\); the job continues to run$") as caught:
            client.wait("job-1", timeout=timeout)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.jobs[0].State == "Running"
        assert pickle.loads(pickle.dumps(caught.value)).jobs == caught.value.jobs


def test_a_job_failure_lists_tasks_and_instances(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(
        200, json={**status("job-1", "Failed"), "Message": "Instance 3 failed"}
    )
    respx_mock.get(f"{URL}/jobs/job-1/tasks").mock(side_effect=[page([{"TaskName": "t", "State": "Failed"}])])
    result = {
        "ExitCode": 7,
        "ErrorCode": "ProgramFailed",
        "ErrorMessage": "it ended with 7",
        "Detail": "boom\n",
    }
    instances = respx_mock.get(f"{URL}/jobs/job-1/tasks/t/instances")
    instances.mock(side_effect=[page([{"InstanceId": 3, "State": "Failed", "Result": result}])])
    with pytest.raises(JobFailedError) as caught:
        client.wait("job-1")
    error = caught.value
    (failed,) = error.instances
    assert (failed.task, failed.number, failed.exit_code, failed.error_code, failed.stderr) == (
        "t",
        3,
        7,
        "ProgramFailed",
        "boom\n",
    )
    assert [task.TaskName for task in error.tasks] == ["t"]
    for text in ("job-1 failed", "Instance 3 failed", "t[3] exit code 7", "| boom"):
        assert text in str(error)
    assert instances.calls.last.request.url.params["State"] == "Failed"
    again = pickle.loads(pickle.dumps(error))
    assert (again.instances, again.job, str(again)) == (error.instances, error.job, str(error))
    assert client.wait("job-1", raise_on_failure=False).State == "Failed"


def test_a_job_failure_whose_instances_cannot_be_read(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(200, json=status("job-1", "Stopped"))
    respx_mock.get(f"{URL}/jobs/job-1/tasks").respond(500)
    with pytest.raises(JobFailedError, match="job-1 stopped") as caught:
        client.wait("job-1")
    assert "could not be read" in " ".join(caught.value.__notes__)


def test_temporary_failures_do_not_end_a_wait(client: Any, respx_mock: respx.MockRouter) -> None:
    trouble: list[Any] = [httpx.ReadError, httpx.Response(503)] * 3
    respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=[*states("Running"), *trouble, *states("Finished")])
    assert client.wait("job-1", interval=0.01).State == "Finished"
    respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=[*states("Running"), *[httpx.Response(500)] * 40])
    with pytest.raises(ServerError):
        client.wait("job-1", interval=0.01)


def test_a_job_that_is_deleted_during_a_wait(client: Any, respx_mock: respx.MockRouter) -> None:
    gone = httpx.Response(404, json={"Code": "InvalidResource.NotFound"})
    respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=[*states("Running"), gone])
    with pytest.raises(NotFoundError) as caught:
        client.wait("job-1", interval=0.01)
    assert "job-1 was Running, and was deleted" in " ".join(caught.value.__notes__)


def test_wait_continues_in_unknown_states(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=states("Initialising", "Finished"))
    assert client.wait("job-1", interval=0.01).State == "Finished"


def test_delays_between_polls_grow_while_nothing_changes() -> None:
    watch = Watch(["a"], None, 10.0, 0.0)
    assert watch.delay(0.0, None, 0.5) == pytest.approx(0.05)
    assert watch.delay(30.0, None, 0.5) == pytest.approx(3.0)
    assert watch.delay(5000.0, None, 0.5) == pytest.approx(10.0)
    assert 7.5 <= watch.delay(5000.0, None, 0.0) < watch.delay(5000.0, None, 0.99) <= 12.5
    assert watch.delay(30.0, 31.0, 0.5) == pytest.approx(1.0)
    watch.update("a", Job(status("a", "Waiting")), 40.0)
    watch.update("a", Job(status("a", "Running")), 50.0)
    # Ten seconds without a change: the next poll is a second later. Right after a change, the age of the wait decides.
    assert watch.delay(60.0, None, 0.5) == pytest.approx(1.0)
    assert watch.delay(51.0, None, 0.5) == pytest.approx(0.51)
    watch.update("a", Job(status("a", "Finished")), 900.0)
    assert watch.delay(900.0, None, 0.5) == pytest.approx(1.0)


def test_the_first_delays_are_shorter_for_a_service_of_this_machine() -> None:
    watch = Watch(["a"], None, 10.0, 0.0, is_local=True)
    assert watch.delay(0.0, None, 0.5) == pytest.approx(0.01)
    assert watch.delay(0.2, None, 0.5) == pytest.approx(0.05)
    assert watch.delay(30.0, None, 0.5) == pytest.approx(3.0)


async def test_on_update_can_be_a_coroutine_function(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=states("Finished"))
    seen: list[str] = []

    async def note(job: Job) -> None:
        seen.append(str(job.State))

    async with AsyncClient(URL, "id", "secret") as client:
        await client.wait("job-1", on_update=note)
    assert seen == ["Finished"]


# -- progress -------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched() -> Watch:
    watch = Watch(["a", "b"], None, 10.0, time.monotonic())
    watch.update("a", Job(status("a", "Running", Finished=2, Running=1)), 0)
    watch.update("b", Job(status("b", "Waiting", Waiting=3)), 0)
    return watch


def test_progress_in_lines() -> None:
    stream, watch = io.StringIO(), watched()
    show = reporter(True, stream)
    show.update(watch)
    show.update(watch)
    watch.update("a", Job(status("a", "Finished", Finished=3)), 0)
    show.update(watch)
    show.close()
    assert stream.getvalue().splitlines() == [
        "0:00:00  2 jobs: 1 running, 1 waiting; instances: 2 finished, 1 running, 3 waiting of 6",
        "0:00:00  2 jobs: 1 finished, 1 waiting; instances: 3 finished, 3 waiting of 6",
    ]


def test_progress_as_a_bar() -> None:
    stream = Terminal()
    show = reporter(True, stream)
    show.update(watched())
    show.close()
    assert "2 jobs: 1 running, 1 waiting; instances: 2 finished" in stream.getvalue().replace(
        "\n", " "
    ).replace("  ", " ")
    assert "━" in stream.getvalue()


def test_progress_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)
    stream = Terminal()
    reporter(True, stream).update(watched())
    assert "batchcompute[progress]" in stream.getvalue()
    assert "2 jobs: 1 running" in stream.getvalue()
    silent = io.StringIO()
    reporter(False, silent).update(watched())
    assert silent.getvalue() == ""


# -- jobs that run -------------------------------------------------------------------------------


def real(command: str, count: int = 1, store: bool = True) -> dict[str, Any]:
    parameters: dict[str, Any] = {"Command": {"CommandLine": command}}
    if store:
        parameters |= {"StdoutRedirectPath": "oss://b/logs/", "StderrRedirectPath": "oss://b/logs/"}
    task = {"InstanceCount": count, "AutoCluster": {}, "Parameters": parameters}
    return {"Name": "n", "Type": "DAG", "Priority": 1, "DAG": {"Tasks": {"t": task}}}


def test_logs(local: Client) -> None:
    job = local.create_job(real("echo out-中; echo err >&2; printf 'no newline'", 2))
    local.wait(job)
    logs = local.logs(job, "t", 1)
    assert (logs.stdout, logs.stderr) == ("out-中\nno newline", "err\n")
    assert local.logs(job, "t", tail=7).stdout == "newline"
    assert local.logs(job, local.get_task(job, "t"), local.get_instance(job, "t", 1)) == logs
    assert "".join(local.logs(job, "t", follow=True, stream="stderr")) == "err\n"


def test_following_a_running_instance(local: Client, tmp_path: Path) -> None:
    """The program continues only after its first output has been read."""
    flag = tmp_path / "flag"
    job = local.create_job(real(f"echo first; while [ ! -e {flag} ]; do sleep 0.02; done; echo last"))
    pieces: list[str] = []
    for piece in local.logs(job, "t", follow=True, interval=0.02):
        pieces.append(piece)
        flag.touch()
    assert "".join(pieces) == "first\nlast\n"
    assert len(pieces) >= 2


async def test_following_and_waiting_asynchronously(service: LocalService) -> None:
    async with service.async_client() as client:
        job = await client.create_job(real("echo a; echo b"))
        assert (await client.wait(job)).State == "Finished"
        assert "".join([piece async for piece in client.logs(job, "t", follow=True)]) == "a\nb\n"
        assert (await client.logs(job, "t")).stdout == "a\nb\n"


def test_unavailable_logs(local: Client, service: LocalService) -> None:
    silent = local.create_job(real("true", store=False))
    with pytest.raises(LogsUnavailable, match="StdoutRedirectPath"):
        local.logs(silent, "t")
    with pytest.raises(LogsUnavailable, match="StdoutRedirectPath"):
        next(local.logs(silent, "t", follow=True))
    with pytest.raises(NotFoundError):
        local.logs(silent, "t", 5)
    job = local.create_job(real("echo x"))
    local.wait(job)
    for file in (service.data_dir / "oss").rglob("stdout.*"):
        file.unlink()
    assert local.logs(job, "t").stdout == ""


def test_a_failure_of_a_job_that_runs(local: Client) -> None:
    job = local.create_job(real("echo lost >&2; exit 9", 3))
    with pytest.raises(JobFailedError) as caught:
        local.wait(job)
    assert {failed.exit_code for failed in caught.value.instances} == {9}
    assert caught.value.instances[0].stderr == "lost\n"


def test_waiting_by_id(local: Client) -> None:
    jobs = [local.create_job(real("sleep 0.1")).Id for _ in range(30)]
    assert [job.State for job in local.wait(jobs)] == ["Finished"] * 30


# -- jobs after an interrupted wait ---------------------------------------------------------------

AGAIN = "; client.wait('job-1') waits again, client.stop_job(...) stops"
EMBEDDED = (
    "continues to run as long as this process lives; its programs end with it, and the job starts again when "
    "the data directory {} is opened again"
)


def interrupt(_job: Job) -> None:
    raise KeyboardInterrupt


def note_of(client: Client, job: str) -> str:
    """Return the note of an interrupted wait, with the id job-1."""
    with pytest.raises(KeyboardInterrupt) as caught:
        client.wait(job, on_update=interrupt)
    (note,) = caught.value.__notes__
    return note.replace(job, "job-1")


def test_an_interrupted_wait_for_jobs_of_a_server(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(200, json=status("job-1", "Running"))
    with Client(URL, "id", "secret") as client:
        assert note_of(client, "job-1") == f"job-1 continues to run{AGAIN}"


async def test_a_cancelled_wait(
    respx_mock: respx.MockRouter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(200, json=status("job-1", "Running"))
    directory = tmp_path / "default-data"

    async def cancelled(client: AsyncClient, job: str) -> str:
        seen = asyncio.Event()
        waiting = asyncio.create_task(client.wait(job, on_update=lambda _: seen.set()))
        await seen.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await waiting
        (note,) = caught.value.__notes__
        assert note in caplog.text
        return note.replace(job, "job-1")

    async with AsyncClient(URL, "id", "secret") as client:
        assert await cancelled(client, "job-1") == f"job-1 continues to run{AGAIN}"
    async with AsyncClient(LOCAL, "id", "secret") as client:
        job = str((await client.create_job(real("sleep 60"))).Id)
        assert await cancelled(client, job) == f"job-1 {EMBEDDED.format(directory)}{AGAIN}"
        await client.stop_job(job)


def test_an_interrupted_wait_for_jobs_of_a_local_service(local: Client, service: LocalService) -> None:
    job = str(local.create_job(real("sleep 60")).Id)
    ends = "continues to run until the LocalService of this process is closed, at the latest when the process ends;"
    assert note_of(local, job) == (
        f"job-1 {ends} its programs end then (unless it has detach=True), and the job starts again when the "
        f"data directory {service.data_dir} is opened again{AGAIN}"
    )
    local.stop_job(job)
    with LocalService() as temporary, temporary.client() as client:
        job = str(client.create_job(real("sleep 60")).Id)
        assert note_of(client, job) == (
            f"job-1 {ends} the job is lost then with its temporary data directory {temporary.data_dir}{AGAIN}"
        )


def test_the_message_of_a_wait_timeout(tmp_path: Path) -> None:
    with Client(LOCAL, "id", "secret") as client:
        jobs = [client.create_job(real("sleep 60")) for _ in range(2)]
        with pytest.raises(WaitTimeout) as one:
            client.wait(jobs[0], timeout=0)
        with pytest.raises(WaitTimeout) as both:
            client.wait(jobs, timeout=0)
        for job in jobs:
            client.stop_job(job)
    place = tmp_path / "default-data"
    assert f"; the job {EMBEDDED.format(place)}" in str(one.value)
    assert str(both.value).endswith(
        "; the jobs continue to run as long as this process lives; their programs end with it, and the jobs "
        f"start again when the data directory {place} is opened again"
    )


def test_an_interrupted_wait_before_the_first_request() -> None:
    with Client(LOCAL, "id", "secret") as client:
        assert client._job_host() == JobHost("unknown")
        with httpx.Client() as http:
            assert Client(LOCAL, "id", "secret", http_client=http)._job_host() == JobHost("unknown")
        watch = Watch(["job-1"], None, 10.0, 0.0)
        assert watch.interruption_note(client._job_host()) == f"job-1 was not stopped{AGAIN}"


INTERRUPTED = """
import sys
from batchcompute import Client
with Client(*sys.argv[1:4]) as client:
    job = client.create_job({"Name": "n", "Type": "DAG", "Priority": 1, "DAG": {"Tasks": {"t": {
        "AutoCluster": {}, "Parameters": {"Command": {"CommandLine": sys.argv[4]}}}}}})
    print(job.Id, flush=True)
    client.wait(job)
"""


def interrupted(region: str, pair: tuple[str, str], pids: Path) -> tuple[str, str]:
    """Interrupt a process that waits for a job whose programs write their pids; return the job's id and the stderr."""
    command = [sys.executable, "-c", INTERRUPTED, region, *pair, f"echo $$ >> {pids}; exec sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        job = process.stdout.readline().strip()
        helpers.until(lambda: pids.exists() and pids.read_text().endswith("\n"))
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == -signal.SIGINT, stderr
    return job, stderr.replace(job, "job-1")


def test_ctrl_c_with_an_embedded_service(tmp_path: Path) -> None:
    pids, directory = tmp_path / "pids", tmp_path / "default-data"
    job, stderr = interrupted(LOCAL, ("id", "secret"), pids)
    assert f"job-1 {EMBEDDED.format(directory)}{AGAIN}" in stderr
    # The text is correct.
    assert not helpers.alive(int(pids.read_text()))
    with LocalService(directory) as service, service.client("id", "secret") as client:
        helpers.until(lambda: pids.read_text().count("\n") == 2)
        assert client.get_job(job).State == "Running"
        client.stop_job(job)


@pytest.mark.parametrize("joined", [True, False], ids=["LOCAL that joins it", "its URL"])
def test_ctrl_c_with_a_server(tmp_path: Path, joined: bool) -> None:
    pids, directory = tmp_path / "pids", tmp_path / "default-data"
    with serving(directory) as (url, _):
        key = KeyFile(directory / "credentials.json").read()[0]
        pair = (key.access_key_id, key.access_key_secret)
        job, stderr = interrupted(LOCAL if joined else url, pair, pids)
        where = f" in the server at {url}, which owns {directory}" if joined else ""
        assert f"job-1 continues to run{where}{AGAIN}" in stderr
        # The text is correct.
        with Client(url, *pair) as client:
            assert client.get_job(job).State == "Running"
            assert helpers.alive(int(pids.read_text()))
            client.stop_job(job)


# -- object storage -------------------------------------------------------------------------------


def instance_with(place: str) -> httpx.Response:
    return httpx.Response(
        200,
        json={"InstanceId": 0, "State": "Finished", "StdoutRedirectPath": place, "StderrRedirectPath": ""},
    )


def test_reads_of_the_vendors_object_storage(kind: Kind, respx_mock: respx.MockRouter) -> None:
    """Each bucket has a host. The signature has version 1 and includes the token."""
    import base64
    import hashlib
    import hmac

    client = kind("cn-qingdao", "id", "secret", "sts")
    respx_mock.get(host="batchcompute.cn-qingdao.aliyuncs.com").mock(
        side_effect=[instance_with("oss://b/l/stdout 中.j.t.0")]
    )
    route = respx_mock.get(host="b.oss-cn-qingdao.aliyuncs.com").respond(206, text="tail")
    assert client.logs("j", "t", tail=4).stdout == "tail"
    request = route.calls.last.request
    assert request.url.raw_path == b"/l/stdout%20%E4%B8%AD.j.t.0"
    assert request.headers["range"] == "bytes=-4"
    # Without the header, the response to a range after the end would be the whole object.
    assert request.headers["x-oss-range-behavior"] == "standard"
    text = f"GET\n\n\n{request.headers['date']}\nx-oss-range-behavior:standard\nx-oss-security-token:sts\n/b/l/stdout 中.j.t.0"
    made = base64.b64encode(hmac.new(b"secret", text.encode(), hashlib.sha1).digest()).decode()
    assert request.headers["authorization"] == f"OSS id:{made}"
    assert "x-acs-access-key-id" not in request.headers


def test_object_storage_that_rejects_requests(kind: Kind, respx_mock: respx.MockRouter) -> None:
    client = kind(URL, "id", "secret", oss_endpoint="https://oss.example.com/", retry=RetryPolicy.none())
    respx_mock.get(url__startswith=f"{URL}/jobs").mock(side_effect=[instance_with("oss://b/k")] * 9)
    xml = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>not yours</Message></Error>"
    respx_mock.get("https://oss.example.com/b/k").mock(
        side_effect=[
            httpx.Response(403, text=xml),
            httpx.ConnectError("no route"),
            httpx.Response(404),
            httpx.Response(416),
        ]
    )
    for text in ("AccessDenied, Message: not yours", "no route"):
        with pytest.raises(LogsUnavailable, match=text):
            client.logs("j", "t")
    assert client.logs("j", "t").stdout == client.logs("j", "t").stdout == ""
    respx_mock.get(url__startswith=f"{URL}/jobs").mock(side_effect=[instance_with("file:///etc/passwd")])
    with pytest.raises(LogsUnavailable, match="oss://bucket/key"):
        client.logs("j", "t")
    for wrong in ("oss.example.com", "ftp://x", "https://u:p@x"):
        with pytest.raises(ConfigError, match="oss_endpoint"):
            kind(URL, "id", "secret", oss_endpoint=wrong)
