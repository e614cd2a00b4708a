"""The words of docstrings, and the names of local variables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_RIDDLE = re.compile(r"\s*(What|How|Where|Who|When|Why)\b")
_EMPTY_NAMES = frozenset({"found", "given", "left", "made"})


def modules(top: str) -> list[Path]:
    """Return the modules below a directory of the project."""
    return sorted((ROOT / top).rglob("*.py"))


def riddles(program: str) -> Iterator[str]:
    """Find docstrings, those of attributes included, that begin with a question word."""
    for node in ast.walk(ast.parse(program)):
        body: object = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))) if _RIDDLE.match(text):
                    yield f"{statement.lineno}: {text.strip().splitlines()[0]}"
                case _:
                    pass


def empty_names(program: str) -> Iterator[str]:
    """Find variables and parameters whose names do not say what they contain."""
    for node in ast.walk(ast.parse(program)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) if name in _EMPTY_NAMES:
                yield f"{node.lineno}: {name}"
            case ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.ExceptHandler(name=name):
                if name in _EMPTY_NAMES:
                    yield f"{node.lineno}: {name}"
            case _:
                pass


@pytest.mark.parametrize("top", ["src", "tools", "benchmarks", "tests"])
def test_no_docstring_is_a_riddle(top: str) -> None:
    problems = [f"{path}:{text}" for path in modules(top) for text in riddles(path.read_text("utf-8"))]
    assert not problems


def test_names_of_variables_say_what_they_contain() -> None:
    problems = [f"{path}:{text}" for path in modules("src") for text in empty_names(path.read_text("utf-8"))]
    assert not problems


def test_the_tests_of_words_find_what_they_look_for() -> None:
    program = '"""Where it is."""\nclass A:\n    x: int\n    """How much."""\n    y: int\n    """Whether it is."""\n'
    assert list(riddles(program)) == ["1: Where it is.", "4: How much."]
    program = "def f(given, a):\n    for found, b in a:\n        made = left = [made for made in found]\n"
    assert sorted(empty_names(program)) == ["1: given", "2: found", "3: left", "3: made", "3: made"]
