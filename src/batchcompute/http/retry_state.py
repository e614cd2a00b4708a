"""The state of one call whose first attempt failed: its attempts and the decisions about retries."""

from __future__ import annotations

import logging
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from batchcompute.api.responses import HttpResponse
from batchcompute.errors import (
    Attempt,
    BatchComputeError,
    ClientError,
    ConnectError,
    NotFoundError,
    OutcomeUnknown,
    ResponseError,
    StateConflictError,
    outcome_unknown,
)
from batchcompute.http.retry import (
    Quota,
    RetryPolicy,
    delay_after,
    is_conclusive,
    is_transient,
    may_have_executed,
    may_repeat,
)

if TYPE_CHECKING:
    import tenacity

    from batchcompute.api.call import Call

__all__: list[str] = []

_log = logging.getLogger("batchcompute.retry")

Outcome = Literal["executed", "not executed", "unknown"]

_CLOCK_TOLERANCE = timedelta(seconds=2)
"""Maximum difference between the clocks of client and service after subtraction of their offset."""


def outcome_of(operation: str, resource: Any, started: datetime) -> Outcome:
    """Return whether an operation was executed whose response was lost, judging by the state of its resource.

    Args:
        operation: Name of the client's method.
        resource: The job, cluster or machine of the operation; None if it does not exist any more.
        started: Time of the first attempt by the clock of the service.
    """
    if resource is None:
        return "executed"
    state = str(resource.State)
    if operation == "stop_job":
        # If the job ended by itself, the stop is repeated, and the response is 409 as without a failure.
        return "executed" if state == "Stopped" else "not executed"
    if operation == "start_job":
        if state in ("Waiting", "Running"):
            return "executed"
        if resource.EndTime is None:
            return "unknown"
        ended = resource.EndTime if resource.EndTime.tzinfo else resource.EndTime.replace(tzinfo=UTC)
        if ended + _CLOCK_TOLERANCE < started:
            return "not executed"
        # The job ended after the start was sent. Only a new run can have finished; start_job rejects a finished job.
        return "executed" if state == "Finished" else "unknown"
    return "executed" if state in ("Deleting", "Deleted") else "not executed"


class RetryState:
    """The attempts of one call, and the decisions about its retries.

    It neither sleeps nor sends. The clients use it through tenacity.

    Args:
        call: The call.
        policy: The retry policy.
        quota: The client's retry quota.
        started: Start of the call, by `time.monotonic`.
        end: Deadline of the call, by `time.monotonic`; None for no limit.
    """

    def __init__(
        self, call: Call[Any], policy: RetryPolicy, quota: Quota, started: float, end: float | None
    ) -> None:
        self._call = call
        self._policy = policy
        self._quota = quota
        self._end = end
        self._started = datetime.now(UTC) - timedelta(seconds=time.monotonic() - started)
        self._attempts: list[Attempt] = []
        self._uncertain_failure: BatchComputeError | None = None
        """The last failure after which it is unknown whether the request was executed."""
        self._response_was_lost = False
        self._request_may_be_received = False
        """Whether an attempt may have reached the service."""
        self._stop_reason = ""
        self._stopped = False

    # -- events -------------------------------------------------------------------------------

    def record_failure(self, error: BatchComputeError) -> None:
        """Record a failed attempt."""
        status, code, request_id = 0, "", ""
        if isinstance(error, ClientError):
            status, code, request_id = error.status, error.code, error.request_id
        elif isinstance(error, ResponseError):
            status, request_id = error.status, error.request_id
        text = f"{type(error).__name__}: {error}"
        self._attempts.append(Attempt(len(self._attempts) + 1, status, code, text, request_id))
        if may_have_executed(error) and self._call.operation.retry_class != "read":
            self._uncertain_failure = error
            self._response_was_lost = True
        self._request_may_be_received = self._request_may_be_received or not isinstance(error, ConnectError)

    def stop(self) -> None:
        """Send no further attempt, because the outcome of the last one cannot be determined."""
        self._stopped = True

    # -- questions of the client --------------------------------------------------------------

    def needs_status_check(self) -> bool:
        """Return whether the state must be read before the call is repeated.

        An action that is executed twice can do harm, so any failure but a missing connection needs the check.
        """
        return self._request_may_be_received and self._call.operation.retry_class == "action"

    def may_follow_success(self, error: BatchComputeError) -> bool:
        """Return whether a conflict may be the consequence of an earlier attempt that succeeded."""
        return (
            isinstance(error, StateConflictError)
            and self._response_was_lost
            and self._call.status_call is not None
        )

    def is_deleted(self, error: BatchComputeError) -> bool:
        """Return whether a 404 means that an earlier attempt deleted the resource."""
        return (
            self.is_not_found(error)
            and self._response_was_lost
            and self._call.operation.retry_class == "delete"
        )

    def is_not_found(self, error: BatchComputeError) -> bool:
        """Return whether the service itself says that the resource does not exist."""
        return isinstance(error, NotFoundError) and is_conclusive(error)

    def outcome(self, resource: Any) -> Outcome:
        """Return whether the call was executed, judging by the resource that was read."""
        outcome = outcome_of(self._call.operation.name, resource, self._started + _clock_offset(resource))
        if outcome == "not executed":
            self._uncertain_failure, self._request_may_be_received = None, False
        return outcome

    def success_response(self, request_id: str) -> HttpResponse:
        """Return the response to a call that was executed although its own response was lost."""
        _log.info("%s was executed, although its response was lost", self._call.operation.name)
        return HttpResponse(self._call.operation.status, {"x-acs-request-id": request_id}, b"")

    def uncertain_failure(self) -> BatchComputeError:
        """Return the failure after which it is unknown whether the request was executed."""
        if self._uncertain_failure is None:
            raise AssertionError("no failure left the outcome unknown")
        return self._uncertain_failure

    def final_error(self, last: BatchComputeError) -> BatchComputeError:
        """Return the error of the call after the last failure of its attempts."""
        error = last
        if not is_conclusive(last):
            error = self.unknown_outcome_error() or last
        error.attempts = tuple(self._attempts)
        if self._stop_reason:
            error.add_note(self._stop_reason)
        return error

    def unknown_outcome_error(self) -> OutcomeUnknown | None:
        """Return the error for an unknown outcome; None if the outcome is known or a repetition is harmless."""
        if self._uncertain_failure is None or self._call.operation.retry_class not in ("create", "action"):
            return None
        error = outcome_unknown(self._uncertain_failure, self._call.operation.name, self._call.token)
        error.attempts = tuple(self._attempts)
        return error

    # -- tenacity -----------------------------------------------------------------------------

    def tenacity_arguments(self) -> dict[str, Any]:
        """Return the arguments of `tenacity.Retrying` and `tenacity.AsyncRetrying`."""
        return {
            "retry": self._should_retry,
            "wait": self._wait,
            "stop": self._should_stop,
            "before_sleep": self._before_sleep,
            "reraise": True,
        }

    def _should_retry(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if error is None or self._stopped:
            return False
        operation = self._call.operation
        if not may_repeat(error, operation.retry_class, self._call.token) and not (
            operation.retry_class == "action" and self._call.status_call is not None and is_transient(error)
        ):
            return False
        seconds = _retry_after_of(error)
        if seconds is not None and seconds > self._policy.longest_retry_after:
            self._stop_reason = (
                f"not repeated: the service asks to wait {seconds:.0f} s, and longest_retry_after is "
                f"{self._policy.longest_retry_after:g} s"
            )
            return False
        return True

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return delay_after(
            state.attempt_number,
            self._policy,
            _retry_after_of(error),
            random.random(),  # noqa: S311
        )

    def _should_stop(self, state: tenacity.RetryCallState) -> bool:
        count = len(self._attempts)
        if count >= self._policy.attempts:
            self._stop_reason = f"gave up after {count} attempts" if count > 1 else ""
            return True
        if self._end is not None and time.monotonic() + state.upcoming_sleep >= self._end:
            self._stop_reason = (
                f"gave up after {count} attempt(s): the deadline of {self._policy.deadline_seconds:g} s "
                f"would pass before the next attempt, {state.upcoming_sleep:.2f} s from now"
            )
            return True
        if not self._quota.take():
            self._stop_reason = (
                f"gave up after {count} attempt(s): the client's quota of {self._policy.quota} retries is "
                "exhausted; each successful call returns one retry to it"
            )
            return True
        return False

    def _before_sleep(self, state: tenacity.RetryCallState) -> None:
        last = self._attempts[-1]
        self._attempts[-1] = last._replace(delay=state.upcoming_sleep)
        _log.warning(
            "%s: attempt %d of %d failed (%s); %s in %.2f s",
            self._call.operation.name,
            last.number,
            self._policy.attempts,
            " ".join(last.error[:300].split()),
            "the state is read" if self.needs_status_check() else "it is repeated",
            state.upcoming_sleep,
        )


def _retry_after_of(error: BaseException | None) -> float | None:
    return error.retry_after if isinstance(error, ClientError) else None


def _clock_offset(resource: Any) -> timedelta:
    """Return how far the clock of the service, by the date of its response, is ahead of the local clock."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(resource.headers["date"]) - datetime.now(UTC)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return timedelta(0)
