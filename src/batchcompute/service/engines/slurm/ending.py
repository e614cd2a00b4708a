"""Ending attempts: by Slurm, and by their runners, which Slurm may have forgotten."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from batchcompute.service.engines.base import Lost
from batchcompute.service.engines.slurm.commands import AmbiguousError, CommandsError, RefusedError
from batchcompute.service.engines.slurm.packing import cut
from batchcompute.service.engines.slurm.state import State
from batchcompute.service.engines.slurm.tracking import Element, JobArray, Tracked

__all__ = ["Ender"]

_log = logging.getLogger("batchcompute.service.engine")

_IDS: Final = 500
"""Ids in one call of ``scancel``."""

_AGAIN: Final = 30.0
"""Seconds after which a job that has not ended is ended again."""

_NOTICED: Final = 2.0
"""Seconds after which each runner has noticed that an attempt must not start."""


class Ender:
    """Ends cancelled attempts. Only the thread of the engine uses it.

    Args:
        state: The state of the engine.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._ended_at: dict[Element, float] = {}
        self._voided_at: dict[Tracked, float] = {}
        self._not_before = 0.0

    def next_time(self) -> float | None:
        """Return in how many seconds `end_cancelled` is worth a call; None if no attempt has to end."""
        state = self._state
        with state.lock:
            is_needed = any(
                attempt.is_cancelled and not attempt.has_ended
                for attempts in (state.waiting.values(), *(array.attempts for array in state.arrays.values()))
                for attempt in attempts
            )
        return max(0.1, self._not_before - state.clock.monotonic()) if is_needed else None

    def end_cancelled(self) -> bool:
        """End all cancelled attempts that have not ended, and return whether a status has changed."""
        state = self._state
        is_changed = self._drop_waiting()
        if state.clock.monotonic() < self._not_before:
            return is_changed
        with state.lock:
            arrays = [
                array
                for array in state.arrays.values()
                if any(attempt.is_cancelled and not attempt.has_ended for attempt in array.attempts)
            ]
        for array in arrays:
            try:
                is_changed |= self._end_in(array)
            except OSError as error:
                _log.warning("Slurm: attempts of %s cannot be ended yet: %s", array.name, error)
                self._not_before = state.clock.monotonic() + 1.0
        return is_changed

    def end(self, array: JobArray, elements: Sequence[Element]) -> None:
        """Let Slurm end elements of a job array. If that fails, it is tried again later.

        Raises:
            CommandsError: Slurm does not answer.
        """
        state = self._state
        now = state.clock.monotonic()
        wanted = [
            element
            for element in elements
            if not element.is_ended or now - self._ended_at.get(element, now) >= _AGAIN
        ]
        if not wanted:
            return
        is_whole = len(wanted) == len(array.elements)
        if is_whole or not array.job:
            if not is_whole:
                # The id is not known yet, and the other elements must not end.
                return
            batches: list[list[str]] = [[]]
        else:
            batches = [[f"{array.job}_{element.number}" for element in part] for part in cut(wanted, _IDS)]
        for ids in batches:
            try:
                state.commands.cancel(array.name, ids)
            except RefusedError as error:
                # It has ended already.
                _log.debug("Slurm: %s", error)
        for element in wanted:
            element.is_ended = True
            self._ended_at[element] = now

    def _drop_waiting(self) -> bool:
        state = self._state
        with state.lock:
            dropped = [attempt for attempt in state.waiting.values() if attempt.is_cancelled]
            if not dropped:
                return False
            state.journal.note_dropped([attempt.token for attempt in dropped])
            for attempt in dropped:
                del state.waiting[attempt.token]
                state.set_status(attempt, Lost("it was cancelled before it was submitted to Slurm"))
        return True

    def _end_in(self, array: JobArray) -> bool:
        state = self._state
        with state.lock:
            cancelled = [
                attempt for attempt in array.attempts if attempt.is_cancelled and not attempt.has_ended
            ]
            tokens = [attempt.token for attempt in cancelled if attempt.token not in array.voided]
        if tokens:
            self._note_cancelled(array, tokens)
            # The runner ends them, too: Slurm may have forgotten the job, and other attempts of an element go on.
            state.files.void(array.name, tokens)
            array.voided.update(tokens)
        now = state.clock.monotonic()
        is_changed = False
        elements: list[Element] = []
        for attempt in cancelled:
            self._voided_at.setdefault(attempt, now)
            element = attempt.element
            if element is None:
                continue
            if all(entry.is_cancelled for entry in element.open_attempts):
                if element not in elements:
                    elements.append(element)
            elif attempt.started is None and now - self._voided_at[attempt] >= _NOTICED:
                is_changed |= state.set_status(attempt, Lost("it was cancelled before its program started"))
        try:
            self.end(array, elements)
        except AmbiguousError as error:
            # The call may have had an effect, and is repeated if not.
            _log.warning("Slurm: %s", error)
            self._not_before = now + 1.0
        except CommandsError as error:
            _log.warning("Slurm: job array %s cannot be ended yet: %s", array.name, error)
            self._not_before = now + state.settings.poll
        return is_changed

    def _note_cancelled(self, array: JobArray, tokens: Sequence[str]) -> None:
        """Note cancelled attempts for the next service, which cancels them again if it does not find the note."""
        try:
            with self._state.lock:
                self._state.journal.note_cancelled(array.name, tokens)
        except OSError as error:
            _log.warning("Slurm: the journal cannot be written: %s", error)

    def forget(self, array: JobArray) -> None:
        """Release what belongs to a job array."""
        for element in array.elements:
            self._ended_at.pop(element, None)
            for attempt in element.attempts:
                self._voided_at.pop(attempt, None)
