"""The signatures of models say what the ``.pyi`` files say, and so does ``help()``."""

from __future__ import annotations

import ast
import importlib
import inspect
import pydoc
import re
from pathlib import Path

import pytest

from batchcompute import resources
from batchcompute.models.base import Jsonizable
from batchcompute.models.signatures import hint_of
from batchcompute.resources import JobDescription, _literals

FOLDER = Path(resources.__file__).parent
WORDS = {f"_{name}": hint_of(getattr(_literals, name)) for name in _literals.__all__}


def declared() -> dict[tuple[str, str], dict[str, str]]:
    """Return the annotations of the constructor with wire names of each class in the ``.pyi`` files."""
    forms: dict[tuple[str, str], dict[str, str]] = {}
    for path in FOLDER.glob("*.pyi"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.ClassDef):
                continue
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    arguments = [*item.args.args[1:], *item.args.kwonlyargs]
                    texts = {one.arg: ast.unparse(one.annotation) for one in arguments if one.annotation}
                    forms.setdefault((f"batchcompute.resources.{path.stem}", node.name), texts)
    return forms


def plain(text: str) -> str:
    """Replace the aliases of a ``.pyi`` by what they stand for."""
    return re.sub(r"\b_(\w+)", lambda match: WORDS.get(match[0], match[1]), text)


FORMS = declared()


def test_there_are_classes() -> None:
    assert len(FORMS) > 50


@pytest.mark.parametrize("key", sorted(FORMS), ids=lambda key: f"{key[0].rpartition('.')[2]}.{key[1]}")
def test_a_signature_says_what_the_face_says(key: tuple[str, str]) -> None:
    module = importlib.import_module(key[0])
    cls = getattr(module, key[1])
    assert issubclass(cls, Jsonizable)
    signature = inspect.signature(cls)
    assert {name: str(one.annotation) for name, one in signature.parameters.items()} == {
        name: plain(text) for name, text in FORMS[key].items()
    }


def test_help_shows_the_fields_and_their_types() -> None:
    text = pydoc.plain(pydoc.render_doc(JobDescription))
    assert "Priority: int | None = None" in text
    assert "DAG: DAG | Mapping[str, object] | None = None" in text
    assert "to_svg(self, tasks" in text
