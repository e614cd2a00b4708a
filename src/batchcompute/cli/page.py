"""``batchcompute page``: open the page of the running service, logged in."""

from __future__ import annotations

import os
import webbrowser
from html import escape
from pathlib import Path
from typing import Final

import click

from batchcompute.cli import servers
from batchcompute.cli.arguments import data_directory
from batchcompute.cli.failures import UNAVAILABLE, fail, say
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.service.data_directory import identity_of, write_private
from batchcompute.service.store.keys import KeyFile

__all__: list[str] = []

_FILE: Final = "page.html"
"""Name of the file in the data directory that leads a browser to the page."""


@command(
    "page",
    globals_=OF_DIRECTORY,
    epilog=examples("batchcompute page", "batchcompute page --print"),
)
@click.option("--print", "prints", is_flag=True, help="Print the address instead of opening a browser.")
@click.option("--owner", metavar="OWNER", help="Log in as this owner (default: the first one).")
@click.pass_context
def page_command(context: click.Context, prints: bool, owner: str | None) -> None:
    """Open the page of the running service in a browser, logged in.

    The address works once, within a minute. On another machine, open the address of the service and log in with an
    access key.
    """
    state = state_of(context)
    directory = data_directory(state)
    server = servers.find(directory)
    if server is None:
        other = os.environ.get("BATCHCOMPUTE_ENDPOINT", "").strip()
        advice = f"; the page of {other} asks for an access key" if other else ""
        fail(f"no service runs for {directory}; `batchcompute up` starts it{advice}", UNAVAILABLE)
    address = f"{server.url}/-/open?code={_code(directory, owner)}"
    if state.json:
        write_json({"Url": address})
    elif prints:
        write(address)
    elif not _open(directory, address):
        say("there is no browser here; this address works once, within a minute:")
        write(address)
    else:
        write(f"the page of {server.url} opens in a browser; `batchcompute page --print` prints its address")


def _code(directory: Path, owner: str | None) -> str:
    """Return a one-time code for the first access key of an owner."""
    from batchcompute.service.web.sessions import one_time_code

    pairs = KeyFile(directory / "credentials.json").read()
    pair = next((pair for pair in pairs if owner is None or pair.owner == owner), None)
    if pair is None:
        owners = ", ".join(sorted({pair.owner for pair in pairs}))
        fail(f"--owner {owner}: there is no such owner in {directory}; the owners are: {owners or 'none'}")
    return one_time_code(identity_of(directory), pair.access_key_id)


def _open(directory: Path, address: str) -> bool:
    """Open an address in a browser; return whether there is one."""
    # Other users of this machine see the arguments of a browser, but not a private file.
    path = directory / _FILE
    link = escape(address)
    write_private(
        path,
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}">'
        f'<title>batchcompute</title><a href="{link}">Open the page</a>\n',
    )
    try:
        return webbrowser.open(path.as_uri())
    except webbrowser.Error:
        return False
