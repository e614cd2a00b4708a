"""A service that is served over HTTP by this process, so that a test can reach into it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from batchcompute.service import LocalService
from batchcompute.service.transports.asgi import create_app


@contextmanager
def served_in_process(service: LocalService) -> Iterator[str]:
    """Serve a service on a free port; yield its URL."""
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, *args: object, **options: object) -> None:
            await super().startup(*args, **options)  # type: ignore[arg-type]
            started.set()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    server = Server(uvicorn.Config(create_app(service), port=0, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(20)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
