"""A stand-in for the service: it submits attempts, repeats lost ones with new tokens, and counts how often each program ran."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Exited,
    Lost,
    Rejected,
)
from batchcompute.service.engines.slurm import SlurmEngine
from tests.slurm.engines import PREFIX


class Fleet:
    """Runs instances with an engine until each has an end.

    Each program appends its number to a file when it ends, so that the file tells how often each instance was brought to
    its end.

    Args:
        engine: The engine.
        folder: Directory for the file.
    """

    def __init__(self, engine: SlurmEngine, folder: Path) -> None:
        self.engine = engine
        self.done = folder / "done"
        self.open: dict[str, AttemptSpec] = {}
        self.ends: dict[int, Exited | Rejected] = {}
        self.losses: list[tuple[int, Lost]] = []

    def spec(self, number: int, command: str, **change: Any) -> AttemptSpec:
        spec = AttemptSpec(token(), "job", "task", number, "owner", command, 600.0)
        return spec._replace(**change)

    def submit(self, count: int, command: str = "", first: int = 0) -> None:
        """Submit instances that end with the exit code ``number % 3``, after a command."""
        self.send(
            [
                self.spec(number, f"{command}\necho {number} >>{self.done}; exit {number % 3}")
                for number in range(first, first + count)
            ]
        )

    def send(self, specs: list[AttemptSpec]) -> None:
        for spec, answer in zip(specs, self.engine.submit(specs), strict=True):
            if isinstance(answer, Rejected):
                self.ends[spec.number] = answer
            else:
                self.open[answer.handle] = spec

    def step(self) -> dict[str, AttemptStatus]:
        """Take over the statuses, and repeat what was lost."""
        statuses = dict(self.engine.status(list(self.open)))
        again: list[AttemptSpec] = []
        for handle, status in statuses.items():
            if isinstance(status, (Exited, Rejected)):
                self.ends[self.open.pop(handle).number] = status
            elif isinstance(status, Lost):
                spec = self.open.pop(handle)
                self.losses.append((spec.number, status))
                again.append(spec._replace(token=token()))
            else:
                continue
            self.engine.forget([handle])
        if again:
            self.send(again)
        return statuses

    def run(self, seconds: float = 120.0, until: Callable[[], bool] = lambda: False) -> None:
        """Work until all instances have ended, or a condition holds."""
        end = time.monotonic() + seconds
        while self.open and not until():
            statuses = self.step()
            if self.open and time.monotonic() > end:
                first = next(iter(statuses.values()), None)
                raise AssertionError(f"{len(self.open)} instances have not ended; the first is {first}")
            time.sleep(0.05)

    def replace_engine(self, engine: SlurmEngine, *, lose_handles: bool = False) -> None:
        """Go on with the engine of the next service."""
        self.engine = engine
        attachments = [Attachment(spec, "" if lose_handles else handle) for handle, spec in self.open.items()]
        answer = engine.attach(attachments)
        specs = {spec.token: spec for spec in self.open.values()}
        self.open = {handle: specs[known] for known, handle in answer.items() if handle is not None}
        lost = [specs[known]._replace(token=token()) for known, handle in answer.items() if handle is None]
        self.losses += [(spec.number, Lost("not found again")) for spec in lost]
        self.send(lost)

    def times_done(self) -> dict[int, int]:
        """Return how often each program came to its end."""
        times: dict[int, int] = {}
        for line in self.done.read_text().split() if self.done.exists() else ():
            times[int(line)] = times.get(int(line), 0) + 1
        return times

    def check(self, count: int) -> None:
        """Check that each instance has its own end, and that no program came to its end twice without a loss."""
        assert sorted(self.ends) == list(range(count))
        wrong = {
            number: end
            for number, end in self.ends.items()
            if not isinstance(end, Exited) or end.code != number % 3
        }
        assert not wrong, list(wrong.items())[:3]
        lost = {number for number, _ in self.losses}
        doubled = {number for number, times in self.times_done().items() if times > 1} - lost
        assert not doubled
        assert set(self.times_done()) == set(range(count))


def token() -> str:
    return PREFIX + uuid.uuid4().hex
