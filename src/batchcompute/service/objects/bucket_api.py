"""Requests about buckets: their lists, what libraries ask of them, and the removal of many objects."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from batchcompute.service.errors import ObjectError
from batchcompute.service.objects import responses
from batchcompute.service.objects.base import parts_of
from batchcompute.service.requests import Request, Response

if TYPE_CHECKING:
    from batchcompute.service.objects.base import ObjectStore, Stat
    from batchcompute.service.objects.ownership import Buckets
    from batchcompute.service.objects.uploads import Uploads

__all__: list[str] = []

_MOST_KEYS = 1000
_NUMBER = re.compile("[0-9]{1,4}")
_ENDPOINTS = "<ExtranetEndpoint>localhost</ExtranetEndpoint><IntranetEndpoint>localhost</IntranetEndpoint>"


class BucketApi:
    """Answers requests about buckets.

    Args:
        store: The objects.
        uploads: The uploads that are not yet complete.
        buckets: Who may do what with which bucket.
    """

    def __init__(self, store: ObjectStore, uploads: Uploads, buckets: Buckets) -> None:
        self._store = store
        self._uploads = uploads
        self._buckets = buckets

    def list_buckets(self, owner: str) -> Response:
        """Answer with the buckets that an owner may read."""
        found = "".join(
            f"<Bucket><Name>{responses.escape(name)}</Name><Location>oss-local</Location>"
            "<CreationDate>2015-11-11T00:00:00.000Z</CreationDate><StorageClass>Standard</StorageClass>"
            f"{_ENDPOINTS}</Bucket>"
            for name in self._store.buckets()
            if self._buckets.may(owner, name, False)
        )
        who = "<Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
        return responses.xml(
            f"<ListAllMyBucketsResult>{who}<Buckets>{found}</Buckets></ListAllMyBucketsResult>"
        )

    def answer(
        self, request: Request, owner: str, bucket: str, what: str, query: Mapping[str, str]
    ) -> Response:
        """Answer a request about one bucket, which its sender may access."""
        if what == "delete":
            digest = hashlib.md5(request.body, usedforsecurity=False).digest()
            responses.check_digest(digest, request.headers.get("content-md5", ""))
            return self._delete_many(bucket, request.body)
        if what == "uploads":
            return self._uploads.list_all(bucket)
        if request.method == "PUT":
            if not self._buckets.claim(owner, bucket):
                raise ObjectError(409, "BucketAlreadyExists", "The requested bucket name is not available.")
            self._store.write(f"oss://{bucket}/", [])
            return responses.done()
        if what or request.method in ("HEAD", "DELETE"):
            if not self._store.has_bucket(bucket):
                raise ObjectError(404, "NoSuchBucket", "The specified bucket does not exist.")
            return self._about(request, bucket, what)
        return self._list(bucket, query)

    def _about(self, request: Request, bucket: str, what: str) -> Response:
        """Answer what libraries ask of a bucket itself."""
        if request.method == "DELETE":
            if self._store.page(bucket, "", "", "", 1).items:
                raise ObjectError(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
            self._store.remove(f"oss://{bucket}/")
            if not self._store.has_bucket(bucket):
                self._buckets.forget(bucket)
            return responses.done(status=204)
        if what == "acl":
            return acl()
        if what == "location":
            return responses.xml("<LocationConstraint>oss-local</LocationConstraint>")
        if what == "bucketInfo":
            return responses.xml(
                f"<BucketInfo><Bucket><CreationDate>2015-11-11T00:00:00.000Z</CreationDate><Name>{bucket}</Name>"
                "<Location>oss-local</Location><StorageClass>Standard</StorageClass>"
                f"{_ENDPOINTS}<Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
                "<AccessControlList><Grant>private</Grant></AccessControlList></Bucket></BucketInfo>"
            )
        if what == "stat":
            size = count = 0
            after, more = "", True
            while more:
                page = self._store.page(bucket, "", "", after, _MOST_KEYS)
                more = page.more
                for name, stat in page.items:
                    after = name
                    size += stat.size if stat else 0
                    count += 1
            return responses.xml(
                f"<BucketStat><Storage>{size}</Storage><ObjectCount>{count}</ObjectCount>"
                "<MultipartUploadCount>0</MultipartUploadCount></BucketStat>"
            )
        return responses.done()

    def _list(self, bucket: str, query: Mapping[str, str]) -> Response:
        for name, allowed in (("list-type", "2"), ("encoding-type", "url")):
            if query.get(name, "") not in ("", allowed):
                raise ObjectError(400, "InvalidArgument", f"{name} must be {allowed}, or left out.")
        second = query.get("list-type") == "2"
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        token = query.get("continuation-token") or query.get("start-after", "")
        after = token if second else query.get("marker", "")
        most = query.get("max-keys", "100")
        if not _NUMBER.fullmatch(most) or int(most) > _MOST_KEYS:
            raise ObjectError(400, "InvalidArgument", f"max-keys must be in [0, {_MOST_KEYS}].")
        encoded = query.get("encoding-type") == "url"
        page = self._store.page(bucket, prefix, delimiter, after, int(most))
        more = (page.items[-1][0] if page.items else after) if page.more else ""

        def text(value: str) -> str:
            return quote(value, safe="/") if encoded else responses.text(value)

        parts = [f"<Name>{bucket}</Name><Prefix>{text(prefix)}</Prefix><MaxKeys>{int(most)}</MaxKeys>"]
        parts.append(
            f"<Delimiter>{text(delimiter)}</Delimiter><IsTruncated>{str(page.more).lower()}</IsTruncated>"
        )
        if encoded:
            parts.append("<EncodingType>url</EncodingType>")
        if second:
            parts.append(f"<KeyCount>{len(page.items)}</KeyCount>")
            parts.append(f"<NextContinuationToken>{text(more)}</NextContinuationToken>" if more else "")
        else:
            parts.append(f"<Marker>{text(after)}</Marker>")
            parts.append(f"<NextMarker>{text(more)}</NextMarker>" if more else "")
        parts += [_entry(text(name), stat) for name, stat in page.items]
        return responses.xml(f"<ListBucketResult>{''.join(parts)}</ListBucketResult>")

    def _delete_many(self, bucket: str, body: bytes) -> Response:
        keys = [element.text or "" for element in responses.tree(body).iter("Key")]
        if len(keys) > _MOST_KEYS:
            raise ObjectError(400, "MalformedXML", f"At most {_MOST_KEYS} objects are deleted at a time.")
        for key in keys:
            # Before any of them is removed; and without a key it would be the bucket.
            if not key:
                raise ObjectError(400, "MalformedXML", "An object to delete has no key.")
            parts_of(f"oss://{bucket}/{key}")
        gone: list[str] = []
        for key in keys:
            self._store.remove(f"oss://{bucket}/{key}")
            gone.append(f"<Deleted><Key>{responses.text(key)}</Key></Deleted>")
        return responses.xml(f"<DeleteResult>{''.join(gone)}</DeleteResult>")


def _entry(name: str, stat: Stat | None) -> str:
    if stat is None:
        return f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{name}</Key><LastModified>{responses.timestamp(stat.modified)}</LastModified>"
        f"<ETag>{responses.escape(stat.tag)}</ETag><Type>Normal</Type><Size>{stat.size}</Size>"
        "<StorageClass>Standard</StorageClass></Contents>"
    )


def acl() -> Response:
    """Answer with who may access something: its owner."""
    return responses.xml(
        "<AccessControlPolicy><Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
        "<AccessControlList><Grant>private</Grant></AccessControlList></AccessControlPolicy>"
    )
