"""Iterators over the items of all pages of a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from batchcompute.api.responses import ListResponse

__all__ = ["AsyncItems"]

T_co = TypeVar("T_co", covariant=True)


class AsyncItems(Generic[T_co]):
    """An iterator over all items of a list, which fetches each page when its first item is requested.

    Example:
        >>> async for job in client.iter_jobs("Running"):
        ...     print(job.Id)

    Args:
        fetch: Returns the page at a marker.
        marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[ListResponse[T_co]]], marker: str) -> None:
        self._fetch = fetch
        self._page_items: Iterator[T_co] = iter(())
        self._is_exhausted = False
        self.marker: str = marker
        """Marker of the page of the last item."""
        self.next_marker: str = marker
        """Marker of the page after it; empty after the last page."""

    def __aiter__(self) -> AsyncIterator[T_co]:
        return self

    async def __anext__(self) -> T_co:
        while True:
            for item in self._page_items:
                return item
            page = await self._next_page()
            if page is None:
                raise StopAsyncIteration
            self._page_items = iter(page)

    async def by_page(self) -> AsyncIterator[ListResponse[T_co]]:
        """Iterate over the remaining pages."""
        while True:
            page = await self._next_page()
            if page is None:
                return
            yield page

    async def _next_page(self) -> ListResponse[T_co] | None:
        """Fetch the next page; after a failure, the next call fetches the same page again."""
        if self._is_exhausted:
            return None
        page = await self._fetch(self.next_marker)
        self.marker, self.next_marker = self.next_marker, page.NextMarker
        # A service that returns the same marker again would cause an endless loop.
        if not page.NextMarker or page.NextMarker == self.marker:
            self._is_exhausted, self.next_marker = True, ""
        return page
