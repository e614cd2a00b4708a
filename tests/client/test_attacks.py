"""Defects that occurred in this or in other clients, one test for each cause."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest
import respx

from batchcompute import (
    AsyncClient,
    Client,
    ClientError,
    ConfigError,
    ConnectError,
    Credentials,
    OutcomeUnknown,
    ResponseError,
    RetryPolicy,
    ServerError,
    StateConflictError,
    ThrottledError,
    TransportTimeout,
    WaitTimeout,
)
from tests.client.kinds import Kind
from tests.client.loopback import Loopback, ok
from tests.client.test_calls import JOB
from tests.client.test_life import Untyped
from tests.client.test_retries import CONFLICT, GONE, code
from tests.client.test_retries import job as job_in

URL = "http://127.0.0.1:9"
QUICK = RetryPolicy(attempts=3, first_delay=0, longest_delay=0)


@pytest.fixture
def client(kind: Kind) -> Any:
    return kind(URL, "id", "s3cret", retry=QUICK)


# -- secrets in messages --------------------------------------------------------------------------


def test_secrets_with_control_characters_are_rejected_and_not_shown(
    kind: Kind, respx_mock: respx.MockRouter
) -> None:
    for pair in (("id\n", "x"), ("id", "s3cret\r"), ("id", "x", "t0\nken"), ("id", "x", "t\x000ken")):
        with pytest.raises(ConfigError, match="copy it again from its source") as caught:
            kind(URL, *pair)
        with pytest.raises(ConfigError, match="copy it again from its source"):
            kind(URL, credentials=lambda pair=pair: pair).get_quotas()
        assert "s3cret" not in str(caught.value)
        assert "ken" not in str(caught.value).replace("security_token", "")
    for headers in ({"x-a": "v4lue\n"}, {"x-a\n": "v4lue"}):
        with pytest.raises(ConfigError, match="control character") as caught:
            kind(URL, "id", "x", **headers)
        assert "v4lue" not in str(caught.value)
    assert not respx_mock.calls


def test_a_request_that_the_library_rejects_is_a_connect_error(
    client: Any, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(f"{URL}/jobs").mock(
        side_effect=httpx.LocalProtocolError("Illegal header value b's3cret'")
    )
    with pytest.raises(ConnectError) as caught:
        client.create_job(JOB)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert "s3cret" not in str(caught.value) + str(caught.value.attempts)
    assert caught.value.__cause__ is None
    assert route.call_count == 3


# -- outcomes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "last",
    [
        httpx.Response(302),
        httpx.Response(404, text="<html>"),
        httpx.Response(400),
        httpx.Response(403, text="no"),
    ],
    ids=["redirect", "page 404", "empty 400", "page 403"],
)
def test_an_error_of_a_gateway_leaves_the_outcome_unknown(
    client: Any, respx_mock: respx.MockRouter, last: httpx.Response
) -> None:
    respx_mock.post(f"{URL}/jobs").mock(side_effect=[httpx.ReadError, last])
    with pytest.raises(OutcomeUnknown) as caught:
        client.create_job(JOB)
    assert caught.value.token
    respx_mock.delete(f"{URL}/jobs/j").mock(side_effect=[httpx.ReadError, last])
    with pytest.raises(ClientError) as refused:
        client.delete_job("j")
    assert refused.value.status == last.status_code


def test_a_failed_status_check_is_not_the_result(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{URL}/jobs/j/stop").mock(side_effect=httpx.ReadError)
    for look in (code(400, "InvalidParameter"), code(403, "Forbidden"), httpx.Response(404, text="<html>")):
        respx_mock.get(f"{URL}/jobs/j").mock(side_effect=[look])
        with pytest.raises(OutcomeUnknown):
            client.stop_job("j")
    respx_mock.delete(f"{URL}/clusters/c").mock(side_effect=[httpx.ReadError, CONFLICT])
    respx_mock.get(f"{URL}/clusters/c").mock(side_effect=[code(403, "Forbidden")])
    with pytest.raises(StateConflictError):
        client.delete_cluster("c")


def test_a_status_check_settles_the_outcome(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{URL}/jobs/j/stop").mock(
        side_effect=[httpx.ReadError, httpx.ConnectError, httpx.ConnectError]
    )
    respx_mock.get(f"{URL}/jobs/j").mock(side_effect=[job_in("Running")] * 3)
    with pytest.raises(ConnectError) as caught:
        client.stop_job("j")
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize("failure", [code(408), code(429), code(400, "Throttling")])
def test_actions_are_not_repeated_without_a_status_check(
    client: Any, respx_mock: respx.MockRouter, failure: httpx.Response
) -> None:
    act = respx_mock.post(f"{URL}/jobs/j/stop").mock(side_effect=[failure, httpx.Response(201)])
    look = respx_mock.get(f"{URL}/jobs/j").mock(side_effect=[job_in("Running")])
    assert client.stop_job("j").StatusCode == 201
    assert (act.call_count, look.call_count) == (2, 1)
    act.mock(side_effect=[failure] * 3)
    look.mock(side_effect=[job_in("Running")] * 3)
    with pytest.raises(ClientError) as caught:
        client.stop_job("j")
    assert not isinstance(caught.value, OutcomeUnknown)


def test_provider_errors_do_not_hide_an_unknown_outcome(kind: Kind, respx_mock: respx.MockRouter) -> None:
    answers: Iterator[Any] = iter([Credentials("a", "b")])

    def provider() -> Credentials:
        try:
            found: Credentials = next(answers)
        except StopIteration:
            raise LookupError("the role service is down") from None
        return found

    respx_mock.post(f"{URL}/jobs").mock(side_effect=[httpx.ReadError])
    with pytest.raises(OutcomeUnknown) as caught:
        kind(URL, credentials=provider, retry=QUICK).create_job(JOB)
    assert caught.value.token
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_event_hooks_that_raise(library: Any) -> None:
    def check(response: Any) -> None:
        response.raise_for_status()

    with Loopback(lambda *_: (503, {}, b"{}")) as server:
        with library.Client(event_hooks={"response": [check]}) as http:
            client = Client(server.url, "id", "secret", http_client=http, retry=QUICK)
            with pytest.raises(OutcomeUnknown):
                client.create_job(JOB)
        assert len(server.requests) == 3
        with pytest.raises(ConfigError, match="is closed"):
            client.get_quotas()


def test_invalid_date_headers(client: Any, respx_mock: respx.MockRouter) -> None:
    for date in ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "Mon, 99 Jan 99999 00:00:00 GMT"):
        respx_mock.get(f"{URL}/quotas").mock(side_effect=[code(503, **{"Retry-After": date})] * 3)
        with pytest.raises(ServerError):
            client.get_quotas()
        respx_mock.post(f"{URL}/jobs/j/start").mock(side_effect=[httpx.ReadError, httpx.Response(201)])
        found = httpx.Response(
            200, json={"State": "Failed", "EndTime": "2020-01-01T00:00:00Z"}, headers={"Date": date}
        )
        respx_mock.get(f"{URL}/jobs/j").mock(side_effect=[found])
        assert client.start_job("j").StatusCode == 201


def test_responses_that_are_nested_too_deeply(client: Any, respx_mock: respx.MockRouter) -> None:
    deep = b"[" * 200_000
    respx_mock.post(f"{URL}/jobs").mock(side_effect=[httpx.Response(201, content=deep)])
    with pytest.raises(OutcomeUnknown) as caught:
        client.create_job(JOB)
    assert isinstance(caught.value, ResponseError)
    respx_mock.get(f"{URL}/quotas").mock(side_effect=[httpx.Response(500, content=deep)] * 3)
    with pytest.raises(ServerError):
        client.get_quotas()


def test_an_empty_response_to_a_get_is_an_error(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/j").respond(200)
    respx_mock.get(f"{URL}/jobs").respond(200)
    for call in (lambda: client.get_job("j"), lambda: client.list_jobs(), lambda: next(client.iter_jobs())):
        with pytest.raises(ResponseError, match="the body is empty"):
            call()


def test_status_checks_do_not_refill_the_quota(kind: Kind, respx_mock: respx.MockRouter) -> None:
    client = kind(URL, "id", "x", retry=RetryPolicy(attempts=4, first_delay=0, longest_delay=0, quota=4))
    act = respx_mock.post(f"{URL}/jobs/j/stop").mock(side_effect=httpx.ReadError)
    respx_mock.get(f"{URL}/jobs/j").mock(side_effect=[job_in("Running")] * 99)
    for _ in range(6):
        with pytest.raises(OutcomeUnknown):
            client.stop_job("j")
    assert act.call_count == 6 + 4


# -- deadlines ------------------------------------------------------------------------------------


class Dribble:
    """A server that sends an endless response byte by byte."""

    def __init__(self, head: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._over = threading.Event()
        self._head = head
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(self._head)
                while not self._over.wait(0.02):
                    connection.sendall(b"x")
            except OSError:
                pass

    def __enter__(self) -> Dribble:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.close()


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"],
    ids=["headers", "body"],
)
def test_deadlines_limit_endless_responses(head: bytes) -> None:
    def check(started: float) -> None:
        assert time.monotonic() - started < 5, "the server never ends by itself"

    with Dribble(head) as server:
        with Client(server.url, "id", "secret", retry=RetryPolicy(deadline=0.3)) as client:
            started = time.monotonic()
            with pytest.raises(TransportTimeout, match="deadline"):
                client.get_quotas()
            with pytest.raises(OutcomeUnknown):
                client.create_job(JOB)
            with pytest.raises(WaitTimeout):
                client.with_options(deadline=60).wait("job-1", timeout=0.3)
            check(started)

        async def main() -> None:
            async with AsyncClient(server.url, "id", "secret", retry=RetryPolicy(deadline=0.3)) as client:
                with pytest.raises(TransportTimeout, match="deadline"):
                    await client.get_quotas()

        started = time.monotonic()
        asyncio.run(main())
        check(started)


def test_no_request_is_sent_after_the_deadline(kind: Kind, respx_mock: respx.MockRouter) -> None:
    def slow() -> Credentials:
        time.sleep(0.02)
        return Credentials("a", "b")

    client = kind(URL, credentials=slow, retry=RetryPolicy(deadline=0.01))
    with pytest.raises(ConnectError, match="before a request"):
        client.create_job(JOB)
    assert not respx_mock.calls
    for wrong in (float("inf"), float("nan"), 0, -1):
        with pytest.raises(ConfigError):
            client.with_options(deadline=wrong)
        with pytest.raises(ConfigError):
            client.with_options(timeout=wrong)


# -- cancelling, closing --------------------------------------------------------------------------


async def test_cancelled_calls_lose_no_connections() -> None:
    """With httpx alone, the pool would lose all of its connections."""
    chances = random.Random(1)
    with Loopback(ok) as server:
        async with AsyncClient(server.url, "id", "secret") as client:

            async def hurried() -> None:
                try:
                    async with asyncio.timeout(chances.random() * 0.02):
                        await client.get_quotas()
                except TimeoutError:
                    pass

            for _ in range(5):
                await asyncio.gather(*(hurried() for _ in range(130)))
            pool = client._pool.current()._transport_for_url(httpx.URL(server.url))._pool
            assert not pool._requests
            assert all(connection.is_idle() for connection in pool.connections)
            await asyncio.gather(*(client.get_quotas() for _ in range(130)))


async def test_calls_wait_for_a_free_connection() -> None:
    release = threading.Event()

    def slow(*_: object) -> tuple[int, dict[str, str], bytes]:
        release.wait(20)
        return 200, {}, b"{}"

    with Loopback(slow) as server:
        async with AsyncClient(server.url, "id", "secret", retry=RetryPolicy.none()) as client:
            calls = [asyncio.create_task(client.get_quotas()) for _ in range(100)]
            while len(server.requests) < 100:
                await asyncio.sleep(0.01)
            impatient = client.with_options(timeout=0.05)
            with pytest.raises(ConnectError, match="all connections of the pool are in use"):
                await impatient.get_quotas()
            waiting = asyncio.create_task(client.get_quotas())
            await asyncio.sleep(0)
            release.set()
            await asyncio.gather(*calls, waiting)


def test_a_call_while_the_loop_ends() -> None:
    """The clean-up of an asynchronous generator can make a call after the loop closed the connections."""
    with Loopback(ok) as server:
        client = AsyncClient(server.url, "id", "secret")
        done: list[int] = []

        async def jobs() -> Any:
            try:
                yield (await client.get_quotas()).StatusCode
            finally:
                done.append((await client.get_quotas()).StatusCode)

        async def main() -> None:
            kept.append(jobs())
            await anext(kept[0])

        kept: list[Any] = []
        with warnings.catch_warnings():
            # The loop warns about the asynchronous generators that httpx starts at this point.
            warnings.simplefilter("ignore", ResourceWarning)
            asyncio.run(main())
        assert done == [200]
        asyncio.run(client.aclose())


def test_closing_does_not_wait_for_other_loops() -> None:
    with Loopback(ok) as server:
        client = AsyncClient(server.url, "id", "secret")
        opened, release = threading.Event(), threading.Event()

        async def elsewhere() -> None:
            await client.get_quotas()
            opened.set()
            release.wait(20)  # blocks the loop
            await asyncio.sleep(0)

        thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
        thread.start()
        opened.wait(20)
        asyncio.run(client.aclose())
        release.set()
        thread.join()


def test_object_storage_with_tls_and_an_api_without() -> None:
    """The API can use plain HTTP on a private address while the objects are in the vendor's storage."""
    for options in ({"oss_endpoint": "https://oss.example.com"}, {"verify": False}):
        client: Any = Untyped("http://127.0.0.1:1", "id", "secret", **options)
        context = client._pool._opener.args[1]
        assert context
        with client:
            assert client._pool.open() is not None
    plain = Client("cn-qingdao", "id", "secret", security_conn=False)
    with plain:
        transport: Any = plain._pool.open()._transport_for_url(
            httpx.URL("https://oss-cn-qingdao.aliyuncs.com")
        )
        assert transport._pool._ssl_context.cert_store_stats()["x509_ca"] > 0


def test_invalid_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:pass/w0rd@h:1")
    with (
        Client("http://127.0.0.1:1", "id", "secret") as client,
        pytest.raises(ConfigError, match="HTTP_PROXY") as caught,
    ):
        client.get_quotas()
    assert "pass" not in str(caught.value)


# -- waiting, iterating, following ----------------------------------------------------------------


def test_a_failed_page_is_fetched_again(client: Any, respx_mock: respx.MockRouter) -> None:
    pages = [
        httpx.Response(200, json={"Items": [{"Id": "a"}], "NextMarker": "m"}),
        *[httpx.Response(500)] * 3,
        httpx.Response(200, json={"Items": [{"Id": "b"}], "NextMarker": ""}),
    ]
    respx_mock.get(f"{URL}/jobs").mock(side_effect=pages)
    items = client.iter_jobs()
    found = [next(items).Id]
    with pytest.raises(ServerError):
        next(items)
    assert found + [job.Id for job in items] == ["a", "b"]


def test_a_poll_reads_several_pages(client: Any, respx_mock: respx.MockRouter) -> None:
    """A page without a hit after a page with hits does not end the use of the list."""
    ids = [f"job-{number}" for number in range(120)]
    listed = [{"Id": job_id, "State": "Running"} for job_id in ids[:100]]
    ended = [{"Id": job_id, "State": "Finished"} for job_id in ids]
    pages = [
        httpx.Response(200, json={"Items": listed, "NextMarker": "m"}),
        httpx.Response(200, json={"Items": [{"Id": "other"}], "NextMarker": "n"}),
        httpx.Response(200, json={"Items": ended, "NextMarker": ""}),
    ]
    route = respx_mock.get(f"{URL}/jobs").mock(side_effect=pages)
    singles = respx_mock.get(url__regex=f"{URL}/jobs/job-.*")
    singles.mock(
        side_effect=lambda request: httpx.Response(200, json={"Id": request.url.path[6:], "State": "Running"})
    )
    assert len(client.wait(ids)) == 120
    assert route.call_count == 3
    assert singles.call_count == 20


def test_no_update_is_lost(client: Any, respx_mock: respx.MockRouter) -> None:
    seen: list[str] = []
    lists = [[{"Id": "a", "State": "Finished"}], []]
    respx_mock.get(f"{URL}/jobs").mock(
        side_effect=[httpx.Response(200, json={"Items": found}) for found in lists]
    )
    b = [*[httpx.Response(500)] * 3, httpx.Response(200, json={"Id": "b", "State": "Finished"})]
    respx_mock.get(f"{URL}/jobs/b").mock(side_effect=b)
    client.wait(["a", "b"], interval=0.01, on_update=lambda job: seen.append(job.Id))
    assert seen == ["a", "b"]


def test_a_status_with_another_id(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{URL}/jobs/job-1").respond(200, json={"Id": "JOB-1", "State": "Finished"})
    assert client.wait("job-1").State == "Finished"


def test_poll_stops_all_the_others(client: Any, respx_mock: respx.MockRouter) -> None:
    for job_id, state in (("a", "Failed"), ("b", "Running"), ("c", "Running")):
        respx_mock.get(f"{URL}/jobs/{job_id}").respond(200, json={"Id": job_id, "State": state})
    respx_mock.post(f"{URL}/jobs/b/stop").mock(side_effect=[code(403, "Forbidden")])
    stopped = respx_mock.post(f"{URL}/jobs/c/stop").respond(201)
    with pytest.raises(ClientError, match="Forbidden"):
        client.poll(["a", "b", "c"])
    assert stopped.call_count == 1


def test_object_storage_that_ignores_ranges(kind: Kind, respx_mock: respx.MockRouter) -> None:
    """The response to a range after the end is the whole object with status 200."""
    client = kind(URL, "id", "secret", oss_endpoint="http://oss.test")
    states = [
        httpx.Response(200, json={"InstanceId": 0, "State": state, "StdoutRedirectPath": "oss://b/k"})
        for state in ("Running", "Running", "Running", "Finished")
    ]
    respx_mock.get(url__startswith=f"{URL}/jobs").mock(side_effect=states)
    respx_mock.get("http://oss.test/b/k").mock(side_effect=[httpx.Response(200, text="hello\n")] * 4)
    assert list(client.logs("j", "t", follow=True, interval=0)) == ["hello\n"]


def test_log_lines_are_one_line(
    client: Any, respx_mock: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    respx_mock.get(f"{URL}/quotas").mock(
        side_effect=[httpx.Response(502, text="<html>\n2026 FAKE LINE\n")] * 3
    )
    with pytest.raises(ServerError):
        client.get_quotas()
    assert caplog.records
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_throttling_is_not_an_unknown_outcome(client: Any, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{URL}/jobs").mock(side_effect=[code(429)] * 3)
    with pytest.raises(ThrottledError) as caught:
        client.create_job(JOB)
    assert not isinstance(caught.value, OutcomeUnknown)
    respx_mock.delete(f"{URL}/jobs/j").mock(side_effect=[httpx.ReadError, GONE])
    assert client.delete_job("j").StatusCode == 204
