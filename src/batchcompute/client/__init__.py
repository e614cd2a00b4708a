"""The clients `Client` and `AsyncClient`, which have the same methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
_LAZY = {
    "AsyncClient": "batchcompute.client._async.client",
    "AsyncHttpClient": "batchcompute.client._async_pool",
    "AsyncItems": "batchcompute.client._async._iterate",
}


def _load(name: str) -> object:
    from importlib import import_module

    if name == "response":
        # It loads all models, so a bare import does not load it.
        return import_module("batchcompute.client.response")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'batchcompute.client' has no attribute {name!r}")


if not TYPE_CHECKING:
    # With a `__getattr__`, a type checker accepts the import of any name.
    __getattr__ = _load
