"""Specifications as JSON: they survive the round trip, and each mistake names its field, its value and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchcompute import ValidationError
from batchcompute.runner.attempt_spec import AttemptSpec, Resources
from batchcompute.runner.mappings import Input, Mappings, Output
from batchcompute.runner.spec_json import (
    Assignment,
    SpecFile,
    dump_specs,
    parse_specs,
    spec_from_json,
    spec_to_json,
)

MINIMAL: dict[str, Any] = {
    "token": "store-1-2-3-abc",
    "job_id": "job-1",
    "task": "t",
    "number": 3,
    "owner": "o",
    "command": "true",
    "time_limit": 60,
}

TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)
SOME = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20)
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
URLS = st.from_regex(r"oss://[a-z]{1,5}/[a-z0-9/%+ é-]{0,20}", fullmatch=True)
PATHS = SOME.map(lambda text: f"/{text}")
SPECS = st.builds(
    AttemptSpec,
    token=NAMES.filter(lambda text: text[0] not in "_-"),
    job_id=NAMES,
    task=NAMES,
    number=st.integers(0, 10**7),
    owner=SOME,
    command=SOME,
    time_limit=st.floats(0.001, 1e9),
    environment=st.dictionaries(SOME.filter(lambda text: "=" not in text), TEXT, max_size=3),
    mappings=st.builds(
        Mappings,
        inputs=st.lists(st.builds(Input, URLS, PATHS, st.booleans(), st.booleans()), max_size=2).map(tuple),
        outputs=st.lists(st.builds(Output, PATHS, URLS), max_size=2).map(tuple),
        logs=st.lists(st.builds(Output, PATHS, URLS), max_size=2).map(tuple),
    ),
    package=st.just("") | URLS,
    image=st.just("") | NAMES.filter(lambda text: text[0] != "-"),
    stdout=st.just("") | URLS,
    stderr=st.just("") | URLS,
    instance_type=TEXT,
    resources=st.builds(Resources, st.floats(0.1, 1000), st.integers(0, 10**9), st.integers(0, 64)),
    separate=st.booleans(),
    keep_as=st.just("") | NAMES,
)
GRANTS = st.just("") | st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True)


@settings(max_examples=40)
@given(
    st.lists(st.builds(Assignment, SPECS, GRANTS), max_size=3, unique_by=lambda entry: entry.spec.token),
    PATHS,
)
def test_files_survive_the_round_trip(attempts: list[Assignment], records: str) -> None:
    file = SpecFile(records, tuple(attempts), "https://host:8080", "", ("/other",))
    data = dump_specs(file)
    assert data.isascii()
    assert parse_specs(data) == file


def test_every_field_is_written_and_read() -> None:
    full = AttemptSpec(
        "token", "job-1", "task", 7, "owner", "command", 5.0,
        environment={"A": "b"},
        mappings=Mappings((Input("oss://b/i", "/i", True, True),), (Output("/o", "oss://b/o"),), (Output("/l", "oss://b/l/"),)),
        package="oss://b/p.tar.gz", image="image:1", stdout="oss://b/out", stderr="oss://b/err",
        instance_type="type", resources=Resources(2, 3, 4), separate=True, keep_as="kept",
    )  # fmt: skip
    plain = AttemptSpec("token", "job-1", "task", 7, "owner", "command", 5.0)
    changed = {name for name in AttemptSpec._fields if getattr(full, name) != getattr(plain, name)}
    assert changed == set(AttemptSpec._fields) - {
        "token", "job_id", "task", "number", "owner", "command", "time_limit"
    }, "this test sets every optional field"  # fmt: skip
    content = spec_to_json(full)
    assert set(content) == set(AttemptSpec._fields)
    assert spec_from_json(json.loads(json.dumps(content))) == full
    assert spec_to_json(plain) == {**MINIMAL, "token": "token", "task": "task", "number": 7, "owner": "owner",
                                   "command": "command", "time_limit": 5.0}  # fmt: skip


MISTAKES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"token": "../x"}, "token", "'../x'", "must be 1 to 200 letters"),
    ({"token": 5}, "token", "5", "must be 1 to 200 letters"),
    ({"job_id": "a/b"}, "job_id", "'a/b'", "must be a name"),
    ({"number": -1}, "number", "-1", "must be an integer from 0"),
    ({"number": True}, "number", "true", "must be an integer from 0"),
    ({"number": 1.5}, "number", "1.5", "must be an integer from 0"),
    ({"owner": None}, "owner", "null", "must be a text"),
    ({"command": ""}, "command", "''", "must be a text that is not empty"),
    ({"command": "a\0b"}, "command", r"'a\x00b'", "without NUL"),
    ({"time_limit": 0}, "time_limit", "0", "must be a number above 0"),
    ({"time_limit": "5"}, "time_limit", "'5'", "must be a number above 0"),
    ({"time_limit": 10**400}, "time_limit", "1000", "must be a number above 0"),
    ({"environment": []}, "environment", "a list", "must be an object"),
    ({"environment": {"A=B": "x"}}, "environment", "'A=B'", "must have names"),
    ({"environment": {"A": 5}}, "environment.A", "int", "must be a text without NUL"),
    ({"mappings": {"input": []}}, "mappings.input", "", "use one of inputs, logs, outputs"),
    ({"mappings": {"inputs": {}}}, "mappings.inputs", "an object", "must be a list"),
    ({"mappings": {"inputs": [{"source": "oss://b/k"}]}}, "mappings.inputs[0].path", "", "must not be left out"),
    ({"mappings": {"inputs": [{"source": "http://x", "path": "/x"}]}}, "mappings.inputs[0].source", "'http://x'", "oss://"),
    ({"mappings": {"outputs": [{"path": "x", "target": "oss://b/k"}]}}, "mappings.outputs[0].path", "'x'", "must be an absolute path"),
    ({"mappings": {"outputs": [{"path": "/x", "target": "oss://b/../k"}]}}, "mappings.outputs[0].target", "'oss://b/../k'", "'..'"),
    ({"package": "p.tar.gz"}, "package", "'p.tar.gz'", "must be an object URL"),
    ({"image": "--privileged"}, "image", "'--privileged'", "begins with no hyphen"),
    ({"stdout": 1}, "stdout", "1", "must be an object URL"),
    ({"resources": {"cpus": 0}}, "resources.cpus", "0", "must be a number above 0"),
    ({"resources": {"gpus": "all"}}, "resources.gpus", "'all'", "must be an integer from 0"),
    ({"keep_as": ".."}, "keep_as", "'..'", "must be a file name"),
    ({"keep_as": "a/b"}, "keep_as", "'a/b'", "must be a name"),
    ({"Command": "x"}, "Command", "", "is no field; use one of command"),
    ({"command": "x" * 10**6 + "\0"}, "command", "'xxx", "without NUL"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "value", "allowed"), MISTAKES)
def test_a_mistake_names_its_field_its_value_and_what_is_allowed(
    change: dict[str, Any], path: str, value: str, allowed: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        spec_from_json({**MINIMAL, **change}, "attempts[2]")
    (problem,) = caught.value.problems
    assert problem.path == f"attempts[2].{path}"
    assert value in problem.value
    assert allowed in problem.allowed
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", sorted(MINIMAL))
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name}: must not be left out"):
        spec_from_json({key: value for key, value in MINIMAL.items() if key != name})


def test_all_mistakes_are_named_together() -> None:
    with pytest.raises(ValidationError) as caught:
        spec_from_json({**MINIMAL, "number": -1, "resources": {"cpus": -1, "memory": -1}})
    assert [problem.path for problem in caught.value.problems] == [
        "number",
        "resources.cpus",
        "resources.memory",
    ]


def test_values_of_variables_and_grants_are_in_no_message() -> None:
    for change in ({"environment": {"KEY": "s3cret\0"}}, {"grant": "s3cret value"}):
        file = parse_specs(document(attempts=[{**MINIMAL, **change}]))
        assert "must be a text" in file.damaged[0].message
        assert "s3cret" not in file.damaged[0].message
    assert "s3cret" not in repr(
        Assignment(spec_from_json({**MINIMAL, "environment": {"KEY": "s3cret"}}), "s3cret")
    )


def document(**change: Any) -> bytes:
    return json.dumps({"version": 1, "records": "/r", "attempts": [MINIMAL], **change}).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (document()[:-5], "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"version": 1, "version": 2}', "the field 'version' occurs twice"),
        (b'{"version": NaN}', "NaN is not a number"),
        (b"[]", "must be an object"),
        (b"{}", "records: must not be left out"),
        (document(records="relative"), "records: must be an absolute path (got 'relative')"),
    ],
)
def test_a_file_without_a_place_for_records_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_specs(data, "the file s.json")
    assert message in str(caught.value)
    assert str(caught.value).startswith("the file s.json: ")


def test_a_damaged_attempt_does_not_stop_the_others() -> None:
    other = {**MINIMAL, "token": "other", "number": -1}
    file = parse_specs(document(attempts=[MINIMAL, other, {"token": "/"}, MINIMAL]))
    assert [entry.spec.token for entry in file.attempts] == [MINIMAL["token"]]
    assert [(spec.token, spec.message) for spec in file.damaged] == [
        ("other", "attempts[1].number: must be an integer from 0 (got -1)")
    ]
    assert "attempts[2].token: must be 1 to 200 letters" in file.problem
    assert "attempts[3].token: must be the token of one attempt only" in file.problem


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version: must be 1; this runner reads no other version (got 2)"),
        ({"version": True}, "version: must be 1"),
        ({"endpoint": "http://user:password@host"}, "endpoint: must be http://HOST:PORT"),
        ({"endpoint": "file:///x"}, "endpoint: must be http://HOST:PORT"),
        ({"certificates": "ca.pem"}, "certificates: must be an absolute path"),
        ({"earlier_records": ["x"]}, "earlier_records[0]: must be an absolute path"),
        ({"slots": 3}, "slots: is no field"),
    ],
)
def test_a_damaged_head_stops_all_attempts(change: dict[str, Any], message: str) -> None:
    file = parse_specs(document(**change))
    assert not file.attempts
    assert [spec.token for spec in file.damaged] == [MINIMAL["token"]]
    assert message in file.damaged[0].message
    assert message in file.problem
    assert file.records == "/r"


@settings(max_examples=60)
@given(st.data())
def test_no_document_breaks_the_reader(data: st.DataObject) -> None:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2), max_leaves=6
    )  # fmt: skip
    content = json.loads(document(attempts=[MINIMAL, {**MINIMAL, "token": "other"}]))
    target = data.draw(st.sampled_from([content, content["attempts"][0]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(values)
    try:
        file = parse_specs(json.dumps(content).encode())
    except ValidationError:
        return
    assert len(file.attempts) + len(file.damaged) <= 2
