# Made by tools/generate.py from image.py; change that file instead.
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, overload

from batchcompute.models.base import Description, Status
from batchcompute.resources._literals import ImageType, Platform

__all__ = ["Image", "ImageDescription"]

class ImageDescription(Description):
    """An image to register (CreateImage)."""
    @overload
    def __init__(
        self,
        properties: _ImageDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Description: str | None = ...,
        Platform: _Platform | None = ...,
        EcsImageId: str | None = ...,
        IdempotentToken: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _ImageDescription | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        description: str | None = ...,
        platform: _Platform | None = ...,
        ecs_image_id: str | None = ...,
        idempotent_token: str | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str | None:
        """Name of the image."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str | None:  # noqa: N802
        """Name of the image."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def description(self) -> str | None:
        """Free text."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str | None:  # noqa: N802
        """Free text."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def platform(self) -> _Platform | None:
        """Operating system, ``Linux`` or ``Windows``. Required."""
    @platform.setter
    def platform(self, value: _Platform | None) -> None: ...
    @property
    def Platform(self) -> _Platform | None:  # noqa: N802
        """Operating system, ``Linux`` or ``Windows``. Required."""
    @Platform.setter
    def Platform(self, value: _Platform | None) -> None: ...  # noqa: N802
    @property
    def ecs_image_id(self) -> str | None:
        """Id of the ECS image, ``m-…``. Required."""
    @ecs_image_id.setter
    def ecs_image_id(self, value: str | None) -> None: ...
    @property
    def EcsImageId(self) -> str | None:  # noqa: N802
        """Id of the ECS image, ``m-…``. Required."""
    @EcsImageId.setter
    def EcsImageId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def idempotent_token(self) -> str | None:
        """Idempotency token of the create. The service also accepts it in the query."""
    @idempotent_token.setter
    def idempotent_token(self, value: str | None) -> None: ...
    @property
    def IdempotentToken(self) -> str | None:  # noqa: N802
        """Idempotency token of the create. The service also accepts it in the query."""
    @IdempotentToken.setter
    def IdempotentToken(self, value: str | None) -> None: ...  # noqa: N802

class Image(Status):
    """An image (GetImage, ListImages)."""
    @overload
    def __init__(
        self,
        properties: _Image | Mapping[str, object] | str | bytes | None = ...,
        *,
        Name: str | None = ...,
        Id: str | None = ...,
        Type: _ImageType | None = ...,
        Description: str | None = ...,
        EcsImageId: str | None = ...,
        OwnerId: str | int | None = ...,
        Platform: _Platform | None = ...,
        CreationTime: datetime | str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        properties: _Image | Mapping[str, object] | str | bytes | None = ...,
        *,
        name: str | None = ...,
        id: str | None = ...,
        type: _ImageType | None = ...,
        description: str | None = ...,
        ecs_image_id: str | None = ...,
        owner_id: str | int | None = ...,
        platform: _Platform | None = ...,
        creation_time: datetime | str | None = ...,
    ) -> None: ...
    @property
    def name(self) -> str:
        """Name of the image."""
    @name.setter
    def name(self, value: str | None) -> None: ...
    @property
    def Name(self) -> str:  # noqa: N802
        """Name of the image."""
    @Name.setter
    def Name(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def id(self) -> str:
        """Id of the image, ``img-…``."""
    @id.setter
    def id(self, value: str | None) -> None: ...
    @property
    def Id(self) -> str:  # noqa: N802
        """Id of the image, ``img-…``."""
    @Id.setter
    def Id(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def type(self) -> _ImageType:
        """``Self`` for an image of the caller, ``System`` for a public image."""
    @type.setter
    def type(self, value: _ImageType | None) -> None: ...
    @property
    def Type(self) -> _ImageType:  # noqa: N802
        """``Self`` for an image of the caller, ``System`` for a public image."""
    @Type.setter
    def Type(self, value: _ImageType | None) -> None: ...  # noqa: N802
    @property
    def description(self) -> str:
        """Free text."""
    @description.setter
    def description(self, value: str | None) -> None: ...
    @property
    def Description(self) -> str:  # noqa: N802
        """Free text."""
    @Description.setter
    def Description(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def ecs_image_id(self) -> str:
        """Id of the ECS image."""
    @ecs_image_id.setter
    def ecs_image_id(self, value: str | None) -> None: ...
    @property
    def EcsImageId(self) -> str:  # noqa: N802
        """Id of the ECS image."""
    @EcsImageId.setter
    def EcsImageId(self, value: str | None) -> None: ...  # noqa: N802
    @property
    def owner_id(self) -> str | int:
        """The account of the owner: a number or a string, as the service sends it."""
    @owner_id.setter
    def owner_id(self, value: str | int | None) -> None: ...
    @property
    def OwnerId(self) -> str | int:  # noqa: N802
        """The account of the owner: a number or a string, as the service sends it."""
    @OwnerId.setter
    def OwnerId(self, value: str | int | None) -> None: ...  # noqa: N802
    @property
    def platform(self) -> _Platform:
        """Operating system."""
    @platform.setter
    def platform(self, value: _Platform | None) -> None: ...
    @property
    def Platform(self) -> _Platform:  # noqa: N802
        """Operating system."""
    @Platform.setter
    def Platform(self, value: _Platform | None) -> None: ...  # noqa: N802
    @property
    def creation_time(self) -> datetime | None:
        """Time of registration."""
    @creation_time.setter
    def creation_time(self, value: datetime | str | None) -> None: ...
    @property
    def CreationTime(self) -> datetime | None:  # noqa: N802
        """Time of registration."""
    @CreationTime.setter
    def CreationTime(self, value: datetime | str | None) -> None: ...  # noqa: N802

_Image: TypeAlias = Image
_ImageDescription: TypeAlias = ImageDescription
_ImageType: TypeAlias = ImageType
_Platform: TypeAlias = Platform
