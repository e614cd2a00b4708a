"""Every command line of the README and the documentation is one that the program accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from batchcompute.cli.app import batchcompute
from batchcompute.cli.framework import Leaf

from .test_blocks import PAGES, ROOT

SHELL = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(?<!`)`(batchcompute [a-z][^`\n]*)`(?!`)")
START = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:sudo (?:-\S+ \w+ )?)?(?:\S*/)?batchcompute(?= )")
SEPARATORS = {"&&", "||", "|", ";", "&", ">", ">>", "2>", "<", "(", ")"}


def words_of(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of the program in a shell line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    command: list[str] = []
    for word in [*lexer, ";"]:
        if word not in SEPARATORS:
            command.append(word)
            continue
        # What follows a sign of redirection is a file; it comes as a command of its own and is no call.
        line = " ".join(shlex.quote(each) for each in command)
        match = START.match(line)
        if match is not None:
            yield shlex.split(line[match.end() :])
        command = []


def calls() -> Iterator[object]:
    for page in PAGES:
        text = page.read_text("utf-8")
        name = page.relative_to(ROOT)
        for block in SHELL.finditer(text):
            first = text[: block.start()].count("\n") + 2
            for number, line in enumerate(block[1].replace("\\\n", " ").splitlines()):
                if "batchcompute " in line and (
                    START.search(line) or re.search(r"[&|;] *(\S*/)?batchcompute ", line)
                ):
                    for words in words_of(line.removeprefix("$ ")):
                        yield pytest.param(words, id=f"{name}:{first + number}:{words[0]}")
        for span in SPAN.finditer(text):
            for words in words_of(span[1]):
                yield pytest.param(words, id=f"{name}:{text[: span.start()].count(chr(10)) + 1}:{words[0]}")


@pytest.mark.parametrize("words", list(calls()))
def test_a_command_line_is_accepted(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The program reads the line; the command itself does not run."""
    monkeypatch.setattr(Leaf, "invoke", lambda *_: None)
    try:
        batchcompute.main(words, standalone_mode=False)
    except click.MissingParameter as error:
        # `batchcompute cp` in a sentence is a name, and no whole line.
        assert len(words) == 1, error.format_message()
    except click.BadParameter:
        # A value may be a placeholder, or a file of the reader's.
        pass


def test_there_are_command_lines() -> None:
    assert len(list(calls())) >= 90
