"""Benchmarks of the clients: the cost of a call over the bare HTTP library, and memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import socketserver
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2

from batchcompute import AsyncClient, Client
from benchmarks.common import Row, best, ratio

TLS = Path(__file__).parent.parent / "tests" / "client" / "tls"
JOB = {"Id": "job-1", "Name": "demo", "State": "Running", "Message": ""}
PAGES = 1000


def _http(content: Any) -> bytes:
    body = json.dumps(content).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


REPLY = _http(JOB)


class _Handler(socketserver.BaseRequestHandler):
    """Answers with as little work as possible, so that the client dominates the measurement."""

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := self.request.recv(65536):
            assert data.endswith(b"\r\n\r\n")
            if data.startswith(b"GET /jobs/job-1 HTTP/1.1"):
                self.request.sendall(REPLY)
                continue
            # A page of the list; its marker is its number.
            assert data.startswith(b"GET /jobs?Marker")
            marker = data.partition(b"Marker=")[2].partition(b"&")[0] if b"Marker=" in data[:30] else b"0"
            number = int(marker)
            items = [{**JOB, "Id": f"job-{number * 100 + index}"} for index in range(100)]
            self.request.sendall(
                _http({"Items": items, "NextMarker": str(number + 1) if number + 1 < PAGES else ""})
            )


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 256
    daemon_threads = True


class _TlsServer(_Server):
    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "server.pem")
        return context.wrap_socket(connection, server_side=True), address


def serve(kind: str = "plain") -> None:
    """Run the server, and print its port."""
    server = (_TlsServer if kind == "tls" else _Server)(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


@contextlib.contextmanager
def serving(kind: str = "plain") -> Iterator[str]:
    """Run the server in a separate process, so that its work does not count as the client's."""
    command = [sys.executable, "-m", "benchmarks", "serve", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            yield f"http{'s' if kind == 'tls' else ''}://127.0.0.1:{port}"
        finally:
            server.kill()


def _middle(found: list[tuple[float, float]]) -> tuple[float, float]:
    return sorted(found, key=lambda pair: pair[0] / pair[1])[len(found) // 2]


def requests() -> Iterable[Row]:
    with serving() as url:
        yield _sync("signed GET on a kept-alive connection over bare httpx, sync", url, httpx.Client, False)
        yield asyncio.run(_tasks("50 tasks at once over bare httpx, async", url, httpx.AsyncClient, False))
        yield _sync(
            "the same with an injected httpx2 client over bare httpx2, sync", url, httpx2.Client, True
        )
        yield asyncio.run(_tasks("the same, 50 tasks, async", url, httpx2.AsyncClient, True))
    with serving("tls") as url:
        yield _first(url)


def _sync(
    what: str, url: str, library: Callable[[], Any], inject: bool, count: int = 300, rounds: int = 9
) -> Row:
    found = []
    with library() as bare, library() as given:
        with Client(url, "id", "secret", http_client=given if inject else None) as client:
            assert client.get_job("job-1").State == "Running"
            assert bare.get(f"{url}/jobs/job-1").json()["State"] == "Running"
            for _ in range(rounds):
                ours = best(lambda: [client.get_job("job-1") for _ in range(count)], 1) / count
                theirs = best(lambda: [bare.get(f"{url}/jobs/job-1") for _ in range(count)], 1) / count
                found.append((ours, theirs))
    return ratio(what, *_middle(found), 1.25)


async def _tasks(
    what: str, url: str, library: Callable[[], Any], inject: bool, count: int = 1000, rounds: int = 7
) -> Row:
    async def all_of(call: Callable[[], Any]) -> float:
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await call()

        start = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(50)))
        return (time.perf_counter() - start) / count

    found = []
    async with library() as bare, library() as given:
        async with AsyncClient(url, "id", "secret", http_client=given if inject else None) as client:
            assert (await client.get_job("job-1")).State == "Running"
            for _ in range(rounds):
                ours = await all_of(lambda: client.get_job("job-1"))
                found.append((ours, await all_of(lambda: bare.get(f"{url}/jobs/job-1"))))
    return ratio(what, *_middle(found), 1.25)


def _first(url: str) -> Row:
    """Measure a new client until its first response over TLS, with the certificates already loaded."""
    context = ssl.create_default_context(cafile=str(TLS / "cert.pem"))
    times = []
    for _ in range(15):
        start = time.perf_counter()
        with Client(url, "id", "secret", verify=context) as client:
            assert client.get_job("job-1").State == "Running"
            times.append((time.perf_counter() - start) * 1000)
    half = statistics.median(times)
    return Row(
        "a new client and its first answer, TLS with a warm context, median",
        f"{half:.1f} ms",
        "<= 30 ms",
        half <= 30,
    )


# -- memory ---------------------------------------------------------------------------------------


def _resident() -> float:
    """Return the resident memory of this process in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def calls(url: str) -> None:
    """Print the growth of the process during 10,000 calls, after 1,000 calls to warm up."""
    with Client(url, "id", "secret") as client:
        for _ in range(1000):
            assert client.get_job("job-1").State == "Running"
        before = _resident()
        for _ in range(10_000):
            client.get_job("job-1")
        print(_resident() - before)


def pages(url: str) -> None:
    """Print the growth of the process while it iterates over 100,000 jobs, after the first 10,000."""
    before, count = 0.0, 0
    with Client(url, "id", "secret") as client:
        for count, job in enumerate(client.iter_jobs(), 1):  # noqa: B007
            if count == 10_000:
                before = _resident()
        assert count == PAGES * 100
        assert job.Id == f"job-{count - 1}"
        print(_resident() - before)


def memory() -> Iterable[Row]:
    if not Path("/proc/self/statm").exists():
        return
    with serving() as url:
        for part, what in (
            ("calls", "growth of the process over 10,000 calls"),
            ("pages", "growth over 100,000 jobs iterated page by page"),
        ):
            command = [sys.executable, "-m", "benchmarks", part, url]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            grown = float(done.stdout)
            yield Row(what, f"{grown:.2f} MB", "< 2 MB", grown < 2)


PARTS: dict[str, Callable[..., None]] = {"serve": serve, "calls": calls, "pages": pages}
