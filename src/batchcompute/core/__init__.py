"""The old SDK's import path of the exceptions in `batchcompute.errors`."""

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
