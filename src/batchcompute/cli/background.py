"""``batchcompute up``, ``down``, ``status``: the service of a data directory in the background."""

from __future__ import annotations

import inspect
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

import click

from batchcompute.cli import servers
from batchcompute.cli.arguments import data_directory, settings_options
from batchcompute.cli.connection import connected, endpoint_of
from batchcompute.cli.directory_state import left_text, look, unfinished_text
from batchcompute.cli.failures import NOT_FOUND, UNAVAILABLE, fail, say
from batchcompute.cli.framework import Leaf, command, examples
from batchcompute.cli.output import write, write_fields, write_json
from batchcompute.cli.state import OF_DIRECTORY, State, state_of
from batchcompute.regions import LOCAL

__all__: list[str] = []

_SECONDS: Final = 30.0
"""Seconds to wait for the start and for the end of a server."""

_MOST_JOBS: Final = 1000
"""Jobs that are counted."""

_NOT_FOR_UP: Final = ("data_dir", "print_credentials")
"""Options of ``serve`` that are global, or that would write a secret into the log."""


def ensure_server(state: State) -> None:
    """Start the server of the data directory unless it runs.

    Args:
        state: The global options.

    Raises:
        CommandError: The server cannot be started, or another process has the directory open.
    """
    directory = data_directory(state)
    if servers.find(directory) is None:
        _check_free(directory)
        server = servers.start(directory, (), _SECONDS)
        say(
            f"the service of {directory} now runs in the background at {server.url}; `batchcompute down` ends it"
        )


def _check_free(directory: Path) -> None:
    owner = servers.owner_of(directory)
    if owner:
        fail(
            f"the data directory {directory} is in use by the process with pid {owner}, which is no server: end that "
            "process first, or name another directory with --data-dir",
            UNAVAILABLE,
        )


def _up(**values: object) -> None:
    """Run the service of a data directory in the background.

    Clients of LOCAL and all commands join it. It goes on when this terminal ends, until `batchcompute down`. Its log
    is server.log in the data directory. The options are those of `batchcompute serve`; without --port, the port is
    8790, or any free one.
    """
    state = state_of(click.get_current_context())
    directory = data_directory(state)
    options: list[str] = []
    for parameter in up_command.params:
        value = values.get(str(parameter.name))
        if not isinstance(parameter, click.Option) or value in (None, ()):
            continue
        if isinstance(value, bool):
            options.append(parameter.opts[0] if value else parameter.secondary_opts[0])
        else:
            texts = (
                [*map(str, cast("tuple[object, ...]", value))] if isinstance(value, tuple) else [str(value)]
            )
            options += [part for text in texts for part in (parameter.opts[0], text)]
    server = servers.find(directory)
    was_running = server is not None
    if server is None:
        _check_free(directory)
        server = servers.start(directory, options, _SECONDS)
    elif options:
        fail(f"the service runs already at {server.url}: new options need `batchcompute down` first")
    if state.json:
        write_json(
            {
                "Url": server.url,
                "Pid": server.pid,
                "DataDirectory": str(directory),
                "Started": not was_running,
            }
        )
        return
    write(
        f"batchcompute is {'already ' if was_running else ''}served at {server.url} (pid {server.pid}, {directory})"
    )
    if server.others:
        write(server.others)
    if (
        not was_running
        and servers.is_port_unset(options)
        and not server.url.endswith(f":{servers.DEFAULT_PORT}")
    ):
        write(f"port {servers.DEFAULT_PORT} was taken by another program; --port chooses one")
    unfinished = look(directory).unfinished
    if unfinished:
        say(f"{unfinished_text(unfinished)}: the service goes on with {'it' if unfinished == 1 else 'them'}")


up_command: Leaf = Leaf(
    "up",
    globals_=OF_DIRECTORY,
    callback=_up,
    params=[option for option in settings_options() if option.name not in _NOT_FOR_UP],
    help=inspect.getdoc(_up),
    epilog=examples("batchcompute up", "batchcompute up --slots 4 --data-dir ./data"),
)
"""The command ``up``."""


@command("down", globals_=OF_DIRECTORY, epilog=examples("batchcompute down"))
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=_SECONDS,
    metavar="SECONDS",
    help="Seconds to wait for its end (default: 30).",
)
@click.pass_context
def down_command(context: click.Context, timeout: float) -> None:
    """End the service of a data directory, and its running programs.

    Jobs that have not ended start again at the next `batchcompute up`; finished instances do not run again.
    """
    state = state_of(context)
    directory = data_directory(state)
    server = servers.find(directory)
    if server is None:
        _check_free(directory)
    elif not servers.stop(server, timeout):
        fail(f"the server with pid {server.pid} has not ended within {timeout:g} s", UNAVAILABLE)
    # Counted after the end, because jobs can end or begin until then.
    now = look(directory)
    if state.json:
        stopped = server is not None
        write_json({"DataDirectory": str(directory), "Stopped": stopped, "Unfinished": now.unfinished})
    elif server is None:
        write(now.stopped_text)
    else:
        write(f"the service of {directory} has ended")
        if now.unfinished:
            say(left_text(now.unfinished))


@command("status", epilog=examples("batchcompute status", "batchcompute status --json | jq -r .Url"))
@click.pass_context
def status_command(context: click.Context) -> int:
    """Show whether a service runs, where, and how many jobs it has.

    The exit status is 0 if it runs, and 3 if not.
    """
    state = state_of(context)
    fields: dict[str, Any]
    if endpoint_of(state) != LOCAL:
        with connected(state) as client:
            counts = [
                sum(1 for _ in islice(client.iter_jobs(only), _MOST_JOBS)) for only in ("Waiting", "Running")
            ]
        fields = {
            "Running": True,
            "Url": endpoint_of(state),
            "WaitingJobs": counts[0],
            "RunningJobs": counts[1],
            "Unfinished": sum(counts),
        }
        return _show(state, fields)
    directory = data_directory(state)
    now = look(directory)
    fields = {"Running": now.server is not None}
    if now.server is not None:
        fields |= {"Url": now.server.url, "Pid": now.server.pid}
    fields["DataDirectory"] = str(directory)
    if now.server is not None:
        fields |= {"WaitingJobs": now.waiting, "RunningJobs": now.running}
    elif now.owner:
        fields["Owner"] = now.owner
    fields["Unfinished"] = now.unfinished
    return _show(state, fields, now.stopped_text)


def _show(state: State, fields: dict[str, Any], stopped_text: str = "") -> int:
    """Show the state of a service; return the exit status."""
    if state.json:
        write_json(fields)
    elif fields["Running"]:
        write_fields(
            [
                ("Service", f"runs at {fields['Url']}"),
                ("Pid", fields.get("Pid")),
                ("Data directory", fields.get("DataDirectory")),
                ("Jobs", f"{fields['RunningJobs']} running, {fields['WaitingJobs']} waiting"),
            ]
        )
    elif "Owner" in fields:
        write(
            f"no server: the process with pid {fields['Owner']} has {fields['DataDirectory']} open by itself"
        )
    else:
        write(stopped_text if fields["Unfinished"] else f"{stopped_text}; `batchcompute up` starts it")
    return 0 if fields["Running"] else NOT_FOUND
