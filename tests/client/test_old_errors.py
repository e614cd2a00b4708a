"""Every ``except`` clause of an old program still matches: what the old SDK raised, and how it is caught now.

The rows say, for a situation, by which names a program caught it; the more general ones match as well.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx

import batchcompute
from batchcompute import Client, RetryPolicy
from batchcompute.core import exceptions as old
from batchcompute.resources import ClusterDescription, Job, JobDescription
from batchcompute.utils.functions import ConfigError

URL = "http://127.0.0.1:8790"
GOOD = {
    "Name": "n",
    "DAG": {"Tasks": {"t": {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}}},
}
Act = Callable[[Client], object]


def answers(status: int, body: bytes) -> Callable[[respx.MockRouter], None]:
    def prepare(router: respx.MockRouter) -> None:
        router.route().respond(status, content=body)

    return prepare


def fails(error: Exception) -> Callable[[respx.MockRouter], None]:
    def prepare(router: respx.MockRouter) -> None:
        router.route().mock(side_effect=error)

    return prepare


REFUSAL = b'{"Code": "StateConflict", "Message": "m", "RequestId": "r"}'

ROWS: list[tuple[str, Any, Act, tuple[type[BaseException], ...]]] = [
    (
        "a 200 that is no JSON: get",
        answers(200, b"<html>"),
        lambda c: c.get_job("j"),
        (old.JsonError, ValueError),
    ),
    (
        "a 200 that is no JSON: list",
        answers(200, b"<html>"),
        lambda c: c.list_jobs(),
        (old.JsonError, ValueError),
    ),
    ("a 201 that is no JSON", answers(201, b"oops"), lambda c: c.create_job(GOOD), (old.JsonError,)),
    ("an empty 200", answers(200, b""), lambda c: c.get_job("j"), (old.JsonError,)),
    ("an empty list", answers(200, b""), lambda c: c.list_jobs(), (old.JsonError,)),
    ("a refusal", answers(409, REFUSAL), lambda c: c.delete_job("j"), (old.ClientError, Exception)),
    ("a refusal without JSON", answers(404, b"<html>"), lambda c: c.get_job("j"), (old.ClientError,)),
    ("a failure of the service", answers(500, b""), lambda c: c.get_job("j"), (old.ClientError,)),
    ("a redirect", answers(302, b""), lambda c: c.get_job("j"), (old.ClientError,)),
    ("no connection", fails(httpx.ConnectError("refused")), lambda c: c.get_job("j"), (OSError,)),
    (
        "no answer in time",
        fails(httpx.ReadTimeout("slow")),
        lambda c: c.get_job("j"),
        (OSError, TimeoutError),
    ),
    ("an unknown region", None, lambda c: Client("no such region", "a", "b"), (ConfigError,)),
    ("a text that is no JSON", None, lambda c: c.create_job("{"), (old.JsonError, ValueError)),
    ("a text that is no object", None, lambda c: JobDescription("[1]"), (old.JsonError,)),
    ("a missing field", None, lambda c: c.create_job({"Name": "n"}), (old.ValidationError,)),
    ("a wrong type", None, lambda c: JobDescription({"Name": 5}), (TypeError,)),
    ("a wrong type assigned", None, lambda c: setattr(JobDescription(), "Name", 5), (TypeError,)),
    ("a wrong item", None, lambda c: ClusterDescription().Groups.update(g=5), (TypeError,)),  # type: ignore[call-overload]
    ("no such key to read", None, lambda c: JobDescription()["Nope"], (KeyError, LookupError)),
    ("no such key to set", None, lambda c: JobDescription().__setitem__("Nope", 1), (old.FieldError,)),
    ("no such attribute", None, lambda c: Job().Nope, (AttributeError,)),  # type: ignore[attr-defined]
    ("an empty id", None, lambda c: c.get_job(""), (TypeError,)),
    ("an id that is none", None, lambda c: c.get_job(5), (TypeError,)),  # type: ignore[arg-type]
    ("an unknown type of list", None, lambda c: c.easy_list("nopes"), (old.FieldError,)),  # type: ignore[call-overload]
    ("an object of another class", None, lambda c: JobDescription(ClusterDescription()), (TypeError,)),  # type: ignore[call-overload]
]


@pytest.mark.parametrize(("situation", "prepare", "act", "caught"), ROWS, ids=[row[0] for row in ROWS])
def test_old_except_clauses_match(
    respx_mock: respx.MockRouter,
    situation: str,
    prepare: Any,
    act: Act,
    caught: tuple[type[BaseException], ...],
) -> None:
    if prepare is not None:
        prepare(respx_mock)
    with Client(URL, "id", "secret", retry=RetryPolicy.none()) as client:
        for cls in caught:
            with pytest.raises(cls) as found:
                act(client)
    error = found.value
    if isinstance(error, batchcompute.BatchComputeError):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
    elif not isinstance(error, AttributeError):
        assert isinstance(error, (TypeError, KeyError))


def test_an_empty_answer_of_an_action_is_all_right(respx_mock: respx.MockRouter) -> None:
    respx_mock.route().respond(204)
    with Client(URL, "id", "secret") as client:
        assert client.delete_job("job-1").content == {}
    respx_mock.route().respond(200, content=b"")
    with Client(URL, "id", "secret") as client:
        assert client.stop_job("job-1").StatusCode == 200
