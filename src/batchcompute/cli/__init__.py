"""The command line ``batchcompute``: it prepares the process, and runs the command."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from batchcompute.errors.installation import install_command

__all__ = ["main"]

_WITH_VALUE: Final = frozenset({"--endpoint", "--data-dir"})
"""The global options that take a value in the next argument."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Args:
        arguments: The arguments after the command's name; without it, the arguments of this process.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    serves = _command_of(words) == "serve"
    if arguments is None and serves:
        from batchcompute.service.secret_environment import hide_secrets

        # Secrets stay readable until they are hidden, so little is imported before.
        hide_secrets()
        # Nearly everything that is made until the server is ready stays: a collection finds nothing.
        gc.disable()
    elif arguments is None:
        # What a short command makes stays until its end.
        gc.set_threshold(100_000, 50, 100)
    if arguments is None:
        # No command needs plugins of pydantic. The search for them reads the metadata of all installed packages.
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if find_spec("click") is None:
        print(  # noqa: T201
            f"batchcompute: the command line needs click, of the extra cli: {install_command('cli')}",
            file=sys.stderr,
        )
        return 2
    from batchcompute.cli.app import run

    try:
        return run(words, arguments is None and not serves)
    finally:
        if arguments is None:
            # The interpreter collects garbage when it ends, which takes 90 ms with all models loaded.
            gc.freeze()


def _command_of(words: Sequence[str]) -> str:
    """Return the name of the command among the arguments; empty if there is none."""
    is_value = False
    for word in words:
        if not is_value and not word.startswith("-"):
            return word
        is_value = word in _WITH_VALUE
    return ""
