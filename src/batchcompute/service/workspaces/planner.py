"""The planner of attempts: it decides what an attempt runs and what is staged, before any file is made."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchcompute.errors import ValidationError
from batchcompute.runner import sandbox
from batchcompute.runner.environment import inherited_environment
from batchcompute.runner.file_system_view import emptied, resolver
from batchcompute.runner.mappings import Mappings
from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import Root, RootedFile
from batchcompute.runner.shim import is_long
from batchcompute.runner.spec import Isolation, ProcessSpec, User
from batchcompute.runner.staging import ROOT_VARIABLE
from batchcompute.runner.staging_plan import BindMount, StagingPlan
from batchcompute.service.domain.mappings import entries_of, inner, mappings_of
from batchcompute.service.domain.names import auto_cluster_id, auto_machine_id, log_object
from batchcompute.service.domain.states import Key
from batchcompute.service.domain.task_needs import buckets_of, image_of
from batchcompute.service.store.database import Store
from batchcompute.service.workspaces.attempt import Attempt
from batchcompute.service.workspaces.environment import environment
from batchcompute.service.workspaces.mounts import MountOptions, plan_mounts
from batchcompute.service.workspaces.names import tree_of, workdir_of

if TYPE_CHECKING:
    from batchcompute.service.isolation import Account
    from batchcompute.service.objects.base import ObjectStore
    from batchcompute.service.objects.ownership import Buckets
    from batchcompute.service.resolved_settings import ResolvedSettings

__all__: list[str] = []

_STREAMS = ("stdout", "stderr")

_SCRIPT = "/.batchcompute-command"
"""Path of the file that contains a long command, as a program in a sandbox or a container sees it."""


@dataclass(frozen=True, slots=True)
class _Task:
    """The common properties of all attempts of a task."""

    owner: str
    job_id: str
    name: str
    cluster: str
    timeout: int
    parameters: dict[str, Any]
    mappings: Mappings
    image: str
    environment: dict[str, str]
    keep_on_failure: bool
    """Whether the working directories of failed instances are kept."""
    buckets: frozenset[tuple[str, bool]]
    """The buckets that the task needs, each with whether the task writes to it."""


class AttemptPlanner:
    """Plans attempts.

    Args:
        store: The database.
        objects: Object storage.
        work: Directory for the files of attempts.
        kept: Directory for working directories that are kept after a failure.
        settings: The settings of the service.
        buckets: The rights of owners to buckets.
        owners: Returns all owners that have keys.
    """

    def __init__(
        self,
        store: Store,
        objects: ObjectStore,
        work: Root,
        kept: Path,
        settings: ResolvedSettings,
        buckets: Buckets,
        owners: Callable[[], Collection[str]],
    ) -> None:
        self.token_prefix: str = f"{store.id}-"
        """Prefix of the tokens of all attempts of this service."""
        self.work: Root = work
        """Directory for the files of new attempts."""
        self._store = store
        self._objects = objects
        self._kept = kept
        self._settings = settings
        self._buckets = buckets
        self._owners = owners
        self._machine = inherited_environment()
        self._earlier_roots: dict[str, Root] = {}
        self._task = lru_cache(maxsize=256)(self._read_task)

    def forget(self) -> None:
        """Drop the cached tasks, because clusters have changed."""
        self._task.cache_clear()

    def close(self) -> None:
        """Close the directories of earlier services."""
        for root in self._earlier_roots.values():
            root.close()

    def _root_of(self, work: str) -> Root:
        # An earlier service may have had another directory.
        if not work or work == str(self.work.path):
            return self.work
        if work not in self._earlier_roots:
            self._earlier_roots[work] = Root(Path(work))
        return self._earlier_roots[work]

    def new_token(self, key: Key) -> str:
        """Return the token of a new attempt."""
        # It is random: every process with the token in its environment counts as a process of the attempt.
        return f"{self.token_prefix}{key[0]}-{key[1]}-{key[2]}-{secrets.token_hex(8)}"

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
        cluster_id = row.cluster or auto_cluster_id(row.job_id, row.name)
        return _Task(
            row.owner,
            row.job_id,
            row.name,
            row.cluster,
            row.timeout,
            task["Parameters"],
            mappings,
            image,
            environment(
                {} if image else self._machine,
                job_id=row.job_id,
                task_name=row.name,
                cluster_id=cluster_id,
                region=self._settings.region,
                oss_host=self._settings.oss_host or self._objects.describe(),
                env_vars=command.get("EnvVars") or {},
            ),
            bool(inner(task, "AutoCluster", "ReserveOnFail")),
            buckets_of(mappings, task["Parameters"], self._settings.keep_mounts),
        )

    def plan(
        self, key: Key, token: str, worker: str, isolation: Isolation | None = None, work: str = ""
    ) -> Attempt:
        """Return the plan of an attempt. If the attempt cannot start, its `problem` says why.

        Args:
            key: The instance.
            token: Token of the attempt.
            worker: Id of the machine; empty for one of the task's own cluster.
            isolation: The isolation of an attempt that was started before; None to choose it.
            work: The directory of an attempt that was started before; empty for the current one.

        Raises:
            LookupError: The job does not exist any more.
            OSError: The directory of the attempt does not exist any more, or the machine is short of resources.
        """
        task = self._task(*key[:2])
        root = self._root_of(work)
        owners = self._settings.isolation
        account = owners.run_as.get(task.owner)
        user = account.user if account else None
        strict = owners.is_strict(task.owner, self._owners())
        isolation = isolation or self._choose_isolation(task, user, strict)
        plan = StagingPlan(root.where(tree_of(token)))
        problem = self._isolation_problem(task, isolation, user, strict) or self.denied(
            task.owner, task.buckets
        )
        outputs: list[RootedFile | None] = [root.file(f"{token}.{stream}") for stream in _STREAMS]
        try:
            if isolation != "none":
                plan = self._plan(task, key, plan.tree, isolation, account, strict)
            outputs, plan = self._streams(task, key, root, token, plan)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            # For example a link in the object storage. Only this instance fails.
            problem = f"The mappings cannot be made: {error}"
        variables = self._variables(task, key, worker, account)
        note = ""
        if isolation == "prefix":
            variables[ROOT_VARIABLE] = str(plan.tree)
            reason = sandbox.probe(user).reason or "the sandbox is switched off"
            note = f"Mappings are below ${ROOT_VARIABLE}, and not at their literal paths: {reason}."
        command = line = str(task.parameters["Command"]["CommandLine"])
        script = root.file(f"{token}.command") if is_long(command) else None
        if script is not None:
            line = f". {shlex.quote(str(script.path))}"
            if isolation in ("sandbox", "container"):
                line = f". {_SCRIPT}"
                plan = plan.with_mount(BindMount(script.path, _SCRIPT, writable=False, is_folder=False))
        process = ProcessSpec(
            token=token,
            command=line,
            directory=root.where(workdir_of(token, isolation)),
            environment=variables,
            stdout=outputs[0],
            stderr=outputs[1],
            exit_file=root.file(f"{token}.exit"),
            max_file_size=self._settings.max_file_size,
            user=user,
        )
        return Attempt(
            key=key,
            process=process,
            work=root,
            timeout=task.timeout,
            mappings=task.mappings,
            plan=plan,
            package=task.parameters["Command"].get("PackagePath") or "",
            isolation=isolation,
            image=task.image,
            note=note,
            problem=problem,
            account=account,
            strict=strict,
            owner=task.owner,
            buckets=task.buckets,
            keep_at=str(self._kept / f"{task.job_id}.{task.name}.{key[2]}") if task.keep_on_failure else "",
            script=script,
            script_content=command if script else "",
        )

    @staticmethod
    def _isolation_problem(task: _Task, isolation: Isolation, user: User | None, strict: bool) -> str:
        """Return why a program cannot be separated from those of other owners; empty if it can, or need not be."""
        if not strict or task.image:
            return ""
        support = sandbox.probe(user)
        if isolation == "sandbox" and support.processes:
            return ""
        reason = support.reason or "the sandbox is switched off, or has no process namespace"
        return f"Programs of owner {task.owner} cannot be kept apart from those of others: {reason}."

    @staticmethod
    def _variables(task: _Task, key: Key, worker: str, account: Account | None) -> dict[str, str]:
        variables = {
            **task.environment,
            "BATCH_COMPUTE_DAG_INSTANCE_ID": str(key[2]),
            "BATCH_COMPUTE_WORKER_ID": worker or auto_machine_id(task.job_id, task.name, key[2]),
        }
        if account is not None:
            variables |= {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
        return variables

    def denied(self, owner: str, buckets: Collection[tuple[str, bool]]) -> str:
        """Return which bucket an owner may not use any more; empty for none."""
        for bucket, writes in buckets:
            if not self._buckets.may(owner, bucket, writes):
                return f"The bucket {bucket} belongs to another owner, who has not granted access to it."
        return ""

    def _plan(
        self, task: _Task, key: Key, tree: Path, isolation: Isolation, account: Account | None, strict: bool
    ) -> StagingPlan:
        is_separated = strict or account is not None
        options = MountOptions(
            isolation,
            f"{task.job_id}.{task.name}.{key[2]}",
            # If owners are separated, no program writes to the object storage: it could make links for later programs.
            keep_mounts=self._settings.keep_mounts and not strict,
            bind_logs=isolation != "prefix" and not is_separated,
            # Another Unix user cannot read the files of the object storage.
            copy_all=account is not None,
            resolve=resolver(emptied(self._settings.hidden, strict)) if isolation == "sandbox" else str,
        )
        return plan_mounts(task.mappings, tree, self._objects, options)

    def _choose_isolation(self, task: _Task, user: User | None, strict: bool) -> Isolation:
        if task.image:
            return "container"
        mode = self._settings.sandbox
        wanted = mode == "always" or (mode != "never" and (strict or task.mappings))
        if wanted and sandbox.probe(user).usable:
            return "sandbox"
        return "prefix" if task.mappings else "none"

    def _streams(
        self, task: _Task, key: Key, root: Root, token: str, plan: StagingPlan
    ) -> tuple[list[RootedFile | None], StagingPlan]:
        """Return the files of stdout and stderr, and the plan with the logs that are uploaded."""
        outputs: list[RootedFile | None] = []
        for stream in _STREAMS:
            folder = task.parameters.get(f"{stream.capitalize()}RedirectPath") or ""
            url = log_object(folder, stream, task.job_id, task.name, key[2])
            local = self._objects.log_file(url) if url else None
            if not url and stream == "stdout":
                # Nobody can read this output. The end of stderr becomes a part of the result.
                local = None
            elif local is None:
                local = root.file(f"{token}.{stream}")
                if url:
                    plan = plan.with_log(local.path, url, stream)
            outputs.append(local)
        return outputs, plan
