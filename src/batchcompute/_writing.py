"""From models to plain values, and from those to JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from batchcompute._model import Model
from batchcompute._values import format_time

__all__: list[str] = []


class Detail(dict[str, Any]):
    """A nested object in what `detail` returns: a plain dict whose keys can be read as attributes.

    The old SDK had objects there, and programs read ``job.detail()["TaskMetrics"].WaitingCount``.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


def plain(value: Any) -> Any:
    """Turn models, at every depth, into dicts of what is set."""
    if isinstance(value, Model):
        return Detail(cast("Any", value).detail())
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [plain(item) for item in cast("list[Any]", value)]
    return value


def write(value: Any) -> Any:
    """Write what `detail` gives and JSON has not."""
    if isinstance(value, datetime):
        return format_time(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
