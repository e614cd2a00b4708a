"""``batchcompute buckets``: the owners of the buckets of a data directory, and their grants."""

from __future__ import annotations

import argparse
from contextlib import closing

from batchcompute.cli.arguments import add_data_dir, data_directory, database_of

__all__: list[str] = []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_data_dir(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="print buckets, their owners and their grants")
    for name, text in (("grant", "let others use a bucket"), ("revoke", "take a grant back")):
        action = actions.add_parser(name, help=text)
        action.add_argument("bucket", help="name of the bucket")
        grantee = action.add_mutually_exclusive_group(required=True)
        grantee.add_argument("--to", metavar="OWNER", help="owner that gets or loses access")
        grantee.add_argument("--all", action="store_true", help="all owners")
        if name == "grant":
            action.add_argument("--write", action="store_true", help="let them write, too")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    from batchcompute.service.objects.directory import bucket_names
    from batchcompute.service.objects.ownership import Buckets
    from batchcompute.service.store.buckets import EVERYBODY
    from batchcompute.service.store.database import Store

    directory = data_directory(arguments)
    database = database_of(directory)
    there = bucket_names(directory / "oss")
    with closing(Store(database)) as store:
        buckets = Buckets(store, there.__contains__)
        if arguments.action == "list":
            for name, owner, grants in buckets.listed(there):
                shared = ", ".join(
                    f"{'all' if grantee == EVERYBODY else grantee}: {access}" for grantee, access in grants
                )
                print(f"{name}  {owner}{f'  ({shared})' if shared else ''}")  # noqa: T201
            return 0
        grantee = EVERYBODY if arguments.all else arguments.to
        if arguments.action == "grant":
            buckets.grant(arguments.bucket, grantee, "write" if arguments.write else "read")
        else:
            buckets.revoke(arguments.bucket, grantee)
    return 0
