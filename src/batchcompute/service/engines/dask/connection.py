"""The connection to a Dask cluster: a scheduler that exists, or a cluster of the service's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.runner.attempt_spec import Token
from batchcompute.service.engines.dask import portable
from batchcompute.service.engines.dask.options import DaskOptions
from batchcompute.service.engines.dask.untyped import cloudpickle, dask, distributed

__all__ = ["Connection"]

_log = logging.getLogger("batchcompute.service.engine")

_CLOSE_TIMEOUT: Final = 5.0
"""Seconds in which a client or a cluster has to close."""

_SEND_INTERVAL: Final = 0.002
"""Seconds in which the client collects messages to the scheduler. Dask's 10 ms are long for an engine that has few
attempts in flight: each of them waits for the end of another one."""

_OWN_CLUSTER: Final[Mapping[str, object]] = {
    # Its pages need no key, so there are none.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # What these watch or move are data and functions of Dask; attempts are processes.
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.diagnostics.nvml": False,
}
"""The configuration of a cluster of the service's own."""

cloudpickle.register_pickle_by_value(portable)


async def _listen_inside(scheduler: Any) -> str:
    """Make a scheduler listen for clients of this process, and return the address."""
    await scheduler.listen("inproc://", allow_offload=False)
    return str(scheduler.listeners[-1].contact_address)


class Connection:
    """A connection to a cluster. Only one thread at a time opens or closes it.

    Args:
        options: The options of the engine.
        service: Prefix of the tokens of the service.
        host_options: Options of the hosts on workers.
        shape: Number of workers, and threads of each, of a cluster of its own.
        folder: Directory for the files of a cluster of its own.
        heard: Called with each message of a worker or the scheduler, from a thread of Dask.
    """

    def __init__(
        self,
        options: DaskOptions,
        service: str,
        host_options: Mapping[str, Any],
        shape: tuple[int, int],
        folder: str,
        heard: Callable[[dict[str, Any]], None],
    ) -> None:
        self._options = options
        self._service = service
        self.host_options: dict[str, Any] = dict(host_options)
        """Options of the hosts on workers."""
        self._shape = shape
        self._folder = folder
        self._heard = heard
        self._cluster: Any = None
        self._inside = ""
        """Address of the scheduler of a cluster of its own, for this process."""
        self._client: Any = None

    @property
    def is_own(self) -> bool:
        """Whether the cluster belongs to the service, and ends with it."""
        return not self._options.scheduler

    @property
    def client(self) -> Any:
        """The client of Dask.

        Raises:
            ConnectionError: There is no connection.
        """
        if self._client is None:
            raise ConnectionError("the Dask scheduler does not answer")
        return self._client

    @property
    def is_alive(self) -> bool:
        """Whether the connection works, as far as the client knows."""
        return self._client is not None and self._client.status == "running"

    def open(self) -> None:
        """Connect, and prepare the scheduler and the workers.

        Raises:
            OSError: The scheduler does not answer.
            ConfigError: A worker cannot run attempts, or the scheduler refuses.
        """
        self.connect()
        try:
            self._prepare()
        except BaseException:
            self.close_client()
            raise

    def connect(self) -> None:
        """Connect, and change nothing.

        Raises:
            OSError: The scheduler does not answer.
            ConfigError: The certificates cannot be used.
        """
        options = self._options
        security: Any = None
        if options.tls_ca:
            security = distributed.Security(
                require_encryption=True,
                tls_ca_file=options.tls_ca,
                tls_client_cert=options.tls_cert,
                tls_client_key=options.tls_key,
            )
        if self.is_own:
            security = self._open_cluster()
        address = options.scheduler or self._inside
        try:
            self._client = distributed.Client(
                address,
                timeout=options.connect_timeout,
                security=security,
                set_as_default=False,
                name="batchcompute",
                # The thread of a cluster of its own also serves the client.
                loop=self._cluster.loop if self.is_own else None,
            )
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            # An error of TLS is a ValueError or an OSError, and contains no secret.
            raise OSError(f"the Dask scheduler {address} does not answer: {error}") from error
        self._client.scheduler_comm.interval = _SEND_INTERVAL

    def _open_cluster(self) -> Any:
        if self._cluster is not None:
            return self._cluster.security
        # Other users of this machine can reach its ports, and a scheduler runs what a client sends.
        security = distributed.Security.temporary()
        workers, threads = self._shape
        try:
            with dask.config.set(_OWN_CLUSTER):
                self._cluster = distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=threads,
                    processes=True,
                    host="127.0.0.1",
                    scheduler_kwargs={"dashboard": False},
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address="127.0.0.1:0",
                    security=security,
                    local_directory=self._folder,
                    silence_logs=logging.ERROR,
                    memory_limit=0,
                )
        except (TimeoutError, RuntimeError) as error:
            raise OSError(f"the cluster of the service's own does not start: {error}") from error
        # A client of this process needs neither sockets nor TLS, which take a fifth of the time of a short attempt.
        self._inside = self._cluster.sync(_listen_inside, self._cluster.scheduler)
        return security

    def _prepare(self) -> None:
        client = self.client
        # Workers that cannot load this package must be known before a plugin is sent to them.
        self.check_workers(self.machines())
        try:
            client.register_plugin(portable.Guard())
        except Exception as error:
            if "pickle" not in str(error).lower():
                raise OSError(f"the Dask scheduler does not take a plugin: {error}") from error
            raise ConfigError(
                "engines.dask.scheduler: the scheduler takes no plugins, because its own setting "
                "distributed.scheduler.pickle is false; without the plugin, Dask would run programs twice"
            ) from error
        try:
            client.register_plugin(portable.HostPlugin(self._service, self.host_options))
        except OSError as error:
            raise ConfigError(f"engines.dask.work: a worker cannot use the directory: {error}") from error
        client.subscribe_topic(f"{portable.KEY}-{self._service}", self._take)

    def _take(self, event: tuple[float, Any]) -> None:
        with suppress(Exception):
            # Other clients of the scheduler may write to the same topic.
            message = event[1]
            if isinstance(message, dict):
                self._heard(cast("dict[str, Any]", message))

    def machines(self) -> dict[str, dict[str, Any]]:
        """Return facts about the workers, by address.

        Raises:
            OSError: The scheduler does not answer.
        """
        return cast("dict[str, dict[str, Any]]", self.run(portable.machine_of))

    def check_workers(self, machines: Mapping[str, Mapping[str, Any]]) -> None:
        """Check that all workers can run attempts.

        Args:
            machines: The facts about the workers.

        Raises:
            ConfigError: A worker cannot.
        """
        for address, facts in machines.items():
            if not facts["linux"]:
                raise ConfigError(f"engines.dask.scheduler: the worker {address} does not run on Linux")
            if facts["problem"]:
                raise ConfigError(
                    f"engines.dask.scheduler: the worker {address} cannot load this package ({facts['problem']}); "
                    f"install it for {facts['executable']}: {install_command('dask')}"
                )

    def run(
        self, function: Callable[..., Any], *arguments: Any, workers: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Call a function on workers, and return the answers by address. A worker that is gone gives none.

        Args:
            function: The function.
            arguments: Its arguments.
            workers: Addresses of workers; None for all.

        Raises:
            OSError: The scheduler does not answer, or the function has failed on a worker that exists.
        """
        try:
            answers: dict[str, Any] = self.client.run(
                function, *arguments, workers=None if workers is None else list(workers), on_error="return"
            )
            errors = {worker: answer for worker, answer in answers.items() if isinstance(answer, Exception)}
            if errors:
                present = set(self.workers())
                for worker, error in errors.items():
                    if worker in present:
                        raise OSError(f"the worker {worker} does not answer: {error}")
            return {worker: answer for worker, answer in answers.items() if worker not in errors}
        except (TimeoutError, asyncio.CancelledError, RuntimeError) as error:
            raise OSError(f"the Dask scheduler does not answer: {error}") from error

    def workers(self) -> dict[str, int]:
        """Return the threads of the workers, by address.

        Raises:
            OSError: The scheduler does not answer.
        """
        try:
            return cast("dict[str, int]", self.client.nthreads())
        except (TimeoutError, asyncio.CancelledError, RuntimeError) as error:
            raise OSError(f"the Dask scheduler does not answer: {error}") from error

    def keys(self) -> dict[str, bool]:
        """Return the tokens whose tasks the scheduler has, and whether they are lost.

        Raises:
            OSError: The scheduler does not answer.
        """
        try:
            return cast("dict[str, bool]", self.client.run_on_scheduler(portable.keys_of, self._service))
        except (TimeoutError, asyncio.CancelledError, RuntimeError) as error:
            raise OSError(f"the Dask scheduler does not answer: {error}") from error

    def drop(self, tokens: Iterable[Token]) -> None:
        """Remove the tasks of attempts from the scheduler, whichever client has submitted them.

        Raises:
            OSError: The scheduler does not answer.
        """
        keys = [(portable.KEY, self._service, token) for token in tokens]
        try:
            futures = [distributed.Future(key, client=self.client) for key in keys]
            self.client.cancel(futures, force=True)
        except (TimeoutError, asyncio.CancelledError, RuntimeError) as error:
            raise OSError(f"the Dask scheduler does not answer: {error}") from error

    def close_client(self) -> None:
        """Close the client. Attempts run on."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                # A client that has lost its scheduler cannot say goodbye.
                client.close(timeout=_CLOSE_TIMEOUT)

    def close(self) -> None:
        """Close the client, and a cluster of its own."""
        self.close_client()
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            with suppress(Exception):
                cluster.close(timeout=_CLOSE_TIMEOUT * 4)
