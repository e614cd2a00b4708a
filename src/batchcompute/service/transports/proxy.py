"""``LOCAL`` beside a server: requests go to the server that owns the data directory, signed with its key."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import httpx

from batchcompute.api.call import Call
from batchcompute.errors import ConfigError
from batchcompute.http.oss import GET_OBJECT, sign_object
from batchcompute.http.signing import Credentials, sign
from batchcompute.service.api.routes import is_for_objects
from batchcompute.service.data_directory import identity_of
from batchcompute.service.requests import Request
from batchcompute.service.store.keys import KeyFile
from batchcompute.service.transports.proof import CHALLENGE, PROOF, proof_of

__all__: list[str] = []

_PATIENCE = 10.0
"""Seconds in which a server says who it is."""

_OURS = frozenset({"authorization", "date", "host", "content-length", "connection", "contentmd5"})


def announced(directory: Path) -> tuple[str, str]:
    """Return where the server of a data directory is, and its certificate; both empty where none says so."""
    try:
        said = json.loads((directory / "server.json").read_text("utf-8"))
        return str(said["url"]), str(said.get("certificate", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _trusting(certificate: str) -> ssl.SSLContext | bool:
    """Return a TLS context that trusts one certificate, whatever name it has; True for the usual ones.

    The owner of the data directory has written down which one it is, so that nobody has to vouch for it.

    Raises:
        OSError: It is no certificate.
    """
    found = re.match(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", certificate, re.DOTALL)
    if not found:
        return True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=found[0])
    return context


class ServerProxy:
    """Carries requests of this process to the server of a data directory.

    Args:
        directory: The data directory.
        url: Where its server is.
        certificate: Its certificate, in PEM; empty for one of the usual authorities.

    Raises:
        ConfigError: The directory's keys cannot be read, or somebody else answers at the URL.
    """

    def __init__(self, directory: Path, url: str, certificate: str = "") -> None:
        self.url = url
        pairs = KeyFile(directory / "credentials.json").read()
        if not pairs:
            raise ConfigError(f"the server at {url} has no access key in {directory}")
        self._credentials = Credentials(pairs[0].access_key_id, pairs[0].access_key_secret)
        self._identity = identity_of(directory)
        try:
            verify = _trusting(certificate)
        except OSError as error:
            raise ConfigError(f"the certificate of the server at {url} cannot be read: {error}") from None
        self._http = httpx.Client(verify=verify, trust_env=False, timeout=None)  # noqa: S113  # each request has its own
        self._introduce()

    def _introduce(self) -> None:
        """Ask who answers at the URL, before anything is told to it.

        Raises:
            ConfigError: It is not the server of the data directory.
        """
        try:
            made = self._http.build_request("GET", f"{self.url}/healthz", timeout=_PATIENCE)
            self._send(made).close()
        except httpx.HTTPError as error:
            self._http.close()
            raise ConfigError(f"the server of the data directory is not at {self.url}: {error}") from None

    def _send(self, made: httpx.Request) -> httpx.Response:
        """Send a request, and see that the answer is of the owner of the data directory.

        Raises:
            httpx.ConnectError: Somebody else has answered.
        """
        challenge = secrets.token_hex(32)
        made.headers[CHALLENGE] = challenge
        response = self._http.send(made, stream=True)
        proof = proof_of(self._identity, challenge, self.url)
        given = response.headers.get(PROOF, "").encode("utf-8", "replace")
        if not self._identity or not hmac.compare_digest(given, proof.encode("ascii")):
            response.close()
            raise httpx.ConnectError("another program answers there, and not the owner of the directory")
        return response

    def send(self, request: Request, timeout: object) -> httpx.Response:
        """Send a request on, signed anew; the body of the response is to be read, or closed, by the caller.

        Args:
            request: The request.
            timeout: The time limits that the caller's client has set.
        """
        agent = request.headers.get("user-agent", "")
        now = datetime.now(UTC)
        if is_for_objects(request):
            kept = {
                name: value
                for name, value in request.headers.items()
                if name in ("range", "x-oss-range-behavior")
            }
            call = Call(
                GET_OBJECT,
                request.target,
                lambda raw: raw.body,
                resource=unquote(request.target),
                headers=kept,
            )
            headers = dict(sign_object(call, credentials=self._credentials, now=now, user_agent=agent))
        else:
            extra = {
                name: value
                for name, value in request.headers.items()
                if name not in _OURS and not name.startswith("x-acs-")
            }
            headers = sign(
                request.method,
                request.target,
                request.body,
                credentials=self._credentials,
                region=request.headers.get("x-acs-region-id", "local"),
                now=now,
                nonce=secrets.token_hex(16),
                user_agent=agent,
                version=request.headers.get("x-acs-version", ""),
                extra=extra,
            )
        raw = [(name.encode("utf-8"), value.encode("utf-8")) for name, value in headers.items()]
        made = httpx.Request(
            request.method, self.url + request.target, headers=raw, content=request.body or None
        )
        made.extensions["timeout"] = timeout or {}
        return self._send(made)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
