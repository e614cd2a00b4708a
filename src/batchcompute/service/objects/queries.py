"""The queries of requests to object storage: sub-resources, and the parameters of lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from batchcompute.service.errors import ObjectError
from batchcompute.service.objects import responses
from batchcompute.service.objects.signatures import SUBRESOURCES

__all__: list[str] = []

_OF_OBJECTS: Final = {
    "": frozenset({"GET", "HEAD", "PUT", "DELETE"}),
    "uploads": frozenset({"POST"}),
    "uploadId": frozenset({"GET", "PUT", "POST", "DELETE"}),
    "objectMeta": frozenset({"GET", "HEAD"}),
    "acl": frozenset({"GET"}),
}
_OF_BUCKETS: Final = {
    "": frozenset({"GET", "HEAD", "PUT", "DELETE"}),
    "delete": frozenset({"POST"}),
    "uploads": frozenset({"GET"}),
    "acl": frozenset({"GET"}),
    "location": frozenset({"GET"}),
    "bucketInfo": frozenset({"GET"}),
    "stat": frozenset({"GET"}),
}
_OF_SERVICE: Final = {"": frozenset({"GET", "HEAD"})}
"""Methods that are served, by sub-resource."""

_PARAMETERS = frozenset({"partNumber", "continuation-token", "security-token"})
"""Names that signatures treat like sub-resources, but that only carry a value."""

MOST_KEYS: Final = 1000
"""Keys in one page, and objects that one request deletes."""

_NUMBER = re.compile("[0-9]{1,4}")


def subresource_of(method: str, bucket: str, key: str, query: Mapping[str, str]) -> str:
    """Return the sub-resource that a request names; empty for the object, the bucket or the service itself.

    Args:
        method: HTTP method.
        bucket: Name of the bucket; empty for the service.
        key: Key of the object; empty for the bucket.
        query: The parsed query.

    Raises:
        ObjectError: The sub-resource or the method is not served, or the query names two sub-resources. Their order
            in the query would decide between them, and no signature covers it.
    """
    served = _OF_OBJECTS if key else _OF_BUCKETS if bucket else _OF_SERVICE
    named = [name for name in query if name in SUBRESOURCES and name not in _PARAMETERS]
    named = [name for name in named if not name.startswith("response-")]
    for name in named:
        if name not in served:
            # It must not be taken for a plain put or delete.
            raise responses.not_served(name)
    if len(named) > 1:
        raise ObjectError(400, "InvalidArgument", f"The query names both {named[0]} and {named[1]}.")
    subresource = named[0] if named else ""
    if method not in served[subresource]:
        if subresource:
            raise responses.not_served(f"{method} of {subresource}")
        raise responses.not_allowed()
    return subresource


class ListQuery(NamedTuple):
    """The parameters of a list of keys."""

    version: int
    """Version of the list, 1 or 2."""
    prefix: str
    """Prefix of the keys."""
    delimiter: str
    """Ends the common part of keys that are grouped; empty for no groups."""
    after: str
    """Last item of the previous page; empty for the first page."""
    most: int
    """Largest number of items."""
    url_encoded: bool
    """Whether keys in the response are percent-encoded."""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> ListQuery:
        """Read the parameters from a parsed query.

        Raises:
            ObjectError: A value is not allowed.
        """
        for name, allowed in (("list-type", "2"), ("encoding-type", "url")):
            if query.get(name, "") not in ("", allowed):
                raise ObjectError(400, "InvalidArgument", f"{name} must be {allowed}, or left out.")
        version = 2 if query.get("list-type") else 1
        token = query.get("continuation-token") or query.get("start-after", "")
        most = query.get("max-keys", "100")
        if not _NUMBER.fullmatch(most) or int(most) > MOST_KEYS:
            raise ObjectError(400, "InvalidArgument", f"max-keys must be in [0, {MOST_KEYS}].")
        return cls(
            version,
            query.get("prefix", ""),
            query.get("delimiter", ""),
            token if version == 2 else query.get("marker", ""),
            int(most),
            bool(query.get("encoding-type")),
        )
