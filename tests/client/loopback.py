"""A loopback server with plain HTTP or TLS, whose responses a function returns."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent / "tls"
CERTIFICATE = str(HERE / "cert.pem")
Answer = tuple[int, dict[str, str], bytes]


class Loopback:
    """Responds to GET, POST, PUT and DELETE, and counts requests and connections.

    Args:
        answer: Returns status, headers and body for a method and a target; None drops the connection.
        tls: Whether to use TLS, with a self-signed certificate.
    """

    def __init__(self, answer: Callable[[str, str], Answer | None], tls: bool = False) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.connections: set[tuple[str, int]] = set()
        lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Log nothing."""

            def handle_one(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    server.requests.append((self.command, self.path, headers))
                    server.connections.add(self.client_address)
                made = answer(self.command, self.path)
                if made is None:
                    self.close_connection = True
                    return
                status, more, body = made
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """Ignore errors of clients that disconnect or reject the certificate, because tests cause them."""

        self._http = Server(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(HERE / "server.pem")
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._http.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def ok(_method: str, _target: str) -> Answer:
    return 200, {}, b"{}"


def created(_method: str, _target: str) -> Answer:
    return 201, {}, b'{"Id": "job-1"}'
