"""The Dask engine: attempts are tasks of a Dask cluster, and the service stays the truth."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Self

from batchcompute.errors import ConfigError, ValidationError
from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.service.engines.base import (
    Attachment,
    AttemptStatus,
    Capabilities,
    Handle,
    Lost,
    Rejected,
    Submission,
    Submitted,
    Unknown,
)
from batchcompute.service.engines.context import EngineContext
from batchcompute.service.engines.dask import remote
from batchcompute.service.engines.dask.connection import Connection
from batchcompute.service.engines.dask.loop import Controller, Submitter, job_json
from batchcompute.service.engines.dask.options import DaskOptions, read_options
from batchcompute.service.engines.dask.reconcile import reconcile
from batchcompute.service.engines.dask.state import CANCELLED, Entry, State

__all__ = ["DaskEngine"]

_log = logging.getLogger("batchcompute.service.engine")

_JOIN_SECONDS: Final = 10.0
"""Seconds for which `DaskEngine.close` waits for its threads."""

_CLOSED: Final = Lost("the service was closed")


class DaskEngine:
    """Runs attempts on the workers of a Dask cluster.

    The methods of the contract change the state and return. Two threads talk to the cluster, and messages of workers
    arrive in a thread of Dask.

    Args:
        options: The options.
        context: The parts of the service.

    Raises:
        ConfigError: The scheduler does not answer, or a worker cannot run attempts.
    """

    name: str = "dask"

    def __init__(self, options: DaskOptions, context: EngineContext) -> None:
        self._options = options
        self._context = context
        self._clock = context.clock
        self._service = context.token_prefix
        self._state = State()
        self._host_options: dict[str, Any] = {
            "work": options.work,
            "sandbox": options.sandbox,
            "max_file_size": options.max_file_size,
            "only_failures": options.deliver_logs == "failures",
            "passed": list(options.variables),
            "patience": options.patience,
        }
        folder = context.data_dir / self.name
        if not options.scheduler:
            folder.mkdir(mode=0o700, exist_ok=True)
        self._connection = Connection(
            options,
            self._service,
            self._host_options,
            _shape(options, context.slots),
            str(folder),
            self._state.hear,
        )
        try:
            self._connection.open()
            threads = sum(self._connection.workers().values())
        except OSError as error:
            self._connection.close()
            raise ConfigError(f"engines.dask.scheduler: {error}") from error
        except BaseException:
            self._connection.close()
            raise
        self.capabilities: Capabilities = Capabilities(
            slots=options.slots or 2 * (threads or context.slots),
            workspace="staged",
            survives=not self._connection.is_own,
            live_logs=False,
            types=frozenset(options.resources),
        )
        arguments = (self._host_options, self._service, self._clock)
        self._loops = (
            Submitter(self._state, self._connection, options, self._order_of, *arguments),
            Controller(self._state, self._connection, options, *arguments),
        )
        self._has_started = False

    @classmethod
    def create(cls, context: EngineContext) -> Self:
        """Return the engine of a service.

        Raises:
            ConfigError: An option is wrong, the scheduler does not answer, or a worker cannot run attempts.
        """
        return cls(read_options(context.options), context)

    def bind(self, changed: Callable[[], None]) -> None:
        """Set the function that is called when the status of an attempt has changed."""
        self._state.changed = changed

    def starts_at_once(self, spec: AttemptSpec) -> bool:  # noqa: ARG002 - the contract
        """Return False: a worker starts an attempt when it has a free thread."""
        return False

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        """Accept attempts. A token that was submitted before is not submitted again."""
        answers = [self._check(spec) for spec in batch]
        state = self._state
        with state.lock:
            for spec, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Submitted) and spec.token not in state.entries:
                    state.entries[spec.token] = state.new[spec.token] = Entry(spec)
            state.lock.notify_all()
        return answers

    def _check(self, spec: AttemptSpec) -> Submission:
        if self._state.closing:
            return Rejected("the service is closing", retryable=True)
        if _needs_objects(spec):
            if not self._context.endpoint():
                return Rejected(
                    "it needs objects, and workers cannot reach this service: it has no address "
                    "(start it with `batchcompute serve`, or set node_endpoint)"
                )
            try:
                self._context.issue_grant(spec)
            except ValidationError as error:
                return Rejected(str(error).rstrip("."))
        return Submitted(spec.token)

    def _order_of(self, spec: AttemptSpec) -> dict[str, Any]:
        has_objects = _needs_objects(spec)
        return {
            "spec": job_json(spec),
            "grant": self._context.issue_grant(spec) if has_objects else "",
            "endpoint": self._context.endpoint() if has_objects else "",
            "certificates": self._options.certificates if has_objects else "",
        }

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        """Return the statuses of attempts."""
        state = self._state
        with state.lock:
            return {
                handle: self._status(entry)
                for handle in handles
                if (entry := state.entries.get(handle)) is not None
            }

    def _status(self, entry: Entry) -> AttemptStatus:
        if entry.phase == "ended":
            return entry.status
        if self._state.outage:
            return Unknown(self._state.outage)
        return entry.status

    def cancel(self, handles: Collection[Handle]) -> None:
        """End attempts, with all processes that they have started."""
        state = self._state
        with state.lock:
            for handle in handles:
                entry = state.entries.get(handle)
                if entry is None or entry.phase == "ended":
                    continue
                entry.cancelled = True
                if handle in state.new:
                    state.finish(entry, CANCELLED)
                else:
                    state.to_cancel.add(handle)
            state.lock.notify_all()
        state.changed()

    def forget(self, handles: Collection[Handle]) -> None:
        """Release attempts whose ends are recorded."""
        self._state.forget(handles)

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        """Find the attempts of an earlier service again, and end all others of that service.

        Raises:
            OSError: The scheduler or a worker does not answer.
        """
        state, connection = self._state, self._connection
        with state.lock:
            for attachment in attempts:
                entry = Entry(attachment.spec, "adrift")
                state.entries[attachment.spec.token] = entry
        tokens = [attachment.spec.token for attachment in attempts]
        unknown = reconcile(state, connection, self._service, self._clock, self._options.grace, is_start=True)
        self._end_others(tokens)
        result: dict[Token, Handle | None] = {}
        with state.lock:
            for attachment in attempts:
                token = attachment.spec.token
                entry = state.entries[token]
                if token in unknown or isinstance(entry.status, Lost):
                    result[token] = None
                    del state.entries[token]
                else:
                    result[token] = token
        for loop in self._loops:
            loop.thread.start()
        self._has_started = True
        return result

    def _end_others(self, tokens: Collection[Token]) -> None:
        """End attempts of the service that it does not know, on the workers first, as for a cancellation."""
        self._connection.run(remote.keep_only, self._service, self._host_options, list(tokens))
        others = self._connection.keys().keys() - set(tokens)
        if others:
            self._connection.drop(others)

    def next_poll(self) -> float | None:
        """Return None: workers tell what has changed."""
        return None

    def close(self, leave_running: bool = False) -> None:
        """End all attempts and threads.

        Args:
            leave_running: Whether attempts run on; a cluster of its own ends with the service all the same.
        """
        state = self._state
        with state.lock:
            if state.closing:
                return
            state.closing = True
            state.lock.notify_all()
        if self._has_started:
            for loop in self._loops:
                loop.thread.join(_JOIN_SECONDS)
        if not leave_running and self._connection.is_alive:
            try:
                self._end_others([])
            except OSError as error:
                _log.warning("attempts on Dask workers may run on: %s", error)
        self._connection.close()
        with state.lock:
            for entry in state.open_entries("new", "submitted", "adrift"):
                if leave_running and not self._connection.is_own:
                    entry.status = Unknown("the service is closed")
                else:
                    state.finish(entry, _CLOSED)


def _needs_objects(spec: AttemptSpec) -> bool:
    return bool(spec.mappings or spec.package or spec.stdout or spec.stderr)


def _shape(options: DaskOptions, slots: int) -> tuple[int, int]:
    """Return the number of workers of its own cluster, and of the threads of each."""
    workers = options.workers or max(1, min(slots, len(os.sched_getaffinity(0))))
    return workers, options.threads or -(-slots // workers)
