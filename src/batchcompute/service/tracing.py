"""OpenTelemetry spans of the service: for requests, and for attempts below the creation of their job."""

from __future__ import annotations

# `batchcompute.http.tracing.tracer` says whether there is a provider. Nothing here is called without one.
import re
import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from batchcompute._version import __version__
from batchcompute.service.events import AttemptEnded, Event, JobCreated

if TYPE_CHECKING:
    from batchcompute.api.operations import Operation

__all__ = ["RequestSpan", "SpanSink", "request_span"]

_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""The header of the W3C trace context, version 00."""

_MOST_JOBS: Final = 10_000
"""Jobs whose creation is remembered, so that their attempts have a parent."""


class RequestSpan:
    """The span of a request.

    Args:
        trace: The module ``opentelemetry.trace``.
        span: The span.
    """

    def __init__(self, trace: Any, span: Any) -> None:
        self._trace = trace
        self._span = span

    def name(self, operation: Operation) -> None:
        """Name the span after an operation.

        Args:
            operation: The operation.
        """
        self._span.update_name(operation.api)
        self._span.set_attribute("rpc.method", operation.api)
        # The template, because the path of the request contains names that users chose.
        self._span.set_attribute("url.template", operation.path)

    def end(self, status: int, code: str, request_id: str) -> None:
        """Record the response.

        Args:
            status: HTTP status.
            code: Code of the error; empty for a success.
            request_id: Id of the request.
        """
        self._span.set_attribute("http.response.status_code", status)
        self._span.set_attribute("batchcompute.request_id", request_id)
        if code:
            self._span.set_attribute("batchcompute.error_code", code)
        if status >= 500:
            # A 4xx status is an error of the client, so the span of the server is no error.
            self._span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, code))


@contextmanager
def request_span(method: str, headers: Mapping[str, str]) -> Generator[RequestSpan]:
    """Record a span while a request is answered; it continues the trace of the client.

    Args:
        method: HTTP method of the request.
        headers: Headers of the request, with lower-case names.

    Yields:
        The span.
    """
    trace = _module()
    with _tracer(trace).start_as_current_span(
        "request",
        context=_parent_of(trace, headers.get("traceparent", "")),
        kind=trace.SpanKind.SERVER,
        attributes={"rpc.system": "batchcompute", "http.request.method": _method(method)},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield RequestSpan(trace, span)


class SpanSink:
    """Records a span for each attempt, below the span of the request that created its job.

    The requests are remembered in this process only. An attempt of a job that an earlier process created begins a
    trace of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._creations: OrderedDict[str, Any] = OrderedDict()

    def receive(self, event: Event) -> None:
        """Remember the creation of a job, or record the span of an attempt."""
        if not isinstance(event, (JobCreated, AttemptEnded)):
            return
        trace = _module()
        if isinstance(event, AttemptEnded):
            self._record(trace, event)
        elif (span := trace.get_current_span()).get_span_context().is_valid:
            with self._lock:
                self._creations[event.job] = span.get_span_context()
                if len(self._creations) > _MOST_JOBS:
                    self._creations.popitem(last=False)

    def _record(self, trace: Any, event: AttemptEnded) -> None:
        with self._lock:
            creation = self._creations.get(event.job)
        span = _tracer(trace).start_span(
            "attempt",
            context=_context_of(trace, creation),
            attributes={
                "batchcompute.job": event.job,
                "batchcompute.task": event.task,
                "batchcompute.instance": event.instance,
                "batchcompute.attempt": event.attempt,
                "batchcompute.state": event.state,
                **({"process.exit.code": event.exit_code} if event.has_exit_code else {}),
                "batchcompute.error_code": event.code,
            },
            start_time=int(event.start * 1e9),
        )
        if event.state in ("Failed", "Lost"):
            span.set_status(trace.Status(trace.StatusCode.ERROR, event.code))
        span.end(int(event.end * 1e9))


def _module() -> Any:
    """Return the module ``opentelemetry.trace``."""
    from opentelemetry import trace

    return trace


def _tracer(trace: Any) -> Any:
    return trace.get_tracer("batchcompute.service", __version__)


def _parent_of(trace: Any, header: str) -> Any:
    """Return the context of the span that a header names; an empty one for no span."""
    match = _PARENT.fullmatch(header)
    if match is None:
        return _context_of(trace, None)
    context = trace.SpanContext(
        int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=trace.TraceFlags(int(match[3], 16))
    )
    return _context_of(trace, context)


def _context_of(trace: Any, span_context: Any) -> Any:
    """Return a context with a span; an empty one for None, so that the span begins a trace."""
    if span_context is None or not span_context.is_valid:
        return trace.set_span_in_context(trace.INVALID_SPAN)
    return trace.set_span_in_context(trace.NonRecordingSpan(span_context))


def _method(method: str) -> str:
    return method if method in ("GET", "POST", "PUT", "DELETE", "HEAD") else "_OTHER"
