"""``batchcompute trim``: remove old jobs and tokens from a data directory."""

from __future__ import annotations

import click

from batchcompute.cli.arguments import data_directory
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.errors import ConfigError
from batchcompute.service.data_directory import database_of

__all__: list[str] = []

_DAY = 86400.0


@command("trim", globals_=OF_DIRECTORY, epilog=examples("batchcompute trim --days 7"))
@click.option(
    "--days",
    type=float,
    default=30.0,
    help="Remove jobs that ended, and tokens that were used, more than so many days ago (default: 30).",
)
@click.pass_context
def trim_command(context: click.Context, days: float) -> None:
    """Remove old jobs and tokens from a data directory."""
    state = state_of(context)
    directory = data_directory(state)
    database_of(directory)
    if not days >= 0:
        raise ConfigError(f"--days must be 0 or more, not {days}")
    from batchcompute.service.retention import trim

    done = trim(directory, days * _DAY)
    if state.json:
        write_json({"Jobs": done.jobs, "Tokens": done.tokens})
    else:
        write(f"{done.jobs} jobs and {done.tokens} tokens were removed")
