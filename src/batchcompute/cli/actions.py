"""``batchcompute stop``, ``start``, ``delete``: changes of jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from batchcompute.cli.completions import COMPLETE_JOB
from batchcompute.cli.connection import connected
from batchcompute.cli.failures import message_and_status, say
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json
from batchcompute.cli.state import State, state_of
from batchcompute.errors import ClientError, StateConflictError, ValidationError

if TYPE_CHECKING:
    from batchcompute.client import Client

__all__: list[str] = []


def _for_each(state: State, ids: tuple[str, ...], change: Callable[[Client, str], Any], done: str) -> int:
    """Change several jobs; go on after a job that refuses the change, and return the first status that is not 0."""
    first = 0
    results: list[dict[str, str]] = []
    with connected(state, runs_jobs=True) as client:
        for job in ids:
            try:
                change(client, job)
            except (ClientError, ValidationError) as error:
                if isinstance(error, ClientError) and not error.status:
                    # The service itself is not there.
                    raise
                message, status = message_and_status(error)
                first = first or status
                say(f"batchcompute: {job}: {message}")
                results.append({"Id": job, "Result": "refused", "Message": message})
            else:
                results.append({"Id": job, "Result": done})
                if not state.json:
                    write(f"{job} {done}")
    if state.json:
        write_json(results)
    return first


@command("stop", epilog=examples("batchcompute stop job-0001 job-0002"))
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=COMPLETE_JOB)
@click.pass_context
def stop_command(context: click.Context, ids: tuple[str, ...]) -> int:
    """Stop waiting or running jobs. Their programs are ended."""
    return _for_each(state_of(context), ids, lambda client, job: client.stop_job(job), "stopped")


@command("start", epilog=examples("batchcompute start job-0001"))
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=COMPLETE_JOB)
@click.pass_context
def start_command(context: click.Context, ids: tuple[str, ...]) -> int:
    """Start stopped or failed jobs again. Finished instances do not run again."""
    return _for_each(state_of(context), ids, lambda client, job: client.start_job(job), "started")


@command("delete", epilog=examples("batchcompute delete job-0001", "batchcompute delete --stop job-0001"))
@click.argument("ids", nargs=-1, required=True, metavar="ID...", shell_complete=COMPLETE_JOB)
@click.option("--stop", is_flag=True, help="Stop a job that still waits or runs.")
@click.pass_context
def delete_command(context: click.Context, ids: tuple[str, ...], stop: bool) -> int:
    """Delete jobs that have ended. Their stored output stays."""

    def delete(client: Client, job: str) -> None:
        try:
            client.delete_job(job)
        except StateConflictError:
            if not stop:
                raise
            client.stop_job(job)
            client.delete_job(job)

    return _for_each(state_of(context), ids, delete, "deleted")
