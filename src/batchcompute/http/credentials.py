"""Where a client's key pair comes from: texts, the environment, or a provider asked at each request."""

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
"""Credentials, a tuple of id, secret and perhaps token, or an object with attributes of these names."""


@runtime_checkable
class Provider(Protocol):
    """An object that yields credentials; those of ``alibabacloud-credentials`` do."""

    def get_credential(self) -> Any:
        """Return an object with ``access_key_id``, ``access_key_secret`` and ``security_token``."""
        ...


CredentialSource: TypeAlias = (
    "Credentials | Provider | Callable[[], CredentialsLike] | Callable[[], Awaitable[CredentialsLike]]"
)
"""What ``credentials=`` takes: a key pair, or what yields a fresh one at each request."""


def credentials_of(found: object) -> Credentials:
    """Make credentials of what a provider has yielded.

    Raises:
        ConfigError: The pair is incomplete; the secret is not shown.
    """
    if isinstance(found, Credentials):
        return found
    parts: tuple[Any, ...]
    if isinstance(found, tuple):
        parts = (*cast("tuple[Any, ...]", found), None, None)[:3]
    else:
        names = ("access_key_id", "access_key_secret", "security_token")
        parts = tuple(getattr(found, name, None) for name in names)
    for name, value in zip(("access_key_id", "access_key_secret"), parts[:2], strict=True):
        if not isinstance(value, str) or not value:
            what = "nothing" if not value else f"a value of type {type(value).__name__}"
            raise ConfigError(f"the credentials provider yielded {what} as {name}; it must be a text")
    return Credentials(parts[0], parts[1], "" if parts[2] is None else parts[2])


def current_credentials(source: CredentialSource) -> Credentials:
    """Ask a provider for the credentials of the next request.

    Raises:
        ConfigError: It yields no key pair, or needs an event loop.
    """
    if isinstance(source, Credentials):
        return source
    found = source.get_credential() if isinstance(source, Provider) else source()
    if inspect.isawaitable(found):
        if inspect.iscoroutine(found):
            found.close()
        raise ConfigError("this credentials provider is asynchronous: use it with AsyncClient")
    return credentials_of(found)


async def current_credentials_async(source: CredentialSource) -> Credentials:
    """Ask a provider for the credentials of the next request, without blocking where it can be helped.

    Raises:
        ConfigError: It yields no key pair.
    """
    if isinstance(source, Credentials):
        return source
    ask: Callable[[], Any] | None = getattr(source, "get_credential_async", None)
    if ask is None:
        ask = source.get_credential if isinstance(source, Provider) else source
    found = ask()
    if inspect.isawaitable(found):
        found = await found
    return credentials_of(found)


def check_source(source: object) -> CredentialSource:
    """Check what was given as ``credentials=``.

    Raises:
        ConfigError: It yields no credentials.
    """
    if isinstance(source, (Credentials, Provider)) or callable(source):
        return cast("CredentialSource", source)
    raise ConfigError(
        "credentials must be a batchcompute.Credentials, a callable that returns them, or an object with "
        f"get_credential(), not {type(source).__name__}"
    )


def from_environment(environment: Mapping[str, str], region: str) -> tuple[str, Credentials]:
    """Return region and credentials that environment variables name.

    Args:
        environment: The environment.
        region: A region that takes the place of ``BATCHCOMPUTE_REGION``; may be empty.

    Raises:
        ConfigError: One of the variables that are needed is not set; the message names it.
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
            "and BATCHCOMPUTE_ENDPOINT (which may stand alone)"
        )
    token = environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", "").strip()
    for name, value in zip(
        ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"), (*pair, token), strict=True
    ):
        problem = header_problem(value)
        if problem:
            raise ConfigError(f"ALIBABA_CLOUD_{name} of the environment {problem}; it was not copied well")
    return region, Credentials(pair[0], pair[1], token)
