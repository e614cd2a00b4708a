"""The environment of a client: proxies, endpoints, certificates and processes."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchcompute import (
    CN_SHENZHEN,
    LOCAL,
    AsyncClient,
    Client,
    ConfigError,
    ConnectError,
    ProtocolError,
    RetryPolicy,
    TLSError,
    regions,
)
from batchcompute.client._proxies import environment_proxies
from batchcompute.errors import TransportError
from batchcompute.http.transport import tls_context, transport_error
from batchcompute.service import LocalService
from tests.client.loopback import Loopback, ok

ONCE = RetryPolicy.none()
PROXY = "http://user:s3cret@127.0.0.1:9"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the variables of proxies; without a call, none is set."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)

    def change(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return change


# -- proxies --------------------------------------------------------------------------------------

EXCEPTED = [
    ("127.0.0.1", "http://127.0.0.1:1", "http://127.0.0.2"),
    ("127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1:81"),
    ("127.0.0.1:443", "https://127.0.0.1", "http://127.0.0.1"),
    ("127.0.0.0/8", "http://127.9.9.9", "http://128.0.0.1"),
    ("10.0.0.1/8", "http://10.9.9.9", "http://11.0.0.1"),
    ("10.0.0.0/255.0.0.0", "http://10.9.9.9", "http://11.0.0.1"),
    ("0.0.0.0/0", "http://8.8.8.8", "http://[::1]"),
    ("::1", "http://[::1]:1", "http://[::2]"),
    ("[::1]", "http://[::1]", "http://[::2]"),
    ("[::1]:80", "http://[::1]", "http://[::1]:81"),
    ("0:0:0:0:0:0:0:1", "http://[::1]", "http://127.0.0.1"),
    ("::1/128", "http://[::1]", "http://[::2]"),
    ("fe80::/10", "http://[fe80::5]", "http://[fec0::5]"),
    ("[fe80::]/10", "http://[fe80::5]", "http://10.0.0.1"),
    ("FE80::/10", "http://[fe80::5]", "http://[::1]"),
    ("localhost", "http://localhost", "http://127.0.0.1"),
    ("example.com", "http://example.com", "http://notexample.com"),
    ("example.com", "http://a.b.EXAMPLE.com.", "http://example.com.au"),
    ("EXAMPLE.com.", "http://example.com", "http://example.org"),
    (".example.com", "http://a.example.com", "http://example.com"),
    ("*.example.com", "http://a.example.com", "http://example.com"),
    ("10.1.*", "http://10.1.2.3", "http://10.2.2.3"),
    ("example.com:8080", "http://a.example.com:8080", "http://example.com"),
    ("http://example.com", "http://example.com", "https://example.com"),
    ("all://example.com/", "https://example.com", "http://example.org"),
    ("ex_ample", "http://ex_ample", "http://example"),
    ("münchen.example", "http://xn--mnchen-3ya.example", "http://munchen.example"),
    ("x,, ,10.0.0.0/8 ::1", "http://[::1]", "http://9.0.0.1"),
]


@pytest.mark.parametrize(("value", "past", "through"), EXCEPTED)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_entries_of_no_proxy(
    environment: Callable[..., None], name: str, value: str, past: str, through: str
) -> None:
    environment(HTTP_PROXY=PROXY, https_proxy=PROXY, **{name: value})
    found = environment_proxies()
    assert not found.apply_to(httpx.URL(past))
    assert found.apply_to(httpx.URL(through))


@pytest.mark.parametrize("value", ["*", "example.com,*", "* , example.com"])
def test_a_star_in_no_proxy_disables_all_proxies(environment: Callable[..., None], value: str) -> None:
    environment(ALL_PROXY=PROXY, NO_PROXY=value)
    assert not environment_proxies().urls


STRANGE = [
    ("[::1", "[::1"),
    ("::1]", "::1]"),
    ("[]", "[]"),
    ("[example.com]", "[example.com]"),
    ("[::1]:0", "[::1]:0"),
    ("10.0.0.0/33", "10.0.0.0/33"),
    ("fe80::/129", "fe80::/129"),
    ("10.0.0", "10.0.0"),
    ("300.1.1.1", "300.1.1.1"),
    ("host:port", "host:port"),
    ("host:99999", "host:99999"),
    ("a..b", "a..b"),
    ("a/b", "a/b"),
    ("ftp://example.com", "ftp://example.com"),
    ("http://", "http://"),
    ("user:s3cret@example.com", "***@example.com"),
    ("http://user:s3cret@example.com", "***@example.com"),
    ("x!" * 500, "x!x!x!"),
    ("a;b", "a;b"),
]


@pytest.mark.parametrize(("value", "named"), STRANGE)
def test_an_invalid_entry_of_no_proxy_is_ignored_with_a_warning(
    environment: Callable[..., None], value: str, named: str
) -> None:
    with Loopback(ok) as server:
        environment(http_proxy=PROXY, no_proxy=f"127.0.0.1,{value},10.0.0.0/8")
        for wanted in range(2):
            with pytest.warns(UserWarning, match="NO_PROXY") as caught:
                if wanted:
                    with Client(server.url, "id", "secret", retry=ONCE) as client:
                        client.get_quotas()
                else:
                    assert not environment_proxies().apply_to(httpx.URL("http://10.1.1.1"))
            (text,) = [str(warning.message) for warning in caught]
            assert named in text
            assert "s3cret" not in text
            assert len(text) < 400
        assert len(server.requests) == 1


def test_an_invalid_entry_of_no_proxy_is_logged_if_warnings_are_errors(
    environment: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    environment(http_proxy=PROXY, no_proxy="127.0.0.1,[::1")
    with Loopback(ok) as server, caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        with Client(server.url, "id", "secret", retry=ONCE) as client:
            client.get_quotas()
    assert "'[::1'" in caplog.text


def test_requests_are_sent_through_their_proxy_or_directly(environment: Callable[..., None]) -> None:
    async def await_quotas(url: str) -> None:
        async with AsyncClient(url, "id", "secret", retry=ONCE) as client:
            await client.get_quotas()

    def ask_async(url: str) -> None:
        asyncio.run(await_quotas(url))

    def ask_here(url: str) -> None:
        with Client(url, "id", "secret", retry=ONCE) as client:
            client.get_quotas()

    with Loopback(ok) as proxy, Loopback(ok) as server:
        environment(http_proxy=proxy.url, no_proxy="127.0.0.0/8")
        for use in (ask_here, ask_async):
            use("http://10.0.0.1")
            use(server.url)
        assert [target for _, target, _ in proxy.requests] == ["http://10.0.0.1/quotas"] * 2
        assert [target for _, target, _ in server.requests] == ["/quotas"] * 2
        environment(all_proxy=proxy.url, http_proxy="127.0.0.1:9")
        # The proxy of the scheme has priority over ALL_PROXY.
        with pytest.raises(ConnectError):
            ask_here("http://10.0.0.1")


@pytest.mark.parametrize("proxy", ["gopher://x", "http://[::1", "http://x:port"])
def test_an_invalid_proxy_is_a_config_error(environment: Callable[..., None], proxy: str) -> None:
    environment(http_proxy=proxy)
    with Client("http://10.0.0.1", "id", "secret", retry=ONCE) as client:
        with pytest.raises(ConfigError, match="HTTP_PROXY"):
            client.get_quotas()


def test_the_error_names_an_unreachable_proxy(environment: Callable[..., None]) -> None:
    environment(http_proxy=PROXY)
    with Client("http://10.0.0.1", "id", "secret", retry=ONCE) as client:
        with pytest.raises(ConnectError, match=r"through the proxy http://127.0.0.1:9\)") as caught:
            client.get_quotas()
    for shown in (str(caught.value), repr(caught.value.__cause__)):
        assert "s3cret" not in shown


def test_unreadable_certificates_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    tls_context.cache_clear()
    with Client("cn-qingdao", "id", "secret", retry=ONCE) as client:
        with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
            client.get_quotas()


# -- endpoints ------------------------------------------------------------------------------------

VENDORS = [*regions.get_regions().values(), "batchcompute-vpc.cn-beijing.aliyuncs.com"]


@pytest.mark.parametrize("host", VENDORS)
@pytest.mark.parametrize("error", [httpx.ConnectError("Name or service not known"), httpx.ConnectTimeout("")])
def test_errors_of_vendor_endpoints_name_the_shutdown(host: str, error: httpx.TransportError) -> None:
    for scheme in ("http", "https"):
        text = str(transport_error(error, f"{scheme}://{host}"))
        assert text.startswith(f"cannot connect to {scheme}://{host}: ")
        assert "2026-05-15" in text
        assert "BATCHCOMPUTE_ENDPOINT=local" in text
    for other in (
        "http://127.0.0.1:9",
        "https://oss-cn-beijing.aliyuncs.com",
        "https://my.cn-beijing.aliyuncs.com",
    ):
        assert "2026" not in str(transport_error(error, other))


@pytest.mark.parametrize("value", ["local", " local\n", "local://"])
def test_a_program_for_a_vendor_region_runs_locally(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """The hint of the test above is correct."""
    monkeypatch.setenv("BATCHCOMPUTE_ENDPOINT", value)
    with Client(CN_SHENZHEN, "id", "secret") as client:
        task = {
            "Parameters": {"Command": {"CommandLine": "echo here"}, "StdoutRedirectPath": "oss://old/logs/"},
            "AutoCluster": {"InstanceType": "ecs.s3.large"},
        }
        job = client.create_job({"Name": "old", "Type": "DAG", "DAG": {"Tasks": {"One": task}}})
        assert client.wait(job).State == "Finished"
        assert client.logs(job, "One", 0).stdout == "here\n"


def test_plain_http_to_a_tls_server_and_vice_versa(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(ok) as server:
        monkeypatch.setenv("BATCHCOMPUTE_ENDPOINT", f"127.0.0.1:{server.port}")
        with Client(
            CN_SHENZHEN, "id", "secret", security_conn=True, retry=RetryPolicy(first_delay=0)
        ) as client:
            with pytest.raises(TLSError, match=f"http://127.0.0.1:{server.port}") as caught:
                client.get_quotas()
        # The call is not retried, because the server never uses TLS.
        assert len(caught.value.attempts) == 1
        with Client(CN_SHENZHEN, "id", "secret", retry=ONCE) as client:
            client.get_quotas()
    answer = httpx.RemoteProtocolError(r"illegal status line: bytearray(b'\x15\x03\x03\x00\x02\x02F')")
    made = transport_error(answer, "http://h:1")
    assert isinstance(made, ProtocolError)
    assert "https://h:1" in str(made)


def test_tls_to_a_plain_http_proxy(environment: Callable[..., None]) -> None:
    with Loopback(ok) as server:
        environment(http_proxy=server.url.replace("http:", "https:"))
        with Client("http://10.0.0.1", "id", "secret", retry=ONCE) as client:
            with pytest.raises(TLSError, match="the proxy seems to use plain HTTP"):
                client.get_quotas()


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "example.com", "example.com:8080", "localhost:8080"])
def test_a_bare_host_is_not_a_region(host: str) -> None:
    with pytest.raises(ConfigError, match="to use it as a host") as caught:
        Client(host, "id", "secret")
    assert f"http://{host}" in str(caught.value)


def test_the_error_names_an_unreachable_object_storage() -> None:
    """The error does not name the endpoint of the API, which received no such request."""

    def instance(_method: str, _target: str) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b'{"InstanceId": 0, "State": "Finished", "StdoutRedirectPath": "oss://b/k"}'

    with Loopback(instance) as server:
        with Client(server.url, "id", "secret", retry=ONCE, oss_endpoint="http://127.0.0.1:9") as client:
            with pytest.raises(Exception, match=r"cannot connect to http://127.0.0.1:9:") as caught:
                client.logs("job-1", "One", 0)
            assert isinstance(caught.value.__cause__, TransportError)


# -- processes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Client, AsyncClient])
@pytest.mark.parametrize("way", [pickle.dumps, copy.deepcopy])
def test_a_client_cannot_be_pickled(make: Any, way: Callable[[object], object]) -> None:
    client = make(CN_SHENZHEN, "id", "s3cret")
    with pytest.raises(TypeError, match="in each process") as caught:
        way(client)
    assert make.__name__ in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_service_cannot_be_pickled(service: LocalService) -> None:
    with pytest.raises(TypeError, match="in each process"):
        pickle.dumps(service)


def test_a_copy_shares_connections_and_options() -> None:
    client = Client(CN_SHENZHEN, "id", "secret")
    other = copy.copy(client)
    assert type(other) is Client
    assert other._pool is client._pool
    assert client.with_options(deadline=5)._pool is client._pool


def test_a_client_for_each_process_of_a_pool(tmp_path: Path) -> None:
    """The advice of the message of the test above works."""
    script = """
import multiprocessing, sys
from batchcompute import Client

def begin(url):
    global client
    client = Client(url, "id", "secret")

def ask(_):
    return client.get_quotas().StatusCode

if __name__ == "__main__":
    for way in ("spawn", "fork"):
        context = multiprocessing.get_context(way)
        with context.Pool(2, begin, sys.argv[1:]) as pool:
            print(pool.map(ask, range(4)))
"""
    # A spawned process imports the script again.
    (tmp_path / "program.py").write_text(script)
    with Loopback(ok) as server:
        done = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", tmp_path / "program.py", server.url],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.stdout.count("[200, 200, 200, 200]") == 2, done.stderr


def test_from_env_with_a_local_region(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(ok) as server:
        monkeypatch.setenv("BATCHCOMPUTE_ENDPOINT", server.url)
        with Client(LOCAL, "id", "secret") as client:
            client.get_quotas()
        assert len(server.requests) == 1
