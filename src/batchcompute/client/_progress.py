"""What ``wait(progress=True)`` shows: a live bar on a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from batchcompute.client.waiting import Watch
from batchcompute.errors.extras import install_command

__all__: list[str] = []


class Reporter(Protocol):
    """Shows how far jobs are."""

    def update(self, watch: Watch) -> None:
        """Show the present state."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class _Silent:
    def update(self, watch: Watch) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class _Lines:
    """A line for each change."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._last = ""

    def update(self, watch: Watch) -> None:
        """Write a line, if it says more than the last one."""
        line = watch.summary(time.monotonic())
        what = line.partition("  ")[2]
        if what != self._last:
            self._last = what
            self._stream.write(line + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Nothing is left to do."""


class _Bar:
    """A live bar with counts and the time so far."""

    def __init__(self, stream: Any) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        # Texts go in as they are: a job's name may hold what looks like markup.
        self._progress = Progress(
            TimeElapsedColumn(),
            BarColumn(bar_width=30),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=None)

    def update(self, watch: Watch) -> None:
        """Move the bar."""
        done, total = watch.progress()
        text = watch.summary(time.monotonic()).partition("  ")[2]
        self._progress.update(self._task, completed=done, total=total or None, description=text)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()


def reporter(wanted: bool, stream: Any = None) -> Reporter:
    """Return what shows the progress.

    Args:
        wanted: Whether anything is to be shown.
        stream: Where to; stderr without it.
    """
    if not wanted:
        return _Silent()
    stream = stream or sys.stderr
    if stream.isatty():
        try:
            return _Bar(stream)
        except ImportError:
            stream.write(f"(a live bar needs rich: {install_command('progress')})\n")
    return _Lines(stream)
