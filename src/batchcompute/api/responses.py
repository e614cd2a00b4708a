"""What calls return: the answer's data together with its request id and status.

Every response has ``RequestId`` and ``StatusCode``, as in the old SDK; the classes
that are both a response and a resource are in `batchcompute.api.resource_responses`.
"""

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
    """An answer as it came."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers, with lower-case names."""
    body: bytes = field(repr=False)
    """The body."""

    @property
    def request_id(self) -> str:
        """The service's id of the request (REST API, 1.4)."""
        return self.headers.get("x-acs-request-id") or self.headers.get("request-id", "")

    @property
    def date(self) -> str:
        """When the service answered, as HTTP writes it; empty where it did not say."""
        return self.headers.get("date", "")

    def described(self, content: Any) -> str:
        """Write content as JSON together with status, request id and date, as the old SDK printed it."""
        fields: dict[str, Any] = dict(cast("dict[str, Any]", content)) if isinstance(content, dict) else {}
        fields |= {"StatusCode": self.status, "RequestId": self.request_id, "Date": self.date}
        return json.dumps(fields, indent=4, ensure_ascii=False)

    def json(self) -> Any:
        """Return the body as plain values; an empty one is an empty object.

        Raises:
            ResponseError: The body is no JSON.
        """
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self.not_understood(f"not valid JSON: {error}") from None

    def not_understood(self, why: str) -> ResponseError:
        """Make the error for an answer that makes no sense."""
        shown = self.body[:200].decode("utf-8", "replace")
        text = f"the answer (status {self.status}) is not understood: {why}; it begins {shown!r}"
        return ResponseError(text, self.status, self.request_id, self.body)


class _AnswerPart:
    """A property of a response that is hidden from pydantic's look at class attributes.

    A resource may have a field of the same name (``SynchronousInstance.RequestId``), and pydantic
    would take a plain property for that field's default.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            raise AttributeError(self._name)
        return getattr(obj._raw, self._name)

    def __set__(self, obj: Any, value: object) -> None:
        raise AttributeError(f"{self._name!r} is what the service answered, and cannot be set")


class RawResponse:
    """The base of all responses."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def _raw(self) -> HttpResponse:
            """The answer as it came."""
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
            """HTTP status of the answer."""
            ...

        @property
        def status_code(self) -> int:
            """HTTP status of the answer."""
            ...

        @property
        def Date(self) -> str:  # noqa: N802
            """When the service answered, as HTTP writes it; empty where it did not say."""
            ...

        @property
        def headers(self) -> Mapping[str, str]:
            """Headers of the answer, with lower-case names."""
            ...
    else:
        RequestId = request_id = _AnswerPart("request_id")
        StatusCode = status_code = _AnswerPart("status")
        Date = _AnswerPart("date")
        headers = _AnswerPart("headers")

    @property
    def content(self) -> Any:
        """The answer's JSON as plain dicts and lists."""
        return self._raw.json()


class _PlainResponse(RawResponse):
    """A response that is no resource; it reads like a mapping all the same."""

    __slots__ = ("_kept",)

    def __init__(self, raw: HttpResponse) -> None:
        self._kept = raw

    @property
    def _raw(self) -> HttpResponse:
        return self._kept

    def detail(self) -> dict[str, Any]:
        """Return the answer's fields that are not null."""
        content = self.content
        if not isinstance(content, dict):
            return {}
        fields = cast("dict[str, Any]", content)
        return {key: value for key, value in fields.items() if value is not None}

    def dump(self, indent: int | None = 4) -> str:
        """Return the answer as a JSON text."""
        return json.dumps(self.content, indent=indent, ensure_ascii=False)

    def keys(self) -> KeysView[str]:
        """Return the names of the answer's fields."""
        return self.detail().keys()

    def items(self) -> ItemsView[str, Any]:
        """Return the answer's fields as pairs."""
        return self.detail().items()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field of the answer, else the default."""
        return self.detail().get(key, default)

    def __getitem__(self, key: str) -> Any:
        return self.detail()[key]

    def __contains__(self, key: object) -> bool:
        return key in self.detail()

    def __str__(self) -> str:
        return self._raw.described(self.content)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} status={self.StatusCode} request_id={self.RequestId!r}>"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._raw == other._raw

    def __hash__(self) -> int:
        return hash((type(self), self._raw.status, self._raw.body))


class CreateResponse(_PlainResponse):
    """The answer to a create: the new resource's id."""

    __slots__ = ("_id", "_name")

    def __init__(self, raw: HttpResponse) -> None:
        super().__init__(raw)
        content = raw.json()
        if not isinstance(content, dict):
            raise raw.not_understood("a create must answer with an object")
        # CreateApp answers with a Name and no Id (REST API, 2.5); the old SDK copied it.
        fields = cast("dict[str, Any]", content)
        self._name = str(fields.get("Name") or "")
        self._id = str(fields.get("Id") or self._name)
        if not self._id:
            raise raw.not_understood("a create must answer with an Id or a Name")

    @property
    def Id(self) -> str:  # noqa: N802
        """Id of the new resource; for an app its name."""
        return self._id

    @property
    def id(self) -> str:
        """Id of the new resource; for an app its name."""
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
        """Return the answer's fields; ``Id`` is always among them."""
        return {**super().detail(), "Id": self._id}


class ActionResponse(_PlainResponse):
    """The answer to an action, a change or a delete; it holds nothing but its status."""

    __slots__ = ()

    @property
    def content(self) -> Any:
        """The answer's JSON, or its text where it is none; the status alone says that all is well."""
        try:
            return self._raw.json()
        except ResponseError:
            return self._raw.body.decode("utf-8", "replace")


class GetResponse(RawResponse):
    """The answer to a get; each class of `batchcompute.api.resource_responses` is also the resource itself."""

    __slots__ = ()


class ListResponse(RawResponse, Sequence[T_co], Generic[T_co]):
    """One page of a list: a sequence of resources, and where the next page begins."""

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
        """Where the next page begins; empty on the last one."""
        return self._next_marker

    @property
    def next_marker(self) -> str:
        """Where the next page begins; empty on the last one."""
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
        """Return the answer as a JSON text."""
        return json.dumps(self.content, indent=indent, ensure_ascii=False)

    def __str__(self) -> str:
        content = self.content
        # Some old services answer with a bare list.
        return self._raw.described({"Items": content} if isinstance(content, list) else content)

    def __repr__(self) -> str:
        return f"<ListResponse of {len(self._items)}, next marker {self._next_marker!r}>"


def attach(resource: Jsonizable, raw: HttpResponse) -> None:
    """Give a resource that is a response the answer that it came with."""
    object.__setattr__(resource, "_kept", raw)
