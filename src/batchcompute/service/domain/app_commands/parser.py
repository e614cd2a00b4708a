"""Parses the command line of an app with parameters, in a subset of the shell language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, NoReturn

from batchcompute.service.domain.app_commands.parts import (
    Command,
    Piece,
    Redirection,
    UnsupportedCommand,
    Word,
)

__all__: list[str] = []

PREFIX: Final = "BC_PARAM_"
"""Prefix of the environment variables of parameters."""

PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=@%+,-]*")
"""Text that every shell takes literally without quotes."""

_QUOTED: Final = re.compile(r"[A-Za-z0-9_./:=@%+, !?\xa1-\U0010ffff-]*")
"""Constant text that may be in the same word as a value: text for people, not program code."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UPPER: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_ENDS_A_WORD: Final = frozenset(" \t\n;&|<>()")
_OPERATORS: Final[Mapping[str, str]] = {
    "|": "a pipe is not allowed in a line with parameters",
    "&": "a command in the background is not allowed in a line with parameters",
    "(": "parentheses are not allowed in a line with parameters",
    ")": "parentheses are not allowed in a line with parameters",
}


def read(line: str, names: Mapping[str, str]) -> list[Command]:
    """Split a line into simple commands.

    The parser knows the rules of dash and bash for words, quotes, escapes and comments, and refuses everything else.
    `rules.check` decides which commands are allowed, and `substitution.substitute` writes a new line from the parts.
    So an error of this parser can change the meaning of a line, but cannot turn a value into program code.

    Args:
        line: The command line of an app.
        names: From the name of a parameter to its environment variable.

    Raises:
        UnsupportedCommand: The line is not a list of simple commands, or a value is where none is allowed.
    """
    return _Reader(line, names).read()


def parameter_at(line: str, at: int, names: Mapping[str, str]) -> str | None:
    """Return the parameter whose ``${name}`` is at a position; the longest name wins."""
    matching = [name for name in names if line.startswith(f"${{{name}}}", at)]
    return max(matching, key=len, default=None)


class _Reader:
    """One pass over a line."""

    def __init__(self, line: str, names: Mapping[str, str]) -> None:
        self._line = line
        self._names = names
        self._of_variable = {variable: name for name, variable in names.items()}
        self._at = 0
        self._start = 0
        self._words: list[Word] = []
        self._redirections: list[Redirection] = []
        self._commands: list[Command] = []

    def read(self) -> list[Command]:
        line = self._line
        while self._skip_blanks():
            two, char = line[self._at : self._at + 2], line[self._at]
            if char == "#":
                # A comment ends with its line, even after a backslash.
                end = line.find("\n", self._at)
                self._at = len(line) if end < 0 else end
            elif two in ("&&", "||"):
                self._end_command(two)
            elif char in ";\n":
                self._end_command(char)
            elif char in "<>":
                self._redirection("")
            elif char in _OPERATORS:
                self._refuse(_OPERATORS[char])
            else:
                self._word_or_descriptor()
        if self._words or self._redirections:
            self._end_command("")
        elif self._commands and self._commands[-1].end in ("&&", "||"):
            self._refuse("a command is missing after this", self._start - 2)
        return self._commands

    def _skip_blanks(self) -> bool:
        """Skip blanks and line continuations; return whether a character follows."""
        line = self._line
        while self._at < len(line):
            if line[self._at] in " \t":
                self._at += 1
            elif line.startswith("\\\n", self._at):
                self._at += 2
            else:
                return True
        return False

    def _refuse(self, reason: str, start: int | None = None, parameter: str = "") -> NoReturn:
        near = self._line[self._at if start is None else max(start, 0) :]
        raise UnsupportedCommand(reason, near, parameter)

    def _end_command(self, operator: str) -> None:
        source = self._line[self._start : self._at].strip()
        if self._words or self._redirections:
            self._commands.append(
                Command(tuple(self._words), tuple(self._redirections), source, operator),
            )
        elif operator != "\n":
            # Empty lines are allowed, even after `&&` and `||`.
            self._refuse("a command is missing before this")
        self._words, self._redirections = [], []
        self._at += len(operator)
        self._start = self._at

    # -- redirections -------------------------------------------------------------------------

    def _word_or_descriptor(self) -> None:
        word = self._word()
        if self._line[self._at : self._at + 1] in ("<", ">") and _is_number(word):
            descriptor = word.constant or ""
            if len(descriptor) > 1:
                self._refuse("shells differ in how they read a descriptor of two digits", self._at - 2)
            self._redirection(descriptor)
        else:
            self._words.append(word)

    def _redirection(self, descriptor: str) -> None:
        start = self._at
        operator = self._line[start]
        self._at += 1
        if self._line.startswith(">", self._at) and operator == ">":
            operator = ">>"
            self._at += 1
        following = self._line[self._at : self._at + 1]
        if following == "&" and operator != ">>":
            self._duplicate(descriptor, operator, start)
            return
        if following and following in "<>|&(":
            what = "a here-document" if operator + following == "<<" else "this redirection"
            self._refuse(f"{what} is not allowed in a line with parameters", start)
        if not self._skip_blanks() or self._line[self._at] in _ENDS_A_WORD:
            self._refuse("the file of this redirection is missing", start)
        if self._line[self._at] == "#":
            self._refuse("the file of this redirection is a comment", start)
        target = self._word()
        if any(piece.kind == "glob" for piece in target.pieces):
            self._refuse("the file of a redirection must not be a pattern", start)
        if _is_number(target) and self._line[self._at : self._at + 1] in ("<", ">"):
            self._refuse("a number between two redirections is not allowed in a line with parameters", start)
        kind: Literal["<", ">", ">>"] = "<" if operator == "<" else ">" if operator == ">" else ">>"
        self._redirections.append(Redirection(descriptor, kind, target))

    def _duplicate(self, descriptor: str, operator: str, start: int) -> None:
        digit = self._line[self._at + 1 : self._at + 2]
        behind = self._line[self._at + 2 : self._at + 3]
        if not re.fullmatch(r"[0-9]", digit) or (behind and behind not in " \t\n;|&"):
            self._refuse("after this, only a descriptor of one digit is allowed", start)
        self._at += 2
        word = Word((Piece("text", digit, False),), digit)
        self._redirections.append(Redirection(descriptor, "<&" if operator == "<" else ">&", word))

    # -- words --------------------------------------------------------------------------------

    def _word(self) -> Word:
        start = self._at
        pieces: list[Piece] = []
        while self._at < len(self._line) and self._line[self._at] not in _ENDS_A_WORD:
            pieces += self._pieces()
        word = Word(_joined(pieces), self._line[start : self._at])
        if word.has_value:
            _check_beside_value(word)
        if PREFIX in "".join(piece.text for piece in word.pieces if piece.kind == "text"):
            # A script in constant text could read the variable and execute its value.
            self._refuse(
                "the variable of a parameter must stand in double quotes, after a dollar sign", start
            )
        return word

    def _pieces(self) -> list[Piece]:
        """Read the next pieces of a word, outside of quotes."""
        line, char = self._line, self._line[self._at]
        if char == "'":
            return self._single()
        if char == '"':
            return self._double()
        if char == "\\":
            return self._escape()
        if char == "$":
            return [self._expansion(quoted=False)]
        if char == "`":
            self._refuse("a command substitution is not allowed in a line with parameters")
        if char in "*?":
            self._at += 1
            return [Piece("glob", char, False)]
        start = self._at
        self._at = _match_end(PLAIN, line, start)
        if self._at == start:
            self._refuse(f"{char!r} is allowed only in quotes in a line with parameters")
        return [Piece("text", line[start : self._at], False)]

    def _escape(self) -> list[Piece]:
        following = self._line[self._at + 1 : self._at + 2]
        if following == "\n":
            self._at += 2
            return []
        if not following or not " " <= following <= "~":
            self._refuse("a backslash must stand before a visible character")
        self._at += 2
        return [Piece("text", following, True)]

    def _single(self) -> list[Piece]:
        """Read text in single quotes; ``${name}`` of a parameter is replaced there, too."""
        end = self._line.find("'", self._at + 1)
        if end < 0:
            self._refuse("a single quote is not closed")
        pieces = [Piece("text", "", True)]
        self._at += 1
        while self._at < end:
            name = parameter_at(self._line, self._at, self._names)
            if name is not None and self._at + len(name) + 3 <= end:
                pieces.append(Piece("value", name, True))
                self._at += len(name) + 3
            else:
                pieces.append(Piece("text", self._visible(), True))
        self._at = end + 1
        return pieces

    def _double(self) -> list[Piece]:
        start = self._at
        pieces = [Piece("text", "", True)]
        self._at += 1
        while (char := self._line[self._at : self._at + 1]) != '"':
            if not char:
                self._refuse("a double quote is not closed", start)
            if char == "$":
                pieces.append(self._expansion(quoted=True))
            elif char == "`":
                self._refuse("a command substitution is not allowed in a line with parameters")
            elif char == "\\" and (following := self._line[self._at + 1 : self._at + 2]) in set('$`"\\\n'):
                self._at += 2
                pieces.append(Piece("text", "" if following == "\n" else following, True))
            else:
                pieces.append(Piece("text", self._visible(), True))
        self._at += 1
        return pieces

    def _visible(self) -> str:
        char = self._line[self._at]
        if (char < " " and char not in "\t\n") or "\x7f" <= char <= "\xa0":
            self._refuse("a control character is not allowed in a line with parameters")
        self._at += 1
        return char

    def _expansion(self, quoted: bool) -> Piece:
        """Read a parameter, or an environment variable."""
        line, start = self._line, self._at
        name = parameter_at(line, start, self._names)
        if name is not None:
            self._at += len(name) + 3
            return Piece("value", name, quoted)
        braces = line.startswith("${", start)
        at = start + (2 if braces else 1)
        end = _match_end(_IDENTIFIER, line, at)
        variable = line[at:end]
        if not variable or (braces and not line.startswith("}", end)):
            self._refuse("this expansion is not allowed in a line with parameters")
        if not braces and line.startswith("\\\n", end):
            self._refuse("a name must not be continued in the next line", start)
        self._at = end + (1 if braces else 0)
        if variable in self._of_variable:
            name = self._of_variable[variable]
            if not quoted:
                self._refuse("the variable of a parameter must stand in double quotes", start, name)
            return Piece("value", name, quoted)
        if not _UPPER.fullmatch(variable) or variable.startswith(PREFIX):
            self._refuse(
                "this is no parameter of the app, and no environment variable in capital letters", start
            )
        return Piece("environment", variable, quoted)


def _is_number(word: Word) -> bool:
    """Return whether a shell would read the word as a descriptor if a redirection follows it."""
    return bool(re.fullmatch(r"[0-9]+", word.constant or "")) and not any(p.quoted for p in word.pieces)


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Join adjacent texts that are both quoted or both unquoted."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last and last.kind == piece.kind == "text" and last.quoted == piece.quoted:
            joined[-1] = Piece("text", last.text + piece.text, piece.quoted)
        else:
            joined.append(piece)
    return tuple(joined)


def _check_beside_value(word: Word) -> None:
    """Refuse a word in which a value could be part of program code.

    Raises:
        UnsupportedCommand: The word holds a pattern, or characters of program code.
    """
    for piece in word.pieces:
        if piece.kind == "glob":
            raise UnsupportedCommand(
                "a pattern is not allowed in the word of a value", word.source, word.parameter
            )
        if piece.kind == "text" and not _QUOTED.fullmatch(piece.text):
            text = _QUOTED.sub("", piece.text)
            reason = f"{text[0]!r} is not allowed in the word of a value"
            raise UnsupportedCommand(reason, word.source, word.parameter)
