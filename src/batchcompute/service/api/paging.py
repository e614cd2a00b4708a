"""The pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

__all__: list[str] = []

Row = TypeVar("Row")


def page(
    rows: Sequence[Row], count: int, item: Callable[[Row], object], marker: Callable[[Row], object]
) -> dict[str, Any]:
    """Return the content of the response to a list operation.

    Args:
        rows: The rows of the page, and one more if the list goes on.
        count: The largest number of items of the page.
        item: Makes the item of a row.
        marker: Returns the marker of a page that begins with a row.
    """
    items = [item(row) for row in rows[:count]]
    return {"Items": items, "NextMarker": str(marker(rows[count])) if len(rows) > count else ""}
