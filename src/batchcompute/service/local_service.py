"""`LocalService`: the service of one data directory, in this process."""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from batchcompute.errors import ConfigError, ValidationError
from batchcompute.http.tracing import tracer
from batchcompute.runner.rooted import Root
from batchcompute.service.api.routes import is_for_objects
from batchcompute.service.assembly import assemble, check_engine_names
from batchcompute.service.at_exit import open_services, unfinished_jobs, unfinished_message
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.data_directory import Lock, check_data_directory
from batchcompute.service.durations import seconds_of
from batchcompute.service.event_counts import EventCounts
from batchcompute.service.events import Events
from batchcompute.service.numbers import Readiness, ServiceNumbers, check_readiness, read_numbers
from batchcompute.service.resolved_settings import resolve
from batchcompute.service.retention import Retention
from batchcompute.service.settings import Settings
from batchcompute.service.store.keys import FIRST_OWNER
from batchcompute.service.tracing import SpanSink

if TYPE_CHECKING:
    from batchcompute import AsyncClient, Client
    from batchcompute.client.object_storage import ObjectStorage
    from batchcompute.service.domain.instance_types import InstanceType
    from batchcompute.service.engines.base import Engine
    from batchcompute.service.engines.context import EngineFactory
    from batchcompute.service.objects.base import ObjectStore
    from batchcompute.service.objects.uploads import SpoolWriter
    from batchcompute.service.requests import Admission, Request, Response
    from batchcompute.service.store.database import Store
    from batchcompute.service.watchdog import Health

__all__ = ["LocalService"]

_log = logging.getLogger("batchcompute.service")

_OWNER = FIRST_OWNER
"""The owner of all keys that this process adds."""


class LocalService:
    """The service in this process: it stores jobs in a data directory and runs them on this machine.

    It is a context manager. Only one process can have a data directory open at a time.

    The settings are those of `batchcompute serve`; `Settings` describes and checks them.

    Args:
        data_dir: Directory for the database, the objects, the keys and the work. By default, the service creates a
            temporary directory and removes it when it is closed.
        slots: How many instances run at once. The default is the number of cores.
        engine: Engines that run instances: ``local`` is this machine; instance types may name theirs. An engine that
            the program has made is possible, too, or a function that makes one.
        engine_options: Options of engines; in the file, the tables ``[engines.ENGINE]``. Here, a mapping by the name of
            the engine.
        node_endpoint: URL at which the nodes of an engine reach this service.
        clock: The source of time. A simulated clock goes with a simulated engine.
        full_sync: Each commit waits for the disk, so a power cut loses no commit.
        refuse_replays: A request with a nonce that was seen before is refused.
        detach: Running instances go on after the end; the next start adopts them.
        sandbox: When bubblewrap is used: ``auto`` for tasks with mappings, ``always``, or ``never``.
        keep_mounts: Object storage keeps what programs write to mounts with ``WriteSupport``.
        types: Instance types besides the built-in ones.
        max_file_size: Size that a file of a program may reach, its output included; 0 bytes stand for any size.
        work_dir: Directory where programs run. The default is in the data directory. In a directory in memory,
            short programs run twice as fast as on some disks.
        storage: URL of other object storage, for fsspec: ``s3://bucket/prefix``. The default is a directory in
            the data directory.
        oss_host: URL where programs reach object storage. The default is the storage's own URL.
        run_as: Unix user that runs the programs of an owner; the service has to be root.
        trust_owners: Owners trust each other: their programs are not kept apart.
        hide: Files and directories, besides those of the service, that no program in a sandbox sees: a private
            key, for example.

    Raises:
        ConfigError: A setting is not allowed, the directory cannot be written, or another process has it open.

    Example:
        >>> with LocalService() as service, service.client() as client:
        ...     print(client.get_quotas().AvailableClusterResourceType)
        ['OnDemand', 'Spot']
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        slots: int | None = None,
        engine: str | Engine | EngineFactory = "local",
        engine_options: Mapping[str, Mapping[str, object]] | None = None,
        node_endpoint: str = "",
        clock: Clock = SYSTEM_CLOCK,
        full_sync: bool = False,
        detach: bool = False,
        refuse_replays: bool = False,
        sandbox: Literal["auto", "always", "never"] = "auto",
        keep_mounts: bool = False,
        types: Iterable[InstanceType] = (),
        oss_host: str = "",
        storage: str = "",
        max_file_size: int = 0,
        work_dir: str | os.PathLike[str] | None = None,
        run_as: Mapping[str, str] | None = None,
        trust_owners: bool = False,
        hide: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        arguments = {
            "data_dir": data_dir, "slots": slots, "full_sync": full_sync, "detach_jobs": detach, "hide": hide,
            "refuse_replays": refuse_replays, "sandbox": sandbox, "keep_mounts": keep_mounts, "oss_host": oss_host,
            "instance_types": types, "storage": storage, "max_file_size": max_file_size, "work_dir": work_dir,
            "run_as": run_as or {}, "trust_owners": trust_owners, "node_endpoint": node_endpoint,
            "engine_options": engine_options or {},
        }  # fmt: skip
        own_engine = None if isinstance(engine, str) else engine
        if isinstance(engine, str):
            arguments["engine"] = engine
        self._start(Settings.checked(arguments), own_engine, clock, "", True)

    @classmethod
    def from_settings(cls, settings: Settings, address: str = "", *, run_jobs: bool = True) -> Self:
        """Start a service with the given settings.

        Args:
            settings: Checked settings; without ``data_dir``, the service creates a temporary directory.
            address: URL of the server of this service, if it listens already: attempts of an earlier service that run on
                other machines need it from the start. Empty if there is no server yet.
            run_jobs: Whether the service runs jobs. Otherwise it shows them as they are stored, and changes none.

        Raises:
            ConfigError: The directory cannot be written, or another process has it open.
        """
        service = cls.__new__(cls)
        service._start(settings, None, SYSTEM_CLOCK, address, run_jobs)
        return service

    def _start(
        self,
        settings: Settings,
        engine: Engine | EngineFactory | None,
        clock: Clock,
        address: str,
        runs: bool,
    ) -> None:
        if sys.platform == "win32":
            raise ConfigError("the service runs on Linux and macOS only; clients run everywhere")
        # Before a directory is made: a setting can name something that this machine does not have.
        resolved = resolve(settings)
        check_engine_names(resolved, settings.spelled("engine"))
        self._temporary = settings.data_dir is None
        self.data_dir: Path = settings.data_dir or Path(tempfile.mkdtemp(prefix="batchcompute-")).absolute()
        self._pid = os.getpid()
        self._closed = False
        self.runs_jobs: bool = runs
        """Whether the service runs jobs, or only shows them."""
        self._objects_pair: tuple[str, str] | tuple[()] = ()
        self._ending = False
        self.address: str = address
        """URL of the server of this service; empty while there is none."""
        self.unfinished: int = 0
        """The number of unfinished jobs when the service was closed; none of them continues before the next start."""
        with ExitStack() as stack:
            try:
                check_data_directory(self.data_dir)
                self._lock = Lock(self.data_dir)
                stack.callback(self._lock.release)
                count = partial(self._count_unfinished, settings.detach_jobs)
                self._parts = assemble(
                    stack, self.data_dir, settings, resolved, engine, count, lambda: self.address, clock, runs
                )
                if settings.keep_jobs and runs:
                    age = seconds_of(settings.keep_jobs)
                    stack.callback(Retention(self._parts.store, self.data_dir, age, clock).close)
            except OSError as error:
                raise ConfigError(f"the data directory {self.data_dir} cannot be used: {error}") from error
            except sqlite3.Error as error:
                raise ConfigError(f"the database in {self.data_dir} cannot be used: {error}") from error
            except (RuntimeError, MemoryError) as error:
                # For example, a thread cannot be started.
                text = f"the service cannot start: the machine lacks resources for it: {error}"
                raise ConfigError(text) from error
            # Every part is closed, in the reverse order, even if closing another one fails.
            self._closing = stack.pop_all()
        self.objects: ObjectStore = self._parts.objects
        self.slots: int = self._parts.slots
        self.identity: str = self._parts.identity
        self.counts: EventCounts = EventCounts()
        """Numbers of events since the start."""
        self.events: Events = self._parts.store.events
        """Receives the events of jobs and requests."""
        self.events.add(self.counts)
        if tracer() is not None:
            self.events.add(SpanSink())
        self._parts.core.events = self._parts.object_api.events = self.events
        self._parts.object_api.note_use = self._parts.keys.note_use
        open_services.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            "LocalService cannot be pickled, because it belongs to this process. Run `batchcompute serve`, and create "
            "a client of that server in each process"
        )

    def __repr__(self) -> str:
        return f"<LocalService {self.data_dir}{' closed' if self._closed else ''}>"

    @property
    def closed(self) -> bool:
        """Whether the service is closed, or belongs to the parent of this process."""
        return self._closed or self._pid != os.getpid()

    def health(self) -> Health:
        """Return the health of the loop that runs the jobs."""
        return self._parts.watchdog.health()

    def readiness(self) -> Readiness:
        """Return whether the service can do its work at this moment, and if not, why."""
        return check_readiness(self._parts.store, self.data_dir, self.health(), self.closed or self._ending)

    def numbers(self) -> ServiceNumbers:
        """Return the numbers of this moment, for metrics."""
        return read_numbers(self._parts.store, self.data_dir, self.slots, self.health())

    def end_waits(self) -> None:
        """Answer all requests that wait for the end of a job, because the service is about to end."""
        self._ending = True
        self._parts.dispatcher.waiters.close()

    def add_key(self, access_key_id: str, access_key_secret: str) -> None:
        """Add a key pair; the secret of an existing one does not change."""
        self._parts.keys.add(access_key_id, access_key_secret, _OWNER)

    def dispatch(self, request: Request, admission: Admission | None = None) -> Response:
        """Return the response to a request.

        Args:
            request: The request.
            admission: What `admit` returned for its head, if it was called.

        Raises:
            ConfigError: The service is closed, or it runs no jobs and the request would change one.
        """
        if self.closed:
            raise ConfigError(f"the local service of {self.data_dir} is closed")
        if is_for_objects(request):
            return self._parts.object_api.dispatch(request, admission)
        if not self.runs_jobs and request.method != "GET":
            raise ConfigError(f"the local service of {self.data_dir} runs no jobs, so it does not change any")
        return self._parts.core.dispatch(request, admission)

    def admit(self, head: Request) -> Admission | Response:
        """Authenticate a request by its head: return its owner and object, or the response that refuses it.

        Args:
            head: The request without its body.
        """
        return self._parts.object_api.admit(head) if is_for_objects(head) else self._parts.core.admit(head)

    def new_spool(self) -> SpoolWriter:
        """Open a file for a request body that is too large for memory."""
        return self._parts.object_api.new_spool()

    def _known_pair(self, access_key_id: str, access_key_secret: str) -> tuple[str, str]:
        """Add a key pair and return it; generate one for an empty id."""
        if not access_key_id:
            access_key_id, access_key_secret = f"local-{secrets.token_hex(4)}", secrets.token_hex(16)
        self.add_key(access_key_id, access_key_secret)
        return access_key_id, access_key_secret

    def client(self, access_key_id: str = "", access_key_secret: str = "") -> Client:
        """Return a client of this service.

        Args:
            access_key_id: Access key id; if it is empty, the client gets a new key pair.
            access_key_secret: Access key secret.
        """
        from batchcompute.client import Client
        from batchcompute.regions import LOCAL
        from batchcompute.service.transports.in_process import ServiceTransport

        client = Client(LOCAL, *self._known_pair(access_key_id, access_key_secret))
        client._use(ServiceTransport(self))
        return client

    def async_client(self, access_key_id: str = "", access_key_secret: str = "") -> AsyncClient:
        """Return an asynchronous client of this service; the arguments are those of `client`."""
        from batchcompute.client import AsyncClient
        from batchcompute.regions import LOCAL
        from batchcompute.service.transports.in_process import ServiceTransport

        client = AsyncClient(LOCAL, *self._known_pair(access_key_id, access_key_secret))
        client._use(ServiceTransport(self))
        return client

    def oss_path(self, url: str) -> Path:
        """Return the file that holds an object.

        Args:
            url: ``oss://bucket/key``.

        Raises:
            ValidationError: The text is not an object URL.
            ConfigError: The storage is not on this machine.
        """
        if not isinstance(url, str):
            raise ValidationError(f"an object URL is a str like oss://bucket/key, not {type(url).__name__}")
        path = self.objects.local(url)
        if path is None:
            raise ConfigError(
                f"{url} is not a file of this machine: the storage is {self.objects.describe()}"
            )
        return path

    def put(self, source: str | os.PathLike[str], url: str) -> list[str]:
        """Write a file, or all files below a directory, to object storage.

        Args:
            source: The file or the directory.
            url: ``oss://bucket/key``. A file gets its own name below a URL that ends in a slash.

        Returns:
            The URLs of the objects.

        Raises:
            ConfigError: The file cannot be read.
        """
        from batchcompute.client.object_files import upload

        return upload(self._storage(), Path(source), url)

    def get(self, url: str, target: str | os.PathLike[str]) -> list[Path]:
        """Write an object to a file, or all objects below a URL that ends in a slash to a directory.

        Args:
            url: ``oss://bucket/key``, or ``oss://bucket/prefix/`` for a directory.
            target: The file; or a directory, in which an object gets the last part of its key as name.

        Returns:
            The files.

        Raises:
            NotFoundError: There is no such object, or none below the URL.
        """
        from batchcompute.client.object_files import download

        return download(self._storage(), url, Path(target))

    def _storage(self) -> ObjectStorage:
        from batchcompute.client.object_storage import ObjectStorage

        if not self._objects_pair:
            self._objects_pair = self._known_pair("", "")
        return ObjectStorage(self.client(*self._objects_pair))

    def _count_unfinished(self, detach: bool, store: Store) -> None:
        stops_jobs = self._closed and self.runs_jobs and not detach
        self.unfinished = unfinished_jobs(store) if stops_jobs else 0
        if self.unfinished:
            _log.warning("%s", unfinished_message(self.unfinished, self.data_dir, self._temporary))

    def close(self) -> None:
        """End all attempts and threads, and release the data directory.

        Interrupted instances start again when the directory is opened the next time.
        """
        if self.closed:
            return
        self._closed = True
        open_services.discard(self)
        try:
            self._closing.close()
        finally:
            if self._temporary:
                parent = Root(self.data_dir.parent)
                try:
                    parent.remove((self.data_dir.name,))
                finally:
                    parent.close()
