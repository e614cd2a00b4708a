"""Drawings of the tasks of a job and their order: Mermaid, SVG, HTML and text. All functions are pure."""

from __future__ import annotations

from batchcompute.drawing.graph import Graph, Node, graph_of
from batchcompute.drawing.html import to_html
from batchcompute.drawing.mermaid import to_mermaid
from batchcompute.drawing.svg import to_svg
from batchcompute.drawing.text import to_text

__all__ = ["Graph", "Node", "graph_of", "to_html", "to_mermaid", "to_svg", "to_text"]
