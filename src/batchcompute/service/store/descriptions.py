"""How descriptions are stored: as compact JSON with the names of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__: list[str] = []


def text_of(description: Mapping[str, Any]) -> str:
    """Return a description as it is stored."""
    return json.dumps(description, ensure_ascii=False, separators=(",", ":"))
