"""Grants: signed statements with which a runner reaches the objects of one attempt, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from batchcompute.errors import ValidationError
from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.runner.grant_header import EXPIRED, SCHEME
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.errors import ObjectError
from batchcompute.service.objects.base import parts_of
from batchcompute.service.objects.queries import subresource_of
from batchcompute.service.objects.signatures import path_of
from batchcompute.service.requests import Admission, Request, query_of

__all__ = ["Grant", "Grants"]

# A grant needs no state: the service signs it, and a node hands it back. It names the attempt, so that only grants of
# attempts that have not ended are renewed.

LIFETIME: Final = 3600.0
"""Seconds after which a grant expires."""

_LONGEST: Final = 48 * 1024
"""Characters of the longest grant. A server takes 64 KiB for all headers of a request."""

_VERSION: Final = "1"

_READS: Final = {"GET": frozenset({"", "objectMeta"}), "HEAD": frozenset({"", "objectMeta"})}
_WRITES: Final = {
    # The properties of an object tell a runner whether an upload has succeeded whose response is lost.
    "HEAD": frozenset({""}),
    "PUT": frozenset({"", "uploadId"}),
    "POST": frozenset({"uploads", "uploadId"}),
    "GET": frozenset({"uploadId"}),
    "DELETE": frozenset({"uploadId"}),
}
"""The sub-resources of objects that a grant covers, by method. An object cannot be removed, only an upload in parts."""

_OUTSIDE = "The grant of this attempt does not cover this request."


class Grant(NamedTuple):
    """The content of a grant."""

    token: Token
    """The attempt."""
    owner: str
    """Owner of the job. Access that the owner has lost is lost to the grant, too."""
    reads: tuple[str, ...]
    """Object URLs that may be read. A URL that ends in a slash stands for everything below it, and no other URL does."""
    writes: tuple[str, ...]
    """Object URLs that may be written."""
    expires: float
    """Time of its end, in seconds since 1970."""


class Grants:
    """Issues, renews and checks grants.

    Args:
        secret: The secret of the data directory.
        clock: The source of time.
        is_live: Returns whether an attempt has not ended. Other grants are not renewed.
    """

    def __init__(
        self,
        secret: str,
        clock: Clock = SYSTEM_CLOCK,
        is_live: Callable[[Token], bool] = lambda _: False,
    ) -> None:
        # The secret of the data directory has other uses, so grants have a key of their own.
        self._key = hmac.new(secret.encode("ascii"), b"batchcompute grants", hashlib.sha256).digest()
        self._clock = clock
        self._is_live = is_live

    def issue(self, spec: AttemptSpec, lifetime: float = LIFETIME) -> str:
        """Return a grant for the inputs, the package, the outputs and the logs of an attempt.

        Args:
            spec: The attempt.
            lifetime: Seconds after which it expires.

        Raises:
            ValidationError: The attempt has so many mappings that no header can hold the grant.
        """
        expires = self._clock.time() + lifetime
        return self._sign(
            Grant(spec.token, spec.owner, tuple(_read_by(spec)), tuple(_written_by(spec)), expires)
        )

    def renew(self, text: str, lifetime: float = LIFETIME) -> str:
        """Return a grant with the same content that expires later. The given one may have expired.

        Args:
            text: The grant.
            lifetime: Seconds after which the new one expires.

        Raises:
            ObjectError: The grant is not one of this service, or its attempt has ended.
        """
        grant = self._content(text)
        if not self._is_live(grant.token):
            raise ObjectError(403, "AccessDenied", "The attempt of this grant has ended.")
        expires = self._clock.time() + lifetime
        return self._sign(Grant(grant.token, grant.owner, grant.reads, grant.writes, expires))

    def check(self, text: str) -> Grant:
        """Return the content of a grant.

        Raises:
            ObjectError: The grant is not one of this service, or has expired.
        """
        grant = self._content(text)
        if grant.expires <= self._clock.time():
            raise ObjectError(403, EXPIRED, "The grant of this attempt has expired.")
        return grant

    def _sign(self, grant: Grant) -> str:
        content = [grant.token, grant.owner, grant.reads, grant.writes, grant.expires]
        packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), 9)
        payload = base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")
        text = f"{_VERSION}.{payload}.{self._mac(payload)}"
        if len(text) > _LONGEST:
            count = len(grant.reads) + len(grant.writes)
            raise ValidationError(
                f"the attempt {grant.token} has {count} mappings, too many for a grant of {_LONGEST} bytes; "
                "map common prefixes instead"
            )
        return text

    def _mac(self, payload: str) -> str:
        # The text is signed, and not the bytes, so a grant has one spelling only.
        digest = hmac.new(self._key, f"{_VERSION}.{payload}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")

    def _content(self, text: str) -> Grant:
        version, _, rest = text.partition(".")
        payload, _, mac = rest.rpartition(".")
        expected = self._mac(payload) if text.isascii() else ""
        if version != _VERSION or not expected or not hmac.compare_digest(mac.encode(), expected.encode()):
            raise ObjectError(403, "AccessDenied", "The grant is not one of this service.")
        # Signed by this service, so it has the form that `_sign` gives it.
        packed = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        content: Any = json.loads(zlib.decompress(packed))
        token, owner, reads, writes, expires = content
        return Grant(token, owner, tuple(reads), tuple(writes), expires)

    # -- requests -----------------------------------------------------------------------------

    def admit(self, request: Request) -> Admission:
        """Return what an allowed request is about.

        Args:
            request: A request for which `is_granted` is true.

        Raises:
            ObjectError: The grant is not valid, or does not cover the request.
            BadTarget: The path or the query is malformed.
            ValidationError: The path is not the URL of an object.
        """
        text = grant_of(request)
        query = query_of(request.target)
        bucket, slash, key = path_of(request).removeprefix("/").partition("/")
        if not bucket and not slash and request.method == "POST" and dict(query) == {"grant": ""}:
            return Admission(self._content(text).owner, "", "", "grant", query)
        grant = self.check(text)
        if not bucket or "x-oss-copy-source" in request.headers:
            raise _outside()
        parts_of(f"oss://{bucket}/{key}")
        subresource = subresource_of(request.method, bucket, key, query)
        if key:
            allowed = _covers_object(grant, request.method, subresource, f"oss://{bucket}/{key}")
        else:
            prefix = f"oss://{bucket}/{query.get('prefix', '')}"
            parts_of(prefix)
            allowed = request.method == "GET" and not subresource and _covers_list(grant, prefix)
        if not allowed:
            raise _outside()
        return Admission(grant.owner, bucket, key, subresource, query)


def is_granted(request: Request) -> bool:
    """Return whether a request carries a grant, and not a signature."""
    return request.headers.get("authorization", "").startswith(f"{SCHEME} ")


def grant_of(request: Request) -> str:
    """Return the grant that a request carries."""
    return request.headers["authorization"].removeprefix(f"{SCHEME} ")


def _outside() -> ObjectError:
    return ObjectError(403, "AccessDenied", _OUTSIDE)


def _covers(urls: Iterable[str], url: str) -> bool:
    return any(url == allowed or (allowed.endswith("/") and url.startswith(allowed)) for allowed in urls)


def _covers_object(grant: Grant, method: str, subresource: str, url: str) -> bool:
    reads = subresource in _READS.get(method, ()) and _covers(grant.reads, url)
    return reads or (subresource in _WRITES.get(method, ()) and _covers(grant.writes, url))


def _covers_list(grant: Grant, prefix: str) -> bool:
    return any(allowed.endswith("/") and prefix.startswith(allowed) for allowed in grant.reads)


def _read_by(spec: AttemptSpec) -> Iterator[str]:
    yield from (entry.source for entry in spec.mappings.inputs)
    if spec.package:
        yield spec.package


def _written_by(spec: AttemptSpec) -> Iterator[str]:
    yield from (output.target for output in spec.mappings.outputs)
    yield from (f"{log.target}{PurePosixPath(log.path).name}.{spec.instance}" for log in spec.mappings.logs)
    yield from (url for url in (spec.stdout, spec.stderr) if url)
