"""Consistent copies of the database, and the row counts of its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from batchcompute.errors import ConfigError
from batchcompute.service.store.schema import MIGRATIONS

__all__: list[str] = []


def copy_database(database: Path, target: Path) -> int:
    """Copy a database as it is at one moment; a service may write to it meanwhile.

    Args:
        database: The file of the database.
        target: The new file.

    Returns:
        The version of its schema.

    Raises:
        ConfigError: The database cannot be read, or the copy cannot be written.
    """
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
            source.execute("PRAGMA busy_timeout=5000")
            source.backup(copy)
            # The copy of a database in WAL mode would need a second file.
            copy.execute("PRAGMA journal_mode=DELETE")
            return _schema(copy)
    except sqlite3.Error as error:
        raise ConfigError(f"the database {database} cannot be copied: {error}") from None


def check_database(database: Path) -> None:
    """Check a copy of a database.

    Args:
        database: The file.

    Raises:
        ConfigError: It is damaged, is not a database of this package, or was written by a later version of it.
    """
    try:
        with closing(sqlite3.connect(database)) as copy:
            result = str(copy.execute("PRAGMA quick_check(1)").fetchone()[0])
            version = _schema(copy)
    except sqlite3.Error as error:
        raise ConfigError(f"its database is damaged: {error}") from None
    if result != "ok":
        raise ConfigError(f"its database is damaged: {result}")
    if version == 0:
        raise ConfigError("its database is not one of batchcompute")
    if version > len(MIGRATIONS):
        raise ConfigError(
            f"its database was written by a later version of batchcompute (schema {version}, this one knows "
            f"{len(MIGRATIONS)})"
        )


def count_rows(database: Path) -> Mapping[str, int]:
    """Return the row counts of the tables that grow without a limit, by a name for the user.

    Args:
        database: The file of the database.

    Raises:
        ConfigError: The database cannot be read.
    """
    counts: dict[str, int] = {}
    try:
        with closing(sqlite3.connect(database)) as db:
            tables = {
                str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            for name, table, condition in (
                ("ended jobs", "jobs", "state IN ('Finished', 'Failed', 'Stopped')"),
                ("unfinished jobs", "jobs", "state IN ('Waiting', 'Running')"),
                ("instances", "instances", "1"),
                ("earlier attempts", "attempts", "1"),
                ("tokens", "tokens", "1"),
                ("nonces", "nonces", "1"),
            ):
                # A directory of an earlier version has fewer tables.
                if table in tables:
                    row = db.execute(f"SELECT COUNT(*) FROM {table} WHERE {condition}").fetchone()
                    counts[name] = int(row[0])
    except sqlite3.Error as error:
        raise ConfigError(f"the database {database} cannot be read: {error}") from None
    return counts


def count_unfinished(database: Path) -> tuple[int, int]:
    """Return the numbers of waiting and of running jobs of all owners; a service may run meanwhile.

    Args:
        database: The file of the database, which need not be there.

    Raises:
        ConfigError: The database cannot be read.
    """
    if not database.exists():
        return 0, 0
    try:
        with closing(sqlite3.connect(database)) as db:
            columns = {str(row[1]) for row in db.execute("PRAGMA table_info(jobs)")}
            if not columns:
                return 0, 0
            # A directory of an earlier version has fewer columns.
            shown = "WHERE NOT hidden " if "hidden" in columns else ""
            counts = dict(db.execute(f"SELECT state, COUNT(*) FROM jobs {shown}GROUP BY state"))
    except sqlite3.Error as error:
        raise ConfigError(f"the database {database} cannot be read: {error}") from None
    return int(counts.get("Waiting", 0)), int(counts.get("Running", 0))


def _schema(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
