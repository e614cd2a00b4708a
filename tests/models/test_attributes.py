"""Reads and changes of attributes, and their effects on requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchcompute import FieldError, UnknownFieldWarning, ValidationError
from batchcompute.resources import (
    DAG,
    App,
    AppDescription,
    AutoCluster,
    ClusterDescription,
    Command,
    Configs,
    InputParameter,
    Job,
    JobDescription,
    MountEntry,
    Mounts,
    Result,
    TaskDescription,
)


def read_everything(obj: Any, depth: int = 4) -> None:
    """Read every attribute, nested ones included, by both names."""
    for name in list(obj._fields):
        value = getattr(obj, name)
        obj.get(name)
        if depth and hasattr(value, "_fields"):
            read_everything(value, depth - 1)


@pytest.mark.parametrize(
    "cls", [JobDescription, TaskDescription, ClusterDescription, AppDescription, Job, AutoCluster]
)
def test_a_read_never_changes_a_request(cls: Any) -> None:
    obj = cls()
    before, keys = obj.dump(), list(obj)
    read_everything(obj)
    assert obj.dump() == before
    assert list(obj) == keys
    assert obj == cls()


def test_the_first_change_of_a_nested_object_sets_its_field() -> None:
    task = TaskDescription()
    auto = task.AutoCluster
    assert "AutoCluster" not in task
    auto.InstanceType = "x"
    assert task.AutoCluster is auto
    assert json.loads(task.dump())["AutoCluster"]["InstanceType"] == "x"


def test_writing_a_default_sets_the_field() -> None:
    task = TaskDescription()
    task.AutoCluster.InstanceType = ""
    assert "AutoCluster" in task


def test_changes_at_any_depth_set_the_fields_above() -> None:
    task = TaskDescription()
    task.auto_cluster.configs.disks.system_disk.size = 40
    assert task["AutoCluster"]["Configs"]["Disks"]["SystemDisk"]["Size"] == 40
    job = JobDescription()
    job.Notification.Topic.Name = "t"
    assert json.loads(job.dump())["Notification"]["Topic"]["Name"] == "t"
    task = TaskDescription()
    task.AutoCluster.UserData["k"] = "v"
    assert json.loads(task.dump())["AutoCluster"]["UserData"] == {"k": "v"}
    cluster = ClusterDescription()
    cluster.EnvVars["A"] = 1  # type: ignore[assignment]
    cluster.Configs.Mounts.NAS.AccessGroup = ["g"]
    cluster.Configs.Mounts.NAS.FileSystem.append("f")
    sent = json.loads(cluster.dump())
    assert sent["EnvVars"] == {"A": "1"}
    assert sent["Configs"]["Mounts"]["NAS"] == {"AccessGroup": ["g"], "FileSystem": ["f"]}
    app = AppDescription()
    app.set_timeout(300, False, "secs")
    assert json.loads(app.dump())["Config"] == {
        "Timeout": {"Default": 300, "Overwritable": False, "Description": "secs"}
    }


def test_a_replaced_object_does_not_set_its_field() -> None:
    task = TaskDescription()
    stale = task.AutoCluster
    task.AutoCluster = {"InstanceType": "new"}
    stale.InstanceType = "stale"
    assert task.AutoCluster.InstanceType == "new"
    entries = task.Mounts.Entries
    task.Mounts = Mounts()
    entries.append(MountEntry())
    assert task.Mounts.Entries == []


def test_assigned_objects_are_copied() -> None:
    task, dag, job = TaskDescription(), DAG(), JobDescription()
    mapping = {"oss://b/": "/b/"}
    task.InputMapping = mapping
    mapping["oss://c/"] = "/c/"
    assert task.InputMapping == {"oss://b/": "/b/"}
    dag.add_task("t", task)
    task.InstanceCount = 9
    assert dag.Tasks["t"].InstanceCount == 1
    job.DAG = dag
    dag.Tasks["t"].InstanceCount = 8
    dag.add_task("u", task)
    assert job.DAG.Tasks["t"].InstanceCount == 1
    assert list(job.DAG.Tasks) == ["t"]
    nested: dict[str, Any] = {"k": [1]}
    cluster = ClusterDescription(UserData=nested)
    nested["k"].append(2)
    assert cluster.UserData == {"k": [1]}
    source = {"Tasks": {"t": {"Parameters": {"Command": {"EnvVars": {"A": 1}}}}}}
    made = DAG(source)
    assert source == {"Tasks": {"t": {"Parameters": {"Command": {"EnvVars": {"A": 1}}}}}}
    made.Tasks["t"].Parameters.Command.EnvVars["B"] = "2"
    assert source["Tasks"]["t"]["Parameters"]["Command"]["EnvVars"] == {"A": 1}


def test_every_way_to_set_environment_variables_converts_them_to_strings() -> None:
    command = Command(EnvVars={"a": 1, "b": True, "c": 1.5, "d": "x", "e": b"y", "f": None})
    command.EnvVars["g"] = 2  # type: ignore[assignment]
    command.EnvVars.update({"h": 3}, i=4)  # type: ignore[call-overload]
    command.EnvVars |= {"j": 5}
    command.EnvVars.setdefault("k", 6)  # type: ignore[arg-type]
    expected = {"a": "1", "b": "True", "c": "1.5", "d": "x", "e": "y", "f": ""}
    expected |= {"g": "2", "h": "3", "i": "4", "j": "5", "k": "6"}
    assert command.EnvVars == expected
    assert json.loads(command.dump())["EnvVars"] == expected
    dag = DAG()
    dag.add_task("t", {"Parameters": {"Command": {"EnvVars": {"A": 1}}}})
    assert dag.get_task("t").Parameters.Command.EnvVars == {"A": "1"}


def test_helper_methods_and_their_misspelt_old_names() -> None:
    dag = DAG()
    dag.add_task("a", TaskDescription())
    dag.add_task(task_name="b", task={"InstanceCount": 2})
    assert dag.get_task("b").InstanceCount == 2
    dag.delete_task("a")
    assert list(dag.Tasks) == ["b"]
    with pytest.raises(KeyError):
        dag.get_task("a")
    with pytest.raises(ValidationError, match=r"Tasks\.c\.InstanceCount"):
        dag.add_task("c", {"InstanceCount": "x"})
    mounts = Mounts()
    mounts.add_entry({"Source": "oss://b/", "Destination": "/b"})
    assert mounts.get_entry("/b").Source == "oss://b/"
    mounts.delete_entry("/b")
    assert mounts.Entries == []
    app = App()
    app.add_input("i", 1)
    app.add_output("o", "oss://b/")
    assert (app.get_input("i"), app.get_output("o")) == (1, "oss://b/")
    app.delete_input("i")
    app.delete_output("o")
    assert app.detail() == {"Inputs": {}, "Outputs": {}}
    description = AppDescription()
    description.add_output_parameter("o", {"Type": "String"})
    assert description.get_outpu_parameter("o") == description.get_output_parameter("o")
    configs = Configs()
    configs.set_classic_netWorks()
    assert json.loads(configs.dump()) == {"Networks": {"Classic": {}}}
    configs.set_networks_type(False)
    assert configs.Networks.VPC.CidrBlock == "192.168.0.0/16"


def test_mapping_access() -> None:
    job = JobDescription(Name="a")
    assert "Name" in job
    assert "name" in job
    assert "Priority" not in job
    assert job.has_key("Name")
    assert dict(job) == {
        "Name": "a",
        "Description": "Batchcompute Python SDK",
        "JobFailOnInstanceFail": True,
        "AutoRelease": False,
        "Type": "DAG",
    }
    assert list(job) == list(job.keys()) == [key for key, _ in job.items()]
    assert "a" in job.values()
    assert job.get("Priority", 7) == 7
    assert job.getproperty("Name") == "a"
    job.setproperty("Name", "b")
    del job["Name"]
    assert "Name" not in job
    assert job.Name is None
    with pytest.raises(KeyError):
        del job["Name"]
    job.Name = "c"
    del job.Name
    assert "Name" not in job
    with pytest.raises(KeyError, match="Nope"):
        job["Nope"]
    with pytest.raises(FieldError, match="did you mean 'Name'"):
        job["Nmae"] = 1
    with pytest.raises(FieldError):
        job["Nope"] = 1
    with pytest.raises(AttributeError, match="did you mean 'Priority'"):
        job.Prioritty  # type: ignore[attr-defined]  # noqa: B018


def test_none_unsets() -> None:
    task = TaskDescription(ClusterId="c")
    task.ClusterId = None
    task.AutoCluster.ImageId = "m"
    task.AutoCluster = None
    assert set(task.detail()) == set(TaskDescription().detail())


def test_undeclared_attributes_stay_local() -> None:
    configs = Configs()
    with pytest.warns(UnknownFieldWarning, match="InstanceCount"):
        configs.InstanceCount = 1  # type: ignore[attr-defined]
    assert configs.InstanceCount == 1  # type: ignore[attr-defined]
    assert "InstanceCount" not in configs.dump()
    assert "InstanceCount" not in configs
    del configs.InstanceCount  # type: ignore[attr-defined]
    assert not hasattr(configs, "InstanceCount")


def test_detail_is_a_field_and_a_method() -> None:
    result = Result({"ExitCode": 1, "Detail": "tail"})
    assert result.detail() == {"ExitCode": 1, "Detail": "tail"}
    assert result.Detail == result.detail_text == result["Detail"] == "tail"


def test_dump_and_str() -> None:
    job = JobDescription(Name="中文")
    assert json.loads(str(job)) == json.loads(job.dump()) == json.loads(bytes(job)) == job.detail()
    assert job.dump().startswith('{\n    "')
    assert "\n" not in job.dump(None)
    assert repr(JobDescription(Name="a", DAG={"Tasks": {"t": {}}})).startswith("JobDescription(Name='a', ")


def test_expressions_from_published_programs() -> None:
    shared = JobDescription()
    shared.Name = "a"
    task = TaskDescription()
    task.Mounts.Entries = [MountEntry({"Source": "oss://b/", "Destination": "/b"})]
    assert task.AutoCluster.SpotPriceLimit is None
    task.OutputMapping["/x"] = "oss://x/"
    task.OutputMapping.clear()
    assert "AutoCluster" not in task
    assert task["Mounts"]["Entries"][0]["Source"] == "oss://b/"
    cluster = ClusterDescription()
    cluster.InstanceType = None
    cluster.Configs.add_system_disk(40)
    copied = Configs()
    copied.add_data_disk(10, "cloud", "/d")
    cluster.Configs = copied
    assert cluster.Configs.Disks.DataDisk.MountPoint == "/d"
    cluster.Configs.Networks.VPC.CidrBlock = "10.0.0.0/8"
    assert json.loads(cluster.dump())["Configs"]["Networks"] == {
        "VPC": {"CidrBlock": "10.0.0.0/8"},
        "Classic": {},
    }


def test_free_form_maps_copy_their_values() -> None:
    cluster, app = ClusterDescription(), App()
    value: dict[str, Any] = {"a": [1]}
    cluster.UserData["k"] = value
    app.add_input("i", value)
    app.add_output("o", value)
    value["a"].append(2)
    assert cluster.UserData == {"k": {"a": [1]}}
    assert app.Inputs == {"i": {"a": [1]}}
    assert app.Outputs == {"o": {"a": [1]}}


def test_null_defaults_are_kept() -> None:
    fresh = InputParameter()
    assert json.loads(fresh.dump())["Default"] is None
    for again in (InputParameter(fresh.dump()), InputParameter({"Default": None}), InputParameter(fresh)):
        assert json.loads(again.dump())["Default"] is None
    fresh.Default = 3
    fresh.Default = None
    assert json.loads(fresh.dump())["Default"] is None
    del fresh.Default
    assert "Default" not in json.loads(fresh.dump())
    app = AppDescription()
    app.set_timeout(None)  # type: ignore[arg-type]
    assert json.loads(app.dump())["Config"]["Timeout"]["Default"] is None


def test_keys_of_maps_are_strings() -> None:
    command, dag = Command(), DAG()
    with pytest.raises(ValidationError, match="key of a JSON object"):
        command.EnvVars[1] = "x"  # type: ignore[index]
    with pytest.raises(ValidationError):
        dag.Tasks[1] = {}  # type: ignore[index,assignment]
    with pytest.raises(ValidationError):
        command.EnvVars["A"] = b"\xff"  # type: ignore[assignment]
    with pytest.raises(FieldError):
        JobDescription()[1] = 1  # type: ignore[index]


def test_an_update_with_an_invalid_value_changes_nothing() -> None:
    dag, mounts = DAG(), Mounts()
    with pytest.raises(ValidationError):
        dag.Tasks.update({"a": {}, "b": 5})  # type: ignore[dict-item]
    assert dag.Tasks == {}
    with pytest.raises(ValidationError):
        mounts.Entries.extend([MountEntry(), 5])  # type: ignore[list-item]
    assert mounts.Entries == []


def test_deletes_set_the_field_and_empty_updates_do_not() -> None:
    task = TaskDescription()
    del task.AutoCluster["InstanceType"]
    assert "InstanceType" not in task["AutoCluster"]
    assert "AutoCluster" in task
    task = TaskDescription()
    task.AutoCluster.update({})
    task.AutoCluster.load('{"zz": 1}')
    assert "AutoCluster" not in task


def test_values_that_json_cannot_represent_are_rejected() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    for bad in (loop, {"n": float("nan")}):
        with pytest.raises(ValidationError):
            ClusterDescription(UserData=bad)
        with pytest.raises(ValidationError):
            ClusterDescription().UserData = bad
    odd = ClusterDescription(UserData={"o": object()})
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        odd.dump()
    half = ClusterDescription(Description="\ud800")
    assert json.loads(half.dump())["Description"] == "\ud800"


def test_the_configuration_of_a_job_has_the_setters_of_the_old_sdk() -> None:
    app = App()
    app.Config.set_instance_count(3)
    app.Config.set_resource_type("Spot", False, "cheap")
    assert app.detail()["Config"] == {"InstanceCount": 3, "ResourceType": "Spot"}


def test_a_task_follows_no_other_one_several_or_one() -> None:
    dag = DAG()
    dag.add_task("a", TaskDescription(), after=None)
    dag.add_task("b", TaskDescription())
    dag.add_task("c", TaskDescription(), after=("a", "b"))
    dag.add_task("d", TaskDescription(), after="c")
    assert dict(dag.Dependencies) == {"a": ["c"], "b": ["c"], "c": ["d"]}
