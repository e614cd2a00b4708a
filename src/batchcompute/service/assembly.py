"""Assembly: builds the parts of a service from its settings, and connects them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from batchcompute.errors import ConfigError
from batchcompute.runner.layout import MachineOptions
from batchcompute.runner.rooted import Root
from batchcompute.service.api.authentication import Keys, Nonces
from batchcompute.service.api.dispatch import Core
from batchcompute.service.api.handlers.apps import Apps
from batchcompute.service.api.handlers.clusters import Clusters
from batchcompute.service.api.handlers.images import Images
from batchcompute.service.api.handlers.jobs import Jobs
from batchcompute.service.api.handlers.quotas import Quotas
from batchcompute.service.api.handlers.submit import Submissions
from batchcompute.service.api.handlers.table import handlers
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.data_directory import (
    WorkDirectory,
    identity_of,
    open_work_directory,
    restrict_access,
)
from batchcompute.service.dispatcher import Dispatcher
from batchcompute.service.domain.capacity import KnownTypes
from batchcompute.service.engines.context import EngineContext
from batchcompute.service.engines.local import LocalEngine
from batchcompute.service.objects.api import ObjectApi
from batchcompute.service.objects.directory import DirectoryStore
from batchcompute.service.objects.grants import Grants
from batchcompute.service.objects.ownership import Buckets
from batchcompute.service.resolved_settings import ResolvedSettings
from batchcompute.service.store.database import Store
from batchcompute.service.store.keys import KeyFile
from batchcompute.service.watchdog import Watchdog
from batchcompute.service.workspaces.cleanup import Cleaner
from batchcompute.service.workspaces.kept import KeptWorkdirs
from batchcompute.service.workspaces.planner import AttemptPlanner

if TYPE_CHECKING:
    from batchcompute.service.engines.base import Engine
    from batchcompute.service.engines.context import EngineFactory
    from batchcompute.service.objects.base import ObjectStore
    from batchcompute.service.settings import Settings
    from batchcompute.service.store.database import Effects

__all__: list[str] = []


class Parts(NamedTuple):
    """The parts of a running service that `LocalService` uses."""

    store: Store
    """The database."""
    identity: str
    """The secret by which a client recognizes the server of a data directory."""
    slots: int
    """The number of instances that run at the same time."""
    objects: ObjectStore
    """Object storage."""
    keys: Keys
    """The key pairs."""
    object_api: ObjectApi
    """The API of object storage."""
    grants: Grants
    """The grants with which runners reach the objects of attempts."""
    core: Core
    """The API of jobs."""
    dispatcher: Dispatcher
    """The loop that runs the jobs."""
    watchdog: Watchdog
    """The thread that watches the loop."""


def assemble(
    stack: ExitStack,
    directory: Path,
    settings: Settings,
    resolved: ResolvedSettings,
    engine: Engine | EngineFactory | None,
    before_close: Callable[[Store], None],
    address: Callable[[], str],
    clock: Clock = SYSTEM_CLOCK,
    run_jobs: bool = True,
) -> Parts:
    """Build and start all parts of a service.

    Args:
        stack: Receives a callback for each part that closes it; the callbacks run in reverse order.
        directory: The data directory, which this process has locked.
        settings: The settings.
        resolved: The same settings in their final form.
        engine: The engine that runs attempts, or a function that makes it; None for the default, which runs processes
            on this machine.
        before_close: Called when all parts except the database are closed.
        address: Returns the URL of the server of this service; empty while there is none.
        clock: The source of time.
        run_jobs: Whether the loop is started. Without it, attempts of an earlier service are not touched, and none
            begins.

    Raises:
        OSError: The directory cannot be used.
        sqlite3.Error: The database cannot be used.
        RuntimeError: A thread cannot be started.
        ConfigError: The work directory or the object storage cannot be used.
    """
    detach = settings.detach_jobs
    store = Store(directory / "batchcompute.db", settings.full_sync)
    stack.callback(store.close)
    stack.callback(before_close, store)
    restrict_access(directory, whole=not store.was_done("tightened"))
    store.note_done("tightened")
    objects = _object_store(stack, directory, settings)
    work = stack.enter_context(
        _work_directory(directory, settings, store.id, bool(resolved.isolation.run_as))
    )
    kept_folder = directory / "kept"
    kept_folder.mkdir(mode=0o700, exist_ok=True)
    kept_root = Root(kept_folder)
    stack.callback(kept_root.close)
    cleaner = Cleaner(SYSTEM_CLOCK)
    stack.callback(cleaner.close)
    kept = KeptWorkdirs(kept_root, cleaner)
    # Requests are dated by programs that live in real time.
    keys = Keys(
        KeyFile(directory / "credentials.json"),
        Nonces(store) if settings.refuse_replays else None,
        SYSTEM_CLOCK,
        resolved.isolation,
        store.owners(),
    )
    buckets = Buckets(store, objects.has_bucket, clock)
    identity = identity_of(directory, make=True)
    planner = AttemptPlanner(store, objects.describe(), resolved, buckets, keys.owners)
    grants = Grants(identity, SYSTEM_CLOCK, planner.is_live)
    object_api = ObjectApi(objects, directory / "uploads", keys.find, buckets, grants, SYSTEM_CLOCK)
    stack.callback(object_api.uploads.close)
    hidden = (directory, work.path, *objects.folders(), *settings.hide)
    machine = MachineOptions(
        resolved.sandbox,
        resolved.keep_mounts,
        resolved.max_file_size,
        hidden,
        resolved.isolation.run_as,
    )
    context = EngineContext(
        directory,
        planner.token_prefix,
        resolved.slots,
        objects,
        planner.permission,
        machine,
        work,
        kept,
        cleaner,
        clock,
        {},
        grants.issue,
        lambda: resolved.node_endpoint or address(),
        resolved.types,
    )
    if engine is None:
        engine = _engine(context, resolved)
    elif callable(engine):
        engine = engine(context)
    stack.callback(engine.close, detach)
    dispatcher = Dispatcher(store, engine, planner, resolved.slots, clock)
    if run_jobs:
        dispatcher.start()
        stack.callback(dispatcher.close, detach)
    with store.read() as transaction:
        kept.remove_all_but(transaction.jobs.ids())
    watchdog = Watchdog(dispatcher, object_api.uploads.trim, clock=clock)
    stack.callback(watchdog.close)
    types = KnownTypes(engine.name, resolved.types, engine.capabilities.types)
    core = _core(store, resolved, types, keys, buckets, dispatcher, planner, kept, clock)
    return Parts(
        store, identity, resolved.slots, objects, keys, object_api, grants, core, dispatcher, watchdog
    )


def check_engine_names(settings: ResolvedSettings, setting: str) -> None:
    """Check the names of engines, before anything is made on disk.

    Args:
        settings: The settings.
        setting: Name of the setting, as the user wrote it.

    Raises:
        ConfigError: An engine does not exist, or an engine that is not used has options, or an instance type.
    """
    types = settings.types.values()
    if settings.engines != ("local",) or settings.engine_options or any(kind.engine for kind in types):
        # An engine can come from another package, which takes time to look up.
        from batchcompute.service.engines.registry import check_engines

        check_engines(settings.engines, settings.engine_options, types, setting)


def _engine(context: EngineContext, settings: ResolvedSettings) -> Engine:
    if settings.engines == ("local",):
        return LocalEngine.create(context)
    from batchcompute.service.engines.registry import make_engine

    return make_engine(settings.engines, settings.engine_options, context)


def _work_directory(directory: Path, settings: Settings, store_id: str, shared: bool) -> WorkDirectory:
    try:
        return open_work_directory(directory, settings.work_dir, store_id, shared)
    except OSError as error:
        if settings.work_dir is None:
            raise
        text = f"{settings.spelled('work_dir')} {settings.work_dir} cannot be used: {error}"
        raise ConfigError(text) from error


def _object_store(stack: ExitStack, directory: Path, settings: Settings) -> ObjectStore:
    local = DirectoryStore(directory / "oss")
    stack.callback(local.close)
    if not settings.storage:
        return local
    from batchcompute.service.objects.remote import RemoteStore

    return RemoteStore(settings.storage)


def _core(
    store: Store,
    settings: ResolvedSettings,
    types: KnownTypes,
    keys: Keys,
    buckets: Buckets,
    dispatcher: Dispatcher,
    planner: AttemptPlanner,
    kept: KeptWorkdirs,
    clock: Clock,
) -> Core:
    def cluster_changed(effects: Effects) -> None:
        planner.forget()
        dispatcher.apply(effects)
        dispatcher.wake()

    submissions = Submissions(
        store,
        settings,
        types,
        buckets,
        dispatcher.wake,
        dispatcher.delay_start,
        dispatcher.waiters.wait_for,
        dispatcher.apply,
        clock,
    )
    jobs = Jobs(
        store,
        dispatcher.wake,
        dispatcher.apply,
        kept.remove_job,
        dispatcher.restarting,
        settings.slots,
        clock,
    )
    clusters = Clusters(store, settings.slots, types, buckets, cluster_changed, clock)
    images, apps, quotas = Images(store, clock), Apps(store, clock), Quotas(settings.types)
    return Core(keys, handlers(submissions, jobs, clusters, images, apps, quotas))
