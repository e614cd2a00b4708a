"""The service: it implements the BatchCompute API and runs jobs on this machine."""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from batchcompute.service.embedded import embedded_service
    from batchcompute.service.engines.simulated import Course, Script, SimulatedEngine
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.requests import Request, Response
    from batchcompute.service.simulated_clock import SimulatedClock

__all__ = [
    "Course",
    "LocalService",
    "Request",
    "Response",
    "Script",
    "SimulatedClock",
    "SimulatedEngine",
    "embedded_service",
]

_HOME = {
    "Course": "engines.simulated",
    "LocalService": "local_service",
    "Request": "requests",
    "Response": "requests",
    "Script": "engines.simulated",
    "SimulatedClock": "simulated_clock",
    "SimulatedEngine": "engines.simulated",
    "embedded_service": "embedded",
}


def _load(name: str) -> object:
    # Lazy: the command line imports light modules of this package, and these imports are heavy.
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'batchcompute.service' has no attribute {name!r}")
    value = getattr(_import_module(f"batchcompute.service.{home}"), name)
    globals()[name] = value
    return value


if not _TYPE_CHECKING:
    # With a `__getattr__`, a type checker accepts the import of any name.
    __getattr__ = _load
