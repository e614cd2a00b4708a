"""Authentication: access keys, dates and signatures (REST API, 1.1 and 1.5)."""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchcompute.errors import ConfigError
from batchcompute.http.signing import API_VERSION, verify
from batchcompute.models.problems import short_repr
from batchcompute.service.api import acs3
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.errors import ApiError
from batchcompute.service.isolation import Isolation
from batchcompute.service.requests import Request, date_of
from batchcompute.service.store.key_uses import KeyUses
from batchcompute.service.store.keys import FIRST_OWNER, KeyFile

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service")

_CLOCK_SKEW = 15 * 60
"""Seconds by which the date of a request may differ from the service's."""

_LONGEST_KEY_AND_NONCE = 300
"""Largest number of characters of an access key id, a colon and a nonce together."""


class Nonces:
    """The used nonces, in the database: a repeated request is refused, even after a restart.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def use(self, nonce: str, now: float) -> None:
        """Record a nonce.

        Args:
            nonce: Access key and nonce.
            now: The time, in seconds since 1970.

        Raises:
            ApiError: The nonce was used before, or is too long.
        """
        if len(nonce) > _LONGEST_KEY_AND_NONCE:
            raise ApiError(
                400,
                "InvalidSignatureNonce",
                f"The access key id and the nonce together have at most {_LONGEST_KEY_AND_NONCE - 1} characters.",
            )
        with self._store.write() as transaction:
            # A request is accepted from 15 minutes before its date until 15 minutes after it.
            is_new = transaction.tokens.use_nonce(nonce, now, 2 * _CLOCK_SKEW)
        if not is_new:
            raise ApiError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")


class Keys:
    """The key pairs of the service.

    Args:
        file: The file of key pairs besides those of `add`; it is read again whenever it has changed.
        nonces: The used nonces; None to accept repeated requests, and bodies without a check of their ``Content-MD5``.
        clock: The source of time.
        isolation: How the programs of different owners are kept apart.
        owners: Owners of resources in the database.
    """

    def __init__(
        self,
        file: KeyFile | None = None,
        nonces: Nonces | None = None,
        clock: Clock = SYSTEM_CLOCK,
        isolation: Isolation | None = None,
        owners: Iterable[str] = (),
    ) -> None:
        self._added_pairs: dict[str, tuple[str, str]] = {}
        self._file = file
        self._uses = None if file is None else KeyUses(file.path.with_name("key-uses.json"), clock)
        self._expiries: dict[str, str] = {}
        self._nonces = nonces
        self._version = (0, 0)
        self._stored_pairs: dict[str, tuple[str, str]] = {}
        self._owners: set[str] = set(owners)
        self._lock = threading.Lock()
        self._clock = clock
        self._isolation = isolation or Isolation(trusts=True)

    def add(self, access_key_id: str, secret: str, owner: str) -> None:
        """Add a key pair; the secret of an existing one does not change."""
        with self._lock:
            self._added_pairs.setdefault(access_key_id, (secret, owner))
            self._owners.add(owner)

    def owners(self) -> frozenset[str]:
        """Return all present and former owners of keys or of resources in the database."""
        self._refresh()
        return frozenset(self._owners)

    def find(self, access_key_id: str) -> tuple[str, str]:
        """Return the secret and the owner of an access key; empty strings for an unknown key.

        Raises:
            ApiError: Its owner may not use this service, or the keys cannot be read at this moment.
        """
        self._refresh()
        pair = self._added_pairs.get(access_key_id) or self._stored_pairs.get(access_key_id)
        if pair is None or (
            access_key_id in self._expiries and self._expiries[access_key_id] <= timestamp(self._clock)
        ):
            return "", ""
        # The first owner may always use the service. The comparison is cheaper than the call.
        problem = "" if pair[1] == FIRST_OWNER else self._isolation.problem(pair[1], self._owners)
        if problem:
            raise ApiError(403, "Forbidden", problem)
        return pair

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
        expiries = {pair.access_key_id: pair.expires for pair in pairs if pair.expires}
        with self._lock:
            self._stored_pairs, self._expiries, self._version = kept, expiries, version
            self._owners |= {pair.owner for pair in pairs}

    def owner_of(self, request: Request) -> str:
        """Return the owner of a request, given its head; its body may not have arrived yet.

        Args:
            request: The request.

        Raises:
            ApiError: The key, the clock or the signature is wrong.
            BadTarget: The path or the query is not UTF-8.
        """
        header = request.headers.get("authorization", "")
        scheme, _, pair = header.partition(" ")
        fields = acs3.fields_of(pair) if scheme == acs3.SCHEME else {}
        key_id, _, signature = pair.partition(":")
        key_id, signature = fields.get("Credential", key_id), fields.get("Signature", signature)
        if (scheme != "acs" and not fields) or not signature or not key_id:
            text = f"The Authorization header must be 'acs AccessKeyId:Signature', or one of {acs3.SCHEME}."
            raise ApiError(400, "InvalidAuthorization", text)
        secret, owner = self.find(key_id)
        if not secret:
            text = f"Specified access key is not found. There is no access key {short_repr(key_id)}."
            raise ApiError(404, "InvalidAccessKeyId.NotFound", text)
        self._check_clock(request)
        if fields:
            missing = acs3.unsigned(request.headers, fields)
            if missing:
                text = f"The request must carry and sign these headers: {', '.join(missing)[:500]}."
                raise ApiError(400, "InvalidAuthorization", text)
            right = acs3.verify(request.method, request.target, request.headers, secret, fields)
        else:
            right = verify(request.method, request.target, request.headers, secret, signature)
        if not right:
            raise _wrong_signature()
        version = request.headers.get("x-acs-version", API_VERSION)
        if version != API_VERSION:
            raise ApiError(403, "InvalidVersion.NotFound", "Specified version is not found.")
        self.note_use(key_id)
        return owner

    def note_use(self, access_key_id: str) -> None:
        """Remember the time of an authenticated request.

        Args:
            access_key_id: Its access key.
        """
        if self._uses is None or access_key_id not in self._stored_pairs:
            return
        try:
            self._uses.note(access_key_id)
        except OSError as error:
            _log.warning("the last use of a key cannot be written: %s", error)

    def check_body(self, request: Request) -> None:
        """Check that the body is the signed one.

        With nonces, also check the digest of the body, and that the request is not a repetition.

        Args:
            request: A request that `owner_of` has accepted.

        Raises:
            ApiError: The body differs from the signed one, or the request is a repetition.
        """
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        if scheme == acs3.SCHEME and not acs3.covers(request.headers, request.body):
            raise _wrong_signature()
        if self._nonces is not None:
            _check_digests(request)
            key_id, _, signature = pair.partition(":")
            fields = acs3.fields_of(pair) if scheme == acs3.SCHEME else {}
            nonce = request.headers.get("x-acs-signature-nonce") or fields.get("Signature", signature)
            self._nonces.use(f"{fields.get('Credential', key_id)}:{nonce}", self._clock.time())

    def _check_clock(self, request: Request) -> None:
        text = request.headers.get("x-acs-date") or request.headers.get("date", "")
        date = date_of(text) or acs3.date_of(text)
        if date is None:
            raise ApiError(400, "InvalidTimeStamp.Format", "The Date header is not an HTTP date.")
        if abs(self._clock.time() - date.timestamp()) > _CLOCK_SKEW:
            message = "The request's date is more than 15 minutes from the service's."
            raise ApiError(400, "InvalidTimeStamp.Expired", message)


def _wrong_signature() -> ApiError:
    text = "The request's signature does not match the one that the service computed."
    return ApiError(400, "SignatureDoesNotMatch", text)


def _check_digests(request: Request) -> None:
    """Check a body against the digest in its headers, in each of the encodings that clients use (REST API, 1.1).

    Raises:
        ApiError: The digest is that of another body.
    """
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    forms = {digest.hex(), base64.b64encode(digest).decode("ascii")}
    for name in ("content-md5", "contentmd5"):
        header = request.headers.get(name, "").strip()
        if header and header not in forms and header.lower() != digest.hex():
            raise ApiError(400, "InvalidDigest", f"The {name} header is not the digest of the body.")
