"""The global options of the command line, before or after the command's name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

__all__: list[str] = []


@dataclass(slots=True)
class State:
    """The values of the global options."""

    endpoint: str = ""
    """Region, URL or ``local``; empty for that of the environment."""
    data_dir: str = ""
    """The data directory; empty for that of the environment or the user."""
    json: bool = False
    """Whether the output is JSON."""
    debug: bool = False
    """Whether errors show their traceback, and the requests are logged."""


def state_of(context: click.Context) -> State:
    """Return the global options of a command.

    Args:
        context: The context of the command.
    """
    return context.find_root().ensure_object(State)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    # The option may stand before and after the command; an option that is not there changes nothing.
    if value not in (None, False, ""):
        setattr(state_of(context), str(parameter.name), value)
        if parameter.name == "debug":
            logging.getLogger("batchcompute").setLevel(logging.DEBUG)


def _option(*names: str, **attributes: Any) -> Callable[[], click.Option]:
    return lambda: click.Option(names, expose_value=False, callback=_keep, **attributes)


_DATA_DIR = _option("--data-dir", metavar="DIR", help="The data directory (default: the user's).")
_JSON = _option("--json", is_flag=True, help="Print JSON.")
_DEBUG = _option("--debug", is_flag=True, help="Log requests, and show the traceback of an error.")
_ENDPOINT = _option(
    "--endpoint",
    metavar="REGION|URL|local",
    help="The service (default: BATCHCOMPUTE_ENDPOINT or BATCHCOMPUTE_REGION, or else this machine).",
)

OF_ALL = (_ENDPOINT, _DATA_DIR, _JSON, _DEBUG)
"""Makers of the options of the commands that talk to a service."""
OF_DIRECTORY = (_DATA_DIR, _JSON, _DEBUG)
"""Makers of the options of the commands that work on a data directory."""
OF_FILES = (_JSON, _DEBUG)
"""Makers of the options of the commands that work on descriptions."""
OF_SERVER = (_DEBUG,)
"""Makers of the options of the commands whose other options are settings of the service."""
