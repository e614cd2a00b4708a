"""``batchcompute keys``: the access keys of a data directory."""

from __future__ import annotations

import click

from batchcompute.cli.arguments import data_directory
from batchcompute.cli.framework import Group, Leaf, examples
from batchcompute.cli.output import write, write_json
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.errors import ConfigError
from batchcompute.service.store.keys import KeyFile

__all__: list[str] = []


@click.group(
    "keys",
    cls=Group,
    globals_=OF_DIRECTORY,
    epilog=examples("batchcompute keys list", "batchcompute keys add --owner alice"),
)
def keys_command() -> None:
    """List, add and revoke the access keys of a data directory.

    A running server accepts a new key, and refuses a revoked one, from the next request on.
    """


def _file(context: click.Context) -> KeyFile:
    return KeyFile(data_directory(state_of(context)) / "credentials.json")


@keys_command.command("list", cls=Leaf, globals_=OF_DIRECTORY)
@click.pass_context
def _list(context: click.Context) -> None:
    """Print ids and owners."""
    pairs = _file(context).read()
    if state_of(context).json:
        write_json([{"AccessKeyId": pair.access_key_id, "Owner": pair.owner} for pair in pairs])
        return
    for pair in pairs:
        write(f"{pair.access_key_id}  {pair.owner}")


@keys_command.command("add", cls=Leaf, globals_=OF_DIRECTORY)
@click.option(
    "--owner",
    default="local",
    show_default=True,
    help="Owner of the key; owners do not see each other's resources.",
)
@click.option("--run-as", metavar="USER", help="Unix user that the server runs this owner's programs as.")
@click.option(
    "--trust-owners",
    is_flag=True,
    help="Owners trust each other: add another owner also where programs cannot be kept apart.",
)
@click.pass_context
def _add(context: click.Context, owner: str, run_as: str | None, trust_owners: bool) -> None:
    """Make a key pair, and print it."""
    file = _file(context)
    _check_owner(file, owner, run_as, trust_owners)
    pair = file.add(owner)
    if state_of(context).json:
        secret = {"AccessKeyId": pair.access_key_id, "AccessKeySecret": pair.access_key_secret}
        write_json({**secret, "Owner": pair.owner})
        return
    write(f"access key id {pair.access_key_id}\naccess key secret {pair.access_key_secret}")


@keys_command.command("revoke", cls=Leaf, globals_=OF_DIRECTORY)
@click.argument("id")
@click.pass_context
def _revoke(context: click.Context, id: str) -> None:
    """Remove the key pair with an access key ID."""
    _file(context).revoke(id)


def _check_owner(file: KeyFile, owner: str, run_as: str | None, trust_owners: bool) -> None:
    """Check that the programs of a new owner can be kept apart from those of other owners.

    Raises:
        ConfigError: They cannot be kept apart.
    """
    from batchcompute.service.isolation import Isolation, accounts_of, why_no_sandbox

    owners = {owner, *(pair.owner for pair in file.read())}
    if run_as:
        accounts_of({owner: run_as}, "--run-as")
        return
    problem = Isolation(why_no_sandbox, trusts=trust_owners).problem(owner, owners)
    if problem:
        raise ConfigError(problem)
