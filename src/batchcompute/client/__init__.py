"""The clients `Client` and `AsyncClient`, which have the same methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchcompute._lazy import lazy_names
from batchcompute.client._pool import HttpClient
from batchcompute.client._sync._iterate import Items
from batchcompute.client.client import Client

if TYPE_CHECKING:
    from batchcompute.client import response as response
    from batchcompute.client._async._iterate import AsyncItems
    from batchcompute.client._async.client import AsyncClient
    from batchcompute.client._async_pool import AsyncHttpClient

__all__ = ["AsyncClient", "AsyncHttpClient", "AsyncItems", "Client", "HttpClient", "Items"]

# The asynchronous client is loaded at its first use, because the import of asyncio doubles the import time.
_MODULES = {
    "_async._iterate": "AsyncItems",
    "_async.client": "AsyncClient",
    "_async_pool": "AsyncHttpClient",
}

if not TYPE_CHECKING:
    # `response` loads all models, so a bare import does not load it.
    __getattr__ = lazy_names(__name__, _MODULES, ("response",))
