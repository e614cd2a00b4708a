"""Code that runs on the workers of a Dask cluster: attempts, and the questions of the engine about them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Collection
from typing import Any, TypeAlias

from batchcompute.runner.host import AttemptHost, HostOptions
from batchcompute.runner.records import Ended, Record, Started, encode
from batchcompute.runner.spec_json import Assignment, spec_from_json

__all__ = [
    "cancel",
    "close_host",
    "forget",
    "keep_only",
    "open_host",
    "report",
    "run_attempt",
]

# A worker of Dask has no type here: its package is installed where workers run, and not where this module is checked.

_START_DELAY = 0.1
"""Seconds after which the service is told that an attempt runs. Of a shorter attempt, it is told the end only."""

_END_DELAY = 0.001
"""Seconds in which ends are collected, so that they are told together."""

Key: TypeAlias = tuple[str, str, str]

_hosts: dict[Key, _WorkerHost] = {}
"""The hosts of this process by service, worker and options. Changed options make a second host."""

_lock = threading.Lock()


class _WorkerHost:
    """The host of a worker, and the announcements of its records.

    Args:
        worker: The worker.
        service: Prefix of the tokens of the service.
        options: Options of the host.
    """

    def __init__(self, worker: Any, service: str, options: dict[str, Any]) -> None:
        self._worker = worker
        self._topic = f"batchcompute-{service}"
        self._pending: dict[str, Started] = {}
        self._ended: list[Ended | tuple[str, str]] = []
        self._lock = threading.Lock()
        self._has_timer = {"start": False, "end": False}
        node = str(worker.address).rpartition("://")[2].rpartition(":")[0].strip("[]") or "localhost"
        passed = tuple(options.pop("passed", ()))
        self.host = AttemptHost(HostOptions(service, node, passed=passed, **options), self._announce)

    def _announce(self, record: Record) -> None:
        """Collect a record; any thread calls it."""
        with self._lock:
            if isinstance(record, Started):
                self._pending[record.token] = record
                self._start_timer("start", _START_DELAY)
            else:
                self._pending.pop(record.token, None)
                self._ended.append(record)
                self._start_timer("end", _END_DELAY)

    def tell_no_result(self, token: str, reason: str) -> None:
        """Tell the service that an attempt has no result."""
        with self._lock:
            self._pending.pop(token, None)
            self._ended.append((token, reason))
            self._start_timer("end", _END_DELAY)

    def tell_ended(self, record: Ended) -> None:
        """Tell the service the end of an attempt once more."""
        with self._lock:
            self._ended.append(record)
            self._start_timer("end", _END_DELAY)

    def _start_timer(self, kind: str, delay: float) -> None:
        if not self._has_timer[kind]:
            self._has_timer[kind] = True
            loop = self._worker.loop
            loop.add_callback(loop.call_later, delay, self._tell, kind)

    def _tell(self, kind: str) -> None:
        """Send what was collected; the loop of the worker calls it."""
        with self._lock:
            self._has_timer[kind] = False
            ended, self._ended = self._ended, []
            started: list[Started] = []
            if kind == "start":
                started = list(self._pending.values())
                self._pending.clear()
        message: dict[str, Any] = {"worker": self._worker.address}
        if started:
            message["running"] = [[record.token, record.node, record.time] for record in started]
        if ended:
            message["ended"] = [encode(entry) for entry in ended if isinstance(entry, Ended)]
            message["no_result"] = [list(entry) for entry in ended if not isinstance(entry, Ended)]
        if len(message) > 1:
            self._worker.log_event(self._topic, message)


def open_host(worker: Any, service: str, options: dict[str, Any]) -> None:
    """Open the host of a worker for a service, unless it is open.

    Args:
        worker: The worker.
        service: Prefix of the tokens of the service.
        options: Options of the host.

    Raises:
        OSError: The directory of the host cannot be used.
    """
    _host(worker, service, options)


def _host(worker: Any, service: str, options: dict[str, Any]) -> _WorkerHost:
    key = (service, str(worker.address), json.dumps(options, sort_keys=True))
    with _lock:
        host = _hosts.get(key)
        if host is None:
            host = _hosts[key] = _WorkerHost(worker, service, dict(options))
        return host


def _hosts_of(worker: Any, service: str) -> list[AttemptHost]:
    with _lock:
        return [host.host for key, host in _hosts.items() if key[:2] == (service, str(worker.address))]


def close_host(worker: Any, service: str) -> None:
    """End all attempts of a service on a worker."""
    with _lock:
        keys = [key for key in _hosts if key[:2] == (service, str(worker.address))]
        hosts = [_hosts.pop(key) for key in keys]
    for host in hosts:
        host.host.close()


def run_attempt(order: dict[str, Any], service: str, options: dict[str, Any]) -> None:
    """Run an attempt. Its end is announced to the service.

    Args:
        order: The specification as JSON, the grant, and how object storage is reached.
        service: Prefix of the tokens of the service.
        options: Options of the host.
    """
    from distributed import get_worker

    worker = get_worker()
    own = _host(worker, service, options)
    spec = spec_from_json(json.loads(order["spec"]))
    for host in _hosts_of(worker, service):
        result = host.result(spec.token)
        if isinstance(result, Ended):
            own.tell_ended(result)
        if result is not None:
            return
    result = own.host.run(Assignment(spec, order["grant"]), order["endpoint"], order["certificates"])
    if isinstance(result, str):
        own.tell_no_result(spec.token, result)


async def cancel(
    service: str, options: dict[str, Any], tokens: Collection[str], dask_worker: Any = None
) -> list[str]:
    """End attempts with all of their processes; those that have not started will not start.

    Args:
        service: Prefix of the tokens of the service.
        options: Options of the host.
        tokens: The attempts.
        dask_worker: The worker; Dask sets it.

    Returns:
        The attempts that were running; the worker announces their ends.
    """

    def act() -> list[str]:
        _host(dask_worker, service, options)
        return [token for host in _hosts_of(dask_worker, service) for token in host.cancel(tokens)]

    return await asyncio.to_thread(act)


async def keep_only(
    service: str, options: dict[str, Any], tokens: Collection[str], dask_worker: Any = None
) -> None:
    """End all attempts of a service on a worker but some.

    Args:
        service: Prefix of the tokens of the service.
        options: Options of the host.
        tokens: The attempts that go on.
        dask_worker: The worker; Dask sets it.
    """

    def act() -> None:
        _host(dask_worker, service, options)
        for host in _hosts_of(dask_worker, service):
            host.keep_only(tokens)

    await asyncio.to_thread(act)


async def forget(service: str, tokens: Collection[str], dask_worker: Any = None) -> None:
    """Release the records of attempts.

    Args:
        service: Prefix of the tokens of the service.
        tokens: The attempts.
        dask_worker: The worker; Dask sets it.
    """

    def act() -> None:
        for host in _hosts_of(dask_worker, service):
            host.forget(tokens)

    await asyncio.to_thread(act)


async def report(
    service: str, options: dict[str, Any], tokens: Collection[str], dask_worker: Any = None
) -> dict[str, Any]:
    """Return what a worker knows about attempts.

    Args:
        service: Prefix of the tokens of the service.
        options: Options of the host.
        tokens: The attempts.
        dask_worker: The worker; Dask sets it.
    """
    wanted = set(tokens)

    def act() -> dict[str, Any]:
        node = _host(dask_worker, service, options).host.options.node
        running: dict[str, float] = {}
        ended: list[bytes] = []
        lost: list[str] = []
        for host in _hosts_of(dask_worker, service):
            answer = host.report()
            running.update((token, since) for token, since in answer.running.items() if token in wanted)
            ended += [encode(record) for token, record in answer.ended.items() if token in wanted]
            lost += [token for token in answer.lost if token in wanted]
        return {"running": running, "ended": ended, "lost": lost, "node": node}

    return await asyncio.to_thread(act)
