"""What the service fills into descriptions, and what it refuses beyond the model's own rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from batchcompute._problems import shown
from batchcompute.errors import Problem, ValidationError
from batchcompute.resources import JobDescription, TaskDescription

__all__: list[str] = []

NO_NOTIFICATION: Final[Mapping[str, Any]] = {"Topic": {"Name": "", "Endpoint": "", "Events": []}}
"""The vendor's command line dies where ``Notification.Topic`` is not in the answer (reference, 2.1)."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NOT_SERVED = (
    ("InputMapping", "input mappings are"),
    ("OutputMapping", "output mappings are"),
    ("LogMapping", "log mappings are"),
)


def check_ascii(name: str | None, path: str) -> None:
    """Refuse a name that the client let pass: it may hold letters that the service does not take.

    Raises:
        ValidationError: It does.
    """
    if name and not _NAME.fullmatch(name):
        allowed = "may only hold [A-Za-z0-9_-]"
        raise ValidationError([Problem(path, shown(name), allowed)])


def job_description(body: Mapping[str, Any]) -> JobDescription:
    """Read the description of a DAG job, check it, and fill in the service's defaults.

    Raises:
        ValidationError: It is refused, with every problem at once.
    """
    description = JobDescription(body)
    description.validate()
    problems = list(_further(description))
    if problems:
        raise ValidationError(problems)
    if "Description" not in body:
        # The model's own default names the Python SDK, which need not have sent this.
        description.description = ""
    if "Priority" not in description:
        description.priority = 0
    if "Notification" not in description:
        description.notification = NO_NOTIFICATION
    for task in description.dag.tasks.values():
        if "ClusterId" not in task:
            task.cluster_id = ""
        if "WriteSupport" not in task:
            task.write_support = False
    return description


def _further(description: JobDescription) -> Iterator[Problem]:
    """What this service cannot do is refused, never silently left out."""
    if description.name and not _NAME.fullmatch(description.name):
        yield Problem("Name", shown(description.name), "may only hold [A-Za-z0-9_-]")
    for name, task in description.dag.tasks.items():
        at = f"DAG.Tasks.{name}"
        if not _NAME.fullmatch(name):
            yield Problem(at, shown(name), "may only hold [A-Za-z0-9_-]")
        yield from _not_served(task, at)


def _not_served(task: TaskDescription, at: str) -> Iterator[Problem]:
    for field, what in _NOT_SERVED:
        if task[field]:
            allowed = f"must be empty: {what} not served by this version of the local service"
            yield Problem(f"{at}.{field}", shown(dict(task[field])), allowed)
    if "Mounts" in task and task.mounts.entries:
        allowed = "must be empty: mounts are not served by this version of the local service"
        yield Problem(f"{at}.Mounts", "", allowed)
    if task.parameters.command.docker.image:
        image = task.parameters.command.docker.image
        allowed = "must be empty: no container runtime is served by this version of the local service"
        yield Problem(f"{at}.Parameters.Command.Docker.Image", shown(image), allowed)
    for field in ("StdoutRedirectPath", "StderrRedirectPath"):
        place = task.parameters[field]
        if place and not (place.startswith("oss://") and ".." not in place.split("/")):
            allowed = "must be a directory like oss://bucket/logs/"
            yield Problem(f"{at}.Parameters.{field}", shown(place), allowed)
    package = task.parameters.command.package_path
    if package and not package.startswith("oss://"):
        allowed = "must be an object like oss://bucket/worker.tar.gz"
        yield Problem(f"{at}.Parameters.Command.PackagePath", shown(package), allowed)
