"""`create_app`: its routes, what it answers, and how it runs inside other applications."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route

from batchcompute import Client, Credentials
from batchcompute.api.operations import OPERATIONS
from batchcompute.http.signing import sign
from batchcompute.runner.errors import CodedError
from batchcompute.runner.staging import StagingError
from batchcompute.service import LocalService
from batchcompute.service.api.routes import is_for_objects
from batchcompute.service.errors import ApiError, HttpError, ObjectError
from batchcompute.service.requests import Request, Response
from batchcompute.service.store.keys import KeyFile
from batchcompute.service.transports import bodies
from batchcompute.service.transports.asgi import create_app
from batchcompute.service.transports.exchange import begin
from batchcompute.service.transports.proof import CHALLENGE, PROOF, proof_of
from tests.service.helpers import finish, job

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

DOCS = Path(__file__).parents[2] / "docs" / "serving.md"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("asgi") / "d", slots=1) as service:
        service.add_key("id", "s3cret")
        yield service


def signed(method: str, target: str, body: bytes = b"") -> dict[str, str]:
    """Return the headers of a signed request to the API."""
    return sign(
        method, target, body, credentials=Credentials("id", "s3cret"), region="local", now=datetime.now(UTC),
        nonce="1", user_agent="test",
    )  # fmt: skip


def scope_of(method: str, target: str, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        **more,
    }


class Sender:
    """The server's side of one request: gives the pieces of a body, and keeps what is sent."""

    def __init__(self, *pieces: bytes, disconnects: bool = False) -> None:
        self._pieces = list(pieces)
        self._disconnects = disconnects
        self.received: int = 0
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        self.received += 1
        if not self._pieces and self._disconnects:
            return {"type": "http.disconnect"}
        piece = self._pieces.pop(0) if self._pieces else b""
        more = bool(self._pieces) or self._disconnects
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def ask(app: Any, scope: dict[str, Any], *pieces: bytes, disconnects: bool = False) -> Sender:
    sender = Sender(*pieces, disconnects=disconnects)
    asyncio.run(app(scope, sender.receive, sender.send))
    return sender


# -- routes ---------------------------------------------------------------------------------------


def test_each_operation_has_a_route_of_its_name(service: LocalService) -> None:
    names = [route.name for route in create_app(service).routes if isinstance(route, Route)]
    assert sorted(names) == sorted([*OPERATIONS, "healthz", "metrics", "openapi.json", "readyz"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_takes_the_route_of_its_operation(service: LocalService, name: str) -> None:
    operation = OPERATIONS[name]
    target = re.sub(r"\{\w+\}", "a%2Fb", operation.path)
    if operation.flags:
        target += f"?{operation.flags[0]}"
    scope = scope_of(operation.method, target, signed(operation.method, target))
    assert ask(create_app(service), scope).status
    assert scope["route"].name == name
    assert set(scope["path_params"].values()) <= {"a%2Fb"}


@pytest.mark.parametrize(
    "target", ["//jobs", "/jobs/", "/jobs%2Fx", "/jobs/x/", "/jobs/x//tasks", "/other", "/jobs\n"]
)
def test_other_paths_take_none(service: LocalService, target: str) -> None:
    scope = scope_of("GET", target, signed("GET", target))
    answer = ask(create_app(service), scope)
    assert (answer.status, json.loads(answer.body)["Code"]) == (400, "InvalidUrlPattern")
    assert not hasattr(scope["route"], "name")


def test_a_signature_of_object_storage_leads_there_on_every_path(service: LocalService) -> None:
    scope = scope_of("GET", "/jobs", {"authorization": "OSS id:x", "date": "x"})
    answer = ask(create_app(service), scope)
    assert (answer.status, b"RequestTimeTooSkewed" in answer.body) == (403, True)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/openapi.json", 200),
        ("HEAD", "/healthz", 403),
        ("GET", "/healthz?x", 403),
    ],
)
def test_public_paths(service: LocalService, method: str, target: str, status: int) -> None:
    assert ask(create_app(service), scope_of(method, target, {})).status == status


def test_a_server_without_raw_paths(service: LocalService) -> None:
    scope = scope_of("GET", "/quotas", signed("GET", "/quotas"))
    del scope["raw_path"]
    assert ask(create_app(service), scope).status == 200


# -- heads and bodies -----------------------------------------------------------------------------


def test_a_body_of_an_unknown_sender_is_only_drained(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_DRAINED", 10)
    scope = scope_of("POST", "/jobs", {"content-length": "1000000"})
    answer = ask(create_app(service), scope, *[b"12345678"] * 100)
    assert (answer.status, answer.headers["connection"], answer.received) == (400, "close", 2)


def test_no_body_is_asked_for_that_is_refused(service: LocalService) -> None:
    scope = scope_of("PUT", "/b/k", {"content-length": "10", "expect": "100-continue"})
    answer = ask(create_app(service), scope, b"0123456789")
    assert (answer.status, answer.received) == (403, 0)


@pytest.mark.parametrize("length", ["400000", "-1", "1e3", "", "9" * 30])
def test_lengths_that_are_refused(service: LocalService, length: str) -> None:
    scope = scope_of("POST", "/jobs", {**signed("POST", "/jobs"), "Content-Length": length})
    answer = ask(create_app(service), scope)
    assert (answer.status, json.loads(answer.body)["Code"]) == (403, "InvalidHttpBody")
    assert json.loads(answer.body)["Message"] == "The body holds more than 307200 bytes."


def test_a_body_without_a_length_is_limited_too(service: LocalService) -> None:
    headers = signed("POST", "/jobs")
    del headers["Content-Length"]
    scope = scope_of("POST", "/jobs", {**headers, "Transfer-Encoding": "chunked"})
    assert ask(create_app(service), scope, *[b"x" * 100_000] * 4).status == 403


def test_a_body_of_http_2_needs_no_length(service: LocalService) -> None:
    headers = signed("POST", "/jobs")
    del headers["Content-Length"]
    scope = scope_of("POST", "/jobs", headers, http_version="2")
    answer = ask(create_app(service), scope, *[b"x" * 100_000] * 4)
    assert (answer.status, json.loads(answer.body)["Code"]) == (403, "InvalidHttpBody")


def test_a_client_that_disconnects_gets_no_response(service: LocalService) -> None:
    scope = scope_of("POST", "/jobs", {**signed("POST", "/jobs"), "Content-Length": "10"})
    assert ask(create_app(service), scope, b"half", disconnects=True).sent == []


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [(ValueError("x"), 500, "its log says why"), (OSError(errno.EMFILE, "too many"), 503, "Try again later")],
)
@pytest.mark.parametrize("headers", [{}, {"authorization": "OSS id:x"}], ids=["API", "objects"])
def test_an_unexpected_error_is_a_response(
    service: LocalService, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, text: str, headers: dict[str, str]
) -> None:  # fmt: skip
    def fails(head: Request) -> Any:
        raise error

    monkeypatch.setattr(service, "admit", fails)
    answer = ask(create_app(service), scope_of("GET", "/jobs", headers))
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert text.encode() in answer.body
    assert answer.body.startswith(b"<?xml" if headers else b"{")


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (ApiError(409, "Code", "message & more"), b'{"Code": "Code"'),
        (ObjectError(409, "Code", "message & more"), b"<?xml"),
    ],
)
def test_every_error_with_a_status_has_one_handler(
    service: LocalService, monkeypatch: pytest.MonkeyPatch, error: HttpError, start: bytes
) -> None:
    def fails(head: Request) -> Any:
        raise error

    monkeypatch.setattr(service, "admit", fails)
    answer = ask(create_app(service), scope_of("GET", "/jobs", {}))
    assert (answer.status, answer.body[: len(start)]) == (409, start)


@pytest.mark.parametrize(
    "error",
    [ApiError(409, "Code", "message"), ObjectError(409, "Code", "message"), StagingError("Code", "message")],
)
def test_errors_have_one_base(error: CodedError) -> None:
    assert isinstance(error, CodedError)
    assert (error.code, error.message, str(error)) == ("Code", "message", "message")


def test_a_server_proves_its_identity(service: LocalService) -> None:
    challenge = "ab" * 16
    answer = ask(create_app(service, url="http://here"), scope_of("GET", "/healthz", {CHALLENGE: challenge}))
    assert answer.headers[PROOF] == proof_of(service.identity, challenge, "http://here")
    assert PROOF not in ask(create_app(service), scope_of("GET", "/healthz", {CHALLENGE: "no"})).headers


def test_names_of_headers_are_lower_case(service: LocalService) -> None:
    """ASGI requires it: HTTP/2 and the middleware of other people rely on it."""
    for target in ("/healthz", "/quotas", "/bucket/key"):
        headers = ask(create_app(service), scope_of("GET", target, {})).headers
        assert list(headers) == [name.lower() for name in headers]


def test_a_query_that_only_looks_signed() -> None:
    def objects(target: str) -> bool:
        return is_for_objects(Request("GET", target, {}))

    assert objects("/jobs?OSSAccessKeyId=a")
    assert objects("/jobs?x-oss-signature-version=a")
    assert objects("/?OSSAccess%4BeyId=a")
    assert not objects("/jobs?State=OSSAccessKeyId=")
    assert not objects("/jobs?x=x-oss-signature")


def test_headers_are_read_once(service: LocalService) -> None:
    scope = scope_of("GET", "/jobs", {})
    for raw, problem in (
        ([(b"user-agent", b"\xff"), (b"user-agent", b"b")], ""),
        (
            [(b"date", b"a"), (b"date", b"a")],
            "The header date was sent more than once, or is no text in UTF-8.",
        ),
        ([(b"x-acs-y", b"\xff")], "The header x-acs-y was sent more than once, or is no text in UTF-8."),
        ([(b"x-acs-y", "é".encode())], ""),
    ):
        scope["headers"] = raw
        assert begin(scope).problem == problem


@pytest.mark.parametrize(
    ("method", "target", "in_thread"),
    [
        ("GET", "/jobs/job-1", False),
        ("GET", "/quotas", False),
        ("PUT", "/jobs/job-1", False),
        ("POST", "/clusters", False),
        ("POST", "/jobs", True),
        ("POST", "/jobs/job-1/stop", True),
        ("POST", "/jobs/job-1/start", True),
        ("DELETE", "/jobs/job-1", True),
        ("POST", "/jobs?sync", True),
    ],
)
def test_slow_operations_run_in_threads(
    service: LocalService, monkeypatch: pytest.MonkeyPatch, method: str, target: str, in_thread: bool
) -> None:
    threads_used: list[str] = []

    def dispatch(request: Request, admission: object) -> Response:
        threads_used.append(threading.current_thread().name)
        return Response(200, {})

    monkeypatch.setattr(service, "dispatch", dispatch)
    assert ask(create_app(service), scope_of(method, target, signed(method, target))).status == 200
    assert (threads_used != ["MainThread"]) == in_thread
    # The pool of the event loop is not used for calls that wait for a job.
    assert (threads_used == ["batchcompute-wait"]) == ("sync" in target)


def test_a_stream_is_closed_when_the_client_disconnects(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    sent: list[str] = []

    def pieces() -> Generator[bytes]:
        try:
            yield b"first"
            yield b"second"
        finally:
            closed.append(True)

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message.get("body") == b"first":
            raise ConnectionError

    response = Response(200, {}, stream=pieces())
    monkeypatch.setattr(service, "dispatch", lambda request, admission: response)
    app, sender = create_app(service), Sender()
    with pytest.raises(ConnectionError):
        asyncio.run(app(scope_of("GET", "/quotas", signed("GET", "/quotas")), sender.receive, send))
    assert closed == [True]
    # The error is not a second response.
    assert sent == ["http.response.start", "http.response.body"]


# -- in other applications ------------------------------------------------------------------------


@contextlib.contextmanager
def running(app: Any, **options: Any) -> Iterator[str]:
    """Serve an application in a thread; yield its URL."""
    ready = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            ready.set()

    server = Server(uvicorn.Config(app, port=0, log_config=None, ws="none", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(20)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


async def motd(_: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


def test_the_example_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_DATA_DIR", str(tmp_path / "d"))
    text = DOCS.read_text("utf-8")
    code = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    made: dict[str, Any] = {}
    exec(next(block for block in code if "create_app" in block), made)
    pair = KeyFile(tmp_path / "d" / "credentials.json").add("local")
    app = made["make_app"]()
    with running(app) as url, Client(url, pair.access_key_id, pair.access_key_secret) as client:
        assert httpx.get(f"{url}/motd", trust_env=False).text == "maintenance on Friday"
        finish(client, client.create_job(job("true")).Id)
    # The lifespan has closed the service: the directory is free.
    LocalService(tmp_path / "d").close()


@pytest.mark.parametrize("kind", ["starlette", "fastapi", "host", "alone"])
def test_mounted_at_the_root(service: LocalService, kind: str) -> None:
    inner = create_app(service)
    if kind == "fastapi":
        app: Any = FastAPI()
        app.add_route("/motd", motd)
        app.mount("/", inner)
    elif kind == "host":
        app = Starlette(routes=[Host("127.0.0.1", inner), Route("/motd", motd)])
    else:
        app = inner if kind == "alone" else Starlette(routes=[Route("/motd", motd), Mount("", app=inner)])
    with running(app) as url, Client(url, "id", "s3cret") as client:
        assert client.get_quotas().StatusCode == 200
        assert httpx.get(f"{url}/healthz", trust_env=False).json()["status"] == "ok"
        if kind in ("starlette", "fastapi"):
            assert httpx.get(f"{url}/motd", trust_env=False).status_code == 200


@pytest.mark.parametrize("kind", ["mount", "root_path"])
def test_below_a_prefix_each_request_is_refused(service: LocalService, kind: str) -> None:
    inner = create_app(service)
    app = Starlette(routes=[Mount("/batch", app=inner)]) if kind == "mount" else inner
    prefix = "/batch" if kind == "mount" else ""
    options = {} if kind == "mount" else {"root_path": "/batch"}
    with running(app, **options) as url, httpx.Client(base_url=url + prefix, trust_env=False) as http:
        for headers, start in ((signed("GET", f"{prefix}/jobs"), "{"), ({}, "<?xml")):
            for target in ("/healthz", "/jobs"):
                answer = http.get(target, headers=headers)
                assert answer.status_code == 501
                assert answer.text.startswith(start)
                assert "mounted under /batch" in answer.text


def test_other_protocols_are_left_alone(service: LocalService) -> None:
    app = create_app(service)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def lifespan() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "lifespan.startup"}
        yield {"type": "lifespan.shutdown"}

    async def live() -> None:
        events = lifespan()
        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, events.__anext__, send)
        await app({"type": "websocket", "path": "/jobs", "headers": []}, events.__anext__, send)

    asyncio.run(live())
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close",
    ]  # fmt: skip


def test_the_service_in_this_process_needs_no_server() -> None:
    """Neither starlette nor uvicorn is imported, or has to be installed."""
    code = """
import sys
sys.modules.update({"starlette": None, "uvicorn": None})
from batchcompute.service import LocalService
from batchcompute.service.transports import in_process, proxy
with LocalService() as service, service.client() as client:
    assert client.get_quotas().StatusCode == 200
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_application_without_its_extra_names_the_command_that_installs_it() -> None:
    program = "import sys; sys.modules['starlette'] = None; import batchcompute.service.transports.asgi"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(
        r"ModuleNotFoundError: batchcompute\.service\.transports\.asgi needs starlette.*, of the extra serve: pip install .*",
        last,
    )
