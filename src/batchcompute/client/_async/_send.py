"""The one place that sends: an attempt, its retries, and the reading of what became of a lost one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import tenacity

from batchcompute.client._async_exchange import exchange_async
from batchcompute.client._pool import peer_of
from batchcompute.client._reading import Reading
from batchcompute.errors import BatchComputeError, ConnectError
from batchcompute.http.credentials import CredentialSource, current_credentials_async
from batchcompute.http.log import log, log_answer
from batchcompute.http.retry_state import RetryState
from batchcompute.http.tracing import tracer
from batchcompute.http.transport import (
    build_request,
    given_request,
    hide_secrets,
    is_refused_here,
    transport_error,
    understand,
    where_of,
)

if TYPE_CHECKING:
    from batchcompute.api.call import Call
    from batchcompute.client._async_pool import AsyncPool
    from batchcompute.client._common import HeaderMap
    from batchcompute.http.retry import Quota, RetryPolicy
    from batchcompute.http.signing import Credentials
    from batchcompute.regions import Endpoint

__all__: list[str] = []

A = TypeVar("A")


class AsyncSender:
    """Sends calls; `AsyncBase` sets it up."""

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

    async def _attempt(self, call: Call[A], end: float | None) -> A:
        started = time.monotonic()
        pool = self._pool
        where = where_of(self._endpoint, call.target)
        http = pool.current() or await pool.open()
        credentials = self._fixed or await current_credentials_async(self._source)
        limits: Mapping[str, float | None] = self._limits
        if pool.given:
            request = given_request(http, call, self._endpoint, credentials, self._version, self._headers)
        else:
            request = build_request(call, self._endpoint, credentials, self._version, self._headers)
        left = None
        if end is not None:
            # Not before: a provider of credentials may have taken its time.
            left = min(end - time.monotonic(), _LONGEST)
            limits = _clipped(limits or request.extensions.get("timeout", {}), left, where)
        if limits:
            # httpx keeps time limits in the request; one that it did not build itself has none.
            request.extensions["timeout"] = limits
        reading = Reading(call, where, self._max_response_bytes)
        try:
            raw = await exchange_async(pool, http, request, left, reading)
        except pool.errors as error:
            hide_secrets(error)
            made = transport_error(error, peer_of(http, where))
            raise made from (None if is_refused_here(error) else error)
        if log.isEnabledFor(logging.DEBUG):
            log_answer(call, raw, time.monotonic() - started)
        return understand(call, raw)

    async def _call(self, call: Call[A], end: float | None = None) -> A:
        tracing = tracer()
        if tracing is None:
            return await self._send(call, end)
        with tracing.span(call, self._endpoint) as span:
            try:
                return await self._send(call, end)
            except BatchComputeError as error:
                tracing.failed(span, error)
                raise

    async def _send(self, call: Call[A], end: float | None, pays: bool = True) -> A:
        """Send a call, and repeat it as far as that may be.

        Args:
            call: The call.
            end: When it must be over, by `time.monotonic`; None for what the policy says.
            pays: Whether its success gives a retry back to the stock.
        """
        policy = self._policy
        started = time.monotonic()
        if end is None and policy.deadline is not None:
            end = started + (policy.deadline_seconds or 0)
        try:
            answer: A = await self._attempt(call, end)
        except BatchComputeError as error:
            first: list[BatchComputeError] = [error]
        else:
            if pays:
                self._quota.give_back()
            return answer
        # tenacity takes over only now: a call that succeeds at once, as nearly all do, is spared its
        # cost. The failure that there was is its first attempt.
        trial = RetryState(call, policy, self._quota, started, end)
        trial.failed(first[0])

        async def attempt() -> A:
            if first:
                raise first.pop()
            return await self._again(call, trial, end)

        retrying = tenacity.AsyncRetrying(sleep=asyncio.sleep, **trial.arguments())
        try:
            answer = await retrying(attempt)
        except BatchComputeError as last:
            ended = trial.error(last)
            if ended is last:
                raise
            raise ended from last.__cause__ or last
        except Exception as foreign:
            # A provider's own error, say: it must not hide that an earlier attempt may have worked.
            unknown = trial.left_open()
            if unknown is None:
                raise
            raise unknown from foreign
        if pays:
            self._quota.give_back()
        return answer

    async def _again(self, call: Call[A], trial: RetryState, end: float | None) -> A:
        """Make a further attempt, after reading what became of the one before where that matters."""
        if trial.must_look():
            found = await self._look(call, trial, end)
            if found is not None:
                return found
        try:
            return await self._attempt(call, end)
        except BatchComputeError as error:
            trial.failed(error)
            if trial.is_gone(error):
                return call.parse(trial.success(getattr(error, "request_id", "")))
            if trial.may_have_worked(error):
                found = await self._look(call, trial, end, error)
                if found is not None:
                    return found
            raise

    async def _look(
        self, call: Call[A], trial: RetryState, end: float | None, refusal: BatchComputeError | None = None
    ) -> A | None:
        """Read the state; return the call's answer if it has happened, None if it has not.

        Args:
            call: The call.
            trial: Its attempts.
            end: When it must be over.
            refusal: The 409 that made it worth a look, if one did.

        Raises:
            BatchComputeError: Nobody can tell; it is the failure that left it open.
        """
        found: Any = None
        try:
            if call.status_call is not None:
                found = await self._send(call.status_call, end, pays=False)
        except BatchComputeError as error:
            if trial.is_missing(error):
                if call.operation.name in ("stop_job", "start_job"):
                    # A job is not gone because it was stopped or started; a machine is, that was recreated.
                    trial.block()
                    raise
            elif refusal is not None and call.operation.retry_class == "delete":
                # The refusal stands, and to delete again does no harm.
                return None
            else:
                trial.block()
                raise trial.unknown() from error
        said = trial.verdict(found)
        if said == "done":
            return call.parse(trial.success(found.RequestId if found is not None else ""))
        if said == "unknown":
            trial.block()
            raise trial.unknown()
        return None


_LONGEST = 1e6
"""Seconds; more than this, an operating system takes for no number."""


def _clipped(limits: Mapping[str, float | None], left: float, where: str) -> dict[str, float]:
    """Return time limits none of which goes beyond the deadline."""
    if left <= 0:
        raise ConnectError(f"the deadline was over before a request to {where} was sent")
    names = ("connect", "read", "write", "pool")
    return {name: min(left, left if (value := limits.get(name)) is None else value) for name in names}
