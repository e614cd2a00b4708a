"""``batchcompute logs``: the output of instances."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import click

from batchcompute.cli.completions import COMPLETE_JOB
from batchcompute.cli.connection import connected
from batchcompute.cli.failures import FAILED, fail, say
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write_json, write_text
from batchcompute.cli.state import state_of
from batchcompute.cli.texts import clean_block
from batchcompute.errors import BatchComputeError, LogsUnavailable, NotFoundError

if TYPE_CHECKING:
    from batchcompute.client import Client

__all__: list[str] = []

_COLOR: Final = re.compile("(\x1b\\[[0-9;]{0,40}m)")
"""A change of color, the only escape sequence of a program that a terminal obeys."""


def for_terminal(text: str) -> str:
    """Return the output of a program with its colors, and without any other control of the terminal.

    Args:
        text: The output.
    """
    parts = _COLOR.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(part if index % 2 else clean_block(part) for index, part in enumerate(parts))


def write_output(text: str, raw: bool = False) -> None:
    """Write output of a program to stdout.

    Args:
        text: The output.
        raw: Whether a terminal obeys everything in it.
    """
    if not raw and sys.stdout.isatty():
        text = for_terminal(text)
    write_text(text)


def _instances(client: Client, job: str, task: str | None, number: int | None) -> list[tuple[str, int]]:
    """Return the selected instances: task and number."""
    if task is not None and number is not None:
        return [(task, number)]
    names = [task] if task else [str(one.TaskName) for one in client.iter_tasks(job)]
    return [(name, int(one.InstanceId)) for name in names for one in client.iter_instances(job, name)]


@command(
    "logs",
    epilog=examples(
        "batchcompute logs job-0001",
        "batchcompute logs job-0001 split 2 --stderr",
        "batchcompute logs -f job-0001",
    ),
)
@click.argument("id", shell_complete=COMPLETE_JOB)
@click.argument("task", required=False)
@click.argument("number", required=False, type=click.IntRange(0))
@click.option("-f", "--follow", is_flag=True, help="Go on until the instance has ended.")
@click.option("--stdout", "only", flag_value="stdout", help="Only stdout.")
@click.option("--stderr", "only", flag_value="stderr", help="Only stderr; with --follow, instead of stdout.")
@click.option(
    "--tail", type=click.IntRange(0), default=0, metavar="BYTES", help="Only so many bytes from the end."
)
@click.option("--raw", is_flag=True, help="Let the terminal obey control characters of the output.")
@click.pass_context
def logs_command(
    context: click.Context,
    id: str,
    task: str | None,
    number: int | None,
    follow: bool,
    only: str | None,
    tail: int,
    raw: bool,
) -> None:
    """Print the output of the job with an ID, of one TASK, or of the instance with a NUMBER.

    Output is stored if the task has StdoutRedirectPath or StderrRedirectPath. With --follow, several instances are
    followed one after the other.
    """
    state = state_of(context)
    if follow and (tail or state.json):
        raise click.UsageError(f"--follow cannot be used with {'--tail' if tail else '--json'}")
    with connected(state) as client:
        selected = _instances(client, id, task, number)
        if state.json:
            write_json([_as_json(client, id, *one, tail) for one in selected])
            return
        missing: list[str] = []
        for index, (name, instance) in enumerate(selected):
            heading = f"{name}[{instance}]" if len(selected) > 1 else ""
            try:
                if follow:
                    _follow(client, id, name, instance, only or "stdout", heading, raw)
                    _say_end(client, id, name, instance, only)
                else:
                    _print(client, id, name, instance, only, tail, heading, raw)
            except LogsUnavailable as error:
                missing.append(f"{name}[{instance}]: {error}")
            if index + 1 == len(selected) == len(missing):
                fail(missing[0], FAILED)
    for text in missing[:10]:
        click.echo(f"batchcompute: {clean_block(text)}", err=True)


def _say_end(client: Client, job: str, task: str, number: int, only: str | None) -> None:
    """Say why the output of an instance is at its end, unless it has finished."""
    try:
        instance = client.get_instance(job, task, number)
    except NotFoundError:
        # The job was deleted at its end, as `AutoRelease` wants; its output was printed.
        return
    if instance.State == "Failed":
        result = instance.Result
        reason = f"exit code {result.ExitCode}" if result.get("ExitCode") else str(result.ErrorCode or "")
        text = f"{task}[{number}] failed{f' ({reason})' if reason else ''}"
        if only != "stderr" and instance.StderrRedirectPath:
            text += f"; `batchcompute logs {job} {task} {number} --stderr` prints its stderr"
        say(f"batchcompute: {text}")
    elif instance.State != "Finished":
        say(f"batchcompute: {task}[{number}] has not finished: it is {str(instance.State).lower()}")


def _as_json(client: Client, job: str, task: str, number: int, tail: int) -> dict[str, Any]:
    place = {"TaskName": task, "InstanceId": number}
    try:
        logs = client.logs(job, task, number, tail=tail)
    except LogsUnavailable as error:
        return {**place, "Stdout": None, "Stderr": None, "Message": str(error)}
    return {**place, "Stdout": logs.stdout, "Stderr": logs.stderr}


def _print(
    client: Client, job: str, task: str, number: int, only: str | None, tail: int, heading: str, raw: bool
) -> None:
    logs = client.logs(job, task, number, tail=tail)
    for name, text in (("stdout", logs.stdout), ("stderr", logs.stderr)):
        if only not in (None, name) or not text:
            continue
        both = only is None and logs.stdout and logs.stderr
        if heading or both:
            write_output(f"==> {' '.join(part for part in (heading, name if both else '') if part)} <==\n")
        write_output(text, raw)
        if not text.endswith("\n"):
            write_output("\n")


def _follow(client: Client, job: str, task: str, number: int, stream: str, heading: str, raw: bool) -> None:
    if heading:
        write_output(f"==> {heading} <==\n")
    size = 0
    of_stream = cast("Literal['stdout', 'stderr']", stream)
    pieces: Iterator[str] = client.logs(job, task, number, follow=True, stream=of_stream, interval=0.2)
    try:
        for piece in pieces:
            size += len(piece)
            write_output(piece, raw)
    except NotFoundError:
        raise
    except BatchComputeError as error:
        if size or not isinstance(error, LogsUnavailable):
            error.add_note(
                f"{size} characters of {task}[{number}] were printed; batchcompute logs -f {job} {task} {number} "
                "prints all of them when the service is back"
            )
        raise
