"""Sessions of the page: who is logged in, until when, and the tokens that forms carry."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.errors import ApiError
from batchcompute.service.web.limits import Throttle, TooManyLogins

__all__ = ["Session", "Sessions", "one_time_code"]

LIFETIME: Final = 12 * 3600.0
"""Seconds after a login until it expires."""

CODE_LIFETIME: Final = 60.0
"""Seconds for which a one-time code can be used."""

_MOST_REMEMBERED = 10_000
"""Used codes and ended sessions that are remembered; each of them expires by itself."""


@dataclass(frozen=True, slots=True)
class Session:
    """A login."""

    access_key_id: str
    """The access key."""
    owner: str
    """Its owner."""
    expires: float
    """Time of its expiry, in seconds since 1970."""
    nonce: str
    """Tells it from every other session."""


class LoginFailed(Exception):
    """The access key or its secret is wrong, or its owner may not use the service. The text is for the user."""


class Sessions:
    """Makes sessions and checks them.

    A session is a signed text in a cookie, so it survives a restart of the service. It ends when it expires, when the
    user logs out, and when its access key is revoked.

    Args:
        identity: The secret of the data directory.
        find: Returns secret and owner of an access key; empty texts for an unknown key. It raises `ApiError` for an
            owner who may not use this service.
        clock: The source of time.
    """

    def __init__(
        self, identity: str, find: Callable[[str], tuple[str, str]], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._identity = identity
        self._find = find
        self._clock = clock
        self._ended: dict[str, float] = {}
        self._throttle = Throttle(clock)
        mark = hashlib.sha256(f"cookie {identity}".encode()).hexdigest()[:8]
        # Cookies ignore the port, so each service of a machine needs a name of its own.
        self._name = f"batchcompute-{mark}"

    def cookie_name(self, secure: bool) -> str:
        """Return the name of the cookie.

        Args:
            secure: Whether the page is reached over TLS.
        """
        return f"__Host-{self._name}" if secure else self._name

    def login(self, access_key_id: str, secret: str, address: str) -> Session:
        """Return a new session for an access key.

        Args:
            access_key_id: Id of the access key.
            secret: Its secret.
            address: Address of the client, whose failed logins are counted.

        Raises:
            LoginFailed: The id or the secret is wrong, or the owner may not use the service.
            TooManyLogins: Too many logins from this address have failed.
        """
        self._throttle.check(address)
        try:
            stored, owner = self._find(access_key_id)
        except ApiError as error:
            raise LoginFailed(error.message) from None
        # An unknown id takes as long as a wrong secret.
        expected = stored or secrets.token_hex(20)
        is_right = hmac.compare_digest(_digest(secret), _digest(expected))
        if not (is_right and stored):
            self._throttle.count(address)
            raise LoginFailed("The access key id or the secret is wrong.")
        return self._new(access_key_id, owner)

    def redeem(self, code: str, address: str) -> Session:
        """Return a new session for a one-time code.

        Args:
            code: What `one_time_code` has returned.
            address: Address of the client, whose failed logins are counted.

        Raises:
            LoginFailed: The code is wrong, was used, or has expired.
            TooManyLogins: Too many logins from this address have failed.
        """
        self._throttle.check(address)
        fields = _opened(code, _key(self._identity, "code"))
        if fields is None or fields["expires"] < self._clock.time() or not self._use(fields):
            self._throttle.count(address)
            raise LoginFailed("The link was used already, or has expired. Run `batchcompute page` again.")
        try:
            stored, owner = self._find(fields["key"])
        except ApiError as error:
            raise LoginFailed(error.message) from None
        if not stored:
            raise LoginFailed("The access key of the link does not exist any more.")
        return self._new(fields["key"], owner)

    def read(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None if there is none, or none any more.

        Args:
            cookie: Value of the cookie.
        """
        parts = _parsed(cookie.partition(".")[0])
        if parts is None:
            return None
        try:
            secret, owner = self._find(parts["key"])
        except ApiError:
            return None
        fields = _opened(cookie, _key(self._identity, f"session {secret}")) if secret else None
        if fields is None or fields["expires"] < self._clock.time() or fields["nonce"] in self._ended:
            return None
        return Session(fields["key"], owner, fields["expires"], fields["nonce"])

    def is_valid(self, session: Session) -> bool:
        """Return whether a session that was read before is still valid."""
        try:
            secret, owner = self._find(session.access_key_id)
        except ApiError:
            return False
        is_current = session.expires >= self._clock.time() and session.nonce not in self._ended
        return bool(secret) and owner == session.owner and is_current

    def end(self, session: Session) -> None:
        """End a session: its cookie is worth nothing from now on."""
        _remember(self._ended, session.nonce, session.expires, self._clock.time())

    def seal(self, session: Session) -> str:
        """Return the value of the cookie of a session."""
        secret = self._find(session.access_key_id)[0]
        return _sealed(
            session.access_key_id, session.expires, session.nonce, _key(self._identity, f"session {secret}")
        )

    def cookie(self, session: Session, secure: bool) -> str:
        """Return the header that sets the cookie of a session.

        Args:
            session: The session.
            secure: Whether the page is reached over TLS.
        """
        age = max(0, int(session.expires - self._clock.time()))
        return _cookie(self.cookie_name(secure), self.seal(session), age, secure)

    def no_cookie(self, secure: bool) -> str:
        """Return the header that removes the cookie."""
        return _cookie(self.cookie_name(secure), "", 0, secure)

    def token(self, session: Session) -> str:
        """Return the token that the forms of a session carry, so that no other site can post them."""
        return hmac.new(
            _key(self._identity, "form"), session.nonce.encode("ascii"), hashlib.sha256
        ).hexdigest()

    def is_token(self, session: Session, token: str) -> bool:
        """Return whether a token belongs to a session."""
        return hmac.compare_digest(_digest(token), _digest(self.token(session)))

    def _new(self, access_key_id: str, owner: str) -> Session:
        return Session(access_key_id, owner, self._clock.time() + LIFETIME, secrets.token_hex(16))

    def _use(self, fields: dict[str, Any]) -> bool:
        """Return whether a code was not used before, and remember it."""
        nonce = f"code {fields['nonce']}"
        if nonce in self._ended:
            return False
        _remember(self._ended, nonce, fields["expires"], self._clock.time())
        return True


def one_time_code(identity: str, access_key_id: str, clock: Clock = SYSTEM_CLOCK) -> str:
    """Return a code that logs a browser in, once and soon.

    Args:
        identity: The secret of the data directory.
        access_key_id: The access key that the browser acts for.
        clock: The source of time.
    """
    expires = clock.time() + CODE_LIFETIME
    return _sealed(access_key_id, expires, secrets.token_hex(16), _key(identity, "code"))


def _key(identity: str, purpose: str) -> bytes:
    """Return a key that is used for one purpose only."""
    return hmac.new(f"page {identity}".encode(), purpose.encode("utf-8"), hashlib.sha256).digest()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _sealed(access_key_id: str, expires: float, nonce: str, key: bytes) -> str:
    fields = {"key": access_key_id, "expires": round(expires), "nonce": nonce}
    payload = base64.urlsafe_b64encode(json.dumps(fields).encode("utf-8")).decode("ascii").rstrip("=")
    return f"{payload}.{hmac.new(key, payload.encode('ascii'), hashlib.sha256).hexdigest()}"


def _opened(text: str, key: bytes) -> dict[str, Any] | None:
    """Return the fields of a sealed text; None if the seal is not the right one."""
    payload, _, seal = text.partition(".")
    right = hmac.new(key, payload.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return _parsed(payload) if hmac.compare_digest(_digest(seal), _digest(right)) else None


def _parsed(payload: str) -> dict[str, Any] | None:
    """Return the fields of the first part of a sealed text, which may be anything; None if it is malformed."""
    if not payload or len(payload) > 1000:
        return None
    try:
        value: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    is_number = isinstance(fields.get("expires"), int)
    is_text = isinstance(fields.get("key"), str) and isinstance(fields.get("nonce"), str)
    return fields if is_number and is_text else None


def _cookie(name: str, value: str, age: int, secure: bool) -> str:
    tail = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{tail}"


def _remember(known: dict[str, float], name: str, expires: float, now: float) -> None:
    """Remember a name until it expires, and forget those that have expired."""
    if len(known) >= _MOST_REMEMBERED:
        for other in [other for other, end in known.items() if end < now]:
            del known[other]
    if len(known) >= _MOST_REMEMBERED:
        raise TooManyLogins(60)
    known[name] = expires
