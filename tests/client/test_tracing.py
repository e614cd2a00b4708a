"""Spans of calls, and calls without OpenTelemetry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import respx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from batchcompute import NotFoundError, RetryPolicy
from batchcompute.http import tracing
from tests.client.kinds import Kind

URL = "http://127.0.0.1:9"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    tracing._library.cache_clear()
    yield exporter
    tracing._library.cache_clear()
    provider.shutdown()


def test_a_span_for_each_call(kind: Kind, respx_mock: respx.MockRouter, spans: InMemorySpanExporter) -> None:
    client = kind(URL, "id", "s3cret", retry=RetryPolicy(first_delay=0))
    replies: list[Any] = [
        httpx.Response(500),
        httpx.Response(404, json={"Code": "InvalidResource.NotFound"}, headers={"request-id": "r"}),
    ]
    respx_mock.get(f"{URL}/jobs/job-中").mock(side_effect=replies)
    respx_mock.get(f"{URL}/quotas").respond(200, json={})
    client.get_quotas()
    with pytest.raises(NotFoundError):
        client.get_job("job-中")
    good, bad = spans.get_finished_spans()
    assert (good.name, bad.name) == ("GetQuota", "GetJob")
    assert good.kind is trace.SpanKind.CLIENT
    assert good.attributes is not None
    assert good.attributes["server.address"] == URL
    assert good.status.is_unset
    assert bad.attributes is not None
    assert not bad.status.is_ok
    shown = dict(bad.attributes)
    assert shown["error.type"] == "NotFoundError"
    assert shown["batchcompute.attempts"] == 2
    assert shown["http.response.status_code"] == 404
    assert shown["batchcompute.request_id"] == "r"
    assert shown["url.template"] == "/jobs/{JobId}"
    assert "s3cret" not in str(shown)


def test_calls_without_opentelemetry() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
from batchcompute import LOCAL, Client
print(Client(LOCAL, "id", "secret").get_quotas().StatusCode)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "200\n"


def test_opentelemetry_is_not_loaded_for_a_process_without_spans() -> None:
    program = """
import os, sys
from batchcompute import LOCAL, Client
client = Client(LOCAL, "id", "secret")
client.get_quotas()
assert "opentelemetry" not in sys.modules
os.environ["OTEL_PYTHON_TRACER_PROVIDER"] = "sdk_tracer_provider"
client.get_quotas()
assert "opentelemetry.sdk" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
