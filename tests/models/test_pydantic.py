"""Models with pydantic: foreign models, adapters, dumps, copies, schemas and FastAPI."""

from __future__ import annotations

import dataclasses
import inspect
import json
import pickle
import pydoc
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import jsonschema  # type: ignore[import-untyped]
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel, TypeAdapter
from pydantic_core import SchemaError

from batchcompute import UnknownFieldWarning, ValidationError
from batchcompute.api.resource_responses import JobDescriptionResponse, JobResponse
from batchcompute.models.base import Jsonizable, Status
from batchcompute.models.field_types import NULL
from batchcompute.models.fields import ContainerField, Field, NestedField, TimeField
from batchcompute.models.json_schema import doc_of
from batchcompute.resources import (
    AnyJobDescription,
    AppJobDescription,
    Cluster,
    InputParameter,
    Job,
    JobDescription,
    Mounts,
    TaskDescription,
)
from tests.models.test_golden import CLASSES

STATUSES = [cls for cls in CLASSES if issubclass(cls, Status)]
RECORDED = json.loads((Path(__file__).parent.parent / "wire" / "requests.json").read_text("utf-8"))["cases"]


@pytest.fixture(autouse=True)
def _no_warnings() -> Any:
    """The serializer of pydantic warns about unexpected values."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# -- round trips ----------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers(-(2**40), 2**40)
TIMES = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
JSON = st.recursive(st.none() | st.booleans() | NUMBERS | TEXTS, lambda inner: st.lists(inner, max_size=2))


def values_of(field: Field, depth: int) -> st.SearchStrategy[Any]:
    """Return a strategy for the valid values of a field."""
    if isinstance(field, NestedField):
        return bodies_of(field.type, depth - 1)
    if isinstance(field, ContainerField):
        args = get_args(field.type)
        item: st.SearchStrategy[Any]
        if field.item is not None:
            item = bodies_of(field.item, depth - 1)
        elif get_origin(args[-1]) is list:
            item = st.lists(TEXTS, max_size=2)
        else:
            item = JSON if args[-1] is Any else TEXTS
            if get_origin(args[-1]) is dict:
                item = st.dictionaries(TEXTS, JSON, max_size=2)
        return (
            st.dictionaries(TEXTS, item, max_size=2) if field.origin is dict else st.lists(item, max_size=2)
        )
    if isinstance(field, TimeField):
        return TIMES | st.just("")
    words = str(field.type)
    kinds: list[st.SearchStrategy[Any]] = []
    if "str" in words:
        kinds.append(TEXTS)
    if "int" in words or "float" in words:
        kinds.append(NUMBERS)
    if "bool" in words:
        kinds.append(st.booleans())
    return st.one_of(*kinds, *([st.none()] if field.nullable else []))


def bodies_of(cls: type[Jsonizable], depth: int = 4) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for mappings that a class accepts."""
    if depth < 1:
        return st.just({})
    # The default of a class is set again when the object is read again.
    nulls = {field.wire: st.none() if field.default is None else st.nothing() for field in cls._declared}
    for name, info in cls.model_fields.items():
        if info.default_factory is not None:
            nulls[cls._fields[name].wire] = st.nothing()
    fields = {field.wire: values_of(field, depth) | nulls[field.wire] for field in cls._declared}
    return st.fixed_dictionaries({}, optional=fields)


@pytest.mark.parametrize(
    "cls", CLASSES, ids=lambda cls: f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
)
def test_round_trips(cls: type[Jsonizable]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(cls)
    foreign: Any = pydantic.create_model("Foreign", given=(cls, ...))

    @settings(max_examples=12, deadline=None)
    @given(bodies_of(cls))
    def check(body: dict[str, Any]) -> None:
        made = cls(body)
        for again in (
            cls.model_validate(made.model_dump()),
            cls.model_validate(made.model_dump(by_alias=False)),
            cls.model_validate_json(made.model_dump_json()),
            cls(made.dump()),
            adapter.validate_python(adapter.dump_python(made)),
            adapter.validate_json(adapter.dump_json(made)),
            foreign.model_validate(foreign(given=made).model_dump()).given,
            foreign.model_validate_json(foreign(given=made).model_dump_json()).given,
            made.model_copy(),
            made.model_copy(deep=True),
            pickle.loads(pickle.dumps(made)),
        ):
            assert again == made
        assert foreign(given=made).model_dump() == {"given": made.model_dump()}
        assert set(made.model_dump()) == {
            key for key in made if made[key] is not None or cls._fields[key].nullable
        }

    check()


WRONG: list[Any] = [5, "wrong", [1], {"a": 1}, True, 1.5, [{"a": [1]}], {"x": None}, {"x": 5}]


@pytest.mark.parametrize("cls", STATUSES, ids=lambda cls: cls.__name__)
def test_partly_invalid_answers_round_trip(cls: type[Status], caplog: pytest.LogCaptureFixture) -> None:
    for field in cls._declared:
        for wrong in WRONG:
            read = cls._read(json.dumps({field.wire: wrong, "New": 1}).encode())
            assert cls.model_validate(read.model_dump()) == read, (field.wire, wrong)
            assert cls.model_validate_json(read.model_dump_json()) == read, (field.wire, wrong)
            adapter = TypeAdapter(list[cls])  # type: ignore[valid-type]
            assert adapter.validate_json(adapter.dump_json([read])) == [read], (field.wire, wrong)
            assert read["New"] == 1
            assert json.loads(read.dump())["New"] == 1
    caplog.clear()


def test_a_partly_invalid_answer() -> None:
    body = b"""{"Id": "job-1", "State": "Running", "Priority": "high", "TaskMetrics": [1],
        "InstanceMetrics": {"WaitingCount": "many"}, "New": {"a": 1}}"""
    job = JobResponse._read(body)
    assert job.model_dump() == {key: value for key, value in json.loads(body).items() if key != "New"}
    assert JobResponse.model_validate(job.model_dump()) == Job.model_validate(job.model_dump()) == job
    cluster = Cluster._read({"Configs": {"Disks": 5, "Mounts": {"Entries": [1, {}]}}, "Groups": [3]})
    assert cluster.model_dump() == {"Configs": {"Disks": 5, "Mounts": {"Entries": [1, {}]}}, "Groups": [3]}
    description = JobDescriptionResponse._read(
        {"DAG": {"Tasks": {"t": {"Timeout": "long", "Parameters": 5}}}}
    )
    assert description.model_dump() == {"DAG": {"Tasks": {"t": {"Timeout": "long", "Parameters": 5}}}}


# -- unknown keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls", CLASSES, ids=lambda cls: f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
)
def test_every_way_to_create_a_model_discards_unknown_keys(cls: type[Jsonizable]) -> None:
    body = {"Nope": 1, "nope": {"a": 2}}
    ways = [
        cls(body),
        cls(json.dumps(body)),
        cls.model_validate(body),
        cls.model_validate_json(json.dumps(body)),
        TypeAdapter(cls).validate_python(body),
        TypeAdapter(cls).validate_json(json.dumps(body)),
    ]
    for made in ways:
        assert made == cls.model_validate({})
        assert "Nope" not in made
        assert "Nope" not in made.dump()
    kept = cls._read(body)
    assert (kept["Nope"], kept["nope"]) == (1, {"a": 2})


# -- wrong values ---------------------------------------------------------------------------------


def wrong_for(field: Field) -> Any:
    """Return a value that this field rejects."""
    if isinstance(field, (NestedField, ContainerField, TimeField)) or "str" not in str(field.type):
        return "wrong"
    return ["wrong"]


@pytest.mark.parametrize(
    "cls", CLASSES, ids=lambda cls: f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
)
def test_an_invalid_value_is_one_problem_at_its_field(cls: type[Jsonizable]) -> None:
    for field in cls._declared:
        wrong = wrong_for(field)

        def put(name: str = field.wire, value: Any = wrong) -> None:
            setattr(cls(), name, value)

        for way in (
            lambda f=field, w=wrong: cls({f.wire: w}),
            lambda f=field, w=wrong: cls({f.name: w}),
            lambda f=field, w=wrong: cls(json.dumps({f.wire: w})),
            lambda f=field, w=wrong: cls(**{f.name: w}),
            put,
        ):
            with pytest.raises(ValidationError) as caught:
                way()
            assert [problem.path for problem in caught.value.problems] == [field.wire]
            assert "must be" in caught.value.problems[0].allowed
            assert "nput should" not in str(caught.value)
        if issubclass(cls, Status):
            continue
        with pytest.raises(pydantic.ValidationError) as raw:
            cls.model_validate({field.wire: wrong})
        assert [error["loc"] for error in raw.value.errors()] == [(field.wire,)]


# -- dumps and copies -----------------------------------------------------------------------------


def demo() -> JobDescription:
    job = JobDescription(Name="x", Priority=1)
    job.DAG.add_task("t", TaskDescription(ClusterId="c"))
    return job


def test_dumps() -> None:
    job = demo()
    assert job.model_dump() == job.detail() == json.loads(job.model_dump_json())
    assert "Notification" not in job.model_dump()
    assert job.model_dump(by_alias=False)["dag"]["tasks"]["t"]["cluster_id"] == "c"
    assert job.model_dump(include={"Name", "priority"}) == {"Name": "x", "Priority": 1}
    assert job.model_dump(include={"DAG": {"Tasks": {"t": {"ClusterId"}}}}) == {
        "DAG": {"Tasks": {"t": {"ClusterId": "c"}}}
    }
    assert "DAG" not in job.model_dump(exclude={"DAG"})
    assert "DAG" not in json.loads(job.model_dump_json(exclude={"DAG": True}))
    assert "Tasks" not in job.model_dump(exclude={"DAG": {"Tasks"}})["DAG"]
    mounts = Mounts({"Entries": [{"Source": "oss://a/", "Destination": "/a"}]})
    assert mounts.model_dump(exclude={"Entries": {"__all__": {"Source"}}}) == {
        "Entries": [{"Destination": "/a"}]
    }
    assert JobDescription(Name="x").model_dump(exclude_unset=True) == {"Name": "x"}
    fresh = TaskDescription()
    fresh.Mounts.NAS.AccessGroup = ["g"]
    fresh.Timeout = 1
    fresh.Timeout = None
    assert fresh.model_dump(exclude_unset=True) == {"Mounts": {"NAS": {"AccessGroup": ["g"]}}}


def test_dumps_leave_out_unknown_times() -> None:
    job = Job({"Id": "a", "EndTime": "", "StartTime": "2016-11-01T15:25:03.020203Z"})
    assert job.model_dump() == {"Id": "a", "StartTime": datetime(2016, 11, 1, 15, 25, 3, 20203, tzinfo=UTC)}
    assert json.loads(job.model_dump_json()) == {"Id": "a", "StartTime": "2016-11-01T15:25:03.020203Z"}
    # The service sends it so.
    assert json.loads(job.dump())["EndTime"] == ""


def test_dumps_have_no_internal_objects() -> None:
    for cls in CLASSES:
        empty = cls().model_dump()
        assert json.loads(json.dumps(empty)) == empty
        assert NULL not in empty.values()


def test_model_copy_changes_fields_by_either_name() -> None:
    job = demo()
    for update in ({"Name": "y"}, {"name": "y"}):
        changed = job.model_copy(update=update)
        assert (changed.Name, changed.name, changed["Name"], changed.detail()["Name"]) == ("y",) * 4
        assert json.loads(changed.dump())["Name"] == "y"
    assert job.Name == "x"
    deep = job.model_copy(deep=True)
    deep.DAG.Tasks["t"].ClusterId = "other"
    assert job.DAG.Tasks["t"].ClusterId == "c"
    with pytest.raises(ValidationError, match="Priority: must be an integer"):
        job.model_copy(update={"priority": "high"})
    with pytest.warns(UnknownFieldWarning, match="did you mean 'Name'"):
        assert job.model_copy(update={"Nam": "y"}) == job
    assert job.copy() == job
    made = JobDescription.model_construct(Name="x", priority=2)
    assert (made.name, made.Priority, made.Type) == ("x", 2, "DAG")
    assert made.model_dump(exclude_unset=True) == {"Name": "x", "Priority": 2}


# -- foreign models -------------------------------------------------------------------------------


class Foreign(BaseModel):
    """A model of another package."""

    job: JobDescription
    last: Job | None = None
    either: AnyJobDescription | None = None


def test_foreign_models() -> None:
    foreign = Foreign.model_validate({"job": {"Name": "x", "Nope": 1}, "last": {"Id": "a", "EndTime": ""}})
    assert foreign.model_dump(exclude_none=True) == {"job": foreign.job.detail(), "last": {"Id": "a"}}
    assert Foreign.model_validate_json(foreign.model_dump_json()) == foreign

    class Root(RootModel[TaskDescription]):
        """A subclass of a model of this package."""

    root = Root.model_validate({"ClusterId": "c"})
    assert root.model_dump() == root.root.detail()

    @pydantic.dataclasses.dataclass
    class Data:
        task: TaskDescription

    data = Data(task={"ClusterId": "c"})  # type: ignore[arg-type]
    assert TypeAdapter(Data).dump_python(data) == {"task": data.task.detail()}
    assert dataclasses.asdict(data)["task"] == data.task

    class Settings(BaseModel):
        """A validator of the other package may call `validate`."""

        job: JobDescription

        @pydantic.field_validator("job")
        @classmethod
        def check(cls, job: JobDescription) -> JobDescription:
            job.validate()
            return job

    with pytest.raises(pydantic.ValidationError, match="Name: is required"):
        Settings.model_validate({"job": {}})


def test_a_job_of_either_type() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(AnyJobDescription)
    assert type(adapter.validate_python({"Type": "DAG"})) is JobDescription
    assert type(adapter.validate_python({"DAG": {"Tasks": {}}, "App": {}})) is JobDescription
    assert type(adapter.validate_python({"App": {"AppName": "a"}})) is AppJobDescription
    assert type(adapter.validate_json('{"Type": "App"}')) is AppJobDescription
    assert type(adapter.validate_python({"app": {}})) is AppJobDescription
    app = AppJobDescription(Name="a")
    assert adapter.validate_python(app) is app
    assert adapter.validate_json(adapter.dump_json(demo())) == demo()
    with pytest.raises(pydantic.ValidationError) as caught:
        adapter.validate_python({"Type": "App", "App": {"AppName": 5}})
    assert [error["loc"] for error in caught.value.errors()] == [("App", "App", "AppName")]
    assert set(adapter.json_schema()["$defs"]) >= {"JobDescription", "AppJobDescription"}


class Noted(TaskDescription):
    """A subclass with an additional field."""

    ticket: str | None = None
    """Number of a ticket."""

    if TYPE_CHECKING:
        # Without it, type checkers derive a constructor that has only the fields of this class.
        def __init__(self, properties: object = None, **fields: object) -> None: ...


def test_a_subclass_can_add_fields() -> None:
    task = Noted({"ClusterId": "c"}, ticket="T-1")
    assert (task.ticket, task.Ticket, task["Ticket"]) == ("T-1",) * 3  # type: ignore[attr-defined]
    assert task.model_dump()["Ticket"] == "T-1"
    assert Noted.model_validate(task.model_dump()) == task
    assert Noted.model_json_schema()["properties"]["Ticket"]["description"] == "Number of a ticket."


# -- schemas --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_schema_has_docstrings_and_constraints(mode: Any) -> None:
    schema = JobDescription.model_json_schema(mode=mode)
    job, task = schema["properties"], schema["$defs"]["TaskDescription"]
    assert schema["required"] == ["Name", "DAG"]
    assert (job["Priority"]["minimum"], job["Priority"]["maximum"]) == (0, 1000)
    assert job["Name"]["maxLength"] == 64
    assert "no digit first" in job["Name"]["description"]
    assert task["properties"]["InstanceCount"]["minimum"] == 1
    assert schema["$defs"]["Command"]["required"] == ["CommandLine"]
    jsonschema.validate(schema["examples"][0], schema)
    for cls in CLASSES:
        for name, field in cls.model_json_schema(mode=mode).get("properties", {}).items():
            assert field["description"], (cls, name)
            assert {"type": "null"} not in field.get("anyOf", []) or cls._fields[name].nullable


def test_the_schemas_accept_the_requests_of_the_old_sdk() -> None:
    schema = TypeAdapter(AnyJobDescription).json_schema()
    names = {"/clusters": "ClusterDescription", "/images": "ImageDescription", "/apps": "AppDescription"}
    from batchcompute import resources

    checked = 0
    for case in RECORDED:
        for request in case["requests"]:
            if request["method"] != "POST" or not request["body"]:
                continue
            path = request["target"].partition("?")[0]
            body = without_nulls(json.loads(request["body"]))
            if path == "/jobs":
                if complete(body):
                    jsonschema.validate(body, schema)
                    checked += 1
            elif path in names and complete(body):
                jsonschema.validate(body, getattr(resources, names[path]).model_json_schema())
                checked += 1
    assert checked > 15


def without_nulls(value: Any) -> Any:
    """Remove the nulls that the old SDK sent: they have no meaning."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def complete(body: dict[str, Any]) -> bool:
    """Return whether a service accepts a recorded body."""
    from batchcompute import resources
    from batchcompute.api.calls import job_kind

    for cls in (
        job_kind(body)[0],
        resources.ClusterDescription,
        resources.ImageDescription,
        resources.AppDescription,
    ):
        try:
            cls(body).validate()
        except ValidationError:
            continue
        return True
    return False


def test_the_schema_allows_null_only_as_a_value() -> None:
    for cls in CLASSES:
        for mode in ("validation", "serialization"):
            made = cls.model_json_schema(mode=mode).get("properties", {})
            for field in cls._declared:
                assert ({"type": "null"} in made[field.wire].get("anyOf", [])) == field.nullable
    jsonschema.validate(InputParameter().model_dump(), InputParameter.model_json_schema())


def test_examples_are_valid() -> None:
    for cls in CLASSES:
        for example in cls._examples:
            cls(example).validate()
            jsonschema.validate(example, cls.model_json_schema())


@pytest.mark.parametrize(
    "cls", CLASSES, ids=lambda cls: f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
)
def test_signatures_name_every_field(cls: type[Jsonizable]) -> None:
    names = list(inspect.signature(cls).parameters)
    assert names == ["properties", *(field.wire for field in cls._declared)]


def test_help_shows_fields_and_their_docstrings() -> None:
    text = pydoc.plain(pydoc.render_doc(JobDescription))
    assert "Priority: int | None = None" in text
    assert "Priority, 0 to 1000" in text
    for field in TaskDescription._declared:
        assert inspect.getdoc(vars(TaskDescription)[field.wire]) == doc_of(TaskDescription, field.name) != ""


# -- FastAPI --------------------------------------------------------------------------------------


def test_fastapi() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fastapi import FastAPI
        from fastapi.testclient import TestClient

        app = FastAPI()

        def create(job: JobDescription) -> JobDescription:
            return job

        def either(job: AnyJobDescription) -> AnyJobDescription:
            return job

        def checked(foreign: Foreign) -> Foreign:
            foreign.job.validate()
            return foreign

        def status() -> Job:
            return Job({"Id": "a", "EndTime": ""})

        create.__annotations__ = {"job": JobDescription, "return": JobDescription}
        either.__annotations__ = {"job": AnyJobDescription, "return": AnyJobDescription}
        checked.__annotations__ = {"foreign": Foreign, "return": Foreign}
        status.__annotations__ = {"return": Job}
        app.post("/create")(create)
        app.post("/either")(either)
        app.post("/checked")(checked)
        app.get("/status")(status)
        client = TestClient(app)
        assert (
            client.post("/create", json={"Name": "x", "Nope": 1}).json() == JobDescription(Name="x").detail()
        )
        assert client.post("/either", json={"App": {"AppName": "a"}}).json() == {
            "App": {"AppName": "a", "Inputs": {}}
        }
        assert client.get("/status").json() == {"Id": "a"}
        refused = client.post("/create", json={"DAG": {"Tasks": {"t": {"Timeout": "long"}}}})
        assert refused.status_code == 422
        assert refused.json()["detail"][0]["loc"] == ["body", "DAG", "Tasks", "t", "Timeout"]
        for field in JobDescription._declared:
            for wrong in (*WRONG, None, "\x00", {"Tasks": {"": 1}}, 10**400):
                body = json.dumps({field.wire: wrong})
                assert client.post("/create", content=body).status_code in (200, 422), (field.wire, wrong)
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
        assert schemas["JobDescription"]["properties"]["Priority"]["maximum"] == 1000
        assert schemas["Job"]["properties"]["EndTime"]["format"] == "date-time"


def test_an_interrupt_while_a_model_is_built_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pydantic makes a text of it, in an error of the schema."""

    def build(cls: type[object], text: str) -> None:
        raise SchemaError(text)

    text = 'Error building "model" validator:\n  SchemaError: Field "x":\n  KeyboardInterrupt: '
    monkeypatch.setattr(BaseModel, "model_rebuild", classmethod(lambda cls, **_: build(cls, text)))
    with pytest.raises(KeyboardInterrupt):
        JobDescription.model_rebuild(force=True)
    text = "Error building validator: no such type"
    with pytest.raises(SchemaError):
        JobDescription.model_rebuild(force=True)
    monkeypatch.undo()
    assert JobDescription.model_rebuild(force=True)
