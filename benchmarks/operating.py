"""Benchmarks of operating: the share of the server's time that its log and its metrics take."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from batchcompute import Client
from batchcompute.service.event_counts import EventCounts
from batchcompute.service.event_log import EventLog
from batchcompute.service.events import Events, RequestAnswered
from batchcompute.service.log_format import JsonFormatter
from batchcompute.service.log_limit import LogLimit
from benchmarks.common import Row
from benchmarks.service import _seconds, job, serving

REQUESTS = 2000
JOBS = 300
EVENTS = 10_000
ID = "job-000000006B083A50000063E900000001"


def _microseconds(function: Callable[[], object]) -> float:
    begun = time.process_time()
    for _ in range(EVENTS):
        function()
    return (time.process_time() - begun) / EVENTS * 1e6


def _costs(log: Path) -> tuple[float, float]:
    """Return the microseconds of the events of a request, and of a job with one instance."""
    logger = logging.getLogger("batchcompute.service.events")
    handler = logging.FileHandler(log)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(LogLimit())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    # A service adds the sink of spans only where a provider receives them.
    events = Events(EventLog(), EventCounts())
    answered = RequestAnswered("get_job", "GET", f"/jobs/{ID}", 200, "", "local", "ABC", 0.001)

    def job_events() -> None:
        events.job_created(ID, "local", "bench", 1, 1)
        events.job_started(ID, "local")
        events.attempt_ended(ID, "t", 0, 1, "Finished", 0, "", 1.0, 2.0)
        events.job_ended(ID, "local", "Finished", "", 1.0)

    try:
        return _microseconds(lambda: events.emit(answered)), _microseconds(job_events)
    finally:
        logger.removeHandler(handler)
        handler.close()


def operating() -> Iterable[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        serving(Path(folder) / "there") as (url, server),
        Client(url, "id", "secret") as client,
    ):
        client.get_quotas()
        used = _seconds(server.pid)
        for _ in range(REQUESTS):
            client.get_quotas()
        request = (_seconds(server.pid) - used) / REQUESTS * 1e6
        used = _seconds(server.pid)
        for _ in range(JOBS):
            client.create_job(job())
        while client.list_jobs(state="Waiting") or client.list_jobs(state="Running"):
            time.sleep(0.1)
        whole = (_seconds(server.pid) - used) / JOBS * 1e6
        events = _costs(Path(folder) / "log")
    for name, cost, total in (("a request", events[0], request), ("a job", events[1], whole)):
        share = cost / total * 100
        yield Row(
            f"log (JSON) and metrics of {name}, of the processor time of the server",
            f"{share:.1f} % ({cost:.0f} / {total:.0f} us)",
            "<= 3 %",
            share <= 3,
        )
