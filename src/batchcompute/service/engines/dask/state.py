"""The attempts of the Dask engine, as its threads share them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.runner.records import Ended, decode
from batchcompute.service.engines.base import AttemptStatus, Lost, Pending, Rejected, Running

__all__ = ["Entry", "State"]

Phase: TypeAlias = Literal["new", "submitted", "adrift", "ended"]

CANCELLED = Lost("it was cancelled")


@dataclass(slots=True, eq=False)
class Entry:
    """An attempt."""

    spec: AttemptSpec
    """Its specification."""
    phase: Phase = "new"
    """``new``: it waits to be submitted. ``submitted``: the scheduler has its task. ``adrift``: nothing is known, until
    the scheduler and the workers have been asked."""
    status: AttemptStatus = field(default_factory=Pending)
    """Its status."""
    future: Any = None
    """The future of Dask; None if it has none."""
    worker: str = ""
    """Address of its worker; empty if it is not known."""
    cancelled: bool = False
    """Whether it has to end."""
    finished_at: float | None = None
    """Time at which its future was first seen finished, without a report of its worker, on the monotonic clock."""
    adrift_since: float | None = None
    """Time since which no worker knows the attempt, although it ran, on the monotonic clock."""


class State:
    """The attempts, and what has to be done about them. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.lock: threading.Condition = threading.Condition(threading.RLock())
        """Held while the fields are used. Notified when a thread of the engine has something to do."""
        self.entries: dict[Token, Entry] = {}
        """The attempts."""
        self.new: dict[Token, Entry] = {}
        """Those that wait to be submitted, in their order."""
        self.to_cancel: set[Token] = set()
        """Those that have to be cancelled."""
        self.to_forget: dict[str, list[Token]] = {}
        """Those whose records are not needed any more, by worker."""
        self.to_drop: list[Any] = []
        """Futures whose tasks have to be removed from the scheduler."""
        self.outage: str = ""
        """The reason why the scheduler does not answer; empty if it does."""
        self.waiting_for: str = ""
        """The reason why attempts wait in the cluster."""
        self.closing: bool = False
        """Whether the engine is closing."""
        self.changed: Callable[[], None] = lambda: None
        """Tells the service that a status has changed."""

    def finish(self, entry: Entry, status: AttemptStatus, *, drop: bool = False) -> None:
        """Set the final status of an attempt, unless it has one.

        Args:
            entry: The attempt.
            status: The status.
            drop: Whether the scheduler may still have its task.
        """
        with self.lock:
            if entry.phase == "ended":
                return
            entry.phase, entry.status = "ended", status
            self.new.pop(entry.spec.token, None)
            self.to_cancel.discard(entry.spec.token)
            future, entry.future = entry.future, None
            if drop and future is not None:
                self.to_drop.append(future)
                self.lock.notify_all()

    def hear(self, message: dict[str, Any]) -> None:
        """Take over a message of a worker, or of the plugin of the scheduler.

        Args:
            message: ``running`` has the started attempts, ``ended`` the records of ends, ``no_result`` attempts without a
                result, with the reasons, and ``worker_left`` attempts whose worker has left the cluster.
        """
        worker = str(message.get("worker", ""))
        with self.lock:
            for token, node, since in message.get("running", ()):
                self.set_running(token, node, since, worker)
            for line in message.get("ended", ()):
                self.set_ended(line, worker)
            for token, reason in message.get("no_result", ()):
                entry = self.entries.get(token)
                if entry is not None:
                    entry.worker = worker
                    self.finish(entry, CANCELLED if entry.cancelled else Lost(str(reason)))
            for token in message.get("worker_left", ()):
                entry = self.entries.get(token)
                if entry is not None:
                    self._lose(entry)
        self.changed()

    def set_running(self, token: Token, node: str, since: float, worker: str) -> None:
        """Note that the program of an attempt runs."""
        entry = self.entries.get(token)
        if entry is not None and entry.phase != "ended":
            entry.worker = worker
            if not isinstance(entry.status, Running):
                entry.status = Running(node, since or None)

    def set_ended(self, line: bytes, worker: str) -> None:
        """Take over the record of an end."""
        record = decode(line.strip(b"\n"))
        if not isinstance(record, Ended):
            return
        entry = self.entries.get(record.token)
        if entry is not None:
            entry.worker = worker
            self.finish(entry, record.exited)

    def _lose(self, entry: Entry) -> None:
        place = f"its worker {entry.worker}" if entry.worker else "its worker"
        status = CANCELLED if entry.cancelled else Lost(f"{place} has died or has left the Dask cluster")
        self.finish(entry, status, drop=True)

    def set_outage(self, text: str) -> None:
        """Note whether the scheduler answers."""
        with self.lock:
            was, self.outage = self.outage, text
        if was != text:
            self.changed()

    def open_entries(self, *phases: Phase) -> list[Entry]:
        """Return the attempts in some phases."""
        with self.lock:
            return [entry for entry in self.entries.values() if entry.phase in phases]

    def forget(self, tokens: Iterable[Token]) -> None:
        """Forget attempts whose ends are recorded."""
        with self.lock:
            for token in tokens:
                entry = self.entries.pop(token, None)
                if entry is None:
                    continue
                if entry.phase != "ended":
                    self.finish(entry, CANCELLED, drop=True)
                if entry.worker:
                    self.to_forget.setdefault(entry.worker, []).append(token)

    def set_error(self, entry: Entry, error: BaseException | None, install: str) -> None:
        """Take over the error of a task that did not run.

        Args:
            entry: The attempt.
            error: The error.
            install: The command that installs this package.
        """
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, (ImportError, AttributeError)):
            reason = (
                f"a worker of the Dask cluster cannot load this package ({text}); install it there: {install}"
            )
            self.finish(entry, Rejected(reason))
        else:
            self.finish(entry, Lost(f"Dask has given it up ({text[:500]})"), drop=True)


def reported(answer: object) -> tuple[dict[Token, float], list[bytes], list[Token], str]:
    """Return the parts of a worker's report: running, ended, lost, and the name of its node."""
    content = cast("dict[str, Any]", answer)
    return content["running"], content["ended"], content["lost"], str(content["node"])
