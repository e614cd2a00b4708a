"""Names that the service gives: of the files of an attempt, of logs, and of what a task's own cluster consists of."""

from __future__ import annotations

import hashlib

from batchcompute.runner.spec import Isolation
from batchcompute.runner.staging_plan import WORKDIR, names_of_path

__all__: list[str] = []


def staging_folder_of(token: str) -> str:
    """Return the name of the directory for all files of an attempt but its working directory."""
    return f"{token}.maps"


def tree_of(token: str) -> tuple[str, ...]:
    """Return the names of the tree of an attempt: the directory that is laid out like the root of its file system."""
    return (staging_folder_of(token), "root")


def workdir_of(token: str, isolation: Isolation) -> tuple[str, ...]:
    """Return the names that lead to the working directory of an attempt."""
    return (token,) if isolation == "none" else (*tree_of(token), *names_of_path(WORKDIR))


def log_place(directory: str, stream: str, job_id: str, task_name: str, number: int) -> str:
    """Return the object that holds an instance's output (REST API, 5.4); empty for none."""
    if not directory:
        return ""
    return f"{directory.rstrip('/')}/{stream}.{job_id}.{task_name}.{number}"


def auto_cluster_id(job_id: str, task_name: str) -> str:
    """Return the id of a task's own cluster, which exists for as long as the task runs."""
    return "cls-" + _letters(f"{job_id}/{task_name}")


def auto_machine_id(job_id: str, task_name: str, number: int) -> str:
    """Return the id of the machine that an instance has in its task's own cluster."""
    return "i-" + _letters(f"{job_id}/{task_name}/{number}")[:12]


def _letters(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:18]
