"""The short form of a job in YAML: a list of tasks with commands, and ``after`` for their order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from batchcompute.errors import Problem

__all__: list[str] = []

_JOB_KEYS: Final = ("name", "description", "priority", "tasks", "fail_on_instance_failure", "auto_release")
TASK_KEYS: Final = {
    "command": "Parameters.Command.CommandLine",
    "count": "InstanceCount",
    "env": "Parameters.Command.EnvVars",
    "stdout": "Parameters.StdoutRedirectPath",
    "stderr": "Parameters.StderrRedirectPath",
    "input": "InputMapping",
    "output": "OutputMapping",
    "logs": "LogMapping",
    "after": "",
    "retries": "MaxRetryCount",
    "timeout": "Timeout",
    "package": "Parameters.Command.PackagePath",
    "docker": "Parameters.Command.Docker.Image",
    "cluster": "ClusterId",
    "type": "AutoCluster.InstanceType",
    "image": "AutoCluster.ImageId",
}
"""The keys of a task, with the path of the field that each of them sets."""

SHARED: Final = (
    "env",
    "stdout",
    "stderr",
    "retries",
    "timeout",
    "cluster",
    "type",
    "image",
    "package",
    "docker",
)
"""Keys that may stand at the top, for all tasks."""

_JOB_FIELDS: Final = {
    "name": "Name",
    "description": "Description",
    "priority": "Priority",
    "fail_on_instance_failure": "JobFailOnInstanceFail",
    "auto_release": "AutoRelease",
}


def is_short(value: Mapping[str, Any]) -> bool:
    """Return whether a description has the short form.

    Args:
        value: The description.
    """
    return "tasks" in value and not {"DAG", "dag", "App", "app"} & value.keys()


def expand(
    value: Mapping[str, Any], file: str
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]], list[Problem]]:
    """Return the description of a job in the form of the API.

    Args:
        value: The short form.
        file: Name of the file, for a job without a name.

    Returns:
        The description, the path in the short form for each path of the description, and the problems.
    """
    problems: list[Problem] = []
    sources: dict[str, tuple[str, ...]] = {"DAG": ("tasks",), "DAG.Tasks": ("tasks",)}
    _check_keys(value, (*_JOB_KEYS, *SHARED), "", problems)
    job: dict[str, Any] = {"Name": default_name(file), "Type": "DAG"}
    for key, wire in _JOB_FIELDS.items():
        if key in value:
            job[wire] = value[key]
            sources[wire] = (key,)
    tasks: Any = value["tasks"]
    if not isinstance(tasks, dict):
        problems.append(Problem("tasks", "", "must be a mapping of names to tasks"))
        tasks = {}
    expanded: dict[str, Any] = {}
    dependencies: dict[str, list[str]] = {}
    for name, short in cast("dict[str, Any]", tasks).items():
        at = ("tasks", name)
        task: Any = {"command": short} if isinstance(short, str) else short
        if not isinstance(task, dict):
            problems.append(Problem(".".join(at), "", "must be a command, or a mapping with the key command"))
            continue
        fields = cast("dict[str, Any]", task)
        _check_keys(fields, tuple(TASK_KEYS), ".".join(at), problems)
        expanded[name] = _task(value, fields, name, sources)
        sources[f"DAG.Tasks.{name}"] = at
        after: Any = fields.get("after") or []
        names = [after] if isinstance(after, str) else after
        if not isinstance(names, list) or not all(isinstance(one, str) for one in cast("list[Any]", names)):
            problems.append(
                Problem(f"tasks.{name}.after", "", "must be the name of a task, or a list of names")
            )
            continue
        for one in cast("list[str]", names):
            if one not in cast("dict[str, Any]", tasks):
                problems.append(Problem(f"tasks.{name}.after", repr(one), "is not a task of this job"))
            elif one == name:
                problems.append(Problem(f"tasks.{name}.after", repr(one), "must not name the task itself"))
            else:
                dependencies.setdefault(one, []).append(name)
    _break_cycles(dependencies, problems)
    sources["DAG.Dependencies"] = ("tasks",)
    job["DAG"] = {"Tasks": expanded, "Dependencies": dependencies}
    return job, sources, problems


def _break_cycles(dependencies: dict[str, list[str]], problems: list[Problem]) -> None:
    """Report each cycle at a task of it, and remove the edge that closes it, so that nothing reports it again."""
    from batchcompute.resources._rules import find_cycle

    while cycle := find_cycle(dependencies):
        # The names of a cycle go from a task to those that start after it.
        first, *rest = reversed(cycle)
        text = f"must not form a cycle: {first} waits for {', which waits for '.join(rest)}"
        problems.append(Problem(f"tasks.{first}.after", repr(rest[0]), text))
        dependencies[cycle[-2]].remove(cycle[-1])


def _task(
    job: Mapping[str, Any], task: Mapping[str, Any], name: str, sources: dict[str, tuple[str, ...]]
) -> dict[str, Any]:
    """Return a task in the form of the API."""
    fields_of: dict[str, Any] = {}
    for key, wire in TASK_KEYS.items():
        sources[f"DAG.Tasks.{name}.{wire}"] = ("tasks", name, key)
        if not wire or (key not in task and not (key in SHARED and key in job)):
            continue
        chosen = task[key] if key in task else job[key]
        if key == "env" and isinstance(job.get("env"), dict) and isinstance(task.get("env", {}), dict):
            chosen = {**job["env"], **task.get("env", {})}
        inner = fields_of
        *above, last = wire.split(".")
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = chosen
        if key not in task:
            sources[f"DAG.Tasks.{name}.{wire}"] = (key,)
    if "ClusterId" not in fields_of:
        fields_of.setdefault("AutoCluster", {})
    return fields_of


def _check_keys(value: Mapping[str, Any], known: tuple[str, ...], at: str, problems: list[Problem]) -> None:
    from batchcompute.service.spelling import nearest

    for key in value:
        if key not in known:
            path = f"{at}.{key}" if at else key
            advice = f"the nearest is {nearest(key, known)}"
            if not at and key in TASK_KEYS:
                advice = f"it belongs to a task: tasks.NAME.{key}"
            elif at and key in _JOB_KEYS:
                advice = "it belongs to the job, at the top of the file"
            problems.append(Problem(path, "", f"is no key here; {advice}"))


def default_name(file: str) -> str:
    """Return a name for a job from the name of its file.

    Args:
        file: Name of the file.
    """
    stem = re.sub("[^A-Za-z0-9_-]+", "-", Path(file).stem).strip("-")[:64]
    return stem if stem and not stem[0].isdigit() else f"job-{stem}"[:64].rstrip("-")
