"""`Params`: the request as a handler receives it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from batchcompute.service.errors import ApiError, invalid

if TYPE_CHECKING:
    from batchcompute.api.operations import Operation

__all__: list[str] = []

BEHIND_ALL = 2**62
"""A row number greater than all existing ones: the meaning of an unknown marker."""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the JSON object with these names and values.

    Raises:
        ValueError: A name occurs twice: programs differ in which of its values they use.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name occurs twice")
    return values


@dataclass(frozen=True, slots=True)
class Params:
    """A request as a handler receives it: its operation, owner, path, query and body."""

    operation: Operation
    """The operation."""
    owner: str
    """The owner of the access key."""
    path: Mapping[str, str]
    """The variable parts of the path, by their names in the table of operations."""
    query: Mapping[str, str]
    """The query; a name without a value has the value ``""``."""
    body: bytes
    """The body."""
    request_id: str = ""
    """The id of the request."""

    def json(self) -> dict[str, Any]:
        """Return the body as an object.

        Raises:
            ApiError: The body is too large, is not JSON, or is not an object.
        """
        # The models load with the first body, not at the start of a server.
        from batchcompute.models.validation import MAX_BODY_BYTES, body_problem

        if len(self.body) > MAX_BODY_BYTES:
            raise ApiError(403, "InvalidHttpBody", f"The body holds more than {MAX_BODY_BYTES} bytes.")
        try:
            # Only UTF-8: given bytes, `json.loads` also accepts UTF-16 and UTF-32.
            text = self.body.decode("utf-8-sig")
            value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise ApiError(400, "InvalidJsonFormat", "Request body is not valid JSON.") from None
        if not isinstance(value, dict):
            text = "Specified http body is not valid. Its type must be object."
            raise ApiError(403, "InvalidHttpBody", text)
        wrong = body_problem(value)
        if wrong is not None:
            text = f"Request body is not valid JSON. {wrong.path or 'It'} {wrong.allowed}."
            raise ApiError(400, "InvalidJsonFormat", text)
        return cast("dict[str, Any]", value)

    def count(self) -> int:
        """Return the largest number of items of a page (REST API, 9)."""
        text = self.query.get("MaxItemCount", "")
        if not text:
            return 50
        if not re.fullmatch("-?[0-9]{1,18}", text):
            raise invalid("MaxItemCount", "Its type must be integer.")
        if not 0 <= int(text) <= 100:
            raise invalid("MaxItemCount", "It must be in [0, 100].")
        return int(text)

    def token(self) -> str:
        """Return the idempotent token (REST API, 2.0); empty if the request has none."""
        token = self.query.get("IdempotentToken", "")
        if token and not re.fullmatch("[A-Za-z0-9_]{1,64}", token):
            raise invalid("IdempotentToken", "It must be 1 to 64 letters, digits and underscores.")
        return token

    def has_flag(self, name: str) -> bool:
        """Return whether the query holds a name, with or without a value."""
        return name in self.query

    @property
    def marker(self) -> str:
        """The marker of the requested page; empty for the first page."""
        return self.query.get("Marker", "")

    def first_row(self) -> int:
        """Return the row number of the first item of the page, for lists whose marker is that number."""
        if not self.marker:
            return 0
        number = number_of(self.marker)
        return BEHIND_ALL if number is None else number

    def state(self, allowed: tuple[str, ...]) -> str:
        """Return the state by which a list is filtered; empty for all states."""
        state = self.query.get("State", "")
        if state and state not in allowed:
            raise invalid("State", f"It must be one of {', '.join(allowed)}.")
        return state


def number_of(text: str) -> int | None:
    """Return the value of a decimal number; None for any other text."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None
