"""``batchcompute serve``: the API over HTTP, with the service behind it."""

from __future__ import annotations

import gc
import inspect
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from batchcompute.cli.arguments import chosen_settings, settings_options
from batchcompute.cli.framework import Leaf, examples
from batchcompute.cli.state import OF_SERVER, state_of
from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.service.data_directory import default_directory
from batchcompute.service.log_format import log_to_stderr
from batchcompute.service.setting_sources import load_settings

if TYPE_CHECKING:
    from batchcompute.service.settings import Settings

__all__: list[str] = []

_NEEDED: Final = ("jinja2", "prometheus_client", "pydantic_settings", "starlette", "uvicorn")
"""Modules of the extra ``serve``."""


def _serve(**values: object) -> None:
    """Serve the API over HTTP, and run the jobs, until SIGINT or SIGTERM.

    Environment variables and a TOML file can set most options, too: docs/serving.md.
    """
    _check_extra()
    settings = load_settings(chosen_settings(values, state_of(click.get_current_context())))
    _check_certificate(settings)
    log_to_stderr(settings.log_level, settings.log_format)
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.store.keys import KeyFile
    from batchcompute.service.transports.operating import read_token
    from batchcompute.service.transports.server import listen, serve

    token = (
        read_token(settings.metrics_auth, settings.spelled("metrics_auth")) if settings.metrics_auth else ""
    )

    directory = settings.data_dir or default_directory()
    private = [path for path in (settings.tls_key, settings.config, settings.metrics_auth) if path]
    names = (settings.spelled("host"), settings.spelled("port"))
    with listen(settings.host, settings.port, bool(settings.tls_cert), settings.insecure, names) as address:
        changes = {"data_dir": directory, "oss_host": address.url, "hide": (*settings.hide, *private)}
        with LocalService.from_settings(settings.model_copy(update=changes), address.url) as service:
            pair = KeyFile(directory / "credentials.json").ensure(os.environ)
            print(f"data directory {directory}; access key id {pair.access_key_id}", flush=True)  # noqa: T201
            if settings.print_credentials:
                print(f"access key secret {pair.access_key_secret}", flush=True)  # noqa: T201
            # Objects of the start stay until the end, so later collections skip them.
            gc.freeze()
            gc.enable()
            serve(service, address, str(settings.tls_cert or ""), str(settings.tls_key or ""), token)


serve_command: Leaf = Leaf(
    "serve",
    globals_=OF_SERVER,
    callback=_serve,
    params=settings_options(),
    help=inspect.getdoc(_serve),
    epilog=examples(
        "batchcompute serve --print-credentials",
        "batchcompute serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key",
    ),
)
"""The command."""


def _check_extra() -> None:
    """Check that the extra is installed, before anything is made on disk.

    Raises:
        ConfigError: A module of it is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"serve needs {' and '.join(missing)}, of the extra serve: {install_command('serve')}"
        )


def _check_certificate(settings: Settings) -> None:
    """Check that the certificate and its key can be used, before anything is made on disk.

    Raises:
        ConfigError: They cannot be used.
    """
    if settings.tls_cert is None:
        return
    import ssl

    key = f"{settings.spelled('tls_key')} {settings.tls_key}"

    def refuse() -> str:
        # Without this function, OpenSSL asks for the pass phrase on the terminal, each time that the key is read.
        raise ConfigError(
            f"{key} is encrypted; a server needs a key without a pass phrase: openssl pkey -in KEY -out NEW"
        )

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key, refuse)
    except OSError as error:
        raise ConfigError(
            f"{settings.spelled('tls_cert')} {settings.tls_cert} and {key} cannot be used: {error}"
        ) from error
