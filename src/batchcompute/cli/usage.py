"""``batchcompute du``: the space that a data directory takes."""

from __future__ import annotations

import click

from batchcompute.cli.arguments import data_directory
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json, write_table
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.service.data_directory import database_of

__all__: list[str] = []


@command("du", globals_=OF_DIRECTORY, epilog=examples("batchcompute du", "batchcompute du --json"))
@click.pass_context
def du_command(context: click.Context) -> None:
    """Show what takes space in a data directory, the largest part first.

    `batchcompute trim`, and `serve --keep-jobs`, remove old jobs. Objects belong to the users.
    """
    from batchcompute.service.usage import usage_of

    state = state_of(context)
    directory = data_directory(state)
    database_of(directory)
    usage = usage_of(directory)
    parts = sorted(usage.spaces.items(), key=lambda item: -item[1].size)
    if state.json:
        spaces = [{"Part": name, "Bytes": space.size, "Files": space.files} for name, space in parts]
        write_json({"Parts": spaces, "Rows": dict(usage.rows)})
        return
    write_table(
        ("PART", "SIZE", "FILES"), [(name, _readable(space.size), space.files) for name, space in parts]
    )
    write("")
    write_table(("ROWS", "NUMBER"), list(usage.rows.items()))


def _readable(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
