"""Graphs as HTML for notebooks, in the light and dark theme of the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from batchcompute.drawing.graph import STATES, Graph
from batchcompute.drawing.svg import theme_rules, to_svg

__all__ = ["Bar", "to_html"]

_LIGHT: Final = ':is([data-jp-theme-light="true"], .vscode-light)'
_DARK: Final = ':is([data-jp-theme-light="false"], .vscode-dark)'

_COLORS: Final = {
    "Waiting": "#9ca3af",
    "Running": "#3b82f6",
    "Finished": "#22c55e",
    "Failed": "#ef4444",
    "Stopped": "#f59e0b",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with the instances of a task or a job in each state."""

    name: str
    """The text before the bar."""
    state: str
    """State of the task or the job."""
    counts: Sequence[tuple[str, int]]
    """Number of instances in each state."""


def to_html(graph: Graph | None, title: str = "", bars: Sequence[Bar] = ()) -> str:
    """Return a picture and bars as HTML.

    Args:
        graph: The graph; None for no picture.
        title: The text above.
        bars: The bars below the title.
    """
    parts = ['<div class="bc-picture">']
    if title:
        parts.append(f"<div><b>{escape(title)}</b></div>")
    if bars:
        parts.append(_table(bars))
    if graph is not None and graph.nodes:
        parts += [f"<style>{theme_rules(_LIGHT, _DARK)}</style>", to_svg(graph)]
    return "\n".join([*parts, "</div>"])


def _table(bars: Sequence[Bar]) -> str:
    rows: list[str] = []
    for bar in bars:
        total = sum(number for _, number in bar.counts)
        pieces = "".join(
            f'<span style="display:inline-block;height:100%;background:{_COLORS[state]};'
            f'width:{100 * number / total:.2f}%"></span>'
            for state, number in bar.counts
            if number and state in _COLORS
        )
        text = ", ".join(f"{number} {state.lower()}" for state, number in bar.counts if number)
        state = bar.state if bar.state in STATES else ""
        rows.append(
            f'<tr><td style="text-align:left">{escape(bar.name)}</td><td>{state}</td>'
            f'<td><div style="width:160px;height:10px;overflow:hidden;white-space:nowrap;font-size:0;'
            f'border-radius:5px;background:rgba(128,128,128,.25)">{pieces}</div></td>'
            f'<td style="text-align:left">{escape(text)}</td></tr>'
        )
    return f"<table>{''.join(rows)}</table>"
