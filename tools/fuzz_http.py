"""Send many hostile requests to a real server and judge its responses.

    python tools/fuzz_http.py --requests 100000 --seed 1

Most requests are signed correctly, so they get past the admission: operations of the API and of object storage
with hostile paths, queries, headers and bodies. The rest have a wrong signature or are not HTTP. No response may
have a status of 500 or more, except the 501 for what object storage does not serve, and every response has to parse.
At the end every list of every bucket is complete, a job runs, and the log of the server contains no traceback.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote, urlsplit
from xml.etree import ElementTree as ET

from batchcompute import Client
from http_fuzzing.connection import Attempt, Connection, what_is_wrong
from http_fuzzing.requests import BUCKETS, Source
from http_fuzzing.signatures import ID, SECRET, sign_objects, wire

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
MEMORY = 100
"""Megabytes by which the server's memory may grow."""


class Fuzz:
    """A server that gets hostile requests, and the problems that were found.

    Args:
        directory: Directory of its data and its log.
        seed: Seed of the requests.
    """

    def __init__(self, directory: Path, seed: int) -> None:
        self.found: list[str] = []
        """Descriptions of the problems."""
        self.statuses: Counter[int] = Counter()
        """Number of responses by status; 0 stands for no response."""
        self._seed = seed
        self._lock = threading.Lock()
        self._log, self._data = directory / "log", directory / "data"
        command = [sys.executable, "-m", "batchcompute.cli", "serve", "--port", "0", "--slots", "2"]
        command += ["--data-dir", str(self._data)]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **KEYS}
            )
        assert self._server.stdout is not None
        self._url = next((line.split()[-1] for line in self._server.stdout if " is served at " in line), "")
        if not self._url:
            raise SystemExit(f"the server did not start: {self._log.read_text()}")
        self._port = urlsplit(self._url).port or 0

    def close(self) -> None:
        """End the server."""
        self._server.send_signal(signal.SIGTERM)
        try:
            self._server.wait(60)
        finally:
            self._server.kill()

    def memory(self) -> int:
        """Return the peak memory of the server, in megabytes."""
        status = Path(f"/proc/{self._server.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    def prepare(self) -> str:
        """Create what the requests name, and return the id of a cluster without machines."""
        with Client(self._url, ID, SECRET) as client:
            cluster = client.create_cluster(
                {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 0}}}
            )
            app = {"Name": "fuzz", "CommandLine": "true", "VM": {"ECSImageId": "img-ubuntu"}}
            client.create_app({**app, "InputParameters": {"p": {"Type": "String"}}})
        target, headers = sign_objects("4", "PUT", f"/{BUCKETS[0]}/k0", {})
        Connection(self._port).ask(Attempt("PUT", wire("PUT", target, headers)))
        # Programs may write files that are not objects into a bucket.
        for name in (b"\xff", b"\x01", b"\xef\xbf\xbe", b"%_", b"%+", b"%+\xff", b"%%_", b"a\r\nb", b"%+a"):
            Path(self._data / "oss" / BUCKETS[0] / os.fsdecode(name)).write_bytes(name)
        return cluster.Id

    def send(self, worker: int, count: int, cluster: str) -> None:
        """Send requests and judge the responses."""
        source, connection = Source(f"{self._seed}-{worker}", cluster), Connection(self._port)
        for number in range(count):
            attempt = source.attempt()
            try:
                reply = connection.ask(attempt)
                problem = what_is_wrong(reply) if reply else ""
            except (OSError, EOFError, ValueError, KeyError) as error:
                reply, problem = None, f"no reply: {error!r}"
                connection.close()
            with self._lock:
                self.statuses[reply.status if reply else 0] += 1
                if problem:
                    body = reply.body[:300] if reply else b""
                    self.found.append(f"{worker}/{number}: {problem}: {attempt.data[:1500]!r} -> {body!r}")
            if reply:
                source.learn(reply)
        connection.close()

    def judge(self) -> None:
        """Check the state of the server after all requests."""
        connection = Connection(self._port)
        for bucket in BUCKETS:
            keys = [
                self._listed(connection, bucket, kind) for kind in ("", "encoding-type=url&", "list-type=2&")
            ]
            if not keys[0] == keys[1] == keys[2]:
                self.found.append(f"the lists of {bucket} differ")
            for key in keys[0]:
                path = quote_from_bytes(key.encode("utf-8"))
                # Version 1 refuses keys that look like requests for sub-resources.
                target, headers = sign_objects("4", "HEAD", f"/{bucket}/{path}", {})
                reply = connection.ask(Attempt("HEAD", wire("HEAD", target, headers)))
                if reply is None or reply.status != 200:
                    self.found.append(f"{key!r} is in the list of {bucket}, and not there: {reply}")
            self._get(connection, f"/{bucket}/?uploads")
        self._get(connection, "/")
        connection.close()
        with Client(self._url, ID, SECRET) as client:
            task = {"AutoCluster": {}, "Parameters": {"Command": {"CommandLine": "echo alive"}}}
            job = client.create_job(
                {"Name": "last", "Type": "DAG", "Priority": 1000, "DAG": {"Tasks": {"t": task}}}
            )
            state = client.wait(job, timeout=120).State
        if state != "Finished" or self._server.poll() is not None:
            self.found.append(f"the last job is {state}, the server's end {self._server.poll()}")
        log = self._log.read_text("utf-8", "replace")
        if "Traceback" in log:
            self.found.append("the log: " + log[max(0, log.index("Traceback") - 500) :][:3000])

    def _listed(self, connection: Connection, bucket: str, kind: str) -> list[str]:
        """Return all keys of a bucket."""
        found: list[str] = []
        more = ""
        while True:
            query = f"?{kind}max-keys=1000&{'start-after' if '2' in kind else 'marker'}={more}"
            root = self._get(connection, f"/{bucket}/{query}")
            decode = unquote if root.findtext("EncodingType") else str
            keys = [decode(element.text or "") for element in root.iter("Key")]
            found += keys
            if root.findtext("IsTruncated") != "true" or not keys:
                return found
            more = quote_from_bytes(keys[-1].encode("utf-8"), "")

    def _get(self, connection: Connection, target: str) -> ET.Element:
        target, headers = sign_objects("1", "GET", target, {})
        reply = connection.ask(Attempt("GET", wire("GET", target, headers)))
        if reply is None or reply.status != 200:
            self.found.append(f"{target} has the reply {reply}")
            return ET.Element("none")
        try:
            return ET.fromstring(reply.body)
        except ET.ParseError as error:
            self.found.append(f"{target} does not parse: {error}")
            return ET.Element("none")


def main() -> int:
    """Send the requests; return 1 if there was a problem."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-http-") as directory:
        fuzz = Fuzz(Path(directory), options.seed)
        try:
            cluster, begun, before = fuzz.prepare(), time.monotonic(), fuzz.memory()
            share = -(-options.requests // options.workers)
            with ThreadPoolExecutor(options.workers) as pool:
                sent = [pool.submit(fuzz.send, worker, share, cluster) for worker in range(options.workers)]
            for worker in sent:
                worker.result()
            seconds = time.monotonic() - begun
            fuzz.judge()
            grown = fuzz.memory() - before
            if grown > MEMORY:
                fuzz.found.append(f"the server's memory grew by {grown} MB")
        finally:
            fuzz.close()
    for found in fuzz.found[:20]:
        print(found)
    print(" ".join(f"{status}:{count}" for status, count in sorted(fuzz.statuses.items())))
    print(
        f"{sum(fuzz.statuses.values())} requests in {seconds:.0f} s, memory {before} + {grown} MB, "
        f"{len(fuzz.found)} found"
    )
    return 1 if fuzz.found else 0


if __name__ == "__main__":
    sys.exit(main())
