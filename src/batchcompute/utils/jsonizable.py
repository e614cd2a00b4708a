"""The old SDK's import path for `Jsonizable`, and its JSON encoder."""

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
    """Writes what calls return, and times, with ``json.dumps(…, cls=BatchEncoder)``."""

    def default(self, o: Any) -> Any:
        """Turn an object into what JSON can write.

        Raises:
            TypeError: It is of no type that is known here.
        """
        if isinstance(o, Jsonizable):
            return o.detail()
        if isinstance(o, RawResponse):
            return o.content
        if isinstance(o, datetime):
            # In the local zone and without one, as the old SDK wrote it.
            return str(o.astimezone().replace(tzinfo=None) if o.tzinfo else o)
        if isinstance(o, bytes):
            return o.decode("utf-8")
        return super().default(o)
