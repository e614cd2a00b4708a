"""OpenTelemetry spans for calls, recorded if ``opentelemetry-api`` is installed (extra ``otel``)."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from batchcompute._version import __version__

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.errors import BatchComputeError
    from batchcompute.regions import Endpoint

__all__: list[str] = []

_PROVIDER: Final = "OTEL_PYTHON_TRACER_PROVIDER"
"""The variable with which OpenTelemetry finds a provider by itself."""


class Tracer:
    """Creates a span for each call.

    Args:
        trace: The module ``opentelemetry.trace``.
    """

    def __init__(self, trace: Any) -> None:
        self._trace = trace
        self._tracer = trace.get_tracer("batchcompute", __version__)

    def span(self, call: Call[Any], endpoint: Endpoint) -> AbstractContextManager[Any]:
        """Return a context manager of a span with the operation's name.

        Args:
            call: The call.
            endpoint: Its endpoint.
        """
        operation = call.operation
        attributes = {
            "rpc.system": "batchcompute",
            "rpc.method": operation.api,
            "http.request.method": operation.method,
            # The template, because the path of the request contains names that users chose.
            "url.template": operation.path,
            "server.address": endpoint.base_url,
            "cloud.region": endpoint.region,
        }
        # `record_failure` records exceptions. OpenTelemetry would also record their messages.
        span: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            operation.api,
            kind=self._trace.SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )
        return span

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Add the current span to the headers of a request (W3C trace context), unless they name a span already.

        Args:
            headers: The headers.
        """
        context = self._trace.get_current_span().get_span_context()
        if context.is_valid and "traceparent" not in headers:
            headers["traceparent"] = (
                f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
            )

    def record_failure(self, span: Any, error: BatchComputeError) -> None:
        """Record the class, status, code and request id of an error on a span."""
        span.set_attribute("error.type", type(error).__name__)
        span.set_attribute("batchcompute.attempts", len(error.attempts))
        for name, key in (
            ("status", "http.response.status_code"),
            ("code", "batchcompute.error_code"),
            ("request_id", "batchcompute.request_id"),
        ):
            value = getattr(error, name, None)
            if value:
                span.set_attribute(key, value)
        span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, type(error).__name__))


@cache
def _library() -> tuple[Any, Tracer] | None:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace, Tracer(trace)


def tracer() -> Tracer | None:
    """Return the tracer of this process; None if OpenTelemetry is not installed or has no provider."""
    if "opentelemetry" not in sys.modules and _PROVIDER not in os.environ:
        # Whoever configures a provider imports the package, or names one for it. A process without spans does not load it.
        return None
    library = _library()
    if library is None or isinstance(library[0].get_tracer_provider(), library[0].ProxyTracerProvider):
        return None
    return library[1]
