"""The parser of the command line, with errors of one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn, cast

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line. The error for an unknown option names the nearest one."""

    prog: str

    def __init__(self, **options: Any) -> None:
        # A new option with the same beginning would change the meaning of an abbreviation.
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print one line and exit."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse arguments, and exit if they are invalid.

        Args:
            arguments: The arguments after the name of the program.
        """
        parsed, rest = self.parse_known_args(arguments)
        if rest:
            self.prog = f"{self.prog} {parsed.command}"
        for word in rest:
            unknown = word.partition("=")[0]
            names = _option_names(self, arguments) if unknown.startswith("-") else []
            hint = ""
            if names:
                from batchcompute.service.spelling import nearest

                hint = f"; the nearest is {nearest(unknown, names)}"
            self.error(f"there is no argument {unknown}{hint}")
        return parsed


def _option_names(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> list[str]:
    """Return the names of the options of the commands that the arguments name."""
    names: list[str] = []
    for action in parser._actions:
        names += [name for name in action.option_strings if name.startswith("--")]
        if isinstance(action, argparse._SubParsersAction):
            commands = cast("dict[str, argparse.ArgumentParser]", vars(action)["choices"])
            for name in commands.keys() & set(arguments):
                names += _option_names(commands[name], arguments)
    return names
