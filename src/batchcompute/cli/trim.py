"""``batchcompute trim``: remove old jobs and tokens from a data directory."""

from __future__ import annotations

import argparse

from batchcompute.cli.arguments import add_data_dir, data_directory, database_of
from batchcompute.errors import ConfigError

__all__: list[str] = []

_DAY = 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_data_dir(parser)
    parser.add_argument(
        "--days",
        type=float,
        default=30.0,
        help="remove jobs that ended, and tokens that were used, more than so many days ago (default: 30)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    directory = data_directory(arguments)
    database_of(directory)
    if not arguments.days >= 0:
        raise ConfigError(f"--days must be 0 or more, not {arguments.days}")
    from batchcompute.service.retention import trim

    done = trim(directory, arguments.days * _DAY)
    print(f"{done.jobs} jobs and {done.tokens} tokens were removed")  # noqa: T201
    return 0
