"""The lifetime of clients: credentials, connections, event loops, forks, threads and closing."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import httpx2
import pytest
import respx

import batchcompute
from batchcompute import (
    LOCAL,
    AsyncClient,
    Client,
    ConfigError,
    ConnectError,
    Credentials,
    ProtocolError,
    RetryPolicy,
    TLSError,
    TransportTimeout,
)
from batchcompute.http.signing import signature, string_to_sign
from batchcompute.http.transport import tls_context
from tests.client.kinds import Kind
from tests.client.loopback import CERTIFICATE, Loopback, created, ok
from tests.client.test_calls import JOB

URL = "http://127.0.0.1:9"
ONCE = RetryPolicy.none()
# For arguments that type checkers reject, and for keywords from a dict.
Untyped: Any = Client
AsyncUntyped: Any = AsyncClient
SECRETS = {"s3cret-key", "t0ken-sts"}


# -- credentials ----------------------------------------------------------------------------------


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch, respx_mock: respx.MockRouter) -> None:
    values = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s3cret-key",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "t0ken-sts",
        "BATCHCOMPUTE_REGION": "cn-beijing",
        "BATCHCOMPUTE_ENDPOINT": "127.0.0.1:9",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    route = respx_mock.get(f"{URL}/quotas").respond(200, json={})
    with Client.from_env(timeout=3) as client:
        client.get_quotas()
    sent = route.calls.last.request.headers
    assert sent["x-acs-region-id"] == "cn-beijing"
    assert sent["x-acs-access-key-id"] == "env-id"
    assert sent["x-acs-security-token"] == "t0ken-sts"
    monkeypatch.delenv("BATCHCOMPUTE_REGION")
    assert "127.0.0.1:9" in repr(Client.from_env())
    assert "region='cn-qingdao'" in repr(AsyncClient.from_env("cn-qingdao"))
    monkeypatch.setenv("BATCHCOMPUTE_ENDPOINT", "local")
    assert "local" in repr(Client.from_env())
    for name in values:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, " ")
    with pytest.raises(ConfigError) as caught:
        Client.from_env()
    for name in ("BATCHCOMPUTE_REGION", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        assert name in str(caught.value)


class Vendor:
    """A provider with the interface of alibabacloud-credentials."""

    def __init__(self) -> None:
        self.asked = 0

    def get_credential(self) -> Any:
        self.asked += 1
        return Credentials(f"id-{self.asked}", "s3cret-key", f"t0ken-{self.asked}")


def test_providers_are_called_for_each_request(kind: Kind, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(f"{URL}/quotas").mock(
        side_effect=[httpx.Response(500), httpx.Response(200, json={}), httpx.Response(200, json={})]
    )
    client = kind(URL, credentials=Vendor(), retry=RetryPolicy(first_delay=0))
    client.get_quotas()
    client.get_quotas()
    assert [call.request.headers["x-acs-access-key-id"] for call in route.calls] == ["id-1", "id-2", "id-3"]
    assert route.calls.last.request.headers["x-acs-security-token"] == "t0ken-3"


def test_credentials_of_the_vendors_package(kind: Kind, respx_mock: respx.MockRouter) -> None:
    credentials = pytest.importorskip("alibabacloud_credentials.client")
    models = pytest.importorskip("alibabacloud_credentials.models")
    config = models.Config(
        type="sts", access_key_id="sts-id", access_key_secret="s3cret-key", security_token="t0ken-sts"
    )
    route = respx_mock.get(f"{URL}/quotas").respond(200, json={})
    kind(URL, credentials=credentials.Client(config)).get_quotas()
    assert route.calls.last.request.headers["x-acs-access-key-id"] == "sts-id"
    assert route.calls.last.request.headers["x-acs-security-token"] == "t0ken-sts"


@pytest.mark.parametrize(
    "yielded", [("a", "b"), ("a", "b", "c"), ("a", "b", None), Credentials("a", "b")], ids=repr
)
def test_callables_as_providers(kind: Kind, respx_mock: respx.MockRouter, yielded: Any) -> None:
    route = respx_mock.get(f"{URL}/quotas").respond(200, json={})
    kind(URL, credentials=lambda: yielded).get_quotas()
    assert route.calls.last.request.headers["authorization"].startswith("acs a:")


async def test_asynchronous_providers(respx_mock: respx.MockRouter) -> None:
    async def provider() -> Credentials:
        await asyncio.sleep(0)
        return Credentials("from-async", "b")

    route = respx_mock.get(f"{URL}/quotas").respond(200, json={})
    async with AsyncClient(URL, credentials=provider) as client:
        await client.get_quotas()
    assert route.calls.last.request.headers["x-acs-access-key-id"] == "from-async"
    with Client(URL, credentials=provider) as wrong, pytest.raises(ConfigError, match="AsyncClient"):
        wrong.get_quotas()


def test_invalid_credentials(kind: Kind) -> None:
    bad: Any
    for bad in (("a",), (), None, "ab", ("a", ""), ("", "b"), (1, "b"), object()):
        with pytest.raises(ConfigError, match="access_key"):
            kind(URL, credentials=lambda bad=bad: bad).get_quotas()
    for bad in (5, "id", object()):
        with pytest.raises(ConfigError, match="get_credential"):
            kind(URL, credentials=bad)
    with pytest.raises(ConfigError, match="exclude each other"):
        kind(URL, "a", "b", credentials=Credentials("a", "b"))


def test_errors_of_a_provider_are_not_caught(kind: Kind, respx_mock: respx.MockRouter) -> None:
    def broken() -> Credentials:
        raise LookupError("no role is attached")

    with pytest.raises(LookupError, match="no role"):
        kind(URL, credentials=broken).get_quotas()
    assert not respx_mock.calls


# -- secrets --------------------------------------------------------------------------------------


def test_no_secret_is_shown_anywhere(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """Checks logs at DEBUG, including those of the HTTP libraries, errors, and tracebacks with local variables."""
    answers: Any = iter([(500, {}, b"{}"), None, (404, {}, b"{}"), (200, {}, b"{}")])
    with Loopback(lambda *_: next(answers)) as server, caplog.at_level(logging.DEBUG):
        if "httpx2" in kind.name:
            pytest.skip("the bridge is no library of anybody's")
        client = kind(
            server.url,
            "id",
            "s3cret-key",
            "t0ken-sts",
            retry=RetryPolicy(first_delay=0),
            **{"x-private": "t0ken-sts"},
        )
        with pytest.raises(batchcompute.NotFoundError) as caught:
            client.get_job("job-1")
        client.get_quotas()
        signatures = {headers["authorization"].partition(":")[2] for _, _, headers in server.requests}
    names = {record.name.partition(".")[0] for record in caplog.records}
    assert {"batchcompute", "httpx", "httpcore"} <= names
    ours = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [
        frame for frame in ours.stack if "batchcompute" in frame.filename and "tests" not in frame.filename
    ]
    assert frames
    shown = [caplog.text, repr(client), str(vars(client)), str(caught.value), repr(caught.value)]
    shown += [str(frame.locals) for frame in frames] + [str(attempt) for attempt in caught.value.attempts]
    inner = client.client if hasattr(client, "client") else client
    shown += [str(vars(inner)), str(inner._source), str(inner._headers), str(vars(inner._pool))]
    for text in shown:
        for secret in SECRETS | signatures:
            assert secret not in text


def test_no_secret_is_in_the_traceback_of_a_config_error() -> None:
    for arguments in (("", "s3cret-key"), (5, "s3cret-key"), ("id", "s3cret-key", 5)):
        with pytest.raises(ConfigError) as caught:
            Untyped("cn-qingdao", *arguments)
        trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        for frame in trace.stack[1:]:
            assert "s3cret-key" not in str(frame.locals)
        assert "s3cret-key" not in str(caught.value)


def test_log_lines_leave_out_query_and_body(
    kind: Kind, respx_mock: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    respx_mock.post(f"{URL}/jobs").respond(
        201, json={"Id": "job-1"}, headers={"Set-Cookie": "c=1", "request-id": "r-9"}
    )
    with caplog.at_level(logging.DEBUG, logger="batchcompute"):
        kind(URL, "id", "secret").create_job(JOB, token="my_token")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "batchcompute"]
    assert "create_job POST /jobs -> 201" in line
    assert "r-9" in line
    for absent in ("my_token", "CommandLine", "c=1", "job-1"):
        assert absent not in line


# -- HTTP clients of the caller -------------------------------------------------------------------


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_http_client_of_the_caller_is_used_and_not_closed(library: Any) -> None:
    with (
        Loopback(ok) as server,
        library.Client(
            headers={"x-acs-extra": "1", "X-Mine": "2"},
            params={"p": "v"},
            auth=("u", "p"),
            follow_redirects=True,
            timeout=7,
        ) as http,
    ):
        with Client(server.url, "id", "secret", http_client=http) as client:
            client.get_quotas()
        assert not http.is_closed
        with pytest.raises(ConfigError, match="closed"):
            client.get_quotas()
        method, target, headers = server.requests[0]
    # The signature includes what the HTTP client adds. Its authentication is not used.
    assert (method, target) == ("GET", "/quotas?p=v")
    assert headers["x-mine"] == "2"
    assert headers["authorization"].startswith("acs id:")
    text = string_to_sign(method, target, headers)
    assert "x-acs-extra:1" in text
    assert headers["authorization"] == f"acs id:{signature('secret', text)}"
    assert headers["user-agent"].startswith("batchcompute-python/")


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_an_asynchronous_http_client_of_the_caller(library: Any) -> None:
    with Loopback(created) as server:
        async with library.AsyncClient() as http:
            async with AsyncClient(server.url, "id", "secret", http_client=http) as client:
                assert (await client.create_job(JOB)).Id == "job-1"
            assert not http.is_closed


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_errors_of_httpx_and_httpx2(library: Any) -> None:
    with library.Client() as http:
        client = Client("http://127.0.0.1:1", "id", "secret", http_client=http, retry=ONCE)
        with pytest.raises(ConnectError) as caught:
            client.get_quotas()
        assert isinstance(caught.value.__cause__, library.ConnectError)
        with Loopback(lambda *_: None) as server:
            client = Client(server.url, "id", "secret", http_client=http, retry=ONCE)
            with pytest.raises(ProtocolError):
                client.get_quotas()


def test_http_clients_of_the_wrong_kind() -> None:
    for wrong in (httpx.AsyncClient(), httpx2.AsyncClient()):
        with pytest.raises(ConfigError, match="synchronous"):
            Untyped(URL, "a", "b", http_client=wrong)
    for also in (httpx.Client(), httpx2.Client()):
        with pytest.raises(ConfigError, match="asynchronous"):
            AsyncUntyped(URL, "a", "b", http_client=also)
    for no in (httpx.Client, object(), "http"):
        with pytest.raises(ConfigError, match="http_client"):
            Untyped(URL, "a", "b", http_client=no)


def test_redirects_are_not_followed() -> None:
    """A request that was signed for one host must not be sent to another one."""
    with Loopback(lambda *_: (302, {"Location": "/elsewhere"}, b"")) as server:
        with httpx.Client(follow_redirects=True) as http:
            for options in ({}, {"http_client": http}):
                with Untyped(server.url, "id", "secret", **options) as client:
                    with pytest.raises(batchcompute.ClientError) as caught:
                        client.get_quotas()
                    assert caught.value.status == 302
        assert len(server.requests) == 2


# -- connections ----------------------------------------------------------------------------------


def test_the_constructor_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("constructing is pure")

    for name in ("Client", "AsyncClient", "create_ssl_context"):
        monkeypatch.setattr(httpx, name, forbidden)
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda number: Client("cn-qingdao", f"id-{number}", "b"), range(64)))
    assert len({id(client) for client in made}) == 64


def test_the_tls_context_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[object] = []
    really = httpx.create_ssl_context

    def counted(**options: Any) -> Any:
        built.append(1)
        return really(**options)

    monkeypatch.setattr(httpx, "create_ssl_context", counted)
    tls_context.cache_clear()
    for _ in range(3):
        with Client("cn-qingdao", "a", "b") as client:
            client._pool.open()
    assert len(built) == 1


def test_certificates() -> None:
    with Loopback(ok, tls=True) as server:
        with Client(server.url, "id", "secret", retry=RetryPolicy(first_delay=0)) as client:
            with pytest.raises(TLSError, match="CERTIFICATE_VERIFY_FAILED") as caught:
                client.get_quotas()
            # A call with an untrusted certificate is not retried.
            assert len(caught.value.attempts) == 1
        for trusting in ({"verify": CERTIFICATE}, {"verify": False}):
            with Untyped(server.url, "id", "secret", **trusting) as client:
                client.get_quotas()
        with (
            Client(server.url, "a", "b", verify="/nowhere.pem") as client,
            pytest.raises(ConfigError, match="verify"),
        ):
            client.get_quotas()
        assert len(server.requests) == 2


def test_certificates_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", CERTIFICATE)
    tls_context.cache_clear()
    try:
        with Loopback(ok, tls=True) as server, Client(server.url, "id", "secret", retry=ONCE) as client:
            client.get_quotas()
            with Client(server.url, "id", "secret", retry=ONCE, trust_env=False) as other:
                with pytest.raises(TLSError):
                    other.get_quotas()
    finally:
        tls_context.cache_clear()


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(ok) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
            with Client("http://nobody.invalid", "id", "secret", retry=ONCE) as client:
                client.get_quotas()
            monkeypatch.delenv(name)
        assert [target for _, target, _ in proxy.requests] == ["http://nobody.invalid/quotas"] * 2
        monkeypatch.setenv("http_proxy", proxy.url)
        with Client("http://127.0.0.1:1", "id", "secret", retry=ONCE, trust_env=False) as client:
            with pytest.raises(ConnectError):
                client.get_quotas()
        monkeypatch.setenv("http_proxy", "gopher://x")
        with Client("http://127.0.0.1:1", "id", "secret", retry=ONCE) as client:
            with pytest.raises(ConfigError, match="set up connections"):
                client.get_quotas()


def test_connections_are_reused_and_probed() -> None:
    import socket

    with Loopback(ok) as server, Client(server.url, "id", "secret") as client:
        for _ in range(5):
            client.get_quotas()
        assert len(server.connections) == 1
        transport = client._pool.current()._transport_for_url(httpx.URL(server.url))
        (connection,) = transport._pool.connections
        stream = connection._connection._network_stream.get_extra_info("socket")
        assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_timeouts_are_enforced() -> None:
    release = threading.Event()

    def slow(*_: object) -> tuple[int, dict[str, str], bytes]:
        release.wait(20)
        return 200, {}, b"{}"

    with Loopback(slow) as server, Client(server.url, "id", "secret", timeout=0.1, retry=ONCE) as client:
        with pytest.raises(TransportTimeout):
            client.get_quotas()
        with pytest.raises(TransportTimeout):
            client.with_options(timeout=30, deadline=0.1).get_quotas()
        release.set()
        client.with_options(timeout=30).get_quotas()


def test_32_threads_share_a_client() -> None:
    with Loopback(created) as server, Client(server.url, "id", "secret") as client:
        with ThreadPoolExecutor(32) as pool:
            ids = list(pool.map(lambda _: client.create_job(JOB).Id, range(640)))
        assert ids == ["job-1"] * 640
        assert len(server.requests) == 640
        tokens = {target for _, target, _ in server.requests}
        assert len(tokens) == 640


# -- event loops, forks, closing ------------------------------------------------------------------


def test_one_asynchronous_client_on_several_loops() -> None:
    """Each loop has separate connections, so no request is lost or sent twice."""
    with Loopback(created) as server:
        client = AsyncClient(server.url, "id", "secret")

        async def create(count: int) -> None:
            await asyncio.gather(*(client.create_job(JOB) for _ in range(count)))

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(3):
                asyncio.run(create(4))
            gc.collect()
        assert len({target for _, target, _ in server.requests}) == len(server.requests) == 12
        threads = [threading.Thread(target=lambda: asyncio.run(create(5))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({target for _, target, _ in server.requests}) == len(server.requests) == 42
        asyncio.run(client.aclose())
        with pytest.raises(ConfigError, match="closed"):
            asyncio.run(create(1))


async def test_a_cancelled_call_leaves_the_client_usable() -> None:
    with Loopback(ok) as server:
        async with AsyncClient(server.url, "id", "secret") as client:
            for _ in range(20):
                task = asyncio.create_task(client.get_quotas())
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await client.get_quotas()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_opens_new_connections() -> None:
    """Parent and child send requests at the same time, while a thread of the parent is in a call."""
    program = """
import os, sys, threading, warnings
from batchcompute import Client
client = Client(sys.argv[1], "id", "secret")
client.get_quotas()
busy = threading.Thread(target=lambda: [client.get_quotas() for _ in range(50)])
busy.start()
child = os.fork()
if child == 0:
    for _ in range(20):
        client.get_quotas()
    client.close()
    os._exit(0)
for _ in range(20):
    client.get_quotas()
busy.join()
_, status = os.waitpid(child, 0)
client.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    with Loopback(ok) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", program, server.url],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert len(server.requests) == 91
        assert len(server.connections) >= 2


def test_unclosed_clients_warn() -> None:
    with Loopback(ok) as server:
        client = Client(server.url, "id", "secret")
        other = client.with_options(timeout=5)
        other.get_quotas()
        del client
        gc.collect()
        with pytest.warns(ResourceWarning, match="not closed"):
            del other
            gc.collect()

        async def leave_open() -> None:
            lost = AsyncClient(server.url, "id", "secret")
            await lost.get_quotas()
            with pytest.warns(ResourceWarning, match="not closed"):
                del lost
                gc.collect()

        asyncio.run(leave_open())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Client(URL, "id", "secret")
        Client(LOCAL, "id", "secret")
        gc.collect()


def test_with_options_shares_connections_and_quota(respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(f"{URL}/quotas").respond(200, json={})
    with Untyped(URL, "id", "secret", **{"x-one": "1"}) as client:
        other = client.with_options(headers={"x-two": "2"}, retry=RetryPolicy(attempts=2), deadline=9)
        other.get_quotas()
        sent = route.calls.last.request.headers
        assert (sent["x-one"], sent["x-two"]) == ("1", "2")
        client.get_quotas()
        assert "x-two" not in route.calls.last.request.headers
        assert other._pool is client._pool
        assert (other._policy.attempts, other._policy.deadline_seconds) == (2, 9)
        for wrong in ({"timeout": 0}, {"timeout": "5"}, {"deadline": -1}, {"headers": {"a": 5}}):
            with pytest.raises(ConfigError):
                Untyped.with_options(client, **wrong)
    with pytest.raises(ConfigError, match="closed"):
        other.get_quotas()


def test_timeouts_of_httpx_are_accepted() -> None:
    for given in (httpx.Timeout(5, read=7), httpx2.Timeout(5, read=7)):
        client = Untyped(URL, "a", "b", timeout=given)
        assert client._limits == {"connect": 5, "read": 7, "write": 5, "pool": 5}
