"""``LOCAL`` beside a server: requests go to the server that owns the data directory, signed with its key."""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import httpx

from batchcompute.errors import ConfigError
from batchcompute.objects import GET_OBJECT, sign_object
from batchcompute.operations import Call
from batchcompute.service.datadir import identity_of
from batchcompute.service.http import CHALLENGE, PROOF, proof_of
from batchcompute.service.keyfile import KeyFile
from batchcompute.service.objects.signatures import is_for_objects
from batchcompute.service.wire import Request
from batchcompute.signing import Credentials, sign

__all__: list[str] = []

_PATIENCE = 10.0
"""Seconds in which a server says who it is."""

_OURS = frozenset({"authorization", "date", "host", "content-length", "connection", "contentmd5"})


def announced_url(directory: Path) -> str:
    """Return where the server of a data directory is; empty where none says so."""
    try:
        return str(json.loads((directory / "server.json").read_text("utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


class Joined:
    """Carries requests of this process to the server of a data directory.

    Args:
        directory: The data directory.
        url: Where its server is.

    Raises:
        ConfigError: The directory's keys cannot be read, or somebody else answers at the URL.
    """

    def __init__(self, directory: Path, url: str) -> None:
        self.url = url
        pairs = KeyFile(directory / "credentials.json").read()
        if not pairs:
            raise ConfigError(f"the server at {url} has no access key in {directory}")
        self._credentials = Credentials(pairs[0].access_key_id, pairs[0].access_key_secret)
        self._identity = identity_of(directory)
        self._http = httpx.Client(trust_env=False, timeout=None)  # noqa: S113  # each request has its own
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
