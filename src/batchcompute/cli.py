"""The command line: ``batchcompute serve`` and ``batchcompute keys``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from batchcompute._version import __version__
from batchcompute.errors import ConfigError

if TYPE_CHECKING:
    from batchcompute.service.domain.instance_types import InstanceType
    from batchcompute.service.store.keys import KeyFile

__all__ = ["main"]

SANDBOX: Final = ("auto", "always", "never")

_SERVE_OPTIONS = {
    "host": str, "port": int, "data_dir": str, "slots": int, "full_sync": bool, "tls_cert": str, "tls_key": str,
    "insecure": bool, "detach_jobs": bool, "refuse_replays": bool, "log_level": str, "storage": str, "sandbox": str,
    "keep_mounts": bool, "max_file_size": int, "work_dir": str, "run_as": list, "trust_owners": bool,
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="batchcompute", description="The BatchCompute service of this machine."
    )
    parser.add_argument("--version", action="version", version=f"batchcompute {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the API over HTTP, and run the jobs")
    serve.add_argument("--config", metavar="FILE", help="TOML file whose [serve] table holds these options")
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, help="port; 0 for any that is free (8790)")
    serve.add_argument("--data-dir", metavar="DIR", help="where jobs, objects and keys are kept")
    serve.add_argument("--slots", type=int, help="how many instances run at once (the number of cores)")
    serve.add_argument(
        "--full-sync", action="store_true", default=None, help="wait for the disk at each commit"
    )
    serve.add_argument("--work-dir", metavar="DIR", help="where programs run (in the data directory)")
    serve.add_argument("--storage", metavar="URL", help="object storage elsewhere, as fsspec knows it")
    serve.add_argument(
        "--sandbox", choices=SANDBOX, help="when bubblewrap is used: for mappings (auto), always, never"
    )
    serve.add_argument(
        "--keep-mounts",
        action="store_true",
        default=None,
        help="what programs write to mounts with WriteSupport stays in object storage",
    )
    serve.add_argument(
        "--max-file-size", type=int, metavar="BYTES", help="what a file of a program may grow to (any size)"
    )
    serve.add_argument("--tls-cert", metavar="FILE", help="certificate, to serve TLS")
    serve.add_argument("--tls-key", metavar="FILE", help="its key")
    serve.add_argument(
        "--insecure", action="store_true", default=None, help="serve other machines in plain text"
    )
    serve.add_argument(
        "--detach-jobs",
        action="store_true",
        default=None,
        help="leave running jobs alone at the end; a later start adopts them",
    )
    serve.add_argument(
        "--refuse-replays",
        action="store_true",
        default=None,
        help="refuse a request whose nonce was seen before",
    )
    serve.add_argument(
        "--run-as",
        action="append",
        metavar="OWNER=USER",
        help="run the programs of an owner as a Unix user; may be repeated; the service has to be root",
    )
    serve.add_argument(
        "--trust-owners",
        action="store_true",
        default=None,
        help="owners trust each other: their programs are not kept apart",
    )
    serve.add_argument("--log-level", metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR (INFO)")
    serve.add_argument("--print-credentials", action="store_true", help="show the first key pair, and go on")
    keys = commands.add_parser("keys", help="the access keys of a data directory")
    keys.add_argument("--data-dir", metavar="DIR", help="the data directory")
    actions = keys.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="show ids and owners")
    add = actions.add_parser("add", help="make a key pair, and show it")
    add.add_argument(
        "--trust-owners",
        action="store_true",
        help="owners trust each other: add a second one also where their programs cannot be kept apart",
    )
    add.add_argument(
        "--run-as", metavar="USER", help="the server runs the programs of this owner as this Unix user"
    )
    add.add_argument(
        "--owner", default="local", help="whom it stands for; owners do not see each other's resources"
    )
    revoke = actions.add_parser("revoke", help="take a key pair out")
    revoke.add_argument("id", help="its access key id")
    _add_buckets(commands)
    trim = commands.add_parser("trim", help="remove what is old from a data directory")
    trim.add_argument("--data-dir", metavar="DIR", help="the data directory")
    trim.add_argument(
        "--days",
        type=float,
        default=30.0,
        help="remove jobs that ended, and tokens used, before so many days (30)",
    )
    return parser


def _add_buckets(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    buckets = commands.add_parser("buckets", help="whose the buckets of a data directory are")
    buckets.add_argument("--data-dir", metavar="DIR", help="the data directory")
    actions = buckets.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="show buckets, their owners, and what these have granted")
    for name, text in (("grant", "let others use a bucket"), ("revoke", "take that back")):
        action = actions.add_parser(name, help=text)
        action.add_argument("bucket", help="name of the bucket")
        who = action.add_mutually_exclusive_group(required=True)
        who.add_argument("--to", metavar="OWNER", help="the owner whom it is about")
        who.add_argument("--all", action="store_true", help="all owners")
        if name == "grant":
            action.add_argument("--write", action="store_true", help="let them write, too")


def _config(path: str | None) -> tuple[dict[str, Any], list[InstanceType]]:
    """Read the options of a configuration file, and its instance types.

    Raises:
        ConfigError: It cannot be read, or holds what is no option.
    """
    if not path:
        return {}, []
    try:
        tables = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the configuration {path} cannot be read: {error}") from None
    table = _table(tables, "serve", path)
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        kind = _SERVE_OPTIONS.get(name)
        if kind is None:
            raise ConfigError(f"{path}: [serve] has no option {key!r}; it has {', '.join(_SERVE_OPTIONS)}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigError(f"{path}: {key} must be a {kind.__name__}, not {value!r}")
        found[name] = value
    types = [
        _instance_type(name, value, path) for name, value in _table(tables, "instance_types", path).items()
    ]
    return found, types


def _table(tables: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {name} must be a table, not {table!r}")
    return cast("dict[str, Any]", table)


def _instance_type(name: str, value: object, path: str) -> InstanceType:
    """Read one entry of ``[instance_types]``: ``name = { cores = 4, memory = 8 }``."""
    from batchcompute.service.domain.instance_types import InstanceType

    table = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    cores, memory = table.get("cores"), table.get("memory")
    good = isinstance(cores, int) and not isinstance(cores, bool) and cores > 0
    if (
        not good
        or isinstance(memory, bool)
        or not isinstance(memory, (int, float))
        or memory <= 0
        or len(table) != 2
    ):
        raise ConfigError(
            f"{path}: [instance_types] {name} must be like {{ cores = 4, memory = 8 }}, not {value!r}"
        )
    return InstanceType(name, int(table["cores"]), float(memory))


def _directory(named: str | None) -> Path:
    from batchcompute.service.data_directory import default_directory

    return Path(named).expanduser().absolute() if named else default_directory()


def _serve(arguments: argparse.Namespace) -> int:
    given = {
        name: getattr(arguments, name) for name in _SERVE_OPTIONS if getattr(arguments, name) is not None
    }
    configured, types = _config(arguments.config)
    options = {**configured, **given}
    level = str(options.get("log_level", "INFO")).upper()
    if level not in logging.getLevelNamesMapping():
        raise ConfigError(f"log level must be DEBUG, INFO, WARNING or ERROR, not {level!r}")
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.log_limit import LogLimit
    from batchcompute.service.store.keys import KeyFile
    from batchcompute.service.transports.server import listen, serve

    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(LogLimit())
    # Where the caller has set logging up, this does nothing.
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=[handler]
    )
    host = str(options.get("host", "127.0.0.1"))
    tls, tls_key = str(options.get("tls_cert", "")), str(options.get("tls_key", ""))
    directory = _directory(options.get("data_dir"))
    with (
        listen(host, int(options.get("port", 8790)), bool(tls), bool(options.get("insecure"))) as place,
        LocalService(
            directory,
            slots=options.get("slots"),
            full_sync=bool(options.get("full_sync")),
            detach=bool(options.get("detach_jobs")),
            refuse_replays=bool(options.get("refuse_replays")),
            sandbox=options.get("sandbox", "auto"),
            keep_mounts=bool(options.get("keep_mounts")),
            storage=str(options.get("storage", "")),
            max_file_size=int(options.get("max_file_size", 0)),
            work_dir=options.get("work_dir"),
            run_as=_pairs(options.get("run_as", [])),
            trust_owners=bool(options.get("trust_owners")),
            hide=[path for path in (tls_key, arguments.config or "") if path],
            types=types,
            oss_host=place.url,
        ) as service,
    ):
        pair = KeyFile(directory / "credentials.json").ensure(os.environ)
        print(f"data directory {directory}; access key id {pair.access_key_id}", flush=True)  # noqa: T201
        if arguments.print_credentials:
            print(f"access key secret {pair.access_key_secret}", flush=True)  # noqa: T201
        serve(service, place, tls, tls_key)
    return 0


def _pairs(given: object) -> dict[str, str]:
    """Read ``OWNER=USER`` texts.

    Raises:
        ConfigError: One is none, or names an owner twice.
    """
    found: dict[str, str] = {}
    for text in cast("list[object]", given):
        owner, sign, user = str(text).partition("=")
        if not owner or not sign or not user or owner in found:
            raise ConfigError(f"run-as must be like OWNER=USER, once for each owner, not {text!r}")
        found[owner] = user
    return found


def _keys(arguments: argparse.Namespace) -> int:
    from batchcompute.service.store.keys import KeyFile

    file = KeyFile(_directory(arguments.data_dir) / "credentials.json")
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
    """Refuse a second owner whose programs could not be kept apart from those of the first.

    Raises:
        ConfigError: They could not.
    """
    from batchcompute.service.isolation import Isolation, accounts_of, why_no_boxes

    owners = {arguments.owner, *(pair.owner for pair in file.read())}
    if arguments.run_as:
        # The server is told the same for each of them.
        accounts_of({arguments.owner: arguments.run_as})
        return
    problem = Isolation(why_no_boxes, trusts=arguments.trust_owners).problem(arguments.owner, owners)
    if problem:
        raise ConfigError(problem)


def _buckets(arguments: argparse.Namespace) -> int:
    from batchcompute.service.objects.directory import bucket_names
    from batchcompute.service.store.buckets import EVERYBODY, Buckets
    from batchcompute.service.store.database import Store

    directory = _directory(arguments.data_dir)
    if not (directory / "batchcompute.db").exists():
        raise ConfigError(f"there is no service in {directory}; name its directory with --data-dir")
    there = bucket_names(directory / "oss")
    store = Store(directory / "batchcompute.db")
    try:
        buckets = Buckets(store, there.__contains__)
        if arguments.action == "list":
            for name, owner, grants in buckets.listed(there):
                told = ", ".join(f"{'all' if who == EVERYBODY else who}: {what}" for who, what in grants)
                print(f"{name}  {owner}{f'  ({told})' if told else ''}")  # noqa: T201
        else:
            grantee = EVERYBODY if arguments.all else arguments.to
            if arguments.action == "grant":
                buckets.grant(arguments.bucket, grantee, "write" if arguments.write else "read")
            else:
                buckets.revoke(arguments.bucket, grantee)
    finally:
        store.close()
    return 0


def _trim(arguments: argparse.Namespace) -> int:
    from batchcompute.service.retention import trim

    directory = _directory(arguments.data_dir)
    if not (directory / "batchcompute.db").exists():
        raise ConfigError(f"there is no service in {directory}; name its directory with --data-dir")
    if not arguments.days >= 0:
        raise ConfigError(f"--days must be 0 or more, not {arguments.days}")
    done = trim(directory, arguments.days * 86400.0)
    print(f"{done.jobs} jobs and {done.tokens} tokens were removed")  # noqa: T201
    return 0


_COMMANDS = {"serve": _serve, "keys": _keys, "buckets": _buckets, "trim": _trim}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Args:
        arguments: What follows the command's name; of this process without it.
    """
    parsed = _parser().parse_args(arguments)
    if arguments is None and parsed.command == "serve":
        from batchcompute.service.secret_environment import hide_secrets

        # This process is the command's own, and may begin anew.
        hide_secrets()
    try:
        return _COMMANDS[parsed.command](parsed)
    except ConfigError as error:
        print(f"batchcompute: {error}", file=sys.stderr)  # noqa: T201
        return 2


if __name__ == "__main__":
    sys.exit(main())
