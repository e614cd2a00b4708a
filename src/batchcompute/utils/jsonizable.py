"""The old SDK's import path of `Jsonizable`, and its JSON encoder."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from batchcompute.api.responses import RawResponse
from batchcompute.errors import FieldError, JsonError, ValidationError
from batchcompute.models.base import Jsonizable
from batchcompute.utils.constants import STRING

__all__ = ["STRING", "BatchEncoder", "FieldError", "JsonError", "Jsonizable", "ValidationError"]


class BatchEncoder(json.JSONEncoder):
    """Encodes resources, responses and times: ``json.dumps(…, cls=BatchEncoder)``."""

    def default(self, o: Any) -> Any:
        """Convert an object to a JSON value.

        Raises:
            TypeError: The type is not supported.
        """
        if isinstance(o, Jsonizable):
            return o.detail()
        if isinstance(o, RawResponse):
            return o.content
        if isinstance(o, datetime):
            # Local time without a zone, as in the old SDK.
            return str(o.astimezone().replace(tzinfo=None) if o.tzinfo else o)
        if isinstance(o, bytes):
            return o.decode("utf-8")
        return super().default(o)
