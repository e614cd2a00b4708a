"""The objects of the buckets that an owner may read."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from batchcompute.service.web.requests import View, ViewRequest, url

__all__: list[str] = []

PAGE: Final = 200
"""Objects on one page."""


def list_buckets(request: ViewRequest) -> View:
    """Return the list of buckets."""
    buckets = [(name, url("storage", name)) for name in request.api.buckets()]
    return View("buckets.html", "Storage", "storage", {"buckets": buckets}, live=False)


def list_objects(request: ViewRequest) -> View:
    """Return the content of a folder of a bucket."""
    bucket = request.path["bucket"]
    prefix, marker = request.query.get("prefix", ""), request.query.get("after", "")
    listing = request.api.keys(bucket, prefix, marker, PAGE)
    own = url("storage", bucket)
    crumbs = [(bucket, own)]
    folders = prefix.split("/")[:-1]
    for count, name in enumerate(folders, start=1):
        crumbs.append((name or "\N{OPEN BOX}", _folder(bucket, "/".join(folders[:count]) + "/")))
    content = {
        "bucket": bucket,
        "prefix": prefix,
        "crumbs": crumbs,
        "folders": [(name.removeprefix(prefix), _folder(bucket, name)) for name in listing.folders],
        "files": [
            (key.removeprefix(prefix) or key, size, changed, _file(bucket, key))
            for key, size, changed in listing.files
            if key != prefix
        ],
        "next": _folder(bucket, prefix, listing.marker) if listing.marker else "",
        "first": _folder(bucket, prefix) if marker else "",
    }
    return View("objects.html", f"{bucket}/{prefix}", "storage", content, live=False)


def _folder(bucket: str, prefix: str, after: str = "") -> str:
    pairs = urlencode({name: value for name, value in (("prefix", prefix), ("after", after)) if value})
    return f"{url('storage', bucket)}?{pairs}" if pairs else url("storage", bucket)


def _file(bucket: str, key: str) -> str:
    return f"{url('storage', bucket, 'object')}?{urlencode({'key': key})}"
