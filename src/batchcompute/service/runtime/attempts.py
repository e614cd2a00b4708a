"""What an attempt of an instance is made of: told from the database, before any of it is made."""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchcompute.errors import ValidationError
from batchcompute.service.engines.base import InstanceStart
from batchcompute.service.runtime import container, sandbox
from batchcompute.service.runtime.environment import environment, from_machine
from batchcompute.service.runtime.mappings import Mappings, Plan, entries_of, inner, mappings_of, plan_of
from batchcompute.service.runtime.stage import ROOT_VARIABLE, below
from batchcompute.service.store import Store, load

if TYPE_CHECKING:
    from batchcompute.service.objects.base import ObjectStore
    from batchcompute.service.settings import Settings

__all__: list[str] = []

Key = tuple[int, int, int]
"""Job, task and number of an instance."""

NOWHERE = Path(os.devnull)
"""Where output goes that nobody wants."""

STREAMS = ("stdout", "stderr")


@dataclass(slots=True)
class Attempt:
    """One attempt of an instance."""

    key: Key
    """Whose it is."""
    start: InstanceStart
    """What the engine gets."""
    timeout: float
    """Seconds that the program may take."""
    maps: Mappings
    """What it wants to see, and what it leaves."""
    plan: Plan
    """The same as files of this machine."""
    package: str
    """Place of its package; empty for none."""
    way: str
    """How mappings get to their paths: ``direct`` (there are none), ``box`` (bubblewrap), ``root`` (they
    are below a directory instead), or ``container``."""
    image: str = ""
    """Image of its container; empty for none."""
    note: str = ""
    """What its result says about the way."""
    problem: str = ""
    """Why it cannot be made; empty where it can."""
    late: bool = False
    """Whether its time was up."""
    abort: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for it any more: it was stopped, or lost its machine."""
    keep_at: str = ""
    """Where its working directory is kept if it fails for good; empty if it is not."""

    @property
    def token(self) -> str:
        """Its name."""
        return self.start.token

    @property
    def quick(self) -> bool:
        """Whether making it ready, and ending it, takes no longer than starting a thread would."""
        return not self.package and self.way == "direct" and not self.plan.deliveries and not self.problem

    @property
    def base(self) -> Path:
        """Directory for its mappings."""
        return base_of(self.start.directory)


def base_of(directory: Path) -> Path:
    """Return the directory for the mappings of an attempt, beside its working directory."""
    return directory.with_name(f"{directory.name}.maps")


@dataclass(frozen=True, slots=True)
class _Task:
    job_id: str
    name: str
    cluster: str
    timeout: int
    parameters: dict[str, Any]
    maps: Mappings
    image: str
    environment: dict[str, str]
    reserved: bool


def log_place(directory: str, stream: str, job_id: str, task_name: str, number: int) -> str:
    """Return the object that holds an instance's output (reference, 5.4); empty for none."""
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


class Describer:
    """Tells what attempts are made of.

    Args:
        store: The database.
        objects: Object storage.
        work: Directory for working directories and exit files.
        kept: Directory for the working directories that are kept after a failure.
        settings: How the service was set up.
    """

    def __init__(
        self, store: Store, objects: ObjectStore, work: Path, kept: Path, settings: Settings
    ) -> None:
        self.family: str = f"{store.id}-"
        """What the tokens of all attempts of this service begin with."""
        self._store = store
        self._objects = objects
        self._work = work
        self._kept = kept
        self._settings = settings
        self._machine = from_machine()
        # A token is never used twice, by no later service either: what an attempt that never started
        # left behind is cleaned by its name.
        self._run = secrets.token_hex(3)
        self._serial = itertools.count()
        self._task = lru_cache(maxsize=256)(self._read_task)

    def forget(self) -> None:
        """Read tasks anew: their clusters have changed."""
        self._task.cache_clear()

    def new_token(self, key: Key) -> str:
        """Name a new attempt."""
        return f"{self.family}{key[0]}-{key[1]}-{key[2]}-{self._run}{next(self._serial):x}"

    def _read_task(self, job: int, position: int) -> _Task:
        with self._store.read() as db:
            row = db.execute(
                "SELECT j.id, j.description, j.plan, t.name, t.cluster, t.timeout FROM jobs j "
                "JOIN tasks t ON t.job = j.seq WHERE j.seq = ? AND t.position = ?",
                (job, position),
            ).fetchone()
            if row is None:
                raise LookupError(f"job {job} is gone")
            found = db.execute("SELECT description FROM clusters WHERE id = ?", (row["cluster"],)).fetchone()
        task = load(row["plan"] or row["description"])["DAG"]["Tasks"][row["name"]]
        command = task["Parameters"]["Command"]
        image = container.image_of(command)
        cluster: dict[str, Any] = load(found["description"]) if found else {}
        mounts = [
            *entries_of(inner(cluster, "Configs", "Mounts")),
            *entries_of(inner(task, "AutoCluster", "Configs", "Mounts")),
        ]
        # In a container, only the task's own mounts are seen (reference, 5.3).
        maps = mappings_of(task, [] if image else mounts)
        cluster_id = row["cluster"] or auto_cluster_id(row["id"], row["name"])
        return _Task(
            row["id"],
            row["name"],
            row["cluster"],
            row["timeout"],
            task["Parameters"],
            maps,
            image,
            environment(
                {} if image else self._machine,
                job_id=row["id"],
                task_name=row["name"],
                cluster_id=cluster_id,
                region=self._settings.region,
                oss_host=self._settings.oss_host or self._objects.describe(),
                env_vars=command.get("EnvVars") or {},
            ),
            bool(inner(task, "AutoCluster", "ReserveOnFail")),
        )

    def describe(self, key: Key, token: str, worker: str, way: str = "") -> Attempt:
        """Return what an attempt is made of; one that cannot be made says why.

        Args:
            key: Its instance.
            token: Its name.
            worker: The machine that it runs on.
            way: How its mappings got to their paths, if it was made before; else that is decided now.

        Raises:
            LookupError: Its job is gone.
        """
        task = self._task(*key[:2])
        directory = self._work / token
        variables = {
            **task.environment,
            "BATCH_COMPUTE_DAG_INSTANCE_ID": str(key[2]),
            "BATCH_COMPUTE_WORKER_ID": worker or auto_machine_id(task.job_id, task.name, key[2]),
        }
        way = way or self._way(task)
        plan, problem = Plan(), ""
        outputs = [self._work / f"{token}.{stream}" for stream in STREAMS]
        try:
            plan = self._plan(task, key, directory, way)
            outputs, plan = self._streams(task, key, directory, plan)
        except (OSError, ValidationError) as error:
            # A link that somebody laid into the storage, for example. It is this instance's trouble only.
            problem = f"The mappings cannot be made: {error}"
        if way == "root":
            variables[ROOT_VARIABLE] = str(base_of(directory) / "root")
        start = InstanceStart(
            token=token,
            command=task.parameters["Command"]["CommandLine"],
            directory=directory,
            environment=variables,
            stdout=outputs[0],
            stderr=outputs[1],
            exit_file=self._work / f"{token}.exit",
            max_file_size=self._settings.max_file_size,
        )
        package = task.parameters["Command"].get("PackagePath") or ""
        keep_at = str(self._kept / f"{task.job_id}.{task.name}.{key[2]}") if task.reserved else ""
        note = ""
        if way == "root":
            reason = sandbox.probe().reason or "the sandbox is switched off"
            note = f"Mappings are below ${ROOT_VARIABLE}, and not at their literal paths: {reason}."
        return Attempt(
            key,
            start,
            task.timeout,
            task.maps,
            plan,
            package,
            way,
            task.image,
            note,
            problem,
            keep_at=keep_at,
        )

    def _plan(self, task: _Task, key: Key, directory: Path, way: str) -> Plan:
        if not task.maps:
            return Plan()
        base = base_of(directory)
        log_name = f"{task.job_id}.{task.name}.{key[2]}"
        keep, bind = self._settings.keep_mounts, way != "root"
        plan = plan_of(task.maps, base, self._objects, log_name, keep_mounts=keep, bind_logs=bind)
        return below(plan, base / "root") if way == "root" else plan

    def _way(self, task: _Task) -> str:
        if task.image:
            return "container"
        mode = self._settings.sandbox
        if (mode == "always" or (task.maps and mode != "never")) and sandbox.probe().usable:
            return "box"
        return "root" if task.maps else "direct"

    def _streams(self, task: _Task, key: Key, directory: Path, plan: Plan) -> tuple[list[Path], Plan]:
        """Return the files of stdout and stderr, and the plan with those that have to be brought away."""
        outputs: list[Path] = []
        for stream in STREAMS:
            folder = task.parameters.get(f"{stream.capitalize()}RedirectPath") or ""
            place = log_place(folder, stream, task.job_id, task.name, key[2])
            local = self._objects.local(place) if place else None
            if not place and stream == "stdout":
                # Nobody can ever ask for it; of errors, the end goes into the result.
                local = NOWHERE
            elif local is None:
                local = self._work / f"{directory.name}.{stream}"
                if place:
                    plan = plan.with_log(local, place, stream)
            outputs.append(local)
        return outputs, plan
