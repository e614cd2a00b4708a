"""The methods for images, apps, quotas and available resources (REST API, 2.4 to 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from batchcompute.api import calls
from batchcompute.api.filters import PRIVATE
from batchcompute.client._async._base import AsyncBase
from batchcompute.client._async._iterate import AsyncItems

if TYPE_CHECKING:
    from batchcompute.api.arguments import HasName, IdLike
    from batchcompute.api.filters import AppFilters, ImageFilters
    from batchcompute.api.resource_responses import (
        AppResponse,
        AvailableResourceResponse,
        ImageResponse,
        QuotaResponse,
    )
    from batchcompute.api.responses import ActionResponse, CreateResponse, ListResponse
    from batchcompute.resources import AppDescription, AppRevision, AppStatus, Image, ImageDescription

__all__: list[str] = []


class AsyncImagesAppsQuotas(AsyncBase):
    """The methods for images, apps, quotas and available resources."""

    async def create_image(
        self, image_desc: ImageDescription | Mapping[str, object] | str | bytes, token: str = ""
    ) -> CreateResponse:
        """Register an image (CreateImage).

        Args:
            image_desc: The image: a description, a mapping, or JSON text.
            token: Idempotent token. A repeated create with the same token returns the same image.

        Raises:
            ValidationError: The description is invalid. No request was sent.
        """
        return await self._call(calls.create_image(image_desc, token))

    async def list_images(
        self,
        marker: str | None = "",
        max_item_count: int = 50,
        type_: str = "",
        **filters: Unpack[ImageFilters],
    ) -> ListResponse[Image]:
        """Return one page of the images (ListImages).

        Args:
            marker: Marker of the page: empty for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of images of the page, 0 to 100.
            type_: ``System`` for the public images; without it, the account's own images.
            **filters: ``Type``, the same as ``type_``.

        Raises:
            TypeError: A keyword is unknown, or a filter is given twice with different values.
        """
        return await self._call(calls.list_images(marker, max_item_count, type_, **filters))

    def iter_images(
        self,
        type_: str = "",
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[ImageFilters],
    ) -> AsyncItems[Image]:
        """Iterate over all images (ListImages).

        Args:
            type_: ``System`` for the public images; without it, the account's own images.
            max_item_count: Maximum number of images of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: ``Type``, the same as ``type_``.

        Raises:
            TypeError: A keyword is unknown, or a filter is given twice with different values.
        """
        # Checks the arguments now instead of at the first item.
        calls.list_images(marker, max_item_count, type_, **filters)
        return AsyncItems(lambda page: self.list_images(page, max_item_count, type_, **filters), marker)

    async def get_image(self, image: IdLike) -> ImageResponse:
        """Return an image (GetImage).

        Args:
            image: Id of the image, or an object with an ``Id``.

        Raises:
            NotFoundError: The image does not exist.
        """
        return await self._call(calls.get_image(image))

    async def delete_image(self, image: IdLike) -> ActionResponse:
        """Remove the registration of an image (DeleteImage). The ECS image is not deleted.

        Args:
            image: Id of the image, or an object with an ``Id``.

        Raises:
            NotFoundError: The image does not exist.
        """
        return await self._call(calls.delete_image(image))

    async def create_app(
        self, app_desc: AppDescription | Mapping[str, object] | str | bytes, token: str = ""
    ) -> CreateResponse:
        """Create an app (CreateApp).

        Args:
            app_desc: The app: a description, a mapping, or JSON text.
            token: Idempotent token. A repeated create with the same token returns the same app.

        Returns:
            The response with the ``Name`` of the app, which is also its ``Id``.

        Raises:
            ValidationError: The description is invalid. No request was sent.
        """
        return await self._call(calls.create_app(app_desc, token))

    async def list_apps(
        self,
        scope: str = PRIVATE,
        marker: str | None = "",
        max_item_count: int = 50,
        **filters: Unpack[AppFilters],
    ) -> ListResponse[AppStatus]:
        """Return one page of the apps (ListApps).

        Args:
            scope: ``Private`` for the account's own apps, ``Public`` for public apps.
            marker: Marker of the page: empty for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of apps of the page, 0 to 100.
            **filters: ``Scope``, the same as ``scope``.

        Raises:
            TypeError: A keyword is unknown, or a filter is given twice with different values.
        """
        return await self._call(calls.list_apps(scope, marker, max_item_count, **filters))

    def iter_apps(
        self,
        scope: str = PRIVATE,
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[AppFilters],
    ) -> AsyncItems[AppStatus]:
        """Iterate over all apps (ListApps).

        Args:
            scope: ``Private`` for the account's own apps, ``Public`` for public apps.
            max_item_count: Maximum number of apps of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: ``Scope``, the same as ``scope``.

        Raises:
            TypeError: A keyword is unknown, or a filter is given twice with different values.
        """
        # Checks the arguments now instead of at the first item.
        calls.list_apps(scope, marker, max_item_count, **filters)
        return AsyncItems(lambda page: self.list_apps(scope, page, max_item_count, **filters), marker)

    async def get_app(self, app_name: str | HasName, scope: str = "Private") -> AppResponse:
        """Return the public part of an app (GetApp).

        Args:
            app_name: Name of the app, or an object with a ``Name``.
            scope: ``Private`` or ``Public``.

        Raises:
            ValidationError: The scope has another value. The error is also a FieldError.
            NotFoundError: The app does not exist.
        """
        return await self._call(calls.get_app(app_name, scope))

    async def get_app_detail(self, app: str | HasName, qualifier: str | int = "") -> AppResponse:
        """Return all fields of an app of the account (GetAppDetail).

        Args:
            app: Name of the app, or an object with a ``Name``.
            qualifier: Number of a revision; by default the newest.

        Raises:
            NotFoundError: The app or the revision does not exist.
        """
        return await self._call(calls.get_app_detail(app, qualifier))

    async def get_app_revisions(self, app_name: str | HasName) -> ListResponse[AppRevision]:
        """Return the revisions of an app of the account, the oldest first (GetAppRevisions).

        Args:
            app_name: Name of the app, or an object with a ``Name``.

        Raises:
            NotFoundError: The app does not exist.
        """
        return await self._call(calls.get_app_revisions(app_name))

    async def modify_app(
        self, app_name: str | HasName, app_desc: AppDescription | Mapping[str, object] | str | bytes
    ) -> ActionResponse:
        """Add a revision to an app (ModifyApp).

        Args:
            app_name: Name of the app, or an object with a ``Name``.
            app_desc: The complete new description. Its ``Name`` must be the name of the app.

        Raises:
            ValidationError: The description is invalid. No request was sent.
        """
        return await self._call(calls.modify_app(app_name, app_desc))

    async def delete_app(self, app_name: str | HasName, qualifier: str | int = "") -> ActionResponse:
        """Delete an app, or one revision of it (DeleteApp).

        Args:
            app_name: Name of the app, or an object with a ``Name``.
            qualifier: Number of a revision; without it, the whole app is deleted.
        """
        return await self._call(calls.delete_app(app_name, qualifier))

    async def get_quotas(self) -> QuotaResponse:
        """Return the quotas of the account (GetQuota)."""
        return await self._call(calls.get_quotas())

    async def get_available_resource(self) -> AvailableResourceResponse:
        """Return the available instance types and disk types (GetAvailableResource)."""
        return await self._call(calls.get_available_resource())
