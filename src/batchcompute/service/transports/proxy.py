"""A client of a running server: requests of ``LOCAL`` go to the server that owns the data directory."""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import httpx

from batchcompute.api.call import Call
from batchcompute.errors import ConfigError
from batchcompute.http.oss import GET_OBJECT, sign_object
from batchcompute.http.signing import Credentials, sign
from batchcompute.service.api.routes import is_for_objects
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.data_directory import identity_of
from batchcompute.service.objects.signatures import SUBRESOURCES
from batchcompute.service.requests import Request, query_of
from batchcompute.service.store.keys import KeyFile
from batchcompute.service.transports.proof import CHALLENGE, PROOF, proof_of

__all__: list[str] = []

_PROOF_TIMEOUT = 10.0
"""Seconds in which a server has to prove its identity."""

_SIGNED_ANEW = frozenset({"authorization", "date", "host", "content-length", "connection", "contentmd5"})

_OF_SIGNATURE = frozenset({"x-oss-security-token", "x-oss-date", "x-oss-content-sha256"})


def _signed_resource(request: Request) -> str:
    """Return the resource of a request to object storage as version 1 signs it."""
    pairs = sorted((name, value) for name, value in query_of(request.target).items() if name in SUBRESOURCES)
    signed = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    path = unquote(request.target.partition("?")[0])
    return f"{path}?{signed}" if signed else path


def announced_server(directory: Path) -> tuple[str, str]:
    """Return the URL and the certificate of the server of a data directory; both empty if no server is announced."""
    try:
        announcement = json.loads((directory / "server.json").read_text("utf-8"))
        return str(announcement["url"]), str(announcement.get("certificate", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def running_server(directory: Path) -> ServerProxy | None:
    """Return a proxy of the announced server of a data directory; None if no server is announced, or its process ended.

    Args:
        directory: The data directory.

    Raises:
        ConfigError: The server does not respond, or another one does.
    """
    url, certificate = announced_server(directory)
    if not url:
        return None
    try:
        # A server that was killed has left its announcement behind, and its port may belong to another program.
        os.kill(int(json.loads((directory / "server.json").read_text("utf-8"))["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return ServerProxy(directory, url, certificate)


def _trusting(certificate: str) -> ssl.SSLContext | bool:
    """Return a TLS context that trusts one certificate, for any host name; True if there is no certificate.

    The owner of the data directory has stored the certificate in it, so no authority has to confirm it.

    Raises:
        OSError: The text is not a certificate.
    """
    first = re.match(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", certificate, re.DOTALL)
    if not first:
        return True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=first[0])
    return context


class ServerProxy:
    """Sends requests of this process to the server of a data directory.

    Args:
        directory: The data directory.
        url: URL of the server.
        certificate: Certificate of the server in PEM; empty for one that a known authority has signed.
        clock: The source of time.

    Raises:
        ConfigError: The keys in the directory cannot be read, or another server responds at the URL.
    """

    def __init__(self, directory: Path, url: str, certificate: str = "", clock: Clock = SYSTEM_CLOCK) -> None:
        self.url: str = url
        self._clock = clock
        pairs = KeyFile(directory / "credentials.json").usable()
        if not pairs:
            raise ConfigError(f"the server at {url} has no access key in {directory}")
        self._credentials = Credentials(pairs[0].access_key_id, pairs[0].access_key_secret)
        self._identity = identity_of(directory)
        try:
            verify = _trusting(certificate)
        except OSError as error:
            raise ConfigError(f"the certificate of the server at {url} cannot be read: {error}") from None
        self._http = httpx.Client(verify=verify, trust_env=False, timeout=None)  # noqa: S113  # each request has its own
        self._check_identity()

    def _check_identity(self) -> None:
        """Check the identity of the server before any other request is sent to it.

        Raises:
            ConfigError: The server at the URL is not the one of the data directory.
        """
        try:
            outgoing = self._http.build_request("GET", f"{self.url}/healthz", timeout=_PROOF_TIMEOUT)
            self._send(outgoing).close()
        except httpx.HTTPError as error:
            self._http.close()
            raise ConfigError(f"the server of the data directory is not at {self.url}: {error}") from None

    def _send(self, outgoing: httpx.Request) -> httpx.Response:
        """Send a request, and check that the response comes from the owner of the data directory.

        Raises:
            httpx.ConnectError: Another server responded.
        """
        challenge = secrets.token_hex(32)
        outgoing.headers[CHALLENGE] = challenge
        response = self._http.send(outgoing, stream=True)
        proof = proof_of(self._identity, challenge, self.url)
        received = response.headers.get(PROOF, "").encode("utf-8", "replace")
        if not self._identity or not hmac.compare_digest(received, proof.encode("ascii")):
            response.close()
            raise httpx.ConnectError("another program answers there, and not the owner of the directory")
        return response

    def send(self, request: Request, timeout: object) -> httpx.Response:
        """Sign a request anew and send it. The caller has to read or close the body of the response.

        Args:
            request: The request.
            timeout: Time limits of the client.
        """
        agent = request.headers.get("user-agent", "")
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        if is_for_objects(request):
            headers_to_keep = {
                name: value
                for name, value in request.headers.items()
                if name == "range" or (name.startswith("x-oss-") and name not in _OF_SIGNATURE)
            }
            call = Call(
                replace(GET_OBJECT, method=request.method),
                request.target,
                lambda raw: raw.body,
                resource=_signed_resource(request),
                headers=headers_to_keep,
            )
            headers = dict(sign_object(call, credentials=self._credentials, now=now, user_agent=agent))
        else:
            extra = {
                name: value
                for name, value in request.headers.items()
                if name not in _SIGNED_ANEW and not name.startswith("x-acs-")
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
        outgoing = httpx.Request(
            request.method, self.url + request.target, headers=raw, content=request.body or None
        )
        outgoing.extensions["timeout"] = timeout or {}
        return self._send(outgoing)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
