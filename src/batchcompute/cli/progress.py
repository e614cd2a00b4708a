"""The display of a running job: a bar for each task on a terminal, otherwise a line for each change."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from batchcompute.cli.failures import say
from batchcompute.cli.jobs import counts
from batchcompute.cli.output import is_terminal
from batchcompute.cli.texts import clean
from batchcompute.cli.times import duration

__all__: list[str] = []

_MOST_BARS: Final = 20
"""Tasks with a bar of their own at the same time."""


class Display(Protocol):
    """Shows the tasks of a job."""

    def update(self, job: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> None:
        """Show the current state.

        Args:
            job: The status of the job.
            tasks: The statuses of its tasks.
        """
        ...

    def close(self) -> None:
        """End the display."""
        ...


class Silent:
    """Shows nothing."""

    def update(self, job: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Messages:
    """Writes the message of a job that waits: what it waits for, and why its last attempt was lost."""

    def __init__(self) -> None:
        self._last: str = ""
        self._shown: str = ""

    def update(self, job: Mapping[str, Any], before: str = "") -> None:
        """Write the message if it is new and has lasted for two updates, so that short waits are no news.

        Args:
            job: The status of the job.
            before: Beginning of the line.
        """
        text = str(job.get("Message") or "") if job.get("State") in ("Waiting", "Running") else ""
        if text and text == self._last and text != self._shown:
            say(f"{before}{clean(text)}")
            self._shown = text
        self._last = text


class Lines:
    """Writes a line for each change of a task to stderr."""

    def __init__(self) -> None:
        self._messages = Messages()
        self._started = time.monotonic()
        self._last: dict[str, str] = {}

    def update(self, job: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> None:
        """Write the tasks that have changed."""
        took = duration(time.monotonic() - self._started)
        self._messages.update(job, f"{took:>6}  ")
        for task in tasks:
            name = str(task.get("TaskName"))
            text = f"{task.get('State')}: {counts(task.get('InstanceMetrics'))}"
            # A task that only waits is no news.
            if text != self._last.get(name) and (name in self._last or task.get("State") != "Waiting"):
                say(f"{took:>6}  {clean(name)}  {text}")
            self._last[name] = text

    def close(self) -> None:
        """Do nothing."""


class Bars:
    """Shows a bar for each task on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        # Without markup, because the name of a task may look like it.
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[counts]}", markup=False),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr),
        )
        self._rows: dict[str, Any] = {}
        self._messages = Messages()
        self._progress.start()

    def update(self, job: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> None:
        """Update the bars."""
        self._messages.update(job)
        for task in tasks:
            self._row(clean(task.get("TaskName")), task)
        if len(self._rows) > 1:
            self._row("all", job)

    def _row(self, name: str, status: Mapping[str, Any]) -> None:
        metrics: Mapping[str, Any] = status.get("InstanceMetrics") or {}
        total = sum(int(number or 0) for key, number in metrics.items() if key.endswith("Count"))
        is_over = status.get("State") in ("Finished", "Failed", "Stopped")
        if name not in self._rows:
            if is_over and len(self._rows) > _MOST_BARS:
                return
            self._rows[name] = self._progress.add_task(name, start=False, total=total, counts="")
        row = self._rows[name]
        if status.get("State") != "Waiting":
            self._progress.start_task(row)
        if is_over:
            self._progress.stop_task(row)
        text = counts(metrics)
        self._progress.update(row, completed=int(metrics.get("FinishedCount") or 0), total=total, counts=text)
        visible = name == "all" or len(self._rows) <= _MOST_BARS or status.get("State") == "Running"
        self._progress.update(row, visible=visible)

    def close(self) -> None:
        """Stop the bars."""
        self._progress.stop()


def display(quiet: bool) -> Display:
    """Return a display on stderr.

    Args:
        quiet: Whether nothing is shown.
    """
    if quiet:
        return Silent()
    if is_terminal(sys.stderr):
        try:
            return Bars()
        except ImportError:
            # The extra is not complete. Lines say the same.
            return Lines()
    return Lines()
