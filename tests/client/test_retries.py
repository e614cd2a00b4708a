"""Retries: which calls are repeated, the delays, and the errors after the last attempt."""

from __future__ import annotations

import json
import logging
import pickle
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from batchcompute import (
    ClientError,
    ConfigError,
    NotFoundError,
    OutcomeUnknown,
    ProtocolError,
    ResponseError,
    RetryPolicy,
    ServerError,
    StateConflictError,
    ThrottledError,
    Timeout,
    TransportError,
    TransportTimeout,
)
from batchcompute.api.operations import OPERATIONS
from batchcompute.http.retry import Quota, chain, delay_after, retry_after
from batchcompute.http.retry_state import outcome_of
from tests.client.kinds import Kind

URL = "http://127.0.0.1:9"
QUICK = RetryPolicy(attempts=3, first_delay=0, longest_delay=0)
JOB = {
    "Name": "n",
    "DAG": {"Tasks": {"t": {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}}},
}
CLUSTER = {
    "Name": "c",
    "ImageId": "img-1",
    "Groups": {"g": {"DesiredVMCount": 1, "InstanceType": "ecs.s1.large"}},
}
IMAGE = {"Name": "i", "ECSImageId": "m-1", "EcsImageId": "m-1", "Platform": "Linux"}
APP = {"Name": "a", "CommandLine": "x", "VM": {"ECSImageId": "m-1"}}
ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "create_job": (JOB,), "create_cluster": (CLUSTER,), "create_image": (IMAGE,), "create_app": (APP,),
    "list_tasks": ("j", "", 1), "list_instances": ("j", "t", "", 1), "list_jobs": ("", 1), "list_clusters": ("", 1),
    "list_cluster_instances": ("c", "g", "", 1), "list_images": ("", 1), "list_apps": (), "get_quotas": (),
    "get_available_resource": (), "change_job_priority": ("j", 5), "modify_cluster": ("c", {"ImageId": "img-1"}),
    "modify_app": ("a", APP), "get_task": ("j", "t"), "get_instance": ("j", "t", 0),
    "list_attempts": ("j", "t", 0, "", 1),
    "get_cluster_instance": ("c", "g", "i"), "recreate_cluster_instance": ("c", "g", "i"),
    "delete_cluster_instance": ("c", "g", "i"),
}  # fmt: skip
Reply = httpx.Response | type[Exception]


def code(status: int, text: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"Code": text, "Message": "m"}, headers=headers)


@pytest.fixture
def client(kind: Kind) -> Any:
    return kind(URL, "id", "s3cret", retry=QUICK)


NOT_RECEIVED: list[Reply] = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
REFUSED = [code(429), code(408), code(400, "Throttling.User")]
LOST = [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError, code(500), code(502), code(503), code(400, "InternalError")]  # fmt: skip
FINAL = [
    code(400, "InvalidParameter"),
    code(403, "Forbidden"),
    code(404),
    code(501, "NotImplemented"),
    code(302),
]


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_repeated_according_to_its_retry_class(
    kind: Kind, respx_mock: respx.MockRouter, name: str
) -> None:
    """Sends each operation and checks after which failures it is repeated."""
    operation = OPERATIONS[name]
    client = kind(URL, "id", "s3cret", retry=QUICK)
    route = respx_mock.route(method=operation.method)
    arguments = ARGUMENTS.get(name, ("x",))
    for replies, again in (
        (NOT_RECEIVED, True),
        (REFUSED, True),
        (LOST, operation.retry_class != "action"),
        (FINAL, False),
    ):
        for reply in replies:
            if operation.retry_class == "action" and replies in (LOST, REFUSED):
                continue  # repeated after a status check, which other tests cover
            before = route.call_count
            route.mock(side_effect=[reply] * 5)  # type: ignore[list-item]
            with pytest.raises((ClientError, TransportError)) as caught:
                getattr(client, name)(*arguments)
            sent = list(route.calls)[before:]
            assert len(sent) == (3 if again else 1), (name, reply)
            error: Any = caught.value
            assert [attempt.number for attempt in error.attempts] == list(range(1, len(sent) + 1))
            unknown = operation.retry_class == "create" and replies is LOST
            assert isinstance(error, OutcomeUnknown) == unknown
            assert not unknown or re.search(
                "IdempotentToken=" + error.token, str(route.calls.last.request.url)
            )
            assert (
                len({call.request.headers["x-acs-signature-nonce"] for call in route.calls})
                == route.call_count
            )


def test_a_create_keeps_its_token(client: Any, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.post(f"{URL}/jobs")
    route.mock(side_effect=[httpx.ReadError, code(500), httpx.Response(201, json={"Id": "job-1"})] * 2)
    assert client.create_job(JOB).Id == "job-1"
    tokens = {call.request.url.params["IdempotentToken"] for call in route.calls}
    assert len(tokens) == 1
    assert re.fullmatch("[0-9a-f]{32}", tokens.pop())
    bodies = {call.request.content for call in route.calls}
    assert len(bodies) == 1
    client.create_job(JOB, token="mine")
    assert [call.request.url.params["IdempotentToken"] for call in route.calls][3:] == ["mine"] * 3


def test_a_lost_response_leaves_the_outcome_unknown_after_later_failures(
    client: Any, respx_mock: respx.MockRouter
) -> None:
    """A later failure that is not conclusive does not show the outcome of the first attempt."""
    route = respx_mock.post(f"{URL}/jobs")
    last: Any
    for last in (httpx.ConnectError, code(429), code(403, "Forbidden"), code(400, "SignatureDoesNotMatch")):
        route.mock(side_effect=[httpx.ReadError, last, last])
        with pytest.raises(OutcomeUnknown) as caught:
            client.create_job(JOB)
        assert isinstance(caught.value, ProtocolError)
    for answer in (
        code(400, "InvalidParameter"),
        code(400, "IdempotentTokenMismatch"),
        code(409, "StateConflict"),
    ):
        route.mock(side_effect=[httpx.ReadError, answer])
        with pytest.raises(ClientError) as refused:
            client.create_job(JOB)
        assert not isinstance(refused.value, OutcomeUnknown)


@pytest.mark.parametrize(
    ("reply", "kind_of_error"),
    [
        (httpx.ReadTimeout, TransportTimeout), (httpx.ReadError, ProtocolError), (code(500), ServerError),
        (httpx.Response(201, text="<html>"), ResponseError), (httpx.Response(201, json={}), ResponseError),
    ],
)  # fmt: skip
def test_an_unknown_outcome_has_the_class_of_its_failure(
    client: Any, respx_mock: respx.MockRouter, reply: Any, kind_of_error: type[Exception]
) -> None:
    respx_mock.post(f"{URL}/jobs").mock(side_effect=[reply] * 3)
    with pytest.raises(kind_of_error) as caught:
        client.create_job(JOB)
    error = caught.value
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error, ClientError)
    assert error.token in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.token, again.attempts, str(again)) == (
        type(error),
        error.token,
        error.attempts,
        str(error),
    )
    assert error.__cause__ is not None


def test_a_404_after_a_lost_response_to_a_delete_is_a_success(
    client: Any, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.delete(f"{URL}/jobs/j")
    gone = httpx.Response(404, json={"Code": "InvalidResource.NotFound"}, headers={"x-acs-request-id": "r"})
    lost: Any
    for lost in (httpx.ReadError, code(500)):
        route.mock(side_effect=[lost, gone])
        answer = client.delete_job("j")
        assert (answer.StatusCode, answer.RequestId) == (204, "r")
    sure: Any
    for sure in (httpx.ConnectError, code(429)):
        route.mock(side_effect=[sure, gone])
        with pytest.raises(NotFoundError):
            client.delete_job("j")
    route.mock(side_effect=[gone])
    with pytest.raises(NotFoundError):
        client.delete_job("j")


def job(state: str, ended: datetime | None = None, **headers: str) -> httpx.Response:
    now = format_datetime(datetime.now(UTC), usegmt=True)
    times = {"EndTime": ended.strftime("%Y-%m-%dT%H:%M:%S.%fZ")} if ended else {}
    return httpx.Response(200, json={"Id": "j", "State": state, **times}, headers={"Date": now, **headers})


OLD = datetime.now(UTC) - timedelta(hours=1)
NEW = datetime.now(UTC) + timedelta(hours=1)
CONFLICT = code(409, "StateConflict")
GONE = code(404, "InvalidResource.NotFound")
DONE = httpx.Response(201)


@pytest.mark.parametrize(
    ("method", "replies", "reads", "outcome"),
    [
        # The response was lost, and the job is stopped: success.
        ("stop_job", [httpx.ReadError], [job("Stopped")], None),
        # The job runs, so the stop was not executed: repeated.
        ("stop_job", [httpx.ReadError, DONE], [job("Running")], None),
        ("stop_job", [code(500), httpx.ReadError, DONE], [job("Waiting"), job("Running")], None),
        # The job ended by itself: 409, as without a failure.
        ("stop_job", [httpx.ReadError, CONFLICT], [job("Finished"), job("Finished")], StateConflictError),
        # 409, because the first stop was executed after the status check.
        ("stop_job", [httpx.ReadError, CONFLICT], [job("Running"), job("Stopped")], None),
        ("stop_job", [CONFLICT], [], StateConflictError),
        ("stop_job", [httpx.ConnectError, CONFLICT], [], StateConflictError),
        ("stop_job", [httpx.ReadError], [GONE], NotFoundError),
        # The status checks fail, too: the outcome is unknown.
        ("stop_job", [httpx.ReadError], [code(500)] * 3, OutcomeUnknown),
        ("start_job", [httpx.ReadError], [job("Running")], None),
        ("start_job", [httpx.ReadError], [job("Finished", NEW)], None),
        ("start_job", [httpx.ReadError, CONFLICT], [job("Finished", OLD)] * 2, StateConflictError),
        ("start_job", [httpx.ReadError, DONE], [job("Failed", OLD)], None),
        # The job may have been started and failed again, so the start is not repeated.
        ("start_job", [httpx.ReadError], [job("Failed", NEW)], OutcomeUnknown),
        ("start_job", [httpx.ReadError], [job("Stopped")], OutcomeUnknown),
        # Times are those of the service, whose clock is ahead here.
        ("start_job", [httpx.ReadError, DONE], [job("Failed", NEW, Date=format_datetime(NEW + timedelta(hours=1), usegmt=True))], None),
    ],
)  # fmt: skip
def test_status_checks_of_job_actions(
    client: Any, respx_mock: respx.MockRouter, method: str, replies: list[Any], reads: list[Any], outcome: Any
) -> None:
    act = respx_mock.post(url__regex=f"{URL}/jobs/j/(stop|start)").mock(side_effect=list(replies))
    read = respx_mock.get(f"{URL}/jobs/j").mock(side_effect=list(reads))
    if outcome is None:
        assert getattr(client, method)("j").StatusCode == 201
    else:
        with pytest.raises(outcome):
            getattr(client, method)("j")
    assert act.call_count == len(replies)
    assert read.call_count == len(reads)


def test_status_checks_of_machine_actions(client: Any, respx_mock: respx.MockRouter) -> None:
    base = f"{URL}/clusters/c/groups/g/instances/i"
    act = respx_mock.post(f"{base}/recreate")
    read = respx_mock.get(base)
    for number, found in enumerate((GONE, httpx.Response(200, json={"State": "Deleting"})), 1):
        act.mock(side_effect=[httpx.ReadError])
        read.mock(side_effect=[found])
        assert client.recreate_cluster_instance("c", "g", "i").StatusCode == 201
        assert act.call_count == number
    act.mock(side_effect=[httpx.ReadError, DONE])
    read.mock(side_effect=[httpx.Response(200, json={"State": "Running"})])
    assert client.recreate_cluster_instance("c", "g", "i").StatusCode == 201
    deletes = respx_mock.delete(base).mock(side_effect=[httpx.ReadError, CONFLICT])
    read.mock(side_effect=[httpx.Response(200, json={"State": "Deleting"})])
    assert client.delete_cluster_instance("c", "g", "i").StatusCode == 202
    assert deletes.call_count == 2


def test_outcomes_with_a_time_without_a_zone() -> None:
    class Found:
        State = "Failed"
        EndTime = datetime(2026, 1, 1)  # noqa: DTZ001

    assert outcome_of("start_job", Found, datetime(2026, 6, 1, tzinfo=UTC)) == "not executed"
    assert outcome_of("start_job", Found, datetime(2025, 6, 1, tzinfo=UTC)) == "unknown"


def test_errors_list_the_attempts(
    client: Any, respx_mock: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    replies: list[Any] = [
        httpx.ConnectError("refused"),
        code(503, "InternalError", **{"x-acs-request-id": "r2"}),
        code(429),
    ]
    respx_mock.get(f"{URL}/quotas").mock(side_effect=replies)
    with pytest.raises(ThrottledError) as caught:
        client.get_quotas()
    first, second, third = caught.value.attempts
    assert (first.number, first.status, first.request_id) == (1, 0, "")
    assert "refused" in first.error
    assert (second.status, second.code, second.request_id) == (503, "InternalError", "r2")
    assert (third.status, third.delay) == (429, 0)
    assert "gave up after 3 attempts" in " ".join(caught.value.__notes__)
    lines = [record for record in caplog.records if record.name == "batchcompute.retry"]
    assert [record.levelno for record in lines] == [logging.WARNING] * 2
    assert "get_quotas: attempt 1 of 3 failed (ConnectError: cannot connect" in lines[0].getMessage()
    assert "HTTP Status: 503, Code: InternalError" in lines[1].getMessage()


def test_errors_list_the_delays(kind: Kind, respx_mock: respx.MockRouter) -> None:
    policy = RetryPolicy(attempts=2, first_delay=0, longest_delay=0)
    client = kind(URL, "id", "secret", retry=policy)
    respx_mock.get(f"{URL}/quotas").mock(side_effect=[code(503, **{"Retry-After-Ms": "20"}), code(404)])
    started = time.monotonic()
    with pytest.raises(NotFoundError) as caught:
        client.get_quotas()
    assert time.monotonic() - started >= 0.02
    assert [attempt.delay for attempt in caught.value.attempts] == [0.02, 0]


def test_a_policy_without_retries(kind: Kind, respx_mock: respx.MockRouter) -> None:
    client = kind(URL, "id", "secret", retry=RetryPolicy.none())
    route = respx_mock.get(f"{URL}/quotas").mock(side_effect=[code(500)] * 3)
    with pytest.raises(ServerError) as caught:
        client.get_quotas()
    assert (route.call_count, len(caught.value.attempts)) == (1, 1)


def test_a_deadline_ends_the_retries(kind: Kind, respx_mock: respx.MockRouter) -> None:
    client = kind(URL, "id", "secret", retry=RetryPolicy(attempts=9, first_delay=0, longest_delay=0))
    route = respx_mock.get(f"{URL}/quotas").mock(side_effect=[code(503, **{"Retry-After": "30"})] * 9)
    started = time.monotonic()
    with pytest.raises(ServerError) as caught:
        client.with_options(deadline=5).get_quotas()
    assert time.monotonic() - started < 5
    assert route.call_count == 1
    assert "the deadline of 5 s" in " ".join(caught.value.__notes__)


def test_a_deadline_limits_each_attempt(kind: Kind, respx_mock: respx.MockRouter) -> None:
    client = kind(URL, "id", "secret", timeout=Timeout(connect=1, read=50, write=None, pool=2))
    route = respx_mock.get(f"{URL}/quotas").respond(200, json={})
    client.with_options(deadline=timedelta(seconds=20)).get_quotas()
    if "httpx2" not in kind.name:
        limits = route.calls.last.request.extensions["timeout"]
        assert (limits["connect"], limits["pool"]) == (1, 2)
        assert 10 < limits["read"] <= 20
        assert 10 < limits["write"] <= 20
    client.get_quotas()


def test_the_quota_stops_retries_and_is_refilled(kind: Kind, respx_mock: respx.MockRouter) -> None:
    """Retries use up the quota of a client, and successful calls refill it."""
    client = kind(URL, "id", "secret", retry=RetryPolicy(attempts=3, first_delay=0, longest_delay=0, quota=5))
    route = respx_mock.get(f"{URL}/quotas").mock(side_effect=[code(500)] * 100)
    sent = []
    for _ in range(5):
        before = route.call_count
        with pytest.raises(ServerError) as caught:
            client.with_options(timeout=5).get_quotas()
        sent.append(route.call_count - before)
    assert sent == [3, 3, 2, 1, 1]
    assert "quota of 5 retries" in " ".join(caught.value.__notes__)
    route.mock(side_effect=[httpx.Response(200, json={}), code(500), code(500)])
    client.get_quotas()
    with pytest.raises(ServerError) as caught:
        client.get_quotas()
    assert len(caught.value.attempts) == 2


@given(st.integers(0, 6), st.lists(st.booleans(), max_size=60))
def test_the_quota_stays_within_its_bounds(size: int, events: list[bool]) -> None:
    quota, left = Quota(size), size
    for take in events:
        if take:
            assert quota.take() == (left > 0)
            left = max(0, left - 1)
        else:
            quota.give_back()
            left = min(size, left + 1)


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None), ({"retry-after": "7"}, 7), ({"retry-after": "1.5"}, 1.5), ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25), ({"retry-after-ms": "x", "retry-after": "9"}, 9),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30), ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-3"}, 0), ({"retry-after": "soon"}, None), ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None), ({"retry-after": "inf"}, float("inf")),
    ],
)  # fmt: skip
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.integers(1, 5000), st.floats(0, 1, exclude_max=True))
def test_delays_have_full_jitter_within_their_bounds(attempt: int, chance: float) -> None:
    policy = RetryPolicy()
    delay = delay_after(attempt, policy, None, chance)
    assert 0 <= delay <= min(8.0, 0.25 * 2.0 ** min(attempt - 1, 64))
    assert delay_after(attempt, policy, 3.0, chance) == 3.0


def test_delays_are_random() -> None:
    chances = random.Random(1)
    delays = {round(delay_after(3, RetryPolicy(), None, chances.random()), 2) for _ in range(200)}
    assert min(delays) < 0.1
    assert max(delays) > 0.9


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: RetryPolicy(attempts=0), "attempts"), (lambda: RetryPolicy(attempts=True), "attempts"),
    (lambda: RetryPolicy(first_delay=-1), "first_delay"), (lambda: RetryPolicy(longest_delay="1"), "longest_delay"),  # type: ignore[arg-type]
    (lambda: RetryPolicy(deadline=0), "deadline"), (lambda: RetryPolicy(quota=-1), "quota"),
    (lambda: RetryPolicy(longest_retry_after=float("nan")), "longest_retry_after"),
    (lambda: Timeout(read=0), "timeout.read"), (lambda: Timeout(connect=True), "timeout.connect"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "named"), BAD)
def test_invalid_policies(make: Callable[[], object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        make()


def test_policies_are_frozen() -> None:
    with pytest.raises(AttributeError):
        RetryPolicy().attempts = 5  # type: ignore[misc]
    assert RetryPolicy(deadline=timedelta(minutes=1)).deadline_seconds == 60
    assert json.dumps(RetryPolicy().attempts) == "4"


def test_an_error_that_is_its_own_cause_has_an_end() -> None:
    first, second = OSError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    assert list(chain(first)) == [first, second]
