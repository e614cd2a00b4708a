"""The client of a command: its endpoint and its key pair."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from batchcompute.cli.state import State
from batchcompute.errors import ConfigError
from batchcompute.regions import LOCAL

if TYPE_CHECKING:
    from batchcompute.client import Client
    from batchcompute.models.base import Jsonizable

__all__: list[str] = []

_LOCAL_NAMES: Final = frozenset({"local", LOCAL})

_KEY_ID: Final = "ALIBABA_CLOUD_ACCESS_KEY_ID"
_KEY_SECRET: Final = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105  # the name of a variable


def endpoint_of(state: State) -> str:
    """Return the region or the URL of the service; `LOCAL` if neither the command line nor the environment names one.

    Args:
        state: The global options.

    Raises:
        ConfigError: The command line names both a data directory and another service.
    """
    variables = ("BATCHCOMPUTE_ENDPOINT", "BATCHCOMPUTE_REGION")
    texts = (state.endpoint, *(os.environ.get(name, "") for name in variables))
    named = next((text.strip() for text in texts if text.strip()), LOCAL)
    if named.lower() in _LOCAL_NAMES:
        return LOCAL
    if state.data_dir and state.endpoint:
        raise ConfigError(
            f"--data-dir is for the service of this machine, and --endpoint is {named}: give one of them"
        )
    return LOCAL if state.data_dir else named


def is_local(state: State) -> bool:
    """Return whether a command uses the service of this machine.

    Args:
        state: The global options.
    """
    return endpoint_of(state) == LOCAL


def use_directory(state: State) -> None:
    """Make the data directory of the command line that of `LOCAL`.

    Args:
        state: The global options.
    """
    if state.data_dir:
        from batchcompute.service.data_directory import named_directory

        os.environ["BATCHCOMPUTE_DATA_DIR"] = str(named_directory(state.data_dir, "--data-dir"))


@cache
def _local_secret() -> str:
    """Return the secret of this process for the service of this machine."""
    return secrets.token_hex(16)


def _import_httpx() -> None:
    """Import httpx without its own command line, which would import rich and take 30 ms."""
    if "httpx" in sys.modules:
        return
    modules = cast("dict[str, object]", sys.modules)
    modules["httpx._main"] = None
    try:
        import_module("httpx")
    finally:
        del modules["httpx._main"]


@contextmanager
def connected(state: State, **options: Any) -> Generator[Client]:
    """Open the client of a command.

    Args:
        state: The global options.
        **options: Options of `Client`.

    Raises:
        ConfigError: The endpoint or the key pair is missing or invalid.
    """
    _import_httpx()
    from batchcompute.client import Client
    from batchcompute.http.credentials import from_environment

    endpoint = endpoint_of(state)
    if endpoint == LOCAL:
        use_directory(state)
        if not (os.environ.get(_KEY_ID, "").strip() and os.environ.get(_KEY_SECRET, "").strip()):
            # The service of this machine accepts every key pair of this process.
            with Client(LOCAL, "command-line", _local_secret(), **options) as client:
                yield client
            return
    missing = [name for name in (_KEY_ID, _KEY_SECRET) if not os.environ.get(name, "").strip()]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ConfigError(f"{endpoint} needs a key pair: {' and '.join(missing)} {are} not set")
    _, credentials = from_environment(os.environ, endpoint)
    with Client(endpoint, credentials=credentials, **options) as client:
        yield client


def wire(status: Jsonizable) -> dict[str, Any]:
    """Return a resource as the service sends it.

    Args:
        status: The resource.
    """
    content: dict[str, Any] = json.loads(status.dump(None))
    return content


def part(value: Mapping[str, Any] | None, *path: str) -> dict[str, Any]:
    """Return an object inside another one; empty if there is none.

    Args:
        value: The outer object.
        *path: The names of the fields.
    """
    inner: Any = value
    for name in path:
        inner = cast("dict[str, Any]", inner).get(name) if isinstance(inner, dict) else None
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
