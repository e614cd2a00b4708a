"""An old import path of the exceptions; they live in `batchcompute.errors`."""

from __future__ import annotations

from batchcompute.core import exceptions
from batchcompute.errors import ClientError, ConfigError, FieldError, JSONError, JsonError, ValidationError

__all__ = [
    "ClientError",
    "ConfigError",
    "FieldError",
    "JSONError",
    "JsonError",
    "ValidationError",
    "exceptions",
]
