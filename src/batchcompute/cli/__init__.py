"""The command line ``batchcompute``: it finds the command, and runs it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from batchcompute._version import __version__

if TYPE_CHECKING:
    from batchcompute.cli.parser import Parser

__all__ = ["main"]

COMMANDS: Final = {
    "serve": "serve the API over HTTP, and run the jobs",
    "keys": "list, add and revoke access keys of a data directory",
    "buckets": "list the buckets of a data directory, and share them between owners",
    "trim": "remove old jobs and tokens from a data directory",
}
"""The commands with their help; the module of the same name has ``add_arguments`` and ``run``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Args:
        arguments: What follows the command's name; without it, the arguments of this process.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    command = next((word for word in given if not word.startswith("-")), "")
    if arguments is None and command == "serve":
        from batchcompute.service.secret_environment import hide_secrets

        # This can replace the process by a new one, so little is imported before.
        hide_secrets()
        # Nearly everything that is made until the server is ready stays: a collection finds nothing.
        gc.disable()
    from batchcompute.errors import ConfigError

    parsed = _parser(command).parse(given)
    try:
        return int(import_module(f"batchcompute.cli.{parsed.command}").run(parsed))
    except ConfigError as error:
        print(f"batchcompute: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _parser(command: str) -> Parser:
    """Make the parser; only the arguments of one command are added, because its module has to be imported."""
    from batchcompute.cli.parser import Parser

    parser = Parser(prog="batchcompute", description="The BatchCompute service of this machine.")
    parser.add_argument("--version", action="version", version=f"batchcompute {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name == command:
            import_module(f"batchcompute.cli.{name}").add_arguments(added)
    return parser
