"""`Core`: authenticates requests, finds their operations, and calls the handlers."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from batchcompute.errors import ValidationError
from batchcompute.runner.os_errors import is_transient
from batchcompute.service.api.authentication import Keys
from batchcompute.service.api.handlers.table import Handler
from batchcompute.service.api.params import Params
from batchcompute.service.api.routes import find
from batchcompute.service.errors import ApiError, error_of_problems
from batchcompute.service.requests import (
    Admission,
    BadTarget,
    Request,
    Response,
    error_response,
    json_response,
    new_request_id,
)

__all__ = ["Core"]

_log = logging.getLogger("batchcompute.service")


class Core:
    """Authenticates requests, finds their operations, and calls the handlers.

    Args:
        keys: The key pairs of the service.
        handlers: The handler of each operation, by its name.
    """

    def __init__(self, keys: Keys, handlers: Mapping[str, Handler]) -> None:
        self._keys = keys
        self._handlers = handlers

    def dispatch(self, request: Request, admission: Admission | None = None) -> Response:
        """Return the response to a request. Every error becomes a response.

        Args:
            request: The request.
            admission: What `admit` returned for its head, if it was called.
        """
        request_id = new_request_id()
        try:
            owner = admission.owner if admission else self._keys.owner_of(request)
            self._keys.check_body(request)
            status, content = self._content(request, owner, request_id)
        except Exception as error:  # noqa: BLE001 - every error becomes a response
            return self._error_response(error, request, request_id)
        return json_response(status, content, request_id)

    def admit(self, head: Request) -> Admission | Response:
        """Authenticate a request by its head: return its owner, or the response that refuses it."""
        try:
            return Admission(self._keys.owner_of(head))
        except Exception as error:  # noqa: BLE001 - every error becomes a response
            return self._error_response(error, head, new_request_id())

    def _content(self, request: Request, owner: str, request_id: str) -> tuple[int, Any]:
        operation, path, query = find(request.method, request.target)
        handler = self._handlers[operation.name]
        return operation.status, handler(Params(operation, owner, path, query, request.body, request_id))

    @staticmethod
    def _error_response(error: Exception, request: Request, request_id: str) -> Response:
        if isinstance(error, ApiError):
            return error_response(error, request_id)
        if isinstance(error, BadTarget):
            text = f"Url contains illegal words: {error}."
            return error_response(ApiError(400, "InvalidUrlPattern", text), request_id)
        if isinstance(error, ValidationError):
            return error_response(error_of_problems(list(error.problems)), request_id)
        if isinstance(error, sqlite3.Error):
            # For example, the disk is full or the file is damaged. The request changed nothing.
            _log.error("request %s failed: the database failed: %s", request_id, error)
            text = f"The service's database failed: {error}. Nothing was changed."
            return error_response(ApiError(500, "InternalError", text), request_id)
        if is_transient(error):
            _log.warning("request %s failed: %s", request_id, error)
            text = "The machine of the service has no room for this at this moment. Try again later."
            return error_response(ApiError(503, "ServiceUnavailable", text), request_id)
        _log.error(
            "request %s failed: %s %s",
            request_id,
            request.method,
            request.target.partition("?")[0],
            exc_info=error,
        )
        return error_response(
            ApiError(500, "InternalError", "The service failed; its log says why."), request_id
        )
