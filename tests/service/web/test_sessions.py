"""Sessions of the page: cookies, tokens, one-time codes, and the limit of failed logins."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pytest

from batchcompute.service.clock import SystemClock
from batchcompute.service.errors import ApiError
from batchcompute.service.web import limits, sessions
from batchcompute.service.web.limits import TooManyLogins
from batchcompute.service.web.sessions import LoginFailed, Sessions, one_time_code


@dataclass
class Time(SystemClock):
    now: float = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Keys:
    def __init__(self) -> None:
        self.pairs = {"alice-key": ("a-secret", "alice"), "bob-key": ("b-secret", "bob")}
        self.refused: set[str] = set()

    def find(self, access_key_id: str) -> tuple[str, str]:
        if access_key_id in self.refused:
            raise ApiError(403, "Forbidden", "alice may not use this service.")
        return self.pairs.get(access_key_id, ("", ""))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def ours(keys: Keys, time: Time) -> Sessions:
    return Sessions("f" * 64, keys.find, time)


def test_a_session_is_read_from_its_cookie_until_it_expires(ours: Sessions, time: Time) -> None:
    session = ours.login("alice-key", "a-secret", "1.2.3.4")
    assert session.owner == "alice"
    cookie = ours.seal(session)
    assert ours.read(cookie) == session
    assert ours.is_valid(session)
    time.now += sessions.LIFETIME + 2
    assert ours.read(cookie) is None
    assert not ours.is_valid(session)


def test_a_session_survives_a_restart_and_no_other_service_accepts_it(
    ours: Sessions, keys: Keys, time: Time
) -> None:
    cookie = ours.seal(ours.login("alice-key", "a-secret", "1.2.3.4"))
    assert Sessions("f" * 64, keys.find, time).read(cookie) is not None
    assert Sessions("e" * 64, keys.find, time).read(cookie) is None


def test_a_session_ends_with_a_logout_with_its_key_and_with_another_secret(
    ours: Sessions, keys: Keys
) -> None:
    first = ours.login("alice-key", "a-secret", "1.2.3.4")
    second = ours.login("alice-key", "a-secret", "1.2.3.4")
    cookies = ours.seal(first), ours.seal(second)
    ours.end(first)
    assert ours.read(cookies[0]) is None
    assert not ours.is_valid(first)
    assert ours.read(cookies[1]) == second
    keys.pairs["alice-key"] = ("another", "alice")
    assert ours.read(cookies[1]) is None
    keys.pairs["alice-key"] = ("a-secret", "alice")
    keys.refused.add("alice-key")
    assert ours.read(cookies[1]) is None
    assert not ours.is_valid(second)
    keys.refused.clear()
    del keys.pairs["alice-key"]
    assert ours.read(cookies[1]) is None


def test_a_changed_cookie_is_worth_nothing(ours: Sessions) -> None:
    cookie = ours.seal(ours.login("alice-key", "a-secret", "1.2.3.4"))
    payload, _, seal = cookie.partition(".")
    fields = json.loads(base64.urlsafe_b64decode(payload + "=="))
    fields["key"] = "bob-key"
    forged = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    for text in (
        "", ".", "x", cookie[:-1], f"{payload}.", f"{forged}.{seal}", f".{seal}", f"{payload}.é", "\udcff.\udcff",
        base64.urlsafe_b64encode(b"[1]").decode() + "." + seal, "a" * 2000,
        base64.urlsafe_b64encode(b'{"key":1,"expires":9e99,"nonce":[]}').decode() + "." + seal,
    ):  # fmt: skip
        assert ours.read(text) is None, text


@pytest.mark.parametrize(
    ("key", "secret"), [("alice-key", "b-secret"), ("alice-key", ""), ("nobody", "a-secret"), ("", "")]
)
def test_a_wrong_key_is_refused_with_one_message(ours: Sessions, key: str, secret: str) -> None:
    with pytest.raises(LoginFailed, match=r"^The access key id or the secret is wrong\.$"):
        ours.login(key, secret, "1.2.3.4")


def test_failed_logins_of_an_address_are_limited(ours: Sessions, time: Time) -> None:
    for _ in range(limits.MOST_FAILURES):
        with pytest.raises(LoginFailed):
            ours.login("alice-key", "wrong", "1.2.3.4")
    with pytest.raises(TooManyLogins, match="Try again in 61 seconds"):
        ours.login("alice-key", "a-secret", "1.2.3.4")
    with pytest.raises(TooManyLogins):
        ours.redeem("x", "1.2.3.4")
    assert ours.login("alice-key", "a-secret", "5.6.7.8").owner == "alice"
    time.now += limits.WINDOW + 1
    assert ours.login("alice-key", "a-secret", "1.2.3.4").owner == "alice"


def test_the_count_of_failed_logins_stays_small() -> None:
    throttle = limits.Throttle(Time())
    for number in range(limits._MOST_ADDRESSES + 500):
        throttle.count(str(number))
    assert len(throttle._failures) == limits._MOST_ADDRESSES


def test_a_one_time_code_works_once_and_soon(ours: Sessions, keys: Keys, time: Time) -> None:
    code = one_time_code("f" * 64, "bob-key", time)
    assert ours.redeem(code, "1.2.3.4").owner == "bob"
    with pytest.raises(LoginFailed, match="was used already, or has expired"):
        ours.redeem(code, "1.2.3.4")
    late = one_time_code("f" * 64, "bob-key", time)
    time.now += sessions.CODE_LIFETIME + 2
    with pytest.raises(LoginFailed, match="was used already, or has expired"):
        ours.redeem(late, "1.2.3.4")
    with pytest.raises(LoginFailed):
        ours.redeem(one_time_code("e" * 64, "bob-key", time), "1.2.3.4")
    unknown = one_time_code("f" * 64, "carol-key", time)
    with pytest.raises(LoginFailed, match="does not exist any more"):
        ours.redeem(unknown, "1.2.3.4")
    keys.refused.add("bob-key")
    with pytest.raises(LoginFailed, match="may not use this service"):
        ours.redeem(one_time_code("f" * 64, "bob-key", time), "1.2.3.4")


def test_a_cookie_is_no_code_and_a_code_is_no_cookie(ours: Sessions, time: Time) -> None:
    cookie = ours.seal(ours.login("alice-key", "a-secret", "1.2.3.4"))
    with pytest.raises(LoginFailed):
        ours.redeem(cookie, "1.2.3.4")
    assert ours.read(one_time_code("f" * 64, "alice-key", time)) is None


def test_the_token_of_a_form_belongs_to_one_session(ours: Sessions) -> None:
    first, second = (ours.login("alice-key", "a-secret", "1.2.3.4") for _ in range(2))
    assert ours.is_token(first, ours.token(first))
    for token in (ours.token(second), "", "é", ours.token(first)[:-1]):
        assert not ours.is_token(first, token)


def test_cookies_are_for_the_page_only(ours: Sessions) -> None:
    session = ours.login("alice-key", "a-secret", "1.2.3.4")
    plain, secure = ours.cookie(session, False), ours.cookie(session, True)
    assert plain.endswith("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
    assert secure.startswith("__Host-batchcompute-")
    assert secure.endswith("; HttpOnly; SameSite=Strict; Secure")
    assert "Max-Age=0" in ours.no_cookie(False)
