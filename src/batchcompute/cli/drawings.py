"""``batchcompute dag``: the tasks of a job and their order, as a drawing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchcompute.cli.connection import connected, part, wire
from batchcompute.cli.failures import MISTAKE, fail, say
from batchcompute.cli.framework import command, examples
from batchcompute.cli.jobs import counts
from batchcompute.cli.output import COLORS, has_color, write_json, write_text
from batchcompute.cli.state import State, state_of
from batchcompute.cli.texts import clean

if TYPE_CHECKING:
    from batchcompute.drawing import Graph, Node

__all__: list[str] = []


@command(
    "dag",
    epilog=examples(
        "batchcompute dag pipeline.yaml",
        "batchcompute dag job-0001",
        "batchcompute dag --format svg job-0001 > job.svg",
    ),
)
@click.argument("source", metavar="FILE|ID")
@click.option(
    "--format",
    "target",
    type=click.Choice(("text", "mermaid", "svg")),
    default="text",
    help="The format (default: text).",
)
@click.pass_context
def dag_command(context: click.Context, source: str, target: str) -> int:
    """Draw the tasks of the job in a FILE, or of the job with an ID and their states.

    What is neither - nor the name of a file and begins with job- is an ID.
    """
    state = state_of(context)
    is_id = source.startswith("job-") and not Path(source).exists()
    dag, tasks = _of_job(state, source) if is_id else _of_file(source)
    if dag is None:
        return MISTAKE
    # Imported here, so that the help stays fast.
    from batchcompute.drawing import graph_of, to_mermaid, to_svg

    descriptions = part(dag, "Tasks")
    details: dict[str, str] = {}
    for name in descriptions:
        number = part(descriptions, name).get("InstanceCount") or 1
        details[name] = f"\N{MULTIPLICATION SIGN}{number}" if isinstance(number, int) and number > 1 else ""
        if name in tasks and tasks[name].get("State") in ("Running", "Failed", "Stopped"):
            details[name] = counts(part(tasks[name], "InstanceMetrics"))
    states = {name: str(task.get("State") or "") for name, task in tasks.items()}
    graph = graph_of(descriptions, part(dag, "Dependencies"), details=details, states=states)
    if state.json:
        write_json(_as_json(graph))
    elif target == "text":
        write_text(_text(graph))
    else:
        write_text(to_mermaid(graph) if target == "mermaid" else to_svg(graph))
    return 0


def _as_json(graph: Graph) -> list[dict[str, Any]]:
    before: list[list[str]] = [[] for _ in graph.nodes]
    for first, second in graph.edges:
        before[second].append(graph.nodes[first].name)
    return [
        {"TaskName": node.name, "State": node.state or None, "After": before[index]}
        for index, node in enumerate(graph.nodes)
    ]


def _text(graph: Graph) -> str:
    from batchcompute.drawing import to_text

    colored = has_color(sys.stdout)

    def style(node: Node, text: str) -> str:
        shown = clean(text)
        code = COLORS.get(node.state)
        return f"\x1b[{code}m{shown}\x1b[0m" if colored and code else shown

    try:
        "│●◐".encode(sys.stdout.encoding or "utf-8")
        ascii_only = False
    except UnicodeEncodeError:
        ascii_only = True
    return to_text(graph, ascii_only, style)


def _of_file(file: str) -> tuple[dict[str, Any] | None, dict[str, dict[str, Any]]]:
    """Return the DAG of a file; None if the file has problems, which were printed."""
    from batchcompute.cli.files.description import lines, load, model_of, problems_of

    description = load(file)
    problems = problems_of(description)
    if problems:
        for text in lines(description, problems):
            say(text)
        return None, {}
    content: dict[str, Any] = wire(model_of("job", description.value)(description.value))
    if "DAG" not in content:
        fail("an App job has no tasks that could be drawn")
    return part(content, "DAG"), {}


def _of_job(state: State, job: str) -> tuple[dict[str, Any] | None, dict[str, dict[str, Any]]]:
    with connected(state) as client:
        content: dict[str, Any] = client.get_job_description(job).content
        tasks = {str(task.TaskName): wire(task) for task in client.iter_tasks(job)}
    if not part(content, "DAG"):
        # An App job runs as one task.
        content = {"DAG": {"Tasks": {name: {} for name in tasks}}}
    return part(content, "DAG"), tasks
