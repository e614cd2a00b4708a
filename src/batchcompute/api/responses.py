"""The responses that calls return, each with its request id and status."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from batchcompute.errors import ResponseError

if TYPE_CHECKING:
    from batchcompute.models.base import Jsonizable

__all__ = [
    "ActionResponse",
    "CreateResponse",
    "GetResponse",
    "HttpResponse",
    "ListResponse",
    "RawResponse",
]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Status, headers and body of an HTTP response."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers with lower-case names."""
    body: bytes = field(repr=False)
    """The body."""

    @property
    def request_id(self) -> str:
        """The service's id of the request (REST API, 1.4)."""
        return self.headers.get("x-acs-request-id") or self.headers.get("request-id", "")

    @property
    def date(self) -> str:
        """The ``Date`` header; empty if the response has none."""
        return self.headers.get("date", "")

    def to_text(self, content: Any) -> str:
        """Return content as JSON together with status, request id and date, as the old SDK printed it."""
        fields: dict[str, Any] = dict(cast("dict[str, Any]", content)) if isinstance(content, dict) else {}
        fields |= {"StatusCode": self.status, "RequestId": self.request_id, "Date": self.date}
        return json.dumps(fields, indent=4, ensure_ascii=False)

    def json(self) -> Any:
        """Return the body as plain values; an empty body counts as an empty object.

        Raises:
            ResponseError: The body is not valid JSON.
        """
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self.error(f"not valid JSON: {error}") from None

    def error(self, reason: str) -> ResponseError:
        """Return the error for a response that cannot be parsed."""
        shown = self.body[:200].decode("utf-8", "replace")
        text = f"cannot parse the response (status {self.status}): {reason}; the body starts with {shown!r}"
        return ResponseError(text, self.status, self.request_id, self.body)


class _HttpAttribute:
    """A read-only attribute of the `HttpResponse`, which pydantic does not see as a class attribute.

    A resource can have a field of the same name (``SynchronousInstance.RequestId``). Pydantic would use a
    plain property as the default of that field.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            raise AttributeError(self._name)
        return getattr(obj._raw, self._name)

    def __set__(self, obj: Any, value: object) -> None:
        raise AttributeError(f"{self._name!r} is part of the service's response and cannot be set")


class RawResponse:
    """The base class of all responses."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _raw(self) -> HttpResponse:
            """The HTTP response."""
            ...

        @property
        def RequestId(self) -> str:  # noqa: N802
            """The service's id of the request."""
            ...

        @property
        def request_id(self) -> str:
            """The service's id of the request."""
            ...

        @property
        def StatusCode(self) -> int:  # noqa: N802
            """HTTP status of the response."""
            ...

        @property
        def status_code(self) -> int:
            """HTTP status of the response."""
            ...

        @property
        def Date(self) -> str:  # noqa: N802
            """The ``Date`` header; empty if the response has none."""
            ...

        @property
        def headers(self) -> Mapping[str, str]:
            """Headers of the response with lower-case names."""
            ...
    else:
        RequestId = request_id = _HttpAttribute("request_id")
        StatusCode = status_code = _HttpAttribute("status")
        Date = _HttpAttribute("date")
        headers = _HttpAttribute("headers")

    @property
    def content(self) -> Any:
        """The JSON of the response as plain dicts and lists."""
        return self._raw.json()


class _PlainResponse(RawResponse):
    """A response that is not a resource. It can be read like a mapping."""

    __slots__ = ("_kept",)

    def __init__(self, raw: HttpResponse) -> None:
        self._kept = raw

    @property
    def _raw(self) -> HttpResponse:
        return self._kept

    def detail(self) -> dict[str, Any]:
        """Return the fields of the response that are not null."""
        content = self.content
        if not isinstance(content, dict):
            return {}
        fields = cast("dict[str, Any]", content)
        return {key: value for key, value in fields.items() if value is not None}

    def dump(self, indent: int | None = 4) -> str:
        """Return the response as JSON text."""
        return json.dumps(self.content, indent=indent, ensure_ascii=False)

    def keys(self) -> KeysView[str]:
        """Return the names of the response's fields."""
        return self.detail().keys()

    def items(self) -> ItemsView[str, Any]:
        """Return names and values of the response's fields."""
        return self.detail().items()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field of the response, or the default if the response does not have it."""
        return self.detail().get(key, default)

    def __getitem__(self, key: str) -> Any:
        return self.detail()[key]

    def __contains__(self, key: object) -> bool:
        return key in self.detail()

    def __str__(self) -> str:
        return self._raw.to_text(self.content)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} status={self.StatusCode} request_id={self.RequestId!r}>"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._raw == other._raw

    def __hash__(self) -> int:
        return hash((type(self), self._raw.status, self._raw.body))


class CreateResponse(_PlainResponse):
    """The response to a create, with the id of the new resource."""

    __slots__ = ("_id", "_name")

    def __init__(self, raw: HttpResponse) -> None:
        super().__init__(raw)
        content = raw.json()
        if not isinstance(content, dict):
            raise raw.error("expected an object")
        # The response to CreateApp has a Name and no Id (REST API, 2.5). The old SDK copied the Name.
        fields = cast("dict[str, Any]", content)
        self._name = str(fields.get("Name") or "")
        self._id = str(fields.get("Id") or self._name)
        if not self._id:
            raise raw.error("expected an Id or a Name")

    @property
    def Id(self) -> str:  # noqa: N802
        """Id of the new resource; for an app, its name."""
        return self._id

    @property
    def id(self) -> str:
        """Id of the new resource; for an app, its name."""
        return self._id

    @property
    def Name(self) -> str:  # noqa: N802
        """Name of the new app; empty for other resources."""
        return self._name

    @property
    def name(self) -> str:
        """Name of the new app; empty for other resources."""
        return self._name

    def detail(self) -> dict[str, Any]:
        """Return the fields of the response, always including ``Id``."""
        return {**super().detail(), "Id": self._id}


class ActionResponse(_PlainResponse):
    """The response to an action, a change or a delete. Its status is its only content."""

    __slots__ = ()

    @property
    def content(self) -> Any:
        """The JSON of the response, or its text if it is not JSON."""
        try:
            return self._raw.json()
        except ResponseError:
            return self._raw.body.decode("utf-8", "replace")


class GetResponse(RawResponse):
    """The response to a get. Each class of `batchcompute.api.resource_responses` is also the resource."""

    __slots__ = ()


class ListResponse(RawResponse, Sequence[T_co], Generic[T_co]):
    """One page of a list: a sequence of resources, and the marker of the next page."""

    __slots__ = ("_items", "_kept", "_next_marker")

    def __init__(self, raw: HttpResponse, items: Sequence[T_co], next_marker: str = "") -> None:
        self._kept = raw
        self._items = list(items)
        self._next_marker = next_marker

    @property
    def _raw(self) -> HttpResponse:
        return self._kept

    @property
    def Items(self) -> list[T_co]:  # noqa: N802
        """The resources of this page."""
        return self._items

    @property
    def NextMarker(self) -> str:  # noqa: N802
        """Marker of the next page; empty on the last page."""
        return self._next_marker

    @property
    def next_marker(self) -> str:
        """Marker of the next page; empty on the last page."""
        return self._next_marker

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | list[T_co]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self._items)

    def dump(self, indent: int | None = 4) -> str:
        """Return the response as JSON text."""
        return json.dumps(self.content, indent=indent, ensure_ascii=False)

    def __str__(self) -> str:
        content = self.content
        # The response to some operations is a bare list (REST API, 2.5).
        return self._raw.to_text({"Items": content} if isinstance(content, list) else content)

    def __repr__(self) -> str:
        return f"<ListResponse of {len(self._items)}, next marker {self._next_marker!r}>"


def attach(resource: Jsonizable, raw: HttpResponse) -> None:
    """Attach the HTTP response to a resource that is also a response."""
    object.__setattr__(resource, "_kept", raw)
