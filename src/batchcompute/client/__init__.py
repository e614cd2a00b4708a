"""The clients: `Client` and, with the same methods to be awaited, `AsyncClient`."""

from __future__ import annotations

from batchcompute.client._async.client import AsyncClient
from batchcompute.client._sync.client import Client

__all__ = ["AsyncClient", "Client"]
