"""The description of a job of one command, from the options of ``batchcompute run``."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import click

from batchcompute.regions import LOCAL, resolve

__all__: list[str] = []

TASK: Final = "command"
"""Name of the task."""

_INPUT: Final = re.compile(r"((?:oss|nas)://.+?):(/.*)")
_OUTPUT: Final = re.compile(r"(/.+?):((?:oss|nas)://.+)")


def description_of(
    command_line: str,
    *,
    name: str = "",
    count: int = 1,
    stdout: str = "",
    stderr: str = "",
    env: Sequence[str] = (),
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    instance_type: str = "",
    cluster: str = "",
    timeout: int | None = None,
    retries: int = 0,
) -> dict[str, Any]:
    """Return the description.

    Args:
        command_line: The command.
        name: Name of the job; empty for the first word of the command.
        count: Number of instances.
        stdout: URL of the directory for stdout; empty to discard it.
        stderr: URL of the directory for stderr; empty to discard it.
        env: Environment variables, each ``NAME=VALUE``, or ``NAME`` for the value of this process.
        inputs: Inputs, each ``oss://bucket/key:/path``.
        outputs: Outputs, each ``/path:oss://bucket/key``.
        instance_type: Instance type; empty for any.
        cluster: Id of a cluster; empty for none.
        timeout: Seconds that an attempt may take; None for the default.
        retries: Number of times that a failed instance is tried again.

    Raises:
        UsageError: A text has another form.
    """
    parameters: dict[str, Any] = {"Command": {"CommandLine": command_line, "EnvVars": _variables(env)}}
    if stdout:
        parameters["StdoutRedirectPath"] = stdout
    if stderr:
        parameters["StderrRedirectPath"] = stderr
    task: dict[str, Any] = {"Parameters": parameters, "InstanceCount": count, "MaxRetryCount": retries}
    if timeout is not None:
        task["Timeout"] = timeout
    if cluster:
        task["ClusterId"] = cluster
    else:
        task["AutoCluster"] = {"InstanceType": instance_type}
    task["InputMapping"] = dict(_pairs(inputs, _INPUT, "--input", "oss://bucket/data/:/home/data/"))
    task["OutputMapping"] = dict(_pairs(outputs, _OUTPUT, "--output", "/home/out/:oss://bucket/out/"))
    return {
        "Name": name or _name_of(command_line),
        "Type": "DAG",
        "DAG": {"Tasks": {TASK: task}, "Dependencies": {}},
    }


def _name_of(command_line: str) -> str:
    """Return a name for the job: the first word of the command without its directory."""
    word = (command_line.split() or [""])[0].rpartition("/")[2]
    name = re.sub("[^A-Za-z0-9_-]+", "-", word).strip("-")[:48]
    return name if name and not name[0].isdigit() else f"run-{name}".rstrip("-")


def _variables(env: Sequence[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for text in env:
        name, sign, value = text.partition("=")
        if not name or (not sign and name not in os.environ):
            raise click.UsageError(
                f"--env must be NAME=VALUE, or the NAME of a variable that is set, not {text!r}"
            )
        variables[name] = value if sign else os.environ[name]
    return variables


def _pairs(
    texts: Sequence[str], pattern: re.Pattern[str], option: str, example: str
) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for text in texts:
        match = pattern.fullmatch(text)
        if match is None:
            raise click.UsageError(f"{option} must be like {example}, not {text!r}")
        pairs.append((match[1], match[2]))
    return pairs


def own_bucket(endpoint: str, purpose: str) -> str:
    """Return the URL of a bucket for what this program stores; empty for the vendor's service.

    Owners do not share a bucket, so the name of the bucket contains a hash of the key.

    Args:
        endpoint: Region or URL of the service.
        purpose: The end of the name, such as ``logs``.
    """
    if endpoint == LOCAL:
        return f"oss://batchcompute-{purpose}/"
    if (urlsplit(resolve(endpoint).base_url).hostname or "").endswith(".aliyuncs.com"):
        return ""
    key = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
    return f"oss://batchcompute-{purpose}-{hashlib.sha256(key.encode()).hexdigest()[:12]}/"
