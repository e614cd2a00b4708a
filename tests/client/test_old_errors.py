"""The ``except`` clauses of programs for the old SDK, each of which must still match."""

from __future__ import annotations

import errno
import http.client
import pickle
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from batchcompute import (
    BatchComputeError,
    Client,
    ConnectError,
    ProtocolError,
    RetryPolicy,
    TLSError,
    TransportError,
    TransportTimeout,
)
from batchcompute.core import exceptions as old
from batchcompute.errors import network
from batchcompute.http.transport import transport_error
from batchcompute.resources import DAG, ClusterDescription, Job, JobDescription
from batchcompute.utils.functions import ConfigError

URL = "http://127.0.0.1:8790"
GOOD = {
    "Name": "n",
    "DAG": {"Tasks": {"t": {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}}},
}
APP = {"Name": "n", "Type": "App", "App": {"AppName": ":a"}}
Act = Callable[[Client], object]


REFUSAL = b'{"Code": "StateConflict", "Message": "m", "RequestId": "r"}'

CALLS: dict[str, Act] = {
    "get": lambda c: c.get_job("j"),
    "description": lambda c: c.get_job_description("j"),
    "list": lambda c: c.list_jobs(),
    "revisions": lambda c: c.get_app_revisions("a"),
    "create": lambda c: c.create_job(GOOD),
    "run": lambda c: c.create_job(APP, sync=True),
    "action": lambda c: c.stop_job("j"),
    "change": lambda c: c.change_job_priority("j", 5),
    "delete": lambda c: c.delete_job("j"),
}
JSON_OF_ANOTHER_SHAPE = (b"null", b"5", b'"x"')

# Status and body of the response, the call, and the class that the old SDK raised or that followed from its result.
RESPONSES: list[tuple[int, bytes, str, type[BaseException]]] = [
    *((200, body, name, old.JsonError) for body in (b"<html>", b"\xff\xfe", b'{"Id": ') for name in CALLS),
    (201, b"oops", "create", old.JsonError),
    *((200, body, name, TypeError) for body in JSON_OF_ANOTHER_SHAPE for name in CALLS),
    *((200, b"[]", name, TypeError) for name in ("get", "description", "run")),
    *((409, REFUSAL, name, old.ClientError) for name in CALLS),
    *((404, body, name, old.ClientError) for body in (b"<html>", b"", b"{}", b"\xff") for name in CALLS),
    *((500, body, name, old.ClientError) for body in (b"<html>", b"") for name in CALLS),
    *((302, b"", name, old.ClientError) for name in CALLS),
    # The old SDK returned empty objects here. This package raises an error (docs/errors.md).
    *(
        (200, b"", name, old.JsonError)
        for name in ("get", "description", "list", "revisions", "create", "run")
    ),
    (204, b"", "get", old.JsonError),
    (200, b"{}", "create", old.JsonError),
]


def caught_as(act: Act, client: Client, *classes: type[BaseException]) -> BaseException:
    """Make a call, and check that its error is an instance of all classes and can be pickled."""
    with pytest.raises(classes[0]) as found:
        act(client)
    error = found.value
    assert all(isinstance(error, cls) for cls in classes)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.args) == (type(error), str(error), error.args)
    return error


@pytest.mark.parametrize(("status", "body", "name", "caught"), RESPONSES)
def test_responses(
    respx_mock: respx.MockRouter, status: int, body: bytes, name: str, caught: type[BaseException]
) -> None:
    respx_mock.route().respond(status, content=body)
    with Client(URL, "id", "secret", retry=RetryPolicy.none()) as client:
        caught_as(CALLS[name], client, caught, BatchComputeError, Exception)


@pytest.mark.parametrize("name", ["action", "change", "delete"])
@pytest.mark.parametrize(
    ("status", "body"), [(200, b""), (201, b"  "), (204, b""), (200, b"{}"), (202, b"[]")]
)
def test_an_empty_response_to_an_action_is_a_success(
    respx_mock: respx.MockRouter, name: str, status: int, body: bytes
) -> None:
    respx_mock.route().respond(status, content=body)
    with Client(URL, "id", "secret") as client:
        response: Any = CALLS[name](client)
        assert (response.StatusCode, response.content or {}) == (status, {})


SENT_IN_VAIN: list[tuple[str, Callable[[], str], tuple[type[BaseException], ...]]] = [
    ("nobody listens", lambda: URL.replace("8790", "1"), (ConnectionRefusedError, ConnectError)),
    ("no such host", lambda: "http://nowhere.invalid", (socket.gaierror, ConnectError)),
    ("it ends before its answer", lambda: silent(b""), (ConnectionResetError, http.client.RemoteDisconnected)),
    ("it speaks no HTTP", lambda: silent(b"hello\r\n\r\n"), (http.client.BadStatusLine, ProtocolError)),
    (
        "it ends within its answer",
        lambda: silent(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
        (http.client.IncompleteRead, ProtocolError),
    ),
    (
        "its chunks are wrong",
        lambda: silent(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        (http.client.HTTPException, ProtocolError),
    ),
    ("it speaks no TLS", lambda: silent(b"hello").replace("http:", "https:"), (ssl.SSLError, TLSError)),
]  # fmt: skip


def silent(answer: bytes) -> str:
    """Return the URL of a server that sends these bytes to each client and closes the connection."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening:
            while True:
                connection, _ = listening.accept()
                with connection:
                    asked = connection.recv(65536)
                    connection.sendall(answer)
                    if asked.startswith(b"LAST"):
                        return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    servers.append((listening.getsockname(), thread))
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


servers: list[tuple[Any, threading.Thread]] = []


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    while servers:
        address, thread = servers.pop()
        with socket.create_connection(address) as last:
            last.sendall(b"LAST")
        thread.join()


@pytest.mark.parametrize(("situation", "place", "caught"), SENT_IN_VAIN, ids=[row[0] for row in SENT_IN_VAIN])
@pytest.mark.parametrize("name", ["get", "create", "action", "delete"])
def test_network_failures(
    situation: str, place: Callable[[], str], caught: tuple[type[BaseException], ...], name: str
) -> None:
    with Client(place(), "id", "secret", retry=RetryPolicy.none(), trust_env=False) as client:
        error = caught_as(CALLS[name], client, *caught, TransportError, OSError)
    if caught[0] is ConnectionRefusedError:
        assert isinstance(error, OSError)
        assert error.errno == errno.ECONNREFUSED
        assert pickle.loads(pickle.dumps(error)).errno == errno.ECONNREFUSED


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (httpx.ConnectTimeout("slow"), (ConnectError, TimeoutError)),
        (httpx.ReadTimeout("slow"), (TransportTimeout, TimeoutError, socket.timeout)),
        (httpx.WriteError("broken pipe"), (ProtocolError, BrokenPipeError, ConnectionResetError)),
        (httpx.ConnectError("unreachable"), (ConnectError, ConnectionError)),
    ],
)
def test_errors_of_the_library(
    respx_mock: respx.MockRouter, raised: Exception, caught: tuple[type[BaseException], ...]
) -> None:
    respx_mock.route().mock(side_effect=raised)
    with Client(URL, "id", "secret", retry=RetryPolicy.none()) as client:
        caught_as(CALLS["get"], client, *caught, TransportError, OSError)


def test_a_certificate_that_is_not_trusted() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_code, cause.verify_message = 18, "self-signed certificate"
    cause.reason = "CERTIFICATE_VERIFY_FAILED"
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = cause
    made = transport_error(error, URL)
    assert isinstance(made, TLSError)
    for again in (made, pickle.loads(pickle.dumps(made))):
        assert isinstance(again, ssl.SSLCertVerificationError)
        assert (again.verify_code, again.verify_message, again.errno) == (18, "self-signed certificate", 1)
        assert str(again).startswith("no trusted connection to ")


# Invalid arguments and fields, and the classes that programs for the old SDK catch.
LOCALLY: list[tuple[str, Act, tuple[type[BaseException], ...]]] = [
    ("an unknown region", lambda c: Client("no such region", "a", "b"), (ConfigError,)),
    ("a text that is no JSON", lambda c: c.create_job("{"), (old.JsonError, old.JSONError, ValueError)),
    ("no text at all", lambda c: c.create_cluster(""), (old.JsonError,)),
    ("a text that is no object", lambda c: JobDescription("[1]"), (old.JsonError,)),
    ("a missing field", lambda c: c.create_job({"Name": "n"}), (old.ValidationError,)),
    ("nothing to create", lambda c: c.create_job({}), (old.ValidationError,)),
    ("a description that is none", lambda c: c.create_cluster(None), (TypeError,)),  # type: ignore[arg-type]
    ("a change that is none", lambda c: c.modify_cluster("c", None), (TypeError,)),  # type: ignore[arg-type]
    ("a map that is none", lambda c: c.change_cluster_user_data("c", None), (TypeError,)),  # type: ignore[arg-type]
    ("a count that is none", lambda c: c.change_cluster_desired_vm_count("c", g=None), (TypeError,)),  # type: ignore[arg-type]
    ("a description of another kind", lambda c: c.create_job(ClusterDescription()), (TypeError,)),  # type: ignore[call-overload]
    ("a wrong type", lambda c: JobDescription({"Name": 5}), (TypeError,)),
    ("a wrong type within", lambda c: JobDescription({"DAG": {"Tasks": {"t": 5}}}), (TypeError,)),
    ("a wrong type assigned", lambda c: setattr(JobDescription(), "Name", 5), (TypeError,)),
    ("a wrong type by key", lambda c: JobDescription().__setitem__("Name", 5), (TypeError,)),
    ("a wrong item", lambda c: ClusterDescription().Groups.update(g=5), (TypeError,)),  # type: ignore[call-overload]
    ("a wrong task", lambda c: DAG().add_task("t", 5), (TypeError,)),  # type: ignore[arg-type]
    ("no such key to read", lambda c: JobDescription()["Nope"], (KeyError, LookupError)),
    ("no such key to set", lambda c: JobDescription().__setitem__("Nope", 1), (old.FieldError,)),
    ("no such attribute", lambda c: Job({}).Nope, (AttributeError,)),  # type: ignore[attr-defined]
    ("no such method", lambda c: c.nope(), (AttributeError,)),  # type: ignore[attr-defined]
    ("an empty id", lambda c: c.get_job(""), (TypeError,)),
    ("an id that is none", lambda c: c.get_job(5), (TypeError,)),  # type: ignore[arg-type]
    ("nothing to poll", lambda c: c.poll(None), (TypeError,)),  # type: ignore[arg-type]
    ("no such scope", lambda c: c.get_app("a", "Nope"), (old.FieldError, old.ValidationError)),
    ("an unknown type of list", lambda c: c.easy_list("nopes"), (old.FieldError,)),  # type: ignore[call-overload]
    ("a missing argument", lambda c: c.get_job(), (TypeError,)),  # type: ignore[call-arg]
    ("an object of another class", lambda c: JobDescription(ClusterDescription()), (TypeError,)),  # type: ignore[call-overload]
]


@pytest.mark.parametrize(("situation", "act", "caught"), LOCALLY, ids=[row[0] for row in LOCALLY])
def test_wrong_arguments(
    respx_mock: respx.MockRouter, situation: str, act: Act, caught: tuple[type[BaseException], ...]
) -> None:
    with Client(URL, "id", "secret") as client, pytest.raises(caught[0]) as found:
        act(client)
    assert all(isinstance(found.value, cls) for cls in caught)
    assert not respx_mock.calls
    if isinstance(found.value, BatchComputeError):
        again = pickle.loads(pickle.dumps(found.value))
        assert (type(again), str(again)) == (type(found.value), str(found.value))


def test_all_classes_can_be_pickled_and_have_a_text() -> None:
    for name in network.__all__:
        cls = getattr(network, name)
        error = cls("what happened")
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is cls
        assert again.args == error.args
        if not issubclass(cls, old.ClientError):
            assert str(again) == str(error) == "what happened"
        assert repr(error) == f"{name}('what happened')" or issubclass(cls, old.ClientError)
