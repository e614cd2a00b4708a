"""``batchcompute buckets``: the owners of the buckets of a data directory, and their grants."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchcompute.cli.arguments import data_directory
from batchcompute.cli.failures import fail
from batchcompute.cli.framework import Group, Leaf, examples
from batchcompute.cli.output import write, write_json
from batchcompute.cli.state import OF_DIRECTORY, state_of
from batchcompute.service.data_directory import database_of
from batchcompute.service.store.keys import KeyFile

if TYPE_CHECKING:
    from batchcompute.service.objects.ownership import Buckets

__all__: list[str] = []


@click.group(
    "buckets",
    cls=Group,
    globals_=OF_DIRECTORY,
    epilog=examples("batchcompute buckets list", "batchcompute buckets grant data --to alice --write"),
)
def buckets_command() -> None:
    """List the buckets of a data directory, and share them between owners."""


@contextmanager
def _opened(context: click.Context) -> Generator[tuple[Buckets, list[str]]]:
    """Open the data directory; yield its owners and grants, and the names of its buckets."""
    from batchcompute.service.objects.directory import bucket_names
    from batchcompute.service.objects.ownership import Buckets
    from batchcompute.service.store.database import Store

    directory = data_directory(state_of(context))
    database = database_of(directory)
    names = bucket_names(directory / "oss")
    with closing(Store(database)) as store:
        yield Buckets(store, names.__contains__), list(names)


@buckets_command.command("list", cls=Leaf, globals_=OF_DIRECTORY)
@click.pass_context
def _list(context: click.Context) -> None:
    """Print buckets, their owners and their grants."""
    from batchcompute.service.store.buckets import EVERYBODY

    with _opened(context) as (buckets, names):
        listed = [
            (
                name,
                owner,
                [("all" if grantee == EVERYBODY else grantee, access) for grantee, access in grants],
            )
            for name, owner, grants in buckets.listed(names)
        ]
    if state_of(context).json:
        write_json([{"Name": name, "Owner": owner, "Grants": dict(grants)} for name, owner, grants in listed])
        return
    for name, owner, grants in listed:
        shared = ", ".join(f"{grantee}: {access}" for grantee, access in grants)
        write(f"{name}  {owner}{f'  ({shared})' if shared else ''}")


def _grantee(to: str | None, everybody: bool) -> str:
    """Return the owner that gets or loses access.

    Raises:
        UsageError: The arguments name none, or both an owner and all of them.
    """
    from batchcompute.service.store.buckets import EVERYBODY

    if (to is None) != everybody:
        raise click.UsageError("one of the arguments --to OWNER and --all is required, and not both")
    return to or EVERYBODY


def _check_owner(directory: Path, owner: str) -> None:
    """Check that an owner has a key, because a misspelt one would get the access later.

    Raises:
        CommandError: No key belongs to that owner.
    """
    owners = sorted({pair.owner for pair in KeyFile(directory / "credentials.json").read()})
    if owner not in owners:
        fail(
            f"--to {owner}: no access key belongs to that owner; the owners are: {', '.join(owners) or 'none'}"
        )


@buckets_command.command("grant", cls=Leaf, globals_=OF_DIRECTORY)
@click.argument("bucket")
@click.option("--to", metavar="OWNER", help="Owner that gets access.")
@click.option("--all", "everybody", is_flag=True, help="All owners.")
@click.option("--write", "writes", is_flag=True, help="Let them write, too.")
@click.pass_context
def _grant(context: click.Context, bucket: str, to: str | None, everybody: bool, writes: bool) -> None:
    """Let others use a BUCKET."""
    grantee = _grantee(to, everybody)
    if to is not None:
        _check_owner(data_directory(state_of(context)), to)
    with _opened(context) as (buckets, _):
        buckets.grant(bucket, grantee, "write" if writes else "read")


@buckets_command.command("revoke", cls=Leaf, globals_=OF_DIRECTORY)
@click.argument("bucket")
@click.option("--to", metavar="OWNER", help="Owner that loses access.")
@click.option("--all", "everybody", is_flag=True, help="All owners.")
@click.pass_context
def _revoke(context: click.Context, bucket: str, to: str | None, everybody: bool) -> None:
    """Take a grant of a BUCKET back."""
    grantee = _grantee(to, everybody)
    with _opened(context) as (buckets, _):
        buckets.revoke(bucket, grantee)
