"""What an attempt of an instance is made of: told from the database, before any of it is made."""

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
from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import Root, RootedFile
from batchcompute.runner.shim import is_long
from batchcompute.runner.spec import Isolation, ProcessSpec, User
from batchcompute.runner.staging import ROOT_VARIABLE
from batchcompute.runner.staging_plan import BindMount, StagingPlan
from batchcompute.service.domain.mappings import Mappings, entries_of, inner, mappings_of
from batchcompute.service.domain.names import auto_cluster_id, auto_machine_id, log_object
from batchcompute.service.domain.states import Key
from batchcompute.service.domain.task_needs import buckets_of, image_of
from batchcompute.service.store.database import Store
from batchcompute.service.workspaces.attempt import Attempt
from batchcompute.service.workspaces.environment import environment
from batchcompute.service.workspaces.mounts import MountOptions, plan_mounts
from batchcompute.service.workspaces.names import (
    tree_of,
    workdir_of,
)

if TYPE_CHECKING:
    from batchcompute.service.isolation import Account
    from batchcompute.service.objects.base import ObjectStore
    from batchcompute.service.objects.ownership import Buckets
    from batchcompute.service.resolved_settings import ResolvedSettings

__all__: list[str] = []

STREAMS = ("stdout", "stderr")

SCRIPT = "/.batchcompute-command"
"""Where a program that has a file system of its own sees the file that holds its command, if that is long."""


@dataclass(frozen=True, slots=True)
class _Task:
    owner: str
    job_id: str
    name: str
    cluster: str
    timeout: int
    parameters: dict[str, Any]
    maps: Mappings
    image: str
    environment: dict[str, str]
    reserved: bool
    buckets: frozenset[tuple[str, bool]]
    """The buckets that it needs, and whether it writes to them."""


class AttemptPlanner:
    """Tells what attempts are made of.

    Args:
        store: The database.
        objects: Object storage.
        work: Directory for working directories and exit files.
        kept: Directory for the working directories that are kept after a failure.
        settings: How the service was set up.
        buckets: Who may do what with which bucket.
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
        """What the tokens of all attempts of this service begin with."""
        self.work: Root = work
        """Where new attempts work."""
        self._store = store
        self._objects = objects
        self._kept = kept
        self._settings = settings
        self._buckets = buckets
        self._owners = owners
        self._machine = inherited_environment()
        self._elsewhere: dict[str, Root] = {}
        self._task = lru_cache(maxsize=256)(self._read_task)

    def forget(self) -> None:
        """Read tasks anew: their clusters have changed."""
        self._task.cache_clear()

    def close(self) -> None:
        """Give back the directories in which earlier services worked."""
        for root in self._elsewhere.values():
            root.close()

    def _root_of(self, work: str) -> Root:
        # An earlier service may have worked elsewhere.
        if not work or work == str(self.work.path):
            return self.work
        if work not in self._elsewhere:
            self._elsewhere[work] = Root(Path(work))
        return self._elsewhere[work]

    def new_token(self, key: Key) -> str:
        """Name a new attempt."""
        # Nobody can guess it from another one: a process that has it in its environment is taken for this attempt's.
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
        # In a container, only the task's own mounts are seen (REST API, 5.3).
        maps = mappings_of(task, [] if image else mounts)
        cluster_id = row.cluster or auto_cluster_id(row.job_id, row.name)
        return _Task(
            row.owner,
            row.job_id,
            row.name,
            row.cluster,
            row.timeout,
            task["Parameters"],
            maps,
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
            buckets_of(maps, task["Parameters"], self._settings.keep_mounts),
        )

    def plan(
        self, key: Key, token: str, worker: str, isolation: Isolation | None = None, work: str = ""
    ) -> Attempt:
        """Return what an attempt is made of; one that cannot be made says why.

        Args:
            key: Its instance.
            token: Its name.
            worker: The machine that it runs on.
            isolation: How its program sees its mappings, if that was decided before.
            work: The directory that it works below, if it was made before.

        Raises:
            LookupError: Its job is gone.
            OSError: The directory that it worked below is gone.
        """
        task = self._task(*key[:2])
        root = self._root_of(work)
        owners = self._settings.isolation
        account = owners.run_as.get(task.owner)
        strict = owners.is_strict(task.owner, self._owners())
        variables = {
            **task.environment,
            "BATCH_COMPUTE_DAG_INSTANCE_ID": str(key[2]),
            "BATCH_COMPUTE_WORKER_ID": worker or auto_machine_id(task.job_id, task.name, key[2]),
        }
        if account is not None:
            variables |= {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
        user = account.user if account else None
        isolation = isolation or self._isolation(task, user, strict)
        plan, problem = StagingPlan(root.where(tree_of(token))), self.denied(task.owner, task.buckets)
        if strict and not task.image and (isolation != "sandbox" or not sandbox.probe(user).processes):
            reason = sandbox.probe(user).reason or "the sandbox is switched off, or cannot hide processes"
            problem = f"Programs of owner {task.owner} cannot be kept apart from those of others: {reason}."
        outputs: list[RootedFile | None] = [root.file(f"{token}.{stream}") for stream in STREAMS]
        try:
            if isolation != "none":
                plan = self._plan(task, key, plan.tree, isolation, account, strict)
            outputs, plan = self._streams(task, key, root, token, plan)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            # A link in the storage, for example. It is this instance's trouble only.
            problem = f"The mappings cannot be made: {error}"
        if isolation == "prefix":
            variables[ROOT_VARIABLE] = str(plan.tree)
        command = line = str(task.parameters["Command"]["CommandLine"])
        script = root.file(f"{token}.command") if is_long(command) else None
        if script is not None:
            line = f". {shlex.quote(str(script.path))}"
            if isolation in ("sandbox", "container"):
                line = f". {SCRIPT}"
                plan = plan.with_mount(BindMount(script.path, SCRIPT, False, False))
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
        package = task.parameters["Command"].get("PackagePath") or ""
        keep_at = str(self._kept / f"{task.job_id}.{task.name}.{key[2]}") if task.reserved else ""
        note = ""
        if isolation == "prefix":
            reason = sandbox.probe(user).reason or "the sandbox is switched off"
            note = f"Mappings are below ${ROOT_VARIABLE}, and not at their literal paths: {reason}."
        return Attempt(
            key,
            process,
            root,
            task.timeout,
            task.maps,
            plan,
            package,
            isolation,
            task.image,
            note,
            problem,
            account=account,
            strict=strict,
            owner=task.owner,
            buckets=task.buckets,
            keep_at=keep_at,
            script=script,
            script_content=command if script else "",
        )

    def denied(self, owner: str, buckets: Collection[tuple[str, bool]]) -> str:
        """Say which bucket an owner may not use any more; empty for none."""
        for bucket, writes in buckets:
            if not self._buckets.may(owner, bucket, writes):
                return f"The bucket {bucket} belongs to another owner, who has not granted access to it."
        return ""

    def _plan(
        self, task: _Task, key: Key, tree: Path, isolation: Isolation, account: Account | None, strict: bool
    ) -> StagingPlan:
        apart = strict or account is not None
        options = MountOptions(
            isolation,
            f"{task.job_id}.{task.name}.{key[2]}",
            # Where owners are kept apart, no program writes to the storage itself: it could lay a link for the next one.
            keep_mounts=self._settings.keep_mounts and not strict,
            bind_logs=isolation != "prefix" and not apart,
            # The files of the storage are of no use to another Unix user: everything is a copy.
            copy_all=account is not None,
            resolve=resolver(emptied(self._settings.hidden, strict)) if isolation == "sandbox" else str,
        )
        return plan_mounts(task.maps, tree, self._objects, options)

    def _isolation(self, task: _Task, user: User | None, strict: bool) -> Isolation:
        if task.image:
            return "container"
        mode = self._settings.sandbox
        wanted = mode == "always" or (mode != "never" and (strict or task.maps))
        if wanted and sandbox.probe(user).usable:
            return "sandbox"
        return "prefix" if task.maps else "none"

    def _streams(
        self, task: _Task, key: Key, root: Root, token: str, plan: StagingPlan
    ) -> tuple[list[RootedFile | None], StagingPlan]:
        """Return the files of stdout and stderr, and the plan with those that have to be uploaded."""
        outputs: list[RootedFile | None] = []
        for stream in STREAMS:
            folder = task.parameters.get(f"{stream.capitalize()}RedirectPath") or ""
            place = log_object(folder, stream, task.job_id, task.name, key[2])
            local = self._objects.log_file(place) if place else None
            if not place and stream == "stdout":
                # Nobody can ever ask for it; of errors, the end goes into the result.
                local = None
            elif local is None:
                local = root.file(f"{token}.{stream}")
                if place:
                    plan = plan.with_log(local.path, place, stream)
            outputs.append(local)
        return outputs, plan
