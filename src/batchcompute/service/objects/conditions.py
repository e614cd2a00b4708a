"""Ranges and conditions in the headers of requests for objects."""

from __future__ import annotations

import re
from collections.abc import Mapping

from batchcompute.service.errors import ObjectError
from batchcompute.service.objects.base import Stat
from batchcompute.service.requests import date_of

__all__: list[str] = []

_RANGE = re.compile("bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")


def requested_range(headers: Mapping[str, str], size: int) -> tuple[int, int, bool]:
    """Return start and end of the requested range of an object, and whether it is only a part of the object.

    Raises:
        ObjectError: The range is not satisfiable, and the client asks for the behaviour of the HTTP standard.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    if not match:
        return 0, size, False
    first, last, suffix = match.groups()
    start = max(0, size - int(suffix)) if suffix else int(first)
    end = min(size, int(last) + 1) if last else size
    if start < end:
        return start, end, True
    if headers.get("x-oss-range-behavior") == "standard":
        raise ObjectError(416, "InvalidRange", "The requested range cannot be satisfied.")
    # The vendor's storage ignores a range that is not satisfiable.
    return 0, size, False


def is_not_modified(headers: Mapping[str, str], stat: Stat, prefix: str = "") -> bool:
    """Check the conditions of a request.

    Args:
        headers: Headers of the request.
        stat: Properties of the object.
        prefix: Prefix of the names of the headers.

    Returns:
        Whether the client already has this version of the object.

    Raises:
        ObjectError: A precondition failed.
    """
    failed = ObjectError(
        412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold."
    )
    match = headers.get(f"{prefix}if-match", "")
    if match and stat.tag.strip('"') not in _tags(match):
        raise failed
    before = date_of(headers.get(f"{prefix}if-unmodified-since", ""))
    if before and stat.modified.replace(microsecond=0) > before:
        raise failed
    none_match = headers.get(f"{prefix}if-none-match", "")
    if none_match:
        return stat.tag.strip('"') in _tags(none_match)
    since = date_of(headers.get(f"{prefix}if-modified-since", ""))
    return since is not None and stat.modified.replace(microsecond=0) <= since


def _tags(text: str) -> set[str]:
    return {tag.strip().strip('"') for tag in text.split(",")}
