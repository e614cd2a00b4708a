"""Decides which commands are allowed in the command line of an app with parameters."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final

from batchcompute.service.domain.app_commands.parts import Command, UnsupportedCommand, Word
from batchcompute.service.domain.app_commands.words import (
    BUILTINS,
    COMMON_WORDS,
    HARMLESS_BUILTINS,
    INTERPRETERS,
    KEYWORDS,
    RUNNERS,
    WRITE_NO_FILES,
)

__all__: list[str] = []

_NAME: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*|:")
_VERSION: Final = re.compile(r"[-.]?[0-9][0-9.]*$")
# bash sets the variable that an argument for %n names. A width of * takes an argument, too.
_FORMAT: Final = re.compile(r"(?!-)(?:[^%]|%%|%[-+ 0#]*[0-9]*(?:\.[0-9]*)?[sbcdiouxXeEfgG])*", re.DOTALL)
_SET: Final = re.compile(r"-[eux]+")
_NOWHERE = "/dev/null"
_DEVICES: Final = frozenset({"dev", "proc"})


def check(commands: Sequence[Command], fixed: Container[str]) -> None:
    """Refuse a line in which a command could execute a value.

    The grammar of the parser is the first layer of protection: there, a value is an argument or a file. The rules for
    builtin commands belong to this layer, because a shell executes some arguments of its builtin commands. The rules
    for interpreters, and for programs that run other programs, are a second layer. They depend on lists of names,
    which are never complete.

    Args:
        commands: The commands of the line.
        fixed: Parameters whose values the app itself determines.

    Raises:
        UnsupportedCommand: A command is not allowed.
    """
    written = False
    for number, command in enumerate(commands):
        name = _name(command)
        _check_builtin(name, command)
        _check_program(name, command, written)
        _check_redirections(name, command, fixed, is_last=number == len(commands) - 1)
        # A file that a command with values has written may be executed by a later command.
        written = written or (command.has_value and name not in WRITE_NO_FILES)


def _refused(command: Command, reason: str) -> UnsupportedCommand:
    return UnsupportedCommand(reason, command.source, command.parameter)


def _name(command: Command) -> str:
    """Return the name of a command, which must be plain text."""
    if not command.words:
        raise _refused(command, "a redirection needs a command")
    first = command.words[0]
    if first.has_value:
        raise _refused(command, "a value must not be the name of a command")
    name = first.constant
    if name is not None and re.match(r"[A-Za-z_][A-Za-z0-9_]*\+?=", name):
        raise _refused(command, "an assignment is not allowed in a line with parameters")
    if name is None or any(piece.quoted for piece in first.pieces) or not _NAME.fullmatch(name):
        raise _refused(command, "the name of a command must be plain text in a line with parameters")
    return name


# -- first layer: builtin commands ---------------------------------------------------------------


def _check_builtin(name: str, command: Command) -> None:
    """Refuse keywords, and builtin commands that could execute their arguments."""
    if name in KEYWORDS:
        raise _refused(command, f"`{name}` is not allowed as a command in a line with parameters")
    # Some systems have builtin commands as files, too. A relative path is a program of the app itself.
    base = name.rpartition("/")[2] if name.startswith("/") else name
    if base not in BUILTINS or base in HARMLESS_BUILTINS:
        return
    arguments = command.words[1:]
    if base == "printf":
        if not arguments or not _FORMAT.fullmatch(arguments[0].constant or "%n"):
            raise _refused(command, "the first argument of printf must be a constant format without %n and *")
    elif base == "cd":
        if any(piece.kind in ("value", "glob") for word in arguments for piece in word.pieces):
            raise _refused(command, "a value must not choose the directory in which commands are found")
    elif base == "set":
        if not arguments or not all(_SET.fullmatch(word.constant or "") for word in arguments):
            raise _refused(command, "`set` is allowed only with the options e, u and x")
    else:
        raise _refused(command, f"the builtin command `{base}` is not allowed in a line with parameters")


# -- second layer: programs that run other programs ----------------------------------------------


def _known(name: str) -> set[str]:
    """Return the names under which a program may be listed: ``python3.11`` is python."""
    folder, _, base = name.lower().rpartition("/")
    known = {base, _VERSION.sub("", base)}
    is_relative = bool(folder) and not folder.startswith("/")
    return known - COMMON_WORDS if is_relative else known


def _check_program(name: str, command: Command, written: bool) -> None:
    """Refuse a command that could execute a value, or a file into which a value was written.

    Args:
        name: Name of the command.
        command: The command.
        written: Whether an earlier command has values and may have written files.
    """
    known = _known(name)
    interprets = not known.isdisjoint(INTERPRETERS)
    if written and (interprets or "/" in name or not known.isdisjoint(RUNNERS)):
        reason = "a command before this one has values, and may have written the program that is started here"
        raise _refused(command, reason)
    if not command.has_value:
        return
    if not known.isdisjoint(RUNNERS):
        raise _refused(command, f"`{name}` can run its arguments or its input as a program")
    script = name
    if interprets:
        script = _script(command.words[1:])
        if not script:
            reason = f"`{name}` takes values only as in `{name} FILE ${{x}}`, with a dot or a slash in FILE"
            raise _refused(command, reason)
    reads = any(item.operator == "<" and item.target.has_value for item in command.redirections)
    if reads and not _DEVICES.isdisjoint(script.split("/")):
        raise _refused(command, "a value must not choose the file that is run")


def _script(arguments: Sequence[Word]) -> str:
    """Return the script file among the arguments of an interpreter; empty if it is not clearly a file.

    A dot or a slash distinguishes a file from a subcommand of the interpreter, as in ``node inspect``.
    """
    script = (arguments[0].constant or "") if arguments else ""
    return script if script[:1] not in ("-", "+") and not {".", "/"}.isdisjoint(script) else ""


# -- files --------------------------------------------------------------------------------------


def _check_redirections(name: str, command: Command, fixed: Container[str], is_last: bool) -> None:
    """Refuse redirections that write values into a file that may be executed."""
    if not command.has_value:
        return
    runs_file = "/" in name or not INTERPRETERS.isdisjoint(_known(name))
    program = (_script(command.words[1:]) or name).rpartition("/")[2]
    for item in command.redirections:
        target = item.target
        if not item.writes or target.constant == _NOWHERE:
            continue
        if not is_last:
            raise _refused(command, "only the last command may write values into a file")
        if not runs_file:
            continue
        # A shell reads a script while it executes it, so text that is appended to the script is executed.
        if any(piece.kind == "value" and piece.text not in fixed for piece in target.pieces):
            reason = "the file that a script writes to needs a parameter with a LocalPath: any other may name a script"
            raise _refused(command, reason)
        if (target.constant or "").rpartition("/")[2] == program:
            raise _refused(command, "a script must not write to itself")
