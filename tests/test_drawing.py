"""Drawings of DAGs: text, Mermaid and SVG."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from batchcompute.drawing import Graph, graph_of, to_mermaid, to_svg, to_text

DIAMOND = graph_of("ABCD", {"A": ["B", "C"], "B": ["D"], "C": ["D"]})
CROSSING = """\
○  A
├─┬─┬─┐
○ │ │ │  B
│ │ │ │
│ ○ │ │  C
├─┘ │ │
○   │ │  E
└───│─┤
    ○ │  D
    │ │
    ○ │  F
    └─┤
      ○  G
"""


@pytest.mark.parametrize(
    ("tasks", "dependencies", "drawing"),
    [
        ("", {}, ""),
        ("AB", {}, "○  A\n○  B\n"),
        ("ABC", {"A": ["B"], "B": ["C"]}, "○  A\n│\n○  B\n│\n○  C\n"),
        ("ABCD", {"A": ["B", "C"], "B": ["D"], "C": ["D"]}, "○  A\n├─┐\n○ │  B\n│ │\n│ ○  C\n├─┘\n○  D\n"),
        # A line that crosses another one does not touch it.
        ("ABCDEFG", {"A": ["B", "C", "D", "G"], "B": ["E"], "C": ["E"], "D": ["F"], "E": ["G"], "F": ["G"]}, CROSSING),
    ],
)  # fmt: skip
def test_text_has_a_line_for_each_task(tasks: str, dependencies: dict[str, list[str]], drawing: str) -> None:
    graph = graph_of(tasks, dependencies)
    assert to_text(graph) == drawing
    assert to_text(graph, ascii_only=True).isascii()


def test_states_and_details_are_shown() -> None:
    graph = graph_of(["a", "b"], {}, details={"a": "\u00d73"}, states={"a": "Failed", "b": "of the future"})
    assert to_text(graph) == "✗  a \u00d73\n○  b\n"
    assert (
        to_text(graph, style=lambda node, text: f"<{node.state}|{text}>")
        == "✗  <Failed|a \u00d73>\n○  <of the future|b>\n"
    )
    text = to_mermaid(graph)
    assert '    n0["a \u00d73"]:::Failed\n    n1["b"]\n' in text
    assert "classDef Failed" in text
    assert "classDef Finished" not in text
    assert '<g class="Failed"><title>a \u00d73: Failed</title>' in to_svg(graph)


def test_names_of_others_are_escaped() -> None:
    name = 'x"]; click <script>&\x1b\ud800\x9b`'
    graph = graph_of([name], {})
    assert '"x#34;#93;; click #60;script#62;#38;#27;#55296;#155;#96;"' in to_mermaid(graph)
    root = ET.fromstring(to_svg(graph))
    assert root.findall(".//{*}text")[0].text == 'x"]; click <script>&���`'
    assert not root.findall(".//{*}script")


def test_cycles_and_unknown_tasks_are_left_out() -> None:
    graph = graph_of(["a", "b", "c"], {"a": ["b", "b", "none", "a"], "b": ["c"], "c": ["b"], "x": ["a"]})
    assert [node.name for node in graph.nodes] == ["a", "b", "c"]
    assert graph.edges == ((0, 1), (1, 2))
    assert graph.layers() == [[0], [1], [2]]


def test_every_edge_is_drawn_and_tasks_do_not_overlap() -> None:
    graph = graph_of(
        "ABCDEFGH",
        {"A": ["C"], "B": ["C", "D"], "C": ["E", "F"], "D": ["F"], "E": ["H"], "F": ["H"], "G": ["H"]},
    )
    root = ET.fromstring(to_svg(graph))
    assert len(root.findall(".//{*}path")) == len(root.findall(".//{*}polygon")) == len(graph.edges) == 9
    boxes = [
        tuple(float(box.get(key, "")) for key in ("x", "y", "width", "height"))
        for box in root.findall(".//{*}rect")
    ]
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    for index, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        for x2, y2, w2, _ in boxes[:index]:
            assert y != y2 or x + w <= x2 or x2 + w2 <= x
    assert to_mermaid(graph).count(" --> ") == 9
    assert to_mermaid(graph, "LR").startswith("flowchart LR\n")


def test_large_graphs_are_drawn_quickly() -> None:
    chain = [f"t{number}" for number in range(3000)]
    graph = graph_of(chain, dict(zip(chain, ([one] for one in chain[1:]), strict=False)))
    assert len(graph.layers()) == 3000
    assert to_text(graph).count("○") == 3000
    wide = graph_of(["a", *chain], {"a": chain})
    assert "t2999  after a\n" in to_text(wide), "a list instead of a thousand lines beside each other"
    dense = [f"t{number}" for number in range(120)]
    full = graph_of(dense, {name: dense[index + 1 :] for index, name in enumerate(dense)})
    assert len(full.edges) == 7140
    for one in (graph, wide, full):
        assert ET.fromstring(to_svg(one)).tag.endswith("svg")
        assert to_mermaid(one)


def test_an_empty_graph_is_an_empty_drawing() -> None:
    assert ET.fromstring(to_svg(Graph((), ()))).findall(".//{*}rect") == []
    assert to_mermaid(Graph((), ())) == "flowchart TB\n"


def test_drawings_import_nothing_else_of_the_package() -> None:
    program = "import sys, batchcompute.drawing; print(*[name for name in sys.modules if name.startswith('batchcompute.') and '.drawing' not in name and '.errors' not in name and '_version' not in name and '_lazy' not in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
