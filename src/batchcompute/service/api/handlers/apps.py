"""Apps and their revisions (REST API, 2.5)."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from typing import Any

from batchcompute.models.field_types import format_time
from batchcompute.resources import AppDescription
from batchcompute.service.api import idempotency
from batchcompute.service.api.requests import Params
from batchcompute.service.domain import app_jobs
from batchcompute.service.domain.defaults import check_ascii
from batchcompute.service.errors import existing, invalid, not_found
from batchcompute.service.store.database import Store, load

__all__: list[str] = []

_LONGEST_NUMBER = 9
"""Digits of the number of a revision."""

_HIDDEN = ("CommandLine", "Docker", "VM", "Daemonize", "EnvVars")
"""What GetApp and ListApps leave out, besides the parameters' ``LocalPath``."""

_SCOPES = ("", "Private", "Public")


class Apps:
    """The operations on apps.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_app(self, params: Params) -> dict[str, Any]:
        """Answer CreateApp."""
        body = params.json()
        description = _described(body)
        name = str(description.name)
        now = format_time(datetime.now(UTC))
        with self._store.write() as db:
            same = idempotency.known(db, params, body)
            if same:
                return {"Name": same}
            if _find(db, params.owner, name) is not None:
                raise existing("app", name, "ModifyApp adds a revision to it.")
            idempotency.remember(db, params, body, name)
            seq = db.execute(
                "INSERT INTO apps (name, owner, next, created) VALUES (?, ?, 1, ?)", (name, params.owner, now)
            ).lastrowid
            db.execute("INSERT INTO revisions VALUES (?, 0, ?, ?)", (seq, description.dump(None), now))
        return {"Name": name}

    def list_apps(self, params: Params) -> dict[str, Any]:
        """Answer ListApps; there are no apps of everybody's here."""
        count = params.count()
        if _scope(params) == "Public":
            return {"Items": [], "NextMarker": ""}
        number = params.number(params.query.get("Marker", "") or "0")
        with self._store.read() as db:
            rows = db.execute(
                "SELECT * FROM apps WHERE owner = ? AND seq >= ? ORDER BY seq LIMIT ?",
                (params.owner, 2**62 if number is None else number, count + 1),
            ).fetchall()
            items = [_face(row, _revision(db, row, "")) for row in rows[:count]]
        return {"Items": items, "NextMarker": str(rows[count]["seq"]) if len(rows) > count else ""}

    def get_app(self, params: Params) -> dict[str, Any]:
        """Answer GetApp: what its users see."""
        if _scope(params) == "Public":
            raise not_found("public app", params.path["AppName"])
        with self._store.read() as db:
            row = _row(db, params)
            return _face(row, _revision(db, row, ""))

    def get_app_detail(self, params: Params) -> dict[str, Any]:
        """Answer GetAppDetail: the whole description."""
        with self._store.read() as db:
            row = _row(db, params)
            revision = _revision(db, row, params.query.get("Qualifier", ""))
        return {**load(revision["description"]), "CreationTime": row["created"]}

    def get_app_revisions(self, params: Params) -> list[dict[str, Any]]:
        """Answer GetAppRevisions: a bare list, the oldest first."""
        with self._store.read() as db:
            rows = db.execute(
                "SELECT number, updated FROM revisions WHERE app = ? ORDER BY number",
                (_row(db, params)["seq"],),
            ).fetchall()
        return [{"Revision": row["number"], "UpdateTime": row["updated"]} for row in rows]

    def modify_app(self, params: Params) -> None:
        """Answer ModifyApp: each call adds a revision."""
        description = _described(params.json())
        if description.name != params.path["AppName"]:
            raise invalid("Name", "It must be the name of the app that is modified.")
        with self._store.write() as db:
            row = _row(db, params)
            now = format_time(datetime.now(UTC))
            db.execute(
                "INSERT INTO revisions VALUES (?, ?, ?, ?)",
                (row["seq"], row["next"], description.dump(None), now),
            )
            db.execute("UPDATE apps SET next = next + 1 WHERE seq = ?", (row["seq"],))

    def delete_app(self, params: Params) -> None:
        """Answer DeleteApp; to delete what is not there is no error (REST API, 2.5)."""
        qualifier = params.query.get("Qualifier", "")
        with self._store.write() as db:
            row = _find(db, params.owner, params.path["AppName"])
            if row is None:
                return
            if not qualifier:
                db.execute("DELETE FROM apps WHERE seq = ?", (row["seq"],))
                return
            revision = _revision(db, row, qualifier)
            db.execute("DELETE FROM revisions WHERE app = ? AND number = ?", (row["seq"], revision["number"]))
            if db.execute("SELECT 1 FROM revisions WHERE app = ?", (row["seq"],)).fetchone() is None:
                # An app is its revisions; with the last one it is gone.
                db.execute("DELETE FROM apps WHERE seq = ?", (row["seq"],))


def _described(body: dict[str, Any]) -> AppDescription:
    description = AppDescription(body)
    description.validate()
    check_ascii(description.name, "Name")
    app_jobs.check(description)
    return description


def _scope(params: Params) -> str:
    scope = params.query.get("Scope", "")
    if scope not in _SCOPES:
        raise invalid("Scope", "It must be Private or Public.")
    return scope


def _find(db: sqlite3.Connection, owner: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM apps WHERE owner = ? AND name = ?", (owner, name)
    ).fetchone()
    return row


def _row(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    row = _find(db, params.owner, params.path["AppName"])
    if row is None:
        raise not_found("app", params.path["AppName"])
    return row


def _revision(db: sqlite3.Connection, app: sqlite3.Row, qualifier: str) -> sqlite3.Row:
    """Return a revision of an app by its number; the newest without one."""
    if qualifier and not re.fullmatch("[0-9]+", qualifier):
        raise invalid("Qualifier", "Its type must be integer.")
    if len(qualifier) > _LONGEST_NUMBER:
        raise not_found("revision", qualifier, f"app {app['name']}")
    where = "AND number = ?" if qualifier else "ORDER BY number DESC LIMIT 1"
    arguments = (app["seq"], int(qualifier)) if qualifier else (app["seq"],)
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM revisions WHERE app = ? {where}",  # noqa: S608
        arguments,
    ).fetchone()
    if row is None:
        numbers = db.execute("SELECT number FROM revisions WHERE app = ? ORDER BY number", (app["seq"],))
        raise not_found(
            "revision", qualifier, f"app {app['name']}", (str(found["number"]) for found in numbers)
        )
    return row


def _face(app: sqlite3.Row, revision: sqlite3.Row) -> dict[str, Any]:
    description: dict[str, Any] = load(revision["description"])
    face = {name: value for name, value in description.items() if name not in _HIDDEN}
    for kind in ("InputParameters", "OutputParameters"):
        parameters: dict[str, dict[str, Any]] = description.get(kind) or {}
        face[kind] = {
            name: {key: value for key, value in parameter.items() if key != "LocalPath"}
            for name, parameter in parameters.items()
        }
    return {"Description": "", **face, "CreationTime": app["created"]}
