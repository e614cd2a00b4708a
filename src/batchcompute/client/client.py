"""The old SDK's import path of `Client`."""

from __future__ import annotations

from batchcompute.client._sync.client import Client

__all__ = ["Client"]
