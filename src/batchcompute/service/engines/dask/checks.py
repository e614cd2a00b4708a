"""Checks that run on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["can_reach", "can_write"]

_TIMEOUT = 5.0
"""Seconds in which the service must answer."""


async def can_reach(url: str, certificates: str) -> str:
    """Return why this worker cannot reach a service; empty if it can.

    Args:
        url: URL of the service.
        certificates: Path of the certificates that it is checked with; empty for those of the machine.
    """
    return await asyncio.to_thread(_reach, url, certificates)


def _reach(url: str, certificates: str) -> str:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=certificates or None)
            connection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=_TIMEOUT, context=context
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        with closing(connection):
            # Each response shows that the service is there; this request needs no key.
            connection.request("GET", "/")
            connection.getresponse().read(1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    return ""


async def can_write(folder: str) -> str:
    """Return why this worker cannot use a directory for attempts; empty if it can.

    Args:
        folder: The directory; empty for that of temporary files.
    """
    return await asyncio.to_thread(_write, folder)


def _write(folder: str) -> str:
    path: Any = folder or None
    try:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path) as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as error:
        return f"{error.strerror}: {folder or tempfile.gettempdir()}"
    return ""
