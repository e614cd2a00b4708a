# Made by tools/generate.py from client/_async/_iterate.py; change that file instead.
"""Lists without pages: iterators that fetch the next page when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from batchcompute.api.responses import ListResponse

__all__ = ["Items"]

T_co = TypeVar("T_co", covariant=True)


class Items(Generic[T_co]):
    """Everything in a list, over all its pages; each page is fetched when its first item is asked for.

    Example:
        >>> for job in client.iter_jobs("Running"):
        ...     print(job.Id)

    Args:
        fetch: Returns the page that begins at a marker.
        marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
    """

    def __init__(self, fetch: Callable[[str], ListResponse[T_co]], marker: str) -> None:
        self._fetch = fetch
        self._left: Iterator[T_co] = iter(())
        self._over = False
        self.marker: str = marker
        """Where the page begins that the last item came from."""
        self.next_marker: str = marker
        """Where the page after it begins; empty after the last one."""

    def __iter__(self) -> Iterator[T_co]:
        return self

    def __next__(self) -> T_co:
        while True:
            for item in self._left:
                return item
            page = self._page()
            if page is None:
                raise StopIteration
            self._left = iter(page)

    def by_page(self) -> Iterator[ListResponse[T_co]]:
        """Iterate over what is left by whole pages."""
        while True:
            page = self._page()
            if page is None:
                return
            yield page

    def _page(self) -> ListResponse[T_co] | None:
        """Fetch the next page; one that fails is fetched again when the next item is asked for."""
        if self._over:
            return None
        page = self._fetch(self.next_marker)
        self.marker, self.next_marker = self.next_marker, page.NextMarker
        # A service that names the same page again would never come to an end.
        if not page.NextMarker or page.NextMarker == self.marker:
            self._over, self.next_marker = True, ""
        return page
