"""Responses that exceed the size limit, with each kind of client."""

from __future__ import annotations

import asyncio
import gzip
import json
import pickle
import socketserver
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import respx

from batchcompute import (
    LOCAL,
    AsyncClient,
    Client,
    ConfigError,
    LogsUnavailable,
    OutcomeUnknown,
    ProtocolError,
    ResponseError,
    ResponseTooLarge,
    RetryPolicy,
)
from batchcompute.api.call import Call
from batchcompute.api.operations import OPERATIONS
from batchcompute.client._exchange import ResponseReader
from batchcompute.http.oss import get_object
from batchcompute.http.transport import MAX_RESPONSE_BYTES
from batchcompute.service import LocalService
from tests.client.kinds import KINDS, Driven, Kind
from tests.client.test_calls import JOB
from tests.client.test_waiting import instance_with
from tests.service.test_serve import serving

LIMIT = 64 * 1024
MEGABYTE = 1024**2
Options = dict[str, Any]


class Server(socketserver.ThreadingTCPServer):
    """A server that responds to each request with raw bytes, and detects when a client disconnects."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[str], Iterable[bytes]]) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self.sent = 0
        self.hung_up = threading.Event()
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                server.connections += 1
                try:
                    while line := self.rfile.readline():
                        self._one(line.decode())
                except OSError:
                    server.hung_up.set()

            def _one(self, line: str) -> None:
                length = 0
                while (header := self.rfile.readline().strip()) != b"":
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.partition(b":")[2])
                self.rfile.read(length)
                server.requests.append(line)
                for piece in answer(line.split()[1]):
                    self.wfile.write(piece)
                    server.sent += len(piece)

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def plain(body: bytes, *lines: str, status: str = "200 OK") -> list[bytes]:
    return [head(*lines, f"Content-Length: {len(body)}", status=status), body]


def chunked(pieces: Iterable[bytes], *lines: str) -> Iterator[bytes]:
    yield head(*lines, "Transfer-Encoding: chunked")
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def object_of(size: int) -> bytes:
    """Return a JSON object of a size in bytes."""
    made = json.dumps({"Id": "j", "Name": ""}).encode()
    return made.replace(b'""', b'"' + b"x" * (size - len(made)) + b'"')


def packed(size: int, window: int) -> bytes:
    """Return compressed zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    zeros = bytes(MEGABYTE)
    pieces = [packer.compress(zeros) for _ in range(size // MEGABYTE)]
    return b"".join([*pieces, packer.flush()])


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Return 256 MiB of zeros, compressed to 256 KiB."""
    return packed(256 * MEGABYTE, zlib.MAX_WBITS | 16)


def ways() -> list[Any]:
    """Return the kinds of client, each without and with a deadline."""
    return [
        pytest.param((kind, deadline), id=f"{kind}{'-deadline' if deadline else ''}")
        for kind in KINDS
        for deadline in (None, 60)
    ]


@pytest.fixture(params=ways())
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Return a function that creates clients with real connections; the two for httpx2 get an HTTP client."""
    kind, deadline = request.param
    closing: list[Callable[[], object]] = []

    def made(url: str, **options: Any) -> Any:
        options = {"retry": RetryPolicy(first_delay=0, longest_delay=0, deadline=deadline), **options}
        if kind.startswith("sync"):
            given = httpx2.Client() if kind.endswith("httpx2") else None
            client = Client(url, "id", "secret", http_client=given, **options)
            closing.extend([client.close] if given is None else [given.close])
            return client
        runner = asyncio.Runner()

        async def make_async() -> AsyncClient:
            own = httpx2.AsyncClient() if kind.endswith("httpx2") else None
            client = AsyncClient(url, "id", "secret", http_client=own, **options)
            closing.extend(
                [runner.close, lambda: runner.run(client.aclose() if own is None else own.aclose())]
            )
            return client

        return Driven(runner.run(make_async()), runner, None)

    yield made
    for close in reversed(closing):
        close()


@contextmanager
def peak_below(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


# -- rejected and accepted responses --------------------------------------------------------------


CODINGS: dict[str, Callable[[bytes], list[bytes]]] = {
    "plain": lambda body: plain(body),
    "chunked": lambda body: list(chunked([body[:10], body[10:]])),
    "gzip": lambda body: plain(gzip.compress(body), "Content-Encoding: gzip"),
    "gzip-chunked": lambda body: list(chunked([gzip.compress(body)], "Content-Encoding: GZip")),
    "deflate": lambda body: plain(zlib.compress(body), "Content-Encoding: deflate"),
    "deflate-bare": lambda body: plain(zlib.compress(body, wbits=-15), "Content-Encoding: deflate"),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_the_limit_is_exact(make: Callable[..., Any], coding: str) -> None:
    at_limit, above = CODINGS[coding](object_of(LIMIT)), CODINGS[coding](object_of(LIMIT + 1))
    with Server(lambda target: above if target == "/jobs/above" else at_limit) as server:
        client = make(server.url, max_response_bytes=LIMIT)
        for _ in range(2):
            assert client.get_job("at-limit").Name == json.loads(object_of(LIMIT))["Name"]
        with pytest.raises(ResponseTooLarge):
            client.get_job("above")
        # The rest of the rejected response is not used as the next response.
        assert client.get_job("at-limit").Id == "j"
        assert len(server.requests) == 4
        assert server.connections <= 2


def test_the_error_has_operation_limit_and_origin(make: Callable[..., Any]) -> None:
    lines = ("x-acs-request-id: r-1",)
    with Server(lambda _: plain(b" " * (LIMIT + 1), *lines, status="503 Busy")) as server:
        client = make(server.url, max_response_bytes=LIMIT)
        with pytest.raises(ResponseTooLarge) as caught:
            client.list_jobs("", 10, State="Running")
        error = caught.value
        for part in ("list_jobs (GET /jobs)", server.url, f"{LIMIT} bytes", "max_response_bytes"):
            assert part in str(error)
        assert (error.status, error.request_id, error.body) == (503, "r-1", b"")
        assert (error.limit, error.operation) == (LIMIT, "list_jobs")
        assert isinstance(error, ResponseError)
        # Not even a 503 is retried, because the next response would be as large.
        assert len(error.attempts) == len(server.requests) == 1
        again = pickle.loads(pickle.dumps(error))
        assert (again.limit, again.operation, str(again)) == (LIMIT, "list_jobs", str(error))
        with pytest.raises(OutcomeUnknown) as unknown:
            client.create_job(JOB)
        assert isinstance(unknown.value.__cause__, ResponseTooLarge)
        assert unknown.value.token
        assert len(server.requests) == 2


def test_a_decompression_bomb_does_not_fill_the_memory(make: Callable[..., Any], bomb: bytes) -> None:
    answers = {
        "/jobs/plain": plain(bomb, "Content-Encoding: gzip"),
        "/jobs/chunked": list(chunked([bomb], "Content-Encoding: gzip")),
        "/jobs/small": plain(gzip.compress(b'{"Id": "j"}'), "Content-Encoding: gzip"),
    }
    with Server(lambda target: answers[target]) as server:
        client = make(server.url, max_response_bytes=MEGABYTE)
        assert client.get_job("small").Id == "j"
        with peak_below(8 * MEGABYTE):
            for name in ("plain", "chunked"):
                with pytest.raises(ResponseTooLarge):
                    client.get_job(name)
        assert client.get_job("small").Id == "j"


def test_nested_content_codings_do_not_fill_the_memory(make: Callable[..., Any], bomb: bytes) -> None:
    """The client does not accept nested codings, so a server must not send them."""
    twice = plain(gzip.compress(bomb, 9), "Content-Encoding: gzip, gzip")
    with Server(lambda _: twice) as server:
        client = make(server.url, max_response_bytes=MEGABYTE)
        with peak_below(8 * MEGABYTE), pytest.raises(ResponseError, match="cannot parse the response"):
            client.get_job("j")


def test_an_endless_response_is_rejected(make: Callable[..., Any]) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    with Server(lambda _: chunked(endless())) as server:
        client = make(server.url, max_response_bytes=MEGABYTE)
        with peak_below(8 * MEGABYTE), pytest.raises(ResponseTooLarge):
            client.get_job("j")
        assert server.hung_up.wait(20), "the connection is closed, or this would be sent for ever"


def test_a_content_length_above_the_limit_is_rejected_at_once(make: Callable[..., Any]) -> None:
    """The server never sends the body, so a client that reads it would time out."""
    with Server(lambda _: [head("Content-Length: 1000000000000")]) as server:
        with pytest.raises(ResponseTooLarge):
            make(server.url, timeout=5, retry=RetryPolicy.none()).get_job("j")
        assert MAX_RESPONSE_BYTES == 64 * MEGABYTE


@cache
def larger_than_the_limit() -> list[bytes]:
    body = b" " * (MAX_RESPONSE_BYTES + 1) + b'{"Id": "j"}'
    return plain(gzip.compress(body, 1), "Content-Encoding: gzip")


def test_without_a_limit(make: Callable[..., Any]) -> None:
    answer = larger_than_the_limit()
    with Server(lambda _: answer) as server:
        assert make(server.url, max_response_bytes=None).get_job("j").Id == "j"
        with pytest.raises(ResponseTooLarge):
            make(server.url).get_job("j")


@pytest.mark.parametrize(
    "answer",
    [
        plain(gzip.compress(b'{"Id": "j"}')[:-9], "Content-Encoding: gzip"),
        plain(b'{"Id": "j"}', "Content-Encoding: gzip"),
        plain(b'{"Id": "j"}', "Content-Encoding: deflate"),
    ],
    ids=["cut short", "no gzip", "no deflate"],
)
def test_a_body_with_a_wrong_content_coding(make: Callable[..., Any], answer: list[bytes]) -> None:
    """The call is retried, as after any broken response."""
    answers = iter([answer, plain(b'{"Id": "j"}')])
    with Server(lambda _: next(answers)) as server:
        assert make(server.url).get_job("j").Id == "j"
        assert len(server.requests) == 2
    with Server(lambda _: answer) as server:
        with pytest.raises(ProtocolError, match="content coding|the compressed response .* is incomplete"):
            make(server.url, retry=RetryPolicy.none()).get_job("j")


def test_an_empty_body_with_a_content_coding(make: Callable[..., Any]) -> None:
    with Server(lambda _: plain(b"", "Content-Encoding: gzip")) as server:
        assert make(server.url).delete_job("j").StatusCode == 200


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_responses_that_an_event_hook_has_read(library: Any) -> None:
    def read(response: Any) -> None:
        response.read()

    sizes = {"/jobs/small": LIMIT, "/jobs/large": LIMIT + 1}
    with Server(lambda target: plain(object_of(sizes[target]))) as server:
        with library.Client(event_hooks={"response": [read]}) as http:
            client = Client(server.url, "id", "secret", http_client=http, max_response_bytes=LIMIT)
            assert client.get_job("small").Id == "j"
            with pytest.raises(ResponseTooLarge):
                client.get_job("large")


@pytest.mark.long
def test_tiny_pieces_need_no_additional_memory() -> None:
    response = httpx.Response(200, stream=httpx.ByteStream(b""))
    reader = ResponseReader(Call(OPERATIONS["get_job"], "/jobs/j", lambda raw: raw), "here", MEGABYTE)
    with peak_below(3 * MEGABYTE):
        reader.begin(response)
        for number in range(MEGABYTE // 2):
            reader.feed(b"%02d" % (number % 100))
        assert len(reader.end().body) == MEGABYTE


def test_endless_compressed_responses_without_content_are_rejected(make: Callable[..., Any]) -> None:
    """Empty blocks of deflate have no content after decompression, so only the received bytes count."""

    def nothing() -> Iterator[bytes]:
        packer = zlib.compressobj(wbits=31)
        yield packer.flush(zlib.Z_SYNC_FLUSH)
        block = b"".join(packer.flush(zlib.Z_FULL_FLUSH) or b"\x00\x00\x00\xff\xff" for _ in range(10_000))
        for _ in range(1000):
            yield block

    with Server(lambda _: chunked(nothing(), "Content-Encoding: gzip")) as server:
        with pytest.raises(ResponseTooLarge):
            make(server.url, max_response_bytes=LIMIT).get_job("j")
        assert server.hung_up.wait(20)


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "64", b"1"])
def test_invalid_limits(wrong: Any) -> None:
    for cls in (Client, AsyncClient):
        with pytest.raises(ConfigError, match=r"max_response_bytes .* 1 or more, or None .*not ") as caught:
            cls("cn-qingdao", "id", "secret", max_response_bytes=wrong)
        assert repr(wrong) in str(caught.value)


# -- connections ----------------------------------------------------------------------------------


def large_or_small(target: str) -> list[bytes]:
    return plain(object_of(LIMIT + 1 if target == "/jobs/large" else 100))


def test_rejected_responses_release_their_connections() -> None:
    with Server(large_or_small) as server:
        with Client(server.url, "id", "secret", max_response_bytes=LIMIT) as client:
            for _ in range(150):
                with pytest.raises(ResponseTooLarge):
                    client.get_job("large")
            assert client.get_job("small").Id == "j"
            pool: Any = client._pool.current()._transport_for_url(httpx.URL(server.url))
            (connection,) = pool._pool.connections
            assert connection.is_idle()
            assert not pool._pool._requests


async def test_rejected_responses_release_their_connections_asynchronously() -> None:
    """Sends more concurrent requests than connections, some with accepted responses."""
    with Server(large_or_small) as server:
        async with AsyncClient(server.url, "id", "secret", max_response_bytes=LIMIT) as client:
            names = ["large", "small"] * 150
            found = await asyncio.gather(*(client.get_job(name) for name in names), return_exceptions=True)
            for name, result in zip(names, found, strict=True):
                assert isinstance(result, ResponseTooLarge if name == "large" else object), result
                if name == "small":
                    assert not isinstance(result, BaseException)
            pool: Any = client._pool.current()._transport_for_url(httpx.URL(server.url))
            assert not pool._pool._requests
            assert all(connection.is_idle() for connection in pool._pool.connections)


# -- logs -----------------------------------------------------------------------------------------


class Storage:
    """A mock of an object storage with one object.

    Args:
        data: The object.
        supports_ranges: Whether it supports ranges.
        sends_content_range: Whether its responses have the header Content-Range.
    """

    def __init__(self, data: bytes, supports_ranges: bool = True, sends_content_range: bool = True) -> None:
        self.data = data
        self.supports_ranges, self.sends_content_range = supports_ranges, sends_content_range
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers["range"].removeprefix("bytes=")
        assert request.headers["x-oss-range-behavior"] == "standard"
        self.asked.append(asked)
        if not self.supports_ranges:
            return httpx.Response(200, content=self.data)
        size = len(self.data)
        first, _, last = asked.partition("-")
        start, end = (int(first), min(int(last) + 1, size)) if first else (max(0, size - int(last)), size)
        if start >= end:
            return httpx.Response(416)
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{size}"} if self.sends_content_range else {}
        return httpx.Response(206, content=self.data[start:end], headers=headers)


URL = "http://127.0.0.1:9"


def logs_of(kind: Kind, respx_mock: respx.MockRouter, storage: Storage, limit: int) -> Any:
    client = kind(URL, "id", "secret", max_response_bytes=limit, retry=RetryPolicy.none())
    respx_mock.get(url__startswith=f"{URL}/jobs").mock(side_effect=[instance_with("oss://b/k")] * 9)
    respx_mock.get(f"{URL}/b/k").mock(side_effect=storage)
    return client


@pytest.mark.parametrize("sends_content_range", [True, False], ids=["with ranges named", "without"])
def test_large_logs_are_read_in_pieces(
    kind: Kind, respx_mock: respx.MockRouter, sends_content_range: bool
) -> None:
    storage = Storage(
        "".join(f"line {number} ü\n" for number in range(300)).encode(),
        sends_content_range=sends_content_range,
    )
    client = logs_of(kind, respx_mock, storage, 1000)
    whole = storage.data.decode()
    assert client.logs("j", "t").stdout == whole
    assert storage.asked[:3] == ["0-999", "1000-1999", "2000-2999"]
    assert "".join(client.logs("j", "t", follow=True)) == whole
    assert client.logs("j", "t", tail=300).stdout.encode() == storage.data[-300:]
    assert storage.asked[-1] == "-300"


def test_large_tails_are_read_in_pieces(kind: Kind, respx_mock: respx.MockRouter) -> None:
    storage = Storage(bytes(range(1, 128)) * 40)
    client = logs_of(kind, respx_mock, storage, 1000)
    for tail in (999, 1000, 1001, 2500, len(storage.data) - 1, len(storage.data), 10**6):
        assert client.logs("j", "t", tail=tail).stdout.encode() == storage.data[-tail:]
    storage.asked.clear()
    client.logs("j", "t", tail=1500)
    assert storage.asked == ["-1000", f"{len(storage.data) - 1500}-{len(storage.data) - 501}"]
    storage.sends_content_range = False
    with pytest.raises(LogsUnavailable, match="expected a Content-Range header"):
        client.logs("j", "t", tail=1500)


@pytest.mark.parametrize("data", [b"", b"x", b"y" * 1000, b"z" * 2000])
def test_logs_of_various_sizes(kind: Kind, respx_mock: respx.MockRouter, data: bytes) -> None:
    for sends_content_range in (True, False):
        client = logs_of(kind, respx_mock, Storage(data, sends_content_range=sends_content_range), 1000)
        assert client.logs("j", "t").stdout == data.decode()
        assert client.logs("j", "t", tail=1).stdout == data[-1:].decode()
        assert "".join(client.logs("j", "t", follow=True)) == data.decode()


def test_object_storage_without_ranges(kind: Kind, respx_mock: respx.MockRouter) -> None:
    storage = Storage(b"abc" * 300, supports_ranges=False)
    client = logs_of(kind, respx_mock, storage, 1000)
    assert client.logs("j", "t").stdout == "abc" * 300
    assert client.logs("j", "t", tail=4).stdout == "cabc"
    storage.data *= 2
    with pytest.raises(LogsUnavailable, match="max_response_bytes") as caught:
        client.logs("j", "t")
    assert isinstance(caught.value.__cause__, ResponseTooLarge)


def test_object_storage_that_sends_another_range(kind: Kind, respx_mock: respx.MockRouter) -> None:
    client = logs_of(kind, respx_mock, Storage(b""), 1000)
    wrong = httpx.Response(206, content=b"x" * 10, headers={"Content-Range": "bytes 5-14/99"})
    respx_mock.get(f"{URL}/b/k").mock(side_effect=[wrong])
    with pytest.raises(LogsUnavailable, match="expected the object from byte 0, got it from byte 5"):
        client.logs("j", "t")


# -- LOCAL ----------------------------------------------------------------------------------------

LARGE = 40 * MEGABYTE


def large_object(directory: Path) -> None:
    """Put a sparse object of 40 MiB of zeros into the storage of a data directory."""
    place = directory / "oss" / "bucket" / "large"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        file.truncate(LARGE)


def read_large(client: Any) -> None:
    """Check that the whole object exceeds the limit, and that the next call succeeds."""
    with peak_below(16 * MEGABYTE):
        with pytest.raises(ResponseTooLarge, match="get_object"):
            client._call(get_object("http://local", "oss://bucket/large"))
    assert client._call(get_object("http://local", "oss://bucket/large", tail=MEGABYTE)) == bytes(MEGABYTE)
    assert client.get_quotas().StatusCode == 200


@contextmanager
def local_clients() -> Iterator[list[Any]]:
    options: Options = {"max_response_bytes": MEGABYTE}
    with asyncio.Runner() as runner, Client(LOCAL, "id", "secret", **options) as client:

        async def make_async() -> AsyncClient:
            return AsyncClient(LOCAL, "id", "secret", **options)

        driven = Driven(runner.run(make_async()), runner, None)
        yield [client, driven]
        driven.close()


def test_the_embedded_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "d"))
    with local_clients() as clients:
        for client in clients:
            client.get_quotas()
            large_object(tmp_path / "d")
            read_large(client)


def test_a_local_service_of_the_program(service: LocalService) -> None:
    large_object(service.data_dir)
    with service.client() as client:
        client._max_response_bytes = MEGABYTE
        read_large(client)


def test_a_joined_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "d"))
    with serving(tmp_path / "d"), local_clients() as clients:
        large_object(tmp_path / "d")
        for client in clients:
            read_large(client)
        http: Any = clients[0]._pool.current().local._proxy._http
        pool = http._transport._pool
        assert not pool._requests
        assert all(connection.is_idle() for connection in pool.connections)


def test_logs_of_real_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "d"))
    parameters = {
        "Command": {"CommandLine": "yes 0123456 | head -n 400000"},
        "StdoutRedirectPath": "oss://bucket/logs/",
    }
    task = {"AutoCluster": {}, "Parameters": parameters}
    with local_clients() as clients:
        job = clients[0].create_job({"Name": "n", "Type": "DAG", "DAG": {"Tasks": {"t": task}}})
        clients[0].wait(job, timeout=60)
        for client in clients:
            assert client.logs(job, "t").stdout == "0123456\n" * 400_000
            assert client.logs(job, "t", tail=8 * 200_000).stdout == "0123456\n" * 200_000
            assert "".join(client.logs(job, "t", follow=True)) == "0123456\n" * 400_000
