"""The sending of calls: attempts, retries, and the status check after a lost response."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import tenacity

from batchcompute.client._async_exchange import exchange_async
from batchcompute.client._exchange import ResponseReader
from batchcompute.client._pool import peer_of
from batchcompute.errors import BatchComputeError, ConnectError
from batchcompute.http.credentials import CredentialSource, current_credentials_async
from batchcompute.http.log import log, log_response
from batchcompute.http.retry_state import RetryState
from batchcompute.http.tracing import tracer
from batchcompute.http.transport import (
    build_custom_request,
    build_request,
    hide_secrets,
    is_rejected_locally,
    origin_of,
    parse_response,
    transport_error,
)

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.client._async_pool import AsyncPool
    from batchcompute.client._common import HeaderMap
    from batchcompute.http.retry import Quota, RetryPolicy
    from batchcompute.http.signing import Credentials
    from batchcompute.regions import Endpoint

__all__: list[str] = []

R = TypeVar("R")


class AsyncSender:
    """Sends calls. `AsyncBase` sets the attributes."""

    _version: str
    _source: CredentialSource
    _fixed: Credentials | None
    _endpoint: Endpoint
    _headers: HeaderMap
    _limits: Mapping[str, float | None]
    _policy: RetryPolicy
    _quota: Quota
    _pool: AsyncPool
    _max_response_bytes: int | None

    async def _attempt(self, call: Call[R], end: float | None) -> R:
        started = time.monotonic()
        pool = self._pool
        origin = origin_of(self._endpoint, call.target)
        http = pool.current() or await pool.open()
        credentials = self._fixed or await current_credentials_async(self._source)
        limits: Mapping[str, float | None] = self._limits
        if pool.is_custom:
            request = build_custom_request(
                http, call, self._endpoint, credentials, self._version, self._headers
            )
        else:
            request = build_request(call, self._endpoint, credentials, self._version, self._headers)
        tracing = tracer()
        if tracing is not None:
            tracing.inject(request.headers)
        seconds = None
        if end is not None:
            # Computed after the call of the credentials provider, which may take long.
            seconds = min(end - time.monotonic(), _MAX_SECONDS)
            limits = _clip(limits or request.extensions.get("timeout", {}), seconds, origin)
        if limits:
            # httpx reads the timeouts from the request, and sets them only in requests that it builds itself.
            request.extensions["timeout"] = limits
        reader = ResponseReader(call, origin, self._max_response_bytes)
        try:
            raw = await exchange_async(pool, http, request, seconds, reader)
        except pool.errors as error:
            hide_secrets(error)
            raised = transport_error(error, peer_of(http, origin))
            raise raised from (None if is_rejected_locally(error) else error)
        if log.isEnabledFor(logging.DEBUG):
            log_response(call, raw, time.monotonic() - started)
        return parse_response(call, raw)

    async def _call(self, call: Call[R], end: float | None = None) -> R:
        tracing = tracer()
        if tracing is None:
            return await self._send(call, end)
        with tracing.span(call, self._endpoint) as span:
            try:
                return await self._send(call, end)
            except BatchComputeError as error:
                tracing.record_failure(span, error)
                raise

    async def _send(self, call: Call[R], end: float | None, refill_quota: bool = True) -> R:
        """Send a call, with retries according to the policy.

        Args:
            call: The call.
            end: The deadline by `time.monotonic`; None for that of the policy.
            refill_quota: Whether a success returns a retry to the quota.
        """
        policy = self._policy
        started = time.monotonic()
        if end is None and policy.deadline is not None:
            end = started + (policy.deadline_seconds or 0)
        try:
            result: R = await self._attempt(call, end)
        except BatchComputeError as error:
            first_failure: list[BatchComputeError] = [error]
        else:
            if refill_quota and self._quota.is_used:
                self._quota.give_back()
            return result
        # tenacity is used only after a failure, because it would slow down the calls that succeed at once. It gets
        # the failure as its first attempt.
        state = RetryState(call, policy, self._quota, started, end)
        state.record_failure(first_failure[0])

        async def attempt() -> R:
            if first_failure:
                raise first_failure.pop()
            return await self._retry(call, state, end)

        retrying = tenacity.AsyncRetrying(sleep=asyncio.sleep, **state.tenacity_arguments())
        try:
            result = await retrying(attempt)
        except BatchComputeError as last:
            final = state.final_error(last)
            if final is last:
                raise
            raise final from last.__cause__ or last
        except Exception as foreign:
            # An error of a credentials provider, for example. It must not hide that the outcome is unknown.
            unknown = state.unknown_outcome_error()
            if unknown is None:
                raise
            raise unknown from foreign
        if refill_quota and self._quota.is_used:
            self._quota.give_back()
        return result

    async def _retry(self, call: Call[R], state: RetryState, end: float | None) -> R:
        """Make another attempt, after a status check if the call requires one."""
        if state.needs_status_check():
            result = await self._check_status(call, state, end)
            if result is not None:
                return result
        try:
            return await self._attempt(call, end)
        except BatchComputeError as error:
            state.record_failure(error)
            if state.is_deleted(error):
                return call.parse(state.success_response(getattr(error, "request_id", "")))
            if state.may_follow_success(error):
                result = await self._check_status(call, state, end, error)
                if result is not None:
                    return result
            raise

    async def _check_status(
        self, call: Call[R], state: RetryState, end: float | None, conflict: BatchComputeError | None = None
    ) -> R | None:
        """Read the state of the resource; return the result of the call if it was executed, otherwise None.

        Args:
            call: The call.
            state: Its attempts.
            end: The deadline by `time.monotonic`.
            conflict: The 409 that is the reason for the check; None if there is none.

        Raises:
            BatchComputeError: The outcome cannot be determined. It is the failure that left it unknown.
        """
        resource: Any = None
        try:
            if call.status_call is not None:
                resource = await self._send(call.status_call, end, refill_quota=False)
        except BatchComputeError as error:
            if state.is_not_found(error):
                if call.operation.name in ("stop_job", "start_job"):
                    # A stop or a start does not remove a job. The recreation of a machine removes the machine.
                    state.stop()
                    raise
            elif conflict is not None and call.operation.retry_class == "delete":
                # The conflict is the result, and another delete does no harm.
                return None
            else:
                state.stop()
                raise state.uncertain_failure() from error
        outcome = state.outcome(resource)
        if outcome == "executed":
            return call.parse(state.success_response(resource.RequestId if resource is not None else ""))
        if outcome == "unknown":
            state.stop()
            raise state.uncertain_failure()
        return None


_MAX_SECONDS = 1e6
"""Maximum timeout in seconds, because operating systems reject larger values."""


def _clip(limits: Mapping[str, float | None], seconds: float, origin: str) -> dict[str, float]:
    """Return timeouts that do not exceed the time until the deadline."""
    if seconds <= 0:
        raise ConnectError(f"the deadline passed before a request to {origin} was sent")
    names = ("connect", "read", "write", "pool")
    return {name: min(seconds, seconds if (value := limits.get(name)) is None else value) for name in names}
