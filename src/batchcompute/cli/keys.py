"""``batchcompute keys``: the access keys of a data directory."""

from __future__ import annotations

import argparse

from batchcompute.cli.arguments import add_data_dir, data_directory
from batchcompute.errors import ConfigError
from batchcompute.service.store.keys import KeyFile

__all__: list[str] = []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_data_dir(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="print ids and owners")
    add = actions.add_parser("add", help="make a key pair, and print it")
    add.add_argument(
        "--owner",
        default="local",
        help="owner of the key; owners do not see each other's resources (default: local)",
    )
    add.add_argument(
        "--run-as", metavar="USER", help="Unix user that the server runs this owner's programs as"
    )
    add.add_argument(
        "--trust-owners",
        action="store_true",
        help="owners trust each other: add another owner also where programs cannot be kept apart",
    )
    revoke = actions.add_parser("revoke", help="remove a key pair")
    revoke.add_argument("id", help="access key id of the pair")


def run(arguments: argparse.Namespace) -> int:
    """Run the command, and return its exit status."""
    file = KeyFile(data_directory(arguments) / "credentials.json")
    if arguments.action == "list":
        for pair in file.read():
            print(f"{pair.access_key_id}  {pair.owner}")  # noqa: T201
    elif arguments.action == "add":
        _check_owner(file, arguments)
        pair = file.add(arguments.owner)
        print(f"access key id {pair.access_key_id}\naccess key secret {pair.access_key_secret}")  # noqa: T201
    else:
        file.revoke(arguments.id)
    return 0


def _check_owner(file: KeyFile, arguments: argparse.Namespace) -> None:
    """Check that the programs of a new owner can be kept apart from those of other owners.

    Raises:
        ConfigError: They cannot be kept apart.
    """
    from batchcompute.service.isolation import Isolation, accounts_of, why_no_sandbox

    owners = {arguments.owner, *(pair.owner for pair in file.read())}
    if arguments.run_as:
        accounts_of({arguments.owner: arguments.run_as}, "--run-as")
        return
    problem = Isolation(why_no_sandbox, trusts=arguments.trust_owners).problem(arguments.owner, owners)
    if problem:
        raise ConfigError(problem)
