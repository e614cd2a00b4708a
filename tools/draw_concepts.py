"""Draws the pictures of the page on concepts: the parts of a job, and where its files are."""

#     python tools/draw_concepts.py    # writes docs/images/concept-*.svg

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
STYLE = """\
.job { fill: #eef2f7; stroke: #8a93a2 } .task { fill: #dbe7fb; stroke: #4a78c2 }
.instance { fill: #fff; stroke: #4a78c2 } .good { fill: #d9f2dd; stroke: #2e8b45 } .bad { fill: #fbdede; stroke: #c23b3b }
.store { fill: #fdf1d6; stroke: #b98416 } .arrow { stroke: #5b6472; fill: none; marker-end: url(#head) }
text { font: 13px system-ui, sans-serif; fill: #20242b } .small { font-size: 11px; fill: #4d5561 }
.mono { font: 11.5px ui-monospace, Menlo, Consolas, monospace } .title { font-weight: 600 }
"""


class Drawing:
    """An SVG of boxes, texts and arrows."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z" fill="#5b6472"/></marker></defs>',
            f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>',
        ]

    def box(self, kind: str, x: int, y: int, width: int, height: int) -> None:
        """Draw a box."""
        self._parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')

    def text(self, x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> None:
        """Write a line."""
        self._parts.append(
            f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[int, int]) -> None:
        """Draw an arrow along some points."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self._parts.append(f'<polyline class="arrow" points="{path}"/>')

    def svg(self) -> str:
        """Return the picture."""
        return "\n".join([*self._parts, "</svg>\n"])


def job() -> str:
    """Draw a job with two tasks, their instances, and the attempts of one instance."""
    drawing = Drawing(760, 300, "A job has tasks, a task has instances, an instance has attempts")
    drawing.box("job", 10, 10, 740, 280)
    drawing.text(24, 32, "job", "title")
    drawing.text(56, 32, "word-count: a DAG of tasks", "small")
    for x, width, name, note in ((24, 390, "count", "InstanceCount 3"), (540, 196, "add-up", "1 instance")):
        drawing.box("task", x, 46, width, 230)
        drawing.text(x + 14, 68, "task", "title")
        drawing.text(x + 52, 68, f"{name}: {note}", "small")
    drawing.arrow((414, 150), (540, 150))
    drawing.text(477, 140, "Dependencies", "small", "middle")
    for number in range(3):
        y = 80 + number * 64
        drawing.box("instance", 38, y, 362, 54)
        drawing.text(50, y + 22, f"instance {number}", "title")
        drawing.text(50, y + 41, f"DAG_INSTANCE_ID={number}", "mono")
    for x, y, kind, text in (
        (200, 80, "good", "attempt 1: exit code 0"),
        (200, 208, "good", "attempt 1: exit code 0"),
    ):
        drawing.box(kind, x, y + 12, 190, 30)
        drawing.text(x + 12, y + 31, text, "small")
    drawing.box("bad", 200, 147, 190, 22)
    drawing.text(212, 162, "attempt 1: exit code 75", "small")
    drawing.box("good", 200, 172, 190, 22)
    drawing.text(212, 187, "attempt 2: exit code 0", "small")
    drawing.box("instance", 554, 80, 168, 84)
    drawing.text(566, 102, "instance 0", "title")
    drawing.text(566, 122, "waits until all instances", "small")
    drawing.text(566, 138, "of count are Finished", "small")
    return drawing.svg()


def files() -> str:
    """Draw the way of files: from object storage to a program, and back."""
    drawing = Drawing(760, 330, "Files come from object storage, and go back to it")
    drawing.box("store", 10, 10, 250, 310)
    drawing.text(24, 32, "object storage", "title")
    drawing.text(24, 48, "oss/ in the data directory, or a URL", "small")
    drawing.box("job", 400, 10, 350, 310)
    drawing.text(414, 32, "an attempt", "title")
    drawing.text(414, 48, "on the machine that runs it", "small")
    rows = (
        (80, "oss://books/count.py", "PackagePath", "count.py in the working directory", True),
        (130, "oss://books/texts/", "InputMapping", "/home/texts/   (read only)", True),
        (180, "oss://books/counts/", "OutputMapping", "/home/counts/  (at the end)", False),
        (230, "oss://books/progress/", "LogMapping", "/home/log/     (while it runs)", False),
        (280, "oss://books/logs/", "StdoutRedirectPath", "stdout and stderr", False),
    )
    for y, url, name, path, is_input in rows:
        drawing.box("instance", 24, y - 18, 222, 30)
        drawing.text(34, y + 2, url, "mono")
        drawing.box("instance", 414, y - 18, 322, 30)
        drawing.text(424, y + 2, path, "mono")
        drawing.arrow(*(((246, y - 3), (414, y - 3)) if is_input else ((414, y - 3), (246, y - 3))))
        drawing.text(330, y - 9, name, "small", "middle")
    return drawing.svg()


def main() -> int:
    for name, picture in (("job", job()), ("files", files())):
        target = IMAGES / f"concept-{name}.svg"
        target.write_text(picture, "utf-8")
        print(target.name, len(picture))
    return 0


if __name__ == "__main__":
    sys.exit(main())
