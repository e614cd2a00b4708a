"""The environment of an instance's program (REST API, 5.1)."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__: list[str] = []

# What a program needs of the machine itself. The rest of the service's own environment stays with
# it: it holds other people's secrets as often as not.
_FROM_MACHINE = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
)


def from_machine() -> dict[str, str]:
    """Return what an instance gets of the service's own environment."""
    found = {name: os.environ[name] for name in _FROM_MACHINE if name in os.environ}
    found.update({name: value for name, value in os.environ.items() if name.startswith("LC_")})
    found.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    return found


def environment(
    machine: Mapping[str, str],
    *,
    job_id: str,
    task_name: str,
    cluster_id: str,
    region: str,
    oss_host: str,
    env_vars: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment that all instances of a task share; two variables tell them apart.

    Args:
        machine: What `from_machine` returned.
        job_id: Id of the job.
        task_name: Name of the task.
        cluster_id: The cluster that it runs on.
        region: Id of the region.
        oss_host: Where object storage is reached from the machine.
        env_vars: ``Command.EnvVars``; they win over everything but the service's own variables.
    """
    return {
        **machine,
        **env_vars,
        "BATCH_COMPUTE_DAG_JOB_ID": job_id,
        "BATCH_COMPUTE_DAG_TASK_ID": task_name,
        "BATCH_COMPUTE_OSS_HOST": oss_host,
        "BATCH_COMPUTE_REGION": region,
        "BATCH_COMPUTE_CLUSTER_ID": cluster_id,
    }


_MOST = 6 * 1024**2
"""Bytes of arguments and variables that Linux hands to a program, however large the stack may grow."""

_OWN = 16 * 1024
"""Bytes that the service itself needs of that: its variables, and what starts a command."""


def room() -> int:
    """Return the bytes that all variables of a job may have, each with its name, on this machine."""
    try:
        limit = os.sysconf("SC_ARG_MAX")
    except (ValueError, OSError):
        limit = 128 * 1024
    return min(_MOST, limit if limit > 0 else _MOST) - _OWN - size_of(from_machine())


def size_of(variables: Mapping[str, str]) -> int:
    """Return the bytes that variables take: their names and values, two more characters, and a pointer."""
    return sum(len(f"{name}{value}".encode("utf-8", "replace")) + 10 for name, value in variables.items())
