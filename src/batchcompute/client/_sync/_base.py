# Made by tools/generate.py from client/_async/_base.py; change that file instead.
"""What every call of a client goes through: construction, life, and the one place that sends."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import httpx
import tenacity

from batchcompute import regions
from batchcompute.client._common import check_credentials, check_headers, local_transport
from batchcompute.errors import BatchComputeError, ConfigError
from batchcompute.retry import RetryPolicy, may_repeat, retry_arguments
from batchcompute.signing import API_VERSION, Credentials
from batchcompute.transport import (
    LIMITS,
    NO_COOKIES,
    TIMEOUT,
    build_request,
    tls_for,
    transport_error,
    understand,
)

if TYPE_CHECKING:
    from batchcompute.operations import Call, Repeat

__all__: list[str] = []

A = TypeVar("A")


class Http(httpx.Client):
    """An HTTP client that keeps no cookies."""

    @property
    def cookies(self) -> httpx.Cookies:
        """No cookies."""
        return NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:  # noqa: ARG002
        raise AttributeError("this client keeps no cookies")


class Base:
    """Construction, life, and the one place that sends."""

    version: str
    """Version of the API that is sent with each request."""

    def __init__(
        self,
        region: str,
        access_key_id: str,
        access_key_secret: str,
        security_token: str = "",
        security_conn: bool | None = None,
        human_readable: bool = False,  # noqa: ARG002
        *,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
        **headers: str,
    ) -> None:
        """Set up a client; nothing is sent, and no connection is made yet.

        Args:
            region: A region id (``cn-qingdao``), one of the endpoint constants (``CN_QINGDAO``), a
                host or name given to ``register_region``, a URL (``http://127.0.0.1:8790``), or
                ``LOCAL`` for the embedded service.
            access_key_id: Access key id.
            access_key_secret: Access key secret.
            security_token: STS token that belongs to a temporary key pair.
            security_conn: False for plain HTTP, True for TLS; without it TLS, save for regions that
                were registered with another port than 443.
            human_readable: Taken for the old SDK's sake; answers are the same either way.
            timeout: Seconds that one attempt's connect, write or read may take each.
            retry: How often, and after how long, failed attempts are repeated.
            **headers: Further headers of every request; they win over the client's own.

        Raises:
            ConfigError: The region is unknown, or the key pair is missing.
        """
        self._credentials: Credentials = check_credentials(access_key_id, access_key_secret, security_token)
        self._endpoint = regions.resolve(region, security_conn, os.environ.get("BATCHCOMPUTE_ENDPOINT"))
        self._headers = check_headers(headers)
        self._timeout = TIMEOUT if timeout is None else httpx.Timeout(timeout)
        self._policy = retry or RetryPolicy()
        self._retrying: dict[Repeat, tenacity.Retrying] = {}
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._closed = False
        self.version = API_VERSION

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._endpoint.base_url} region={self._endpoint.region!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a closed client sends nothing more."""
        self._closed = True
        http, self._http = self._http, None
        if http is not None:
            http.close()

    @staticmethod
    def register_region(region_name: str, url: str, port: int = 80) -> None:
        """Add a region of one's own, or give a known one another endpoint.

        Args:
            region_name: Id of the region; sent as ``x-acs-region-id``.
            url: Host name or address.
            port: Port; with 443 the connection is TLS, with any other it is plain HTTP.

        Raises:
            ConfigError: The name or host is empty, or the port is none.
        """
        regions.register_region(region_name, url, port)

    @staticmethod
    def get_regions() -> dict[str, str]:
        """Return the live table of regions, from id to host."""
        return regions.get_regions()

    def get_version(self) -> str:
        """Return the version of the API that is sent with each request."""
        return self.version

    def set_version(self, value: str) -> None:
        """Set the version of the API that is sent with each request."""
        self.version = value

    def _use(self, transport: httpx.BaseTransport) -> None:
        """Send everything through a transport of the service's instead of the network."""
        self._http = Http(transport=transport, timeout=self._timeout, trust_env=False)

    def _open(self) -> httpx.Client:
        with self._lock:
            if self._closed:
                raise ConfigError("this client is closed; make a new one")
            if self._http is None:
                if self._endpoint.is_local:
                    self._use(local_transport(self._credentials))
                else:
                    self._http = Http(verify=tls_for(self._endpoint), timeout=self._timeout, limits=LIMITS)
            return cast("httpx.Client", self._http)

    def _attempt(self, call: Call[A]) -> A:
        http = self._http or self._open()
        request = build_request(call, self._endpoint, self._credentials, self.version, self._headers)
        # httpx keeps time limits in the request; one that it did not build itself has none.
        request.extensions["timeout"] = self._timeout.as_dict()
        try:
            response = http.send(request)
        except httpx.RequestError as error:
            raise transport_error(error, self._endpoint) from error
        return understand(call, response)

    def _call(self, call: Call[A]) -> A:
        repeat = call.operation.repeat
        try:
            return self._attempt(call)
        except BatchComputeError as error:
            if self._policy.attempts == 1 or not may_repeat(error, repeat):
                raise
            failure: list[BatchComputeError] = [error]
        # tenacity takes over only now: a call that succeeds at once, as nearly all do, is spared its
        # cost. The failure that there was is its first attempt.
        retrying = self._retrying.get(repeat)
        if retrying is None:
            options: dict[str, Any] = retry_arguments(self._policy, repeat)
            retrying = self._retrying[repeat] = tenacity.Retrying(sleep=time.sleep, **options)

        def attempt() -> A:
            if failure:
                raise failure.pop()
            return self._attempt(call)

        return retrying(attempt)
