"""The four kinds of client with one interface: synchronous and asynchronous, over httpx and over httpx2."""

# respx mocks only httpx, so the transports of httpx2 pass their requests to a client of httpx.

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2

from batchcompute import AsyncClient, Client
from batchcompute.http.transport import tls_context

KINDS = ["sync", "async", "sync-httpx2", "async-httpx2"]


def _translated(error: httpx.RequestError) -> Exception:
    made: Exception = getattr(httpx2, type(error).__name__)(str(error))
    return made


def _answer(response: httpx.Response) -> httpx2.Response:
    kept = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
    return httpx2.Response(response.status_code, headers=kept, content=response.content)


class Bridge(httpx2.BaseTransport):
    def __init__(self) -> None:
        # The construction of a context takes 20 ms, and more than a thousand tests have a bridge.
        self.http = httpx.Client(verify=tls_context())

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        there = httpx.Request(
            request.method, str(request.url), headers=request.headers.raw, content=request.read()
        )
        try:
            return _answer(self.http.send(there))
        except httpx.RequestError as error:
            raise _translated(error) from error

    def close(self) -> None:
        self.http.close()


class AsyncBridge(httpx2.AsyncBaseTransport):
    def __init__(self) -> None:
        self.http = httpx.AsyncClient(verify=tls_context())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        there = httpx.Request(request.method, str(request.url), headers=request.headers.raw, content=body)
        try:
            return _answer(await self.http.send(there))
        except httpx.RequestError as error:
            raise _translated(error) from error

    async def aclose(self) -> None:
        await self.http.aclose()


class Driven:
    """An `AsyncClient` with its own event loop and the interface of a `Client`."""

    def __init__(self, client: AsyncClient, runner: asyncio.Runner, own: Any) -> None:
        self.client, self._runner, self._own = client, runner, own

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        return self._driven(found) if callable(found) else found

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("client", "_runner", "_own"):
            object.__setattr__(self, name, value)
        else:
            setattr(self.client, name, value)

    def _driven(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            if isinstance(found, AsyncClient):
                return Driven(found, self._runner, self._own)
            if hasattr(found, "__anext__"):
                return DrivenItems(found, self._runner)
            return self._runner.run(found) if asyncio.iscoroutine(found) else found

        return call

    def close(self) -> None:
        self._runner.run(self.client.aclose())

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.client)


class DrivenItems:
    def __init__(self, items: Any, runner: asyncio.Runner) -> None:
        self._items, self._runner = items, runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._items, name)
        return (lambda: DrivenItems(found(), self._runner)) if callable(found) else found

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        async def step() -> Any:
            return await anext(self._items)

        try:
            return self._runner.run(step())
        except StopAsyncIteration:
            raise StopIteration from None


class Kind:
    """Creates clients of one kind, and closes their resources after a test."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._closing: list[Callable[[], object]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(Client, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name == "sync":
            client: Any = Client(*args, **kwargs)
        elif self.name == "sync-httpx2":
            http = httpx2.Client(transport=Bridge())
            self._closing.append(http.close)
            client = Client(*args, http_client=http, **kwargs)
        else:
            runner = asyncio.Runner()
            given = httpx2.AsyncClient(transport=AsyncBridge()) if self.name == "async-httpx2" else None

            async def make() -> AsyncClient:
                return AsyncClient(*args, http_client=given, **kwargs)

            self._closing.append(runner.close)
            if given is not None:
                self._closing.append(lambda: runner.run(given.aclose()))
            client = Driven(runner.run(make()), runner, given)
        self._closing.append(client.close)
        return client

    def close(self) -> None:
        for close in reversed(self._closing):
            close()
