"""Descriptions in files: every format, every problem at once, with its line."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from batchcompute.cli.files.description import load
from batchcompute.resources import JobDescription
from tests.cli.helpers import Terminal, Write

SHORT = """\
name: demo
stdout: oss://demo/logs/
env: {A: 1, B: yes}
tasks:
  split:
    command: echo split
    count: 3
    env: {A: 2}
    input: {oss://demo/in/: /home/in/}
    retries: 1
    timeout: 60
  merge:
    command: echo merge
    after: split
  say: {command: echo, after: [split, merge], cluster: cls-1, docker: ubuntu}
  plain: "true"
"""


def test_the_short_form_is_the_description_of_the_api(write: Write) -> None:
    loaded = load(write("x.yaml", SHORT))
    tasks = loaded.value["DAG"]["Tasks"]
    assert loaded.value["DAG"]["Dependencies"] == {"split": ["merge", "say"], "merge": ["say"]}
    assert tasks["split"] == {
        "Parameters": {
            "Command": {"CommandLine": "echo split", "EnvVars": {"A": 2, "B": "yes"}},
            "StdoutRedirectPath": "oss://demo/logs/",
        },
        "InstanceCount": 3, "InputMapping": {"oss://demo/in/": "/home/in/"}, "MaxRetryCount": 1, "Timeout": 60,
        "AutoCluster": {},
    }  # fmt: skip
    assert tasks["say"]["ClusterId"] == "cls-1"
    assert "AutoCluster" not in tasks["say"]
    assert tasks["plain"]["Parameters"]["Command"]["CommandLine"] == "true"
    JobDescription(loaded.value).validate()


BROKEN = """\
name: 1bad name
tasks:
  a:
    comand: echo
    count: 0
    after: zz
  b:
    command: echo
    count: many
    stdout: /x
    timeout: [1]
  c: 7
"""
BROKEN_LINES = [
    "1: name: may only hold letters",
    "3: tasks.a.command: is required",
    "4: tasks.a.comand: is no key here; the nearest is command",
    "5: tasks.a.count: must be 1 or more (got 0)",
    "6: tasks.a.after: is not a task of this job (got 'zz')",
    "9: tasks.b.count: must be an integer (got 'many')",
    "10: tasks.b.stdout: must be a directory like oss://bucket/logs/ (got '/x')",
    "11: tasks.b.timeout: must be an integer (got [1])",
    "12: tasks.c: must be a command, or a mapping with the key command",
]


def test_all_problems_of_the_short_form_are_said_at_once(cli: Terminal, write: Write) -> None:
    file = write("broken.yaml", BROKEN)
    done = cli("validate", file)
    assert done.status == 2
    for line, expected in zip(done.out.splitlines(), BROKEN_LINES, strict=True):
        assert line.startswith(f"{file}:{expected}")
    run = cli("run", file)
    assert (run.status, run.err) == (2, done.out)
    assert not cli.directory.exists()


SHARED = """\
retries: -1
tasks:
  a: &a
    command: echo
    count: -2
  b: *a
  c:
    <<: *a
  d:
    <<: *a
    count: -3
  e: {command: echo, count: -2}
"""


def test_a_mistake_that_tasks_share_is_said_once(cli: Terminal, write: Write) -> None:
    file = write("shared.yaml", SHARED)
    assert [line.removeprefix(file) for line in cli("validate", file).out.splitlines()] == [
        ":1: retries: must be in [0, 2147483647] (got -1)",
        ":5: tasks.a.count: must be 1 or more (got -2)",
        ":11: tasks.d.count: must be 1 or more (got -3)",
        ":12: tasks.e.count: must be 1 or more (got -2)",
    ]


def test_a_file_that_cannot_be_parsed_does_not_hide_the_others(cli: Terminal, write: Write) -> None:
    first = write("c.yaml", "tasks:\n  a: {command: echo, count: 0}\n  b: {comand: echo}\n")
    second = write("b.yaml", "tasks: [\n")
    third = write("a.yaml", "tasks: {a: echo}\n")
    done = cli("validate", first, second, third)
    assert done.status == 2
    assert f"{first}:2: tasks.a.count" in done.out
    assert f"{second}:2:1: is not valid YAML" in done.err
    assert f"{third}: valid\n" in done.out
    results = json.loads(cli("validate", "--json", first, second, third).out)
    assert [(one["File"], one["Valid"], [each["Line"] for each in one["Problems"]]) for one in results] == [
        (third, True, []),
        (second, False, [2]),
        (first, False, [2, 3, 3]),
    ]


def test_a_cycle_is_said_at_a_task_of_it(cli: Terminal, write: Write) -> None:
    text = (
        "tasks:\n  z: echo\n  a: {command: echo, after: [z, b]}\n  b: {command: echo, after: a}\n"
        "  c:\n    command: echo\n    after: c\n"
    )
    file = write("cycle.yaml", text)
    first, second = cli("validate", file).out.splitlines()
    assert re.match(
        re.escape(file) + r":(3: tasks\.a|4: tasks\.b)\.after: must not form a cycle: . waits for", first
    )
    assert second == f"{file}:7: tasks.c.after: must not name the task itself (got 'c')"


def test_a_key_at_the_wrong_level_says_its_place(cli: Terminal, write: Write) -> None:
    text = "output: {/x/: oss://b/x/}\ninput: {oss://b/x/: /x/}\ntasks:\n  a: {command: echo, priority: 3}\n"
    file = write("level.yaml", text)
    assert [line.removeprefix(file) for line in cli("validate", file).out.splitlines()] == [
        ":1: output: is no key here; it belongs to a task: tasks.NAME.output",
        ":2: input: is no key here; it belongs to a task: tasks.NAME.input",
        ":4: tasks.a.priority: is no key here; it belongs to the job, at the top of the file",
    ]


LONG = """\
{"Name": "x",
 "DAG": {"Tasks": {
\t"a": {"Parameters": {"Command": {"CommandLine": ""}},
    "InstanceCout": 3, "AutoCluster": {}, "Timeout": -1,
    "OutputMapping": {"/home/x": "oss://b/k/"}}},
  "Dependencies": {"a": ["q"]}}}
"""


def test_all_problems_of_json_are_said_with_their_lines(cli: Terminal, write: Write) -> None:
    file = write("x.json", LONG)
    found = json.loads(cli("validate", "--json", file).out)[0]
    assert not found["Valid"]
    assert {(one["Severity"], one["Path"], one["Line"]) for one in found["Problems"]} == {
        ("error", "DAG.Tasks.a.Parameters.Command.CommandLine", 3),
        ("error", "DAG.Tasks.a.Timeout", 4),
        ("error", "DAG.Tasks.a.OutputMapping", 5),
        ("error", "DAG.Dependencies.a", 6),
        ("warning", "DAG.Tasks.a.InstanceCout", 4),
    }


def test_fields_that_are_not_sent_are_warnings(cli: Terminal, write: Write) -> None:
    text = '{"Name": "x", "Descripton": 1, "DAG": {"Tasks": {"a": {"Parameters": {"Command": {"CommandLine": "a", "Cmd": 1}}, "AutoCluster": {}}}}}'
    file = write("x.json", text)
    done = cli("validate", file)
    assert done.status == 0
    assert (
        f"warning: {file}:1: Descripton: is no field of JobDescription, and is not sent; did you mean 'Description'?"
        in done.out
    )
    assert "DAG.Tasks.a.Parameters.Command.Cmd: is no field of Command" in done.out
    assert done.out.endswith(f"{file}: valid\n")
    done = cli("validate", "--strict", file)
    assert (done.status, "warning" in done.out) == (2, False)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.yaml", "tasks:\n  a: [", ":2:7: is not valid YAML: while parsing a flow node"),
        ("x.yaml", "tasks:\n\ta: b", ":2:1: is not valid YAML: while scanning for the next token; found character '\\\\t'"),
        ("x.yaml", "a: *b", ":1:4: is not valid YAML: found undefined alias"),
        ("x.yaml", "a: b\n---\nc: d", ":2:1: is not valid YAML: expected a single document"),
        ("x.yaml", "a: &x [*x]", "contains itself by an alias"),
        ("x.yaml", "- a", "must hold the fields of a job, such as Name and DAG, and not a list"),
        ("x.yaml", "7", "and not a single value"),
        ("x.yaml", "", "is empty"),
        ("x.yaml", "? [a]\n: b", ":1:3: has a key that is no text"),
        ("x.yaml", "a: " + "9" * 5000, ":1:4: has a number that cannot be read"),
        ("x.yaml", "a: \x07", "special characters are not allowed"),
        ("x.yaml", "[" * 20000, "is nested too deep"),
        ("x.yaml", "a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)), "holds more than 50000 values, its aliases included"),
        ("x.json", '{"a": 1,\n "b": }', ":2:7: is not valid JSON: Expecting value"),
        ("x.json", "[" * 200000, "is nested too deep"),
        ("x.json", "[]", "and not a list"),
        ("x.cfg", "a=b", ":1: is no job.cfg file: File contains no section headers"),
        ("x.cfg", "[a]\ncmd=x\n[a]\n", ":3: is no job.cfg file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_parsed_is_one_line(
    cli: Terminal, write: Write, name: str, text: str, message: str
) -> None:
    done = cli("validate", write(name, text))
    assert done.status == 2
    assert done.out == ""
    assert re.sub(r"\\\\t", r"\\t", message).replace("\\\\", "\\") in done.err or message in done.err
    assert done.err.count("\n") == 1


def test_files_that_cannot_be_read_are_one_line(cli: Terminal, tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.yaml", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (Path("/dev/zero"), "is larger than 4194304 bytes"),
        ("a\0b", "cannot be read"),
    ):
        done = cli("validate", str(path))
        assert (done.status, done.err.count("\n")) == (2, 1)
        assert message in done.err
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    assert "latin.yaml:2: is not UTF-8: byte 0xe9" in cli("validate", str(tmp_path / "latin.yaml")).err


def test_words_and_dates_in_yaml_stay_texts(write: Write) -> None:
    text = "tasks: {a: {command: x, env: {A: yes, B: 010, C: 2026-01-01, D: 12:30, E: 1e3, F: 0x10, G: off, H: ~, I: .5, J: 'true', K: true}}}"
    env = load(write("x.yaml", text)).value["DAG"]["Tasks"]["a"]["Parameters"]["Command"]["EnvVars"]
    assert env == {
        "A": "yes", "B": "010", "C": "2026-01-01", "D": "12:30", "E": 1000.0, "F": 16, "G": "off", "H": None, "I": 0.5,
        "J": "true", "K": True,
    }  # fmt: skip


def test_a_key_that_is_there_twice_is_a_problem(cli: Terminal, write: Write) -> None:
    done = cli("validate", write("x.yaml", "tasks:\n  a: echo\n  a: echo\n"))
    assert ":3: tasks.a: is there twice, first in line 2" in done.out
    assert "a: is there twice in one object" in cli("validate", write("x.json", '{"a": 1, "a": 2}')).out


CFG = """\
[DEFAULT]
job_name=log-count
description=demo
force=True
deps=split->count;count->merge
env=public_key:value,key2:value2
read_mount=oss://bucket/input/:/home/input/
write_mount=oss://bucket/output/:/home/output/
$where=oss://bucket
[split]
cmd=python split.py
cluster=img=img-ubuntu:type=ecs.sn1.medium
[count]
cmd=python count.py
cluster=img=img-ubuntu:type=ecs.sn1.medium
nodes=3
env=key2:own
docker=myubuntu@oss://bucket/dockers/
mount=nas://a/b/:/home/nas/:false,$where/m/:/home/m/
disk=system:cloud:40,data:cloud:500:/home/disk
[merge]
cmd=python merge.py
cluster=cls-123
timeout=9
user_data=a:b
"""


def test_a_job_cfg_becomes_a_description(
    cli: Terminal, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, Any] = json.loads(cli("convert", write("job.cfg", CFG)).out)
    tasks = made["DAG"]["Tasks"]
    assert (made["Name"], made["JobFailOnInstanceFail"]) == ("log-count", False)
    assert made["DAG"]["Dependencies"] == {"split": ["count"], "count": ["merge"]}
    split, count, merge = tasks["split"], tasks["count"], tasks["merge"]
    assert split["Parameters"]["Command"]["EnvVars"] == {"public_key": "value", "key2": "value2"}
    assert split["OutputMapping"] == {"/home/output/": "oss://bucket/output/"}
    assert split["Mounts"]["Entries"] == [
        {"Source": "oss://bucket/input/", "Destination": "/home/input/", "WriteSupport": False}
    ]
    assert (split["AutoCluster"]["ImageId"], split["AutoCluster"]["InstanceType"]) == (
        "img-ubuntu",
        "ecs.sn1.medium",
    )
    assert (count["InstanceCount"], count["Timeout"]) == (3, 86400)
    assert count["Parameters"]["Command"]["EnvVars"] == {
        "public_key": "value", "key2": "own", "BATCH_COMPUTE_DOCKER_IMAGE": "localhost:5000/myubuntu",
        "BATCH_COMPUTE_DOCKER_REGISTRY_OSS_PATH": "oss://bucket/dockers/",
    }  # fmt: skip
    assert [entry["Source"] for entry in count["Mounts"]["Entries"]] == [
        "nas://a/b/", "oss://bucket/m/", "oss://bucket/input/"
    ]  # fmt: skip
    assert count["AutoCluster"]["Configs"]["Disks"]["DataDisk"] == {
        "Type": "cloud", "Size": 500, "MountPoint": "/home/disk"
    }  # fmt: skip
    assert (merge["ClusterId"], merge["Timeout"]) == ("cls-123", 9)
    # The format is found without the name of the file, too.
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CFG.encode())))
    assert json.loads(cli("convert", "-").out) == made


def test_problems_of_a_job_cfg_name_the_option_and_its_line(cli: Terminal, write: Write) -> None:
    text = (
        CFG.replace("nodes=3", "nodes=three\nnodse=4")
        .replace("cmd=python merge.py\n", "")
        .replace("timeout=9", "timeout=-9")
    )
    file = write("job.cfg", text)
    lines = cli("validate", file).out.splitlines()
    assert f"{file}:16: [count].nodes: must be an integer (got 'three')" in lines
    assert f"{file}:17: [count].nodse: is no option of job.cfg; the nearest is nodes" in lines
    assert any(
        line.startswith(
            f"{file}:{text.splitlines().index('timeout=-9') + 1}: DAG.Tasks.merge.Timeout: must be in"
        )
        for line in lines
    )
    assert any("DAG.Tasks.merge.Parameters.Command.CommandLine: is required" in line for line in lines)


def test_yaml_that_is_printed_reads_the_same(cli: Terminal, write: Write) -> None:
    file = write("x.yaml", SHORT)
    made = cli("convert", "--to", "yaml", file)
    again = write("again.yaml", made.out)
    assert cli("convert", again).out == cli("convert", file).out
    assert load(again).value["DAG"]["Tasks"]["split"]["Parameters"]["Command"]["EnvVars"] == {
        "A": "2",
        "B": "yes",
    }


@pytest.mark.parametrize(
    ("kind", "text", "status"),
    [
        ("app", '{"Name": "a", "CommandLine": "echo", "VM": {"ECSImageId": "img-ubuntu"}}', 0),
        ("app", '{"Name": "a"}', 2),
        ("cluster", '{"Name": "a", "ImageId": "img-ubuntu", "Groups": {"g": {"InstanceType": "ecs.s3.large", "DesiredVMCount": 1}}}', 0),
        ("image", '{"Name": "a", "Platform": "Linux", "EcsImageId": "m-1"}', 0),
        ("job", '{"Name": "a", "Type": "App", "App": {"AppName": "a", "Inputs": {}}}', 0),
    ],
)  # fmt: skip
def test_every_kind_of_description_is_checked_and_has_a_schema(
    cli: Terminal, write: Write, kind: str, text: str, status: int
) -> None:
    jsonschema = pytest.importorskip("jsonschema")

    file = write("x.json", text)
    assert cli("validate", "--kind", kind, file).status == status
    if kind != "job":
        schema = json.loads(cli("schema", kind).out)
        assert jsonschema.Draft202012Validator(schema).is_valid(json.loads(text)) == (status == 0)


def test_the_schema_of_the_short_form_fits_the_files(cli: Terminal, write: Write) -> None:
    jsonschema = pytest.importorskip("jsonschema")

    schema = json.loads(cli("schema", "short").out)
    validator = jsonschema.Draft202012Validator(schema)
    from batchcompute.cli.files.yaml_text import parse_yaml

    assert validator.is_valid(parse_yaml("x", SHORT).value)
    assert len(list(validator.iter_errors(parse_yaml("x", BROKEN).value))) >= 3
    long = json.loads(cli("schema").out)
    assert jsonschema.Draft202012Validator(long).is_valid(
        json.loads(cli("convert", write("x.yaml", SHORT)).out)
    )


def test_without_pyyaml_a_message_says_how_to_install_it(cli: Terminal, write: Write) -> None:
    import subprocess
    import sys

    program = "import sys; sys.modules['yaml'] = None; from batchcompute.cli import main; sys.exit(main(['validate', sys.argv[1]]))"
    done = subprocess.run(
        [sys.executable, "-c", program, write("x.yaml", SHORT)], capture_output=True, text=True, check=False, env=os.environ
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("batchcompute: YAML files need PyYAML, of the extra cli: pip install ")


def test_names_in_files_cannot_control_the_terminal(cli: Terminal, write: Write) -> None:
    for name, text in (
        ("x\x1b[2J.yaml", 'tasks: {"a\\e[2J": echo, b: {command: x, "\\e[31m": 1}}'),
        ("x\x1b[2J.json", '{"Name": "\\u001b[2J", "\\u001b[3J": 1}'),
        ("x\x1b[2J.cfg", "[a\x1b[2J]\ncmd=x\n\x1b[3J=1\n"),
        ("\x1b[2J.yaml", "tasks: {a: echo}"),
        ("\x1b[3J.yaml", "{"),
    ):
        for command in ("validate", "convert", "dag"):
            done = cli(command, write(name, text))
            assert "\x1b" not in done.out + done.err
