"""Helpers for the tests of programs that use the package; the fixtures of the pytest plugin return them."""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from batchcompute.testing.answers import Page, Refusal
    from batchcompute.testing.mocked import MockedApi
    from batchcompute.testing.services import temporary_service
    from batchcompute.testing.simulated import SimulatedService

__all__ = ["MockedApi", "Page", "Refusal", "SimulatedService", "temporary_service"]

_HOME = {
    "MockedApi": "mocked",
    "Page": "answers",
    "Refusal": "answers",
    "SimulatedService": "simulated",
    "temporary_service": "services",
}


def _load(name: str) -> object:
    # Lazy: the service is large, and `MockedApi` needs respx.
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'batchcompute.testing' has no attribute {name!r}")
    value = getattr(_import_module(f"batchcompute.testing.{home}"), name)
    globals()[name] = value
    return value


if not _TYPE_CHECKING:
    # With a `__getattr__`, a type checker accepts the import of any name.
    __getattr__ = _load
