"""Finding attempts of an earlier service again: by the journal, the queue of Slurm, and the records of their runners."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from batchcompute.runner.attempt_spec import Token
from batchcompute.runner.records import RecordReader
from batchcompute.service.engines.base import Attachment, Handle, Pending
from batchcompute.service.engines.slurm.commands import CommandsError
from batchcompute.service.engines.slurm.journal import JournaledArray
from batchcompute.service.engines.slurm.polling import Poller
from batchcompute.service.engines.slurm.queue import FORMAT, parse_queue
from batchcompute.service.engines.slurm.state import State
from batchcompute.service.engines.slurm.tracking import Element, JobArray, Tracked

__all__ = ["attach"]

_log = logging.getLogger("batchcompute.service.engine")


def attach(state: State, poller: Poller, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
    """Find attempts of an earlier service again, and cancel all others.

    Args:
        state: The state of a new engine.
        poller: Reads records.
        attempts: The attempts that are still needed.

    Raises:
        OSError: Slurm does not answer, so nobody knows what it runs.
    """
    wanted = {attachment.spec.token: attachment for attachment in attempts}
    answer = state.commands.queue(FORMAT)
    with state.lock:
        for journaled in list(state.journal.arrays.values()):
            array = _array(state, journaled, wanted)
            state.arrays[array.name] = array
        for token in list(state.journal.queued):
            if token in wanted:
                # It was accepted, and never submitted.
                attempt = Tracked(token, wanted[token].spec, Pending("it waits to be submitted to Slurm"))
                state.attempts[token] = state.waiting[token] = attempt
        others = [token for token in state.journal.queued if token not in wanted]
        if others:
            state.journal.note_dropped(others)
    poller.update(list(state.arrays.values()), answer)
    for array in state.arrays.values():
        for element in array.elements:
            poller.read(element)
    _end_strangers(state, answer)
    return {token: token if token in state.attempts else None for token in wanted}


def _array(state: State, journaled: JournaledArray, wanted: Mapping[Token, Attachment]) -> JobArray:
    array = JobArray(
        journaled.name,
        state.files.folder(journaled.name),
        journaled.job,
        state.clock.monotonic(),
    )
    for number, tokens in enumerate(journaled.elements):
        element = Element(array, number, [], RecordReader(state.files.records(array.name, number)))
        for token in tokens:
            attachment = wanted.get(token)
            attempt = Tracked(token, attachment.spec if attachment else None, element=element)
            if attachment is None:
                attempt.is_cancelled = attempt.is_forgotten = True
            else:
                attempt.is_cancelled = token in journaled.cancelled
                state.attempts[token] = attempt
            element.attempts.append(attempt)
        array.elements.append(element)
    return array


def _end_strangers(state: State, answer: str) -> None:
    """End job arrays of this service that are in no journal."""
    for name, jobs in parse_queue(answer, state.prefix).items():
        if name not in state.arrays and jobs.is_alive:
            _log.warning("Slurm: job array %s (%s) is not needed, and is ended", name, jobs.job)
            try:
                state.commands.cancel(name)
            except CommandsError as error:
                _log.warning("Slurm: %s", error)
