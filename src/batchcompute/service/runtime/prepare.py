"""Making an attempt ready: its token, directory, package, environment and output files."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from batchcompute.errors import ValidationError
from batchcompute.service.engines.base import InstanceStart
from batchcompute.service.objects.directory import DirectoryStore
from batchcompute.service.runtime.command import Outcome
from batchcompute.service.runtime.environment import environment, from_machine
from batchcompute.service.runtime.package import PackageError, unpack
from batchcompute.service.store import Store, load

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.runtime")


@dataclass(slots=True)
class Prepared:
    """An attempt that is ready to start, or the reason why it cannot."""

    token: str
    start: InstanceStart
    timeout: float
    """Seconds that it may take."""
    failure: Outcome | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    job_id: str
    name: str
    cluster: str
    timeout: int
    description: dict[str, Any]


def log_place(directory: str, stream: str, job_id: str, task_name: str, number: int) -> str:
    """Return the object that holds an instance's output (reference, 5.4); empty for none."""
    if not directory:
        return ""
    return f"{directory.rstrip('/')}/{stream}.{job_id}.{task_name}.{number}"


class Preparer:
    """Makes attempts ready to run.

    Args:
        store: The database.
        objects: Object storage.
        work: Directory for working directories and exit files.
        region: Id of the region, for the programs' environment.
    """

    def __init__(self, store: Store, objects: DirectoryStore, work: Path, region: str) -> None:
        self.family: str = f"{store.id}-"
        """What the tokens of all attempts of this service begin with."""
        self._store = store
        self._objects = objects
        self._work = work
        self._region = region
        self._machine = from_machine()
        self._task = lru_cache(maxsize=256)(self._read_task)
        self._rubbish: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._cleaner = threading.Thread(target=self._clean, name="batchcompute-cleaner", daemon=True)
        self._cleaner.start()

    def _read_task(self, job: int, position: int) -> _Task:
        with self._store.read() as db:
            row = db.execute(
                "SELECT j.id, j.description, t.name, t.cluster, t.timeout FROM jobs j JOIN tasks t ON t.job = j.seq "
                "WHERE j.seq = ? AND t.position = ?",
                (job, position),
            ).fetchone()
        if row is None:
            raise LookupError(f"job {job} is gone")
        description = load(row["description"])["DAG"]["Tasks"][row["name"]]
        return _Task(row["id"], row["name"], row["cluster"], row["timeout"], description)

    def describe(self, key: tuple[int, int, int], token: str) -> InstanceStart:
        """Return what belongs to an attempt, without making any of it."""
        task = self._task(*key[:2])
        parameters = task.description["Parameters"]
        directory = self._work / token
        outputs: list[Path] = []
        for stream in ("stdout", "stderr"):
            folder = parameters.get(f"{stream.capitalize()}RedirectPath") or ""
            place = log_place(folder, stream, task.job_id, task.name, key[2])
            outputs.append(self._objects.path(place) if place else self._work / f"{token}.{stream}")
        return InstanceStart(
            token=token,
            command=parameters["Command"]["CommandLine"],
            directory=directory,
            environment=environment(
                self._machine,
                job_id=task.job_id,
                task_name=task.name,
                instance_id=key[2],
                cluster_id=task.cluster,
                worker_id="i-local",
                region=self._region,
                oss_host=self._objects.root.as_uri(),
                env_vars=parameters["Command"].get("EnvVars") or {},
            ),
            stdout=outputs[0],
            stderr=outputs[1],
            exit_file=self._work / f"{token}.exit",
        )

    def prepare(self, key: tuple[int, int, int]) -> Prepared:
        """Make the next attempt of an instance ready.

        Raises:
            LookupError: Its job is gone.
        """
        with self._store.read() as db:
            row = db.execute(
                "SELECT attempt FROM instances WHERE job = ? AND task = ? AND number = ?", key
            ).fetchone()
        if row is None:
            raise LookupError(f"instance {key} is gone")
        token = self.family + "-".join(str(part) for part in (*key, row["attempt"]))
        start = self.describe(key, token)
        task = self._task(*key[:2])
        prepared = Prepared(token, start, task.timeout)
        try:
            self._make(start, task)
        except (PackageError, ValidationError) as error:
            prepared.failure = Outcome(1, "PackageError", str(error))
        except OSError as error:
            prepared.failure = Outcome(1, "OutputError", f"The output cannot be written: {error}")
        except Exception as error:  # noqa: BLE001
            # Whatever it is about this one instance, it must not keep the others from running.
            _log.exception("instance %s cannot be made ready", token)
            prepared.failure = Outcome(1, "StartFailed", f"The instance cannot be made ready: {error}")
        return prepared

    def _make(self, start: InstanceStart, task: _Task) -> None:
        shutil.rmtree(start.directory, ignore_errors=True)
        start.directory.mkdir(parents=True)
        for path in (start.stdout, start.stderr):
            path.parent.mkdir(parents=True, exist_ok=True)
        package = task.description["Parameters"]["Command"].get("PackagePath") or ""
        if package:
            unpack(self._objects.path(package), package, start.directory)

    def time_left(self, key: tuple[int, int, int], started: str) -> float:
        """Return the seconds that an attempt which started then may still take."""
        elapsed = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
        return max(0.0, self._task(*key[:2]).timeout - elapsed)

    def clean(self, directory: Path) -> None:
        """Remove what an attempt leaves on the machine, in the background.

        Removing many directories at once slows everything else on the disk by several times
        (local-service 4.2), so one thread does it in its own time.
        """
        self._rubbish.put(directory)

    def clean_all_but(self, tokens: Collection[str]) -> None:
        """Remove what earlier services left behind, save for attempts that still run."""
        for path in self._work.iterdir():
            token = path.name.partition(".")[0]
            if token not in tokens:
                self.clean(self._work / token)

    def _clean(self) -> None:
        while (directory := self._rubbish.get()) is not None:
            try:
                # Most programs leave nothing; only the others need the slow way.
                os.rmdir(directory)  # noqa: PTH106
            except OSError:
                shutil.rmtree(directory, ignore_errors=True)
            for suffix in ("exit", "stdout", "stderr"):
                with contextlib.suppress(OSError):
                    os.unlink(f"{directory}.{suffix}")  # noqa: PTH108

    def close(self) -> None:
        """Finish cleaning."""
        self._rubbish.put(None)
        self._cleaner.join()


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
