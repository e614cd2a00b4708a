"""The services that ``LOCAL`` clients of this process start: one for each data directory."""

from __future__ import annotations

import threading
from pathlib import Path

from batchcompute.service.data_directory import default_directory
from batchcompute.service.local_service import LocalService
from batchcompute.service.settings import Settings

__all__: list[str] = []

_lock = threading.Lock()
_services: dict[Path, LocalService] = {}


def embedded_service(directory: Path | None = None) -> LocalService:
    """Return the service that ``LOCAL`` clients use; start it if necessary.

    Args:
        directory: Data directory of the service; None for the default one.

    Raises:
        ConfigError: The directory cannot be written, or another process owns it.
    """
    directory = directory or default_directory()
    with _lock:
        service = _services.get(directory)
        if service is None or service.closed:
            service = _services[directory] = LocalService(directory)
        return service


def reading_service(directory: Path) -> LocalService:
    """Return a service that shows the jobs of a directory: the embedded one, or else one that runs no jobs.

    The caller closes a service that runs no jobs.

    Args:
        directory: The data directory.

    Raises:
        ConfigError: The directory cannot be written, or another process owns it.
    """
    with _lock:
        service = _services.get(directory)
        if service is None or service.closed:
            return LocalService.from_settings(Settings.checked({"data_dir": directory}), run_jobs=False)
        return service
