"""The pure decisions of `wait`: when to poll, which jobs have ended, and the texts about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from batchcompute.errors import ConfigError, WaitTimeout

if TYPE_CHECKING:
    from batchcompute.client.job_host import JobHost
    from batchcompute.resources import DAG, Job, JobState, Task

__all__ = ["FINAL_STATES", "Until", "Watch"]

FINAL_STATES = frozenset({"Finished", "Failed", "Stopped"})
"""States that a job does not leave by itself (REST API, 4.1)."""

Until: TypeAlias = "JobState | Collection[JobState] | Callable[[Job], object]"
"""A state, several states, or a callable that gets the job and returns whether the wait for it ends."""

_FIRST_DELAY = 0.05
"""Seconds before the second poll, because many jobs are short."""

_FIRST_LOCAL_DELAY = 0.01
"""The same for a service of this machine: a poll takes a millisecond there, and a job a few hundredths of a second."""

_FIRST_SECONDS = 0.1
"""Seconds of a wait in which a service of this machine is polled that often."""

_AGE_SHARE = 0.01
"""Least delay before the next poll, as a share of the time since the start of the wait.

The counts of a job with many instances change all the time, and each poll takes time from its programs.
"""

_LONGEST_BY_AGE = 1.0
"""The longest delay, in seconds, that follows from the age of a wait."""

_DELAY_SHARE = 0.1
"""Delay before the next poll, as a share of the time since the last change.

A job that has not changed for long is likely to stay unchanged. A wait takes at most this share longer than the job.
"""

_MAX_GETS = 20
"""Maximum number of jobs that one poll reads one by one, if the list does not contain them."""

_MAX_DISPLAYED = 3
"""Maximum number of jobs whose tasks are displayed."""


class Watch:
    """The jobs of one `wait`, and their last statuses.

    Args:
        ids: Ids of the jobs.
        until: The condition that ends the wait for a job; None for its end only.
        interval: Maximum number of seconds between two polls.
        now: The time, by a monotonic clock.
        is_local: Whether the service is on this machine.

    Raises:
        ConfigError: The condition or the interval is invalid.
    """

    def __init__(
        self, ids: Sequence[str], until: object, interval: float, now: float, is_local: bool = False
    ) -> None:
        if isinstance(interval, bool) or not interval > 0:
            raise ConfigError(f"interval must be a number of seconds greater than 0, not {interval!r}")
        self.ids: list[str] = list(dict.fromkeys(ids))
        self.jobs: dict[str, Job] = {}
        """The last status of each job that was read."""
        self.tasks: dict[str, list[Task]] = {}
        """The tasks of some jobs, for the display."""
        self.dags: dict[str, DAG] = {}
        """The DAGs of these jobs."""
        self._ids_as_given = list(ids)
        self._changes: list[Job] = []
        self._condition = _condition_of(until)
        self._interval = interval
        self._is_local = is_local
        self._started = now
        self._last_change = now
        self._last_get: dict[str, int] = dict.fromkeys(self.ids, 0)
        self._polls = 0
        self._list_contains_jobs = True

    def pending(self) -> list[str]:
        """Return the ids of the jobs for which the wait continues."""
        return [job_id for job_id in self.ids if not self._is_done(job_id)]

    def _is_done(self, job_id: str) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and (job.State in FINAL_STATES or bool(self._condition(job)))

    def failed(self) -> Job | None:
        """Return a job that failed or was stopped, unless that meets the condition; None if there is none."""
        for job in self.jobs.values():
            if job.State in ("Failed", "Stopped") and not self._condition(job):
                return job
        return None

    def update(self, job_id: str, job: Job, now: float) -> None:
        """Record the status of a job.

        Args:
            job_id: Id of the job as the caller wrote it.
            job: The status.
            now: The time.
        """
        before = self.jobs.get(job_id)
        self.jobs[job_id] = job
        if before is None or _visible_part(before) != _visible_part(job):
            self._changes.append(job)
            if before is not None:
                self._last_change = now

    def select_for_tasks(self) -> list[str]:
        """Return the jobs whose tasks are read for the display: those that changed, if there are few."""
        return [job.Id for job in self._changes] if len(self.ids) <= _MAX_DISPLAYED else []

    def take_changes(self) -> list[Job]:
        """Return the jobs that changed since the last call."""
        changes, self._changes = self._changes, []
        return changes

    # -- polling ------------------------------------------------------------------------------

    def should_list(self) -> bool:
        """Start a poll; return whether it reads the list of jobs, which is cheaper for several jobs."""
        self._polls += 1
        return self._list_contains_jobs and len(self.pending()) > 1

    def record_list(self, hits: int) -> None:
        """Record how many jobs a poll found in the list; without a hit, later polls do not read the list."""
        self._list_contains_jobs = hits > 0

    def select_for_get(self, missing: Iterable[str]) -> list[str]:
        """Return the jobs that this poll reads one by one: those whose last read is the oldest."""
        selected = sorted(missing, key=lambda job_id: self._last_get[job_id])[:_MAX_GETS]
        for job_id in selected:
            self._last_get[job_id] = self._polls
        return selected

    def delay(self, now: float, end: float | None, jitter: float) -> float:
        """Return the seconds before the next poll.

        Args:
            now: The time.
            end: The end of the wait; None for no limit.
            jitter: A random number in [0, 1), which spreads the polls of several clients.
        """
        age = now - self._started
        first = _FIRST_LOCAL_DELAY if self._is_local and age < _FIRST_SECONDS else _FIRST_DELAY
        by_age = min(_LONGEST_BY_AGE, age * _AGE_SHARE)
        seconds = min(self._interval, max(first, by_age, (now - self._last_change) * _DELAY_SHARE))
        seconds *= 0.75 + 0.5 * jitter
        return seconds if end is None else max(0.0, min(seconds, end - now))

    # -- texts --------------------------------------------------------------------------------

    def statuses(self) -> list[Job]:
        """Return the last status of each job, in the order of the arguments."""
        return [self.jobs[job_id] for job_id in self._ids_as_given if job_id in self.jobs]

    def timeout_error(self, timeout: float, host: JobHost) -> WaitTimeout:
        """Return the error for the end of the timeout.

        Args:
            timeout: The timeout in seconds.
            host: Where the jobs run.
        """
        late = [
            f"{job_id} ({self.jobs[job_id].State if job_id in self.jobs else 'not read yet'})"
            for job_id in self.pending()
        ]
        single = len(late) == 1
        shown = ", ".join(late[:5]) + (f" and {len(late) - 5} more" if len(late) > 5 else "")
        subject = "the job" if single else "the jobs"
        message = f"not done after {timeout:g} s: {shown}; {subject} {host.after_wait(single)}"
        return WaitTimeout(message, self.statuses())

    def interruption_note(self, host: JobHost) -> str:
        """Return the text that says what happens to the jobs after an interrupted wait.

        Args:
            host: Where the jobs run.
        """
        ids = self.pending()
        argument = repr(ids[0]) if len(ids) == 1 else repr(ids)
        return (
            f"{', '.join(ids[:5])}{' and more' if len(ids) > 5 else ''} {host.after_wait(len(ids) == 1)}; "
            f"client.wait({argument[:200]}) waits again, client.stop_job(...) stops"
        )

    def summary(self, now: float) -> str:
        """Return one line with the elapsed time, the jobs by state, and their instances by state."""
        return f"{elapsed(now - self._started)}  {describe(self.statuses(), len(self.ids))}"

    def progress(self) -> tuple[int, int]:
        """Return the number of finished instances, and the number of all instances."""
        counts = instance_counts(self.statuses())
        return counts["Finished"], sum(counts.values())


def _condition_of(until: object) -> Callable[[Any], object]:
    if until is None:
        return lambda _job: False
    if callable(until):
        return cast("Callable[[Any], object]", until)
    states = {until} if isinstance(until, str) else until
    members = list(cast("Collection[object]", states)) if isinstance(states, Collection) else []
    if not members or not all(isinstance(state, str) and state for state in members):
        raise ConfigError(f"until must be a state, a collection of states or a callable, not {until!r}")
    accepted = frozenset(members)
    return lambda job: job.State in accepted


_STATES = ("Finished", "Running", "Waiting", "Failed", "Stopped")


def instance_counts(jobs: Iterable[Job | Task]) -> Counter[str]:
    """Return the number of instances of jobs or tasks in each state."""
    counts: Counter[str] = Counter()
    for job in jobs:
        metrics: Mapping[str, Any] = job.get("InstanceMetrics") or {}
        for state in _STATES:
            counts[state] += metrics.get(f"{state}Count") or 0
    return counts


def _visible_part(job: Job) -> tuple[Any, ...]:
    """Return the part of a status whose change `wait` reports."""
    metrics: Mapping[str, Any] = job.get("InstanceMetrics") or {}
    return (job.State, *(metrics.get(f"{state}Count") for state in _STATES))


def describe(jobs: Sequence[Job], total: int) -> str:
    """Return one line about jobs."""
    if total == 1 and jobs:
        head = f"{jobs[0].Id} {jobs[0].State}"
    else:
        states = Counter(str(job.State) for job in jobs)
        head = f"{total} jobs: " + ", ".join(f"{count} {state.lower()}" for state, count in states.items())
    counts = instance_counts(jobs)
    parts = [f"{counts[state]} {state.lower()}" for state in _STATES if counts[state]]
    instances = f"; instances: {', '.join(parts)} of {sum(counts.values())}" if parts else ""
    return head + instances


def elapsed(seconds: float) -> str:
    """Return a duration as ``h:mm:ss``."""
    return str(timedelta(seconds=int(seconds)))
