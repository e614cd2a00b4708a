"""The services that clients of this process start by themselves: one for each data directory."""

from __future__ import annotations

import atexit
import threading
from pathlib import Path

from batchcompute.service.datadir import default_directory
from batchcompute.service.local import LocalService

__all__: list[str] = []

_lock = threading.Lock()
_services: dict[Path, LocalService] = {}


def embedded_service() -> LocalService:
    """Return the service of the default data directory, started if need be.

    Raises:
        ConfigError: The directory cannot be written, or another process owns it.
    """
    directory = default_directory()
    with _lock:
        service = _services.get(directory)
        if service is None or service.closed:
            service = _services[directory] = LocalService(directory)
        return service


@atexit.register
def _close_all() -> None:
    """Close every service at the end of the process, after Ctrl-C, too."""
    for service in list(_services.values()):
        service.close()
