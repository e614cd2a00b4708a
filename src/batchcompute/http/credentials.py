"""The sources of a client's credentials: arguments, the environment, or a provider."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

from batchcompute.errors import ConfigError
from batchcompute.http.signing import Credentials, header_problem

__all__ = [
    "CredentialSource",
    "CredentialsLike",
    "Provider",
    "credentials_of",
    "current_credentials",
    "current_credentials_async",
    "from_environment",
]

CredentialsLike: TypeAlias = "Credentials | tuple[str, str] | tuple[str, str, str] | object"
"""Credentials, a tuple of id, secret and optionally token, or an object with attributes of these names."""


@runtime_checkable
class Provider(Protocol):
    """A provider of credentials, for example a client of ``alibabacloud-credentials``."""

    def get_credential(self) -> Any:
        """Return an object with ``access_key_id``, ``access_key_secret`` and ``security_token``."""
        ...


CredentialSource: TypeAlias = (
    "Credentials | Provider | Callable[[], CredentialsLike] | Callable[[], Awaitable[CredentialsLike]]"
)
"""The argument ``credentials=``: a key pair, or a provider that is called for each request."""


def credentials_of(provided: object) -> Credentials:
    """Convert the result of a provider to credentials.

    Raises:
        ConfigError: The key pair is incomplete. The message does not show the secret.
    """
    if isinstance(provided, Credentials):
        return provided
    parts: tuple[Any, ...]
    if isinstance(provided, tuple):
        parts = (*cast("tuple[Any, ...]", provided), None, None)[:3]
    else:
        names = ("access_key_id", "access_key_secret", "security_token")
        parts = tuple(getattr(provided, name, None) for name in names)
    for name, value in zip(("access_key_id", "access_key_secret"), parts[:2], strict=True):
        if not isinstance(value, str) or not value:
            shown = "no value" if not value else f"a value of type {type(value).__name__}"
            raise ConfigError(
                f"the credentials provider returned {shown} for {name}; it must be a non-empty text"
            )
    return Credentials(parts[0], parts[1], "" if parts[2] is None else parts[2])


def current_credentials(source: CredentialSource) -> Credentials:
    """Return the credentials for the next request.

    Raises:
        ConfigError: The provider returns no key pair, or is asynchronous.
    """
    if isinstance(source, Credentials):
        return source
    provided = source.get_credential() if isinstance(source, Provider) else source()
    if inspect.isawaitable(provided):
        if inspect.iscoroutine(provided):
            provided.close()
        raise ConfigError("this credentials provider is asynchronous: use it with AsyncClient")
    return credentials_of(provided)


async def current_credentials_async(source: CredentialSource) -> Credentials:
    """Return the credentials for the next request; an asynchronous provider is awaited.

    Raises:
        ConfigError: The provider returns no key pair.
    """
    if isinstance(source, Credentials):
        return source
    provider: Callable[[], Any] | None = getattr(source, "get_credential_async", None)
    if provider is None:
        provider = source.get_credential if isinstance(source, Provider) else source
    provided = provider()
    if inspect.isawaitable(provided):
        provided = await provided
    return credentials_of(provided)


def check_source(source: object) -> CredentialSource:
    """Check the argument ``credentials=``.

    Raises:
        ConfigError: The value is neither credentials nor a provider.
    """
    if isinstance(source, (Credentials, Provider)) or callable(source):
        return cast("CredentialSource", source)
    raise ConfigError(
        "credentials must be a batchcompute.Credentials, a callable that returns them, or an object with "
        f"get_credential(), not {type(source).__name__}"
    )


def from_environment(environment: Mapping[str, str], region: str) -> tuple[str, Credentials]:
    """Return the region and the credentials of the environment.

    Args:
        environment: The environment variables.
        region: A region that overrides ``BATCHCOMPUTE_REGION``; may be empty.

    Raises:
        ConfigError: A required variable is not set; the message names it.
    """
    endpoint = environment.get("BATCHCOMPUTE_ENDPOINT", "").strip()
    region = region or environment.get("BATCHCOMPUTE_REGION", "").strip()
    pair = [
        environment.get(name, "")
        for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    ]
    missing = [
        name
        for name, value in (
            ("BATCHCOMPUTE_REGION", region or endpoint),
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", pair[0]),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", pair[1]),
        )
        if not value.strip()
    ]
    if missing:
        raise ConfigError(
            f"not set in the environment: {', '.join(missing)}; from_env() reads ALIBABA_CLOUD_ACCESS_KEY_ID, "
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN (optional), BATCHCOMPUTE_REGION "
            "and BATCHCOMPUTE_ENDPOINT (which can replace the region)"
        )
    token = environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", "").strip()
    for name, value in zip(
        ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"), (*pair, token), strict=True
    ):
        problem = header_problem(value)
        if problem:
            raise ConfigError(
                f"ALIBABA_CLOUD_{name} of the environment {problem}; set it again from its source"
            )
    return region, Credentials(pair[0], pair[1], token)
