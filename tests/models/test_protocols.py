"""Copies, pickles, comparisons and hashes of models."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import Any

import pytest

from batchcompute.api.resource_responses import JobDescriptionResponse, JobResponse
from batchcompute.api.responses import ActionResponse, CreateResponse, HttpResponse, ListResponse, attach
from batchcompute.resources import Cluster, Command, Job, JobDescription, Task, TaskDescription


def job() -> JobDescription:
    made = JobDescription(Name="a", DAG={"Tasks": {"t": {"Parameters": {"Command": {"EnvVars": {"A": 1}}}}}})
    made.DAG.Tasks["t"].AutoCluster.Configs.add_system_disk(40)
    return made


def answer() -> JobResponse:
    body = b'{"Id": "job-1", "State": "Running", "StartTime": "2016-11-01T15:25:02.837728Z", "EndTime": "", "X": 1}'
    made = JobResponse._read(body)
    attach(made, HttpResponse(200, {"x-acs-request-id": "r"}, body))
    return made


@pytest.mark.parametrize("make", [job, answer, TaskDescription, Job])
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda obj: pickle.loads(pickle.dumps(obj))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_are_equal_and_complete(make: Any, again: Any) -> None:
    original = make()
    other = again(original)
    assert other == original
    assert other.dump() == original.dump()
    assert type(other) is type(original)
    assert hash(other) == hash(original)
    if isinstance(other, JobResponse):
        assert (other.RequestId, other.StatusCode, other.X) == ("r", 200, 1)  # type: ignore[attr-defined]


def test_a_deep_copy_shares_nothing() -> None:
    original = job()
    other = copy.deepcopy(original)
    other.DAG.Tasks["t"].Parameters.Command.EnvVars["B"] = "2"
    other.DAG.Tasks["t"].InstanceCount = 9
    assert original == job()
    assert other != original


def test_a_copy_of_a_pending_object_does_not_set_a_field() -> None:
    task = TaskDescription()
    auto = copy.deepcopy(task.AutoCluster)
    auto.InstanceType = "x"
    assert "AutoCluster" not in task


def test_a_new_process_can_load_a_pickle() -> None:
    data = pickle.dumps([job(), answer()])
    program = (
        "import pickle, sys; job, answer = pickle.load(sys.stdin.buffer); "
        "print(job.dump(None)); print(answer.State, answer.RequestId); print(answer.dump(None))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, check=True
    ).stdout
    lines = output.decode().splitlines()
    assert lines[0] == job().dump(None)
    assert lines[1] == "Running r"
    assert lines[2] == answer().dump(None)


def test_equality_and_hashes() -> None:
    assert Job({"Id": "a"}) == Job({"Id": "a"})
    assert Job({"Id": "a"}) != Job({"Id": "b"})
    assert Job({"Id": "a"}) != Cluster({"Id": "a"})
    assert Job({"Id": "a"}) != {"Id": "a"}
    assert len({Job({"Id": "a"}), Job({"Id": "a"}), Job({"Id": "b"})}) == 2
    assert len({JobDescription(Name="a"), JobDescription(Name="a")}) == 1
    assert Command() == Command()
    assert answer() == Job(answer()) or "X" in answer()
    assert JobResponse._read(b'{"Id": "a"}') == Job({"Id": "a"})
    description = JobDescription(Name="a")
    kept = {description}
    description.Name = "b"
    assert description in kept


def test_descriptions_of_app_jobs_differ_by_app() -> None:
    first, second = (JobDescriptionResponse._read({"Type": "App", "App": {"AppName": name}}) for name in "xy")
    assert first != second
    assert first == copy.deepcopy(first)


def test_statuses_sort_by_their_ids() -> None:
    jobs = [Job({"Id": name}) for name in "bca"]
    assert [found.Id for found in sorted(jobs)] == ["a", "b", "c"]
    assert jobs[0] <= jobs[1]
    assert jobs[1] >= jobs[0]
    assert jobs[1] > jobs[0]
    assert Task({"TaskName": "a"}) < Task({"TaskName": "b"})
    with pytest.raises(TypeError):
        jobs[0] < Task({"TaskName": "a"})  # noqa: B015


def test_plain_responses() -> None:
    created = CreateResponse(HttpResponse(201, {"request-id": "r"}, b'{"Id": "job-1"}'))
    assert (created.Id, created["Id"], created.StatusCode, created.RequestId) == ("job-1", "job-1", 201, "r")
    assert pickle.loads(pickle.dumps(created)) == created == copy.copy(created)
    app = CreateResponse(HttpResponse(201, {}, b'{"Name": "app"}'))
    assert (app.Id, app.Name, app.get("Id")) == ("app", "app", "app")
    action = ActionResponse(HttpResponse(200, {}, b""))
    assert action.content == {}
    assert action.StatusCode == 200
    done = ActionResponse(HttpResponse(200, {"date": "D", "request-id": "r"}, b"done"))
    assert (done.content, done.Date) == ("done", "D")
    # Old programs use `json.loads(str(response))`.
    assert json.loads(str(done)) == {"StatusCode": 200, "RequestId": "r", "Date": "D"}
    assert json.loads(str(created)) == {"Id": "job-1", "StatusCode": 201, "RequestId": "r", "Date": ""}
    page = ListResponse(HttpResponse(200, {}, b'{"Items": [], "NextMarker": ""}'), [1, 2, 3], "m")
    assert (len(page), page[0], page[1:], list(page), 2 in page, page.index(3)) == (
        3,
        1,
        [2, 3],
        [1, 2, 3],
        True,
        2,
    )
    assert page.NextMarker == page.next_marker == "m"
    assert not ListResponse(HttpResponse(200, {}, b"[]"), [])
    assert copy.copy(page).Items == page.Items
