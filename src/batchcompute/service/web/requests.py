"""Requests to the page and what answers them, as plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from batchcompute.service.requests import query_of
from batchcompute.service.web.rendering import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from batchcompute.service.transports.exchange import Exchange, Scope
    from batchcompute.service.web.api import OwnerApi

__all__: list[str] = []

MOST_FORM_BYTES = 16 * 1024
"""Bytes of a form."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request of a browser."""

    method: str
    """HTTP method."""
    path: str
    """Path, percent-encoded."""
    query: Mapping[str, str]
    """The query."""
    target: str
    """Path and query."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers with lower-case names."""
    address: str
    """Address of the client."""
    secure: bool
    """Whether the client uses TLS."""

    @classmethod
    def of(cls, exchange: Exchange, scope: Scope) -> PageRequest:
        """Return the request of an exchange.

        Raises:
            BadTarget: The path or the query is malformed.
        """
        request = exchange.request
        client = scope.get("client")
        return cls(
            request.method,
            exchange.path,
            query_of(request.target),
            request.target,
            request.headers,
            str(client[0]) if client else "",
            scope.get("scheme") == "https",
        )

    def cookie(self, name: str) -> str:
        """Return the value of a cookie; empty if there is none."""
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return ""

    def is_same_origin(self) -> bool:
        """Return whether a form was posted by the page itself, and not by another site."""
        origin = self.headers.get("origin", "")
        if origin:
            return urlsplit(origin).netloc == self.headers.get("host", "")
        # Programs other than browsers send neither header. They carry no cookie of a browser, so nothing needs protection.
        return self.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def form_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form; the last of several fields with one name counts."""
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))


@dataclass(frozen=True, slots=True)
class View:
    """The content of a page, without its frame."""

    template: str
    """Name of the template."""
    title: str
    """Title of the page."""
    section: str
    """Section of the navigation: ``jobs``, ``clusters``, ``storage`` or ``service``."""
    content: Mapping[str, Any]
    """The values that the template shows."""
    live: bool = True
    """Whether it is sent again when something has changed."""
    below: str = ""
    """Name of a template whose HTML follows, and is not sent again; empty for none."""

    def fragment(self) -> Fragment:
        """Return the HTML."""
        html = render(self.template, **self.content)
        return Fragment(html, hashlib.sha256(html.encode("utf-8", "replace")).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class Fragment:
    """The HTML of a view."""

    html: Markup
    """The HTML."""
    version: str
    """Changes with the HTML."""


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """The arguments of a view: the API for the owner, the variable parts of the path, and the query."""

    api: OwnerApi
    """The API for the owner."""
    path: Mapping[str, str]
    """The variable parts of the path."""
    query: Mapping[str, str]
    """The query."""
    is_update: bool = False
    """Whether the page is shown already, and only its changes are sent."""


def url(*parts: str | int) -> str:
    """Return the URL of a page, given the parts of its path after the prefix."""
    return "/-/" + "/".join(quote(str(part), safe="") for part in parts)
