"""Parsers that convert HTTP responses to the results of calls."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from batchcompute.api.responses import ActionResponse, CreateResponse, HttpResponse, ListResponse, attach

if TYPE_CHECKING:
    from batchcompute.api.operations import Operation
    from batchcompute.models.base import Jsonizable

__all__: list[str] = []


def parser_of(operation: Operation) -> Callable[[HttpResponse], Any]:
    """Return the parser of an operation's response."""
    if operation.response == "CreateResponse":
        return CreateResponse
    if operation.response == "ActionResponse":
        return parse_action
    if operation.is_list or operation.name == "get_app_revisions":
        return PageParser(operation.response)
    return ResourceParser(operation.response)


def parse_action(raw: HttpResponse) -> ActionResponse:
    """Parse the response to an action, a change or a delete.

    Raises:
        ResponseError: The body is neither empty nor a JSON object or list.
    """
    # An HTML page of a proxy must not count as a success. The old SDK rejected it, too.
    if not isinstance(raw.json(), (dict, list)):
        raise raw.error("expected an object or an empty body")
    return ActionResponse(raw)


@dataclass(frozen=True, slots=True)
class ResourceParser:
    """Parses a response that is a resource."""

    class_name: str
    """Name of the response class."""

    def __call__(self, raw: HttpResponse) -> Any:
        """Parse a response.

        Raises:
            ResponseError: The body is not a JSON object.
        """
        import pydantic

        cls = _class_named(self.class_name)
        if not raw.body.strip():
            raise raw.error(f"expected {cls.__name__}, but the body is empty")
        try:
            resource = cls._read(raw.body)
        except (pydantic.ValidationError, ValueError) as error:
            raise raw.error(f"expected {cls.__name__}: {str(error).splitlines()[0]}") from None
        attach(resource, raw)
        return resource


@dataclass(frozen=True, slots=True)
class PageParser:
    """Parses a response that is one page of a list."""

    class_name: str
    """Class of an item."""

    def __call__(self, raw: HttpResponse) -> ListResponse[Any]:
        """Parse a response.

        Raises:
            ResponseError: The body is neither a JSON object nor a list.
        """
        items, marker = parse_page(raw, _class_named(self.class_name))
        return ListResponse(raw, items, marker)


def _class_named(name: str) -> type[Jsonizable]:
    """Import a response or a resource at its first use, because models load slowly."""
    if not name.endswith("Response"):
        module = "batchcompute.resources"
    elif name.startswith(("Job", "Task", "Instance", "SynchronousInstance")):
        module = "batchcompute.api.job_responses"
    else:
        module = "batchcompute.api.resource_responses"
    cls: type[Jsonizable] = getattr(importlib.import_module(module), name)
    return cls


def parse_page(raw: HttpResponse, cls: type[Jsonizable]) -> tuple[list[Any], str]:
    """Return the items of a page and the next marker.

    A page in the documented form is parsed in one pass, any other page item by item. An item with a value
    of a wrong type is kept. A bare list is accepted as a page. A page without ``NextMarker`` is the last
    one (REST API, 2.0 and 2.5).

    Raises:
        ResponseError: The body is neither a JSON object nor a list.
    """
    import pydantic

    from batchcompute.models.core_schema import ANSWER
    from batchcompute.models.storage import keep_raw

    if not raw.body.strip():
        raise raw.error("expected a list, but the body is empty")
    try:
        page = _page_class(cls).model_validate_json(raw.body, extra="allow", context=ANSWER)
        if cls._sets_defaults():
            for item in page.Items:
                item._drop_defaults()
        return page.Items, _marker(page.NextMarker)
    except pydantic.ValidationError:
        content = raw.json()
    if content is None:
        raise raw.error("expected a list, not null")
    fields = cast("dict[str, Any]", content if isinstance(content, dict) else {"Items": content})
    items: Any = fields.get("Items") or []
    if not isinstance(items, list):
        raise raw.error("expected a list")
    parsed = [
        cls._read(cast("dict[str, Any]", item))
        if isinstance(item, dict)
        else keep_raw(item, f"Items.{number}")
        for number, item in enumerate(cast("list[Any]", items))
    ]
    return parsed, _marker(fields.get("NextMarker"))


@cache
def _page_class(cls: type[Jsonizable]) -> Any:
    import pydantic

    return pydantic.create_model("Page", Items=(list[cls], []), NextMarker=(Any, ""))  # type: ignore[valid-type]


def _marker(value: Any) -> str:
    # The last page of instances has the number 0 as its marker (REST API, 2.2). Sent as a marker, 0 means
    # the first page, so a loop over the pages would not end.
    return "" if value in (None, 0, "0") else str(value)
