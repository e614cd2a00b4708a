"""The database file: its connection, its lock, and its transactions."""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from batchcompute.errors import ConfigError
from batchcompute.service.clock import SYSTEM_CLOCK
from batchcompute.service.event_log import EventLog
from batchcompute.service.events import Events
from batchcompute.service.store.apps import AppRepository
from batchcompute.service.store.attempts import AttemptRepository
from batchcompute.service.store.buckets import BucketRepository
from batchcompute.service.store.clusters import ClusterRepository
from batchcompute.service.store.images import ImageRepository
from batchcompute.service.store.instances import InstanceRepository
from batchcompute.service.store.jobs import JobRepository
from batchcompute.service.store.machines import MachineRepository
from batchcompute.service.store.overview import OverviewRepository
from batchcompute.service.store.schema import MIGRATIONS
from batchcompute.service.store.tasks import TaskRepository
from batchcompute.service.store.tokens import TokenRepository

__all__: list[str] = []

_TURNS = 20
"""Pauses, of 0.5 ms each, in which a large job gives way to other threads before its next step."""


class _Repositories:
    """The repositories of one database connection.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.apps: AppRepository = AppRepository(db)
        self.attempts: AttemptRepository = AttemptRepository(db)
        self.buckets: BucketRepository = BucketRepository(db)
        self.clusters: ClusterRepository = ClusterRepository(db)
        self.images: ImageRepository = ImageRepository(db)
        self.instances: InstanceRepository = InstanceRepository(db)
        self.jobs: JobRepository = JobRepository(db)
        self.machines: MachineRepository = MachineRepository(db)
        self.overview: OverviewRepository = OverviewRepository(db)
        self.tasks: TaskRepository = TaskRepository(db)
        self.tokens: TokenRepository = TokenRepository(db)


@dataclass(slots=True)
class Effects:
    """Actions outside of the database that follow the commit of a transaction."""

    cancel: list[str] = field(default_factory=list[str])
    """Tokens of attempts to end."""
    removed: list[int] = field(default_factory=list[int])
    """Large jobs that are hidden now, and have to be removed step by step."""
    unsettled: list[int] = field(default_factory=list[int])
    """Jobs that have ended, while rows of their instances still say ``Waiting``."""


class Transaction:
    """A transaction, or a view of the database that no transaction changes.

    Args:
        repositories: The repositories of the connection.
    """

    __slots__ = (
        "apps",
        "attempts",
        "buckets",
        "clusters",
        "effects",
        "images",
        "instances",
        "jobs",
        "machines",
        "overview",
        "tasks",
        "tokens",
    )

    def __init__(self, repositories: _Repositories) -> None:
        self.apps: AppRepository = repositories.apps
        self.attempts: AttemptRepository = repositories.attempts
        self.buckets: BucketRepository = repositories.buckets
        self.clusters: ClusterRepository = repositories.clusters
        self.images: ImageRepository = repositories.images
        self.instances: InstanceRepository = repositories.instances
        self.jobs: JobRepository = repositories.jobs
        self.machines: MachineRepository = repositories.machines
        self.overview: OverviewRepository = repositories.overview
        self.tasks: TaskRepository = repositories.tasks
        self.tokens: TokenRepository = repositories.tokens
        self.effects: Effects = Effects()


class Store:
    """The database of one service: SQLite in WAL mode, behind one connection and one lock.

    A statement takes tens of microseconds, so readers need no connection of their own, and every reader sees whole
    transactions only.

    Args:
        path: The file.
        full: Whether each commit waits for the disk, so that not even a power cut loses one.
        events: Receives the events of jobs, each after the commit of its transaction; by default they are logged.

    Raises:
        ConfigError: The file cannot be opened, or is of a later version of this package.
    """

    def __init__(self, path: Path, full: bool = False, events: Events | None = None) -> None:
        self.path: Path = path
        """The file."""
        self.events: Events = events or Events(EventLog())
        """Receives the events of jobs; parts of the service report further ones."""
        self._lock = threading.RLock()
        self._waiting = 0
        self._listeners: tuple[Callable[[], None], ...] = ()
        with ExitStack() as stack:
            try:
                # For its owner only, from its first moment on; what SQLite puts beside it gets the same mode.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                stack.callback(self._db.close)
                self._db.row_factory = sqlite3.Row
                for pragma in (
                    "journal_mode=WAL",
                    f"synchronous={'FULL' if full else 'NORMAL'}",
                    "foreign_keys=ON",
                    "busy_timeout=5000",
                ):
                    self._db.execute(f"PRAGMA {pragma}")
                self._migrate(path)
                self._repositories = _Repositories(self._db)
                self.id: str = self._fact("id", uuid.uuid4().hex[:12])
                """Tells this data directory from every other."""
            except (sqlite3.Error, OSError) as error:
                raise ConfigError(f"the database {path} cannot be used: {error}") from error
            stack.pop_all()

    def _migrate(self, path: Path) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            raise ConfigError(
                f"the database {path} was written by a later version of batchcompute (schema "
                f"{version}, this one knows {len(MIGRATIONS)}); update, or name another directory"
            )
        for number in range(version, len(MIGRATIONS)):
            self._db.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version={number + 1}; COMMIT;"
            )

    def _fact(self, name: str, value: str) -> str:
        with self.write():
            self._db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def owners(self) -> set[str]:
        """Return all owners that have something in the database."""
        with self.read():
            return {
                str(row["owner"])
                for table in ("jobs", "clusters", "images", "apps", "buckets")
                for row in self._db.execute(f"SELECT DISTINCT owner FROM {table}")
            }

    def was_done(self, name: str) -> bool:
        """Return whether something that is done once in the life of a data directory was done."""
        with self.read():
            row = self._db.execute("SELECT 1 FROM facts WHERE name = ?", (name,)).fetchone()
        return row is not None

    def note_done(self, name: str) -> None:
        """Record that something that is done once was done."""
        with self.write():
            self._db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, "done"))

    @contextmanager
    def write(self) -> Generator[Transaction]:
        """Open a transaction: all of it happens, or nothing."""
        self._waiting += 1
        with self._lock:
            self._waiting -= 1
            # A Ctrl-C can come between any two of these lines, and the program may go on after it.
            try:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._db.execute("BEGIN IMMEDIATE")
                changes = self._repositories.jobs.changes = []
                yield Transaction(self._repositories)
                self._db.execute("COMMIT")
                for listener in self._listeners:
                    listener()
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        for event in changes:
            self.events.emit(event)

    @contextmanager
    def read(self) -> Generator[Transaction]:
        """Open a view that no transaction changes."""
        with self._held():
            yield Transaction(self._repositories)

    @contextmanager
    def _held(self) -> Generator[None]:
        self._waiting += 1
        with self._lock:
            self._waiting -= 1
            yield

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each commit, and return the function that ends this.

        Args:
            listener: The function. It is called with the lock held, so it must return at once and never raise.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return end

    def let_others(self) -> None:
        """Let other threads have the database first; called between the steps of a large job."""
        for _ in range(_TURNS):
            if self._waiting <= 0:
                return
            # A thread that takes the lock again at once rarely loses it to another one. Threads are real, so this takes
            # real time even if the time of jobs is simulated.
            SYSTEM_CLOCK.sleep(0.0005)

    def compact(self) -> None:
        """Return the space of deleted rows to the disk."""
        with self._held():
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()
