# Made by tools/generate.py from client/_async/_base.py; change that file instead.
"""Construction and life of a client."""

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
from batchcompute.client._common import (
    HeaderMap,
    check_credentials,
    check_headers,
    options_of,
)
from batchcompute.client._local import local_transport
from batchcompute.client._pool import Http, HttpClient, Pool, check_given, open_http
from batchcompute.client._reading import check_limit
from batchcompute.client._sync._send import Sender
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
from batchcompute.http.transport import MAX_RESPONSE_BYTES, tls_for

if TYPE_CHECKING:
    from batchcompute.client._local import LocalTransport

__all__: list[str] = []

_TIMEOUT = Timeout()


class Base(Sender):
    """Construction and life."""

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
        http_client: HttpClient | None = None,
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
        http_client: HttpClient | None = None,
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
        http_client: HttpClient | None = None,
        verify: bool | str | ssl.SSLContext = True,
        trust_env: bool = True,
        oss_endpoint: str = "",
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
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
            credentials: In place of a key pair: `Credentials`, or what yields them afresh for each
                request: a callable, or an object with ``get_credential()``.
            timeout: Seconds that one attempt's connect, write or read may take each, or a `Timeout`
                that tells them apart; without it 10 to connect and 60 for the others.
            retry: How often, and after how long, failed attempts are repeated, and the deadline of
                a whole call.
            http_client: An HTTP client of the caller's, of httpx or httpx2; it is never closed here.
            verify: True for the usual certificate authorities, the path of a file or directory of
                others, an ``ssl.SSLContext``, or False to trust any certificate.
            trust_env: Whether proxies and certificates that the environment names are used.
            oss_endpoint: URL of the object storage, for `logs`; without it that of the region, or
                what ``BATCHCOMPUTE_OSS_ENDPOINT`` names.
            max_response_bytes: Bytes that the body of one answer may have after decompression, 64 MiB
                by default; a larger one is not read to its end and raises `ResponseTooLarge`. None for
                no limit. `logs` reads what is larger in several answers.
            **headers: Further headers of every request; they win over the client's own.

        Raises:
            ConfigError: The region is unknown, the key pair is missing, or an option is wrong.
        """
        if credentials is not None:
            both = bool(access_key_id or access_key_secret)
            access_key_secret = security_token = ""
            if both:
                raise ConfigError("give either a key pair or credentials=, not both")
            self._source = check_source(credentials)
        else:
            given = (access_key_id, access_key_secret, security_token)
            # So that no traceback that shows local variables shows it.
            access_key_secret = security_token = ""
            try:
                self._source = check_credentials(*given)
            finally:
                del given
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
            check_given(http_client, asynchronous=False)
        urls = (self._endpoint.base_url, object_base(self._endpoint, self._oss_endpoint))
        opener = partial(_open, self._source, urls, verify, trust_env)
        self._pool = Pool(opener, http_client, not self._endpoint.is_local)
        self.version = API_VERSION

    @classmethod
    def from_env(cls, region: str = "", **options: Any) -> Self:
        """Set up a client from environment variables.

        They are ``ALIBABA_CLOUD_ACCESS_KEY_ID``, ``ALIBABA_CLOUD_ACCESS_KEY_SECRET`` and, for a
        temporary key pair, ``ALIBABA_CLOUD_SECURITY_TOKEN``; ``BATCHCOMPUTE_REGION``; and
        ``BATCHCOMPUTE_ENDPOINT``, a URL that requests go to in place of the region's own.

        Args:
            region: A region in place of ``BATCHCOMPUTE_REGION``.
            **options: Further arguments of the class, ``timeout=`` for example.

        Raises:
            ConfigError: A variable that is needed is not set; the message names it.
        """
        region, credentials = from_environment(os.environ, region)
        # Where only the endpoint is named, it is the region, too; its URL wins in any case.
        region = region or regions.endpoint_url(os.environ["BATCHCOMPUTE_ENDPOINT"].strip())
        return cls(region, credentials=credentials, **options)

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied deeply: it holds connections and an access key. "
            "Make a client in each process, in the initializer of a pool for example; threads can share one, "
            "and a forked process gets connections of its own"
        )

    def __repr__(self) -> str:
        endpoint = vars(self).get("_endpoint")
        if endpoint is None:
            return f"<{type(self).__name__} that is not set up>"
        return f"<{type(self).__name__} {endpoint.base_url} region={endpoint.region!r}>"

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
        """Close the connections, unless they are the caller's own; nothing is sent after that."""
        self._pool.close()

    def with_options(
        self,
        *,
        timeout: TimeoutLike | None = None,
        retry: RetryPolicy | None = None,
        deadline: float | timedelta | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a client with other options, for one call or for several.

        It shares the connections, the credentials and the stock of retries with this one; closing
        either closes both.

        Args:
            timeout: As for the class; None to keep what this client has.
            retry: As for the class; None to keep what this client has.
            deadline: Seconds for a whole call, retries included; in place of the policy's.
            headers: Further headers, in addition to this client's.

        Raises:
            ConfigError: An option is wrong.

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

    @property
    def version(self) -> str:
        """Version of the API that is sent with each request; a ConfigError for one that cannot be sent."""
        return self._version

    @version.setter
    def version(self, value: str) -> None:
        if not isinstance(value, str):
            raise ConfigError(f"version must be a text, not {type(value).__name__}")
        problem = header_problem(value)
        if problem:
            raise ConfigError(f"version {problem}, so it cannot be sent: {value!r}")
        self._version = value

    def get_version(self) -> str:
        """Return the version of the API that is sent with each request."""
        return self.version

    def set_version(self, value: str) -> None:
        """Set the version of the API that is sent with each request.

        Raises:
            ConfigError: It cannot be sent.
        """
        self.version = value

    def _use(self, transport: LocalTransport) -> None:
        """Send all requests through a transport of a local service instead of the network."""
        self._pool = Pool(partial(Http.of_local, transport), None, warn=False)


def _options() -> tuple[str, ...]:
    return options_of(Base.__init__)


def _open(
    source: CredentialSource,
    urls: Sequence[str],
    verify: bool | str | ssl.SSLContext,
    trust_env: bool,
    keep: bool = True,
) -> httpx.Client:
    if urls[0] == regions.LOCAL:
        return Http.of_local(local_transport(source))
    proxies = getproxies().values() if trust_env else ()
    return open_http(tls_for((*urls, *proxies), verify, trust_env), trust_env, keep)
