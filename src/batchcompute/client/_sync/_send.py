# Made by tools/generate.py from client/_async/_send.py; change that file instead.
"""The one place that sends: an attempt, its retries, and the reading of what became of a lost one."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import tenacity

from batchcompute._logs import log, log_answer
from batchcompute.credentials import CredentialSource, fresh_credentials
from batchcompute.errors import BatchComputeError, NotFoundError, TransportTimeout
from batchcompute.tracing import tracer
from batchcompute.transport import (
    build_request,
    given_request,
    raw_answer,
    transport_error,
    understand,
)
from batchcompute.trials import Trial

if TYPE_CHECKING:
    from batchcompute.client._common import HeaderMap
    from batchcompute.client._http import Pool
    from batchcompute.operations import Call
    from batchcompute.regions import Endpoint
    from batchcompute.retry import Quota, RetryPolicy
    from batchcompute.signing import Credentials

__all__: list[str] = []

A = TypeVar("A")


class Sender:
    """Sends calls; `Base` sets it up."""

    version: str
    _source: CredentialSource
    _fixed: Credentials | None
    _endpoint: Endpoint
    _headers: HeaderMap
    _limits: Mapping[str, float | None]
    _policy: RetryPolicy
    _quota: Quota
    _pool: Pool

    def _attempt(self, call: Call[A], end: float | None) -> A:
        started = time.monotonic()
        pool = self._pool
        http = pool.current() or pool.open()
        credentials = self._fixed or fresh_credentials(self._source)
        limits: Mapping[str, float | None] = self._limits
        if pool.given:
            request = given_request(http, call, self._endpoint, credentials, self.version, self._headers)
        else:
            request = build_request(call, self._endpoint, credentials, self.version, self._headers)
        if end is not None:
            limits = _clipped(limits or request.extensions.get("timeout", {}), end - started, self._endpoint)
        if limits:
            # httpx keeps time limits in the request; one that it did not build itself has none.
            request.extensions["timeout"] = limits
        try:
            if end is None:
                response = http.send(request, **pool.options)
                body: bytes = response.content
            else:
                response = http.send(request, stream=True, **pool.options)
                body = self._read(response, end)
        except pool.errors as error:
            raise transport_error(error, self._endpoint) from error
        raw = raw_answer(response, body)
        if log.isEnabledFor(logging.DEBUG):
            log_answer(call, raw, time.monotonic() - started)
        return understand(call, raw)

    def _read(self, response: Any, end: float) -> bytes:
        """Read a body piece by piece, as each piece may come in time and all of them too late."""
        pieces: list[bytes] = []
        try:
            for piece in response.iter_bytes():
                pieces.append(piece)
                if time.monotonic() >= end:
                    raise TransportTimeout(
                        f"the answer from {self._endpoint.base_url} was not whole when the deadline came"
                    )
        finally:
            response.close()
        return b"".join(pieces)

    def _call(self, call: Call[A], end: float | None = None) -> A:
        tracing = tracer()
        if tracing is None:
            return self._send(call, end)
        with tracing.span(call, self._endpoint) as span:
            try:
                return self._send(call, end)
            except BatchComputeError as error:
                tracing.failed(span, error)
                raise

    def _send(self, call: Call[A], end: float | None) -> A:
        policy = self._policy
        started = time.monotonic()
        if end is None and policy.deadline is not None:
            end = started + (policy.deadline_seconds or 0)
        try:
            answer: A = self._attempt(call, end)
        except BatchComputeError as error:
            first: list[BatchComputeError] = [error]
        else:
            self._quota.give_back()
            return answer
        # tenacity takes over only now: a call that succeeds at once, as nearly all do, is spared its
        # cost. The failure that there was is its first attempt.
        trial = Trial(call, policy, self._quota, started, end)
        trial.failed(first[0])

        def attempt() -> A:
            if first:
                raise first.pop()
            return self._again(call, trial, end)

        retrying = tenacity.Retrying(sleep=time.sleep, **trial.arguments())
        try:
            answer = retrying(attempt)
        except BatchComputeError as last:
            ended = trial.error(last)
            if ended is last:
                raise
            raise ended from last.__cause__ or last
        self._quota.give_back()
        return answer

    def _again(self, call: Call[A], trial: Trial, end: float | None) -> A:
        """Make a further attempt, after reading what became of the one before where that matters."""
        if trial.must_look():
            found = self._look(call, trial, end)
            if found is not None:
                return found
        try:
            return self._attempt(call, end)
        except BatchComputeError as error:
            trial.failed(error)
            if trial.is_gone(error):
                return call.parse(trial.success(getattr(error, "request_id", "")))
            if trial.may_have_worked(error):
                found = self._look(call, trial, end)
                if found is not None:
                    return found
            raise

    def _look(self, call: Call[A], trial: Trial, end: float | None) -> A | None:
        """Read the state; return the call's answer if it has happened, None if it has not.

        Raises:
            BatchComputeError: Nobody can tell; it is the failure that left it open.
        """
        found: Any = None
        try:
            if call.check is not None:
                found = self._send(call.check, end)
        except NotFoundError:
            # A job is not gone because it was stopped or started; a machine is, that was recreated.
            if call.operation.name in ("stop_job", "start_job"):
                trial.block()
                raise
        except BatchComputeError:
            trial.block()
            raise
        said = trial.verdict(found)
        if said == "done":
            return call.parse(trial.success(found.RequestId if found is not None else ""))
        if said == "unknown":
            trial.block()
            raise trial.unknown()
        return None


def _clipped(limits: Mapping[str, float | None], left: float, endpoint: Endpoint) -> dict[str, float]:
    """Return time limits none of which goes beyond the deadline."""
    if left <= 0:
        raise TransportTimeout(f"the deadline was over before a request to {endpoint.base_url} was sent")
    names = ("connect", "read", "write", "pool")
    return {name: min(left, left if (value := limits.get(name)) is None else value) for name in names}
