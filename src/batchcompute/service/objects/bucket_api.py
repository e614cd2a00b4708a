"""Requests about buckets: lists, properties, and the deletion of many objects."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from batchcompute.service.errors import ObjectError
from batchcompute.service.objects import responses
from batchcompute.service.objects.base import parts_of
from batchcompute.service.objects.queries import MOST_KEYS, ListQuery
from batchcompute.service.requests import Admission, Request, Response

if TYPE_CHECKING:
    from batchcompute.service.objects.base import ObjectStore, Stat
    from batchcompute.service.objects.ownership import Buckets
    from batchcompute.service.objects.uploads import Uploads

__all__: list[str] = []

_ENDPOINTS = "<ExtranetEndpoint>localhost</ExtranetEndpoint><IntranetEndpoint>localhost</IntranetEndpoint>"


class BucketApi:
    """Responds to requests about buckets.

    Args:
        store: The objects.
        uploads: The incomplete uploads.
        buckets: The owners of buckets, and what they have granted.
    """

    def __init__(self, store: ObjectStore, uploads: Uploads, buckets: Buckets) -> None:
        self._store = store
        self._uploads = uploads
        self._buckets = buckets

    def list_buckets(self, owner: str) -> Response:
        """Return the list of buckets that an owner may read."""
        buckets = "".join(
            f"<Bucket><Name>{responses.xml_text(name)}</Name><Location>oss-local</Location>"
            "<CreationDate>2015-11-11T00:00:00.000Z</CreationDate><StorageClass>Standard</StorageClass>"
            f"{_ENDPOINTS}</Bucket>"
            for name in self._store.buckets()
            if self._buckets.may(owner, name, False)
        )
        who = "<Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
        return responses.xml_response(
            f"<ListAllMyBucketsResult>{who}<Buckets>{buckets}</Buckets></ListAllMyBucketsResult>"
        )

    def dispatch(self, request: Request, admission: Admission) -> Response:
        """Respond to an admitted request about one bucket."""
        owner, bucket, subresource = admission.owner, admission.bucket, admission.subresource
        if subresource == "delete":
            digest = hashlib.md5(request.body, usedforsecurity=False).digest()
            responses.check_digest(digest, request.headers.get("content-md5", ""))
            return self._delete_many(bucket, request.body)
        if subresource == "uploads":
            return self._uploads.list_all(bucket)
        if request.method == "PUT":
            if not self._buckets.claim(owner, bucket):
                raise ObjectError(409, "BucketAlreadyExists", "The requested bucket name is not available.")
            self._store.write(f"oss://{bucket}/", [])
            return responses.empty()
        if subresource or request.method in ("HEAD", "DELETE"):
            if not self._store.has_bucket(bucket):
                raise ObjectError(404, "NoSuchBucket", "The specified bucket does not exist.")
            return self._properties(request, bucket, subresource)
        return self._list(bucket, ListQuery.parse(admission.query))

    def _properties(self, request: Request, bucket: str, subresource: str) -> Response:
        """Respond to a request about a bucket itself."""
        if request.method == "DELETE":
            if self._store.page(bucket, "", "", "", 1).items:
                raise ObjectError(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
            self._store.remove(f"oss://{bucket}/")
            if not self._store.has_bucket(bucket):
                self._buckets.forget(bucket)
            return responses.empty(status=204)
        if subresource == "acl":
            return acl()
        if subresource == "location":
            return responses.xml_response("<LocationConstraint>oss-local</LocationConstraint>")
        if subresource == "bucketInfo":
            return responses.xml_response(
                f"<BucketInfo><Bucket><CreationDate>2015-11-11T00:00:00.000Z</CreationDate><Name>{bucket}</Name>"
                "<Location>oss-local</Location><StorageClass>Standard</StorageClass>"
                f"{_ENDPOINTS}<Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
                "<AccessControlList><Grant>private</Grant></AccessControlList></Bucket></BucketInfo>"
            )
        if subresource == "stat":
            size = count = 0
            after, more = "", True
            while more:
                page = self._store.page(bucket, "", "", after, MOST_KEYS)
                more = page.more
                for name, stat in page.items:
                    after = name
                    size += stat.size if stat else 0
                    count += 1
            return responses.xml_response(
                f"<BucketStat><Storage>{size}</Storage><ObjectCount>{count}</ObjectCount>"
                "<MultipartUploadCount>0</MultipartUploadCount></BucketStat>"
            )
        return responses.empty()

    def _list(self, bucket: str, query: ListQuery) -> Response:
        page = self._store.page(bucket, query.prefix, query.delimiter, query.after, query.most)
        more = (page.items[-1][0] if page.items else query.after) if page.more else ""

        def text(value: str) -> str:
            return quote(value, safe="/") if query.url_encoded else responses.xml_text(value)

        parts = [
            f"<Name>{bucket}</Name><Prefix>{text(query.prefix)}</Prefix><MaxKeys>{query.most}</MaxKeys>",
            f"<Delimiter>{text(query.delimiter)}</Delimiter>",
            f"<IsTruncated>{str(page.more).lower()}</IsTruncated>",
        ]
        if query.url_encoded:
            parts.append("<EncodingType>url</EncodingType>")
        if query.version == 2:
            parts.append(f"<KeyCount>{len(page.items)}</KeyCount>")
            parts.append(f"<NextContinuationToken>{text(more)}</NextContinuationToken>" if more else "")
        else:
            parts.append(f"<Marker>{text(query.after)}</Marker>")
            parts.append(f"<NextMarker>{text(more)}</NextMarker>" if more else "")
        parts += [_entry(text(name), stat) for name, stat in page.items]
        return responses.xml_response(f"<ListBucketResult>{''.join(parts)}</ListBucketResult>")

    def _delete_many(self, bucket: str, body: bytes) -> Response:
        keys = [element.text or "" for element in responses.parse_xml(body).iter("Key")]
        if len(keys) > MOST_KEYS:
            raise ObjectError(400, "MalformedXML", f"At most {MOST_KEYS} objects are deleted at a time.")
        for key in keys:
            # All keys are checked before any object is removed. An empty key would name the bucket.
            if not key:
                raise ObjectError(400, "MalformedXML", "An object to delete has no key.")
            parts_of(f"oss://{bucket}/{key}")
        deleted: list[str] = []
        for key in keys:
            self._store.remove(f"oss://{bucket}/{key}")
            deleted.append(f"<Deleted><Key>{responses.xml_text(key)}</Key></Deleted>")
        return responses.xml_response(f"<DeleteResult>{''.join(deleted)}</DeleteResult>")


def _entry(name: str, stat: Stat | None) -> str:
    if stat is None:
        return f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{name}</Key><LastModified>{responses.timestamp(stat.modified)}</LastModified>"
        f"<ETag>{responses.xml_text(stat.tag)}</ETag><Type>Normal</Type><Size>{stat.size}</Size>"
        "<StorageClass>Standard</StorageClass></Contents>"
    )


def acl() -> Response:
    """Return the access control list of a bucket or an object: only the owner has access."""
    return responses.xml_response(
        "<AccessControlPolicy><Owner><ID>0</ID><DisplayName>local</DisplayName></Owner>"
        "<AccessControlList><Grant>private</Grant></AccessControlList></AccessControlPolicy>"
    )
