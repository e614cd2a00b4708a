"""The only access of the SDK to the service: a transport that is loaded when a client needs it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from batchcompute.http.credentials import CredentialSource, current_credentials

if TYPE_CHECKING:
    import httpx

    from batchcompute.client.job_host import JobHost

__all__: list[str] = []


class LocalTransport(Protocol):
    """An httpx transport that sends requests to a service without a network connection.

    It serves synchronous and asynchronous clients.
    """

    def job_host(self) -> JobHost:
        """Return where the jobs of the service run."""
        ...

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request of a synchronous client."""
        ...

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request of an asynchronous client."""
        ...


class _Service(Protocol):
    def embedded_transport(self, access_key_id: str, access_key_secret: str) -> LocalTransport: ...


def local_transport(source: CredentialSource) -> LocalTransport:
    """Return a transport to the embedded service of this process; the service starts at the first request.

    Args:
        source: Credentials of the client, or their provider.

    Raises:
        ConfigError: The provider returns no credentials.
    """
    # Loaded by name at run time, because the SDK must not depend on the service.
    service = cast("_Service", importlib.import_module("batchcompute.service.transports.in_process"))
    credentials = current_credentials(source)
    return service.embedded_transport(credentials.access_key_id, credentials.access_key_secret)
