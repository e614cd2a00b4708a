"""Prepares the docstrings for the reference: each field once, and examples as code."""

# mkdocstrings loads it. A field of a model has two names, the wire name and the Python name, and the declarations for
# type checkers have both. The reference shows the Python name, and says the wire name.

from __future__ import annotations

import re
from collections.abc import Iterator

import griffe

_EXAMPLE = re.compile(r"^(\s*)Example:$", re.MULTILINE)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def classes(scope: griffe.Module | griffe.Class) -> Iterator[griffe.Class]:
    """Yield all classes below a module or a class; aliases lead to other modules, which have their own turn."""
    for member in list(scope.members.values()):
        if isinstance(member, griffe.Alias):
            continue
        if isinstance(member, griffe.Class):
            yield member
        if isinstance(member, griffe.Class | griffe.Module):
            yield from classes(member)


def show_once(scope: griffe.Class) -> None:
    """Remove the second spelling of each field of a class, and name it in the docstring of the first."""
    fields = {
        name: member
        for name, member in scope.members.items()
        if isinstance(member, griffe.Attribute) and not name.startswith("_")
    }
    python_names = {_plain(name): name for name in fields if name.islower()}
    for name in fields:
        python_name = python_names.get(_plain(name), name)
        if python_name == name:
            continue
        kept = fields[python_name]
        docstring = kept.docstring or fields[name].docstring
        text = docstring.value if docstring else ""
        kept.docstring = griffe.Docstring(f"{text}\n\nWire name: `{name}`.".strip(), parent=kept)
        scope.del_member(name)


def examples_as_code(item: griffe.Object) -> None:
    """Turn ``Example:`` into the section of the Google style whose prompts become code."""
    if item.docstring:
        item.docstring.value = _EXAMPLE.sub(r"\1Examples:", item.docstring.value)


class Reference(griffe.Extension):
    """Changes the package after it was loaded, with its ``.pyi`` files."""

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Change all classes, and all functions of theirs.

        Args:
            pkg: The package.
        """
        for scope in classes(pkg):
            show_once(scope)
            examples_as_code(scope)
            for member in scope.members.values():
                if isinstance(member, griffe.Function | griffe.Attribute):
                    examples_as_code(member)
