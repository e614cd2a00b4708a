"""Converts App jobs to DAG jobs (REST API, 3.4 and 5.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchcompute import resources
from batchcompute.errors import Problem, ValidationError
from batchcompute.models.problems import short_repr
from batchcompute.runner.object_urls import split_object_url

__all__: list[str] = []

_DEFAULTS: Final[Mapping[str, Any]] = {
    "ResourceType": "OnDemand",
    "InstanceType": "",
    "InstanceCount": 1,
    "MaxRetryCount": 0,
    "Timeout": 86400,
}
"""Defaults of the values of the configuration that this service uses (REST API, 3.3)."""

_OF_JOBS_ONLY = ("ClusterId", "ReserveOnFail", "ClassicNetwork")
_MANDATORY = "is mandatory for this app: it has no Default"


def task_name(app_name: str) -> str:
    """Return the name of the only task of an App job: the first 32 characters of the name of the app.

    The vendor does not document this name. A leading digit gets an underscore, because no task name begins with a digit.
    """
    name = app_name[:32]
    return f"_{name[:31]}" if name[:1].isdigit() else name


def plan_of(app: resources.AppDescription, job: resources.AppJobDescription) -> dict[str, Any]:
    """Return the DAG that runs an app.

    Args:
        app: The app.
        job: The job.

    Raises:
        ValidationError: The job does not fit the app. The error has all problems.
    """
    problems: list[Problem] = []
    config = _config(app, job, problems)
    values: dict[str, str] = {}
    inputs: list[dict[str, Any]] = []
    outputs: dict[str, str] = {}
    unused = dict(job.app.inputs)
    for name, parameter in app.input_parameters.items():
        at = f"App.Inputs.{name}"
        value = unused.pop(name, parameter.default)
        if value is None:
            problems.append(Problem("App.Inputs", name, _MANDATORY, "missing"))
            continue
        values[name] = _value(value, parameter.type or "String", at, problems)
        if parameter.local_path:
            _check_object_url(values[name], parameter.local_path, at, problems)
            inputs.append(
                {"Source": values[name], "Destination": parameter.local_path, "WriteSupport": False}
            )
            values[name] = parameter.local_path
    problems += [Problem("App.Inputs", name, "is no input of this app") for name in unused]
    wanted = dict(job.app.outputs)
    for name, output in app.output_parameters.items():
        path = values[name] = output.local_path or ""
        object_url = wanted.pop(name, None) if path else None
        if object_url is not None:
            _check_object_url(object_url, path, f"App.Outputs.{name}", problems)
            if path in outputs:
                problems.append(
                    Problem(f"App.Outputs.{name}", path, "is the LocalPath of another output, too")
                )
            outputs[path] = str(object_url)
    allowed = "is no output of this app that has a LocalPath"
    problems += [Problem("App.Outputs", name, allowed) for name in wanted]
    if problems:
        raise ValidationError(problems)
    names = _variables(app)
    command = _command(app)
    logging = job.app.logging
    cluster = str(config.get("ClusterId") or "")
    task = {
        "ClusterId": cluster,
        "InstanceCount": config["InstanceCount"],
        "MaxRetryCount": config["MaxRetryCount"],
        "Timeout": config["Timeout"],
        "Parameters": {
            "Command": {
                "CommandLine": command,
                "EnvVars": {**dict(app.env_vars), **{names[name]: value for name, value in values.items()}},
                "Docker": {"Image": app.docker.image or ""},
            },
            "StdoutRedirectPath": logging.stdout_path or "",
            "StderrRedirectPath": logging.stderr_path or "",
        },
        # Mounts instead of InputMapping, which cannot map the same object URL for two inputs.
        "Mounts": {"Entries": inputs},
        "OutputMapping": outputs,
    }
    if not cluster:
        task["AutoCluster"] = {
            "InstanceType": config["InstanceType"] or "default",
            "ResourceType": config["ResourceType"],
            "ReserveOnFail": bool(config.get("ReserveOnFail")),
        }
    return {"DAG": {"Tasks": {task_name(app.name or ""): task}}}


def _variables(app: resources.AppDescription) -> dict[str, str]:
    """Return the name of the environment variable of each parameter."""
    from batchcompute.service.domain.app_commands.substitution import variables

    return variables([*app.input_parameters, *app.output_parameters])


def _command(app: resources.AppDescription) -> str:
    # The parser of commands takes long to import, and a server starts without it.
    from batchcompute.service.domain.app_commands.substitution import UnsafeLine, substitute

    # The value of a parameter with a LocalPath is that path, so no job can choose it.
    parameters = [*app.input_parameters.items(), *app.output_parameters.items()]
    chosen = {name for name, parameter in parameters if not parameter.local_path}
    fixed = {name for name, _ in parameters} - chosen
    try:
        return substitute(app.command_line or "", _variables(app), fixed)
    except UnsafeLine as error:
        raise ValidationError([Problem("CommandLine", "", str(error))]) from None


def check(app: resources.AppDescription) -> None:
    """Check that the command of an app cannot execute the value of a parameter.

    Raises:
        ValidationError: The command could execute a value.
    """
    _command(app)


def as_job(job: resources.AppJobDescription, plan: Mapping[str, Any]) -> resources.JobDescription:
    """Return the DAG job of an App job, for the checks of DAG jobs."""
    return resources.JobDescription({"Name": "app", "Type": "DAG", "Priority": job.priority or 0, **plan})


def _config(
    app: resources.AppDescription, job: resources.AppJobDescription, problems: list[Problem]
) -> dict[str, Any]:
    values = dict(_DEFAULTS)
    fixed: set[str] = set()
    for name, item in app.config.items():
        if item is None:
            continue
        if item.get("Default") is not None:
            values[name] = item["Default"]
        if not item.get("Overwritable", True):
            fixed.add(name)
    for name, value in job.app.config.items():
        if name in fixed:
            problems.append(
                Problem("App.Config", name, "must not be given: the app does not let a job overwrite it")
            )
        elif name in _DEFAULTS or name in _OF_JOBS_ONLY:
            values[name] = value
    for name, lowest in (("InstanceCount", 1), ("MaxRetryCount", 0), ("Timeout", 0)):
        number = values[name]
        if isinstance(number, float) and number.is_integer():
            values[name] = number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or number < lowest:
            problems.append(
                Problem(f"App.Config.{name}", short_repr(number), f"must be an integer, {lowest} or more")
            )
            values[name] = lowest
    return values


def _value(value: object, kind: str, at: str, problems: list[Problem]) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "Number" and not is_number:
        problems.append(Problem(at, short_repr(value), "must be a number"))
    elif kind != "Number" and not is_number and not isinstance(value, str):
        problems.append(Problem(at, short_repr(value), "must be a text"))
    text = str(value)
    if "\0" in text:
        problems.append(Problem(at, short_repr(value), "must not hold the character NUL"))
    return text


def _check_object_url(value: object, local_path: str, at: str, problems: list[Problem]) -> None:
    text = str(value)
    try:
        split_object_url(text)
    except ValidationError:
        problems.append(Problem(at, short_repr(value), "must be an object URL like oss://bucket/key"))
        return
    if text.endswith("/") != local_path.endswith("/"):
        allowed = f"must end in a slash as its LocalPath does: {local_path}"
        problems.append(Problem(at, short_repr(value), allowed))
