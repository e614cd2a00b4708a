"""Calls with mocked HTTP responses: results, errors and retries."""

from __future__ import annotations

import json
import logging
import pickle
import threading
from typing import Any

import httpx
import pytest
import respx

import batchcompute
from batchcompute import (
    AsyncClient,
    Client,
    ClientError,
    ConfigError,
    ConnectError,
    NotFoundError,
    ProtocolError,
    ResponseError,
    RetryPolicy,
    StateConflictError,
    TransportTimeout,
    ValidationError,
)
from batchcompute.api.operations import OPERATIONS
from batchcompute.resources import AppRevision, Instance, Job, JobDescription, Task
from tests.client.kinds import Kind

URL = "http://127.0.0.1:9"
QUICK = RetryPolicy(attempts=3, first_delay=0, longest_delay=0)
JOB = {
    "Name": "n",
    "DAG": {"Tasks": {"t": {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}}},
}


@pytest.fixture
def client(kind: Kind) -> Any:
    return kind(URL, "id", "s3cret", retry=QUICK)


def test_errors_have_the_data_of_the_response(client: Client, respx_mock: respx.MockRouter) -> None:
    body = {"Code": "StateConflict", "Message": "User operation is invalid.", "RequestId": "in-body"}
    respx_mock.post(f"{URL}/jobs/job-1/stop").respond(
        409, json=body, headers={"x-acs-request-id": "in-header"}
    )
    with pytest.raises(StateConflictError) as caught:
        client.stop_job("job-1")
    error = caught.value
    assert (error.get_status_code(), error.get_code(), error.get_requestid(), error.get_msg()) == (
        409, "StateConflict", "in-header", "User operation is invalid.",
    )  # fmt: skip
    assert (error.status, error.code, error.request_id, error.requestid, error.msg) == (
        409,
        "StateConflict",
        "in-header",
        "in-header",
        error.get_msg(),
    )
    assert "StateConflict" in str(error)
    assert "in-header" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.args, again.code, str(again)) == (
        type(error),
        error.args,
        error.code,
        str(error),
    )


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (400, "InvalidPriority", "InvalidParameterError"), (400, "SignatureDoesNotMatch", "AuthenticationError"),
        (404, "InvalidAccessKeyId.NotFound", "AuthenticationError"), (403, "Forbidden", "ForbiddenError"),
        (403, "QuotaExhausted", "QuotaError"), (403, "InvalidHttpBody", "InvalidParameterError"),
        (404, "InvalidResource.NotFound", "NotFoundError"), (409, "StateConflict", "StateConflictError"),
        (429, "", "ThrottledError"), (400, "Throttling.User", "ThrottledError"), (500, "InternalError", "ServerError"),
        (302, "", "ClientError"),
    ],
)  # fmt: skip
def test_errors_by_meaning(
    client: Client, respx_mock: respx.MockRouter, status: int, code: str, name: str
) -> None:
    respx_mock.delete(f"{URL}/jobs/job-1").respond(status, json={"Code": code, "Message": "m"})
    with pytest.raises(ClientError) as caught:
        client.delete_job("job-1")
    assert type(caught.value) is getattr(batchcompute, name)


HTML = "Json Error, a HTML returned from upstream server."


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>Bad gateway</html>", HTML),
        (b"\xff\xfe", HTML),
        (b"[1]", HTML),
        (b"", "Unkown code"),
        (b"{}", "Unkown code"),
    ],
)
def test_an_error_without_a_code(
    client: Client, respx_mock: respx.MockRouter, body: bytes, code: str
) -> None:
    respx_mock.delete(f"{URL}/jobs/job-1").respond(502, content=body)
    with pytest.raises(ClientError) as caught:
        client.delete_job("job-1")
    assert caught.value.status == 502
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"\xff", b"5"])
def test_an_unparsable_success_response(client: Client, respx_mock: respx.MockRouter, body: bytes) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(200, content=body, headers={"request-id": "r"})
    respx_mock.post(f"{URL}/jobs").respond(201, content=body)
    with pytest.raises(ResponseError) as caught:
        client.get_job("job-1")
    assert (caught.value.body, caught.value.request_id, caught.value.status) == (body, "r", 200)
    with pytest.raises(ResponseError):
        client.create_job(JOB)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError, ConnectError), (httpx.ConnectTimeout, ConnectError), (httpx.PoolTimeout, ConnectError),
        (httpx.ReadTimeout, TransportTimeout), (httpx.ReadError, ProtocolError), (httpx.RemoteProtocolError, ProtocolError),
    ],
)  # fmt: skip
def test_transport_errors(
    client: Client, respx_mock: respx.MockRouter, raised: type[Exception], expected: type[Exception]
) -> None:
    route = respx_mock.delete(f"{URL}/jobs/job-1").mock(side_effect=raised)
    with pytest.raises(expected, match="127.0.0.1:9") as caught:
        client.delete_job("job-1")
    assert caught.value.__cause__ is not None
    assert type(caught.value.__cause__).__name__ == raised.__name__
    assert route.call_count == 3


def test_reads_are_repeated_with_a_new_signature(client: Client, respx_mock: respx.MockRouter) -> None:
    replies: list[Any] = [
        httpx.Response(500),
        httpx.ReadError("gone"),
        httpx.Response(200, json={"Id": "job-1", "State": "Running"}),
    ]
    route = respx_mock.get(f"{URL}/jobs/job-1").mock(side_effect=replies)
    assert client.get_job("job-1").State == "Running"
    nonces = {call.request.headers["x-acs-signature-nonce"] for call in route.calls}
    signatures = {call.request.headers["authorization"] for call in route.calls}
    assert len(nonces) == len(signatures) == route.call_count == 3


def test_a_long_retry_after_ends_the_call(client: Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(f"{URL}/quotas").respond(429, headers={"Retry-After": "61"})
    with pytest.raises(ClientError) as caught:
        client.get_quotas()
    assert caught.value.retry_after == 61
    assert route.call_count == 1


def test_no_request_is_sent_for_invalid_arguments(client: Client, respx_mock: respx.MockRouter) -> None:
    bad: Any
    for bad in (
        "",
        " ",
        None,
        5,
        "..",
        ".",
        "../quotas",
        "a/../b",
        "a/./b",
        JobDescription(),
        JobDescription(Name="n"),
        Job(),
        object(),
        b"",
        b"\xff",
        "\ud800",
    ):
        with pytest.raises(ValidationError, match="job"):
            client.get_job(bad)
    for bad in (-1, "x", True, None, 1.5, "²", Instance()):
        with pytest.raises(ValidationError, match="instance_id"):
            client.get_instance("job-1", "t", bad)
    for bad in (-1, 1001, "5", True, None):
        with pytest.raises(ValidationError, match="Priority"):
            client.change_job_priority("job-1", bad)
    for bad in (True, "x", object()):
        with pytest.raises(ValidationError, match="qualifier"):
            client.delete_app("a", bad)
    with pytest.raises(ValidationError, match="max_item_count"):
        client.list_jobs("", "²")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="max_item_count"):
        client.list_jobs("", "many")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"DAG\.Tasks"):
        client.create_job(JobDescription(Name="x"))
    with pytest.raises(TypeError, match="JobDescription takes a mapping"):
        client.create_job(5)  # type: ignore[call-overload]
    with pytest.raises(ValidationError, match="resource_type"):
        client.easy_list("nothings")  # type: ignore[call-overload]
    assert not respx_mock.calls


def test_a_dag_job_without_priority_stays_a_dag_job(client: Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.post(f"{URL}/jobs").respond(201, json={"Id": "job-1"})
    for form in (JOB, json.dumps(JOB), JobDescription(JOB)):
        client.create_job(form)
        assert json.loads(route.calls.last.request.content)["DAG"]["Tasks"]["t"]["ClusterId"] == "c"
    client.create_job({"Name": "n", "Type": "App", "App": {"AppName": "a"}})
    assert json.loads(route.calls.last.request.content)["App"]["AppName"] == "a"


def test_a_description_that_was_read_can_be_created_again(
    client: Client, respx_mock: respx.MockRouter
) -> None:
    create = respx_mock.post(f"{URL}/jobs").respond(201, json={"Id": "job-2"})
    app = {"Id": "job-1", "Name": "n", "Type": "App", "App": {"AppName": "a", "Inputs": {"i": 1}}}
    for body in ({"Id": "job-1", "Type": "DAG", **JOB}, app):
        respx_mock.get(f"{URL}/jobs/job-1?description").respond(200, json=body)
        client.create_job(client.get_job_description("job-1"))
        sent = json.loads(create.calls.last.request.content)
        assert "Id" not in sent
        assert sent["Type"] == body["Type"]


def test_an_object_with_an_id_can_replace_the_id(client: Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json={"Id": "job-1", "TaskName": "t"})
    job = client.get_job("job-1")
    client.get_job(job)
    client.get_job(Job({"Id": "job-1"}))
    client.get_instance(job, Task({"TaskName": "t"}), Instance({"InstanceId": 3}))
    assert route.calls.last.request.url.path == "/jobs/job-1/tasks/t/instances/3"


def test_paths_are_encoded_and_signed_as_sent(client: Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json={})
    client.get_image("m-中/x y?z")
    assert route.calls.last.request.url.raw_path == b"/images/m-%E4%B8%AD%2Fx%20y%3Fz"


def test_calls_of_a_closed_client_are_config_errors(client: Client) -> None:
    client.close()
    client.close()
    with pytest.raises(ConfigError, match="closed"):
        client.get_quotas()


def test_easy_list_filters(client: Client, respx_mock: respx.MockRouter) -> None:
    pages = [
        {
            "Items": [
                {"Id": "a", "State": "Running", "Name": "x"},
                {"Id": "b", "State": "Failed", "Name": "y"},
            ],
            "NextMarker": "m",
        },
        {"Items": [{"Id": "c", "State": "Stopped", "Name": "z"}], "NextMarker": ""},
    ]
    respx_mock.get(f"{URL}/jobs").mock(side_effect=[httpx.Response(200, json=page) for page in pages] * 5)
    assert [job.Id for job in client.easy_list("jobs")] == ["a", "b", "c"]
    assert [job.Id for job in client.easy_list("jobs", State="Failed")] == ["b"]
    assert [job.Id for job in client.easy_list("jobs", State=["Failed", "Stopped"])] == ["b", "c"]
    assert [job.Id for job in client.easy_list("jobs", InstanceMetrics={})] == []
    assert [job.Id for job in client.easy_list("jobs", Name=lambda name: name > "x", Id="c")] == ["c"]


@pytest.mark.parametrize(
    ("states", "texts", "stopped"),
    [
        ({"a": "Finished", "b": "Finished"}, [], []),
        ({"a": "Failed", "b": "Running"}, ["Job a failed."], ["b"]),
        ({"a": "Stopped", "b": "Finished"}, ["Job a stopped."], []),
        ({"a": "Running", "b": "Waiting"}, ["Timeout(0)."], ["a", "b"]),
    ],
)
def test_poll(
    client: Client, respx_mock: respx.MockRouter, states: dict[str, str], texts: list[str], stopped: list[str]
) -> None:
    for job_id, state in states.items():
        respx_mock.get(f"{URL}/jobs/{job_id}").respond(200, json={"Id": job_id, "State": state})
        respx_mock.post(f"{URL}/jobs/{job_id}/stop").respond(201)
    timeout = 0 if "Timeout(0)." in texts else 60
    assert client.poll(list(states), timeout=timeout, interval=0) == texts
    assert [
        call.request.url.path.split("/")[2] for call in respx_mock.calls if call.request.method == "POST"
    ] == stopped


def test_poll_accepts_a_job_that_ends_before_the_stop(client: Client, respx_mock: respx.MockRouter) -> None:
    for last, texts in (("Finished", []), ("Failed", ["Job a failed."]), ("Running", ["Timeout(0)."])):
        states = [
            httpx.Response(200, json={"Id": "a", "State": state}) for state in ("Running", "Running", last)
        ]
        respx_mock.get(f"{URL}/jobs/a").mock(side_effect=states)
        respx_mock.post(f"{URL}/jobs/a/stop").respond(409, json={"Code": "StateConflict", "Message": ""})
        assert client.poll("a", timeout=0) == texts


def test_poll_accepts_a_deleted_job(client: Client, respx_mock: respx.MockRouter) -> None:
    gone = httpx.Response(404, json={"Code": "InvalidResource.NotFound", "Message": ""})
    respx_mock.get(f"{URL}/jobs/a").mock(side_effect=[httpx.Response(200, json={"State": "Finished"}), gone])
    assert client.poll("a") == []
    respx_mock.get(f"{URL}/jobs/a").respond(200, json={"State": "Failed"})
    respx_mock.get(f"{URL}/jobs/b").mock(side_effect=[httpx.Response(200, json={"State": "Running"}), gone])
    assert client.poll(["a", "b"]) == ["Job a failed.", "Job b deleted."]


def test_revisions_are_qualifiers(client: Client, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.delete(url__startswith=f"{URL}/apps/a").respond(204)
    for given, sent in (
        (None, "Qualifier"),
        ("", "Qualifier"),
        (0, "Qualifier=0"),
        ("3", "Qualifier=3"),
        (AppRevision({"Revision": 1}), "Qualifier=1"),
    ):
        client.delete_app("a", given)  # type: ignore[arg-type]
        assert route.calls.last.request.url.query.decode() == sent


def test_headers_of_the_caller(kind: Kind, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(f"{URL}/quotas").respond(200, json={})
    headers: dict[str, Any] = {"x-acs-name": "中", "authorization": "mine"}
    kind(URL, "id", "secret", **headers).get_quotas()
    raw = [name.lower() for name, _ in route.calls.last.request.headers.raw]
    assert raw.count(b"authorization") == 1
    assert route.calls.last.request.headers["Authorization"].startswith("acs id:")


def test_a_response_that_cannot_be_decompressed(client: Client, respx_mock: respx.MockRouter) -> None:
    respx_mock.delete(f"{URL}/jobs/job-1").mock(side_effect=httpx.DecodingError)
    with pytest.raises(ProtocolError):
        client.delete_job("job-1")


def test_no_secret_is_shown(
    client: Client, respx_mock: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    respx_mock.get(url__startswith=URL).respond(
        404, json={"Code": "InvalidResource.NotFound", "Message": "m"}
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(NotFoundError) as caught:
        client.get_job("job-1")
    shown = caplog.text + str(caught.value) + repr(caught.value) + repr(client) + str(vars(client))
    assert "s3cret" not in shown


def test_threads_share_one_client(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/quotas").respond(200, json={"AvailableClusterInstanceType": ["x"]})
    client = Client(URL, "id", "secret")
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(client.get_quotas().AvailableClusterInstanceType))
        for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["x"]] * 32
    client.close()


async def test_the_asynchronous_client_sends_the_same_requests(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").mock(
        side_effect=[httpx.Response(500), httpx.Response(200, json={"Id": "job-1", "State": "Finished"})]
        + [httpx.Response(200, json={"Id": "job-1", "State": "Finished"})] * 2
    )
    respx_mock.get(f"{URL}/jobs").respond(200, json={"Items": [{"Id": "job-1"}], "NextMarker": ""})
    async with AsyncClient(URL, "id", "secret", retry=QUICK) as client:
        assert (await client.get_job("job-1")).State == "Finished"
        assert [job.Id for job in await client.easy_list("jobs")] == ["job-1"]
        assert await client.poll("job-1", interval=0) == []
    with pytest.raises(ConfigError):
        await client.get_job("job-1")


def test_both_clients_have_all_operations_and_the_same_methods() -> None:
    def public(cls: type) -> set[str]:
        return {name for name in dir(cls) if not name.startswith("_")}

    assert set(OPERATIONS) <= public(Client)
    assert len(OPERATIONS) == 35, "the vendor's 34, and list_attempts"
    assert public(Client) - {"close"} == public(AsyncClient) - {"aclose"}
