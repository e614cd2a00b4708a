"""The route of the page: it matches requests of browsers that no route of the API answers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute, Match

from batchcompute.errors.installation import install_command
from batchcompute.service.api.routes import has_query_signature
from batchcompute.service.transports.exchange import exchange_of

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.transports.exchange import Receive, Scope, Send
    from batchcompute.service.web.application import Page

__all__: list[str] = []

PREFIX = "/-/"
"""Begin of all paths of the page. No bucket has this name, and no operation has this path."""


class PageRoute(BaseRoute):
    """Requests of browsers: ``/`` and everything below `PREFIX`, without a signature.

    Args:
        service: The service that the page shows.
    """

    def __init__(self, service: LocalService) -> None:
        self._service = service
        self._page: Page | None = None

    def matches(self, scope: Scope) -> tuple[Match, dict[str, Any]]:
        """Return whether a request is for the page."""
        if scope["type"] != "http":
            return Match.NONE, {}
        exchange = exchange_of(scope)
        request = exchange.request
        if "authorization" in request.headers or has_query_signature(request):
            return Match.NONE, {}
        if exchange.path.startswith(PREFIX):
            return Match.FULL, {}
        # Programs that send an unsigned request get the error of the API.
        is_browser = "text/html" in request.headers.get("accept", "")
        if exchange.path == "/" and request.method in ("GET", "HEAD") and is_browser:
            return Match.FULL, {}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._page is None:
            if find_spec("jinja2") is None:
                text = f"The page needs jinja2, of the extra serve: {install_command('serve')}."
                raise exchange_of(scope).error(501, "NotImplemented", "NotImplemented", text)
            # The first request loads it, so the server starts as fast as without the page.
            from batchcompute.service.web.application import Page

            self._page = Page(self._service)
        await self._page(scope, receive, send)
