"""A loopback server that fails at random, and counts the jobs that it created."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FAULTS = ("drop before", "drop after", "late", "twice", "500 before", "500 after", "503", "429", "garbage")


class FaultyServer:
    """Creates and deletes jobs like the service, with tokens, and fails at random.

    Args:
        share: Share of the requests that fail.
        seed: Seed of the random choice of requests and faults.
        late: Delay of a late response in seconds.
    """

    def __init__(self, share: float, seed: int, late: float) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.faults: Counter[str] = Counter()
        self.conflicts = 0
        self._by_token: dict[str, str] = {}
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._released = threading.Event()
        share_, late_ = share, late
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Log nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with server._lock:
                    fault = server._random.choice(FAULTS) if server._random.random() < share_ else ""
                    server.faults[fault] += 1
                if fault == "drop before":
                    self._drop()
                    return
                if fault in ("500 before", "503", "429"):
                    self._say(int(fault[:3]), {"Code": "InternalError" if fault[0] == "5" else "Throttling"})
                    return
                answer = server.create(self.path, body)
                if fault == "twice":
                    assert server.create(self.path, body) == answer
                if fault == "drop after":
                    self._drop()
                elif fault == "500 after":
                    self._say(500, {"Code": "InternalError", "Message": "after the fact"})
                elif fault == "garbage":
                    self._say(200, "<html>")
                else:
                    if fault == "late":
                        server._released.wait(late_)
                    self._say(201, answer)

            def _drop(self) -> None:
                self.close_connection = True

            def _say(self, status: int, content: Any) -> None:
                body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def create(self, path: str, body: bytes) -> dict[str, str]:
        token = parse_qs(urlsplit(path).query)["IdempotentToken"][0]
        with self._lock:
            known = self._by_token.get(token)
            if known is None:
                known = self._by_token[token] = f"job-{len(self.jobs)}"
                self.jobs[known] = json.loads(body)
            elif self.jobs[known] != json.loads(body):
                self.conflicts += 1
        return {"Id": known}

    def __enter__(self) -> FaultyServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
