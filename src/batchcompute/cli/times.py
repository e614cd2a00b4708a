"""Times and durations for people."""

from __future__ import annotations

from datetime import UTC, datetime

__all__: list[str] = []


def moment(text: object) -> datetime | None:
    """Return a time of the API; None if there is none.

    Args:
        text: The time, such as ``2026-11-26T13:02:57.361357Z``; it may be empty or None.
    """
    if not isinstance(text, str) or not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def local_time(text: object) -> str:
    """Return a time of the API in the time zone of this machine; empty if there is none.

    Args:
        text: The time.
    """
    time = moment(text)
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else ""


def short_time(text: object) -> str:
    """Return a time of the API in the time zone of this machine: without the date if it is of today.

    Args:
        text: The time.
    """
    time = moment(text)
    if time is None:
        return ""
    local, now = time.astimezone(), datetime.now(UTC).astimezone()
    if local.date() == now.date():
        return local.strftime("%H:%M:%S")
    return local.strftime("%m-%d %H:%M" if local.year == now.year else "%Y-%m-%d")


def lasted(start: object, end: object) -> str:
    """Return the duration between two times of the API, or until now; empty without a start.

    Args:
        start: The start.
        end: The end; empty if there is none yet.
    """
    begun = moment(start)
    if begun is None:
        return ""
    seconds = max(0.0, ((moment(end) or datetime.now(UTC)) - begun).total_seconds())
    return duration(seconds)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units.

    Args:
        seconds: The duration.
    """
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // smaller:02d}{name}"
    return f"{whole}s"
