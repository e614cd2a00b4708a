"""One call that did not succeed at once: what was tried, what comes next, and what is said at the end.

A `RetryState` decides and remembers; it neither sleeps nor sends. The clients ask it through tenacity.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import replace
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
    delay_before,
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

Verdict = Literal["done", "nothing", "unknown"]

_SLACK = timedelta(seconds=2)
"""What the clocks of two machines may differ by after their offset has been taken out."""


def verdict(operation: str, found: Any, began: datetime) -> Verdict:
    """Tell from a resource's state whether an operation whose answer was lost has happened.

    Args:
        operation: Name of the client's method.
        found: The job, cluster or machine that it was about; None if that is gone.
        began: When the first attempt was made, by the service's clock.
    """
    if found is None:
        return "done"
    state = str(found.State)
    if operation == "stop_job":
        # Sent again to a job that has ended by itself, it is answered 409 as it always was.
        return "done" if state == "Stopped" else "nothing"
    if operation == "start_job":
        if state in ("Waiting", "Running"):
            return "done"
        if found.EndTime is None:
            return "unknown"
        ended = found.EndTime if found.EndTime.tzinfo else found.EndTime.replace(tzinfo=UTC)
        if ended + _SLACK < began:
            return "nothing"
        # It ended after it was to be started: for Finished that can only be the new run.
        return "done" if state == "Finished" else "unknown"
    return "done" if state in ("Deleting", "Deleted") else "nothing"


class RetryState:
    """The attempts of one call.

    Args:
        call: The call.
        policy: How often it may be repeated.
        quota: The client's stock of retries.
        started: When it began, by `time.monotonic`.
        end: When the call must be over, by `time.monotonic`; None for no limit.
    """

    def __init__(
        self, call: Call[Any], policy: RetryPolicy, quota: Quota, started: float, end: float | None
    ) -> None:
        self._call = call
        self._policy = policy
        self._quota = quota
        self._end = end
        self._began = datetime.now(UTC) - timedelta(seconds=time.monotonic() - started)
        self._attempts: list[Attempt] = []
        self._open: BatchComputeError | None = None
        self._lost = False
        self._unsure = False
        self._gave_up = ""
        self._blocked = False

    # -- what the client tells ----------------------------------------------------------------

    def failed(self, error: BatchComputeError) -> None:
        """Take note of a failed attempt."""
        status, code, request_id = 0, "", ""
        if isinstance(error, ClientError):
            status, code, request_id = error.status, error.code, error.request_id
        elif isinstance(error, ResponseError):
            status, request_id = error.status, error.request_id
        text = f"{type(error).__name__}: {error}"
        self._attempts.append(Attempt(len(self._attempts) + 1, status, code, text, request_id))
        if may_have_executed(error) and self._call.operation.retry_class != "read":
            self._open = error
            self._lost = True
        # To act twice may do harm, so anything but a connection that was never made is looked into.
        self._unsure = self._unsure or not isinstance(error, ConnectError)

    def block(self) -> None:
        """Send nothing more: nobody can tell what the last attempt did."""
        self._blocked = True

    # -- what the client asks -----------------------------------------------------------------

    def must_look(self) -> bool:
        """Tell whether the state has to be read before the call may be sent again."""
        return self._unsure and self._call.operation.retry_class == "action"

    def may_have_worked(self, error: BatchComputeError) -> bool:
        """Tell whether a refusal may come of an earlier attempt's success, which a read would show."""
        return isinstance(error, StateConflictError) and self._lost and self._call.status_call is not None

    def is_gone(self, error: BatchComputeError) -> bool:
        """Tell whether what was to be deleted is gone because an earlier attempt has deleted it."""
        return self.is_missing(error) and self._lost and self._call.operation.retry_class == "delete"

    def is_missing(self, error: BatchComputeError) -> bool:
        """Tell whether the service itself says that there is no such thing."""
        return isinstance(error, NotFoundError) and is_conclusive(error)

    def verdict(self, found: Any) -> Verdict:
        """Tell from what a read has found whether the call has happened."""
        said = verdict(self._call.operation.name, found, self._began + _offset(found))
        if said == "nothing":
            self._open, self._unsure = None, False
        return said

    def success(self, request_id: str) -> HttpResponse:
        """Make the answer to a call whose own was lost, and which has happened all the same."""
        _log.info("%s has happened, although its answer was lost", self._call.operation.name)
        return HttpResponse(self._call.operation.status, {"x-acs-request-id": request_id}, b"")

    def unknown(self) -> BatchComputeError:
        """Return the failure that left it open whether the call has happened."""
        if self._open is None:
            raise AssertionError("asked for what is known")
        return self._open

    def error(self, last: BatchComputeError) -> BatchComputeError:
        """Return what the call ends with, after the last failure of its attempts."""
        error = last
        if not is_conclusive(last):
            error = self.left_open() or last
        error.attempts = tuple(self._attempts)
        if self._gave_up:
            error.add_note(self._gave_up)
        return error

    def left_open(self) -> OutcomeUnknown | None:
        """Return the error that says that the outcome is unknown; None where it is not, or harmless."""
        # Deletes and changes are simply made again by whoever wants to be sure.
        if self._open is None or self._call.operation.retry_class not in ("create", "action"):
            return None
        error = outcome_unknown(self._open, self._call.operation.name, self._call.token)
        error.attempts = tuple(self._attempts)
        return error

    # -- tenacity's questions -----------------------------------------------------------------

    def arguments(self) -> dict[str, Any]:
        """Return what `tenacity.Retrying` and `tenacity.AsyncRetrying` are made with."""
        return {
            "retry": self._again,
            "wait": self._wait,
            "stop": self._stop,
            "before_sleep": self._before_sleep,
            "reraise": True,
        }

    def _again(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if error is None or self._blocked:
            return False
        operation = self._call.operation
        if not may_repeat(error, operation.retry_class, self._call.token) and not (
            operation.retry_class == "action" and self._call.status_call is not None and is_transient(error)
        ):
            return False
        asked = _asked(error)
        if asked is not None and asked > self._policy.longest_retry_after:
            self._gave_up = f"not repeated: the service asks to wait {asked:.0f} s"
            return False
        return True

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return delay_before(state.attempt_number, self._policy, _asked(error), random.random())  # noqa: S311

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        made = len(self._attempts)
        if made >= self._policy.attempts:
            self._gave_up = f"gave up after {made} attempts" if made > 1 else ""
            return True
        if self._end is not None and time.monotonic() + state.upcoming_sleep >= self._end:
            self._gave_up = (
                f"gave up after {made} attempt(s): the deadline of {self._policy.deadline_seconds:g} s "
                f"would be over before the next one, {state.upcoming_sleep:.2f} s from now"
            )
            return True
        if not self._quota.take():
            self._gave_up = (
                f"gave up after {made} attempt(s): the client's stock of {self._policy.quota} retries is "
                "used up; calls that succeed fill it again"
            )
            return True
        return False

    def _before_sleep(self, state: tenacity.RetryCallState) -> None:
        last = self._attempts[-1]
        self._attempts[-1] = replace(last, delay=state.upcoming_sleep)
        _log.warning(
            "%s: attempt %d of %d failed (%s); %s in %.2f s",
            self._call.operation.name,
            last.number,
            self._policy.attempts,
            " ".join(last.error[:300].split()),
            "the state is read" if self.must_look() else "it is sent again",
            state.upcoming_sleep,
        )


def _asked(error: BaseException | None) -> float | None:
    return error.retry_after if isinstance(error, ClientError) else None


def _offset(found: Any) -> timedelta:
    """Return how far the service's clock, by the date of its answer, is ahead of ours."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(found.headers["date"]) - datetime.now(UTC)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return timedelta(0)
