"""``batchcompute keys``: the access keys of a data directory."""

from __future__ import annotations

from typing import Final

import click

from batchcompute.cli.arguments import data_directory
from batchcompute.cli.framework import Group, Leaf, examples
from batchcompute.cli.output import write, write_json, write_table
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.errors import ConfigError
from batchcompute.service.durations import ALLOWED, seconds_of
from batchcompute.service.store.key_uses import KeyUses
from batchcompute.service.store.keys import KeyFile, KeyPair

__all__: list[str] = []

_LONGEST_NAME: Final = 100
"""Characters of the name of a key."""


@click.group(
    "keys",
    cls=Group,
    globals_=OF_DIRECTORY,
    epilog=examples(
        "batchcompute keys list",
        "batchcompute keys add --owner alice --name notebook",
        "batchcompute keys rotate bc1f0e5d2c3b4a59",
    ),
)
def keys_command() -> None:
    """List, add, rotate and revoke the access keys of a data directory.

    A running server accepts a new key, and refuses a revoked one, from the next request on.
    """


def _file(context: click.Context) -> KeyFile:
    return KeyFile(data_directory(state_of(context)) / "credentials.json")


@keys_command.command("list", cls=Leaf, globals_=OF_DIRECTORY)
@click.pass_context
def _list(context: click.Context) -> None:
    """Print ids, owners, names, and the times of creation and last use."""
    file = _file(context)
    uses = KeyUses(file.path.with_name("key-uses.json")).read()
    rows = [
        (
            pair.access_key_id,
            pair.owner,
            pair.name,
            pair.created,
            # Uses are noted by the hour, which may have begun before the key was made.
            max(used, pair.created) if (used := uses.get(pair.access_key_id, "")) else "",
            pair.expires,
        )
        for pair in file.read()
    ]
    if state_of(context).json:
        names = ("AccessKeyId", "Owner", "Name", "CreationTime", "LastUseTime", "ExpirationTime")
        # A time that there is not is null, and a text that is not there is empty.
        write_json(
            [
                {
                    name: value or None if name in ("LastUseTime", "ExpirationTime") else value
                    for name, value in zip(names, row, strict=True)
                }
                for row in rows
            ]
        )
    else:
        write_table(
            ("ID", "OWNER", "NAME", "CREATED", "LAST USED", "EXPIRES"), [_readable(row) for row in rows]
        )


def _readable(row: tuple[str, ...]) -> tuple[str, ...]:
    """Return the cells of a key, with times to the minute; the hour of the last use is known, and not the minute."""
    id, owner, name, created, used, expires = row
    last = f"{_minute(used)[:13]}:00" if used else "never"
    return id, owner, name or "-", _minute(created), last, _minute(expires) or "never"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


@keys_command.command("add", cls=Leaf, globals_=OF_DIRECTORY)
@click.option(
    "--owner",
    default="local",
    show_default=True,
    help="Owner of the key; owners do not see each other's resources.",
)
@click.option("--name", default="", help="Purpose of the key, for the list.")
@click.option("--run-as", metavar="USER", help="Unix user that the server runs this owner's programs as.")
@click.option(
    "--trust-owners",
    is_flag=True,
    help="Owners trust each other: add another owner also where programs cannot be kept apart.",
)
@click.pass_context
def _add(context: click.Context, owner: str, name: str, run_as: str | None, trust_owners: bool) -> None:
    """Make a key pair, and print it."""
    file = _file(context)
    _check_owner(file, owner, run_as, trust_owners)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(f"--name must be at most {_LONGEST_NAME} printable characters, not {name[:200]!r}")
    _show(context, file.add(owner, name))


@keys_command.command(
    "rotate",
    cls=Leaf,
    globals_=OF_DIRECTORY,
    epilog=examples("batchcompute keys rotate bc1f0e5d2c3b4a59 --grace 7d"),
)
@click.argument("id")
@click.option(
    "--grace",
    metavar="DURATION",
    default="7d",
    show_default=True,
    help=f"How long the old key is still accepted: {ALLOWED}.",
)
@click.pass_context
def _rotate(context: click.Context, id: str, grace: str) -> None:
    """Make a new key pair for the owner of the key ID, and print it.

    Both keys are accepted until the time of grace is over, so programs change to the new one without a gap.
    """
    try:
        seconds = seconds_of(grace)
    except ValueError:
        raise ConfigError(f"--grace must be {ALLOWED}, not {grace[:200]!r}") from None
    _show(context, _file(context).rotate(id, seconds))


def _show(context: click.Context, pair: KeyPair) -> None:
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
