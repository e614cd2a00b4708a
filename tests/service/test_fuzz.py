"""Whatever is asked, the service answers: never with a 500, always with a code, and it stays usable."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchcompute.api.operations import OPERATIONS
from batchcompute.http.signing import Credentials, sign
from batchcompute.service import LocalService
from batchcompute.service.requests import Request

TASK = {"AutoCluster": {}, "Parameters": {"Command": {"CommandLine": "true"}}}
BODIES: dict[str, Any] = {
    "JobDescription": {
        "Name": "n",
        "Type": "DAG",
        "Priority": 1,
        "DAG": {"Tasks": {"t": TASK}, "Dependencies": {}},
    },
    "ClusterDescription": {"Name": "c", "ImageId": "img-ubuntu", "Groups": {"g": {"DesiredVMCount": 1}}},
    "ModifyClusterDescription": {"Groups": {"g": {"DesiredVMCount": 1}}, "UserData": {"a": "b"}},
    "ImageDescription": {"Name": "i", "EcsImageId": "m", "Platform": "Linux"},
    "AppDescription": {
        "Name": "a",
        "CommandLine": "x",
        "Docker": {"Image": "d"},
        "InputParameters": {"p": {"Type": "String"}},
    },
    "Priority": {"Priority": 5},
}
odd = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=12), st.just(""),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    st.sampled_from(["oss://b/k", "../..", "x" * 2000, "\ud800", "\0", "-1", "1e400", {"Tasks": {}}, [[]], {"": {}}]),
)  # fmt: skip
names = st.one_of(
    st.sampled_from(["a", "job-1", "..", "x y", "中", "%", "0", "g", "Blast", "img-ubuntu", "\0"]),
    st.text(min_size=1, max_size=8),
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body."""
    yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*at, key))


@st.composite
def bodies(draw: st.DrawFn, kind: str) -> bytes:
    """A body of a kind with a few things wrong, or nothing like it."""
    if not kind or draw(st.integers(0, 9)) == 0:
        return draw(
            st.one_of(
                st.binary(max_size=40),
                st.sampled_from([b"", b"null", b"[]", b"{", b"[" * 5000, b'{"a":' * 3000]),
            )
        )
    body = copy.deepcopy(BODIES[kind])
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(list(paths(body))))
        # A copy, because a later change may go into it.
        value = copy.deepcopy(draw(odd))
        if not place:
            body = (
                value
                if draw(st.booleans())
                else {**body, draw(st.text(max_size=6)): value}
                if isinstance(body, dict)
                else body
            )
            continue
        target = body
        for key in place[:-1]:
            target = target[key]
        if draw(st.integers(0, 4)) == 0:
            target.pop(place[-1], None)
        else:
            target[place[-1]] = value
    return json.dumps(body).encode()


@st.composite
def requests(draw: st.DrawFn) -> Request:
    operation = OPERATIONS[draw(st.sampled_from(sorted(OPERATIONS)))]
    parts = [
        quote(draw(names).encode("utf-8", "replace"), safe="") if part.startswith("{") else part
        for part in operation.path.split("/")
    ]
    query = [
        f"{name}={quote(draw(st.one_of(names, st.sampled_from(['', '0', '-1', '101', '99999999999', 'Running', 'True']))).encode('utf-8', 'replace'), safe='')}"
        for name in draw(st.lists(st.sampled_from([*operation.query, "Unknown"]), max_size=4))
    ]
    query += list(operation.flags)
    target = "/".join(parts) + (f"?{'&'.join(query)}" if query else "")
    method = draw(st.sampled_from([operation.method] * 6 + ["GET", "PUT", "PATCH"]))
    body = draw(bodies(operation.body))
    headers = sign(
        method, target, body, credentials=Credentials("id", "secret"), region="local", now=datetime.now(UTC),
        nonce="n", user_agent="fuzz",
    )  # fmt: skip
    return Request(method, target, {name.lower(): value for name, value in headers.items()}, body)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("fuzz") / "d", slots=1) as service:
        service.add_key("id", "secret")
        yield service


def checked(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@checked(300)
@given(request=requests())
def test_every_request_is_answered(fuzzed: LocalService, request: Request) -> None:
    check_answer(fuzzed, request)


@pytest.mark.long
@checked(1500)
@given(request=requests())
def test_each_of_many_requests_is_answered(fuzzed: LocalService, request: Request) -> None:
    check_answer(fuzzed, request)


def check_answer(fuzzed: LocalService, request: Request) -> None:
    answer = fuzzed.dispatch(request)
    assert answer.status < 500 or answer.status == 501, (request.method, request.target, request.body[:300])
    if answer.status >= 300:
        content = json.loads(answer.body)
        assert content["Code"]
        assert content["Message"]
        assert content["RequestId"] == answer.headers["x-acs-request-id"]


@checked(200)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "BREW", ""]),
    target=st.one_of(
        st.text(max_size=30), st.sampled_from(["/jobs?%zz", "//", "/jobs//x", "?", "/%", "/jobs/%ff"])
    ),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "date", "x-acs-date", "x-acs-version", "content-type", "range"]),
        st.one_of(
            st.text(max_size=20), st.sampled_from(["acs id:x", "acs id", "OSS id:x", "OSS", "Tue, 99 Foo"])
        ),
    ),
    body=st.binary(max_size=20),
)
def test_nonsense_is_answered(
    fuzzed: LocalService, method: str, target: str, headers: dict[str, str], body: bytes
) -> None:
    answer = fuzzed.dispatch(Request(method, target, headers, body))
    assert 400 <= answer.status < 500
    assert answer.body
