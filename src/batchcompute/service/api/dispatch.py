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
from batchcompute.runner.os_errors import is_transient
from batchcompute.service.api.authentication import Keys
from batchcompute.service.api.requests import (
    Admission,
    BadTarget,
    Params,
    Request,
    Response,
    answer,
    new_request_id,
    refuse,
)
from batchcompute.service.api.routes import find
from batchcompute.service.errors import ApiError, refusal_of

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

    def dispatch(self, request: Request, admission: Admission | None = None) -> Response:
        """Answer a request; whatever goes wrong becomes an answer, too.

        Args:
            request: The request.
            admission: What `admit` said of its head, if it was asked.
        """
        request_id = new_request_id()
        try:
            owner = admission.owner if admission else self._keys.owner_of(request)
            self._keys.check_body(request)
            status, content = self._content(request, owner, request_id)
        except Exception as error:  # noqa: BLE001 - every error has an answer
            return self._answer_of(error, request, request_id)
        return answer(status, content, request_id)

    def admit(self, head: Request) -> Admission | Response:
        """Judge a request by its head: return whose it is, or the answer that refuses it."""
        try:
            return Admission(self._keys.owner_of(head))
        except Exception as error:  # noqa: BLE001 - every error has an answer
            return self._answer_of(error, head, new_request_id())

    def _content(self, request: Request, owner: str, request_id: str) -> tuple[int, Any]:
        operation, path, query = find(request.method, request.target)
        handler = self._handlers.get(operation.name)
        if handler is None:
            text = f"{operation.api} is not served by this version of the local service."
            raise ApiError(501, "NotImplemented", text)
        return operation.status, handler(Params(operation, owner, path, query, request.body, request_id))

    @staticmethod
    def _answer_of(error: Exception, request: Request, request_id: str) -> Response:
        if isinstance(error, ApiError):
            return refuse(error, request_id)
        if isinstance(error, BadTarget):
            text = f"Url contains illegal words: {error}."
            return refuse(ApiError(400, "InvalidUrlPattern", text), request_id)
        if isinstance(error, ValidationError):
            return refuse(refusal_of(list(error.problems)), request_id)
        if isinstance(error, sqlite3.Error):
            # A full disk, or a damaged file: what was asked for has not happened, and the next request may do.
            _log.error("request %s failed: the database failed: %s", request_id, error)
            text = f"The service's database failed: {error}. Nothing was changed."
            return refuse(ApiError(500, "InternalError", text), request_id)
        if is_transient(error):
            _log.warning("request %s failed: %s", request_id, error)
            text = "The machine of the service has no room for this at this moment. Try again later."
            return refuse(ApiError(503, "ServiceUnavailable", text), request_id)
        _log.error(
            "request %s failed: %s %s",
            request_id,
            request.method,
            request.target.partition("?")[0],
            exc_info=error,
        )
        return refuse(ApiError(500, "InternalError", "The service failed; its log says why."), request_id)
