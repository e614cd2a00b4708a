"""Options of the command line that are made from the list of settings, and the data directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import click

from batchcompute.cli.state import State
from batchcompute.service.data_directory import default_directory, named_directory
from batchcompute.service.settings import OPTIONS

__all__: list[str] = []


def settings_options() -> list[click.Parameter]:
    """Return one option for each setting that the command line can set; their values stay text."""
    options: list[click.Parameter] = []
    for option in OPTIONS.values():
        if "command line" not in option.sources:
            continue
        text = f"{option.description} (default: {option.default})".replace("`", "")
        if option.kind == "flag":
            names = [f"{option.flag}/--no-{option.flag[2:]}", option.name]
            options.append(click.Option(names, default=None, help=text))
        else:
            options.append(
                click.Option(
                    [option.flag, option.name],
                    multiple=option.kind == "list",
                    metavar=option.metavar,
                    help=text,
                )
            )
    return options


def chosen_settings(values: Mapping[str, object], state: State) -> dict[str, object]:
    """Return the settings that the command line names.

    Args:
        values: The values of all options of `settings_options`.
        state: The global options.
    """
    chosen: dict[str, object] = {
        name: list(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value
        for name, value in values.items()
        if name in OPTIONS and value is not None and value != ()
    }
    if state.data_dir:
        chosen.setdefault("data_dir", state.data_dir)
    return chosen


def data_directory(state: State) -> Path:
    """Return the data directory that the command line names, or the user's.

    Args:
        state: The global options.
    """
    return named_directory(state.data_dir, "--data-dir") if state.data_dir else default_directory()
