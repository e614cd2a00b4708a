"""Helpers for the tests of the page."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

import httpx
import uvicorn

from batchcompute.service import LocalService
from batchcompute.service.transports.asgi import create_app

HTML = {"accept": "text/html"}
ORIGIN = "http://page.test"


class Visitor:
    """A browser without JavaScript: it keeps cookies and posts forms."""

    def __init__(self, service: LocalService, url: str = ORIGIN) -> None:
        self._app = create_app(service)
        self._url = url
        self.address = "203.0.113.9"
        self.cookies: dict[str, str] = {}

    def send(
        self, method: str, target: str, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        return asyncio.run(self._send(method, target, {**HTML, **(headers or {})}, options))

    async def _send(
        self, method: str, target: str, headers: dict[str, str], options: dict[str, Any]
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, client=(self.address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=self._url, cookies=self.cookies) as client:
            response = await client.request(method, target, headers=headers, **options)
        for header in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    self.cookies.pop(name)
        return response

    def get(self, target: str, **headers: str) -> httpx.Response:
        return self.send("GET", target, headers)

    def post(self, target: str, _headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        return self.send("POST", target, {"origin": self._url, **(_headers or {})}, data=form)

    def log_in(self, access_key_id: str = "id", secret: str = "s3cret", next: str = "/") -> httpx.Response:
        return self.post("/-/login", id=access_key_id, secret=secret, next=next)

    def token(self) -> str:
        match = re.search('name="token" value="([0-9a-f]{64})"', self.get("/").text)
        assert match is not None
        return match[1]


@contextmanager
def serving(service: LocalService) -> Iterator[str]:
    """Serve a service in a thread, and yield its URL."""
    config = uvicorn.Config(
        create_app(service), port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        service.end_waits()
        server.should_exit = True
        thread.join()
