"""Answers that a test gives instead of the service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import httpx

from batchcompute.errors import ConfigError
from batchcompute.http.retry import RetryPolicy
from batchcompute.models.base import Jsonizable

__all__ = ["AT_ONCE", "ErrorResponse", "Page"]

T_co = TypeVar("T_co", bound=Jsonizable, covariant=True)

AT_ONCE: Final = RetryPolicy(first_delay=0.0, longest_delay=0.0)
"""Retries without delays."""

_CODES: Final = {
    400: "InvalidParameter",
    401: "InvalidAccessKeyId",
    403: "Forbidden",
    404: "InvalidResource.NotFound",
    409: "StateConflict",
    429: "Throttling",
    500: "InternalError",
    503: "ServiceUnavailable",
}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error of the service.

    Raises:
        ConfigError: The status is not one of an error.
    """

    status: int
    """HTTP status, from 400 to 599."""
    code: str = ""
    """Code of the error; by default a usual one for the status."""
    message: str = ""
    """Message of the error."""
    retry_after: float | None = None
    """Seconds that the service asks the client to wait; None if it does not ask."""

    def __post_init__(self) -> None:
        if isinstance(self.status, bool) or not isinstance(self.status, int) or not 400 <= self.status <= 599:
            raise ConfigError(f"status: must be an integer from 400 to 599 (got {self.status!r})")

    def response(self) -> httpx.Response:
        """Return the response."""
        code = self.code or _CODES.get(self.status, "InternalError" if self.status >= 500 else "BadRequest")
        body = {"RequestId": "test", "Code": code, "Message": self.message or "The test says so."}
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        return httpx.Response(self.status, headers=headers, json=body)


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """A page of a list."""

    items: Sequence[T_co]
    """The resources."""
    next_marker: str = ""
    """Marker of the next page; empty on the last page."""

    def response(self, status: int) -> httpx.Response:
        """Return the response.

        Args:
            status: HTTP status.
        """
        content = {"Items": [to_json(item) for item in self.items], "NextMarker": self.next_marker}
        return httpx.Response(status, json=content)


def to_json(model: Jsonizable) -> Any:
    """Return a model as plain values."""
    return json.loads(model.dump(None))
