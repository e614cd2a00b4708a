"""The service: it speaks the API of BatchCompute and really runs the jobs.

`LocalService` is the explicit form; ``Client(LOCAL, …)`` starts one by itself. Everything here needs
only the core dependencies and the standard library.
"""

from __future__ import annotations

from batchcompute.service.embedded import embedded_service
from batchcompute.service.local import LocalService
from batchcompute.service.wire import Request, Response

__all__ = ["LocalService", "Request", "Response", "embedded_service"]
