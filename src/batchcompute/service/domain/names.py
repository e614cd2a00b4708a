"""Names that the service derives: the keys of logs, and the ids of automatic clusters and their machines."""

from __future__ import annotations

import hashlib

__all__: list[str] = []


def log_object(directory: str | None, stream: str, job_id: str, task_name: str, number: int) -> str:
    """Return the URL of the log of an instance (REST API, 5.4); empty if the task has no directory for logs.

    Args:
        directory: ``StdoutRedirectPath`` or ``StderrRedirectPath`` of the task.
        stream: ``stdout`` or ``stderr``.
        job_id: Id of the job.
        task_name: Name of the task.
        number: Number of the instance.
    """
    if not directory:
        return ""
    return f"{directory.rstrip('/')}/{stream}.{job_id}.{task_name}.{number}"


def auto_cluster_id(job_id: str, task_name: str) -> str:
    """Return the id of the automatic cluster of a task, which exists while the task runs."""
    return "cls-" + _hash(f"{job_id}/{task_name}")


def auto_machine_id(job_id: str, task_name: str, number: int) -> str:
    """Return the id of the machine of an instance in the automatic cluster of its task."""
    return "i-" + _hash(f"{job_id}/{task_name}/{number}")[:12]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:18]
