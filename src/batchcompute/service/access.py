"""Who may ask: keys, clocks and signatures (reference, 1.1 and 1.5)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from batchcompute.service import acs3
from batchcompute.service.faults import Refusal
from batchcompute.service.keyfile import KeyFile
from batchcompute.service.wire import Request
from batchcompute.signing import API_VERSION, verify

__all__: list[str] = []

_CLOCK_SKEW = 15 * 60
"""Seconds that a request's date may be off."""


class Keys:
    """The key pairs that the service knows.

    Args:
        file: Where further ones are kept; it is read again whenever it has changed.
        refuse_replays: Whether a request whose nonce was seen before is refused.
        clock: Returns the time, in UTC.
    """

    def __init__(
        self,
        file: KeyFile | None = None,
        refuse_replays: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._secrets: dict[str, tuple[str, str]] = {}
        self._file = file
        self._refuse_replays = refuse_replays
        self._nonces: dict[str, float] = {}
        self._version = 0
        self._kept: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._clock = clock

    def add(self, access_key_id: str, secret: str, owner: str) -> None:
        """Make a key pair known; the secret of a known one stays what it is."""
        with self._lock:
            self._secrets.setdefault(access_key_id, (secret, owner))

    def secret_of(self, access_key_id: str) -> str:
        """Return the secret of an access key; empty for an unknown one."""
        return self._find(access_key_id)[0]

    def _find(self, access_key_id: str) -> tuple[str, str]:
        if self._file is not None and (version := self._file.version()) != self._version:
            kept = {pair.access_key_id: (pair.access_key_secret, pair.owner) for pair in self._file.read()}
            with self._lock:
                self._kept, self._version = kept, version
        return self._secrets.get(access_key_id) or self._kept.get(access_key_id, ("", ""))

    def owner_of(self, request: Request) -> str:
        """Return whose request this is.

        Raises:
            Refusal: The key, the clock or the signature is wrong.
        """
        given = request.headers.get("authorization", "")
        scheme, _, pair = given.partition(" ")
        fields = acs3.fields_of(pair) if scheme == acs3.SCHEME else {}
        key_id, _, made = pair.partition(":")
        key_id, made = fields.get("Credential", key_id), fields.get("Signature", made)
        if (scheme != "acs" and not fields) or not made or not key_id:
            text = f"The Authorization header must be 'acs AccessKeyId:Signature', or one of {acs3.SCHEME}."
            raise Refusal(400, "InvalidAuthorization", text)
        secret, owner = self._find(key_id)
        if not secret:
            raise Refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        self._check_clock(request)
        if fields:
            right = acs3.verify(request.method, request.target, request.headers, request.body, secret, fields)
        else:
            right = verify(request.method, request.target, request.headers, secret, made)
        if not right:
            text = "The request's signature does not match the one that the service computed."
            raise Refusal(400, "SignatureDoesNotMatch", text)
        if self._refuse_replays:
            self._check_nonce(f"{key_id}:{request.headers.get('x-acs-signature-nonce', made)}")
        version = request.headers.get("x-acs-version", API_VERSION)
        if version != API_VERSION:
            raise Refusal(403, "InvalidVersion.NotFound", "Specified version is not found.")
        return owner

    def _check_nonce(self, nonce: str) -> None:
        """Refuse what was seen before; for as long as its date would be accepted, it is remembered."""
        now = self._clock().timestamp()
        with self._lock:
            while self._nonces and next(iter(self._nonces.values())) < now - 2 * _CLOCK_SKEW:
                del self._nonces[next(iter(self._nonces))]
            if nonce in self._nonces:
                raise Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
            self._nonces[nonce] = now

    def _check_clock(self, request: Request) -> None:
        text = request.headers.get("x-acs-date") or request.headers.get("date", "")
        try:
            date = acs3.date_of(text) or parsedate_to_datetime(text)
        except ValueError:
            raise Refusal(400, "InvalidTimeStamp.Format", "The Date header is no HTTP date.") from None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        if abs((self._clock() - date).total_seconds()) > _CLOCK_SKEW:
            message = "The request's date is more than 15 minutes from the service's."
            raise Refusal(400, "InvalidTimeStamp.Expired", message)
