"""Regions and their endpoints."""

from __future__ import annotations

import pytest

import batchcompute
from batchcompute import CN_QINGDAO, LOCAL, Client, ConfigError
from batchcompute.regions import Endpoint, resolve

CONSTANTS = [name for name in batchcompute.__all__ if name.isupper() and name != "LOCAL"]


def test_there_are_14_regions() -> None:
    assert len(CONSTANTS) == 14 == len(set(Client.get_regions().values()))


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_and_ids(name: str) -> None:
    host = getattr(batchcompute, name)
    region = name.lower().replace("_", "-")
    expected = Endpoint(f"https://{host}", region)
    assert resolve(host) == resolve(region) == expected
    assert resolve(region, security_conn=False).base_url == f"http://{host}"


def test_endpoints_of_regions_ports_and_urls() -> None:
    Client.register_region("plain", "h1", 8888)
    Client.register_region("old", "h2")
    Client.register_region("tls", "h3", 443)
    assert resolve("plain") == resolve("h1") == Endpoint("http://h1:8888", "plain")
    assert resolve("h2").base_url == "http://h2"
    assert resolve("h3").base_url == "https://h3"
    assert resolve("h1", security_conn=True).base_url == "https://h1:8888"
    assert resolve("http://127.0.0.1:8790").base_url == "http://127.0.0.1:8790"
    assert resolve("https://h:443/").base_url == "https://h"
    assert resolve("http://[::1]:80").base_url == "http://[::1]"


def test_the_last_registration_of_a_host_wins() -> None:
    Client.register_region("a", "127.0.0.1", 1)
    Client.register_region("b", "127.0.0.1", 2)
    assert resolve("127.0.0.1") == Endpoint("http://127.0.0.1:2", "b")
    assert resolve("a").base_url == "http://127.0.0.1:1"


def test_local_endpoint() -> None:
    assert resolve(LOCAL).is_local
    assert resolve("local").is_local
    Client.register_region("local", "127.0.0.1", 9)
    assert resolve("local") == Endpoint("http://127.0.0.1:9", "local")
    assert resolve(LOCAL).is_local


def test_the_environment_overrides_any_region(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(CN_QINGDAO, None, "http://127.0.0.1:8790") == Endpoint(
        "http://127.0.0.1:8790", "cn-qingdao"
    )
    assert resolve(LOCAL, None, "http://h").base_url == "http://h"
    assert resolve(CN_QINGDAO, None, "h:99").base_url == "https://h:99"
    assert resolve(CN_QINGDAO, None, "local").is_local
    monkeypatch.setenv("BATCHCOMPUTE_ENDPOINT", "http://127.0.0.1:8790")
    assert "http://127.0.0.1:8790" in repr(Client(CN_QINGDAO, "id", "secret"))


@pytest.mark.parametrize(
    "region",
    [
        "",
        "nowhere",
        "cn_qingdao",
        "ftp://h",
        "http://",
        "http://h/path",
        "http://u:p4ss@h",
        "http://h:x",
        None,
        5,
    ],
)
def test_unknown_regions(region: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Client(region, "id", "secret")
    assert "p4ss" not in str(caught.value)


def test_the_error_of_an_unknown_region_lists_the_known_regions() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown region 'cn-atlantis': .*cn-qingdao.*LOCAL.*register_region"
    ):
        Client("cn-atlantis", "id", "secret")


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("", "h", 80),
        ("n", "", 80),
        ("n", "h:9", 80),
        ("n", "a b", 80),
        ("n", "x" * 70 + ".example", 80),
        ("n", "http://h", 80),
        ("n", "h", 0),
        ("n", "h", "eighty"),
        ("n", "h", "65536"),
        ("n", "h", True),
        ("n", "h", 8.5),
    ],
)
def test_bad_registrations(name: str, host: str, port: int) -> None:
    with pytest.raises(ConfigError):
        Client.register_region(name, host, port)


@pytest.mark.parametrize(
    ("key_id", "secret"),
    [("", "s"), ("id", ""), (None, "s"), ("id", None), (5, "s"), ("id", b"s"), ("  ", "s")],
)
def test_missing_credentials(key_id: str, secret: str) -> None:
    with pytest.raises(ConfigError, match="access_key_(id|secret) is"):
        Client(LOCAL, key_id, secret)


def test_a_misspelled_option_is_not_a_header() -> None:
    with pytest.raises(ConfigError, match="timout"):
        Client(LOCAL, "id", "secret", timout=5)  # type: ignore[call-overload]


def test_a_known_region_with_another_endpoint() -> None:
    Client.register_region("cn-qingdao", "10.0.0.1", 8888)
    expected = Endpoint("http://10.0.0.1:8888", "cn-qingdao")
    assert resolve("cn-qingdao") == resolve(CN_QINGDAO) == resolve("10.0.0.1") == expected
    Client.register_region("v6", "::1", 9)
    assert resolve("v6").base_url == "http://[::1]:9"


def test_security_conn_requires_tls() -> None:
    with pytest.raises(ConfigError, match="security_conn"):
        Client("http://127.0.0.1:9", "id", "secret", security_conn=True)
