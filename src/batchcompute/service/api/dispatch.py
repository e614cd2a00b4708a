"""`Core`: authenticates requests, finds their operations, and calls the handlers."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping

from batchcompute.errors import ValidationError
from batchcompute.http.tracing import tracer
from batchcompute.runner.os_errors import is_transient
from batchcompute.service.api.authentication import Keys
from batchcompute.service.api.handlers.table import Handler
from batchcompute.service.api.routes import Params, find
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.errors import ApiError, HttpError, error_of_problems
from batchcompute.service.events import Events, RequestAnswered
from batchcompute.service.requests import (
    Admission,
    BadTarget,
    Request,
    Response,
    error_response,
    json_response,
    new_request_id,
)
from batchcompute.service.tracing import RequestSpan, request_span

__all__ = ["Core"]

_log = logging.getLogger("batchcompute.service")


class Core:
    """Authenticates requests, finds their operations, and calls the handlers.

    Args:
        keys: The key pairs of the service.
        handlers: The handler of each operation, by its name.
        clock: The source of time.
    """

    def __init__(self, keys: Keys, handlers: Mapping[str, Handler], clock: Clock = SYSTEM_CLOCK) -> None:
        self._keys = keys
        self._handlers = handlers
        self._clock = clock
        self.events: Events = Events()
        """Receives an event for each request; `LocalService` sets it."""

    def dispatch(self, request: Request, admission: Admission | None = None) -> Response:
        """Return the response to a request. Every error becomes a response.

        Args:
            request: The request.
            admission: What `admit` returned for its head, if it was called.
        """
        owner = admission.owner if admission else ""
        if tracer() is None:
            return self._respond(request, owner, True, None)
        with request_span(request.method, request.headers) as span:
            return self._respond(request, owner, True, span)

    def answer(self, request: Request, owner: str) -> Response:
        """Return the response to a request without a signature, whose owner is known by a session.

        Args:
            request: The request.
            owner: Its owner.
        """
        return self._respond(request, owner, False, None)

    def _respond(self, request: Request, owner: str, is_signed: bool, span: RequestSpan | None) -> Response:
        started = self._clock.monotonic()
        request_id, name = new_request_id(), ""
        try:
            if is_signed:
                owner = owner or self._keys.owner_of(request)
                self._keys.check_body(request)
            operation, path, query = find(request.method, request.target)
            name = operation.name
            if span is not None:
                span.name(operation)
            params = Params(operation, owner, path, query, request.body, request_id)
            response = json_response(operation.status, self._handlers[name](params), request_id)
            code = ""
        except Exception as error:  # noqa: BLE001 - every error becomes a response
            refusal = _refusal_of(error, request, request_id)
            response, code = error_response(refusal, request_id), refusal.code
        if span is not None:
            span.end(response.status, code, request_id)
        if is_signed or request.method != "GET":
            # One page reads dozens of resources, and none of these reads is a request of a client.
            self._note(name, request, response.status, code, owner, request_id, started)
        return response

    def admit(self, head: Request) -> Admission | Response:
        """Authenticate a request by its head: return its owner, or the response that refuses it."""
        started = self._clock.monotonic()
        try:
            return Admission(self._keys.owner_of(head))
        except Exception as error:  # noqa: BLE001 - every error becomes a response
            request_id = new_request_id()
            refusal = _refusal_of(error, head, request_id)
            self._note("", head, refusal.status, refusal.code, "", request_id, started)
            return error_response(refusal, request_id)

    def _note(
        self,
        name: str,
        request: Request,
        status: int,
        code: str,
        owner: str,
        request_id: str,
        started: float,
    ) -> None:
        path = request.target.partition("?")[0]
        seconds = self._clock.monotonic() - started
        self.events.emit(
            RequestAnswered(name, request.method, path, status, code, owner, request_id, seconds)
        )


def _refusal_of(error: Exception, request: Request, request_id: str) -> HttpError:
    """Return the error that answers a request, and log one that is not expected."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, BadTarget):
        return ApiError(400, "InvalidUrlPattern", f"Url contains illegal words: {error}.")
    if isinstance(error, ValidationError):
        return error_of_problems(list(error.problems))
    if isinstance(error, sqlite3.Error):
        # For example, the disk is full or the file is damaged. The request changed nothing.
        _log.error("request %s failed: the database failed: %s", request_id, error)
        text = f"The service's database failed: {error}. Nothing was changed."
        return ApiError(500, "InternalError", text)
    if is_transient(error):
        _log.warning("request %s failed: %s", request_id, error)
        text = "The machine of the service has no room for this at this moment. Try again later."
        return ApiError(503, "ServiceUnavailable", text)
    path = request.target.partition("?")[0]
    _log.error("request %s failed: %s %s", request_id, request.method, path, exc_info=error)
    return ApiError(500, "InternalError", "The service failed; its log says why.")
