"""``LOCAL`` beside a server: requests go to the server that owns the data directory, signed with its key."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import httpx

from batchcompute.errors import ConfigError
from batchcompute.objects import GET_OBJECT, sign_object
from batchcompute.operations import Call
from batchcompute.service.keyfile import KeyFile
from batchcompute.service.objects.signatures import is_for_objects
from batchcompute.service.wire import Request
from batchcompute.signing import Credentials, sign

__all__: list[str] = []

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
        ConfigError: The directory's keys cannot be read.
    """

    def __init__(self, directory: Path, url: str) -> None:
        self.url = url
        pairs = KeyFile(directory / "credentials.json").read()
        if not pairs:
            raise ConfigError(f"the server at {url} has no access key in {directory}")
        self._credentials = Credentials(pairs[0].access_key_id, pairs[0].access_key_secret)
        self._http = httpx.Client(trust_env=False, timeout=None)  # noqa: S113  # each request has its own

    def send(self, request: Request, timeout: object) -> httpx.Response:
        """Send a request on, signed anew.

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
        return self._http.send(made)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
