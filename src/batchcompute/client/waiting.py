"""Waiting for jobs: when to look again, what has ended, and what is said about it. Pure decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from batchcompute.errors import ConfigError, WaitTimeout

if TYPE_CHECKING:
    from batchcompute.client.job_host import JobHost
    from batchcompute.resources import Job, JobState

__all__ = ["FINAL_STATES", "Until", "Watch"]

FINAL_STATES = frozenset({"Finished", "Failed", "Stopped"})
"""States that a job does not leave by itself (REST API, 4.1)."""

Until: TypeAlias = "JobState | Collection[JobState] | Callable[[Job], object]"
"""A state, several states, or a callable that is given the job and says whether it will do."""

_FIRST = 0.05
"""Seconds before the second look; short jobs end long before a whole interval."""

_SHARE = 0.1
"""The next look comes after this share of the time since something last changed: what has taken long
will probably take longer, and nobody waits more than a tenth too long."""

_GETS = 20
"""Jobs that are asked for one by one at each look, where lists do not show them."""


class Watch:
    """The jobs that are waited for, and what is known of them.

    Args:
        ids: Their ids.
        until: What is waited for; None for the end of each.
        longest: Seconds between two looks at most.
        now: The time, by any clock that only goes forward.

    Raises:
        ConfigError: What is waited for, or the interval, makes no sense.
    """

    def __init__(self, ids: Sequence[str], until: object, longest: float, now: float) -> None:
        if isinstance(longest, bool) or not longest > 0:
            raise ConfigError(f"interval must be seconds, more than 0, not {longest!r}")
        self.ids: list[str] = list(dict.fromkeys(ids))
        self.jobs: dict[str, Job] = {}
        """The last status of each job that has been seen."""
        self._given = list(ids)
        self._changes: list[Job] = []
        self._enough = _test_of(until)
        self._longest = longest
        self._began = now
        self._changed = now
        self._asked: dict[str, int] = dict.fromkeys(self.ids, 0)
        self._looks = 0
        self._listed = True

    def pending(self) -> list[str]:
        """Return the ids of the jobs that are still waited for."""
        return [job_id for job_id in self.ids if not self._done(job_id)]

    def _done(self, job_id: str) -> bool:
        job = self.jobs.get(job_id)
        return job is not None and (job.State in FINAL_STATES or bool(self._enough(job)))

    def failed(self) -> Job | None:
        """Return a job that has failed or was stopped, unless that was what was waited for."""
        for job in self.jobs.values():
            if job.State in ("Failed", "Stopped") and not self._enough(job):
                return job
        return None

    def saw(self, job_id: str, job: Job, now: float) -> None:
        """Take note of the status of a job, under the id that was asked for."""
        before = self.jobs.get(job_id)
        self.jobs[job_id] = job
        if before is None or _shown(before) != _shown(job):
            self._changes.append(job)
            if before is not None:
                self._changed = now

    def changes(self) -> list[Job]:
        """Return, once, what has changed since this was last asked."""
        changes, self._changes = self._changes, []
        return changes

    # -- where to look ------------------------------------------------------------------------

    def lists(self) -> bool:
        """Tell whether a page of the list is the cheaper way to look."""
        self._looks += 1
        return self._listed and len(self.pending()) > 1

    def listed(self, hits: int) -> None:
        """Take note of how many jobs a look at the list has shown; one that shows none is the last."""
        self._listed = hits > 0

    def singles(self, missing: Iterable[str]) -> list[str]:
        """Choose those to be asked for one by one: the ones that have waited for it longest."""
        chosen = sorted(missing, key=lambda job_id: self._asked[job_id])[:_GETS]
        for job_id in chosen:
            self._asked[job_id] = self._looks
        return chosen

    # -- when to look -------------------------------------------------------------------------

    def pause(self, now: float, end: float | None, chance: float) -> float:
        """Return the seconds to wait before the next look.

        Args:
            now: The time.
            end: When waiting ends, if it does.
            chance: A number in [0, 1), so that many who wait do not all ask at once.
        """
        wanted = min(self._longest, max(_FIRST, (now - self._changed) * _SHARE))
        wanted *= 0.75 + 0.5 * chance
        return wanted if end is None else max(0.0, min(wanted, end - now))

    # -- what is said -------------------------------------------------------------------------

    def statuses(self) -> list[Job]:
        """Return the last status of each job, in the caller's order."""
        return [self.jobs[job_id] for job_id in self._given if job_id in self.jobs]

    def timed_out(self, timeout: float, host: JobHost) -> WaitTimeout:
        """Make the error that says that the time is up.

        Args:
            timeout: Seconds that were waited.
            host: Where the jobs run.
        """
        late = [
            f"{job_id} ({self.jobs[job_id].State if job_id in self.jobs else 'not seen'})"
            for job_id in self.pending()
        ]
        which = "the job" if len(late) == 1 else "the jobs"
        shown = ", ".join(late[:5]) + (f" and {len(late) - 5} more" if len(late) > 5 else "")
        said = f"not done after {timeout:g} s: {shown}; {which} {host.after_wait(len(late) == 1)}"
        return WaitTimeout(said, self.statuses())

    def left_alone(self, host: JobHost) -> str:
        """Say what becomes of the jobs, as nobody waits for them any more.

        Args:
            host: Where they run.
        """
        ids = self.pending()
        one = repr(ids[0]) if len(ids) == 1 else repr(ids)
        return (
            f"{', '.join(ids[:5])}{' and more' if len(ids) > 5 else ''} {host.after_wait(len(ids) == 1)}; "
            f"client.wait({one[:200]}) waits again, client.stop_job(...) stops"
        )

    def summary(self, now: float) -> str:
        """Return one line: the jobs by state, their instances by state, the time so far."""
        return f"{elapsed(now - self._began)}  {describe(self.statuses(), len(self.ids))}"

    def progress(self) -> tuple[int, int]:
        """Return how many instances have finished, and how many there are."""
        counts = instance_counts(self.statuses())
        return counts["Finished"], sum(counts.values())


def _test_of(until: object) -> Callable[[Any], object]:
    if until is None:
        return lambda _job: False
    if callable(until):
        return cast("Callable[[Any], object]", until)
    states = {until} if isinstance(until, str) else until
    members = list(cast("Collection[object]", states)) if isinstance(states, Collection) else []
    if not members or not all(isinstance(state, str) and state for state in members):
        raise ConfigError(f"until must be a state, a collection of states or a callable, not {until!r}")
    wanted = frozenset(members)
    return lambda job: job.State in wanted


_STATES = ("Finished", "Running", "Waiting", "Failed", "Stopped")


def instance_counts(jobs: Iterable[Job]) -> Counter[str]:
    """Count the instances of jobs by their state."""
    counts: Counter[str] = Counter()
    for job in jobs:
        metrics: Mapping[str, Any] = job.get("InstanceMetrics") or {}
        for state in _STATES:
            counts[state] += metrics.get(f"{state}Count") or 0
    return counts


def _shown(job: Job) -> tuple[Any, ...]:
    metrics: Mapping[str, Any] = job.get("InstanceMetrics") or {}
    return (job.State, *(metrics.get(f"{state}Count") for state in _STATES))


def describe(jobs: Sequence[Job], total: int) -> str:
    """Describe jobs in one line."""
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
    """Write a length of time as ``h:mm:ss``."""
    return str(timedelta(seconds=int(seconds)))
