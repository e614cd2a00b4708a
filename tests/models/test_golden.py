"""A table of every field of the models, so that a review shows each change."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from batchcompute.models.base import Jsonizable
from batchcompute.models.field_types import UNSET
from batchcompute.resources import app, appjob, cluster, configs, image, job, quota, task

HERE = Path(__file__).parent
MODULES = (configs, cluster, image, quota, appjob, task, job, app)
OLD = json.loads((HERE.parent / "wire" / "classes.json").read_text("utf-8"))["classes"]
CLASSES = [
    cls
    for module in MODULES
    for cls in vars(module).values()
    if isinstance(cls, type)
    and issubclass(cls, Jsonizable)
    and cls.__module__ == module.__name__
    and not cls.__name__.startswith("_")
]
# Fields beyond those of the old SDK's classes (REST API, 2.1, 2.3, 3.2 and 3.6).
ADDED = {
    "Docker": {"RunMode"},
    "TaskDescription": {"CredentialConfig"},
    "JobDescription": {"Id"},
    "OSS": {"AccessSecurityToken"},
    "ModifyClusterDescription": {"InputMapping"},
    "Cluster": {"ErrorCode"},
    "ClusterInstance": {"EcsInstanceId"},
    "Job": {"OwnerId"},
}


def default_of(cls: type[Jsonizable], name: str) -> str:
    value = cls().__dict__[name]
    if value is UNSET:
        return "None"
    return value.dump(None) if isinstance(value, Jsonizable) else repr(value)


def rows() -> list[str]:
    lines = []
    for cls in CLASSES:
        for field in cls._declared:
            type_ = str(field.type).replace("typing.", "").replace("batchcompute.resources.", "")
            type_ = type_.split(", <")[0].replace("Annotated[", "") if "field_types" in type_ else type_
            type_ = "<class 'str'>" if type_ == "str" else type_
            place = cls.__module__.rpartition(".")[2]
            lines.append(
                f"{place}.{cls.__name__}\t{field.name}\t{field.wire}\t{type_}\t{default_of(cls, field.name)}"
            )
    return lines


def test_the_table_of_fields_is_pinned(request: pytest.FixtureRequest) -> None:
    pinned = HERE / "golden.tsv"
    assert rows() == pinned.read_text("utf-8").splitlines(), (
        "if this change is meant, write rows() to golden.tsv"
    )


def old_class(name: str) -> type[Jsonizable]:
    module, _, cls = name.rpartition(".")
    found: type[Jsonizable] = getattr(importlib.import_module(f"batchcompute.{module}"), cls)
    return found


KINDS = {
    "string": "x",
    "number": 3,
    "bool": True,
    "list": [],
    "object": {},
    "time": "2015-11-24T16:20:20.546162Z",
    "string or number": 3,
}


@pytest.mark.parametrize("name", OLD)
def test_class_of_the_old_sdk(name: str) -> None:
    old, cls = OLD[name], old_class(name)
    wires = {field.wire for field in cls._declared}
    added = ADDED.get(cls.__name__, set()) if name != "resources.app.Docker" else set()
    assert wires == set(old["fields"]) | added
    if old["fresh_dump"] != "TypeError":
        assert json.loads(cls().dump()) == old["fresh_dump"]
    for wire, kind in old["fields"].items():
        value: Any = KINDS.get(kind, {})
        made = cls({wire: value})
        assert wire in made
        assert json.loads(made.dump())[wire] is not None
        wrong: Any = object() if kind != "object" else 5
        with pytest.raises(TypeError, match=wire):
            made[wire] = wrong


@pytest.mark.parametrize(
    "cls", CLASSES, ids=lambda cls: f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
)
def test_no_field_hides_a_method(cls: type[Jsonizable]) -> None:
    methods = {name for base in (Jsonizable, BaseModel) for name in dir(base) if not name.startswith("__")}
    methods |= {name for name, value in vars(cls).items() if callable(value)}
    spellings = {name for field in cls._declared for name in (field.name, field.wire)}
    assert not spellings & methods


def test_the_ten_irregular_wire_names() -> None:
    odd = {"ActualVMCount", "DesiredVMCount", "DAG", "ECSImageId", "ECSSnapshotId", "NAS", "OSS", "VPC", "VM"}
    odd |= {"RegistryOSSPath"}
    found = {field.wire: field.name for cls in CLASSES for field in cls._declared if field.wire in odd}
    assert set(found) == odd
    assert found["ActualVMCount"] == "actual_vm_count"
    assert found["RegistryOSSPath"] == "registry_oss_path"
