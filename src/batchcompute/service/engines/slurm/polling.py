"""Asking for job arrays: one ``squeue`` for all of them, and the records of their runners."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from batchcompute.runner.records import Record
from batchcompute.service.engines.base import Exited, Lost
from batchcompute.service.engines.slurm.commands import CommandsError
from batchcompute.service.engines.slurm.ending import Ender
from batchcompute.service.engines.slurm.queue import FORMAT, parse_queue
from batchcompute.service.engines.slurm.state import State
from batchcompute.service.engines.slurm.tracking import (
    Element,
    JobArray,
    Tracked,
    Verdict,
    judge,
    take_record,
)

__all__ = ["Poller"]

_log = logging.getLogger("batchcompute.service.engine")

_FILES_PER_SECOND: Final = 2000
"""Record files that are looked at in a second."""

_SHORTEST, _LONGEST = 0.1, 2.0
"""Seconds between two looks at the record files."""


class Poller:
    """Asks for job arrays, and changes the statuses of their attempts. Only the thread of the engine uses it.

    Args:
        state: The state of the engine.
        ender: Ends elements whose attempts are given up.
    """

    def __init__(self, state: State, ender: Ender) -> None:
        self._state = state
        self._ender = ender
        self._next_queue = 0.0
        self._next_records = 0.0
        self._failures = 0
        self._directory_problem = ""

    def next_time(self) -> float | None:
        """Return in how many seconds `poll` is worth a call; None if nothing is in Slurm."""
        state = self._state
        with state.lock:
            if not state.arrays:
                return None
        return max(0.0, min(self._next_queue, self._next_records) - state.clock.monotonic())

    def poll(self) -> bool:
        """Ask for what is due, and return whether a status has changed."""
        state = self._state
        now = state.clock.monotonic()
        with state.lock:
            arrays = list(state.arrays.values())
        if not arrays:
            return False
        is_changed = False
        has_asked = False
        if now >= self._next_queue:
            is_changed, has_asked = self._ask(arrays)
            self._next_queue = now + state.settings.poll * min(10, 2**self._failures)
        if has_asked:
            # Set again below if it lasts.
            self._directory_problem = ""
        if has_asked or now >= self._next_records:
            is_changed |= self._read_records(arrays, now)
        if has_asked:
            for array in arrays:
                is_changed |= self._judge(array)
            is_changed |= state.set_outage(self._directory_problem)
        return is_changed

    def _ask(self, arrays: list[JobArray]) -> tuple[bool, bool]:
        """Run ``squeue``, and return whether that has changed what the service sees, and whether there is an answer."""
        state = self._state
        try:
            answer = state.commands.queue(FORMAT)
        except CommandsError as error:
            self._failures += 1
            is_changed = state.set_outage(f"Slurm does not answer: {error}")
            if is_changed:
                _log.warning("Slurm does not answer: %s; nothing changes until it does", error)
            return is_changed, False
        if self._failures:
            _log.info("Slurm answers again")
        self._failures = 0
        self.update(arrays, answer)
        return False, True

    def update(self, arrays: Iterable[JobArray], answer: str) -> None:
        """Take over the lines of ``squeue`` for job arrays."""
        state = self._state
        jobs = parse_queue(answer, state.prefix)
        for array in arrays:
            lines = jobs.get(array.name)
            if lines is not None:
                array.is_observed = True
                if array.job != lines.job:
                    array.job = lines.job
                    state.note_job(array)
            for element in array.elements:
                element.row = lines.element(element.number) if lines else None
                if element.row is not None and element.row.node:
                    element.node = element.row.node

    def _read_records(self, arrays: list[JobArray], now: float) -> bool:
        """Read the records of all elements that may have new ones."""
        elements = [
            element
            for array in arrays
            for element in array.elements
            if not element.is_waiting and any(not attempt.has_ended for attempt in element.attempts)
        ]
        interval = max(_SHORTEST, min(_LONGEST, len(elements) / _FILES_PER_SECOND))
        self._next_records = now + interval
        is_changed = False
        for element in elements:
            is_changed |= self.read(element)
        return is_changed

    def read(self, element: Element) -> bool:
        """Read the new records of an element, and return whether a status has changed."""
        try:
            records = list(element.reader.new())
        except OSError as error:
            self._note_directory(f"the records of {element.place} cannot be read: {error}")
            return False
        if not records:
            return False
        with self._state.lock:
            attempts = {attempt.token: attempt for attempt in element.attempts}
            return sum(self._take(attempts.get(record.token), record) for record in records) > 0

    def _take(self, attempt: Tracked | None, record: Record) -> bool:
        if attempt is None or not take_record(attempt, record):
            return False
        if isinstance(attempt.status, Exited):
            self._state.note_end(attempt, attempt.status)
        return True

    def _judge(self, array: JobArray) -> bool:
        """Draw the conclusions from the lines of an array in the queue, and return whether a status has changed."""
        state, settings = self._state, self._state.settings
        now, wall = state.clock.monotonic(), state.clock.time()
        suffix = self._excluded(array)
        verdicts = [
            (element, judge(element, now, wall, settings.grace, settings.held_grace, suffix))
            for element in array.elements
            if element.open_attempts or element.gone_since is None
        ]
        lost = [
            attempt
            for _, verdict in verdicts
            for attempt, status in verdict.statuses
            if isinstance(status, Lost)
        ]
        tokens = [attempt.token for attempt in lost if attempt.token not in array.voided]
        try:
            if tokens:
                # First, so that no runner starts or finishes what the service gives up.
                state.files.void(array.name, tokens)
                array.voided.update(tokens)
            doomed = [element for element, verdict in verdicts if verdict.end_job and not element.is_ended]
            if doomed:
                self._ender.end(array, doomed)
        except OSError as error:
            # Another try with the next answer of Slurm.
            return self._note_directory(f"attempts cannot be given up: {error}")
        last_words = state.files.last_words(array.name) if lost else ""
        is_changed = False
        for element, verdict in verdicts:
            is_changed |= self._carry_out(element, verdict, last_words)
        unexpected = [attempt.status for attempt in lost if not attempt.is_cancelled]
        if unexpected:
            _log.warning("Slurm: %d attempts are lost, the first: %s", len(unexpected), unexpected[0])
        return is_changed

    def _carry_out(self, element: Element, verdict: Verdict, last_words: str) -> bool:
        state = self._state
        is_loss = any(isinstance(status, Lost) for _, status in verdict.statuses)
        parts: list[str] = []
        if verdict.blames_node and is_loss:
            parts += [f"the log of the runners ends with {last_words!r}"] * bool(last_words)
            consequence = state.nodes.note_loss(element.node)
            parts += [consequence] * bool(consequence)
        is_changed = False
        for attempt, status in verdict.statuses:
            final = Lost("; ".join([status.reason, *parts])) if isinstance(status, Lost) else status
            is_changed |= state.set_status(attempt, final)
        return is_changed

    def _excluded(self, array: JobArray) -> str:
        """Return the nodes that a waiting array may not use, in words for its reason; empty for none."""
        return (
            f"; it may not use {', '.join(array.excluded)}, which lost several Slurm jobs"
            if array.excluded
            else ""
        )

    def _note_directory(self, problem: str) -> bool:
        """Note a problem of the shared directory. While it lasts, nothing is known about attempts in Slurm."""
        if not self._directory_problem:
            _log.warning("Slurm: %s; nothing changes until that works", problem)
        self._directory_problem = problem
        return self._state.set_outage(problem)
