"""The threads of the Dask engine: one submits attempts and keeps the connection, the other one controls workers."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.spec_json import spec_to_json
from batchcompute.service.clock import Clock
from batchcompute.service.engines.base import Pending
from batchcompute.service.engines.dask import remote
from batchcompute.service.engines.dask.connection import Connection
from batchcompute.service.engines.dask.options import DaskOptions
from batchcompute.service.engines.dask.portable import KEY
from batchcompute.service.engines.dask.reconcile import reconcile
from batchcompute.service.engines.dask.state import CANCELLED, Entry, State
from batchcompute.service.engines.dask.untyped import distributed

__all__ = ["Controller", "Submitter", "job_json"]

_log = logging.getLogger("batchcompute.service.engine")

_LOOK: Final = 0.5
"""Seconds between two looks at the connection and at futures."""

_CONTROL: Final = 1.0
"""Seconds between two reports that workers are asked for, and between two messages about records."""

_SILENCE: Final = 3.0
"""Seconds after which a worker is asked for the end of an attempt whose task has ended."""

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 15.0
"""Seconds between two attempts to connect. The delay doubles."""


class _Loop:
    """A thread that does a step again and again, until the engine closes."""

    def __init__(self, state: State, clock: Clock, name: str, pause: float) -> None:
        self._state = state
        self._clock = clock
        self._pause = pause
        self.thread: threading.Thread = threading.Thread(target=self._run, name=name, daemon=True)
        """The thread."""

    def step(self) -> None:
        """Do what there is to do."""
        raise NotImplementedError

    def has_work(self) -> bool:
        """Return whether a step has something to do at once. The lock is held."""
        raise NotImplementedError

    def _run(self) -> None:
        state = self._state
        while True:
            with state.lock:
                if not state.closing and not self.has_work():
                    state.lock.wait(self._pause)
                if state.closing:
                    return
            try:
                self.step()
            except OSError as error:
                _log.info("the Dask engine: %s", error)
                self._rest()
            except Exception:  # noqa: BLE001 - the thread must go on
                _log.exception("a step of the Dask engine failed; it is repeated")
                self._rest()

    def _rest(self) -> None:
        with self._state.lock:
            self._state.lock.wait_for(lambda: self._state.closing, self._pause)


class Submitter(_Loop):
    """Submits attempts, follows their futures, and connects again after the scheduler was lost.

    Args:
        state: The state of the engine.
        connection: The connection.
        options: The options of the engine.
        order_of: Returns the argument of the submitted function for an attempt.
        host_options: Options of the hosts on workers.
        service: Prefix of the tokens of the service.
        clock: The source of time.
    """

    def __init__(
        self,
        state: State,
        connection: Connection,
        options: DaskOptions,
        order_of: Callable[[AttemptSpec], dict[str, Any]],
        host_options: dict[str, Any],
        service: str,
        clock: Clock,
    ) -> None:
        super().__init__(state, clock, "batchcompute-dask", _LOOK)
        self._connection = connection
        self._options = options
        self._order_of = order_of
        self._host_options = host_options
        self._service = service
        self._delay = 0.0
        self._look_at = 0.0

    def has_work(self) -> bool:
        """Return whether attempts wait to be submitted, or tasks to be removed."""
        return not self._state.outage and bool(self._state.new or self._state.to_drop)

    def step(self) -> None:
        """Submit what waits, and look after the rest."""
        if not self._connection.is_alive and not self._connect():
            return
        self._drop()
        self._submit()
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK
            self._look(now)

    # -- the connection -----------------------------------------------------------------------

    def _connect(self) -> bool:
        state = self._state
        if not state.outage:
            _log.warning("the connection to the Dask scheduler is lost")
        state.set_outage("the Dask scheduler does not answer")
        with state.lock:
            for entry in state.open_entries("submitted"):
                entry.phase, entry.future = "adrift", None
            state.to_drop.clear()
        self._connection.close_client()
        try:
            self._connection.open()
            reconcile(state, self._connection, self._service, self._clock, self._options.grace)
        except (OSError, ConfigError) as error:
            state.set_outage(str(error).rstrip("."))
            self._delay = min(_LONGEST_DELAY, self._delay * 2 or _FIRST_DELAY)
            with state.lock:
                state.lock.wait_for(lambda: state.closing, self._delay)
            return False
        self._delay = 0.0
        _log.warning("the Dask scheduler answers again")
        state.set_outage("")
        return True

    # -- submission ---------------------------------------------------------------------------

    def _drop(self) -> None:
        state = self._state
        with state.lock:
            futures, state.to_drop = state.to_drop, []
        if futures:
            self._connection.client.cancel(futures, force=True)

    def _submit(self) -> None:
        state = self._state
        with state.lock:
            entries = list(state.new.values())
            state.new.clear()
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            groups.setdefault(entry.spec.instance_type, []).append(entry)
        try:
            for name in list(groups):
                self._submit_group(name, groups[name])
                del groups[name]
        finally:
            with state.lock:
                # What could not be submitted waits on.
                rest = {entry.spec.token: entry for group in groups.values() for entry in group}
                state.new = {
                    token: entry for token, entry in rest.items() if entry.phase == "new"
                } | state.new

    def _submit_group(self, instance_type: str, entries: list[Entry]) -> None:
        orders = [self._order_of(entry.spec) for entry in entries]
        futures = self._connection.client.map(
            remote.run_attempt,
            orders,
            key=[(KEY, self._service, entry.spec.token) for entry in entries],
            pure=False,
            retries=0,
            priority=self._options.priority,
            resources=dict(self._options.resources.get(instance_type, {})) or None,
            service=self._service,
            options=self._host_options,
        )
        if not self._connection.is_own:
            # The tasks stay on the scheduler while no service is connected.
            distributed.fire_and_forget(futures)
        self._submitted(entries, futures)

    def _submitted(self, entries: Sequence[Entry], futures: Sequence[Any]) -> None:
        state = self._state
        with state.lock:
            for entry, future in zip(entries, futures, strict=True):
                if entry.phase == "new":
                    entry.phase, entry.future = "submitted", future
                else:
                    # It has ended, or was cancelled, in the meantime.
                    state.to_drop.append(future)

    # -- futures ------------------------------------------------------------------------------

    def _look(self, now: float) -> None:
        state = self._state
        has_changed = False
        for entry in state.open_entries("submitted"):
            future = entry.future
            status = "lost" if future is None else future.status
            if future is not None and status == "error":
                state.set_error(entry, future.exception(), install_command("dask"))
            elif status in ("cancelled", "lost"):
                self._set_adrift(entry)
                continue
            elif status == "finished":
                with state.lock:
                    entry.finished_at = entry.finished_at or now
                    if now - entry.finished_at > _SILENCE and entry.phase == "submitted":
                        entry.phase, entry.future = "adrift", None
                continue
            else:
                continue
            has_changed = True
        if has_changed:
            state.changed()

    def _set_adrift(self, entry: Entry) -> None:
        with self._state.lock:
            if entry.phase == "submitted":
                entry.phase, entry.future = "adrift", None


class Controller(_Loop):
    """Cancels attempts, asks for those of which nothing is known, and releases records.

    Args:
        state: The state of the engine.
        connection: The connection.
        options: The options of the engine.
        host_options: Options of the hosts on workers.
        service: Prefix of the tokens of the service.
        clock: The source of time.
    """

    def __init__(
        self,
        state: State,
        connection: Connection,
        options: DaskOptions,
        host_options: dict[str, Any],
        service: str,
        clock: Clock,
    ) -> None:
        super().__init__(state, clock, "batchcompute-dask-control", _CONTROL)
        self._connection = connection
        self._options = options
        self._host_options = host_options
        self._service = service
        self._tidy_at = 0.0

    def has_work(self) -> bool:
        """Return whether attempts have to be cancelled."""
        return not self._state.outage and bool(self._state.to_cancel)

    def step(self) -> None:
        """Cancel what has to end, and look after the rest from time to time."""
        state = self._state
        if state.outage or not self._connection.is_alive:
            self._rest()
            return
        self._cancel()
        now = self._clock.monotonic()
        if now >= self._tidy_at:
            self._tidy_at = now + _CONTROL
            if state.open_entries("adrift"):
                reconcile(state, self._connection, self._service, self._clock, self._options.grace)
            self._forget()
            self._explain()

    def _cancel(self) -> None:
        state = self._state
        with state.lock:
            entries = [state.entries[token] for token in state.to_cancel if token in state.entries]
            state.to_cancel.clear()
            # An attempt that is being submitted is cancelled in the next step.
            state.to_cancel.update(entry.spec.token for entry in entries if entry.phase == "new")
            entries = [entry for entry in entries if entry.phase in ("submitted", "adrift")]
            workers = {entry.worker for entry in entries}
        if not entries:
            self._rest_briefly()
            return
        tokens = [entry.spec.token for entry in entries]
        # The workers are asked first: Dask does not end the command of a cancelled task.
        targets = None if "" in workers else sorted(workers & self._connection.workers().keys())
        answers = self._connection.run(
            remote.cancel, self._service, self._host_options, tokens, workers=targets
        )
        running = {token for tokens in answers.values() for token in tokens}
        with state.lock:
            for entry in entries:
                if entry.spec.token not in running:
                    state.finish(entry, CANCELLED, drop=True)
        state.changed()

    def _rest_briefly(self) -> None:
        with self._state.lock:
            if self._state.to_cancel:
                self._state.lock.wait(0.02)

    def _forget(self) -> None:
        state = self._state
        with state.lock:
            groups, state.to_forget = state.to_forget, {}
        present = self._connection.workers() if groups else {}
        # Workers that are gone may have records on machines of others, which forget them with the next start.
        workers = [worker for worker in groups if worker in present]
        for worker in workers:
            self._connection.run(remote.forget, self._service, groups[worker], workers=[worker])

    def _explain(self) -> None:
        """Note why attempts wait in the cluster."""
        state = self._state
        if not any(isinstance(entry.status, Pending) for entry in state.open_entries("submitted")):
            return
        threads = sum(self._connection.workers().values())
        text = (
            f"all {threads} threads of the Dask workers are busy, or have not the resources"
            if threads
            else "the Dask cluster has no worker"
        )
        with state.lock:
            for entry in state.open_entries("submitted"):
                if isinstance(entry.status, Pending):
                    entry.status = Pending(text)
        if text != state.waiting_for:
            state.waiting_for = text
            state.changed()


def job_json(spec: AttemptSpec) -> str:
    """Return the specification of an attempt as JSON."""
    return json.dumps(spec_to_json(spec), separators=(",", ":"))
