"""The contract of engines on a real Slurm cluster: unpacked, and packed with several attempts in each runner."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from batchcompute.runner.attempt_spec import Resources
from batchcompute.service.engines.base import AttemptSpec, Engine, Handle, Running
from batchcompute.service.engines.contract_suite import EngineContract
from batchcompute.service.engines.slurm import SlurmEngine
from batchcompute.service.engines.slurm.commands import Commands, UnreachableError
from tests.slurm.cluster import Cluster, carrying, wait_until
from tests.slurm.engines import make_engine

pytestmark = pytest.mark.long


class Outage(Commands):
    """Commands that fail while a switch is set, as those of a site whose controller is away."""

    is_down = False
    calls_failed = 0

    def _run(self, command: Sequence[str], script: str = "") -> str:
        if self.is_down:
            self.calls_failed += 1
            raise UnreachableError("squeue: Unable to contact slurm controller (connect failure)")
        return super()._run(command, script)


class SlurmContract(EngineContract):
    patience: ClassVar[float] = 60.0
    pause: ClassVar[float] = 0.1
    large: ClassVar[int] = 120
    options: ClassVar[dict[str, object]] = {}

    @pytest.fixture(autouse=True)
    def _own_cluster(self, cluster: Cluster, tmp_path: Path) -> Iterator[None]:
        """Prepare the hooks. pytest calls `setup_method` before fixtures, so the test begins here."""
        self.cluster, self.folder = cluster, tmp_path
        self.runs_of: list[Path] = []
        self.dead: list[str] = []
        super().setup_method()
        yield
        super().teardown_method()

    def setup_method(self) -> None:
        pass

    def teardown_method(self) -> None:
        pass

    def make_engine(self) -> Engine:
        return make_engine(
            self.cluster, self.folder / "shared", self.folder / "data", commands_class=Outage, **self.options
        )

    def restarted(self, engine: Engine) -> Engine:
        return self.make_engine()

    def crashed(self, engine: Engine) -> Engine:
        # The thread of a killed service ends without a word. Nothing else of the old engine is used again.
        assert isinstance(engine, SlurmEngine)
        engine.stop_thread()
        return self.make_engine()

    def pending_spec(self) -> AttemptSpec:
        return AttemptSpec(
            self.spec("true").token, "job", "held", 0, "owner", "exit 0", 60, instance_type="held"
        )

    def rejected_spec(self) -> AttemptSpec:
        spec = self.spec("true")
        return AttemptSpec(spec.token, "job", "task", 0, "owner", "exit 0", 60, resources=Resources(1000))

    def lose(self, handle: Handle) -> bool:
        status = self.engine.status([handle])[handle]
        assert isinstance(status, Running)
        self.cluster.kill_node(status.node)
        self.dead.append(status.node)
        # Slurm needs half a minute to notice the loss itself.
        self.cluster.run("scontrol", "update", f"nodename={status.node}", "state=down", "reason=lost")
        return True

    def times_run(self, spec: AttemptSpec) -> int:
        times = 0
        for path in (self.folder / "shared").rglob("records-*.jsonl"):
            records = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
            times += sum(entry["event"] == "started" and entry["token"] == spec.token for entry in records)
        return times

    def count_processes(self, marker: str) -> int:
        return len(carrying(marker))

    def begin_outage(self) -> bool:
        commands = self.engine._state.commands  # type: ignore[attr-defined]
        assert isinstance(commands, Outage)
        self.outage = commands
        commands.is_down = True
        wait_until(lambda: commands.calls_failed > 0, "a question has failed", 10)
        return True

    def end_outage(self) -> None:
        self.outage.is_down = False

    def clean_up(self) -> None:
        for node in self.dead:
            self.cluster.start_node(node)


class TestUnpacked(SlurmContract):
    options: ClassVar[dict[str, object]] = {"pack": 1, "types": {"held": {"sbatch": ["--hold"]}}}


class TestPacked(SlurmContract):
    options: ClassVar[dict[str, object]] = {
        "pack": 16,
        "parallel": 4,
        "types": {"held": {"sbatch": ["--hold"]}},
    }
