"""Benchmarks of the page: first content, events, watchers, and its own bytes."""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from batchcompute import Client
from batchcompute.service import LocalService
from batchcompute.service.web.rendering import STATIC
from benchmarks import service
from benchmarks.common import Row

JOBS = 10_000
WATCHERS = 200
ROUNDS = 4
PAIRS = 6
"""Measurements with and without watchers, one after the other: the speed of a machine can change by more than watchers
cost."""
INSTANCES = 8 * service.COUNT
"""Instances of a measurement. It takes longer than the rest between two updates of 200 watchers."""
EVENTS = 20
_FIRST_CONTENT = """new Promise(done => new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') done(entry.startTime);
}).observe({type: 'paint', buffered: true}))"""


def page() -> Iterable[Row]:
    size = sum(map(len, STATIC.values()))
    yield Row("files of the page", f"{size / 1000:.0f} KB", "<= 150 KB", size <= 150_000)
    with tempfile.TemporaryDirectory(dir=service.MEMORY) as name:
        directory = Path(name) / "data"
        _fill(directory)
        with service.serving(directory, "--slots", "2") as (url, _):
            yield from _in_browser(url)
        yield _watching(directory)


def _fill(directory: Path) -> None:
    """Write 10,000 jobs that have ended."""
    with LocalService(directory, slots=1) as local:
        with local.client() as client:
            first = client.create_job(service.job())
            client.wait(first)
        with local._parts.store.write() as transaction:
            db = transaction.jobs._db
            for table, columns in (
                ("jobs", "seq"),
                ("tasks", "job"),
                ("instances", "job"),
                ("task_descriptions", "job"),
            ):
                names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
                values = [
                    "n.i"
                    if name == columns
                    else f"'{first.Id[:-8]}' || printf('%08X', n.i)"
                    if name == "id"
                    else name
                    for name in names
                ]
                db.execute(
                    f"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS}) "
                    f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {table}, n WHERE {columns} = 1"
                )


def _log_in(url: str) -> str:
    """Return the header of the cookie of a session."""
    response = httpx.post(f"{url}/-/login", data={"id": "id", "secret": "secret"}, headers={"origin": url})
    return response.headers["set-cookie"].partition(";")[0]


def _in_browser(url: str) -> Iterable[Row]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        yield Row("first content and events", "no Chromium or Playwright", "measured", False)
        return
    name, _, value = _log_in(url).partition("=")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        contents: list[float] = []
        for _ in range(ROUNDS + 1):
            context = browser.new_context()
            context.add_cookies([{"name": name, "value": value, "url": url}])
            tab = context.new_page()
            tab.goto(url)
            contents.append(tab.evaluate(_FIRST_CONTENT))
            assert tab.locator("tbody tr").count() == 50
            context.close()
        # The first request loads the templates.
        content = statistics.median(contents[1:])
        yield Row(f"first content with {JOBS:,} jobs", f"{content:.0f} ms", "<= 300 ms", content <= 300)
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": url}])
        delays = _delays(context.new_page(), url)
        middle = statistics.median(delays)
        measured = f"{middle:.0f} ms (median of {len(delays)}; the slowest {max(delays):.0f} ms)"
        yield Row("event to screen", measured, "<= 200 ms", middle <= 200)
        browser.close()


def _delays(tab: Any, url: str) -> list[float]:
    """Return the milliseconds from the call that creates a job until the job is in the page."""
    tab.goto(url)
    tab.wait_for_selector("#live:text('Live')")
    tab.evaluate("""() => { window.seen = {}; new MutationObserver(() => {
        for (const row of document.querySelectorAll('tbody tr')) window.seen[row.id] ??= Date.now();
    }).observe(document.body, {childList: true, subtree: true}); }""")
    delays: list[float] = []
    host = urlsplit(url)
    with Client(f"{host.scheme}://{host.netloc}", "id", "secret") as client:
        for _ in range(EVENTS):
            began = time.time() * 1000
            job = client.create_job(service.job())
            handle = tab.wait_for_selector(f"#{job.Id}")
            assert handle is not None
            delays.append(tab.evaluate(f"window.seen['{job.Id}']") - began)
            tab.wait_for_timeout(300)
    return delays


# -- watchers -------------------------------------------------------------------------------------


@contextmanager
def _watched(url: str, count: int) -> Iterator[None]:
    """Let a process of its own watch the list of jobs."""
    program = [sys.executable, "-m", "benchmarks.page", url, _log_in(url), str(count)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.stdin.close()
            received = json.loads(process.stdout.readline())
            process.wait()
    assert not count or received > count * 100, received


def _watching(directory: Path) -> Row:
    times: dict[int, list[float]] = {0: [], WATCHERS: []}
    with (
        service.serving(directory, "--slots", str(service.CORES)) as (url, _),
        Client(url, "id", "secret") as client,
    ):
        for number in range(PAIRS):
            # The one that comes first changes, so that a change of speed favours neither.
            for count in sorted(times, reverse=bool(number % 2)):
                with _watched(url, count):
                    began = time.perf_counter()
                    client.wait(client.create_job(service.job(INSTANCES)))
                    times[count].append(time.perf_counter() - began)
    cost = statistics.median(with_ / without for without, with_ in zip(*times.values(), strict=True)) - 1
    alone, watched = (INSTANCES / statistics.median(measured) for measured in times.values())
    text = f"{cost:+.1%} ({alone:.0f} / {watched:.0f} instances a second; median of {PAIRS} pairs)"
    return Row(f"throughput with {WATCHERS} watchers", text, "<= 5 % less", cost <= 0.05)


def _watch(url: str, cookie: str, count: int) -> None:
    """Open streams, and read them until stdin ends."""
    import selectors

    host = urlsplit(url)
    request = f"GET /-/events?view=%2F&since=none HTTP/1.1\r\nHost: {host.netloc}\r\nCookie: {cookie}\r\n\r\n"
    received = 0
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for _ in range(count):
            connection = socket.create_connection((host.hostname or "", host.port or 80))
            connection.sendall(request.encode())
            data = connection.recv(1 << 20)
            assert b"200 OK" in data
            selector.register(connection, selectors.EVENT_READ)
            # The whole page is sent once, and changes from then on.
            while b"event: update" not in data:
                data = connection.recv(1 << 20)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if isinstance(key.fileobj, socket.socket):
                    received += len(key.fileobj.recv(1 << 20))
                else:
                    print(json.dumps(received), flush=True)
                    return


if __name__ == "__main__":
    _watch(sys.argv[1], sys.argv[2], int(sys.argv[3]))
