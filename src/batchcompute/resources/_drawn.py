"""Pictures of jobs, tasks and DAGs: Mermaid, SVG, and what notebooks show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from batchcompute.drawing import Graph
    from batchcompute.drawing.html import Bar
    from batchcompute.resources.job import DAG, Job, Task

__all__ = ["DrawnPlan", "DrawnStatus", "bar_of", "graph_of_dag"]

_STATES = ("Finished", "Running", "Waiting", "Failed", "Stopped")


class _Shown:
    """The methods that notebooks call."""

    __slots__ = ()

    def _graph(self) -> Graph:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """Return the picture for notebooks."""
        from batchcompute.drawing import to_html

        return to_html(self._graph())

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002
        exclude: object = None,  # noqa: ARG002
    ) -> dict[str, str]:
        """Return everything that a notebook can show."""
        return {
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
            "image/svg+xml": self._svg(),
        }

    def _svg(self) -> str:
        from batchcompute.drawing import to_svg

        return to_svg(self._graph())


class DrawnPlan(_Shown):
    """The pictures of a DAG, or of a job that has one."""

    __slots__ = ()

    def _dag(self) -> object:
        raise NotImplementedError

    def _graph(self, tasks: Iterable[Task] = ()) -> Graph:
        return graph_of_dag(cast("DAG", self._dag()), tasks)

    def to_mermaid(self, tasks: Iterable[Task] = (), direction: Literal["TB", "LR"] = "TB") -> str:
        """Return the DAG as the text of a Mermaid flowchart.

        Args:
            tasks: Statuses of the tasks, as from ``client.iter_tasks(job)``, to show their states.
            direction: ``TB`` for top to bottom, ``LR`` for left to right.
        """
        from batchcompute.drawing import to_mermaid

        return to_mermaid(self._graph(tasks), direction)

    def to_svg(self, tasks: Iterable[Task] = ()) -> str:
        """Return the DAG as an SVG image, for light and dark pages.

        Args:
            tasks: Statuses of the tasks, as from ``client.iter_tasks(job)``, to show their states.
        """
        from batchcompute.drawing import to_svg

        return to_svg(self._graph(tasks))


class DrawnStatus(_Shown):
    """The pictures of the status of a job or of a task: its name, its state and the counts of its instances."""

    __slots__ = ()

    def _name(self) -> str:
        raise NotImplementedError

    def _graph(self) -> Graph:
        from batchcompute.drawing import graph_of

        status: Any = self
        name = self._name()
        return graph_of([name], {}, details={name: _text(status)}, states={name: str(status.State or "")})

    def _repr_html_(self) -> str:
        """Return a bar with the instances in each state, for notebooks."""
        from batchcompute.drawing import to_html

        status: Any = self
        return to_html(None, bars=[bar_of(self._name(), status)])

    def to_mermaid(self, direction: Literal["TB", "LR"] = "TB") -> str:
        """Return the status as the text of a Mermaid flowchart with one node.

        Args:
            direction: ``TB`` for top to bottom, ``LR`` for left to right.
        """
        from batchcompute.drawing import to_mermaid

        return to_mermaid(self._graph(), direction)

    def to_svg(self) -> str:
        """Return the status as an SVG image, for light and dark pages."""
        return self._svg()


def _counts(status: Mapping[str, Any] | Job | Task) -> list[tuple[str, int]]:
    metrics: Mapping[str, Any] = status.get("InstanceMetrics") or {}
    return [(state, int(metrics.get(f"{state}Count") or 0)) for state in _STATES]


def _text(status: Job | Task) -> str:
    return ", ".join(f"{number} {state.lower()}" for state, number in _counts(status) if number)


def bar_of(name: str, status: Job | Task) -> Bar:
    """Return the bar of a job or a task.

    Args:
        name: The text before the bar.
        status: The status.
    """
    from batchcompute.drawing.html import Bar

    return Bar(name, str(status.State or ""), _counts(status))


def graph_of_dag(dag: DAG, tasks: Iterable[Task] = ()) -> Graph:
    """Return the graph of a DAG.

    Args:
        dag: The DAG.
        tasks: Statuses of its tasks.
    """
    from batchcompute.drawing import graph_of

    details: dict[str, str] = {}
    for name, task in dag.Tasks.items():
        number: object = task.get("InstanceCount")
        details[name] = f"\N{MULTIPLICATION SIGN}{number}" if isinstance(number, int) and number > 1 else ""
    states: dict[str, str] = {}
    for status in tasks:
        name = str(status.TaskName)
        states[name] = str(status.State or "")
        if states[name] in ("Running", "Failed", "Stopped"):
            details[name] = _text(status)
    return graph_of(dag.Tasks, dag.Dependencies, details=details, states=states)
