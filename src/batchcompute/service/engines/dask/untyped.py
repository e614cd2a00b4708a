"""The packages of Dask, whose interfaces have no types that a strict checker accepts."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["cloudpickle", "dask", "distributed"]

cloudpickle: Any = import_module("cloudpickle")
dask: Any = import_module("dask")
distributed: Any = import_module("distributed")
