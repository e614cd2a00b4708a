"""The operations on images (REST API, 2.4)."""

from __future__ import annotations

from typing import Any

from batchcompute import resources
from batchcompute.service.api import idempotency
from batchcompute.service.api.paging import page
from batchcompute.service.api.routes import Params
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.domain.defaults import check_ascii
from batchcompute.service.domain.ids import new_id
from batchcompute.service.domain.instance_types import SYSTEM_IMAGE_TIME, SYSTEM_IMAGES
from batchcompute.service.domain.states import owner_number
from batchcompute.service.errors import ApiError, invalid, not_found
from batchcompute.service.store.database import Store, Transaction
from batchcompute.service.store.rows import ImageRow

__all__: list[str] = []


class Images:
    """The operations on images. Images are only registered: programs run on the system of this machine.

    Args:
        store: The database.
        clock: The source of time.
    """

    def __init__(self, store: Store, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._clock = clock

    def create_image(self, params: Params) -> dict[str, Any]:
        """Answer CreateImage."""
        body = params.json()
        description = resources.ImageDescription(body)
        description.validate()
        check_ascii(description.name, "Name")
        image_id = new_id("img-")
        with self._store.write() as transaction:
            same = idempotency.known(transaction, params, body)
            if same:
                return {"Id": same}
            idempotency.remember(transaction, params, body, image_id, self._clock)
            transaction.images.insert(image_id, params.owner, description, timestamp(self._clock))
        return {"Id": image_id}

    def list_images(self, params: Params) -> dict[str, Any]:
        """Answer ListImages: the owner's images, or the system images with ``Type=System``."""
        count = params.count()
        kind = params.query.get("Type", "")
        if kind not in ("", "Self", "System"):
            raise invalid("Type", "It must be Self or System.")
        start = params.first_number()
        if kind == "System":
            names = list(enumerate(SYSTEM_IMAGES))[start:]
            return page(names, count, lambda entry: _system_image(entry[1]), lambda entry: entry[0])
        with self._store.read() as transaction:
            rows = transaction.images.page(params.owner, start, count + 1)
        return page(rows, count, _own_image, lambda row: row.seq)

    def get_image(self, params: Params) -> dict[str, Any]:
        """Answer GetImage."""
        image_id = params.path["ImageId"]
        if image_id in SYSTEM_IMAGES:
            return _system_image(image_id)
        with self._store.read() as transaction:
            return _own_image(_find(transaction, params))

    def delete_image(self, params: Params) -> None:
        """Answer DeleteImage."""
        if params.path["ImageId"] in SYSTEM_IMAGES:
            raise ApiError(403, "Forbidden", "A system image cannot be deleted.")
        with self._store.write() as transaction:
            transaction.images.delete(_find(transaction, params).seq)


def _find(transaction: Transaction, params: Params) -> ImageRow:
    row = transaction.images.find(params.path["ImageId"], params.owner)
    if row is None:
        raise not_found("image", params.path["ImageId"])
    return row


def _own_image(row: ImageRow) -> dict[str, Any]:
    description: dict[str, Any] = row.description.detail()
    return {
        "Id": row.id,
        "Name": description.get("Name") or "",
        "Description": description.get("Description") or "",
        "EcsImageId": description.get("EcsImageId") or "",
        "Platform": description.get("Platform") or "",
        "Type": "Self",
        "OwnerId": owner_number(row.owner),
        "CreationTime": row.created,
    }


def _system_image(image_id: str) -> dict[str, Any]:
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
