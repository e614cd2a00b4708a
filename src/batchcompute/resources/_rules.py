"""The rules that involve several fields of a description, and their helpers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batchcompute.errors import Problem
from batchcompute.models.constraints import MAX_INSTANCES, Required, join
from batchcompute.models.problems import short_repr

if TYPE_CHECKING:
    from batchcompute.resources.app import AppDescription
    from batchcompute.resources.cluster import ClusterDescription, GroupDescription
    from batchcompute.resources.job import DAG
    from batchcompute.resources.task import AutoCluster, Command, TaskDescription

__all__: list[str] = []


def job_type_of(description: Any) -> str:
    """Return the type of a job, ``DAG`` or ``App``, from its description in any form.

    The old SDK took a DAG job without Priority for an App job (REST API, 11). Here ``Type`` decides. Without it, a
    description with ``App`` and without ``DAG`` is an App job.

    Args:
        description: A model or a mapping.
    """
    if not hasattr(description, "get"):
        return "DAG"
    kind = description.get("Type", description.get("type"))
    if kind is None and not (description.get("DAG") or description.get("dag")):
        return "App" if "App" in description or "app" in description else "DAG"
    return "App" if kind == "App" else "DAG"


def count_instances(tasks: Iterable[Any]) -> int:
    """Return the total number of instances of tasks."""
    return sum(task.instance_count or 0 for task in tasks)


def find_cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of a cycle, whose first and last are the same; empty if there is no cycle.

    Args:
        edges: For each task, the tasks that start after it.
    """
    finished: set[str] = set()
    for start in edges:
        # The depth-first search uses no recursion: a chain of tasks can be longer than the stack of Python.
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in finished:
            path.append(start)
            on_path.add(start)
            stack.append((start, iter(edges.get(start, ()))))
        while stack:
            node, followers = stack[-1]
            for follower in followers:
                if follower in on_path:
                    return [*path[path.index(follower) :], follower]
                if follower not in finished:
                    path.append(follower)
                    on_path.add(follower)
                    stack.append((follower, iter(edges.get(follower, ()))))
                    break
            else:
                stack.pop()
                path.pop()
                on_path.discard(node)
                finished.add(node)
    return []


# -- rules: each yields the problems of an object; ``at`` is its path ------------------------------


def dag_problems(dag: DAG, at: str) -> Iterator[Problem]:
    """Yield the problems between the tasks and the dependencies of a DAG."""
    count = count_instances(dag.tasks.values())
    if count > MAX_INSTANCES:
        allowed = f"may have at most {MAX_INSTANCES} instances"
        yield Problem(join(at, "Tasks"), f"{count} instances", allowed)
    unknown = False
    for key, followers in dag.dependencies.items():
        for name in (key, *followers):
            if name not in dag.tasks:
                unknown = True
                path = join(at, "Dependencies", key)
                yield Problem(path, short_repr(name), "is not a task of this DAG")
    loop = [] if unknown else find_cycle(dag.dependencies)
    if len(loop) == 2:
        yield Problem(
            join(at, "Dependencies", loop[0]),
            short_repr(loop[0]),
            "must not name the task itself",
            "cycle",
        )
    elif loop:
        yield Problem(join(at, "Dependencies"), " -> ".join(loop), "must not form a cycle", "cycle")


def command_problems(command: Command, at: str) -> Iterator[Problem]:
    """Yield a problem for each variable whose name is empty or contains ``=``."""
    for name in command.env_vars:
        if not name or "=" in name:
            yield Problem(join(at, "EnvVars"), short_repr(name), "must be a name without '='")


def task_problems(task: TaskDescription, at: str) -> Iterator[Problem]:
    """Yield a problem unless a task names machines by either its ClusterId or its AutoCluster."""
    if not task.cluster_id and "AutoCluster" not in task:
        path = join(at, "ClusterId")
        yield Problem(path, "", "one of ClusterId and AutoCluster is required", "missing")
    if task.cluster_id and "AutoCluster" in task and _names_machines(task.auto_cluster):
        allowed = "only one of ClusterId and AutoCluster may be given"
        yield Problem(join(at, "ClusterId"), short_repr(task.cluster_id), allowed)


def group_problems(group: GroupDescription, at: str) -> Iterator[Problem]:
    """Yield the problems of a group of a new cluster, which needs a number of machines."""
    required = Required("an integer in [0, 65536]")
    yield from required.problems(group.desired_vm_count, join(at, "DesiredVMCount"))


def cluster_problems(cluster: ClusterDescription, at: str) -> Iterator[Problem]:
    """Yield a problem if neither the cluster nor one of its groups has an image."""
    if not cluster.groups or not all(group.image_id for group in cluster.groups.values()):
        yield from Required("the id of an image").problems(cluster.image_id, join(at, "ImageId"))


def app_problems(app: AppDescription, at: str) -> Iterator[Problem]:
    """Yield a problem unless exactly one of Docker and VM has an image."""
    images = [bool(app.docker.image), bool(app.vm.ecs_image_id)]
    if all(images):
        yield Problem(join(at, "Docker"), "", "exactly one of Docker and VM is required")
    elif not any(images):
        # An empty image counts as missing: responses of the service have both fields, and one of them is empty.
        names = {(True, False): "Docker.Image", (False, True): "VM.ECSImageId"}
        name = names.get(("Docker" in app, "VM" in app), "Docker")
        expected = "an image; exactly one of Docker and VM has one"
        yield from Required(expected).problems("", join(at, name))


def _names_machines(cluster: AutoCluster) -> bool:
    # In its answers, the service fills an unused AutoCluster with empty strings (REST API, 2.1).
    return bool(cluster.instance_type or cluster.image_id or cluster.ecs_image_id or cluster.cluster_id)
