"""Reading a page of a list: in one pass where it is as documented, piece by piece where not."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

import pydantic

from batchcompute.models.core_schema import ANSWER
from batchcompute.models.storage import kept

if TYPE_CHECKING:
    from batchcompute.api.responses import HttpResponse
    from batchcompute.models.base import Jsonizable

__all__: list[str] = []


@cache
def _page_of(cls: type[Jsonizable]) -> Any:
    return pydantic.create_model("Page", Items=(list[cls], []), NextMarker=(Any, ""))  # type: ignore[valid-type]


def read_page(raw: HttpResponse, cls: type[Jsonizable]) -> tuple[list[Any], str]:
    """Return the items of a page and the next marker.

    An item with a wrong type never takes the page down with it. A bare list is a page, too, and a
    missing ``NextMarker`` is the end (REST API, 2.0 and 2.5).

    Raises:
        ResponseError: The answer is neither an object nor a list.
    """
    if not raw.body.strip():
        raise raw.not_understood("a list was expected, and nothing came")
    try:
        whole = _page_of(cls).model_validate_json(raw.body, extra="allow", context=ANSWER)
        if cls._defaults_anywhere():
            for item in whole.Items:
                item._as_sent()
        return whole.Items, _marker(whole.NextMarker)
    except pydantic.ValidationError:
        content = raw.json()
    if content is None:
        raise raw.not_understood("a list was expected, not null")
    page = cast("dict[str, Any]", content if isinstance(content, dict) else {"Items": content})
    items: Any = page.get("Items") or []
    if not isinstance(items, list):
        raise raw.not_understood("a list was expected")
    found = [
        cls._read(cast("dict[str, Any]", item)) if isinstance(item, dict) else kept(item, f"Items.{number}")
        for number, item in enumerate(cast("list[Any]", items))
    ]
    return found, _marker(page.get("NextMarker"))


def _marker(value: Any) -> str:
    # The recorded last page of instances has the number 0 (REST API, 2.2); as a marker it would
    # mean "from the start" and make every loop endless.
    return "" if value in (None, 0, "0") else str(value)
