"""Object storage over HTTP, with a real server, breaks in the middle, and errors that say what failed."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from batchcompute.errors import ValidationError
from batchcompute.runner.aborting import Aborted
from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.http_objects import HttpObjects
from batchcompute.runner.http_session import Endpoint, StorageUnreachable, _Failure
from batchcompute.runner.mappings import Input, Mappings, Output
from batchcompute.runner.rooted import NotRegular, Root
from batchcompute.service import LocalService
from batchcompute.service.data_directory import identity_of
from batchcompute.service.objects.grants import Grants
from batchcompute.service.store.keys import FIRST_OWNER
from tests.client.loopback import CERTIFICATE, Loopback, ok
from tests.runner.serving import served_in_process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

MAPPINGS = Mappings(
    (Input("oss://b/in/", "/in"), Input("oss://b/large", "/large"), Input("oss://b/none", "/none"), Input("oss://b/void/", "/void")),
    (Output("/out/", "oss://b/out/"),),
)  # fmt: skip
SPEC = AttemptSpec("t-1", "job-1", "t", 0, FIRST_OWNER, "true", 60, mappings=MAPPINGS)


def grant_of(directory: Path, spec: AttemptSpec = SPEC, lifetime: float = 600) -> str:
    return Grants(identity_of(directory)).issue(spec, lifetime)


_endpoints: list[Endpoint] = []


@pytest.fixture(autouse=True)
def _close_connections() -> Iterator[None]:
    yield
    while _endpoints:
        _endpoints.pop().close()


def connect(url: str, grant: str, certificates: str = "", **options: Any) -> HttpObjects:
    """Return the objects of a server; their connections are closed at the end of the test."""
    _endpoints.append(Endpoint(url, certificates))
    return HttpObjects(_endpoints[-1], grant, **{"patience": 5, "part_size": 2**20, **options})


@pytest.fixture
def storage(served: tuple[str, Path]) -> HttpObjects:
    return connect(served[0], grant_of(served[1]))


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Root]:
    root = Root(tmp_path)
    yield root
    root.close()


def test_inputs_are_fetched(storage: HttpObjects, work: Root, served: tuple[str, Path]) -> None:
    storage.fetch("oss://b/in/", work, ("in",))
    assert {str(path.relative_to(work.path)) for path in work.path.rglob("*")} == {
        "in", "in/a", "in/sub", "in/sub/b é%+&<", "in/run.sh", "in/empty"
    }  # fmt: skip
    assert (work.path / "in/sub/b é%+&<").read_bytes() == b"2"
    assert os.access(work.path / "in/run.sh", os.X_OK)
    storage.fetch("oss://b/large", work, ("large",))
    large = served[1] / "oss/b/large"
    assert (work.path / "large").read_bytes() == large.read_bytes()
    assert storage.exists("oss://b/in/")
    assert storage.exists("oss://b/in/a")
    assert not storage.exists("oss://b/none")
    assert not storage.exists("oss://b/void/")
    assert storage.stat("oss://b/none") is None
    assert storage.open("oss://b/none") is None
    opened = storage.open("oss://b/large")
    assert opened is not None
    assert opened.stat.size == 3 * 2**20
    assert opened.read(2**20, 2**20 + 7) == large.read_bytes()[2**20 : 2**20 + 7]
    assert opened.read(5, 5) == b""
    for url in ("oss://b/none", "oss://b/void/"):
        with pytest.raises(FileNotFoundError):
            storage.fetch(url, work, ("x",))
    assert not (work.path / "x").exists()


def test_a_list_of_many_pages_is_read_to_its_end(served: tuple[str, Path], work: Root) -> None:
    folder = served[1] / "oss/b/many"
    folder.mkdir()
    for number in range(1100):
        (folder / f"{number}é").touch()
    spec = AttemptSpec(
        "t-2", "job-1", "t", 0, FIRST_OWNER, "true", 60, mappings=Mappings((Input("oss://b/many/", "/m"),))
    )
    storage = connect(served[0], grant_of(served[1], spec))
    assert sorted(storage._keys("oss://b/many/")) == sorted(f"{number}é" for number in range(1100))


def test_outputs_are_delivered(storage: HttpObjects, work: Root, served: tuple[str, Path]) -> None:
    out = served[1] / "oss/b/out"
    for name, size in (("empty", 0), ("small", 10), ("exact", 2**20), ("parts", 2**20 * 2 + 5)):
        content = os.urandom(size)
        (work.path / name).write_bytes(content)
        storage.deliver(work, (name,), f"oss://b/out/{name} é")
        assert (out / f"{name} é").read_bytes() == content
        assert (work.path / name).exists()
    storage.write("oss://b/out/written", iter([b"a" * 700_000, b"b" * 700_000, b"c" * 700_000]))
    assert (out / "written").read_bytes() == b"a" * 700_000 + b"b" * 700_000 + b"c" * 700_000
    storage.write("oss://b/out/short", [b"x"])
    storage.write("oss://b/out/folder/", [])
    assert (out / "short").read_bytes() == b"x"
    assert (out / "folder").is_dir()
    assert not [name for name in (served[1] / "uploads").iterdir() if name.name != ".spool"]
    (work.path / "link").symlink_to("empty")
    with pytest.raises(NotRegular):
        storage.deliver(work, ("link",), "oss://b/out/link")


def test_an_upload_that_fails_leaves_no_object_and_no_parts(
    storage: HttpObjects, work: Root, served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (work.path / "f").write_bytes(bytes(2**20 * 2))
    read = os.pread

    def shorter(fd: int, size: int, at: int) -> bytes:
        return b"" if at >= 2**20 else read(fd, size, at)

    monkeypatch.setattr(os, "pread", shorter)
    with pytest.raises(OSError, match="became shorter"):
        storage.deliver(work, ("f",), "oss://b/out/failed")
    assert not (served[1] / "oss/b/out/failed").exists()
    assert not [name for name in (served[1] / "uploads").iterdir() if name.name != ".spool"]


def test_refusals_say_what_was_refused_and_are_not_repeated(storage: HttpObjects, work: Root) -> None:
    start = time.monotonic()
    (work.path / "f").write_bytes(b"x")
    for refused in (
        lambda: storage.fetch("oss://b/secret", work, ("x",)),
        lambda: storage.deliver(work, ("f",), "oss://b/in/a"),
        lambda: storage.exists("oss://b/"),
        lambda: storage.stat("oss://c/in/a"),
        lambda: storage.remove("oss://b/out/x"),
    ):
        with pytest.raises(PermissionError) as caught:
            refused()
        assert "was refused: 403" in str(caught.value)
        assert "batchcompute" not in str(caught.value).lower() or "Grant" not in str(caught.value)
    (work.path / "large").write_bytes(bytes(3 * 2**20))
    with pytest.raises(PermissionError, match="AccessDenied"):
        storage.deliver(work, ("large",), "oss://b/in/a")
    with pytest.raises(ValidationError):
        storage.fetch("http://b/x", work, ("x",))
    with pytest.raises(OSError, match="FileAlreadyExists"):
        storage.write("oss://b/out/small é/below", [b"x"]) if storage.write(
            "oss://b/out/small é", [b"x"]
        ) else None
    assert time.monotonic() - start < 4
    assert not storage.unreachable


def test_an_expired_grant_is_renewed_while_the_attempt_lives(tmp_path: Path, work: Root) -> None:
    """The request goes to a service in this process, whose attempts are chosen here."""
    with LocalService(tmp_path / "d") as service, served_in_process(service) as url:
        live = {SPEC.token}
        grants = service._parts.grants
        grants._is_live = live.__contains__
        service._parts.objects.write("oss://b/in/a", [b"1"])
        for action in (
            lambda storage: storage.fetch("oss://b/in/a", work, ("a",)),
            lambda storage: storage.stat("oss://b/in/a"),
            lambda storage: storage.write("oss://b/out/x", [b"x"]),
        ):
            storage = connect(url, grants.issue(SPEC, lifetime=-1))
            action(storage)
            expired = storage._session._grant
            action(storage)
            assert storage._session._grant == expired, "a renewed grant is used until it expires"
        live.clear()
        storage = connect(url, grants.issue(SPEC, lifetime=-1))
        for action in (
            lambda storage: storage.fetch("oss://b/in/a", work, ("a",)),
            lambda storage: storage.stat("oss://b/in/a"),
        ):
            with pytest.raises(PermissionError):
                action(storage)


class Breaking:
    """A server in front of another one that breaks connections after a number of bytes of a response or a request.

    Args:
        url: URL of the server.
        down: Bytes of the response after which each of the first connections breaks.
        up: The same for bytes of the request.
    """

    def __init__(self, url: str, down: Sequence[int], up: Sequence[int]) -> None:
        self._target = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._down, self._up = list(down), list(up)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.connections = 0
        self._sockets = [self._server]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            down = self._down.pop(0) if self._down else 2**40
            up = self._up.pop(0) if self._up else 2**40
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for arguments in ((client, server, up), (server, client, down)):
                self._threads.append(threading.Thread(target=self._copy, args=arguments))
                self._threads[-1].start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket, limit: int) -> None:
        with suppress(OSError):
            while limit > 0 and (piece := source.recv(min(65536, limit))):
                sink.sendall(piece)
                limit -= len(piece)
        for side in (source, sink):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


@contextmanager
def broken(
    served: tuple[str, Path], down: Sequence[int] = (), up: Sequence[int] = ()
) -> Iterator[tuple[HttpObjects, Breaking]]:
    proxy = Breaking(served[0], down, up)
    try:
        yield connect(proxy.url, grant_of(served[1]), patience=20), proxy
    finally:
        while _endpoints:
            _endpoints.pop().close()
        proxy.close()


def test_a_download_goes_on_after_a_break(served: tuple[str, Path], work: Root) -> None:
    with broken(served, down=[2**20, 100, 2**20]) as (storage, proxy):
        storage.fetch("oss://b/large", work, ("large",))
        assert (work.path / "large").read_bytes() == (served[1] / "oss/b/large").read_bytes()
        assert proxy.connections == 4


def test_an_object_that_is_replaced_during_a_break_is_read_anew(
    served: tuple[str, Path], work: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broken(served, down=[2**20]) as (storage, _):
        new = os.urandom(3 * 2**20)
        wait = storage._session._wait

        def replace(seconds: float, abort: threading.Event | None) -> None:
            (served[1] / "oss/b/large.new").write_bytes(new)
            (served[1] / "oss/b/large.new").replace(served[1] / "oss/b/large")
            monkeypatch.setattr(storage._session, "_wait", wait)

        monkeypatch.setattr(storage._session, "_wait", replace)
        storage.fetch("oss://b/large", work, ("large",))
        assert (work.path / "large").read_bytes() == new


def test_an_upload_is_repeated_after_a_break(served: tuple[str, Path], work: Root) -> None:
    content = os.urandom(2**20 * 2 + 100)
    (work.path / "f").write_bytes(content)
    # The first connection breaks in the second part, the next one in the response to it.
    with broken(served, up=[2**20 + 200_000], down=[2**40, 10]) as (storage, _):
        storage.deliver(work, ("f",), "oss://b/out/again")
    assert (served[1] / "oss/b/out/again").read_bytes() == content


def test_a_completion_whose_response_is_lost_has_succeeded(
    served: tuple[str, Path], work: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work.path / "f").write_bytes(bytes(2**20 + 1))
    storage = connect(served[0], grant_of(served[1]))
    once = storage._session._once
    lost: list[str] = []

    def losing(call: Any, receive: Callable[[Any], Any], grant: str) -> Any:
        outcome = once(call, receive, grant)
        if call.timeout and not lost:
            lost.append(call.target)
            return _Failure("lost")
        return outcome

    monkeypatch.setattr(storage._session, "_once", losing)
    storage.deliver(work, ("f",), "oss://b/out/completed")
    assert lost
    assert (served[1] / "oss/b/out/completed").stat().st_size == 2**20 + 1


def test_a_storage_that_does_not_answer_is_unreachable(work: Root) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    storage = connect(f"http://127.0.0.1:{port}", "s3cret", patience=0.3)
    with pytest.raises(StorageUnreachable) as caught:
        storage.fetch("oss://b/in/a", work, ("a",))
    assert f"http://127.0.0.1:{port} did not serve a request: Connection refused" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.errno == errno.EHOSTUNREACH
    assert storage.unreachable
    assert not (work.path / "a").exists()


@pytest.mark.parametrize("of_call", [True, False])
def test_waiting_is_aborted(work: Root, of_call: bool) -> None:
    abort = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    storage = HttpObjects(
        Endpoint(f"http://127.0.0.1:{port}"), "g", patience=60, abort=None if of_call else abort
    )
    timer = threading.Timer(0.2, abort.set)
    timer.start()
    start = time.monotonic()
    with pytest.raises(Aborted):
        storage.fetch("oss://b/in/a", work, ("a",), abort if of_call else None)
    assert time.monotonic() - start < 5


def test_a_server_with_an_unknown_certificate_gets_no_grant() -> None:
    with Loopback(lambda *_: (404, {}, b""), tls=True) as server:
        with pytest.raises(StorageUnreachable, match="certificate"):
            connect(server.url, "s3cret", patience=0).exists("oss://b/k/")
        assert not server.requests
        with pytest.raises(FileNotFoundError):
            connect(server.url, "s3cret", CERTIFICATE, patience=0).exists("oss://b/k/")
        ((_, target, headers),) = server.requests
        assert headers["authorization"] == "BatchComputeGrant s3cret"
        assert "s3cret" not in target


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Loopback(ok) as other, Loopback(lambda *_: (status, {"Location": f"{other.url}/x"}, b"")) as server:
        with pytest.raises(OSError, match=f"was refused: {status}"):
            connect(server.url, "s3cret").exists("oss://b/k/")
        assert not other.requests


def test_digests_cover_the_body(
    served: tuple[str, Path], work: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = connect(served[0], grant_of(served[1]))
    monkeypatch.setattr("batchcompute.runner.http_objects.digest_of", lambda _: "1B2M2Y8AsgTpgAmY7PhCfg==")
    with pytest.raises(OSError, match="InvalidDigest"):
        storage.write("oss://b/out/damaged", [b"damaged"])
    assert not (served[1] / "oss/b/out/damaged").exists()


def test_the_module_imports_neither_client_nor_service() -> None:
    program = "import sys, batchcompute.runner.http_objects; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("batchcompute.")}
    assert rooms == {"_lazy", "_version", "errors", "runner"}
    assert not {"httpx", "pydantic", "xml.etree.ElementTree", "asyncio"} & set(loaded)
    assert hashlib.md5(b"", usedforsecurity=False).digest()
