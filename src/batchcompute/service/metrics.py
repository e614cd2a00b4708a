"""The metrics of a service in the text format of Prometheus (extra ``serve``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from batchcompute._version import __version__
from batchcompute.service.domain.states import STATES
from batchcompute.service.event_counts import EventCounts, Histogram
from batchcompute.service.numbers import ServiceNumbers

__all__ = ["CONTENT_TYPE", "metrics_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Type of the text."""


def metrics_text(numbers: Callable[[], ServiceNumbers], counts: EventCounts) -> bytes:
    """Return all metrics of a service.

    No label contains a name that a user chose.

    Args:
        numbers: Returns the numbers of this moment.
        counts: The numbers of events since the start.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(numbers(), counts))
    return generate_latest(registry)


class _Metrics(Collector):
    """The metrics of one moment."""

    def __init__(self, numbers: ServiceNumbers, counts: EventCounts) -> None:
        self._numbers = numbers
        self._counts = counts

    def describe(self) -> Iterator[Metric]:
        """Return nothing: the registry would otherwise collect the metrics once more."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        yield from _of_moment(self._numbers)
        with self._counts.lock:
            yield from list(_since_start(self._counts))


def _of_moment(numbers: ServiceNumbers) -> Iterator[Metric]:
    build = GaugeMetricFamily(
        "batchcompute_build", "Version of the service; the value is 1.", labels=["version"]
    )
    build.add_metric([__version__], 1)
    yield build
    jobs = GaugeMetricFamily("batchcompute_jobs", "Jobs in the database.", labels=["state"])
    for state in STATES:
        jobs.add_metric([state], numbers.jobs.get(state, 0))
    yield jobs
    for name, text, value in (
        ("instances_waiting", "Instances that wait for a slot, a machine or another task.", numbers.waiting),
        ("instances_submitted", "Instances that wait in the queue of an engine.", numbers.submitted),
        ("instances_running", "Instances that run.", numbers.running),
        ("slots", "Instances that run at once.", numbers.slots),
        ("engine_healthy", "1 while the loop that runs the jobs makes progress.", int(numbers.is_healthy)),
        ("database_bytes", "Size of the database.", numbers.database_bytes),
        ("disk_free_bytes", "Free space on the disk of the data directory.", numbers.free_bytes),
        ("disk_bytes", "Size of the disk of the data directory.", numbers.total_bytes),
    ):
        yield GaugeMetricFamily(f"batchcompute_{name}", text, value)
    yield CounterMetricFamily(
        "batchcompute_engine_stalls", "Rounds of the loop that took too long.", numbers.stalls
    )


def _since_start(counts: EventCounts) -> Iterator[Metric]:
    yield CounterMetricFamily("batchcompute_jobs_created", "Created jobs.", counts.jobs_created)
    jobs = CounterMetricFamily("batchcompute_jobs_ended", "Ended jobs.", labels=["state"])
    for state in ("Finished", "Failed", "Stopped"):
        jobs.add_metric([state], counts.jobs_ended[state])
    yield jobs
    attempts = CounterMetricFamily(
        "batchcompute_attempts_ended", "Ended attempts of instances.", labels=["state", "code"]
    )
    for (state, code), count in sorted(counts.attempts_ended.items()):
        attempts.add_metric([state, code], count)
    yield attempts
    requests = CounterMetricFamily(
        "batchcompute_requests", "Answered requests.", labels=["operation", "status"]
    )
    for (operation, status), count in sorted(counts.requests.items()):
        requests.add_metric([operation, str(status)], count)
    yield requests
    yield _histogram("job_seconds", "Durations of jobs, from start to end.", counts.job_seconds)
    yield _histogram("attempt_seconds", "Durations of attempts.", counts.attempt_seconds)
    yield _histogram("request_seconds", "Durations of requests.", counts.request_seconds)


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(
        f"batchcompute_{name}", text, buckets=histogram.cumulated(), sum_value=histogram.total
    )
