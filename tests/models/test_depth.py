"""The attributes and methods of nested values, at every depth."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from batchcompute.api.parsing import parse_page
from batchcompute.api.resource_responses import (
    AppResponse,
    ClusterResponse,
    InstanceResponse,
    JobDescriptionResponse,
    JobResponse,
)
from batchcompute.api.responses import HttpResponse
from batchcompute.models.base import Jsonizable, Status
from batchcompute.models.mapping import to_plain
from batchcompute.resources import AppStatus, Job, SynchronousInstance, Task
from tests.models.test_answers import CLUSTER, INSTANCE, JOB

DESCRIPTION = {
    "Name": "n", "Type": "DAG", "Notification": {"Topic": {"Name": ""}},
    "DAG": {"Tasks": {"t": {"Parameters": {"Command": {"CommandLine": "x", "EnvVars": {"A": "1"}}},
                            "Mounts": {"Entries": [{"Source": "oss://b/", "Destination": "/b"}]},
                            "AutoCluster": {"Configs": {"Disks": {"SystemDisk": {"Size": 40}}}}}}},
}  # fmt: skip
APP = {
    "Name": "a", "Config": {"InstanceType": {"Default": "x", "Overwritable": True, "Description": ""}},
    "InputParameters": {"i": {"Type": "String", "Default": ""}}, "Docker": {"Image": "d"}, "VM": {"ECSImageId": "i"},
}  # fmt: skip
ANSWERS = [
    (JobResponse, JOB), (InstanceResponse, INSTANCE), (ClusterResponse, {**CLUSTER, "Configs": {"Disks": {}}}),
    (JobDescriptionResponse, DESCRIPTION), (AppResponse, APP),
]  # fmt: skip


def nested(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each nested object in the result of `detail`, with its path."""
    if isinstance(value, dict):
        if path and "EnvVars" not in path and hasattr(value, "detail"):
            yield path, value
        for key, item in value.items():
            yield from nested(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from nested(item, f"{path}.{number}")


CASES = [
    (cls, path) for cls, body in ANSWERS for path, _ in nested(cls._read(json.dumps(body).encode()).detail())
]


def reach(value: Any, path: str) -> Any:
    for part in path.split(".")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


@pytest.mark.parametrize(("cls", "path"), CASES)
def test_a_nested_value_of_detail_has_the_attributes_and_methods_of_the_object(
    cls: type[Jsonizable], path: str
) -> None:
    whole = cls._read(json.dumps(dict(ANSWERS)[cls]).encode())  # type: ignore[index]
    dict_like, attribute = reach(whole.detail(), path), reach(whole, path)
    assert isinstance(attribute, Jsonizable)
    assert dict_like == dict_like.detail() == attribute.detail()
    assert json.loads(dict_like.dump()) == json.loads(str(dict_like)) == json.loads(attribute.dump())
    assert json.loads(json.dumps(dict_like)) == json.loads(attribute.dump())
    for field in attribute._declared:
        for spelling in (field.wire, field.name):
            if not hasattr(dict, spelling):
                assert to_plain(getattr(dict_like, spelling)) == to_plain(getattr(attribute, spelling))
        assert (field.wire in dict_like) == (field.wire in attribute)
        if field.wire in dict_like:
            assert (
                to_plain(dict_like.getproperty(field.wire))
                == dict_like.get(field.wire)
                == dict_like[field.wire]
            )
    assert dict_like.has_key(next(iter(dict_like), "")) == bool(dict_like)
    for again in (copy.copy(dict_like), copy.deepcopy(dict_like), pickle.loads(pickle.dumps(dict_like))):
        assert again == dict_like
        assert again.dump() == dict_like.dump()
    with pytest.raises(AttributeError):
        dict_like.Nope  # noqa: B018
    with pytest.raises(AttributeError):
        dict_like.Nope = 1


def test_a_nested_value_of_detail_can_be_changed() -> None:
    detail = JobResponse._read(json.dumps(JOB).encode()).detail()["TaskMetrics"]
    detail.WaitingCount = 5
    detail.running_count = 6
    assert (detail["WaitingCount"], detail.running_count, detail["RunningCount"]) == (5, 6, 6)
    assert detail.WaitingCount + detail.FinishedCount == 5


def test_nested_values_have_the_methods_of_their_class() -> None:
    assert SynchronousInstance({"Outputs": {"a": "b"}}).get_output("a") == "b"
    detail = JobDescriptionResponse._read(json.dumps(DESCRIPTION).encode()).detail()
    assert detail["DAG"].get_task("t").InstanceCount == 1
    assert detail["DAG"].Tasks["t"].Parameters.Command.CommandLine == "x"


@pytest.mark.parametrize("end_time", ["", None])
def test_an_unknown_time_counts_as_set(end_time: str | None) -> None:
    body = json.dumps({"Items": [{"TaskName": "t", "EndTime": end_time}], "NextMarker": ""}).encode()
    (item,), _ = parse_page(HttpResponse(200, {}, body), Task)
    for task in (item, Task._read({"TaskName": "t", "EndTime": end_time})):
        assert "EndTime" in task
        assert task.EndTime is None
        assert task.detail()["EndTime"] is None
        assert list(task.keys()) == ["TaskName", "EndTime"]
        assert json.loads(task.dump())["EndTime"] == ""
        assert task.model_dump() == {"TaskName": "t"}
        emptied = copy.copy(task)
        emptied.clear()
        assert list(emptied) == []
        del task["EndTime"]
        assert "EndTime" not in task


def test_the_answer_of_the_service_about_an_app_is_valid() -> None:
    AppStatus._read(APP).validate()
    AppStatus(APP).validate()
    for cls in (Job, Task):
        assert issubclass(cls, Status)
        cls().validate()
