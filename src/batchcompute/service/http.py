"""The service over HTTP: an ASGI application around `LocalService.dispatch`, and what runs it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import signal
from collections.abc import Generator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from types import FrameType
from typing import TYPE_CHECKING, Any

from batchcompute.errors import ConfigError
from batchcompute.service.objects.signatures import is_for_objects
from batchcompute.service.runtime import sandbox
from batchcompute.service.waits import in_thread
from batchcompute.service.wire import Request, takes_long

if TYPE_CHECKING:
    from batchcompute.service.local import LocalService

__all__ = ["Application", "Place", "listen", "serve"]

_log = logging.getLogger("batchcompute.service.http")

LARGEST_REQUEST = 300 * 1024
"""Bytes of a body of the API that are read; the API itself refuses more than 256 KB (reference, 1.2)."""

LARGEST_OBJECT = 512 * 1024**2
"""Bytes of an object, or of a part of one, that may be put at once."""


class Application:
    """An ASGI application that answers for one service.

    Args:
        service: The service.
    """

    def __init__(self, service: LocalService) -> None:
        self._service = service

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers[name.decode("latin-1")] = value.decode("utf-8", "replace")
        if scope["path"] == "/openapi.json" and scope["method"] == "GET":
            # The description of the API is nobody's secret.
            body = files("batchcompute.service").joinpath("openapi.json").read_bytes()
            kind = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode("ascii")),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            await send({"type": "http.response.body", "body": body})
            return
        request = Request(scope["method"], target, headers)
        for_objects = is_for_objects(request)
        limit = LARGEST_OBJECT if for_objects else LARGEST_REQUEST
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            piece = message.get("body", b"")
            size += len(piece)
            if size <= limit:
                # What is too long is read to its end, so that the refusal can be read; zeros take its place.
                pieces.append(piece)
            if not message.get("more_body"):
                break
        if size > limit and for_objects:
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        body = b"".join(pieces) if size <= limit else bytes(limit)
        request = Request(request.method, target, headers, body)
        # Objects may be large, and their files slow; the API's own answers take less than a thread costs.
        if takes_long(request):
            response = await in_thread(lambda: self._service.dispatch(request))
        elif for_objects:
            response = await asyncio.to_thread(self._service.dispatch, request)
        else:
            response = self._service.dispatch(request)
        raw = [(name.encode("latin-1"), value.encode("utf-8")) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        if response.stream is not None:
            while piece := await asyncio.to_thread(next, response.stream, b""):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": response.body})


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
def _announced(directory: Path, url: str) -> Generator[None]:
    """Say in the data directory where its server is, so that ``LOCAL`` finds it."""
    file = directory / "server.json"
    file.write_text(json.dumps({"url": url, "pid": os.getpid()}), "utf-8")
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
        ConfigError: The address may not be served so, or is in use.
    """
    check_address(host, tls, insecure)
    try:
        listener = _listen(host, port)
    except OSError as error:
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
        ConfigError: The certificate cannot be used, or an extra is not installed.
    """
    try:
        import uvicorn
    except ImportError:
        raise ConfigError("serving needs uvicorn: pip install 'batchcompute[serve]'") from None
    try:
        config = uvicorn.Config(
            Application(service),
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="off",
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

    server = Server(config)
    with _announced(service.data_dir, place.url), _outliving_signals(server):
        _log.info("serving %s at %s; %s", service.data_dir, place.url, sandbox.probe().described())
        print(f"batchcompute is served at {place.url}", flush=True)  # noqa: T201
        server.run(sockets=[place.socket])
    _log.info("serving has ended")


def _listen(host: str, port: int) -> socket:
    # Named, because asyncio switches Nagle's delay off only for sockets that say that they are of TCP.
    listener = socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, IPPROTO_TCP)
    try:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Before its place is told, so that whoever is told can connect.
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
