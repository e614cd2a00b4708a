"""Reading answers of the service keeps every value and never fails."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from batchcompute import ResponseError
from batchcompute.api.parsing import parse_page
from batchcompute.api.responses import HttpResponse
from batchcompute.resources import (
    AppStatus,
    AvailableResource,
    Cluster,
    ClusterInstance,
    Instance,
    Job,
    JobDescription,
    Task,
)

# The samples of the documents (REST API, 2.1 to 2.3).
JOB = {
    "Id": "job-0000000058184218000008150000000D", "Name": "demo", "OwnerId": 48351, "State": "Running", "Message": "",
    "CreationTime": "2016-11-01T15:25:02.837728Z", "StartTime": "2016-11-01T15:25:03.020203Z", "EndTime": "",
    "TaskMetrics": {"WaitingCount": 0, "RunningCount": 1, "FinishedCount": 0, "FailedCount": 0, "StoppedCount": 0},
    "InstanceMetrics": {"WaitingCount": 0, "RunningCount": 1, "FinishedCount": 0, "FailedCount": 0, "StoppedCount": 0},
}  # fmt: skip
TASK = {"TaskName": "taskA", "State": "Running", "StartTime": "2016-11-01T15:25:03.020203Z", "EndTime": "",
        "InstanceMetrics": JOB["InstanceMetrics"]}  # fmt: skip
INSTANCE = {
    "InstanceId": 0, "State": "Finished", "StartTime": "2016-11-01T15:25:03.020203Z",
    "EndTime": "2016-11-01T15:25:04.020203Z", "RetryCount": 0, "Progress": 0, "NodeIp": "10.1.98.33",
    "StdoutRedirectPath": "oss://b/logs/stdout.job-1.taskA.0", "StderrRedirectPath": "oss://b/logs/stderr.job-1.taskA.0",
    "Result": {"ExitCode": 0, "ErrorCode": "", "ErrorMessage": "", "Detail": ""},
    "Error": {"Code": "", "Message": ""}, "Outputs": {},
}  # fmt: skip
CLUSTER = {
    "Id": "cls-6kilcg94rdtk0051", "Name": "cluster_test", "Description": "", "OwnerId": 48351,
    "CreationTime": "2015-12-08T09:13:55.470698Z", "State": "Active", "ImageId": "img-ubuntu", "InstanceType": "",
    "UserData": {"a": "b"}, "EnvVars": {}, "Bootstrap": "",
    "Groups": {"group1": {"DesiredVMCount": 3, "ActualVMCount": 0, "InstanceType": "ecs.s3.large",
                          "ResourceType": "OnDemand", "SpotStrategy": "", "SpotPriceLimit": 0}},
    "Metrics": {"StartingCount": 0, "RunningCount": 0, "StoppingCount": 0, "StoppedCount": 0},
    "OperationLogs": ["[2015-12-08T05:55:56.997893Z][group1]Creating instance group successfully"],
}  # fmt: skip
MACHINE = {
    "Id": "i-287u5lv1k", "State": "Running", "Hint": "", "IpAddress": "10.1.98.33", "HostName": "iZ28",
    "EcsInstanceId": "i-287u5lv1k", "ErrorCode": 0, "ErrorMessage": "",
    "CreationTime": "2015-12-08T09:13:55.470698Z", "InstancePassword": "",
}  # fmt: skip
SAMPLES = [(Job, JOB), (Task, TASK), (Instance, INSTANCE), (Cluster, CLUSTER), (ClusterInstance, MACHINE)]


@pytest.mark.parametrize(("cls", "sample"), SAMPLES)
def test_dump_returns_the_wire_format(cls: Any, sample: dict[str, Any]) -> None:
    assert json.loads(cls(sample).dump()) == sample
    assert json.loads(cls._read(json.dumps(sample).encode()).dump()) == sample


def test_times_of_answers() -> None:
    job = Job(JOB)
    assert job.StartTime == datetime(2016, 11, 1, 15, 25, 3, 20203, tzinfo=UTC)
    assert job.StartTime is not None
    assert job.StartTime.tzinfo is UTC
    assert job.EndTime is None
    # As in the old SDK, an unknown time is None: programs read `job.detail()["EndTime"]`.
    assert "EndTime" in job
    assert job.detail()["EndTime"] is None
    assert "EndTime" not in Job({"Id": "job-1"})
    assert Job({"EndTime": None}).EndTime is None
    for text in ("2016-11-01T15:25:57Z", "2016-11-01T15:25:57", "2016-11-01T17:25:57+02:00"):
        assert Job({"EndTime": text}).EndTime == datetime(2016, 11, 1, 15, 25, 57, tzinfo=UTC)
        assert json.loads(Job({"EndTime": text}).dump())["EndTime"] == "2016-11-01T15:25:57.000000Z"


def test_unknown_fields_and_states_are_kept() -> None:
    job = Job._read(json.dumps({**JOB, "State": "Dreaming", "New": {"a": 1}}).encode())
    assert job.State == "Dreaming"
    assert job.New == job["New"] == {"a": 1}  # type: ignore[attr-defined]
    assert "New" in job
    assert json.loads(job.dump())["New"] == {"a": 1}
    job.Name = "other"
    assert json.loads(job.dump())["New"] == {"a": 1}
    description = JobDescription._read(b'{"Name": "a", "DAG": {"Tasks": {"t": {"New": 1}}}}')
    assert description.DAG.Tasks["t"].New == 1  # type: ignore[attr-defined]


def test_nested_objects_are_never_none() -> None:
    job = Job._read(b'{"Id": "a", "TaskMetrics": null}')
    assert job.TaskMetrics.RunningCount == 0
    assert job.InstanceMetrics.FailedCount == 0
    assert (job.Name, job.Message, job.State, job.StartTime) == ("", "", "", None)
    assert Instance._read(b'{"Outputs": null, "Result": null}').Result.ExitCode == 0
    assert Cluster._read(b'{"Groups": null}').Groups == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"Name": 5}, {"State": []}, {"TaskMetrics": 5}, {"TaskMetrics": {"RunningCount": "many"}},
        {"CreationTime": "soon"}, {"CreationTime": {}}, {"OwnerId": [1]},
    ],
)  # fmt: skip
def test_a_wrong_type_keeps_its_raw_value(wrong: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    body = {**JOB, **wrong}
    with caplog.at_level(logging.WARNING, "batchcompute"):
        job = Job._read(json.dumps(body).encode())
    assert len(caplog.records) == 1
    assert job.Id == JOB["Id"]
    assert json.loads(job.dump()) == body
    (name,) = wrong
    value = job[name]
    assert (value.detail() if hasattr(value, "detail") else value) == wrong[name]


def test_an_invalid_entry_of_a_map_of_models_is_kept() -> None:
    cluster = Cluster._read(
        {"Id": "c", "Groups": {"good": {"DesiredVMCount": 1}, "bad": {"DesiredVMCount": "x"}}}
    )
    assert cluster.Groups["good"].DesiredVMCount == 1
    assert cluster.Groups["bad"].DesiredVMCount == "x"  # type: ignore[comparison-overlap]


def test_an_invalid_item_does_not_affect_the_rest_of_its_page() -> None:
    body = json.dumps({"Items": [JOB, {**JOB, "Name": 5}], "NextMarker": "m"}).encode()
    items, marker = parse_page(HttpResponse(200, {}, body), Job)
    assert [item.Name for item in items] == ["demo", 5]
    assert marker == "m"


@pytest.mark.parametrize(
    ("body", "count", "marker"),
    [
        (b'{"Items": [], "NextMarker": ""}', 0, ""),
        (b'{"Items": [{}]}', 1, ""),
        (b'{"Items": null, "NextMarker": null}', 0, ""),
        (b'[{"Id": "a"}]', 1, ""),
        (b"[]", 0, ""),
        (b'{"Items": [{}], "NextMarker": 0}', 1, ""),
        (b'{"Items": [{}], "NextMarker": 7}', 1, "7"),
    ],
)
def test_pages_of_every_format(body: bytes, count: int, marker: str) -> None:
    items, found = parse_page(HttpResponse(200, {}, body), Job)
    assert (len(items), found) == (count, marker)


@pytest.mark.parametrize("body", [b"<html>", b'"text"', b'{"Items": 5}', b"{", b"", b" ", b"null"])
def test_a_body_that_is_not_a_page_is_an_error(body: bytes) -> None:
    with pytest.raises(ResponseError, match="cannot parse the response") as caught:
        parse_page(HttpResponse(200, {"request-id": "r"}, body), Job)
    assert (caught.value.body, caught.value.request_id) == (body, "r")


def test_an_item_that_is_not_an_object_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"Items": [JOB, None, "text"], "NextMarker": ""}).encode()
    with caplog.at_level(logging.WARNING, "batchcompute"):
        items, _ = parse_page(HttpResponse(200, {}, body), Job)
    assert items[0].Name == "demo"
    assert items[1:] == [None, "text"]
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("cls", "body"),
    [
        (Cluster, {"Groups": [1]}), (Cluster, {"Groups": [{"Name": "g"}]}), (Cluster, {"UserData": ["ab", "cd"]}),
        (Cluster, {"OperationLogs": {"a": "b"}}), (JobDescription, {"DAG": {"Tasks": [{"a": 1}]}}), (Cluster, {"EnvVars": 5}),
    ],
)  # fmt: skip
def test_containers_of_an_unexpected_type_are_kept(cls: Any, body: dict[str, Any]) -> None:
    found = cls._read(json.dumps(body).encode())
    for _ in range(2):
        assert json.loads(found.dump()) == found.detail() == body
        assert repr(found)
        for key in found:
            assert found[key] is not None


def test_an_invalid_entry_does_not_affect_the_others() -> None:
    types = [{"InstanceType": "a", "CpuCore": 4}, {"InstanceType": "b", "CpuCore": "4"}, 5]
    found = AvailableResource._read({"AvailableClusterInstanceType": types})
    good, bad, odd = found.AvailableClusterInstanceType
    assert [good.CpuCore, bad.CpuCore, odd] == [4, "4", 5]
    assert Cluster._read({"Groups": {"a": None}}).Groups["a"].DesiredVMCount == 0


def test_answers_have_no_defaults() -> None:
    for cls, body in (
        (JobDescription, {"Name": "n", "Type": "App"}),
        (Cluster, {"Configs": {"Disks": {}}, "Notification": {"Topic": {"Name": "t"}}}),
        (JobDescription, {"DAG": {"Tasks": {"t": {"Parameters": {"Command": {"CommandLine": "x"}}}}}}),
        (
            AppStatus,
            {
                "Name": "a",
                "OutputParameters": {"o": {"Type": "String"}},
                "InputParameters": {"i": {"Default": None}},
            },
        ),
        (Instance, {"InstanceId": 1}),
    ):
        found = cls._read(json.dumps(body).encode())
        assert json.loads(found.dump()) == body
    description = JobDescription._read(b'{"Name": "n"}')
    assert description.Type == "DAG"
    assert description.JobFailOnInstanceFail is True


def test_nested_unknown_fields_are_not_copied_into_new_descriptions() -> None:
    found = JobDescription._read(b'{"Name": "n", "New": 1, "DAG": {"Tasks": {"t": {"TaskName": "t"}}}}')
    assert "TaskName" in found.dump()
    assert "TaskName" not in JobDescription(found).dump()
    assert "New" not in JobDescription(found).dump()
    assert "TaskName" in found.dump()


def test_times_near_the_years_1_and_9999() -> None:
    job = Job({"EndTime": "0001-01-01T00:00:00+08:00", "StartTime": "0800-01-01T00:00:00Z"})
    assert job.EndTime is not None
    assert json.loads(job.dump())["StartTime"] == "0800-01-01T00:00:00.000000Z"
