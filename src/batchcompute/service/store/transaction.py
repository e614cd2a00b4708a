"""One transaction: the repositories that it reads and writes, and what it asks for once it is committed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from batchcompute.service.store.apps import AppRepository
from batchcompute.service.store.buckets import BucketRepository
from batchcompute.service.store.clusters import ClusterRepository
from batchcompute.service.store.images import ImageRepository
from batchcompute.service.store.instances import InstanceRepository
from batchcompute.service.store.jobs import JobRepository
from batchcompute.service.store.machines import MachineRepository
from batchcompute.service.store.tasks import TaskRepository
from batchcompute.service.store.tokens import TokenRepository

__all__: list[str] = []


class Repositories:
    """The repositories of one database connection.

    Args:
        db: The connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.apps = AppRepository(db)
        self.buckets = BucketRepository(db)
        self.clusters = ClusterRepository(db)
        self.images = ImageRepository(db)
        self.instances = InstanceRepository(db)
        self.jobs = JobRepository(db)
        self.machines = MachineRepository(db)
        self.tasks = TaskRepository(db)
        self.tokens = TokenRepository(db)


@dataclass(slots=True)
class Effects:
    """What a transaction asks for outside the database, once it is committed."""

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
        "buckets",
        "clusters",
        "effects",
        "images",
        "instances",
        "jobs",
        "machines",
        "tasks",
        "tokens",
    )

    def __init__(self, repositories: Repositories) -> None:
        self.apps: AppRepository = repositories.apps
        self.buckets: BucketRepository = repositories.buckets
        self.clusters: ClusterRepository = repositories.clusters
        self.images: ImageRepository = repositories.images
        self.instances: InstanceRepository = repositories.instances
        self.jobs: JobRepository = repositories.jobs
        self.machines: MachineRepository = repositories.machines
        self.tasks: TaskRepository = repositories.tasks
        self.tokens: TokenRepository = repositories.tokens
        self.effects: Effects = Effects()
