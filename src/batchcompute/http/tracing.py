"""OpenTelemetry spans for calls, where ``opentelemetry-api`` is installed (extra ``otel``).

Without it, or without a tracer provider set up by the program, nothing is recorded.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

from batchcompute._version import __version__

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.errors import BatchComputeError
    from batchcompute.regions import Endpoint

__all__: list[str] = []


class Tracer:
    """Makes a span for each call.

    Args:
        trace: The module ``opentelemetry.trace``.
    """

    def __init__(self, trace: Any) -> None:
        self._trace = trace
        self._tracer = trace.get_tracer("batchcompute", __version__)

    def span(self, call: Call[Any], endpoint: Endpoint) -> AbstractContextManager[Any]:
        """Return a context manager whose span has the operation's name.

        Args:
            call: The call.
            endpoint: Where it goes.
        """
        operation = call.operation
        attributes = {
            "rpc.system": "batchcompute",
            "rpc.method": operation.api,
            "http.request.method": operation.method,
            # The row's path and not the request's, which holds names that people chose.
            "url.template": operation.path,
            "server.address": endpoint.base_url,
            "cloud.region": endpoint.region,
        }
        # What the call raises is recorded by `failed`, without the library's text of it.
        span: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            operation.api,
            kind=self._trace.SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )
        return span

    def failed(self, span: Any, error: BatchComputeError) -> None:
        """Record a failure on a span: its class, status, code and request id."""
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
    """Return the tracer of this process, or None where nobody would see its spans.

    That is where OpenTelemetry is not installed, or the program has set up no provider.
    """
    found = _library()
    if found is None or isinstance(found[0].get_tracer_provider(), found[0].ProxyTracerProvider):
        return None
    return found[1]
