"""Draw the plots and write the table of docs/scale.md from docs/scale.json."""

#     python -m benchmarks.scale      # measure
#     python tools/draw_scale.py      # writes docs/images/scale-*.svg and the table; a test compares them

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "scale.md"
FILE = DOCS / "scale.json"

LARGEST = 100_000_000
"""Number of instances up to which the lines are continued."""

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 48, 34, 48

Size = dict[str, float]


@dataclass(frozen=True)
class Plot:
    """One plot: a cost over the number of instances, both on logarithmic axes."""

    name: str
    title: str
    value: Callable[[Size], float]
    form: Callable[[float], str]
    limit: float | None = None
    """A promised limit, drawn as a line."""
    goal: str = ""


def seconds(value: float) -> str:
    """Return a number of seconds in words."""
    for unit, size in (("h", 3600), ("min", 60), ("s", 1)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1000:.3g} ms"


def megabytes(value: float) -> str:
    """Return a number of MB in words."""
    return f"{value / 1024:.3g} GB" if value >= 1024 else f"{value:.3g} MB"


PLOTS = (
    Plot("time", "Processor time of a whole job", lambda size: size["processor_seconds"], seconds),
    Plot(
        "memory",
        "Largest memory of the process",
        lambda size: size["memory_mb"],
        megabytes,
        300,
        "promised: 300 MB",
    ),
    Plot("database", "Size of the database", lambda size: size["database_mb"], megabytes),
    Plot(
        "page",
        "Processor time of a page of 100 instances",
        lambda size: size["page_ms"] / 1000,
        seconds,
        0.003,
        "promised: 3 ms",
    ),
)


def axis(plot: Plot, value: float) -> str:
    """Return a power of ten for an axis."""
    if plot.form is seconds:
        return f"{value:,.0f} s" if value >= 1 else f"{value * 1000:g} ms"
    return f"{value:,.0f} MB" if value >= 1 else f"{value:g} MB"


def extrapolated(sizes: Sequence[Size], plot: Plot, count: float) -> float:
    """Return the value for a number of instances, in proportion to the growth between the last two measurements."""
    last, before = sizes[-1], sizes[-2]
    step = (plot.value(last) - plot.value(before)) / (last["instances"] - before["instances"])
    # Noise is no growth: a cost that is the same within a few percent stays the same.
    if abs(plot.value(last) / plot.value(before) - 1) < 0.1:
        step = 0.0
    return plot.value(last) + step * (count - last["instances"])


def number(count: float) -> str:
    """Return a number of instances for an axis."""
    for unit, size in ((" million", 1_000_000), (",000", 1000)):
        if count >= size:
            return f"{count / size:g}{unit}"
    return f"{count:g}"


def svg(plot: Plot, sizes: Sequence[Size]) -> str:
    """Return a plot."""
    counts = [size["instances"] for size in sizes]
    values = [plot.value(size) for size in sizes]
    end = extrapolated(sizes, plot, LARGEST)
    shown = [*values, end, *([plot.limit] if plot.limit else [])]
    low, high = 10 ** math.floor(math.log10(min(shown))), 10 ** math.ceil(math.log10(max(shown)))
    first, last = math.log10(counts[0]), math.log10(LARGEST)

    def x(count: float) -> float:
        return round(LEFT + (math.log10(count) - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        share = (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(plot.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(plot.title)}</text>',
    ]
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        at = y(10**power)
        parts.append(f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{at + 4}" text-anchor="end">{escape(axis(plot, 10**power))}</text>'
        )
    for power in range(math.ceil(first), math.floor(last) + 1):
        at = x(10**power)
        parts.append(f'<path d="M{at} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{at}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{number(10**power)}</text>'
        )
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">instances in one job</text>')
    if plot.limit:
        at = y(plot.limit)
        parts.append(f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#b00" stroke-dasharray="2 4"/>')
        parts.append(f'<text x="{LEFT + 8}" y="{at - 5}" fill="#b00">{escape(plot.goal)}</text>')
    points = " ".join(f"{x(count)},{y(value)}" for count, value in zip(counts, values, strict=True))
    parts.append(f'<polyline points="{points}" fill="none" stroke="#36c" stroke-width="2"/>')
    # The continuation is a straight line in the plot only if the cost is proportional or constant, so it has steps.
    far = [counts[-1] * 10 ** (step / 10) for step in range(round((last - math.log10(counts[-1])) * 10) + 1)]
    path = " ".join(f"{x(count)},{y(extrapolated(sizes, plot, count))}" for count in far)
    parts.append(
        f'<polyline points="{path}" fill="none" stroke="#36c" stroke-width="2" stroke-dasharray="6 5"/>'
    )
    parts += [
        f'<circle cx="{x(count)}" cy="{y(value)}" r="4" fill="#36c"/>'
        for count, value in zip(counts, values, strict=True)
    ]
    parts.append(
        f'<text x="{WIDTH - RIGHT - 4}" y="{y(end) - 8}" text-anchor="end">{escape(plot.form(end))}</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def table(content: dict[str, object], sizes: Sequence[Size]) -> str:
    """Return the table of the page."""
    names = "| instances | processor time | whole time | instances a second | growth | memory | database | a page of 100 | the job | restart |"
    lines = [
        f"Measured with {content['machine']}, and {content['slots']:,} slots.",
        "",
        names,
        "| --: " * 10 + "|",
    ]
    for before, size in zip((None, *sizes), sizes, strict=False):
        took = size["processor_seconds"]
        growth = ""
        if before is not None:
            more = size["instances"] / before["instances"]
            growth = f"{took / before['processor_seconds']:.1f} x for {more:.2g} x"
        cells = [
            f"{size['instances']:,.0f}", seconds(took), seconds(size["seconds"]),
            f"{size['instances'] / took:,.0f}", growth,
            megabytes(size["memory_mb"]), megabytes(size["database_mb"]), seconds(size["page_ms"] / 1000),
            seconds(size["job_ms"] / 1000), seconds(size["restart_ms"] / 1000),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    for count in (10_000_000, LARGEST):
        took = extrapolated(sizes, PLOTS[0], count)
        cells = [
            f"*{count:,}*", f"*{seconds(took)}*", "", f"*{count / took:,.0f}*", "*extrapolated*",
            f"*{megabytes(extrapolated(sizes, PLOTS[1], count))}*",
            f"*{megabytes(extrapolated(sizes, PLOTS[2], count))}*",
            f"*{seconds(extrapolated(sizes, PLOTS[3], count))}*", "", "",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def files() -> dict[Path, str]:
    """Return the content of each file that is made from the measurements."""
    content = json.loads(FILE.read_text("utf-8"))
    sizes: list[Size] = content["sizes"]
    result = {DOCS / "images" / f"scale-{plot.name}.svg": svg(plot, sizes) for plot in PLOTS}
    head, _, rest = PAGE.read_text("utf-8").partition("<!-- table -->")
    tail = rest.partition("<!-- end -->")[2]
    result[PAGE] = f"{head}<!-- table -->\n\n{table(content, sizes)}\n\n<!-- end -->{tail}"
    return result


def main() -> None:
    for path, text in files().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
