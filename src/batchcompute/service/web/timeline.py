"""The timeline of a job: one bar an instance, or how many ran at a time if they are many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from batchcompute.service.web.rendering import duration_of, seconds_of

if TYPE_CHECKING:
    from batchcompute.service.store.database import Store
    from batchcompute.service.store.overview import Bar, Span

__all__ = ["Timeline", "build"]

MOST_BARS: Final = 60
"""Instances that get a bar of their own."""

_MOST_ROWS: Final = 40
"""Tasks that get a row of their own; the rest share the last one."""

_INTERVALS: Final = 240
"""Intervals of time of an aggregated timeline."""

_STEP: Final = 20_000
"""Instances that are read before other threads get the database."""

_DAY: Final = 86400.0
_EPOCH: Final = 2440587.5
"""Julian day of 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A bar of a timeline."""

    x: float
    """Begin, in thousandths of the width."""
    width: float
    """Width, in thousandths."""
    state: str
    """State of the instance."""
    label: str
    """Description in words."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a timeline."""

    name: str
    """Name of the task, and of the instance if it has its own row."""
    task: str
    """Name of the task."""
    strips: Sequence[Strip]
    """The bars of a row with bars."""
    area: str
    """The number of instances that ran, as data of an SVG path of 1000 x 100; empty for a row with bars."""
    peak: int
    """The largest number of instances that ran at a time."""
    count: int
    """The number of instances that have started."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The timeline of a job."""

    rows: Sequence[Row]
    """The rows."""
    ticks: Sequence[tuple[float, str]]
    """Positions in thousandths of the width, with the time since the start."""
    aggregated: bool
    """Whether rows show how many instances ran, and no bars."""
    grows: bool
    """Whether the job still runs, so that the picture changes with the time."""


def build(
    store: Store, job: int, tasks: Sequence[tuple[str, int]], begin: str, end: str, now: float
) -> Timeline | None:
    """Return the timeline of a job; None if nothing has started.

    Args:
        store: The database.
        job: Row number of the job.
        tasks: Name of each task, with the number of its instances that have left the state ``Waiting``.
        begin: When the job started.
        end: When it ended; empty before.
        now: The time, in seconds since 1970.
    """
    start = seconds_of(begin)
    if start is None:
        return None
    span = max(0.5, (seconds_of(end) or now) - start)
    if not end:
        # Its scale changes in steps, so that the picture does not change with each look.
        span = _nice(span * 1.02)
    ticks = _ticks(span)
    if sum(count for _, count in tasks) <= MOST_BARS:
        with store.read() as transaction:
            bars = transaction.overview.started(job, MOST_BARS)
        latest = start + span if not end else seconds_of(end) or now
        shown_now = min(now, latest)
        bar_rows = [_bar_row(bar, tasks, start, span, shown_now) for bar in bars if bar.task < len(tasks)]
        return Timeline(bar_rows, ticks, False, not end) if bar_rows else None
    rows: list[Row] = []
    rest: list[Span] = []
    for position, (name, count) in enumerate(tasks):
        if not count:
            continue
        spans = _spans(store, job, position, start, span)
        if len(rows) < _MOST_ROWS:
            rows.append(_area_row(name, name, spans, start, span, now))
        else:
            rest += spans
    if rest:
        rows.append(_area_row("other tasks", "", rest, start, span, now))
    return Timeline(rows, ticks, True, not end)


def _spans(store: Store, job: int, task: int, start: float, span: float) -> list[Span]:
    origin = start / _DAY + _EPOCH
    per_day = _INTERVALS / span * _DAY
    result: list[Span] = []
    with store.read() as transaction:
        size = dict(transaction.tasks.sizes(job)).get(task, 0)
    for first in range(0, size, _STEP):
        with store.read() as transaction:
            result += transaction.overview.spans(job, task, first, first + _STEP, origin, per_day)
        store.let_others()
    return result


def _bar_row(bar: Bar, tasks: Sequence[tuple[str, int]], start: float, span: float, now: float) -> Row:
    name = tasks[bar.task][0]
    began = seconds_of(bar.started) or start
    ended = seconds_of(bar.ended) if bar.ended >= bar.started else None
    finish = now if ended is None else ended
    x = min(1000.0, max(0.0, (began - start) / span * 1000))
    width = min(1000.0 - x, max(3.0, (finish - began) / span * 1000))
    label = f"{name} {bar.number}: {bar.state}, {duration_of(finish - began)}"
    return Row(
        f"{name} {bar.number}", name, (Strip(round(x, 1), round(width, 1), bar.state, label),), "", 1, 1
    )


def _area_row(name: str, task: str, spans: Iterable[Span], start: float, span: float, now: float) -> Row:
    """Return a row that shows how many instances ran in each interval."""
    changes = [0] * (_INTERVALS + 1)
    present = min(_INTERVALS - 1, int((now - start) / span * _INTERVALS))
    count = 0
    for one in spans:
        first = min(one.first, _INTERVALS - 1)
        last = present if one.last < 0 else min(one.last, _INTERVALS - 1)
        changes[first] += one.count
        changes[max(first, last) + 1] -= one.count
        count += one.count
    levels: list[int] = []
    running = 0
    for change in changes[:_INTERVALS]:
        running += change
        levels.append(running)
    peak = max(levels)
    path = "M0 100"
    width = 1000 / _INTERVALS
    previous = 0
    for at, level in enumerate(levels):
        if level != previous:
            path += f"H{at * width:.0f}V{100 - 96 * level / max(peak, 1):.0f}"
            previous = level
    return Row(name, task, (), f"{path}H1000V100Z", peak, count)


_NICE: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, _DAY)


def _nice(span: float) -> float:
    """Return a round number of seconds that is not less than a span of time."""
    step = _tick_step(span)
    return (int(span / step) + 1) * step


def _tick_step(span: float) -> float:
    step = next((float(step) for step in _NICE if span / step <= 6), _DAY)
    while span / step > 6:
        step *= 2
    return step if span >= 1 else 0.2


def _ticks(span: float) -> list[tuple[float, str]]:
    step = _tick_step(span)
    ticks: list[tuple[float, str]] = []
    at = 0
    while at * step <= span * 0.94:
        ticks.append(
            (round(at * step / span * 1000, 1), duration_of(at * step).replace(".0 s", " s") if at else "0")
        )
        at += 1
    return ticks


def started_of(metrics: Mapping[str, int]) -> int:
    """Return how many instances of a task may have started, given its metrics."""
    return sum(metrics[f"{state}Count"] for state in ("Running", "Finished", "Failed", "Stopped"))
