"""``batchcompute backup`` and ``restore``: a data directory as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchcompute.cli.arguments import data_directory
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json
from batchcompute.cli.state import OF_DIRECTORY, State, state_of
from batchcompute.cli.texts import clean
from batchcompute.service.data_directory import database_of

if TYPE_CHECKING:
    from batchcompute.service.backup import BackupReport

__all__: list[str] = []


@command(
    "backup",
    globals_=OF_DIRECTORY,
    epilog=examples("batchcompute backup /backups/monday.tar.gz --data-dir /srv/batch"),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def backup_command(context: click.Context, file: Path) -> None:
    """Write the database, the keys, the objects and the kept directories to a new FILE.

    The server may run meanwhile. The file holds the secrets of all keys; only its owner can read it. A name that ends
    with .gz compresses it. Objects in other storage (--storage of serve) are not part of it.
    """
    from batchcompute.service.backup import back_up

    state = state_of(context)
    directory = data_directory(state)
    database_of(directory)
    _show(state, back_up(directory, file), f"backed up to {clean(file)}")


@command(
    "restore",
    globals_=OF_DIRECTORY,
    epilog=examples("batchcompute restore /backups/monday.tar.gz --data-dir /srv/batch"),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def restore_command(context: click.Context, file: Path) -> None:
    """Make a data directory from a backup; the directory must not exist, or must be empty.

    Instances that ran at the time of the backup run again when the service starts.
    """
    from batchcompute.service.backup import restore

    state = state_of(context)
    directory = data_directory(state)
    _show(state, restore(file, directory), f"restored to {clean(directory)}")


def _show(state: State, report: BackupReport, text: str) -> None:
    if state.json:
        write_json({"Files": report.files, "Bytes": report.size, "LeftOut": report.left_out})
        return
    write(f"{report.files} files with {report.size} bytes were {text}")
    if report.left_out:
        write(f"{report.left_out} links, pipes and unreadable files were left out")
