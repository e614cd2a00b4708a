"""Helpers of the tests of the Dask engine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from batchcompute.service.clock import SYSTEM_CLOCK
from batchcompute.service.engines.base import AttemptSpec, Engine
from batchcompute.service.engines.context import EngineContext
from batchcompute.service.engines.contract_harness import EngineHarness
from batchcompute.service.engines.dask.engine import DaskEngine

from .cluster import DaskCluster, processes_with

PREFIX = f"dask-test-{os.getpid()}-"
"""Other tests on this machine end the attempts that have another prefix."""


def context(
    folder: Path, options: Mapping[str, object], *, prefix: str = PREFIX, slots: int = 8
) -> EngineContext:
    nothing = cast("Any", None)
    return EngineContext(
        folder, prefix, slots, nothing, nothing, nothing, nothing, nothing, nothing, SYSTEM_CLOCK, options,
        lambda _: "grant", lambda: "", {},
    )  # fmt: skip


def until(condition: Callable[[], object], text: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {text}"
        time.sleep(0.02)


class DaskHarness(EngineHarness):
    """The hooks for a cluster that exists."""

    cluster: ClassVar[DaskCluster]
    options: ClassVar[Mapping[str, object]] = {"resources": {"ecs.nowhere": {"UNOBTAINABLE": 1.0}}}
    large = 500

    def _context(self) -> EngineContext:
        folder = self.cluster.folder
        return context(
            folder, {"scheduler": self.cluster.address, "work": str(folder / "work"), **self.options}
        )

    def make_engine(self) -> DaskEngine:
        return DaskEngine.create(self._context())

    def restarted(self, engine: Engine) -> DaskEngine:
        return self.make_engine()

    def crashed(self, engine: Engine) -> DaskEngine:
        # A service that was killed says nothing to the scheduler.
        assert isinstance(engine, DaskEngine)
        state, client = engine._state, engine._connection.client
        with state.lock:
            state.closing = True
            state.lock.notify_all()
        client.loop.add_callback(client.scheduler_comm.abort)
        return self.make_engine()

    def spec(
        self, command: str, *, time_limit: float = 600.0, environment: Mapping[str, str] | None = None
    ) -> AttemptSpec:
        spec = super().spec(command, time_limit=time_limit, environment=environment)
        return spec._replace(token=f"{PREFIX}{spec.token}")

    def pending_spec(self) -> AttemptSpec:
        return self.spec("exit 0")._replace(instance_type="ecs.nowhere")

    def rejected_spec(self) -> AttemptSpec:
        return self.spec("exit 0")._replace(stdout="oss://logs/stdout.txt")

    def worker_pid(self, handle: str) -> int:
        engine = cast("DaskEngine", self.engine)
        address = engine._state.entries[handle].worker
        return int(engine._connection.client.run(os.getpid, workers=[address])[address])

    def lose(self, handle: str) -> bool:
        os.kill(self.worker_pid(handle), signal.SIGKILL)
        return True

    def count_processes(self, marker: str) -> int:
        return len(processes_with(marker))

    def begin_outage(self) -> bool:
        self.cluster.signal_scheduler(signal.SIGSTOP)
        return True

    def end_outage(self) -> None:
        self.cluster.signal_scheduler(signal.SIGCONT)
