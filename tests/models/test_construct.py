"""The creation of models, from every kind of source."""

from __future__ import annotations

import json
import warnings
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchcompute import JSONError, UnknownFieldWarning, ValidationError
from batchcompute.resources import (
    DAG,
    OSS,
    ClusterDescription,
    Job,
    JobDescription,
    MountEntry,
    Mounts,
    TaskDescription,
)

JOB: dict[str, Any] = {"Name": "demo", "Priority": 3, "DAG": {"Tasks": {"Echo": {"InstanceCount": 2}}}}


@pytest.mark.parametrize(
    "source",
    [
        JOB,
        OrderedDict(JOB),
        MappingProxyType(JOB),
        json.dumps(JOB),
        json.dumps(JOB).encode(),
        bytearray(json.dumps(JOB).encode()),
        JobDescription(JOB),
    ],
    ids=lambda source: type(source).__name__,
)
def test_every_source_creates_the_same_object(source: Any) -> None:
    job = JobDescription(source)
    assert (job.Name, job.name, job["Name"], job["name"]) == ("demo",) * 4
    assert job.DAG.Tasks["Echo"].InstanceCount == 2
    assert job == JobDescription(JOB)


def test_keywords_by_either_name_replace_values_of_the_source() -> None:
    assert JobDescription(Name="a", Priority=1) == JobDescription(name="a", priority=1)
    assert JobDescription(JOB, Name="b").Name == "b"
    assert JobDescription(JOB, name="b").Name == "b"
    assert JobDescription(json.dumps(JOB), name="b").Priority == 3
    assert JobDescription(JobDescription(JOB), name="b").Priority == 3
    assert JobDescription(properties=JOB).Name == "demo"


def test_snippets_of_the_vendors_guide() -> None:
    properties = {"Name": "PythonSDKDemo", "Description": "Batchcompute"}
    for source in (properties, json.dumps(properties)):
        jsonizable = JobDescription(source)
        assert (jsonizable.Name, jsonizable.Description) == ("PythonSDKDemo", "Batchcompute")
    jsonizable1 = JobDescription()
    jsonizable1.Name = "PythonSDKDemo"
    jsonizable2 = JobDescription(jsonizable1)
    assert jsonizable2.Name == "PythonSDKDemo"
    job_desc = JobDescription()
    job_desc["Id"] = "PythonSDKDemo"
    assert job_desc["Id"] == "PythonSDKDemo"
    job = Job({"Id": "job-1"})
    assert job.Id == job["Id"] == "job-1"


def test_unknown_attributes_are_discarded() -> None:
    job = JobDescription({"Name": "a", "Nope": 1, "DAG": {"Tasks": {}, "Nope": 2}})
    assert "Nope" not in job
    assert "Nope" not in job.dump()
    assert JobDescription('{"Nope": 1, "Name": "a"}') == JobDescription(Name="a")
    job.update({"Nope": 1, "Priority": 2})
    job.load('{"Nope": 1, "AutoRelease": true}')
    assert job.Priority == 2
    assert job.AutoRelease is True
    job.DAG = {"Tasks": {"t": {"Nope": 1}}}
    assert "Nope" not in job.dump()


def test_an_unknown_keyword_warns_and_names_the_closest_field() -> None:
    with pytest.warns(UnknownFieldWarning, match="did you mean 'Name'"):
        job = JobDescription(Nmae="a")  # type: ignore[call-overload]
    assert job == JobDescription()


def test_warnings_point_at_the_callers_line() -> None:
    with pytest.warns(UnknownFieldWarning) as caught:
        JobDescription(Nmae="a").Nmae = 1  # type: ignore[call-overload]
    assert [warning.filename for warning in caught] == [__file__, __file__]


@pytest.mark.parametrize("text", ["{", "", "nonsense", "[1]", "5", "null", '"text"', b"\xff\xfe", "{'a': 1}"])
def test_a_string_that_is_not_a_json_object(text: str | bytes) -> None:
    with pytest.raises(JSONError, match="JobDescription"):
        JobDescription(text)
    with pytest.raises(JSONError):
        JobDescription(text, name="a")
    with pytest.raises(JSONError):
        JobDescription().load(text)


@pytest.mark.parametrize(
    "source", [5, 1.5, [("Name", "a")], object(), TaskDescription(), Job(), JobDescription]
)
def test_other_classes_are_a_type_error(source: Any) -> None:
    with pytest.raises(TypeError, match="JobDescription takes a mapping"):
        JobDescription(source)


def test_errors_name_the_wire_path_of_nested_values() -> None:
    with pytest.raises(ValidationError) as caught:
        JobDescription(
            {
                "Priority": "high",
                "DAG": {
                    "Tasks": {
                        "Echo": {"InstanceCount": "three", "Parameters": {"Command": {"CommandLine": 5}}}
                    }
                },
            }
        )
    problems = {problem.path: (problem.value, problem.allowed) for problem in caught.value.problems}
    assert problems == {
        "Priority": ("'high'", "must be an integer"),
        "DAG.Tasks.Echo.InstanceCount": ("'three'", "must be an integer"),
        "DAG.Tasks.Echo.Parameters.Command.CommandLine": ("5", "must be a string"),
    }
    with pytest.raises(
        TypeError, match=r"DAG\.Tasks\.Echo\.InstanceCount: must be an integer \(got 'three'\)"
    ):
        JobDescription(dag={"tasks": {"Echo": {"instance_count": "three"}}})


@pytest.mark.parametrize(
    ("cls", "field", "value"),
    [
        (JobDescription, "Priority", True),
        (JobDescription, "Priority", 1.5),
        (JobDescription, "Priority", "1"),
        (JobDescription, "AutoRelease", 1),
        (JobDescription, "AutoRelease", "true"),
        (JobDescription, "Name", 5),
        (JobDescription, "DAG", []),
        (JobDescription, "DAG", TaskDescription()),
        (DAG, "Tasks", []),
        (DAG, "Dependencies", {"a": "b"}),
        (ClusterDescription, "Groups", {"g": 5}),
        (Mounts, "Entries", {}),
        (Mounts, "Entries", [5]),
        (Job, "CreationTime", "yesterday"),
    ],
)
def test_every_way_to_set_a_value_rejects_wrong_types(cls: Any, field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        cls({field: value})
    with pytest.raises(ValidationError, match=field):
        cls(**{field: value})
    made = cls()
    before = made.dump()
    with pytest.raises(ValidationError, match=field):
        setattr(made, field, value)
    with pytest.raises(ValidationError, match=field):
        made[field] = value
    with pytest.raises(ValidationError, match=field):
        made.update({field: value})
    assert made.dump() == before


class Numpyish:
    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def test_whole_numbers_of_other_types_are_integers() -> None:
    job = JobDescription(Priority=3.0)  # type: ignore[call-overload]
    assert type(job.Priority) is int
    job.Priority = Numpyish(7)
    assert job.Priority == 7
    assert type(job.Priority) is int


def test_bytes_are_decoded() -> None:
    job = JobDescription({"Name": b"x", "Description": "中".encode()})
    assert job.Name == "x"
    assert job.Description == "中"


def test_null_unsets_a_field() -> None:
    task = TaskDescription({"ClusterId": None, "Timeout": None, "Parameters": None})
    assert "ClusterId" not in task
    assert "Timeout" not in task.detail()
    assert task.Parameters.Command.CommandLine is None


def test_no_repr_and_no_error_shows_a_secret() -> None:
    oss = OSS(AccessKeyId="id", AccessKeySecret="s3cret", SecurityToken="t0ken")
    assert "s3cret" not in repr(oss)
    assert "t0ken" not in repr(oss)
    assert json.loads(str(oss))["AccessKeySecret"] == "s3cret"
    assert "s3cret" not in repr(Mounts(OSS=oss))
    with pytest.raises(ValidationError) as caught:
        OSS(AccessKeySecret=["s3cret"])  # type: ignore[call-overload]
    assert "s3cret" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["Name", "Priority", "DAG", "Type", "AutoRelease", "Notification", "Nope", "name"])


@given(st.dictionaries(NAMES, JSON.filter(lambda value: value is not None), max_size=4))
def test_any_mapping_creates_a_model_or_raises_validation_error(data: dict[str, Any]) -> None:
    try:
        job = JobDescription(data)
    except ValidationError as error:
        assert error.problems
    else:
        assert JobDescription(job.dump()) == job
        assert json.loads(job.dump()) == json.loads(job.dump(None))


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
        st.builds(
            dict,
            InstanceCount=st.integers(1, 10**6),
            Timeout=st.integers(1, 10**6),
            ClusterId=st.text(st.characters(codec="utf-8"), max_size=8),
            InputMapping=st.dictionaries(
                st.text(st.characters(codec="utf-8"), max_size=4), st.just("/x/"), max_size=2
            ),
        ),
        max_size=3,
    )
)
def test_a_description_equals_its_json(tasks: dict[str, Any]) -> None:
    job = JobDescription(Name="a", DAG={"Tasks": tasks})
    for again in (JobDescription(job.dump()), JobDescription(job.detail()), JobDescription(job)):
        assert again == job
        assert again.dump() == job.dump()


def test_mount_entries_are_models() -> None:
    mounts = Mounts({"Entries": [{"Source": "oss://b/"}]})
    assert isinstance(mounts.Entries[0], MountEntry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mounts.Entries.append({"Source": "oss://c/"})  # type: ignore[arg-type]
        mounts.Entries += [MountEntry(Source="oss://d/")]
        assert [entry.Source for entry in mounts.Entries] == ["oss://b/", "oss://c/", "oss://d/"]
        assert len(json.loads(mounts.dump())["Entries"]) == 3


def test_json_that_only_json_loads_accepts() -> None:
    for text in ('\ufeff{"Name": "a"}'.encode(), '{"Name": "a"}'.encode("utf-16")):
        assert JobDescription(text).Name == "a"
    assert JobDescription('{"Name": "\\ud800"}').Name == "\ud800"


@pytest.mark.parametrize(
    "bad",
    [{"OSS": [{"AccessKeySecret": "S3CRET"}]}, {"OSS": "S3CRET"}, {"OSS": {"SecurityToken": ["S3CRET"]}}],
)
def test_no_error_shows_a_nested_secret(bad: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValidationError) as caught:
        Mounts(bad)
    read = Mounts._read(bad)
    assert "S3CRET" not in str(caught.value) + caplog.text + repr(read)
    assert "S3CRET" in read.dump()
