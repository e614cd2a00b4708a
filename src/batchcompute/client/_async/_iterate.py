"""Lists without pages: iterators that fetch the next page when it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from batchcompute.api.responses import ListResponse

__all__ = ["AsyncItems"]

T_co = TypeVar("T_co", covariant=True)


class AsyncItems(Generic[T_co]):
    """Everything in a list, over all its pages; each page is fetched when its first item is asked for.

    Example:
        >>> async for job in client.iter_jobs("Running"):
        ...     print(job.Id)

    Args:
        fetch: Returns the page that begins at a marker.
        marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[ListResponse[T_co]]], marker: str) -> None:
        self._fetch = fetch
        self._left: Iterator[T_co] = iter(())
        self._over = False
        self.marker: str = marker
        """Where the page begins that the last item came from."""
        self.next_marker: str = marker
        """Where the page after it begins; empty after the last one."""

    def __aiter__(self) -> AsyncIterator[T_co]:
        return self

    async def __anext__(self) -> T_co:
        while True:
            for item in self._left:
                return item
            page = await self._page()
            if page is None:
                raise StopAsyncIteration
            self._left = iter(page)

    async def by_page(self) -> AsyncIterator[ListResponse[T_co]]:
        """Iterate over what is left by whole pages."""
        while True:
            page = await self._page()
            if page is None:
                return
            yield page

    async def _page(self) -> ListResponse[T_co] | None:
        """Fetch the next page; one that fails is fetched again when the next item is asked for."""
        if self._over:
            return None
        page = await self._fetch(self.next_marker)
        self.marker, self.next_marker = self.next_marker, page.NextMarker
        # A service that names the same page again would never come to an end.
        if not page.NextMarker or page.NextMarker == self.marker:
            self._over, self.next_marker = True, ""
        return page
