"""Calls for images, apps and what may be chosen (REST API, 2.4 to 2.6)."""

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


class AsyncCatalogue(AsyncBase):
    """Calls for images, apps and what may be chosen."""

    async def create_image(
        self, image_desc: ImageDescription | Mapping[str, object] | str | bytes, token: str = ""
    ) -> CreateResponse:
        """Register an image (CreateImage).

        Args:
            image_desc: The image: a description, a mapping of one, or its JSON text.
            token: Idempotent token; a create that is repeated with it answers with the same image.

        Raises:
            ValidationError: The description is one that the service would refuse; nothing was sent.
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
            marker: Where the page begins: empty, or the ``NextMarker`` of the page before.
            max_item_count: How many images the page may hold, 0 to 100.
            type_: ``System`` for the public ones; own ones without it.
            **filters: ``Type``, the same.

        Raises:
            TypeError: A keyword is none of these, or a filter is given twice with different values.
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
        """Iterate over the images of all pages (ListImages).

        Args:
            type_: ``System`` for the public ones; own ones without it.
            max_item_count: How many images are fetched at a time, 1 to 100.
            marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
            **filters: ``Type``, the same.

        Raises:
            TypeError: A keyword is none of these, or a filter is given twice with different values.
        """
        # A wrong argument is told now, not with the first item.
        calls.list_images(marker, max_item_count, type_, **filters)
        return AsyncItems(lambda page: self.list_images(page, max_item_count, type_, **filters), marker)

    async def get_image(self, image: IdLike) -> ImageResponse:
        """Return an image (GetImage).

        Args:
            image: Id of the image, or anything that has it.

        Raises:
            NotFoundError: There is no such image.
        """
        return await self._call(calls.get_image(image))

    async def delete_image(self, image: IdLike) -> ActionResponse:
        """Take an image out of the register; the ECS image stays (DeleteImage).

        Args:
            image: Id of the image, or anything that has it.

        Raises:
            NotFoundError: There is no such image.
        """
        return await self._call(calls.delete_image(image))

    async def create_app(
        self, app_desc: AppDescription | Mapping[str, object] | str | bytes, token: str = ""
    ) -> CreateResponse:
        """Create an app (CreateApp).

        Args:
            app_desc: The app: a description, a mapping of one, or its JSON text.
            token: Idempotent token; a create that is repeated with it answers with the same app.

        Returns:
            The answer with the app's ``Name``, which is its ``Id``, too.

        Raises:
            ValidationError: The description is one that the service would refuse; nothing was sent.
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
            scope: ``Private`` for own ones, ``Public`` for those of everybody.
            marker: Where the page begins: empty, or the ``NextMarker`` of the page before.
            max_item_count: How many apps the page may hold, 0 to 100.
            **filters: ``Scope``, the same.

        Raises:
            TypeError: A keyword is none of these, or a filter is given twice with different values.
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
        """Iterate over the apps of all pages (ListApps).

        Args:
            scope: ``Private`` for own ones, ``Public`` for those of everybody.
            max_item_count: How many apps are fetched at a time, 1 to 100.
            marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
            **filters: ``Scope``, the same.

        Raises:
            TypeError: A keyword is none of these, or a filter is given twice with different values.
        """
        # A wrong argument is told now, not with the first item.
        calls.list_apps(scope, marker, max_item_count, **filters)
        return AsyncItems(lambda page: self.list_apps(scope, page, max_item_count, **filters), marker)

    async def get_app(self, app_name: str | HasName, scope: str = "Private") -> AppResponse:
        """Return an app as its users see it (GetApp).

        Args:
            app_name: Name of the app, or anything that has it.
            scope: ``Private`` or ``Public``.

        Raises:
            ValidationError: The scope is neither; it is a FieldError, too.
            NotFoundError: There is no such app.
        """
        return await self._call(calls.get_app(app_name, scope))

    async def get_app_detail(self, app: str | HasName, qualifier: str | int = "") -> AppResponse:
        """Return an own app as a whole (GetAppDetail).

        Args:
            app: Name of the app, or anything that has it.
            qualifier: Number of a revision; the newest without it.

        Raises:
            NotFoundError: There is no such app or revision.
        """
        return await self._call(calls.get_app_detail(app, qualifier))

    async def get_app_revisions(self, app_name: str | HasName) -> ListResponse[AppRevision]:
        """Return the revisions of an own app, the oldest first (GetAppRevisions).

        Args:
            app_name: Name of the app, or anything that has it.

        Raises:
            NotFoundError: There is no such app.
        """
        return await self._call(calls.get_app_revisions(app_name))

    async def modify_app(
        self, app_name: str | HasName, app_desc: AppDescription | Mapping[str, object] | str | bytes
    ) -> ActionResponse:
        """Add a revision to an app (ModifyApp).

        Args:
            app_name: Name of the app, or anything that has it.
            app_desc: The whole new description; its ``Name`` is that of the app.

        Raises:
            ValidationError: The description is one that the service would refuse; nothing was sent.
        """
        return await self._call(calls.modify_app(app_name, app_desc))

    async def delete_app(self, app_name: str | HasName, qualifier: str | int = "") -> ActionResponse:
        """Delete an app, or one revision of it (DeleteApp).

        Args:
            app_name: Name of the app, or anything that has it.
            qualifier: Number of the revision; the whole app without it.
        """
        return await self._call(calls.delete_app(app_name, qualifier))

    async def get_quotas(self) -> QuotaResponse:
        """Return the choices that the account has (GetQuota)."""
        return await self._call(calls.get_quotas())

    async def get_available_resource(self) -> AvailableResourceResponse:
        """Return what can be had (GetAvailableResource)."""
        return await self._call(calls.get_available_resource())
