"""Images of machines (REST API, 2.4 and 3.7)."""

from __future__ import annotations

from typing import Annotated

from batchcompute.models.base import Description, Status
from batchcompute.models.constraints import OneOf, Required
from batchcompute.models.field_types import Text, TextOrInteger, Time
from batchcompute.resources._literals import ImageType, Platform

__all__ = ["Image", "ImageDescription"]


class ImageDescription(Description):
    """An image to register (CreateImage)."""

    _examples = ({"Name": "demo", "Platform": "Linux", "EcsImageId": "m-1"},)

    name: Text | None = None
    """Name of the image."""
    description: Text | None = None
    """Free text."""
    platform: Annotated[Platform, Required("Linux or Windows"), OneOf(("Linux", "Windows"))] | None = None
    """Operating system, ``Linux`` or ``Windows``. Required."""
    ecs_image_id: Annotated[Text, Required("the id of an ECS image")] | None = None
    """Id of the ECS image, ``m-…``. Required."""
    idempotent_token: Text | None = None
    """Idempotency token of the create. The service also accepts it in the query."""


class Image(Status):
    """An image (GetImage, ListImages)."""

    _identity = "Id"

    name: Text | None = None
    """Name of the image."""
    id: Text | None = None
    """Id of the image, ``img-…``."""
    type: ImageType | None = None
    """``Self`` for an image of the caller, ``System`` for a public image."""
    description: Text | None = None
    """Free text."""
    ecs_image_id: Text | None = None
    """Id of the ECS image."""
    owner_id: TextOrInteger | None = None
    """The account of the owner: a number or a string, as the service sends it."""
    platform: Platform | None = None
    """Operating system."""
    creation_time: Time | None = None
    """Time of registration."""
