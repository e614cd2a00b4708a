"""The planner of attempts: it describes what an attempt runs, and what is staged, for any engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, NamedTuple

from batchcompute.runner.attempt_spec import AttemptSpec, Resources, Token
from batchcompute.runner.mappings import Mappings
from batchcompute.service.domain.names import auto_cluster_id, auto_machine_id, log_object
from batchcompute.service.domain.states import Key, next_of_failed
from batchcompute.service.domain.task_needs import (
    buckets_of_attempt,
    entries_of,
    image_of,
    inner,
    mappings_of,
    resources_of,
)
from batchcompute.service.objects.ownership import Buckets
from batchcompute.service.resolved_settings import ResolvedSettings
from batchcompute.service.store.database import Store
from batchcompute.service.workspaces.environment import environment

__all__: list[str] = []


class _Task(NamedTuple):
    """The common properties of all attempts of a task."""

    owner: str
    job_id: str
    name: str
    timeout: int
    parameters: dict[str, Any]
    mappings: Mappings
    image: str
    environment: dict[str, str]
    instance_type: str
    resources: Resources
    keep_on_failure: bool
    """Whether the working directories of failed instances are kept."""


class AttemptPlanner:
    """Plans attempts.

    Args:
        store: The database.
        storage_url: URL of object storage, as programs reach it.
        settings: The settings of the service.
        buckets: The rights of owners to buckets.
        owners: Returns all owners that have keys.
    """

    def __init__(
        self,
        store: Store,
        storage_url: str,
        settings: ResolvedSettings,
        buckets: Buckets,
        owners: Callable[[], Collection[str]],
    ) -> None:
        self.token_prefix: str = f"{store.id}-"
        """Prefix of the tokens of all attempts of this service."""
        self._store = store
        self._storage_url = storage_url
        self._settings = settings
        self._buckets = buckets
        self._owners = owners
        self._task = lru_cache(maxsize=256)(self._read_task)

    def forget(self) -> None:
        """Drop the cached tasks, because clusters have changed."""
        self._task.cache_clear()

    def new_token(self, key: Key) -> Token:
        """Return the token of a new attempt."""
        # It is random: every process with the token in its environment counts as a process of the attempt.
        return f"{self.token_prefix}{key[0]}-{key[1]}-{key[2]}-{secrets.token_hex(8)}"

    def is_live(self, token: Token) -> bool:
        """Return whether a text is the token of an attempt that has no recorded end."""
        if not token.startswith(self.token_prefix):
            return False
        parts = token.removeprefix(self.token_prefix).split("-")[:3]
        if len(parts) < 3 or not all(part.isascii() and part.isdigit() for part in parts):
            return False
        job, task, number = (int(part) for part in parts)
        with self._store.read() as transaction:
            return transaction.instances.state_of((job, task, number), token) is not None

    def _read_task(self, job: int, position: int) -> _Task:
        with self._store.read() as transaction:
            row = transaction.tasks.to_run(job, position)
        if row is None:
            raise LookupError(f"job {job} is gone")
        task: dict[str, Any] = row.description.detail()
        command = task["Parameters"]["Command"]
        image = image_of(command)
        cluster: dict[str, Any] = row.cluster_description.detail() if row.cluster_description else {}
        mounts = [
            *entries_of(inner(cluster, "Configs", "Mounts")),
            *entries_of(inner(task, "AutoCluster", "Configs", "Mounts")),
        ]
        # In a container, only the mounts of the task itself are visible (REST API, 5.3).
        mappings = mappings_of(task, [] if image else mounts)
        instance_type, resources = resources_of(task, cluster, self._settings.types)
        return _Task(
            row.owner,
            row.job_id,
            row.name,
            row.timeout,
            task["Parameters"],
            mappings,
            image,
            environment(
                job_id=row.job_id,
                task_name=row.name,
                cluster_id=row.cluster or auto_cluster_id(row.job_id, row.name),
                region=self._settings.region,
                oss_host=self._settings.oss_host or self._storage_url,
                env_vars=command.get("EnvVars") or {},
            ),
            instance_type,
            resources,
            bool(inner(task, "AutoCluster", "ReserveOnFail")),
        )

    def plan(self, key: Key, token: Token, worker: str) -> AttemptSpec:
        """Return the specification of an attempt.

        Args:
            key: The instance.
            token: Token of the attempt.
            worker: Id of the machine; empty for one of the task's own cluster.

        Raises:
            LookupError: The job does not exist any more.
        """
        task = self._task(*key[:2])
        number = key[2]
        owners = self._settings.isolation
        return AttemptSpec(
            token=token,
            job_id=task.job_id,
            task=task.name,
            number=number,
            owner=task.owner,
            command=str(task.parameters["Command"]["CommandLine"]),
            time_limit=task.timeout,
            environment={
                **task.environment,
                "BATCH_COMPUTE_DAG_INSTANCE_ID": str(number),
                "BATCH_COMPUTE_WORKER_ID": worker or auto_machine_id(task.job_id, task.name, number),
            },
            mappings=task.mappings,
            package=task.parameters["Command"].get("PackagePath") or "",
            image=task.image,
            stdout=self._stream(task, "stdout", number),
            stderr=self._stream(task, "stderr", number),
            instance_type=task.instance_type,
            resources=task.resources,
            separate=owners.is_strict(task.owner, self._owners()),
            keep_as=f"{task.job_id}.{task.name}.{number}"
            if task.keep_on_failure and self._is_last(key)
            else "",
        )

    def _is_last(self, key: Key) -> bool:
        """Return whether an instance is not retried if its next attempt fails."""
        with self._store.read() as transaction:
            history = transaction.instances.history(key)
        return history is None or next_of_failed(history.retries, history.max_retries) == "Failed"

    @staticmethod
    def _stream(task: _Task, stream: str, number: int) -> str:
        folder = task.parameters.get(f"{stream.capitalize()}RedirectPath") or ""
        return log_object(folder, stream, task.job_id, task.name, number)

    def permission(self, spec: AttemptSpec) -> str:
        """Return which bucket the owner of an attempt may not use any more; empty for none."""
        for bucket, writes in buckets_of_attempt(spec, self._settings.keep_mounts):
            if not self._buckets.may(spec.owner, bucket, writes):
                return f"The bucket {bucket} belongs to another owner, who has not granted access to it."
        return ""
