"""The HTTP server of `batchcompute serve`: its socket, its start and its end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import re
import signal
import threading
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
from batchcompute.service.transports.addresses import reachable_addresses

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService

__all__ = ["ServerAddress", "listen", "serve"]

_log = logging.getLogger("batchcompute.service.http")

_BACKLOG = 64
"""Connections that wait to be accepted, and that are accepted in one turn of the event loop."""

_TICKS = 5
"""Turns of uvicorn, of a tenth of a second each, between two looks at the data directory."""

_THREADS = 16
"""Threads for requests to object storage and for requests that change jobs."""


def check_address(host: str, tls: bool, allowed: bool, setting: str = "--host") -> None:
    """Refuse to serve other machines in plain text unless that is allowed.

    Args:
        host: Address to listen on.
        tls: Whether TLS is used.
        allowed: Whether plain text is allowed.
        setting: Name of the setting of the address, for messages.

    Raises:
        ConfigError: Other machines can reach the address, and neither TLS nor plain text is allowed.
    """
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if not inside and not tls and not allowed:
        raise ConfigError(
            f"{setting} {host} can be reached by others, and requests would cross the network in plain text: give "
            "--tls-cert and --tls-key, or --insecure if something else protects it"
        )


@contextlib.contextmanager
def _announced(directory: Path, url: str, tls_cert: str) -> Generator[None]:
    """Announce the server in the data directory, so that ``LOCAL`` finds it and trusts its certificate."""
    file = directory / "server.json"
    announcement: dict[str, object] = {"url": url, "pid": os.getpid()}
    if tls_cert:
        # The first certificate in the file is that of the server, the others are its authorities.
        match = re.search(
            r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----",
            Path(tls_cert).read_text("ascii", "replace"),
            re.DOTALL,
        )
        announcement["certificate"] = match[0] if match else ""
    write_private(file, json.dumps(announcement))
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            # The directory may have been moved away, and another server may have announced itself at its path.
            if json.loads(file.read_text("utf-8")) == announcement:
                file.unlink()


@contextlib.contextmanager
def _deferring_signals(server: Any) -> Generator[None]:
    """Ignore signals after the server has ended, so that the service can end its jobs.

    uvicorn raises the signals that ended it again when it is done. Their default action would end the process
    at once. A signal that arrives before uvicorn has installed its handlers ends the server, too.
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
class ServerAddress:
    """The address at which a server listens."""

    socket: socket
    """The listening socket."""
    url: str
    """URL of the server, as this machine reaches it."""
    others: tuple[str, ...] = ()
    """URLs at which other machines may reach a server that listens on all addresses."""


@contextlib.contextmanager
def listen(
    host: str = "127.0.0.1",
    port: int = 8790,
    tls: bool = False,
    insecure: bool = False,
    settings: tuple[str, str] = ("--host", "--port"),
) -> Generator[ServerAddress]:
    """Open the listening socket, so that its address is known before the service starts.

    Args:
        host: Address to listen on.
        port: Port; 0 for any free port.
        tls: Whether TLS is used.
        insecure: Whether plain text is allowed for other machines.
        settings: Names of the settings of address and port, for messages.

    Raises:
        ConfigError: The address is not allowed or is in use, or the extra ``serve`` is not installed.
    """
    check_address(host, tls, insecure, settings[0])
    try:
        import_module("starlette")

        listener = _listen(host, port)
    except ImportError:
        raise ConfigError(f"serving needs uvicorn and starlette: {install_command('serve')}") from None
    except (OSError, OverflowError, UnicodeError) as error:
        names = " and ".join(settings)
        raise ConfigError(f"cannot listen on {host}:{port} ({names}): {error}") from error
    with listener:
        # The loopback address reaches a socket that listens on all addresses.
        reached = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        scheme, bound = "https" if tls else "http", listener.getsockname()[1]
        others = tuple(_url(scheme, other, bound) for other in reachable_addresses(listener))
        yield ServerAddress(listener, _url(scheme, reached, bound), others)


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def serve(
    service: LocalService,
    address: ServerAddress,
    tls_cert: str = "",
    tls_key: str = "",
    metrics_token: str = "",
) -> None:
    """Serve until a signal ends the process (SIGINT or SIGTERM).

    Args:
        service: The service.
        address: Address of the server, from `listen`.
        tls_cert: File with the certificate; empty for plain HTTP.
        tls_key: File with the private key of the certificate.
        metrics_token: With this token, other machines may read ``/metrics``; without one, only this machine.

    Raises:
        ConfigError: The certificate cannot be used.
    """
    import uvicorn

    from batchcompute.service.transports.asgi import create_app
    from batchcompute.service.transports.connections import Listener, guarded_protocol, limits_for

    limits = limits_for(service.slots)
    if isinstance(address.socket, Listener):
        address.socket.most_open = limits.total + _BACKLOG
    try:
        config = uvicorn.Config(
            create_app(service, url=address.url, metrics_token=metrics_token),
            http=guarded_protocol(limits),
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
            # Requests that wait for a job end now. Otherwise the server would wait for them.
            service.end_waits()
            super().handle_exit(sig, frame)

        async def startup(self, sockets: list[socket] | None = None) -> None:
            asyncio.get_running_loop().set_default_executor(
                ThreadPoolExecutor(_THREADS, "batchcompute-request")
            )
            await super().startup(sockets)

        async def on_tick(self, counter: int) -> bool:
            if counter % _TICKS == 0 and service._lock.is_displaced():
                # What this server would confirm from now on would be on no disk that somebody finds again.
                _log.error(
                    "the data directory %s was moved or removed; the server ends. End it with `batchcompute down` "
                    "before you do that",
                    service.data_dir,
                )
                service.end_waits()
                return True
            return await super().on_tick(counter)

    server = Server(config)
    service.address = address.url
    with _announced(service.data_dir, address.url, tls_cert), _deferring_signals(server):
        _log.info("serving %s at %s", service.data_dir, address.url)
        _probe_in_background()
        _log.info("at most %d connections, %d of one address", limits.total, limits.per_address)
        print(f"batchcompute is served at {address.url}", flush=True)  # noqa: T201
        if address.others:
            print(f"other machines reach it at {', '.join(address.others)}", flush=True)  # noqa: T201
        server.run(sockets=[address.socket])
    _log.info("serving has ended")


def _probe_in_background() -> None:
    """Log whether bubblewrap works. The probe runs a program, and the server is ready without its result."""
    try:
        threading.Thread(target=_log_sandboxes, name="batchcompute-probe").start()
    except RuntimeError as error:
        _log.info("bubblewrap cannot be probed at this moment: %s", error)


def _log_sandboxes() -> None:
    try:
        _log.info("%s", sandbox.probe().described())
    except OSError as error:
        _log.info("bubblewrap cannot be probed at this moment: %s", error)


def _listen(host: str, port: int) -> socket:
    from batchcompute.service.transports.connections import Listener

    # The protocol is explicit, because asyncio sets TCP_NODELAY only on sockets with this protocol.
    listener = Listener(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, IPPROTO_TCP)
    try:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Before the address is announced, so that clients can connect to it.
        listener.listen(_BACKLOG)
    except (OSError, OverflowError, UnicodeError):
        listener.close()
        raise
    return listener
