"""The exception classes: pickling, copying, texts and the tree in the documentation."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import re
from typing import Any

import pytest

from batchcompute import errors
from batchcompute.errors import (
    Attempt,
    BatchComputeError,
    ClientError,
    FailedInstance,
    JobFailedError,
    OutcomeUnknown,
    Problem,
    ResponseError,
    ResponseTooLarge,
    ValidationError,
    outcome_unknown,
)
from batchcompute.resources import Job, Task

CLASSES = sorted(
    (
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BatchComputeError)
    ),
    key=lambda cls: cls.__name__,
)


def example(cls: type[BatchComputeError]) -> BatchComputeError:
    error: BatchComputeError
    if issubclass(cls, OutcomeUnknown):
        error = cls(0, "OutcomeUnknown", "r", "m", "create_job", "tok")
    elif issubclass(cls, ClientError):
        error = cls(409, "StateConflict", "r", "m")
    elif issubclass(cls, ResponseTooLarge):
        error = cls("too large", 200, "r", 1024, "list_jobs")
    elif issubclass(cls, ResponseError):
        error = cls("no JSON", 200, "r", b"<html>")
    elif issubclass(cls, ValidationError):
        error = cls([Problem("DAG", "5", "must be an object")], "JobDescription")
    elif issubclass(cls, JobFailedError):
        failed = FailedInstance("t", 0, 3, "ProgramFailed", "", "boom")
        error = cls(Job({"Id": "job-1", "State": "Failed"}), [Task({"TaskName": "t"})], [failed])
    else:
        error = cls("m")
    error.attempts = (Attempt(1, 500, "InternalError", "ServerError", "r", 0.5), Attempt(2, 0))
    error.add_note("gave up after 2 attempts")
    return error


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize(
    "again",
    [*(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(2, 6)), copy.copy, copy.deepcopy],
)
def test_pickles_and_copies_are_equal(cls: type[BatchComputeError], again: Any) -> None:
    error = example(cls)
    other = again(error)
    assert type(other) is cls
    assert (other.args, str(other), repr(other)) == (error.args, str(error), repr(error))
    assert vars(other) == vars(error)
    assert other.attempts == error.attempts
    assert str(error)
    assert cls.__module__ == "batchcompute.errors"


def _raise(name: str) -> None:
    raise example(getattr(errors, name))


def test_exceptions_pass_between_processes() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for name in ("OutcomeUnknownAfterTimeout", "JobFailedError", "TLSError"):
            with pytest.raises(getattr(errors, name)) as caught:
                pool.apply(_raise, (name,))
            assert caught.value.attempts[0].status == 500


def test_the_documented_tree_matches_the_classes() -> None:
    parents: dict[int, type] = {}
    documented: set[type] = set()
    for line in (BatchComputeError.__doc__ or "").splitlines():
        match = re.match(r"    ([│ ├└─]*)(\w+)  ", line)
        cls = getattr(errors, match[2], None) if match else None
        if match is None or cls is None:
            continue
        depth = len(match[1])
        parents[depth] = cls
        documented.add(cls)
        above = [parent for other, parent in sorted(parents.items()) if other < depth]
        if above:
            assert issubclass(cls, above[-1]), (cls, above[-1])
    wanted = {cls for cls in CLASSES if not cls.__name__.startswith("OutcomeUnknownAfter")}
    assert documented >= wanted
    assert issubclass(errors.TLSError, errors.ConnectError)
    assert issubclass(OutcomeUnknown, ClientError)
    assert set(errors.__all__) >= {cls.__name__ for cls in CLASSES}


def test_unknown_outcomes_keep_the_data_of_the_failure() -> None:
    body = outcome_unknown(ResponseError("no JSON", 201, "r", b"<html>"), "create_job", "tok")
    assert isinstance(body, ResponseError)
    assert (body.status, body.request_id, body.body, body.token) == (201, "r", b"<html>", "tok")
    plain = outcome_unknown(errors.ProtocolError("broke"), "stop_job", "")
    assert "read the state" in str(plain)
    assert str(plain).startswith("Code: OutcomeUnknown, Message: stop_job may have been executed: broke")


def test_text_of_an_attempt() -> None:
    assert (
        str(Attempt(1, 500, error="ServerError: x", delay=0.5))
        == "attempt 1: ServerError: x; the next one 0.50 s later"
    )
    assert str(Attempt(2, error="ConnectError: y")) == "attempt 2: ConnectError: y"
