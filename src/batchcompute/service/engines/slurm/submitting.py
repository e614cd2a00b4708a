"""Submitting attempts: they are grouped, packed, cut into job arrays, and given to Slurm."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.records import RecordReader
from batchcompute.service.engines.base import Pending, Rejected, Running
from batchcompute.service.engines.slurm.commands import AmbiguousError, RefusedError, UnreachableError
from batchcompute.service.engines.slurm.packing import ENOUGH, PROBES, SPREAD, TaskKey, cut, pack_size, packed
from batchcompute.service.engines.slurm.script import ArrayJob, demand_of, minutes_of, script
from batchcompute.service.engines.slurm.site import Site
from batchcompute.service.engines.slurm.state import State, task_of
from batchcompute.service.engines.slurm.tracking import Element, JobArray, Tracked

__all__ = ["Submitter"]

_log = logging.getLogger("batchcompute.service.engine")

_FIRST_DELAY: Final = 1.0
_LONGEST_DELAY: Final = 30.0
"""Seconds until a submission that failed is repeated. The delay doubles."""

_GATHER: Final = 2.0
"""Seconds for which short attempts of a task are gathered."""

_HELD_BACK = (
    "it waits until the first instances of its task have shown how long they take"
    " (the option 'pack' of the Slurm engine avoids that)"
)

_NO_ENDPOINT = (
    "the attempts need objects, and the service has no URL for its nodes:"
    " start it with `batchcompute serve`, or set the option 'node_endpoint'"
)


class Submitter:
    """Submits waiting attempts. Only the thread of the engine uses it.

    Args:
        state: The state of the engine.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._delay = 0.0
        self._not_before = 0.0
        self._problem = ""
        self._submitted_at: dict[TaskKey, float] = {}
        """Time of the last submission of each task."""

    def next_time(self) -> float | None:
        """Return in how many seconds `submit_waiting` is worth a call; None if no attempt waits."""
        state = self._state
        with state.lock:
            if not state.waiting:
                return None
        return max(0.1, self._not_before - state.clock.monotonic())

    def submit_waiting(self) -> bool:
        """Submit all attempts whose time has come, and return whether a status has changed."""
        state = self._state
        with state.lock:
            groups = self._groups()
        if not groups or state.clock.monotonic() < self._not_before:
            return False
        is_changed = False
        for group in groups:
            attempts, pack = self._released(group)
            if attempts:
                is_changed = True
                if not self._submit(attempts, pack):
                    break
        return is_changed

    def _groups(self) -> list[list[Tracked]]:
        """Return the waiting attempts by what their job arrays have in common."""
        groups: dict[object, list[Tracked]] = {}
        for attempt in self._state.waiting.values():
            spec = attempt.spec
            if spec is not None and not attempt.is_cancelled:
                key = (spec.job_id, spec.task, spec.instance_type, spec.resources)
                groups.setdefault(key, []).append(attempt)
        return list(groups.values())

    def _released(self, group: list[Tracked]) -> tuple[list[Tracked], int]:
        """Return the attempts of a group that are submitted now, and how many an element runs.

        If nothing is known about a task, a few attempts run first, and show how the others have to be packed.
        """
        state, settings = self._state, self._state.settings
        if settings.pack:
            return group, max(settings.pack, settings.parallel)
        task = task_of(group[0])
        with state.lock:
            in_slurm = [entry for entry in state.attempts.values() if self._is_probe(entry, task)]
            known = state.durations.count(task)
            seconds = state.durations.typical(task)
            now = state.clock.time()
            is_long = any(
                isinstance(entry.status, Running)
                and entry.status.since is not None
                and now - entry.status.since >= settings.pack_seconds
                for entry in in_slurm
            )
        if known >= ENOUGH or (known and not in_slurm):
            pack = pack_size(len(group), seconds, settings.pack_seconds, settings.parallel)
            if in_slurm and self._gathers(task, len(group), seconds or 0.0):
                return [], pack
            return group, pack
        if is_long:
            return group, settings.parallel
        probes = max(0, PROBES - len(in_slurm))
        is_changed = False
        for attempt in group[probes:]:
            is_changed |= state.set_status(attempt, Pending(_HELD_BACK))
        if is_changed:
            state.changed()
        return group[:probes], settings.parallel

    def _gathers(self, task: TaskKey, count: int, seconds: float) -> bool:
        """Return whether more attempts of a task are waited for, so that short ones share an element.

        The service hands over one attempt for each that ends. While others of the task are in Slurm, nothing is lost by a
        short wait.
        """
        settings, now = self._state.settings, self._state.clock.monotonic()
        largest = math.ceil(settings.pack_seconds / max(seconds, 1e-3)) * settings.parallel
        is_short = largest > settings.parallel
        is_gathering = (
            is_short and count < largest * SPREAD and now - self._submitted_at.get(task, 0.0) < _GATHER
        )
        if not is_gathering:
            self._submitted_at = {
                key: time for key, time in self._submitted_at.items() if now - time < _GATHER
            } | {task: now}
        return is_gathering

    @staticmethod
    def _is_probe(attempt: Tracked, task: TaskKey) -> bool:
        return attempt.element is not None and not attempt.has_ended and task_of(attempt) == task

    def _submit(self, attempts: list[Tracked], pack: int) -> bool:
        """Submit attempts with equal needs, and return whether Slurm and the directory were in order."""
        site = self._state.site
        if not self._state.files.endpoint and any(_needs_objects(attempt) for attempt in attempts):
            self._wait(_NO_ENDPOINT, attempts)
            return False
        by_token = {attempt.token: attempt for attempt in attempts}
        specs = [attempt.spec for attempt in attempts if attempt.spec is not None]
        elements = list(packed(specs, pack))
        for part in cut(elements, max(1, site.max_array if site else 1000)):
            if not self._submit_array(part, by_token, site):
                return False
        return True

    def _submit_array(
        self, elements: Sequence[list[AttemptSpec]], by_token: dict[str, Tracked], site: Site | None
    ) -> bool:
        state, settings = self._state, self._state.settings
        name = state.prefix + secrets.token_hex(8)
        tokens = [[spec.token for spec in specs] for specs in elements]
        first = elements[0][0]
        options = settings.site_of(first.instance_type)
        limit = site.max_minutes(options.partition) if site else None
        nodes = {node.name for node in site.nodes_of(options.partition)} if site else set[str]()
        job = ArrayJob(
            name,
            len(elements),
            state.files.folder(name),
            demand_of(first, options, settings.parallel),
            minutes_of(elements, options, settings.parallel, limit),
            options,
            state.nodes.excluded(nodes),
        )
        array = JobArray(name, job.folder, excluded=job.excluded)
        try:
            with state.lock:
                state.journal.note_array(name, tokens)
            state.files.write(name, elements)
            text = script(settings, job, site.kill_wait if site else 30)
            array.job = state.commands.submit(job.options(), text)
        except RefusedError as error:
            self._give_back(array, tokens, by_token)
            self._reject([by_token[token] for element in tokens for token in element], str(error))
            return True
        except AmbiguousError as error:
            # It may have been accepted, so it is looked for by its name.
            _log.warning("Slurm: the submission of job array %s was not answered: %s", name, error)
        except UnreachableError as error:
            self._give_back(array, tokens, by_token)
            self._wait(f"Slurm accepts no jobs at this moment: {error}", by_token.values())
            return False
        except OSError as error:
            self._give_back(array, tokens, by_token)
            self._wait(f"the files for Slurm cannot be written: {error}", by_token.values())
            return False
        self._delay = 0.0
        self._problem = ""
        self._add(array, elements, by_token)
        return True

    def _add(
        self, array: JobArray, elements: Sequence[list[AttemptSpec]], by_token: dict[str, Tracked]
    ) -> None:
        state = self._state
        if array.job:
            state.note_job(array)
        with state.lock:
            array.since = state.clock.monotonic()
            for number, specs in enumerate(elements):
                reader = RecordReader(state.files.records(array.name, number))
                element = Element(array, number, [by_token[spec.token] for spec in specs], reader)
                for attempt in element.attempts:
                    attempt.element = element
                    state.waiting.pop(attempt.token, None)
                    state.set_status(attempt, Pending("Slurm has accepted the job"))
                array.elements.append(element)
            state.arrays[array.name] = array
        _log.info(
            "Slurm: job array %s (%s) with %d elements and %d attempts",
            array.name, array.job or "not confirmed", len(array.elements), sum(map(len, elements)),
        )  # fmt: skip

    def _give_back(
        self, array: JobArray, tokens: Sequence[Sequence[str]], by_token: dict[str, Tracked]
    ) -> None:
        """Undo a job array that Slurm has not accepted."""
        state = self._state
        state.files.remove(array.name)
        with state.lock:
            if array.name in state.journal.arrays:
                state.journal.note_queued(
                    [token for element in tokens for token in element if token in by_token]
                )
                state.journal.note_removed(array.name)

    def _reject(self, attempts: list[Tracked], reason: str) -> None:
        state = self._state
        _log.warning("Slurm refuses %d attempts: %s", len(attempts), reason)
        with state.lock:
            state.journal.note_dropped([attempt.token for attempt in attempts])
            for attempt in attempts:
                state.waiting.pop(attempt.token, None)
                state.set_status(attempt, Rejected(f"Slurm refuses the job: {reason}"))

    def _wait(self, reason: str, attempts: Iterable[Tracked]) -> None:
        state = self._state
        self._delay = min(_LONGEST_DELAY, self._delay * 2) or _FIRST_DELAY
        self._not_before = state.clock.monotonic() + self._delay
        if reason != self._problem:
            _log.warning("%s; it is tried again", reason[0].upper() + reason[1:])
        self._problem = reason
        for attempt in attempts:
            state.set_status(attempt, Pending(reason))


def _needs_objects(attempt: Tracked) -> bool:
    spec = attempt.spec
    return spec is not None and bool(spec.mappings or spec.package or spec.stdout or spec.stderr)
