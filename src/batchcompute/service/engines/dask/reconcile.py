"""Finding attempts again, of which an engine knows nothing: the scheduler and all workers are asked."""

from __future__ import annotations

from batchcompute.runner.attempt_spec import Token
from batchcompute.service.clock import Clock
from batchcompute.service.engines.base import Lost, Pending
from batchcompute.service.engines.dask import remote
from batchcompute.service.engines.dask.connection import Connection
from batchcompute.service.engines.dask.portable import KEY
from batchcompute.service.engines.dask.state import CANCELLED, Entry, State, reported
from batchcompute.service.engines.dask.untyped import distributed

__all__ = ["reconcile"]


def reconcile(
    state: State, connection: Connection, service: str, clock: Clock, grace: float, *, is_start: bool = False
) -> set[Token]:
    """Ask the scheduler and all workers for the attempts of which nothing is known.

    Args:
        state: The state of the engine.
        connection: The connection.
        service: Prefix of the tokens of the service.
        clock: The source of time.
        grace: Seconds in which the worker of an attempt that ran must come back.
        is_start: Whether the service starts, so that attempts that are not known anywhere stay adrift.

    Returns:
        The attempts that neither the scheduler nor a worker knows.

    Raises:
        OSError: The scheduler or a worker does not answer.
    """
    entries = {entry.spec.token: entry for entry in state.open_entries("adrift")}
    unknown: set[Token] = set()
    if not entries:
        return unknown
    # The scheduler is asked first: a task that ends between the two questions has left a record on its worker.
    keys = connection.keys()
    answers = connection.run(remote.report, service, connection.host_options, list(entries))
    running: set[Token] = set()
    with state.lock:
        lost: set[Token] = set()
        for worker, answer in answers.items():
            starts, ends, gone, node = reported(answer)
            for line in ends:
                state.set_ended(line, worker)
            for token, since in starts.items():
                running.add(token)
                if since:
                    state.set_running(token, node, since, worker)
            lost.update(gone)
        for token, entry in entries.items():
            if entry.phase == "adrift":
                if _settle(state, connection, service, entry, keys, token in running, token in lost):
                    continue
                unknown.add(token)
                if not is_start:
                    _settle_unknown(state, entry, clock.monotonic(), grace)
    state.changed()
    return unknown


def _settle(
    state: State,
    connection: Connection,
    service: str,
    entry: Entry,
    keys: dict[Token, bool],
    is_running: bool,
    is_lost: bool,
) -> bool:
    """Settle an attempt, and return whether anything is known about it."""
    token = entry.spec.token
    entry.finished_at = None
    if is_running:
        entry.adrift_since = None
        if keys.get(token) is False:
            _follow(connection, service, entry)
        # Otherwise its worker has lost the scheduler for a while; it is asked again until the program has ended.
        return True
    if is_lost or keys.get(token) is True:
        if token in keys:
            _follow(connection, service, entry)
        state.finish(
            entry,
            CANCELLED if entry.cancelled else Lost("its worker has died or has left the Dask cluster"),
            drop=True,
        )
        return True
    if token in keys:
        _follow(connection, service, entry)
        return True
    return False


def _follow(connection: Connection, service: str, entry: Entry) -> None:
    entry.phase = "submitted"
    entry.future = distributed.Future((KEY, service, entry.spec.token), client=connection.client)


def _settle_unknown(state: State, entry: Entry, now: float, grace: float) -> None:
    if entry.cancelled:
        state.finish(entry, CANCELLED)
    elif isinstance(entry.status, Pending):
        # It has not started anywhere, or its worker would know it.
        entry.phase = "new"
        state.new[entry.spec.token] = entry
        state.lock.notify_all()
    else:
        entry.adrift_since = entry.adrift_since or now
        if now - entry.adrift_since >= grace:
            place = entry.worker or "its worker"
            state.finish(entry, Lost(f"{place} has not come back after the Dask scheduler was lost"))
