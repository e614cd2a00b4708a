"""What serves the application: where it listens, and how it begins and ends."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import re
import signal
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from types import FrameType
from typing import TYPE_CHECKING, Any

from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.runner import sandbox
from batchcompute.service.data_directory import write_private

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService

__all__ = ["Place", "listen", "serve"]

_log = logging.getLogger("batchcompute.service.http")

_BACKLOG = 64
"""Connections that are accepted at a time, and that wait to be; each takes a descriptor at once."""

_THREADS = 16
"""Threads for requests about objects."""


def check_address(host: str, tls: bool, allowed: bool) -> None:
    """Refuse to serve others in plain text unless that was asked for.

    Raises:
        ConfigError: The address is none of this machine's own, and neither TLS nor the flag is given.
    """
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if not inside and not tls and not allowed:
        raise ConfigError(
            f"{host} can be reached by others, and requests would cross the network in plain text: give "
            "--tls-cert and --tls-key, or --insecure if something else protects it"
        )


@contextlib.contextmanager
def _announced(directory: Path, url: str, tls_cert: str) -> Generator[None]:
    """Say in the data directory where its server is, so that ``LOCAL`` finds it, and trusts its certificate."""
    file = directory / "server.json"
    said = {"url": url, "pid": os.getpid()}
    if tls_cert:
        # The first one in the file is the server's own; the others vouch for it.
        found = re.search(
            r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----",
            Path(tls_cert).read_text("ascii", "replace"),
            re.DOTALL,
        )
        said["certificate"] = found[0] if found else ""
    write_private(file, json.dumps(said))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def _outliving_signals(server: Any) -> Generator[None]:
    """Let the end of the server be followed by that of the service.

    uvicorn raises the signals that ended it once more when it is done, and what they do by default
    would end the process before its jobs are taken care of. One that comes before it has handlers of
    its own ends it all the same.
    """

    def end(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens."""

    socket: socket
    """The listening socket."""
    url: str
    """Its URL, as this machine reaches it."""


@contextlib.contextmanager
def listen(
    host: str = "127.0.0.1", port: int = 8790, tls: bool = False, insecure: bool = False
) -> Generator[Place]:
    """Open the place where a service is to be served, so that it can be told before anything runs.

    Args:
        host: Address to listen on.
        port: Port; 0 for any that is free.
        tls: Whether TLS is served there.
        insecure: Whether other machines may be served in plain text.

    Raises:
        ConfigError: The address may not be served so, or is in use, or the extra ``serve`` is not installed.
    """
    check_address(host, tls, insecure)
    try:
        import_module("starlette")

        listener = _listen(host, port)
    except ImportError:
        raise ConfigError(f"serving needs uvicorn and starlette: {install_command('serve')}") from None
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error
    with listener:
        # An address that stands for all of them is reached from here by the loopback.
        reached = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        shown = f"[{reached}]" if ":" in reached else reached
        yield Place(listener, f"http{'s' if tls else ''}://{shown}:{listener.getsockname()[1]}")


def serve(service: LocalService, place: Place, tls_cert: str = "", tls_key: str = "") -> None:
    """Serve until the process is told to end (SIGINT, SIGTERM).

    Args:
        service: The service.
        place: Where.
        tls_cert: File of a certificate, for TLS.
        tls_key: File of its key.

    Raises:
        ConfigError: The certificate cannot be used.
    """
    import uvicorn

    from batchcompute.service.transports.asgi import create_app
    from batchcompute.service.transports.connections import Listener, guarded, limits_for

    limits = limits_for(service.slots)
    if isinstance(place.socket, Listener):
        place.socket.most = limits.total + _BACKLOG
    try:
        config = uvicorn.Config(
            create_app(service, url=place.url),
            http=guarded(limits),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="off",
            backlog=_BACKLOG,
            ssl_certfile=tls_cert or None,
            ssl_keyfile=tls_key or None,
            timeout_graceful_shutdown=10,
        )
        if tls_cert:
            config.load()
    except OSError as error:
        raise ConfigError(f"the certificate {tls_cert} cannot be used: {error}") from error

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # Who waits for a job is told now; else the end of the server would wait with them.
            service.give_up_waits()
            super().handle_exit(sig, frame)

        async def startup(self, sockets: list[socket] | None = None) -> None:
            asyncio.get_running_loop().set_default_executor(
                ThreadPoolExecutor(_THREADS, "batchcompute-request")
            )
            await super().startup(sockets)

    server = Server(config)
    with _announced(service.data_dir, place.url, tls_cert), _outliving_signals(server):
        _log.info("serving %s at %s; %s", service.data_dir, place.url, _sandboxes())
        _log.info("at most %d connections, %d of one address", limits.total, limits.per_address)
        print(f"batchcompute is served at {place.url}", flush=True)  # noqa: T201
        server.run(sockets=[place.socket])
    _log.info("serving has ended")


def _sandboxes() -> str:
    try:
        return sandbox.probe().described()
    except OSError as error:
        return f"whether bubblewrap can be used is not known yet: {error}"


def _listen(host: str, port: int) -> socket:
    from batchcompute.service.transports.connections import Listener

    # Named, because asyncio switches Nagle's delay off only for sockets that say that they are of TCP.
    listener = Listener(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, IPPROTO_TCP)
    try:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Before its place is told, so that whoever is told can connect.
        listener.listen(_BACKLOG)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener
