"""The operations on apps and their revisions (REST API, 2.5)."""

from __future__ import annotations

import re
from typing import Any

from batchcompute import resources
from batchcompute.service.api import idempotency
from batchcompute.service.api.paging import page
from batchcompute.service.api.routes import Params
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain import app_jobs
from batchcompute.service.domain.defaults import check_ascii
from batchcompute.service.errors import existing, invalid, not_found
from batchcompute.service.store.database import Store, Transaction
from batchcompute.service.store.rows import AppRow, RevisionRow

__all__: list[str] = []

_MOST_DIGITS = 9
"""Digits of the number of a revision."""

_PRIVATE = ("CommandLine", "Docker", "VM", "Daemonize", "EnvVars")
"""Fields that GetApp and ListApps leave out, besides the ``LocalPath`` of parameters."""

_SCOPES = ("", "Private", "Public")


class Apps:
    """The operations on apps.

    Args:
        store: The database.
        clock: The source of time.
    """

    def __init__(self, store: Store, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._clock = clock

    def create_app(self, params: Params) -> dict[str, Any]:
        """Answer CreateApp."""
        body = params.json()
        description = _checked(body)
        name = str(description.name)
        with self._store.write() as transaction:
            same = idempotency.known(transaction, params, body)
            if same:
                return {"Name": same}
            if transaction.apps.find(params.owner, name) is not None:
                raise existing("app", name, "ModifyApp adds a revision to it.")
            idempotency.remember(transaction, params, body, name, self._clock)
            transaction.apps.insert(params.owner, description, timestamp(self._clock))
        return {"Name": name}

    def list_apps(self, params: Params) -> dict[str, Any]:
        """Answer ListApps; there are no public apps here."""
        count = params.count()
        if _scope(params) == "Public":
            return {"Items": [], "NextMarker": ""}
        with self._store.read() as transaction:
            rows = transaction.apps.page(params.owner, params.first_number(), count + 1)
            return page(
                rows, count, lambda row: _summary(row, transaction.apps.newest(row.seq)), lambda row: row.seq
            )

    def get_app(self, params: Params) -> dict[str, Any]:
        """Answer GetApp: the fields that users of the app need."""
        if _scope(params) == "Public":
            raise not_found("public app", params.path["AppName"])
        with self._store.read() as transaction:
            app = _find(transaction, params)
            return _summary(app, transaction.apps.newest(app.seq))

    def get_app_detail(self, params: Params) -> dict[str, Any]:
        """Answer GetAppDetail: the whole description."""
        with self._store.read() as transaction:
            app = _find(transaction, params)
            revision = _revision(transaction, app, params.query.get("Qualifier", ""))
        return {**revision.description.detail(), "CreationTime": app.created}

    def get_app_revisions(self, params: Params) -> list[dict[str, Any]]:
        """Answer GetAppRevisions: a bare list, the oldest first."""
        with self._store.read() as transaction:
            revisions = transaction.apps.revisions(_find(transaction, params).seq)
        return [{"Revision": number, "UpdateTime": updated} for number, updated in revisions]

    def modify_app(self, params: Params) -> None:
        """Answer ModifyApp: each call adds a revision."""
        description = _checked(params.json())
        if description.name != params.path["AppName"]:
            raise invalid("Name", "It must be the name of the app that is modified.")
        with self._store.write() as transaction:
            app = _find(transaction, params)
            transaction.apps.add_revision(app.seq, description, timestamp(self._clock))

    def delete_app(self, params: Params) -> None:
        """Answer DeleteApp; an app that does not exist is not an error (REST API, 2.5)."""
        qualifier = params.query.get("Qualifier", "")
        with self._store.write() as transaction:
            app = transaction.apps.find(params.owner, params.path["AppName"])
            if app is None:
                return
            if qualifier:
                transaction.apps.delete_revision(app.seq, _revision(transaction, app, qualifier).number)
            else:
                transaction.apps.delete(app.seq)


def _checked(body: dict[str, Any]) -> resources.AppDescription:
    description = resources.AppDescription(body)
    description.validate()
    check_ascii(description.name, "Name")
    app_jobs.check(description)
    return description


def _scope(params: Params) -> str:
    scope = params.query.get("Scope", "")
    if scope not in _SCOPES:
        raise invalid("Scope", "It must be Private or Public.")
    return scope


def _find(transaction: Transaction, params: Params) -> AppRow:
    app = transaction.apps.find(params.owner, params.path["AppName"])
    if app is None:
        raise not_found("app", params.path["AppName"])
    return app


def _revision(transaction: Transaction, app: AppRow, qualifier: str) -> RevisionRow:
    """Return a revision of an app by its number; the newest one without a number."""
    if not qualifier:
        return transaction.apps.newest(app.seq)
    if not re.fullmatch("[0-9]+", qualifier):
        raise invalid("Qualifier", "Its type must be integer.")
    if len(qualifier) > _MOST_DIGITS:
        raise not_found("revision", qualifier, f"app {app.name}")
    revision = transaction.apps.revision(app.seq, int(qualifier))
    if revision is None:
        numbers = (str(number) for number, _ in transaction.apps.revisions(app.seq))
        raise not_found("revision", qualifier, f"app {app.name}", numbers)
    return revision


def _summary(app: AppRow, revision: RevisionRow) -> dict[str, Any]:
    description: dict[str, Any] = revision.description.detail()
    summary = {name: value for name, value in description.items() if name not in _PRIVATE}
    for kind in ("InputParameters", "OutputParameters"):
        parameters: dict[str, dict[str, Any]] = description.get(kind) or {}
        summary[kind] = {
            name: {key: value for key, value in parameter.items() if key != "LocalPath"}
            for name, parameter in parameters.items()
        }
    return {"Description": "", **summary, "CreationTime": app.created}
