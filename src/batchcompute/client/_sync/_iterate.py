# Made by tools/generate.py from client/_async/_iterate.py; change that file instead.
"""Lists without pages: iterators that fetch the next page when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from batchcompute.responses import ListResponse

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
        self._pages: Iterator[ListResponse[T_co]] = self._read()
        self._items: Iterator[T_co] = self._flat()
        self.marker: str = marker
        """Where the page begins that the last item came from."""
        self.next_marker: str = marker
        """Where the page after it begins; empty after the last one."""

    def __iter__(self) -> Iterator[T_co]:
        return self

    def __next__(self) -> T_co:
        return next(self._items)

    def by_page(self) -> Iterator[ListResponse[T_co]]:
        """Return an iterator over what is left, by whole pages."""
        return self._pages

    def _read(self) -> Iterator[ListResponse[T_co]]:
        while True:
            page = self._fetch(self.next_marker)
            self.marker, self.next_marker = self.next_marker, page.NextMarker
            yield page
            # A service that names the same page again would never come to an end.
            if not page.NextMarker or page.NextMarker == self.marker:
                self.next_marker = ""
                return

    def _flat(self) -> Iterator[T_co]:
        for page in self._pages:
            for item in page:
                yield item
