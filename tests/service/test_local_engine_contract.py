"""The contract of engines on the local engine, with real processes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from batchcompute.runner.layout import MachineOptions
from batchcompute.runner.records import Started
from batchcompute.runner.rooted import Root
from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Engine,
    Exited,
    Handle,
    Submission,
    Token,
)
from batchcompute.service.engines.contract_suite import EngineContract, failures_of
from batchcompute.service.engines.local import LocalEngine
from batchcompute.service.engines.local_records import LocalRecords
from batchcompute.service.objects.directory import DirectoryStore
from batchcompute.service.workspaces.cleanup import Cleaner
from batchcompute.service.workspaces.kept import KeptWorkdirs
from batchcompute.service.workspaces.local import LocalWorkspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="attempts are found again in /proc")


class TestLocalEngine(EngineContract):
    engine_class: type[LocalEngine] = LocalEngine
    large = 200
    patience = 20.0

    def make_engine(self) -> Engine:
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        for name in ("oss", "work", "kept"):
            (self.folder / name).mkdir()
        self.opened: list[LocalEngine] = []
        return self.restarted(None)

    def restarted(self, engine: Engine | None) -> Engine:
        storage = DirectoryStore(self.folder / "oss")
        work, kept = Root(self.folder / "work"), Root(self.folder / "kept")
        cleaner = Cleaner()
        for close in (storage.close, work.close, kept.close, cleaner.close):
            self.stack.callback(close)
        workspace = LocalWorkspace(
            storage, work, KeptWorkdirs(kept, cleaner), cleaner, MachineOptions(sandbox="never")
        )
        records = LocalRecords(self.folder / "records")
        made = self.engine_class(4, workspace, records, "contract-")
        self.opened.append(made)
        return made

    def crashed(self, engine: Engine) -> Engine:
        return self.restarted(engine)

    def times_run(self, spec: AttemptSpec) -> int:
        records = b"".join(path.read_bytes() for path in (self.folder / "records").iterdir())
        return records.count(b'"event":"started","token":"%s"' % spec.token.encode())

    def count_processes(self, marker: str) -> int:
        text = marker.encode()
        count = 0
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                count += text in path.read_bytes()
            except OSError:
                # The process has ended meanwhile.
                continue
        return count

    def clean_up(self) -> None:
        for engine in self.opened:
            engine.close()
        self.stack.close()


class Doubling(LocalEngine):
    """Starts an attempt again that is submitted again: its records say so."""

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        for spec in batch:
            if spec.token in self._entries:
                self._records.start(Started(spec.token), None)
        return super().submit(batch)


class Forgetful(LocalEngine):
    """Does not find attempts after a restart."""

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        super().attach([])
        return {attempt.spec.token: None for attempt in attempts}


class Patient(LocalEngine):
    """Never ends an attempt."""

    def cancel(self, handles: Collection[Handle]) -> None:
        """Do nothing."""

    def _kill_overdue(self) -> None:
        """Do nothing."""


class Optimist(LocalEngine):
    """Takes each end for a success."""

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        return {
            handle: Exited(0) if isinstance(status, Exited) else status
            for handle, status in super().status(handles).items()
        }


class Leaving(LocalEngine):
    """Leaves processes of ended attempts alone."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._processes._is_settled = lambda attempt: True  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("engine", "test"),
    [
        (Doubling, "test_a_token_is_submitted_once"),
        (Forgetful, "test_attach_after_a_restart"),
        (Patient, "test_time_limit"),
        (Patient, "test_cancel_ends_an_attempt"),
        (Optimist, "test_exit_codes"),
        (Leaving, "test_no_process_stays"),
    ],
)
def test_a_planted_fault_is_found(engine: type[LocalEngine], test: str) -> None:
    planted = type("Planted", (TestLocalEngine,), {"engine_class": engine, "patience": 1.5})
    assert list(failures_of(planted, test)) == [test]
