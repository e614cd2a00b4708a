"""The construction, the options and the closing of a client."""

from __future__ import annotations

import copy
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, overload
from urllib.request import getproxies

import httpx

from batchcompute import regions
from batchcompute.client._async._send import AsyncSender
from batchcompute.client._async_pool import AsyncHttp, AsyncHttpClient, AsyncPool, open_async_http
from batchcompute.client._common import (
    HeaderMap,
    check_credentials,
    check_headers,
    options_of,
)
from batchcompute.client._exchange import check_limit
from batchcompute.client._local import local_transport
from batchcompute.client._pool import check_http_client
from batchcompute.errors import ConfigError
from batchcompute.http.credentials import (
    CredentialSource,
    check_source,
    from_environment,
)
from batchcompute.http.oss import object_base
from batchcompute.http.retry import Quota, RetryPolicy
from batchcompute.http.signing import API_VERSION, Credentials, header_problem
from batchcompute.http.timeouts import Timeout, TimeoutLike, timeout_of
from batchcompute.http.transport import MAX_RESPONSE_BYTES, tls_context_for

if TYPE_CHECKING:
    from batchcompute.client._local import LocalTransport

__all__: list[str] = []

_TIMEOUT = Timeout()


class AsyncBase(AsyncSender):
    """The construction, the options and the closing of a client."""

    @overload
    def __init__(
        self,
        region: str,
        access_key_id: str,
        access_key_secret: str,
        security_token: str | None = "",
        security_conn: bool | None = None,
        human_readable: bool = False,
        *,
        timeout: TimeoutLike | None = None,
        retry: RetryPolicy | None = None,
        http_client: AsyncHttpClient | None = None,
        verify: bool | str | ssl.SSLContext = True,
        trust_env: bool = True,
        oss_endpoint: str = "",
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
        **headers: str,
    ) -> None: ...
    @overload
    def __init__(
        self,
        region: str,
        *,
        credentials: CredentialSource,
        security_conn: bool | None = None,
        timeout: TimeoutLike | None = None,
        retry: RetryPolicy | None = None,
        http_client: AsyncHttpClient | None = None,
        verify: bool | str | ssl.SSLContext = True,
        trust_env: bool = True,
        oss_endpoint: str = "",
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
        **headers: str,
    ) -> None: ...
    def __init__(
        self,
        region: str,
        access_key_id: str = "",
        access_key_secret: str = "",
        security_token: str | None = "",
        security_conn: bool | None = None,
        human_readable: Any = False,  # noqa: ARG002
        *,
        credentials: Any = None,
        timeout: TimeoutLike | None = None,
        retry: RetryPolicy | None = None,
        http_client: AsyncHttpClient | None = None,
        verify: bool | str | ssl.SSLContext = True,
        trust_env: bool = True,
        oss_endpoint: str = "",
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
        **headers: str,
    ) -> None:
        """Create a client. It sends no request and makes no connection yet.

        Args:
            region: A region id (``cn-qingdao``), an endpoint constant (``CN_QINGDAO``), a host or name of
                ``register_region``, a URL (``http://127.0.0.1:8790``), or ``LOCAL`` for the embedded service.
            access_key_id: Access key id.
            access_key_secret: Access key secret.
            security_token: STS token of a temporary key pair.
            security_conn: False for plain HTTP, True for TLS. By default TLS, except for regions that were
                registered with a port other than 443.
            human_readable: Argument of the old SDK, without effect.
            credentials: Instead of a key pair, `Credentials` or their provider, which is called for each
                request: a callable, or an object with ``get_credential()``.
            timeout: Seconds for each part of an attempt (connect, write, read), or a `Timeout` with separate
                limits. By default 10 to connect and 60 for the others.
            retry: The retry policy: number of attempts, delays, and the deadline of a call.
            http_client: An HTTP client of httpx or httpx2. This client does not close it.
            verify: True for the default certificate authorities; the path of a file or directory with
                certificates of authorities; an ``ssl.SSLContext``; or False to accept any certificate.
            trust_env: Whether the proxies and certificates of the environment are used.
            oss_endpoint: URL of the object storage, for `logs`. By default ``BATCHCOMPUTE_OSS_ENDPOINT``, or
                else the object storage of the region.
            max_response_bytes: Maximum size of a response body after decompression, 64 MiB by default. A
                larger body raises `ResponseTooLarge`. None for no limit. `logs` reads larger objects in
                several requests.
            **headers: Additional headers of each request. They override the client's headers.

        Raises:
            ConfigError: The region is unknown, the key pair is missing, or an option is invalid.
        """
        if credentials is not None:
            both = bool(access_key_id or access_key_secret)
            access_key_secret = security_token = ""
            if both:
                raise ConfigError("credentials= and a key pair exclude each other")
            self._source = check_source(credentials)
        else:
            key_pair = (access_key_id, access_key_secret, security_token)
            # Cleared, so that a traceback that shows local variables does not show the secret.
            access_key_secret = security_token = ""
            try:
                self._source = check_credentials(*key_pair)
            finally:
                del key_pair
        self._fixed: Credentials | None = self._source if isinstance(self._source, Credentials) else None
        self._endpoint = regions.resolve(
            region, security_conn, os.environ.get("BATCHCOMPUTE_ENDPOINT", "").strip()
        )
        self._oss_endpoint = oss_endpoint or os.environ.get("BATCHCOMPUTE_OSS_ENDPOINT", "")
        self._headers = HeaderMap(check_headers(headers, _options() if headers else ()))
        self._max_response_bytes = check_limit(max_response_bytes)
        self._policy = retry or RetryPolicy()
        self._quota = Quota(self._policy.quota)
        self._timeout: Timeout | None = None if timeout is None else timeout_of(timeout)
        if self._timeout is None and http_client is None:
            self._timeout = _TIMEOUT
        self._limits = self._timeout.as_dict() if self._timeout else {}
        if http_client is not None:
            check_http_client(http_client, asynchronous=True)
        urls = (self._endpoint.base_url, object_base(self._endpoint, self._oss_endpoint))
        opener = partial(_open, self._source, urls, verify, trust_env)
        self._pool = AsyncPool(opener, http_client, not self._endpoint.is_local)
        self.version = API_VERSION

    @classmethod
    def from_env(cls, region: str = "", **options: Any) -> Self:
        """Create a client from environment variables.

        The variables are ``ALIBABA_CLOUD_ACCESS_KEY_ID``, ``ALIBABA_CLOUD_ACCESS_KEY_SECRET``,
        ``ALIBABA_CLOUD_SECURITY_TOKEN`` (for a temporary key pair), ``BATCHCOMPUTE_REGION``, and
        ``BATCHCOMPUTE_ENDPOINT`` (a URL that overrides the endpoint of the region).

        Args:
            region: A region that overrides ``BATCHCOMPUTE_REGION``.
            **options: Other arguments of the class, for example ``timeout=``.

        Raises:
            ConfigError: A required variable is not set; the message names it.
        """
        region, credentials = from_environment(os.environ, region)
        # Without a region, the endpoint serves as the region.
        region = region or regions.endpoint_url(os.environ["BATCHCOMPUTE_ENDPOINT"].strip())
        return cls(region, credentials=credentials, **options)

    def __copy__(self) -> Self:
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or deep-copied, because it holds connections and an access "
            "key. Create a client in each process, for example in the initializer of a pool. Threads can share a "
            "client, and a forked process gets separate connections"
        )

    def __repr__(self) -> str:
        endpoint = vars(self).get("_endpoint")
        if endpoint is None:
            return f"<{type(self).__name__} without an endpoint>"
        return f"<{type(self).__name__} {endpoint.base_url} region={endpoint.region!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, except those of the caller's HTTP client. Later calls fail."""
        await self._pool.close()

    def with_options(
        self,
        *,
        timeout: TimeoutLike | None = None,
        retry: RetryPolicy | None = None,
        deadline: float | timedelta | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a client with other options, for one or several calls.

        Both clients share the connections, the credentials and the retry quota. Closing one closes both.

        Args:
            timeout: The argument of the class; None keeps that of this client.
            retry: The argument of the class; None keeps that of this client.
            deadline: Seconds for a whole call, retries included. It overrides that of the retry policy.
            headers: Headers in addition to those of this client.

        Raises:
            ConfigError: An option is invalid.

        Example:
            >>> client.with_options(deadline=5).get_job("job-1")
        """
        other = copy.copy(self)
        if timeout is not None:
            other._timeout = timeout_of(timeout)
            other._limits = other._timeout.as_dict()
        if retry is not None:
            other._policy = retry
            if retry.quota != self._policy.quota:
                other._quota = Quota(retry.quota)
        if deadline is not None:
            other._policy = replace(other._policy, deadline=deadline)
        if headers is not None:
            other._headers = HeaderMap({**self._headers, **check_headers(headers)})
        return other

    @staticmethod
    def register_region(region_name: str, url: str, port: int = 80) -> None:
        """Add a region, or change the endpoint of a known one.

        Args:
            region_name: Id of the region, sent as ``x-acs-region-id``.
            url: Host name or IP address.
            port: Port. Port 443 selects TLS, any other port plain HTTP.

        Raises:
            ConfigError: The name, the host or the port is invalid.
        """
        regions.register_region(region_name, url, port)

    @staticmethod
    def get_regions() -> dict[str, str]:
        """Return the registered regions, as a live mapping from id to host."""
        return regions.get_regions()

    @property
    def version(self) -> str:
        """Version of the API, sent with each request. A value that a header cannot hold is a ConfigError."""
        return self._version

    @version.setter
    def version(self, value: str) -> None:
        if not isinstance(value, str):
            raise ConfigError(f"version must be a text, not {type(value).__name__}")
        problem = header_problem(value)
        if problem:
            raise ConfigError(f"version {problem}: {value!r}")
        self._version = value

    def get_version(self) -> str:
        """Return the version of the API, which is sent with each request."""
        return self.version

    def set_version(self, value: str) -> None:
        """Set the version of the API, which is sent with each request.

        Raises:
            ConfigError: A header cannot hold the value.
        """
        self.version = value

    def _use(self, transport: LocalTransport) -> None:
        """Send all requests through a transport of a local service instead of the network."""
        self._pool = AsyncPool(partial(AsyncHttp.of_local, transport), None, warn=False)


def _options() -> tuple[str, ...]:
    return options_of(AsyncBase.__init__)


def _open(
    source: CredentialSource,
    urls: Sequence[str],
    verify: bool | str | ssl.SSLContext,
    trust_env: bool,
    keep_alive: bool = True,
) -> httpx.AsyncClient:
    if urls[0] == regions.LOCAL:
        return AsyncHttp.of_local(local_transport(source))
    proxies = getproxies().values() if trust_env else ()
    return open_async_http(tls_context_for((*urls, *proxies), verify, trust_env), trust_env, keep_alive)
