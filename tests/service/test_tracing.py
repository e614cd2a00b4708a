"""One trace from the client's call through the service to the attempt."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from batchcompute import Client, NotFoundError
from batchcompute.http import tracing
from batchcompute.service import LocalService
from batchcompute.service.store.transitions import history_of
from batchcompute.service.tracing import SpanSink
from tests.service import test_serve
from tests.service.helpers import finish
from tests.service.helpers import job as make_job
from tests.service.test_serve import KEYS, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    tracing._library.cache_clear()
    yield exporter
    tracing._library.cache_clear()
    provider.shutdown()


PROGRAM = """
import sys
from pathlib import Path
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from batchcompute.cli import main
provider = TracerProvider()
out = open({path!r}, "w", buffering=1)
provider.add_span_processor(
    SimpleSpanProcessor(ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\\n"))
)
trace.set_tracer_provider(provider)
sys.exit(main(sys.argv[1:]))
"""


def test_the_service_continues_the_trace_of_the_client(
    tmp_path: Path, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "spans"
    arguments = ["serve", "--port", "0", "--data-dir", str(tmp_path / "d")]
    command = [sys.executable, "-c", PROGRAM.format(path=str(out)), *arguments]
    monkeypatch.setattr(test_serve, "serve_command", lambda *_: command)
    with serving(tmp_path / "d", **KEYS) as (url, _), Client(url, "id", "s3cret") as client:
        client.create_job(make_job("true"))
        with pytest.raises(NotFoundError):
            client.get_job("job-0")
        for header in ("x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "a" * 32):
            httpx.get(f"{url}/jobs", headers={"traceparent": header, "Authorization": "acs id:s1gnature"})
    called = {span.name: span for span in spans.get_finished_spans()}
    served: dict[str, Any] = {}
    for line in out.read_text().splitlines():
        span = json.loads(line)
        served[span["name"]] = span
    for name, status in (("CreateJob", 201), ("GetJob", 404)):
        parent = called[name].get_span_context()
        assert parent is not None
        assert served[name]["context"]["trace_id"] == f"0x{parent.trace_id:032x}"
        assert served[name]["parent_id"] == f"0x{parent.span_id:016x}"
        assert served[name]["kind"] == "SpanKind.SERVER"
        assert served[name]["attributes"]["http.response.status_code"] == status
    assert served["GetJob"]["attributes"]["batchcompute.error_code"] == "InvalidResource.NotFound"
    assert served["GetJob"]["attributes"]["url.template"] == "/jobs/{JobId}"
    for secret in ("s3cret", "s1gnature"):
        assert secret not in out.read_text()


def test_an_attempt_belongs_to_the_creation_of_its_job(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    with LocalService(tmp_path / "d") as service, service.client() as client:
        job = client.create_job(make_job("exit 3"))
        finish(client, job.Id, "Failed")
        before = service.counts.attempts_ended.copy()
        with service._parts.store.write() as transaction:
            row = transaction.jobs.find(job.Id, "local")
            assert row is not None
            history = history_of(transaction, (row.seq, 0, 0))
            transaction.jobs.report_attempt_end(history, "Failed", 3, "ProgramError", "2999-01-01T00:00:00Z")
        assert service.counts.attempts_ended["Failed", "ProgramError"] == before["Failed", "ProgramError"] + 1
    finished = spans.get_finished_spans()
    [creation] = [
        span for span in finished if span.name == "CreateJob" and span.kind == trace.SpanKind.SERVER
    ]
    attempt = [span for span in finished if span.name == "attempt"][-1]
    assert creation.context is not None
    assert attempt.parent is not None
    assert attempt.parent.span_id == creation.context.span_id
    assert attempt.attributes is not None
    assert attempt.attributes["batchcompute.job"] == job.Id
    assert attempt.attributes["process.exit.code"] == 3
    assert not attempt.status.is_ok
    assert attempt.start_time is not None
    assert attempt.end_time is not None
    assert attempt.end_time > attempt.start_time


def test_an_attempt_of_an_unknown_job_begins_a_trace(spans: InMemorySpanExporter) -> None:
    from batchcompute.service.events import Events, JobCreated

    events = Events(SpanSink())
    with trace.get_tracer("test").start_as_current_span("outer"):
        events.attempt_ended("job-1", "t", 0, 1, "Finished", 0, "", 1.0, 2.0)
    attempt = spans.get_finished_spans()[0]
    assert (attempt.parent, attempt.start_time, attempt.end_time) == (None, 10**9, 2 * 10**9)
    sink = SpanSink()
    with trace.get_tracer("test").start_as_current_span("outer"):
        for number in range(10_500):
            sink.receive(JobCreated(f"job-{number}", "o", "n", 1, 1))
    assert len(sink._creations) == 10_000
