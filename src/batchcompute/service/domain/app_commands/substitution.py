"""Replaces ``${name}`` in the command line of an app by an environment variable."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping

from batchcompute.service.domain.app_commands.parser import PLAIN, PREFIX, parameter_at, read
from batchcompute.service.domain.app_commands.parts import (
    Command,
    Piece,
    Redirection,
    UnsupportedCommand,
    Word,
)
from batchcompute.service.domain.app_commands.rules import check

__all__: list[str] = []


class UnsafeLine(ValueError):
    """A line could execute a value; the message says where, why, and how to rewrite it."""


def variables(names: Iterable[str]) -> dict[str, str]:
    """Return the environment variable of each parameter.

    A parameter ``x`` has the variable ``BC_PARAM_x``. Characters that are not allowed in the name of a variable
    become underscores. If two names become equal, one of them gets a number.

    Args:
        names: The names of the parameters of an app.
    """
    names = list(dict.fromkeys(names))
    variable_of = {name: PREFIX + name for name in names if re.fullmatch(r"[A-Za-z0-9_]+", name)}
    taken = set(variable_of.values())
    for name in names:
        if name in variable_of:
            continue
        base = variable = PREFIX + re.sub(r"[^A-Za-z0-9_]", "_", name)
        number = 1
        while variable in taken:
            number += 1
            variable = f"{base}_{number}"
        variable_of[name] = variable
        taken.add(variable)
    return {name: variable_of[name] for name in names}


def substitute(line: str, names: Mapping[str, str], fixed: Container[str] = ()) -> str:
    """Return a command line in which parameters are environment variables.

    Values reach the command in environment variables only. The parser splits the line, `rules.check` checks it, and
    a new line is written from its parts: constant text in single quotes if it needs quotes, and each value as a
    variable in double quotes. A line without ``${name}`` of a parameter is returned unchanged.

    Args:
        line: The command line of an app.
        names: The environment variable of each parameter.
        fixed: Parameters whose values the app itself determines.

    Raises:
        UnsafeLine: The line cannot be parsed, or a value is not clearly an argument of a command.
    """
    places = (name for at in range(len(line)) if (name := parameter_at(line, at, names)) is not None)
    first = next(places, None)
    if first is None:
        return line
    try:
        commands = read(line, names)
        check(commands, fixed)
    except UnsupportedCommand as error:
        name = error.parameter or first
        message = (
            f"cannot take a value for ${{{name}}} near `{error.near}`: {error.reason}. "
            f'To take care of it yourself, write "${names[name]}" with its double quotes, '
            "and do so for every parameter of the line"
        )
        raise UnsafeLine(message) from None
    return "".join(_command(command, names) for command in commands)


# -- writing ------------------------------------------------------------------------------------


def _command(command: Command, names: Mapping[str, str]) -> str:
    parts = [_word(word, names) for word in command.words]
    parts += [_redirection(item, names) for item in command.redirections]
    end = {"": "", "\n": "\n", ";": "; "}.get(command.end, f" {command.end} ")
    return " ".join(parts) + end


def _redirection(item: Redirection, names: Mapping[str, str]) -> str:
    return f"{item.descriptor}{item.operator}{_word(item.target, names, one_word=True)}"


def _word(word: Word, names: Mapping[str, str], one_word: bool = False) -> str:
    """Return the text of a word in shell syntax.

    Args:
        word: The word.
        names: The environment variable of each parameter.
        one_word: Whether the shell must not split the word, even if an environment variable holds blanks.
    """
    one_word = one_word or word.has_value
    # The shell splits an unquoted variable. Empty quotes next to it then matter and are kept.
    splits = not one_word and any(piece.kind == "environment" and not piece.quoted for piece in word.pieces)
    return "".join(_piece(piece, names, one_word, splits) for piece in word.pieces) or "''"


def _piece(piece: Piece, names: Mapping[str, str], one_word: bool, splits: bool) -> str:
    if piece.kind == "value":
        return f'"${{{names[piece.text]}}}"'
    if piece.kind == "environment":
        return f'"${{{piece.text}}}"' if one_word or piece.quoted else f"${{{piece.text}}}"
    if piece.kind == "glob" or (PLAIN.fullmatch(piece.text) and not (piece.quoted and splits)):
        return piece.text
    return "'" + piece.text.replace("'", "'\\''") + "'"
