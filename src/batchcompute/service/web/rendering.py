"""The templates of the page, and how values are written in them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from batchcompute.service.web.ansi import visible

__all__ = ["STATIC", "duration_of", "render", "seconds_of", "static_file"]

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

ICONS: Final = {
    "Waiting": "\N{WHITE CIRCLE}",
    "Running": "\N{CIRCLE WITH LEFT HALF BLACK}",
    "Finished": "\N{CHECK MARK}",
    "Failed": "\N{MULTIPLICATION X}",
    "Stopped": "\N{BLACK SQUARE}",
    "Failing": "\N{CLOCKWISE OPEN CIRCLE ARROW}",
    "Lost": "\N{WHITE DIAMOND}",
    "Active": "\N{CHECK MARK}",
    "Deleting": "\N{BLACK SQUARE}",
}
"""A sign for each state, because colours are not enough for everybody."""


def _read_static() -> dict[str, bytes]:
    folder = files("batchcompute.service.web").joinpath("static")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


STATIC: Final = _read_static()
"""The files that pages refer to, by their names."""


def static_file(name: str) -> tuple[bytes, str] | None:
    """Return a static file and its type; None if it does not exist."""
    content = STATIC.get(name)
    return None if content is None else (content, _TYPES[name.rpartition(".")[2]])


def _shown(value: Any) -> Any:
    """Return a value for a page. Texts from jobs can contain anything."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _static_url(name: str) -> str:
    digest = hashlib.sha256(STATIC[name]).hexdigest()[:12]
    return f"/-/static/{name}?v={digest}"


def seconds_of(time: str) -> float | None:
    """Return a time of the API in seconds since 1970; None for an empty one."""
    if not time:
        return None
    try:
        moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def duration_of(seconds: float) -> str:
    """Return a number of seconds in words."""
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if rest >= size:
            low = rest % size // part
            return f"{rest // size} {unit}" + (f" {low} {smaller}" if low else "")
    return f"{rest} s"


def _between(start: str, end: str) -> str:
    """Return the time between two times of the API; empty if one of them is."""
    begin, finish = seconds_of(start), seconds_of(end)
    return "" if begin is None or finish is None else duration_of(finish - begin)


def _clock(time: str) -> str:
    """Return a time of the API as people write it."""
    return f"{time[:10]} {time[11:19]} UTC" if len(time) >= 19 else time


def _size(count: float) -> str:
    """Return a number of bytes in words."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _number(value: int) -> str:
    """Return a number with spaces between its thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("batchcompute.service.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        auto_reload=False,
    )
    names: dict[str, Any] = {"static": _static_url, "icons": ICONS}
    environment.globals.update(names)
    filters: dict[str, Any] = {
        "between": _between,
        "clock": _clock,
        "filesize": _size,
        "number": _number,
        "duration": duration_of,
    }
    environment.filters.update(filters)
    return environment


def render(template: str, **content: Any) -> Markup:
    """Return the HTML of a template.

    Args:
        template: Name of its file.
        content: The values that it shows.
    """
    return Markup(_environment().get_template(template).render(**content))  # noqa: S704 - the template escapes
