"""Who may ask: keys, clocks and signatures (REST API, 1.1 and 1.5)."""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from batchcompute.errors import ConfigError
from batchcompute.http.signing import API_VERSION, verify
from batchcompute.models.problems import shown
from batchcompute.service.api import acs3
from batchcompute.service.api.requests import Request, date_of
from batchcompute.service.errors import ApiError
from batchcompute.service.isolation import Isolation
from batchcompute.service.store.keys import KeyFile

if TYPE_CHECKING:
    from batchcompute.service.store.nonces import Nonces

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service")

CLOCK_SKEW = 15 * 60
"""Seconds that a request's date may be off."""


class Keys:
    """The key pairs that the service knows.

    Args:
        file: Where further ones are kept; it is read again whenever it has changed.
        nonces: Where nonces are kept, so that a request which was seen before is refused; None to accept them.
        clock: Returns the time, in UTC.
        isolation: What keeps owners apart.
        owners: Owners that have something in the database.
    """

    def __init__(
        self,
        file: KeyFile | None = None,
        nonces: Nonces | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        isolation: Isolation | None = None,
        owners: Iterable[str] = (),
    ) -> None:
        self._secrets: dict[str, tuple[str, str]] = {}
        self._file = file
        self._nonces = nonces
        self._version = (0, 0)
        self._kept: dict[str, tuple[str, str]] = {}
        self._seen: set[str] = set(owners)
        self._lock = threading.Lock()
        self._clock = clock
        self._isolation = isolation or Isolation(trusts=True)

    def add(self, access_key_id: str, secret: str, owner: str) -> None:
        """Make a key pair known; the secret of a known one stays what it is."""
        with self._lock:
            self._secrets.setdefault(access_key_id, (secret, owner))
            self._seen.add(owner)

    def owners(self) -> frozenset[str]:
        """Return all owners that have keys, or had them, or have something in the database."""
        self._refresh()
        return frozenset(self._seen)

    def find(self, access_key_id: str) -> tuple[str, str]:
        """Return secret and owner of an access key; empty texts for an unknown one.

        Raises:
            ApiError: Its owner may not use this service, or the keys cannot be read at this moment.
        """
        self._refresh()
        found = self._secrets.get(access_key_id) or self._kept.get(access_key_id)
        if found is None:
            return "", ""
        problem = self._isolation.problem(found[1], self._seen)
        if problem:
            raise ApiError(403, "Forbidden", problem)
        return found

    def _refresh(self) -> None:
        if self._file is None:
            return
        try:
            version = self._file.version()
            if version == self._version:
                return
            pairs = self._file.read()
        except (OSError, ConfigError) as error:
            _log.warning("the keys in %s cannot be read: %s", self._file.path, error)
            text = "The service cannot read its keys at this moment. Try again later."
            raise ApiError(503, "ServiceUnavailable", text) from None
        kept = {pair.access_key_id: (pair.access_key_secret, pair.owner) for pair in pairs}
        with self._lock:
            self._kept, self._version = kept, version
            self._seen |= {pair.owner for pair in pairs}

    def owner_of(self, request: Request) -> str:
        """Return whose request this is, by its head; its body may not have come yet.

        Args:
            request: The request.

        Raises:
            ApiError: The key, the clock or the signature is wrong.
            BadTarget: The path or the query is no text.
        """
        given = request.headers.get("authorization", "")
        scheme, _, pair = given.partition(" ")
        fields = acs3.fields_of(pair) if scheme == acs3.SCHEME else {}
        key_id, _, made = pair.partition(":")
        key_id, made = fields.get("Credential", key_id), fields.get("Signature", made)
        if (scheme != "acs" and not fields) or not made or not key_id:
            text = f"The Authorization header must be 'acs AccessKeyId:Signature', or one of {acs3.SCHEME}."
            raise ApiError(400, "InvalidAuthorization", text)
        secret, owner = self.find(key_id)
        if not secret:
            text = f"Specified access key is not found. There is no access key {shown(key_id)}."
            raise ApiError(404, "InvalidAccessKeyId.NotFound", text)
        self._check_clock(request)
        if fields:
            missing = acs3.unsigned(request.headers, fields)
            if missing:
                text = f"The request must carry and sign these headers: {', '.join(missing)[:500]}."
                raise ApiError(400, "InvalidAuthorization", text)
            right = acs3.verify(request.method, request.target, request.headers, secret, fields)
        else:
            right = verify(request.method, request.target, request.headers, secret, made)
        if not right:
            raise _wrong_signature()
        version = request.headers.get("x-acs-version", API_VERSION)
        if version != API_VERSION:
            raise ApiError(403, "InvalidVersion.NotFound", "Specified version is not found.")
        return owner

    def check_body(self, request: Request) -> None:
        """Refuse a body that is not the one that was signed, and a request that was seen before.

        Args:
            request: A request that `owner_of` has accepted.

        Raises:
            ApiError: It is to be refused.
        """
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        if scheme == acs3.SCHEME and not acs3.covers(request.headers, request.body):
            raise _wrong_signature()
        if self._nonces is not None:
            _check_digests(request)
            key_id, _, made = pair.partition(":")
            fields = acs3.fields_of(pair) if scheme == acs3.SCHEME else {}
            nonce = request.headers.get("x-acs-signature-nonce") or fields.get("Signature", made)
            self._nonces.use(f"{fields.get('Credential', key_id)}:{nonce}", self._clock())

    def _check_clock(self, request: Request) -> None:
        text = request.headers.get("x-acs-date") or request.headers.get("date", "")
        date = acs3.date_of(text) or date_of(text)
        if date is None:
            raise ApiError(400, "InvalidTimeStamp.Format", "The Date header is no HTTP date.")
        if abs((self._clock() - date).total_seconds()) > CLOCK_SKEW:
            message = "The request's date is more than 15 minutes from the service's."
            raise ApiError(400, "InvalidTimeStamp.Expired", message)


def _wrong_signature() -> ApiError:
    text = "The request's signature does not match the one that the service computed."
    return ApiError(400, "SignatureDoesNotMatch", text)


def _check_digests(request: Request) -> None:
    """Refuse a body that is not the one whose digest came with it, in whichever of the ways that clients know (1.1).

    Raises:
        ApiError: It is another one.
    """
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    forms = {digest.hex(), base64.b64encode(digest).decode("ascii")}
    for name in ("content-md5", "contentmd5"):
        given = request.headers.get(name, "").strip()
        if given and given not in forms and given.lower() != digest.hex():
            raise ApiError(400, "InvalidDigest", f"The {name} header is not the digest of the body.")
