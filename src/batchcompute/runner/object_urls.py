"""Object URLs: the bucket and the key that ``oss://bucket/key`` names."""

from __future__ import annotations

import re
from typing import Final

from batchcompute.errors import ValidationError

__all__: list[str] = []

LONGEST_KEY: Final = 1024
"""Bytes of the key of an object."""

NOT_IN_XML: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
"""Pattern of characters that XML cannot contain. A listing with such a key could not be parsed by any client."""

# Patterns are compiled when they are first used: a runner has to start fast.
_BUCKET: Final = r"[a-z0-9A-Z][a-z0-9A-Z_.-]{0,62}"
_STEPS = frozenset({".", ".."})


def split_object_url(object_url: str) -> tuple[str, str]:
    """Return the bucket and the key of an object URL; the key may be empty.

    Raises:
        ValidationError: The text is not an object URL, or the key is not allowed.
    """
    scheme, separator, rest = object_url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "oss" or not separator or not re.fullmatch(_BUCKET, bucket) or ".." in bucket:
        raise ValidationError(f"{object_url[:200]!r} is not an object URL; use oss://bucket/key")
    if re.search(NOT_IN_XML, key):
        raise ValidationError(
            f"{object_url[:200]!r} contains a control character or is not text; a key is text in UTF-8"
        )
    if not _STEPS.isdisjoint(key.split("/")):
        raise ValidationError(f"{object_url[:200]!r} contains '.' or '..' as a part, which no key may have")
    if len(key.encode("utf-8")) > LONGEST_KEY:
        raise ValidationError(f"{object_url[:60]!r}… has a key of more than {LONGEST_KEY} bytes")
    return bucket, key
