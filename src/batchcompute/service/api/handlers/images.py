"""Images (REST API, 2.4): a register; programs run on this machine's own system."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

from batchcompute.models.field_types import format_time
from batchcompute.resources import ImageDescription
from batchcompute.service.api import idempotency
from batchcompute.service.api.requests import Params, new_id
from batchcompute.service.domain.defaults import check_ascii
from batchcompute.service.domain.instance_types import SYSTEM_IMAGE_TIME, SYSTEM_IMAGES
from batchcompute.service.domain.states import owner_number
from batchcompute.service.errors import ApiError, invalid, not_found
from batchcompute.service.store.database import Store, load

__all__: list[str] = []


class Images:
    """The operations on images.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_image(self, params: Params) -> dict[str, Any]:
        """Answer CreateImage."""
        body = params.json()
        description = ImageDescription(body)
        description.validate()
        check_ascii(description.name, "Name")
        image_id = new_id("img-")
        with self._store.write() as db:
            same = idempotency.known(db, params, body)
            if same:
                return {"Id": same}
            idempotency.remember(db, params, body, image_id)
            db.execute(
                "INSERT INTO images (id, owner, description, created) VALUES (?, ?, ?, ?)",
                (image_id, params.owner, description.dump(None), format_time(datetime.now(UTC))),
            )
        return {"Id": image_id}

    def list_images(self, params: Params) -> dict[str, Any]:
        """Answer ListImages: own ones, or with ``Type=System`` the public ones."""
        count = params.count()
        kind = params.query.get("Type", "")
        if kind not in ("", "Self", "System"):
            raise invalid("Type", "It must be Self or System.")
        marker = params.query.get("Marker", "") or "0"
        number = params.number(marker)
        start = 2**62 if number is None else number
        if kind == "System":
            names = list(SYSTEM_IMAGES)
            items = [_system(name) for name in names[start : start + count]]
            return {"Items": items, "NextMarker": str(start + count) if len(names) > start + count else ""}
        with self._store.read() as db:
            rows = db.execute(
                "SELECT * FROM images WHERE owner = ? AND seq >= ? ORDER BY seq LIMIT ?",
                (params.owner, start, count + 1),
            ).fetchall()
        more = str(rows[count]["seq"]) if len(rows) > count else ""
        return {"Items": [_own(row) for row in rows[:count]], "NextMarker": more}

    def get_image(self, params: Params) -> dict[str, Any]:
        """Answer GetImage."""
        image_id = params.path["ImageId"]
        if image_id in SYSTEM_IMAGES:
            return _system(image_id)
        with self._store.read() as db:
            return _own(_row(db, params))

    def delete_image(self, params: Params) -> None:
        """Answer DeleteImage."""
        if params.path["ImageId"] in SYSTEM_IMAGES:
            raise ApiError(403, "Forbidden", "A system image cannot be deleted.")
        with self._store.write() as db:
            db.execute("DELETE FROM images WHERE seq = ?", (_row(db, params)["seq"],))


def _row(db: sqlite3.Connection, params: Params) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM images WHERE id = ? AND owner = ?", (params.path["ImageId"], params.owner)
    ).fetchone()
    if row is None:
        raise not_found("image", params.path["ImageId"])
    return row


def _own(row: sqlite3.Row) -> dict[str, Any]:
    description = load(row["description"])
    return {
        "Id": row["id"],
        "Name": description.get("Name") or "",
        "Description": description.get("Description") or "",
        "EcsImageId": description.get("EcsImageId") or "",
        "Platform": description.get("Platform") or "",
        "Type": "Self",
        "OwnerId": owner_number(row["owner"]),
        "CreationTime": row["created"],
    }


def _system(image_id: str) -> dict[str, Any]:
    name, platform = SYSTEM_IMAGES[image_id]
    return {
        "Id": image_id,
        "Name": name,
        "Description": "",
        "EcsImageId": "",
        "Platform": platform,
        "Type": "System",
        "OwnerId": 0,
        "CreationTime": SYSTEM_IMAGE_TIME,
    }
