"""Arguments of the command line that are made from the list of options, or shared by commands."""

from __future__ import annotations

import argparse
from pathlib import Path

from batchcompute.errors import ConfigError
from batchcompute.service.data_directory import default_directory, named_directory
from batchcompute.service.settings import OPTIONS

__all__: list[str] = []


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add one argument for each option that the command line can set; their values stay text.

    Args:
        parser: The parser of the command.
    """
    for option in OPTIONS.values():
        if "command line" not in option.sources:
            continue
        text = f"{option.description} (default: {option.default})".replace("`", "").replace("%", "%%")
        if option.kind == "flag":
            action = argparse.BooleanOptionalAction
            parser.add_argument(option.flag, dest=option.name, action=action, default=None, help=text)
        else:
            parser.add_argument(
                option.flag,
                dest=option.name,
                action="append" if option.kind == "list" else "store",
                metavar=option.metavar,
                help=text,
            )


def given_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the values of the options that the command line sets.

    Args:
        arguments: The parsed arguments.
    """
    values = {name: getattr(arguments, name, None) for name in OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add ``--data-dir`` to a command that works on a data directory.

    Args:
        parser: The parser of the command.
    """
    parser.add_argument("--data-dir", metavar="DIR", help="the data directory (default: the user's)")


def data_directory(arguments: argparse.Namespace) -> Path:
    """Return the data directory that the arguments name, or the user's.

    Args:
        arguments: The parsed arguments.
    """
    given: str | None = arguments.data_dir
    return named_directory(given, "--data-dir") if given else default_directory()


def database_of(directory: Path) -> Path:
    """Return the database of a data directory.

    Args:
        directory: The data directory.

    Raises:
        ConfigError: The directory has no database.
    """
    database = directory / "batchcompute.db"
    if not database.exists():
        raise ConfigError(f"there is no service in {directory}; name its directory with --data-dir")
    return database
