"""The defaults of descriptions, and the checks of the service beyond those of the models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from batchcompute import resources
from batchcompute.errors import Problem, ValidationError
from batchcompute.models.constraints import MAX_INSTANCES
from batchcompute.models.problems import short_repr
from batchcompute.resources._rules import count_instances
from batchcompute.runner.environment import environment_size
from batchcompute.runner.object_urls import split_object_url
from batchcompute.service.domain.task_needs import image_of, mapping_problems, mount_problems
from batchcompute.service.errors import ApiError

__all__: list[str] = []

NO_NOTIFICATION: Final[Mapping[str, Any]] = {"Topic": {"Name": "", "Endpoint": "", "Events": []}}
"""The vendor's command line fails if a response has no ``Notification.Topic`` (REST API, 2.1)."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def check_ascii(name: str | None, path: str) -> None:
    """Check that a name contains ASCII characters only. The models also accept other letters.

    Raises:
        ValidationError: The name contains other characters.
    """
    if name and not _NAME.fullmatch(name):
        allowed = "may only hold [A-Za-z0-9_-]"
        raise ValidationError([Problem(path, short_repr(name), allowed)])


class Platform(NamedTuple):
    """The limits of the machine of the service."""

    variable_bytes: Callable[[], int]
    """Returns the bytes that all environment variables of a program may have, with their names."""
    container_problem: Callable[[], str]
    """Returns why containers cannot run; empty if they can."""


def job_description(body: Mapping[str, Any], platform: Platform) -> resources.JobDescription:
    """Return the checked description of a DAG job, with the service's defaults.

    Args:
        body: The description in the request.
        platform: The limits of the machine.

    Raises:
        ApiError: The job has too many instances.
        ValidationError: The description is invalid. The error has all problems.
    """
    description = resources.JobDescription(body)
    if count_instances(description.dag.tasks.values()) > MAX_INSTANCES:
        raise ApiError(403, "QuotaExhausted", f"The InstanceCount ({MAX_INSTANCES}) quota is exhausted.")
    description.validate()
    problems = list(_problems_of(description, platform))
    if problems:
        raise ValidationError(problems)
    _fill(description, body)
    for task in description.dag.tasks.values():
        if "ClusterId" not in task:
            task.cluster_id = ""
        if "WriteSupport" not in task:
            task.write_support = False
    return description


def service_problems(description: resources.JobDescription, platform: Platform) -> list[Problem]:
    """Return the problems of a DAG job that only the service finds.

    Args:
        description: The description; its own checks need not have passed.
        platform: The limits of the machine.
    """
    return list(_problems_of(description, platform))


def app_job_description(body: Mapping[str, Any]) -> resources.AppJobDescription:
    """Read the description of an App job, check it, and fill in the service's defaults.

    Raises:
        ValidationError: It is refused, with every problem at once.
    """
    description = resources.AppJobDescription({"Type": "App", **body})
    description.validate()
    check_ascii(description.name, "Name")
    _fill(description, body)
    if "JobFailOnInstanceFail" not in description:
        description.job_fail_on_instance_fail = True
    if "AutoRelease" not in description:
        description.auto_release = False
    return description


def _fill(
    description: resources.JobDescription | resources.AppJobDescription, body: Mapping[str, Any]
) -> None:
    """Fill in what both kinds of jobs have by default."""
    if "Description" not in body:
        # The model's own default names the Python SDK, which need not have sent this.
        description.description = ""
    if "Priority" not in description:
        description.priority = 0
    if "Notification" not in description:
        description.notification = NO_NOTIFICATION


def _problems_of(description: resources.JobDescription, platform: Platform) -> Iterator[Problem]:
    # Features that this service does not support are refused, never ignored silently.
    if description.name and not _NAME.fullmatch(description.name):
        yield Problem("Name", short_repr(description.name), "may only hold [A-Za-z0-9_-]")
    for name, task in description.dag.tasks.items():
        at = f"DAG.Tasks.{name}"
        if not _NAME.fullmatch(name):
            yield Problem(at, short_repr(name), "may only hold [A-Za-z0-9_-]")
        yield from _task_problems(task, at, platform)


def _task_problems(task: resources.TaskDescription, at: str, platform: Platform) -> Iterator[Problem]:
    yield from mapping_problems(task.detail(), at)
    if "AutoCluster" in task and "Configs" in task.auto_cluster:
        mounts = task.auto_cluster.configs.detail().get("Mounts")
        yield from mount_problems(mounts, f"{at}.AutoCluster.Configs.Mounts")
    image = image_of(task.parameters.command.detail())
    if image.startswith("-"):
        # The command of the container runtime would read it as an option.
        yield Problem(
            f"{at}.Parameters.Command.Docker.Image", short_repr(image), "must be the name of an image"
        )
    elif image:
        problem = platform.container_problem()
        if problem:
            allowed = f"must be empty: no container runtime can be used on this machine ({problem})"
            yield Problem(f"{at}.Parameters.Command.Docker.Image", short_repr(image), allowed)
    for field in ("StdoutRedirectPath", "StderrRedirectPath"):
        if not _is_unset_or_url(task.parameters[field]):
            allowed = "must be a directory like oss://bucket/logs/"
            yield Problem(f"{at}.Parameters.{field}", short_repr(task.parameters[field]), allowed)
    command = task.parameters.command
    if command.env_vars:
        room, size = platform.variable_bytes(), environment_size(command.env_vars)
        if size > room:
            allowed = f"may hold at most {room} bytes on this machine, in all variables with their names"
            yield Problem(f"{at}.Parameters.Command.EnvVars", f"{size} bytes", allowed)
    if not _is_unset_or_url(command.package_path):
        allowed = "must be an object like oss://bucket/worker.tar.gz"
        yield Problem(f"{at}.Parameters.Command.PackagePath", short_repr(command.package_path), allowed)


def _is_unset_or_url(object_url: str | None) -> bool:
    """Return whether a field is not set, or is an object URL."""
    try:
        return not object_url or bool(split_object_url(object_url))
    except ValidationError:
        return False
