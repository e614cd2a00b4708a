"""The database: what the service knows, and the only place that writes it.

SQLite in WAL mode behind one connection and one lock. A statement takes tens of
microseconds, so readers need no connection of their own, and every answer sees whole
transactions only.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from batchcompute.errors import ConfigError

__all__: list[str] = []

_MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE clusters (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        state TEXT NOT NULL,
        description TEXT NOT NULL,
        logs TEXT NOT NULL DEFAULT '[]',
        created TEXT NOT NULL
    ) STRICT;

    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '',
        priority INTEGER NOT NULL,
        fail_fast INTEGER NOT NULL,
        auto_release INTEGER NOT NULL,
        description TEXT NOT NULL,
        created TEXT NOT NULL,
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX jobs_active ON jobs (priority DESC, seq) WHERE state IN ('Waiting', 'Running');

    -- The counters are the instances by state; every transition moves one from here to there.
    CREATE TABLE tasks (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        cluster TEXT NOT NULL,
        max_retries INTEGER NOT NULL,
        timeout INTEGER NOT NULL,
        blockers INTEGER NOT NULL,
        followers TEXT NOT NULL,
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT '',
        Waiting INTEGER NOT NULL,
        Running INTEGER NOT NULL DEFAULT 0,
        Finished INTEGER NOT NULL DEFAULT 0,
        Failed INTEGER NOT NULL DEFAULT 0,
        Stopped INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (job, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE instances (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        task INTEGER NOT NULL,
        number INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'Waiting',
        attempt INTEGER NOT NULL DEFAULT 0,
        retries INTEGER NOT NULL DEFAULT 0,
        losses INTEGER NOT NULL DEFAULT 0,
        token TEXT NOT NULL DEFAULT '',
        node TEXT NOT NULL DEFAULT '',
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT '',
        exit_code INTEGER NOT NULL DEFAULT 0,
        error_code TEXT NOT NULL DEFAULT '',
        error_message TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (job, task, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (
        owner TEXT NOT NULL,
        operation TEXT NOT NULL,
        token TEXT NOT NULL,
        request TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (owner, operation, token)
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX instances_waiting ON instances (job, task, number) WHERE state = 'Waiting';
    CREATE INDEX instances_running ON instances (token) WHERE state = 'Running';
    """,
    """
    CREATE TABLE images (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        description TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT;

    -- An app is its revisions; the newest is what jobs run.
    CREATE TABLE apps (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        next INTEGER NOT NULL,
        created TEXT NOT NULL,
        UNIQUE (owner, name)
    ) STRICT;
    CREATE TABLE revisions (
        app INTEGER NOT NULL REFERENCES apps (seq) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        description TEXT NOT NULL,
        updated TEXT NOT NULL,
        PRIMARY KEY (app, number)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE machines (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        cluster INTEGER NOT NULL REFERENCES clusters (seq) ON DELETE CASCADE,
        "group" TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'Running',
        created TEXT NOT NULL,
        released REAL NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX machines_of ON machines (cluster, "group", state, seq);
    """,
    """
    -- What runs where the description does not say it in so many words: the DAG of an App job.
    ALTER TABLE jobs ADD COLUMN plan TEXT NOT NULL DEFAULT '';
    -- What its Message says for as long as it has nothing worse to say.
    ALTER TABLE jobs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
    -- The machine of its cluster that an instance runs on.
    ALTER TABLE instances ADD COLUMN worker TEXT NOT NULL DEFAULT '';
    -- How its mappings got to their paths: settings may differ when its outputs are brought away.
    ALTER TABLE instances ADD COLUMN way TEXT NOT NULL DEFAULT '';
    -- When a cluster was deleted; it is shown for a while after that.
    ALTER TABLE clusters ADD COLUMN released REAL NOT NULL DEFAULT 0;
    CREATE INDEX instances_workers ON instances (worker) WHERE state = 'Running' AND worker != '';
    """,
    """
    -- A bucket belongs to its first writer; its owner grants access to others, '*' for all.
    CREATE TABLE buckets (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE grants (
        bucket TEXT NOT NULL,
        grantee TEXT NOT NULL,
        access TEXT NOT NULL,
        PRIMARY KEY (bucket, grantee)
    ) STRICT, WITHOUT ROWID;
    -- The nonces that were seen, for as long as their requests would be accepted once more.
    CREATE TABLE nonces (nonce TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX nonces_seen ON nonces (seen);
    -- Where an attempt works: a later service may be told to work elsewhere.
    ALTER TABLE instances ADD COLUMN work TEXT NOT NULL DEFAULT '';
    -- Whether the time of an attempt was up.
    ALTER TABLE instances ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
    -- A large job is written and removed in steps. Until the last step nobody sees it.
    ALTER TABLE jobs ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX jobs_hidden ON jobs (seq) WHERE hidden;
    -- When a token was used, so that old ones can be trimmed.
    ALTER TABLE tokens ADD COLUMN used TEXT NOT NULL DEFAULT '';
    """,
)
"""One script for each version of the schema; ``user_version`` counts those that ran."""


_TURNS = 20
"""Half milliseconds for which something large waits for others at most."""


class Store:
    """The database of one service.

    Args:
        path: The file.
        full: Whether each commit waits for the disk, so that not even a power cut loses one.

    Raises:
        ConfigError: The file cannot be opened, or is of a later version of this package.
    """

    def __init__(self, path: Path, full: bool = False) -> None:
        self._lock = threading.RLock()
        self._waiting = 0
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
                self.id: str = self._fact("id", uuid.uuid4().hex[:12])
                """Tells this data directory from every other."""
            except (sqlite3.Error, OSError) as error:
                raise ConfigError(f"the database {path} cannot be used: {error}") from error
            stack.pop_all()

    def _migrate(self, path: Path) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(_MIGRATIONS):
            raise ConfigError(
                f"the database {path} was written by a later version of batchcompute (schema "
                f"{version}, this one knows {len(_MIGRATIONS)}); update, or name another directory"
            )
        for number in range(version, len(_MIGRATIONS)):
            self._db.executescript(
                f"BEGIN IMMEDIATE; {_MIGRATIONS[number]} PRAGMA user_version={number + 1}; COMMIT;"
            )

    def _fact(self, name: str, value: str) -> str:
        with self.write() as db:
            db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
            row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def owners(self) -> set[str]:
        """Return all owners that have something in the database."""
        with self.read() as db:
            return {
                str(row["owner"])
                for table in ("jobs", "clusters", "images", "apps", "buckets")
                for row in db.execute(f"SELECT DISTINCT owner FROM {table}")  # noqa: S608 - names of our own
            }

    def was_done(self, name: str) -> bool:
        """Return whether something that is done once in the life of a data directory was done."""
        with self.read() as db:
            return db.execute("SELECT 1 FROM facts WHERE name = ?", (name,)).fetchone() is not None

    def note_done(self, name: str) -> None:
        """Record that something that is done once was done."""
        with self.write() as db:
            db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, "done"))

    @contextmanager
    def write(self) -> Generator[sqlite3.Connection]:
        """Open a transaction: all of it happens, or nothing."""
        with self._held():
            # A Ctrl-C can come between any two of these lines, and the program may go on after it.
            try:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection]:
        """Open a view that no transaction changes."""
        with self._held():
            yield self._db

    @contextmanager
    def _held(self) -> Generator[None]:
        self._waiting += 1
        with self._lock:
            self._waiting -= 1
            yield

    def let_others(self) -> None:
        """Let those go first who wait for the database: called between the steps of something large."""
        for _ in range(_TURNS):
            if self._waiting <= 0:
                return
            # A lock that is taken again at once is rarely given to anybody else.
            time.sleep(0.0005)

    def compact(self) -> None:
        """Give the room of removed rows back to the disk."""
        with self._held():
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()


def load(text: str) -> Any:
    """Read a JSON column."""
    return json.loads(text)


def save(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Write a JSON column."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
