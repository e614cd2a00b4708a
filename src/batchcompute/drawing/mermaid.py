"""Graphs as Mermaid text."""

from __future__ import annotations

import re
from typing import Final, Literal

from batchcompute.drawing.graph import STATES, Graph

__all__ = ["to_mermaid"]

_COLORS: Final = {
    "Waiting": "fill:#e5e7eb,stroke:#6b7280,color:#111827",
    "Running": "fill:#bfdbfe,stroke:#2563eb,color:#111827",
    "Finished": "fill:#bbf7d0,stroke:#16a34a,color:#111827",
    "Failed": "fill:#fecaca,stroke:#dc2626,color:#111827",
    "Stopped": "fill:#fde68a,stroke:#d97706,color:#111827",
}

_SPECIAL: Final = re.compile(r"[^A-Za-z0-9_ .,:;/()+\xd7-]")
"""Characters that may have a meaning in a label. Mermaid writes them as their code."""


def to_mermaid(graph: Graph, direction: Literal["TB", "LR"] = "TB") -> str:
    """Return the text of a Mermaid flowchart.

    Args:
        graph: The graph.
        direction: ``TB`` for top to bottom, ``LR`` for left to right.
    """
    lines = [f"flowchart {direction}"]
    for index, node in enumerate(graph.nodes):
        label = _label(f"{node.name} {node.detail}".strip())
        state = f":::{node.state}" if node.state in STATES else ""
        lines.append(f'    n{index}["{label}"]{state}')
    lines += [f"    n{before} --> n{after}" for before, after in graph.edges]
    used = {node.state for node in graph.nodes}
    lines += [f"    classDef {state} {_COLORS[state]}" for state in STATES if state in used]
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", text)
