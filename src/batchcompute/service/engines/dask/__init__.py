"""The Dask engine: attempts run on the workers of a Dask cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchcompute.service.engines.base import Engine
    from batchcompute.service.engines.context import EngineContext

__all__ = ["create"]


def create(context: EngineContext) -> Engine:
    """Return the engine of a service.

    Args:
        context: The parts of the service.

    Raises:
        ConfigError: An option is wrong, the scheduler does not answer, or a worker cannot run attempts.
        ImportError: The extra is not installed.
    """
    # Loaded here, because workers import this package, too, and need no engine.
    from batchcompute.service.engines.dask.engine import DaskEngine

    return DaskEngine.create(context)
