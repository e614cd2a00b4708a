"""Benchmark of the Slurm engine against Slurm itself, on a cluster of two nodes that it starts on this machine."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from tests.slurm.cluster import Cluster, missing_programs, running_cluster

from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.service.engines.base import Exited
from batchcompute.service.engines.slurm import SlurmEngine, SlurmSettings
from batchcompute.service.engines.slurm.commands import Commands
from benchmarks.common import Row

COUNT = 2000
PACK = 500
FLOOR = 400.0
OVERHEAD = 1.25


class _Site:
    """A cluster with an engine."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder

    def engine(self, name: str, pack: int) -> SlurmEngine:
        source = Path(__file__).parents[1] / "src"
        options = {
            "directory": str(self._folder / f"shared-{name}"),
            "python": shlex.quote(sys.executable),
            "setup": f"export PYTHONPATH={shlex.quote(str(source))}",
            "slots": 100_000,
            "pack": pack,
        }
        environment = {"PATH": os.environ["PATH"], "HOME": "/", **self._cluster.environment}
        settings = SlurmSettings.read(options)
        return SlurmEngine(settings, self._folder / f"data-{name}", name, commands=Commands(30, environment))

    def ours(self, name: str, command: str, count: int, pack: int) -> float:
        """Return the seconds that instances take with the engine, which must have run each of them."""
        engine = self.engine(name, pack)
        engine.attach([])
        try:
            # The compiled modules of the runner are on disk, as after an installation.
            self._run(engine, "true", 8)
            return self._run(engine, command, count)
        finally:
            engine.close()

    @staticmethod
    def _run(engine: SlurmEngine, command: str, count: int) -> float:
        job = uuid.uuid4().hex
        specs = [
            AttemptSpec(f"{job}-{number}", job, "task", number, "owner", command, 600.0)
            for number in range(count)
        ]
        start = time.perf_counter()
        engine.submit(specs)
        handles = [spec.token for spec in specs]
        while True:
            statuses = engine.status(handles)
            ends = [status for status in statuses.values() if isinstance(status, Exited)]
            if len(ends) == count:
                break
            time.sleep(0.01)
        took = time.perf_counter() - start
        assert all(end.code == 0 for end in ends)
        engine.forget(handles)
        return took

    def raw(self, name: str, command: str, count: int, pack: int) -> float:
        """Return the seconds that a job array takes whose elements are loops of shell that write exit codes."""
        folder = self._folder / f"raw-{name}"
        folder.mkdir()
        elements = count // pack
        script = (
            f"i=0; while [ $i -lt {pack} ]; do sh -c {shlex.quote(command)}; echo $?; i=$((i+1)); done"
            f" > {folder}/$SLURM_ARRAY_TASK_ID.new; mv {folder}/$SLURM_ARRAY_TASK_ID.new {folder}/$SLURM_ARRAY_TASK_ID"
        )
        start = time.perf_counter()
        self._cluster.run("sbatch", "--output=/dev/null", f"--array=0-{elements - 1}", "--wrap", script)
        paths = [folder / str(number) for number in range(elements)]
        while not all(path.exists() for path in paths):
            time.sleep(0.01)
        took = time.perf_counter() - start
        codes = [code for path in paths for code in path.read_text().split()]
        assert codes == ["0"] * (elements * pack)
        return took


def slurm() -> Iterable[Row]:
    missing = missing_programs()
    if missing:
        return
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as directory,
        running_cluster(Path(directory) / "cluster") as cluster,
    ):
        site = _Site(cluster, Path(directory))
        alone = 200 / site.raw("alone", "true", 200, 1)
        raw = COUNT / site.raw("packed", "true", COUNT, PACK)
        packed = COUNT / site.ours("packed", "true", COUNT, PACK)
        chosen = COUNT / site.ours("chosen", "true", COUNT, 0)
        # As many elements at a time as a small node has cores: each starts a Python.
        seconds = 320
        theirs = site.raw("seconds", "sleep 1", seconds, 20)
        ours = site.ours("seconds", "sleep 1", seconds, 20)
    yield Row(
        f"Slurm: {COUNT:,} no-op instances, {PACK} in an element",
        f"{packed:.0f}/s (a loop of shell in each element: {raw:.0f}/s; an element for each: {alone:.0f}/s)",
        f">= {FLOOR:.0f}/s",
        packed >= FLOOR,
    )
    yield Row(
        "Slurm: the same, packing chosen by the engine",
        f"{chosen:.0f}/s, {chosen / alone:.1f} x an element for each",
        ">= 2 x",
        chosen >= 2 * alone,
    )
    ratio = ours / theirs
    yield Row(
        f"Slurm: {seconds} instances of 1 s, 20 in an element, over a loop of shell",
        f"{ratio:.2f} x ({ours:.1f} / {theirs:.1f} s)",
        f"<= {OVERHEAD:g} x",
        ratio <= OVERHEAD,
    )
