"""Code that is sent to schedulers and workers by value, so that it runs where this package is not installed."""

from __future__ import annotations

import logging
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

__all__ = ["Guard", "HostPlugin", "keys_of", "machine_of"]

# Nothing here may use another module of this package when it is loaded. The interfaces of a scheduler are those that
# plugins of Dask use; they are not typed.

KEY = "batchcompute"
"""The first part of the keys of all attempts. The second is the service, and the third the token."""

_NOWHERE = "batchcompute-lost"
"""Name of a worker that does not exist."""


class Guard(SchedulerPlugin):
    """Keeps the scheduler from running an attempt a second time, and tells the service that it is lost.

    Without it, Dask runs tasks of a worker that has died on another one, although their commands may still run.
    """

    name: str = "batchcompute-guard"
    idempotent = True

    async def start(self, scheduler: Any) -> None:
        """Remember the scheduler."""
        self._scheduler = scheduler

    def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:
        """Keep a task that was on a worker from going to another one."""
        if finish != "released" or start not in ("processing", "memory"):
            return
        if not _is_own(key):
            return
        task = self._scheduler.tasks.get(key)
        if task is not None and task.who_wants:
            # The task stays on the scheduler until the service has taken note of it.
            task.worker_restrictions = {_NOWHERE}
            task.loose_restrictions = False
            self._scheduler.log_event(f"{KEY}-{key[1]}", {"worker_left": [key[2]], "was": start})


class HostPlugin(WorkerPlugin):
    """Prepares a worker for the attempts of a service, also one that joins or comes back later.

    Args:
        service: Prefix of the tokens of the service.
        options: Options of the host.
    """

    idempotent = True
    """A plugin that is set up a second time would end the attempts of the first one."""

    def __init__(self, service: str, options: dict[str, Any]) -> None:
        # Changed options are another plugin.
        self.name: str = f"{KEY}-{service}-{sorted(options.items())}"
        self._service = service
        self._options = options

    def setup(self, worker: Any) -> None:
        """Open the host. Programs that an earlier worker has left on the machine are ended."""
        try:
            from batchcompute.service.engines.dask.remote import open_host
        except ImportError as error:
            logging.getLogger("batchcompute.service.engine").error(
                "this worker cannot run attempts of BatchCompute: %s", error
            )
            return
        open_host(worker, self._service, self._options)

    def teardown(self, worker: Any) -> None:
        """End the programs of the worker, because it closes."""
        try:
            from batchcompute.service.engines.dask.remote import close_host
        except ImportError:
            return
        close_host(worker, self._service)


def _is_own(key: Any) -> bool:
    # The keys of other programs may be texts.
    return bool(key[0] == KEY and len(key) == 3)


def keys_of(service: str, dask_scheduler: Any = None) -> dict[str, bool]:
    """Return the tokens of a service whose tasks a scheduler has, and whether they are lost.

    Args:
        service: Prefix of the tokens.
        dask_scheduler: The scheduler; Dask sets it.
    """
    return {
        key[2]: _NOWHERE in (task.worker_restrictions or ()) or task.state == "erred"
        for key, task in dask_scheduler.tasks.items()
        if _is_own(key) and key[1] == service
    }


def machine_of(dask_worker: Any = None) -> dict[str, Any]:
    """Return facts about the machine and the packages of a worker.

    Args:
        dask_worker: The worker; Dask sets it.
    """
    import sys

    facts: dict[str, Any] = {
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "linux": sys.platform.startswith("linux"),
        "threads": dask_worker.state.nthreads,
        "nanny": bool(dask_worker.nanny),
        "resources": dict(dask_worker.state.total_resources),
        "time": 0.0,
        "version": "",
        "problem": "",
    }
    try:
        import batchcompute
        from batchcompute.service.clock import SYSTEM_CLOCK
        from batchcompute.service.engines.dask import remote
    except ImportError as error:
        facts["problem"] = f"{type(error).__name__}: {error}"
    else:
        facts["version"] = batchcompute.__version__ if remote else ""
        facts["time"] = SYSTEM_CLOCK.time()
    return facts
