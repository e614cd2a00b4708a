"""The progress display of ``wait(progress=True)``: a live bar on a terminal, otherwise lines."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from batchcompute.client.waiting import Watch
from batchcompute.errors.installation import install_command

__all__: list[str] = []


class Reporter(Protocol):
    """Displays the progress of jobs."""

    def update(self, watch: Watch) -> None:
        """Show the current state."""
        ...

    def close(self) -> None:
        """End the display."""
        ...


class _Silent:
    def update(self, watch: Watch) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class _Lines:
    """Writes a line for each change."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._last = ""

    def update(self, watch: Watch) -> None:
        """Write a line if it differs from the last one."""
        line = watch.summary(time.monotonic())
        text = line.partition("  ")[2]
        if text != self._last:
            self._last = text
            self._stream.write(line + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Do nothing."""


class _Bar:
    """A live bar with counts and the elapsed time."""

    def __init__(self, stream: Any) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        # Without markup, because the name of a job may look like it.
        self._progress = Progress(
            TimeElapsedColumn(),
            BarColumn(bar_width=30),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=None)

    def update(self, watch: Watch) -> None:
        """Update the bar."""
        done, total = watch.progress()
        text = watch.summary(time.monotonic()).partition("  ")[2]
        self._progress.update(self._task, completed=done, total=total or None, description=text)

    def close(self) -> None:
        """Stop the updates of the bar."""
        self._progress.stop()


def reporter(enabled: bool, stream: Any = None) -> Reporter:
    """Return a progress display.

    Args:
        enabled: Whether the progress is displayed.
        stream: The output stream; stderr by default.
    """
    if not enabled:
        return _Silent()
    stream = stream or sys.stderr
    if stream.isatty():
        try:
            return _Bar(stream)
        except ImportError:
            stream.write(f"(a live bar needs rich: {install_command('progress')})\n")
    return _Lines(stream)
