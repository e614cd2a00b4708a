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
from batchcompute.regions import LOCAL, endpoint_url, resolve

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
        ConfigError: The command line names both a data directory and another service, or the service has no valid
            name.
    """
    variables = ("BATCHCOMPUTE_ENDPOINT", "BATCHCOMPUTE_REGION")
    texts = {"--endpoint": state.endpoint, **{name: os.environ.get(name, "") for name in variables}}
    setting, named = next(
        ((name, text.strip()) for name, text in texts.items() if text.strip()), ("--endpoint", LOCAL)
    )
    if named.lower() in _LOCAL_NAMES:
        return LOCAL
    if state.data_dir and state.endpoint:
        raise ConfigError(
            f"--data-dir is for the service of this machine, and --endpoint is {named}: give one of them"
        )
    if state.data_dir:
        return LOCAL
    _check_endpoint(setting, named)
    return named


def _check_endpoint(setting: str, named: str) -> None:
    """Check the name of a service before the key pair is read.

    Raises:
        ConfigError: It is neither a region nor a URL; the message names the setting.
    """
    if setting == "BATCHCOMPUTE_ENDPOINT":
        # The variable may be a host without a scheme.
        endpoint_url(named)
        return
    try:
        resolve(named, setting=setting)
    except ConfigError as error:
        if "://" in named:
            raise
        raise ConfigError(
            f"{setting} must be a region, a URL like http://127.0.0.1:8790, or local, not {named[:200]!r}"
        ) from error


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


def _import_without(name: str, absent: str) -> None:
    """Import a package without an optional module of it that takes 30 ms."""
    modules = cast("dict[str, object]", sys.modules)
    if name in modules or absent in modules:
        return
    modules[absent] = None
    try:
        import_module(name)
    finally:
        del modules[absent]


@contextmanager
def connected(
    state: State, *, runs_jobs: bool = False, makes_directory: bool = False, **options: Any
) -> Generator[Client]:
    """Open the client of a command.

    Without a server, the command opens the data directory itself. A command that joined a server does not open the
    directory when the server ends.

    Args:
        state: The global options.
        runs_jobs: Whether the command runs jobs when no server does. Otherwise it shows them as they are stored.
        makes_directory: Whether the command makes the data directory if there is none. Otherwise that is a mistake.
        **options: Options of `Client`.

    Raises:
        ConfigError: The endpoint or the key pair is missing or invalid.
    """
    # httpx imports rich for a command line of its own, and tenacity imports tornado, each where it is installed.
    _import_without("httpx", "httpx._main")
    _import_without("tenacity", "tornado")
    from batchcompute.client import Client
    from batchcompute.http.credentials import current_credentials, from_environment

    endpoint = endpoint_of(state)
    if endpoint == LOCAL:
        use_directory(state)
        if not makes_directory:
            from batchcompute.service.data_directory import database_of, default_directory

            database_of(default_directory())
        if not (os.environ.get(_KEY_ID, "").strip() and os.environ.get(_KEY_SECRET, "").strip()):
            # The service of this machine accepts every key pair of this process.
            pair = ("command-line", _local_secret())
            with Client(LOCAL, *pair, **options) as client:
                _use_directory_of(client, *pair, runs_jobs)
                yield client
            return
    missing = [name for name in (_KEY_ID, _KEY_SECRET) if not os.environ.get(name, "").strip()]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ConfigError(f"{endpoint} needs a key pair: {' and '.join(missing)} {are} not set")
    _, credentials = from_environment(os.environ, endpoint)
    with Client(endpoint, credentials=credentials, **options) as client:
        if endpoint == LOCAL:
            keys = current_credentials(credentials)
            _use_directory_of(client, keys.access_key_id, keys.access_key_secret, runs_jobs)
        yield client


def _use_directory_of(client: Client, access_key_id: str, access_key_secret: str, runs_jobs: bool) -> None:
    """Send the requests of a client to the service of the data directory."""
    from batchcompute.service.transports.in_process import embedded_transport

    client._use(embedded_transport(access_key_id, access_key_secret, runs_jobs, take_over=False))


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
