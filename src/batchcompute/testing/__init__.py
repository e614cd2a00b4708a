"""Helpers for the tests of programs that use the package; the fixtures of the pytest plugin return them."""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from batchcompute._lazy import lazy_names as _lazy_names

if _TYPE_CHECKING:
    from collections.abc import Callable as _Callable

    from batchcompute.testing.mocked import MockedApi
    from batchcompute.testing.responses import ErrorResponse, Page
    from batchcompute.testing.services import temporary_service
    from batchcompute.testing.simulated import SimulatedService

__all__ = ["ErrorResponse", "MockedApi", "Page", "SimulatedService", "temporary_service"]

# Lazy, because the service is large, and `MockedApi` needs respx.
_MODULES = {
    "responses": "ErrorResponse Page",
    "mocked": "MockedApi",
    "services": "temporary_service",
    "simulated": "SimulatedService",
}

_load: _Callable[[str], object] = _lazy_names(__name__, _MODULES)

if not _TYPE_CHECKING:
    __getattr__ = _load
