"""The classes of commands: lazy groups, global options everywhere, examples in the help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click

from batchcompute.cli.state import OF_ALL

__all__: list[str] = []

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings of every command's context."""


class Entry(NamedTuple):
    """A command in the table of commands."""

    section: str
    """The heading in the help."""
    module: str
    """The module of `batchcompute.cli` that has it as ``{name}_command``."""
    text: str
    """Its effect, as a sentence without a full stop."""


def examples(*lines: str) -> str:
    """Return the end of a help text, with examples.

    Args:
        *lines: The command lines.
    """
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class _WithGlobals(click.Command):
    """A command with global options. Its parser accepts no abbreviations of options."""

    def __init__(
        self, *arguments: Any, globals_: Sequence[Callable[[], click.Option]] = OF_ALL, **attributes: Any
    ) -> None:
        attributes.setdefault("context_settings", SETTINGS)
        super().__init__(*arguments, **attributes)
        self.params.extend(make() for make in globals_)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples without an indentation of their own."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write_text(self.epilog)


class Leaf(_WithGlobals):
    """A command without sub-commands."""


class Group(_WithGlobals, click.Group):
    """A command with sub-commands."""

    command_class: type[click.Command] | None = Leaf

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a sub-command; the error for an unknown one names the nearest."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {name!r}{hint(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """The group of all commands. A command's module is imported when the command is needed.

    Args:
        table: The commands by name.
        **attributes: Attributes of the group.
    """

    def __init__(self, table: dict[str, Entry], **attributes: Any) -> None:
        super().__init__(**attributes)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; return None for an unknown name."""
        entry = self._table.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"batchcompute.cli.{entry.module}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands under their headings, without importing them."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self._table.items():
            sections.setdefault(entry.section, []).append((name, f"{entry.text[0].upper()}{entry.text[1:]}."))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


def command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], Leaf]:
    """Return a decorator that makes a command.

    Args:
        name: Name of the command.
        **attributes: Attributes of the command.
    """
    return click.command(name, cls=Leaf, **attributes)


def group(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], Group]:
    """Return a decorator that makes a command with sub-commands.

    Args:
        name: Name of the command.
        **attributes: Attributes of the command.
    """
    return click.group(name, cls=Group, **attributes)


def hint(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that names the nearest of several names; empty if none is close.

    Args:
        name: The unknown name.
        names: The known names.
    """
    from batchcompute.service.spelling import nearest

    close = nearest(name, names, 0.6)
    return f"; the nearest is {close}" if close else ""
