"""The progress display of ``wait(progress=True)``: live bars on a terminal or in a notebook, otherwise lines."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from batchcompute.client.waiting import FINAL_STATES, Watch, instance_counts
from batchcompute.errors.installation import install_command

if TYPE_CHECKING:
    from batchcompute.resources import Task

__all__: list[str] = []

_MAX_BARS: Final = 20
"""Number of tasks up to which every task keeps its bar; beyond it, only running tasks have one."""

_MAX_GRAPH_TASKS: Final = 200
"""Maximum number of tasks of a graph that is drawn anew at each update."""


class Reporter(Protocol):
    """Displays the progress of jobs."""

    wants_tasks: bool
    """Whether it displays tasks, too."""

    def update(self, watch: Watch) -> None:
        """Show the current state."""
        ...

    def close(self) -> None:
        """End the display."""
        ...


class _Silent:
    wants_tasks = False

    def update(self, watch: Watch) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class _Lines:
    """Writes a line for each change."""

    wants_tasks = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._last = ""

    def update(self, watch: Watch) -> None:
        """Write a line if more than the elapsed time has changed."""
        line = watch.summary(time.monotonic())
        text = line.partition("  ")[2]
        if text != self._last:
            self._last = text
            self._stream.write(line + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Do nothing."""


class _Bar:
    """Live bars with counts and the elapsed time: one for all jobs, and one for each task."""

    wants_tasks = True

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
        self._rows: dict[tuple[str, str], Any] = {}

    def update(self, watch: Watch) -> None:
        """Update the bar."""
        done, total = watch.progress()
        text = watch.summary(time.monotonic()).partition("  ")[2]
        self._progress.update(self._task, completed=done, total=total or None, description=text)
        for job_id, tasks in watch.tasks.items():
            for task in tasks:
                self._show((job_id, str(task.TaskName)), task)

    def _show(self, key: tuple[str, str], task: Task) -> None:
        is_over = task.State in FINAL_STATES
        if key not in self._rows:
            if is_over and len(self._rows) >= _MAX_BARS:
                return
            self._rows[key] = self._progress.add_task("", start=False, total=None)
        row = self._rows[key]
        counts = instance_counts([task])
        parts = [f"{counts[state]} {state.lower()}" for state in counts if counts[state]]
        name = key[1] if key[1].isprintable() else ascii(key[1])
        self._progress.update(
            row,
            completed=counts["Finished"],
            total=counts.total() or None,
            description=f"{name}  {', '.join(parts)}",
            visible=len(self._rows) <= _MAX_BARS or task.State == "Running",
        )
        if task.State != "Waiting":
            self._progress.start_task(row)
        if is_over:
            self._progress.stop_task(row)

    def close(self) -> None:
        """Stop the updates of the bar."""
        self._progress.stop()


class _Notebook:
    """A live picture of each DAG in the output of a notebook, with bars."""

    wants_tasks = True

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None
        self._last = ""

    def update(self, watch: Watch) -> None:
        """Replace the picture if it changes."""
        from batchcompute.drawing import to_html
        from batchcompute.resources._drawn import bar_of, graph_of_dag

        line = watch.summary(time.monotonic())
        parts: list[str] = []
        for job in watch.statuses()[:_MAX_BARS]:
            tasks = watch.tasks.get(job.Id, [])
            dag = watch.dags.get(job.Id) if len(tasks) <= _MAX_GRAPH_TASKS else None
            bars = [
                bar_of(job._name(), job),
                *(bar_of(str(task.TaskName), task) for task in tasks[:_MAX_BARS]),
            ]
            parts.append(to_html(None if dag is None else graph_of_dag(dag, tasks), bars=bars))
        html = "\n".join(parts)
        if html == self._last:
            return
        self._last = html
        bundle = {"text/plain": line, "text/html": html}
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def close(self) -> None:
        """Leave the last picture."""


def _notebook_display() -> Any:
    """Return the function that displays something in the notebook that runs this process; None if there is none."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    # A terminal of IPython has no `kernel`.
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from importlib import import_module

    return import_module("IPython.display").display


def reporter(enabled: bool, stream: Any = None) -> Reporter:
    """Return a progress display.

    Args:
        enabled: Whether the progress is displayed.
        stream: The output stream; by default that of the notebook, or else stderr.
    """
    if not enabled:
        return _Silent()
    display = _notebook_display() if stream is None else None
    if display is not None:
        return _Notebook(display)
    stream = stream or sys.stderr
    if stream.isatty():
        try:
            return _Bar(stream)
        except ImportError:
            stream.write(f"(a live bar needs rich: {install_command('progress')})\n")
    return _Lines(stream)
