"""YAML text, read like JSON: words are texts, and each value has a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast

from batchcompute.cli.files.document import Document, FileError, as_object
from batchcompute.errors import ConfigError, Problem
from batchcompute.errors.installation import install_command

try:
    import yaml
except ImportError:
    raise ConfigError(f"YAML files need PyYAML, of the extra cli: {install_command('cli')}") from None

__all__: list[str] = []

_MAX_VALUES: Final = 50_000
"""Largest number of values. A small text can stand for very many by aliases."""

_PLAIN: Final = (
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+"), "-+0123456789"),
    (
        "float",
        re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"),
        "-+.0123456789",
    ),
)
"""Values without quotes that are no texts, as in YAML 1.2.

``yes``, ``2026-01-01``, ``010`` and ``12:30`` are texts. YAML 1.1 would change them.
"""


class _Loader(yaml.SafeLoader):
    """A loader with the values of `_PLAIN`. It only composes nodes."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # the name and the type are those of PyYAML


_add_resolver = cast("Callable[[str, re.Pattern[str], list[str]], None]", _Loader.add_implicit_resolver)  # pyright: ignore[reportUnknownMemberType]  # PyYAML's stubs have no types here
for _tag, _pattern, _first in _PLAIN:
    _add_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern.pattern})\\Z"), list(_first))


def parse_yaml(name: str, text: str, format: Any = "yaml") -> Document:
    """Parse YAML text.

    Args:
        name: Name of the file.
        text: The text.
        format: Format of the file: also JSON text can be read for the lines of its values.

    Raises:
        FileError: The text is not YAML, or not a mapping.
    """
    loader: Any = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parts = (error.context, error.problem, error.note)
        reason = "; ".join(str(part).strip() for part in parts if part)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise FileError(name, f"is not valid YAML: {reason}", line, column) from None
    except yaml.YAMLError as error:
        raise FileError(name, f"is not valid YAML: {error}".replace("\n", " ")) from None
    except RecursionError:
        raise FileError(name, "is nested too deep") from None
    finally:
        if loader is not None:
            loader.dispose()
    if root is None:
        raise FileError(name, "is empty")
    builder = _Builder(name)
    try:
        value = builder.build(root, ())
    except RecursionError:
        raise FileError(name, "is nested too deep") from None
    return Document(name, format, as_object(name, value), builder.lines, builder.problems, builder.copies)


class _Builder:
    """Makes plain values of nodes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: set[int] = set()
        self._count = 0
        self.lines: dict[tuple[str, ...], int] = {}
        self.problems: list[Problem] = []
        self.copies: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._written: dict[tuple[int, int], tuple[str, ...]] = {}

    def _place(self, path: tuple[str, ...], mark: Any) -> None:
        """Note where the value at a path is written, and whether it is there for another path already."""
        self.lines[path] = mark.line + 1
        original = self._written.setdefault((mark.line, mark.column), path)
        if original == path:
            self.copies.pop(path, None)
        else:
            self.copies[path] = original

    def build(self, node: Any, path: tuple[str, ...]) -> Any:
        """Return the value of a node."""
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self._count += 1
        if self._count > _MAX_VALUES:
            raise FileError(self._name, f"holds more than {_MAX_VALUES} values, its aliases included", line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise FileError(self._name, "contains itself by an alias", line, column)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                items: list[Any] = []
                for index, item in enumerate(node.value):
                    self._place((*path, str(index)), item.start_mark)
                    items.append(self.build(item, (*path, str(index))))
                return items
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: Any, path: tuple[str, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, yaml.ScalarNode):
                raise FileError(self._name, "has a key that is no text", line, column)
            name = str(key.value)
            if name == "<<" and not key.style:
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    inner = self.build(source, path)
                    if not isinstance(inner, dict):
                        raise FileError(self._name, "merges (<<) a value that is no mapping", line, column)
                    merged = {**inner, **merged}
                continue
            if name in result:
                first = self.lines.get((*path, name), 0)
                self.problems.append(
                    Problem(".".join((*path, name)), "", f"is there twice, first in line {first}")
                )
            self._place((*path, name), key.start_mark)
            result[name] = self.build(value, (*path, name))
        return {**merged, **result}

    def _scalar(self, node: Any) -> Any:
        text = str(node.value)
        tag = node.tag.rpartition(":")[2]
        try:
            if tag == "bool":
                return text.lower() == "true"
            if tag == "null":
                return None
            if tag == "int":
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            if tag == "float":
                return float(text)
        except ValueError as error:
            line, column = node.start_mark.line + 1, node.start_mark.column + 1
            raise FileError(self._name, f"has a number that cannot be read: {error}", line, column) from None
        return text


def dump_yaml(value: dict[str, Any]) -> str:
    """Return YAML text of a value. Also readers of YAML 1.1 read the same value.

    Args:
        value: Plain dicts, lists, texts and numbers.
    """
    dump = cast("Callable[..., str]", yaml.safe_dump)  # pyright: ignore[reportUnknownMemberType]  # see above
    return dump(value, sort_keys=False, allow_unicode=True, width=1000)
