"""The service: it implements the BatchCompute API and runs jobs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from batchcompute._lazy import lazy_names as _lazy_names

if _TYPE_CHECKING:
    from collections.abc import Callable as _Callable

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

# Lazy, because the command line imports light modules of this package, and these imports are heavy.
_MODULES = {
    "embedded": "embedded_service",
    "engines.simulated": "Course Script SimulatedEngine",
    "local_service": "LocalService",
    "requests": "Request Response",
    "simulated_clock": "SimulatedClock",
}

_load: _Callable[[str], object] = _lazy_names(__name__, _MODULES)

if not _TYPE_CHECKING:
    __getattr__ = _load
