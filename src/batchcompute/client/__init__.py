"""The clients: `Client` and, with the same methods to be awaited, `AsyncClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchcompute.client._async._iterate import AsyncItems
from batchcompute.client._async.client import AsyncClient
from batchcompute.client._http import AsyncHttpClient, HttpClient
from batchcompute.client._sync._iterate import Items
from batchcompute.client._sync.client import Client

if TYPE_CHECKING:
    from batchcompute.client import response as response

__all__ = ["AsyncClient", "AsyncHttpClient", "AsyncItems", "Client", "HttpClient", "Items"]

if not TYPE_CHECKING:
    # `batchcompute.client.response` after a bare import; it loads all models, so not before.

    def __getattr__(name: str) -> object:
        if name == "response":
            from importlib import import_module

            return import_module("batchcompute.client.response")
        raise AttributeError(f"module 'batchcompute.client' has no attribute {name!r}")
