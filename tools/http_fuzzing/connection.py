"""A connection to the server, and what is wrong with a response."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from http_fuzzing.signatures import HOST


@dataclass(slots=True)
class Attempt:
    """A request as bytes."""

    method: str
    data: bytes
    whole: bool = True
    """Whether it is well-formed HTTP, so that a response has to come."""


@dataclass(slots=True)
class Reply:
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """A connection that is reused until the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._file: Any = None

    def close(self) -> None:
        """Close it; the next request opens another one."""
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None

    def ask(self, attempt: Attempt) -> Reply | None:
        """Send a request and return its response; None if it was not HTTP and got none.

        Raises:
            OSError: No response came.
        """
        if not attempt.whole:
            self.close()
        kept = self._socket is not None
        try:
            return self._ask(attempt)
        except (ConnectionError, EOFError):
            self.close()
            if attempt.whole and kept:
                # The server may have closed the idle connection at this moment.
                return self._ask(attempt)
            if attempt.whole:
                raise
        except TimeoutError:
            if attempt.whole:
                raise
        finally:
            if not attempt.whole:
                self.close()
        return None

    def _ask(self, attempt: Attempt) -> Reply:
        if self._socket is None:
            self._socket = socket.create_connection((HOST, self._port), 20)
            self._file = self._socket.makefile("rb")
        self._socket.settimeout(30 if attempt.whole else 0.2)
        self._socket.sendall(attempt.data)
        while True:
            first = self._line().split(b" ")
            if first[0] != b"HTTP/1.1" or not 100 <= int(first[1]) < 600:
                raise ValueError(f"not a response: {first!r}")
            headers: dict[str, str] = {}
            while line := self._line():
                name, _, text = line.decode("utf-8").partition(":")
                headers[name.lower()] = text.strip()
            if int(first[1]) >= 200:
                break
        body = b""
        if attempt.method != "HEAD" and int(first[1]) not in (204, 304):
            if headers.get("transfer-encoding") == "chunked":
                while size := int(self._line(), 16):
                    body += self._file.read(size + 2)[:-2]
                self._line()
            else:
                # A refusal by the HTTP library has no length and ends with the connection.
                body = self._file.read(int(headers.get("content-length", -1)))
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(first[1]), headers, body)

    def _line(self) -> bytes:
        line: bytes = self._file.readline(100_000)
        if not line:
            raise EOFError
        return line.rstrip(b"\r\n")


def what_is_wrong(reply: Reply) -> str:
    """Return a description of what is wrong with a response; empty for a correct one."""
    body, kind = reply.body, reply.headers.get("content-type", "")
    if reply.status >= 500 and not (reply.status == 501 and b"<Code>NotImplemented<" in body):
        return f"status {reply.status}"
    is_own = "x-oss-request-id" in reply.headers or "x-acs-request-id" in reply.headers
    if not is_own or (reply.status < 300 and "x-oss-object-type" in reply.headers):
        return ""
    try:
        if body and kind == "application/json":
            content = json.loads(body, parse_constant=lambda name: int(name))
            if reply.status >= 300 and not (content["Code"] and content["Message"] and content["RequestId"]):
                return "a refusal without its parts"
        elif body:
            root = ET.fromstring(body)
            if reply.status >= 300 and not (root.findtext("Code") and root.findtext("Message")):
                return "a refusal without its parts"
    except (ValueError, KeyError, ET.ParseError) as error:
        return f"a response that does not parse: {error!r}"
    return ""
