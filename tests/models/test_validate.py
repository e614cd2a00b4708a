"""`validate` reports what the service would reject."""

from __future__ import annotations

from typing import Any

import pytest

from batchcompute import ValidationError
from batchcompute.resources import (
    DAG,
    AppDescription,
    AppJobDescription,
    ClusterDescription,
    Command,
    ImageDescription,
    JobDescription,
    ModifyClusterDescription,
    TaskDescription,
)
from batchcompute.resources._rules import find_cycle


def task(**fields: Any) -> TaskDescription:
    made = TaskDescription({"ClusterId": "cls-1", **fields})
    made.Parameters.Command.CommandLine = "echo"
    return made


def job(**fields: Any) -> JobDescription:
    dag = DAG()
    dag.add_task("a", task())
    dag.add_task("b", task())
    return JobDescription({"Name": "demo", "Priority": 1, "DAG": dag, **fields})


def paths(description: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        description.validate()
    return {problem.path: problem.allowed for problem in caught.value.problems}


def test_a_valid_job() -> None:
    job().validate()
    JobDescription({"Name": "demo", "DAG": job().DAG}).validate()


def test_all_problems_at_once() -> None:
    bad = JobDescription({"Name": "1 x", "Priority": 1001, "Type": "Dag"})
    bad.DAG.add_task("9", {"InstanceCount": 0, "Timeout": 0, "MaxRetryCount": -1})
    found = paths(bad)
    assert set(found) == {
        "Name", "Priority", "Type", "DAG.Tasks.9", "DAG.Tasks.9.Parameters.Command.CommandLine",
        "DAG.Tasks.9.InstanceCount", "DAG.Tasks.9.Timeout", "DAG.Tasks.9.MaxRetryCount", "DAG.Tasks.9.ClusterId",
    }  # fmt: skip
    assert found["Priority"] == "must be in [0, 1000]"
    assert str(ValidationError("x")) == "x"


def test_an_empty_job() -> None:
    assert set(paths(JobDescription())) == {"Name", "DAG.Tasks"}


@pytest.mark.parametrize("name", ["", "1a", "a b", "a/b", "a.b", "x" * 65, None])
def test_invalid_names(name: str | None) -> None:
    assert "Name" in paths(job(Name=name))


@pytest.mark.parametrize("name", ["a", "_a", "-a", "A1", "x" * 64])
def test_valid_names(name: str) -> None:
    job(Name=name).validate()


def test_dependencies() -> None:
    assert (
        "is not a task"
        in paths(job(DAG={"Tasks": {"a": task()}, "Dependencies": {"a": ["c"]}}))["DAG.Dependencies.a"]
    )
    tasks = {name: task() for name in "abc"}
    job(DAG={"Tasks": tasks, "Dependencies": {"a": ["b", "c"], "b": ["c"]}}).validate()
    cyclic = job(DAG={"Tasks": tasks, "Dependencies": {"a": ["b"], "b": ["c"], "c": ["a"]}})
    with pytest.raises(ValidationError, match="must not form a cycle") as caught:
        cyclic.validate()
    assert "a -> b -> c -> a" in str(caught.value)


def test_cycles() -> None:
    assert find_cycle({"a": ["a"]}) == ["a", "a"]
    assert find_cycle({"a": ["b"], "b": ["a"]}) in (["a", "b", "a"], ["b", "a", "b"])
    assert find_cycle({"a": ["b", "c"], "b": ["d"], "c": ["d"]}) == []
    chain = {str(number): [str(number + 1)] for number in range(5000)}
    assert find_cycle(chain) == []
    assert len(find_cycle({**chain, "5000": ["0"]})) == 5002


def test_cluster_or_auto_cluster() -> None:
    neither = task(ClusterId="")
    assert paths(job(DAG={"Tasks": {"a": neither}})) == {
        "DAG.Tasks.a.ClusterId": "one of ClusterId and AutoCluster is required"
    }
    neither.AutoCluster.InstanceType = "x"
    job(DAG={"Tasks": {"a": neither}}).validate()
    both = task(AutoCluster={"InstanceType": "x"})
    assert "only one of" in paths(job(DAG={"Tasks": {"a": both}}))["DAG.Tasks.a.ClusterId"]
    # The answers of the service contain this (REST API, 2.1).
    job(DAG={"Tasks": {"a": task(AutoCluster={"InstanceType": "", "ImageId": ""})}}).validate()


@pytest.mark.parametrize("source", ["s3://b/x", "/local", "oss:/b", "http://h/x", "oss://"])
def test_unsupported_schemes_of_sources(source: str) -> None:
    bad = task(
        InputMapping={source: "/x"},
        OutputMapping={"/o": source},
        Mounts={"Entries": [{"Source": source, "Destination": "/x"}]},
    )
    assert set(paths(job(DAG={"Tasks": {"a": bad}}))) == {
        "DAG.Tasks.a.InputMapping", "DAG.Tasks.a.OutputMapping./o", "DAG.Tasks.a.Mounts.Entries.0.Source",
    }  # fmt: skip


@pytest.mark.parametrize("source", ["oss://b/", "nas://h:/p", "smb://h/p", "lustre://h/p", "nasplus://h/p"])
def test_documented_schemes_of_sources(source: str) -> None:
    job(DAG={"Tasks": {"a": task(Mounts={"Entries": [{"Source": source, "Destination": "/x"}]})}}).validate()


def test_wrong_types_inside_containers() -> None:
    bad = job()
    bad.DAG.Tasks["a"].InputMapping.clear()
    dict.__setitem__(bad.DAG.Tasks["a"].InputMapping, "oss://b/", 5)  # type: ignore[misc]
    assert "DAG.Tasks.a.InputMapping.oss://b/" in paths(bad)


def test_clusters() -> None:
    group = {"DesiredVMCount": 1}
    ClusterDescription({"Name": "c", "ImageId": "i", "Groups": {"g": group}}).validate()
    ClusterDescription({"Name": "c", "Groups": {"g": {**group, "ImageId": "i"}}}).validate()
    assert set(paths(ClusterDescription())) == {"Name", "ImageId", "Groups"}
    bad = ClusterDescription(
        {"Name": "c", "ImageId": "i", "Groups": {"g": {}, "h": {"DesiredVMCount": 65537}}}
    )
    bad.Configs.add_system_disk(39)
    bad.Configs.add_data_disk(2001)
    assert set(paths(bad)) == {
        "Groups.g.DesiredVMCount", "Groups.h.DesiredVMCount", "Configs.Disks.SystemDisk.Size", "Configs.Disks.DataDisk.Size",
    }  # fmt: skip
    ModifyClusterDescription({"Groups": {"g": {"DesiredVMCount": 0}}}).validate()
    assert set(paths(ModifyClusterDescription({"Groups": {"g": {"DesiredVMCount": -1}}}))) == {
        "Groups.g.DesiredVMCount"
    }


def test_images_and_apps() -> None:
    ImageDescription({"EcsImageId": "m-1", "Platform": "Linux"}).validate()
    assert set(paths(ImageDescription({"Platform": "Plan9"}))) == {"Platform", "EcsImageId"}
    AppDescription({"Name": "a", "CommandLine": "x", "VM": {"ECSImageId": "i"}}).validate()
    assert set(paths(AppDescription())) == {"Name", "CommandLine", "Docker"}
    both = {"Name": "a", "CommandLine": "x" * 1001, "VM": {"ECSImageId": "i"}, "Docker": {"Image": "d"}}
    assert set(paths(AppDescription(both))) == {"CommandLine", "Docker"}
    empty = {"Name": "a", "CommandLine": "x", "VM": {"ECSImageId": ""}, "Docker": {"Image": ""}}
    assert set(paths(AppDescription(empty))) == {"Docker"}
    assert set(paths(AppDescription({**empty, "VM": None}))) == {"Docker.Image"}
    # In answers of the service, the unused one is empty.
    AppDescription({**empty, "Docker": {"Image": "d"}}).validate()
    AppJobDescription({"Name": "1a", "Type": "App", "App": {"AppName": ":x"}}).validate()
    assert set(paths(AppJobDescription())) == {"Name", "App.AppName"}
    assert set(paths(AppJobDescription({"Type": "DAG"}))) == {"Name", "Type", "App.AppName"}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


UNKEEPABLE: list[tuple[Any, str, str]] = [
    (ClusterDescription({"UserData": {"a": deep(99)}}), "UserData.a.0", "more than 100 levels deep"),
    (ClusterDescription({"UserData": {"a": [1] * 50_001}}), "", "more than 50000 values"),
    (ClusterDescription({"UserData": {"a": 2**63}}), "UserData.a", "fit in 64 bits"),
    (ClusterDescription({"UserData": {"a": "\0"}}), "UserData.a", "the character NUL"),
    (ClusterDescription({"UserData": {"\ud800": 1}}), "UserData", "half of a surrogate pair"),
    (JobDescription(Name="\ud800"), "Name", "half of a surrogate pair"),
    (JobDescription({"DAG": {"Tasks": {"t": {"Timeout": 2**70}}}}), "DAG.Tasks.t.Timeout", "64 bits"),
    (Command(CommandLine="a\0b"), "CommandLine", "the character NUL"),
]


@pytest.mark.parametrize(("description", "path", "allowed"), UNKEEPABLE)
def test_limits_of_bodies_name_the_path(description: Any, path: str, allowed: str) -> None:
    with pytest.raises(ValidationError, match=allowed) as caught:
        description.validate()
    assert caught.value.problems[0].path.startswith(path)


def test_keys_and_numbers_of_app_jobs() -> None:
    long = f"oss://b/{'k' * 1025}"
    task = {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}
    fields: list[tuple[str, Any]] = [
        ("InputMapping", {long: "/a"}),
        ("OutputMapping", {"/a": long}),
        ("LogMapping", {"/a": long}),
        ("Mounts", {"Entries": [{"Source": long, "Destination": "/a"}]}),
        ("Parameters", {"Command": {"CommandLine": "x", "PackagePath": long}}),
        ("Parameters", {"Command": {"CommandLine": "x"}, "StdoutRedirectPath": long}),
        ("Parameters", {"Command": {"CommandLine": "x"}, "StderrRedirectPath": long}),
    ]
    for field, value in fields:
        with pytest.raises(ValidationError, match="a key of at most 1024 bytes") as caught:
            TaskDescription({**task, field: value}).validate()
        assert caught.value.problems[0].path.startswith(field)
        assert "1025 bytes" in caught.value.problems[0].value
    for name, number in (("InstanceCount", 0), ("MaxRetryCount", -1), ("Timeout", -1)):
        made = AppJobDescription({"Name": "a", "App": {"AppName": "b", "Config": {name: number}}})
        assert list(paths(made)) == [f"App.Config.{name}"]
