"""`Core.dispatch`: a request in, an answer out; the whole API behind one synchronous function.

It knows no HTTP library and no event loop. The direct transports call it in this process, and a
server that speaks HTTP calls it, too.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from batchcompute.errors import ValidationError
from batchcompute.service.access import Keys
from batchcompute.service.faults import Refusal, refusal_of
from batchcompute.service.routes import find
from batchcompute.service.wire import Params, Request, Response, answer, new_request_id, refuse

__all__ = ["Core"]

_log = logging.getLogger("batchcompute.service")

Handler = Callable[[Params], Any]


class Core:
    """Verifies, finds the operation, and answers.

    Args:
        keys: The key pairs that the service knows.
        handlers: One function an operation, by its name.
    """

    def __init__(self, keys: Keys, handlers: Mapping[str, Handler]) -> None:
        self._keys = keys
        self._handlers = handlers

    def dispatch(self, request: Request) -> Response:
        """Answer a request; whatever goes wrong becomes an answer, too."""
        request_id = new_request_id()
        try:
            owner = self._keys.owner_of(request)
            operation, path, query = find(request.method, request.target)
            handler = self._handlers.get(operation.name)
            if handler is None:
                text = f"{operation.api} is not served by this version of the local service."
                raise Refusal(501, "NotImplemented", text)
            content = handler(Params(operation, owner, path, query, request.body, request_id))
        except Refusal as refusal:
            return refuse(refusal, request_id)
        except ValidationError as error:
            return refuse(refusal_of(list(error.problems)), request_id)
        except sqlite3.Error as error:
            # A full disk, or a damaged file: what was asked for has not happened, and the next request may do.
            _log.exception("request %s failed: the database failed", request_id)
            text = f"The service's database failed: {error}. Nothing was changed."
            return refuse(Refusal(500, "InternalError", text), request_id)
        except Exception:  # noqa: BLE001
            _log.exception(
                "request %s failed: %s %s", request_id, request.method, request.target.partition("?")[0]
            )
            return refuse(Refusal(500, "InternalError", "The service failed; its log says why."), request_id)
        return answer(operation.status, content, request_id)
