"""The service: it speaks the API of BatchCompute and really runs the jobs.

`LocalService` is the explicit form; ``Client(LOCAL, …)`` starts one by itself. Everything here needs
only the core dependencies and the standard library.
"""

from __future__ import annotations

from batchcompute.service.api.requests import Request, Response
from batchcompute.service.embedded import embedded_service
from batchcompute.service.local_service import LocalService

__all__ = ["LocalService", "Request", "Response", "embedded_service"]
