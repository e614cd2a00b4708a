"""Fill the tables of docs/rest-api.md from the operations, the models and the service's errors."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.errors import client_error
from batchcompute.models.base import Description
from batchcompute.models.fields import Field
from batchcompute.models.json_schema import doc_of

PAGE = Path("docs/rest-api.md")
SERVICE = Path("src/batchcompute/service")
HEADING = re.compile(r"^#{2,3} (\d+(?:\.\d+)?) (.+)$", re.MULTILINE)
CITATION = re.compile(
    r"(?<![>\[])REST[\s#]+API,[\s#]+(\d+(?:\.\d+)?(?:(?:,[\s#]+|[\s#]+(?:and|to)[\s#]+)\d+(?:\.\d+)?)*)"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_BLOCK = re.compile(r"(<!-- generated: (\w+) ?([^\n]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def page(root: Path) -> dict[Path, str]:
    """Return the page with every marked block filled in."""
    text = (root / PAGE).read_text("utf-8")
    makers: dict[str, Callable[[str], str]] = {
        "operations": lambda _: _operations(anchors(text)),
        "fields": _fields,
        "errors": lambda _: _errors(root),
    }

    def filled(match: re.Match[str]) -> str:
        return f"{match[1]}\n{makers[match[2]](match[3])}\n\n{match[4]}"

    return {PAGE: _BLOCK.sub(filled, text)}


def anchors(text: str) -> dict[str, str]:
    """Return the anchor of each numbered section of the page, by its number."""
    found: dict[str, str] = {}
    for number, title in HEADING.findall(text):
        words = re.sub(r"[^\w\s-]", "", f"{number} {title}".lower())
        found[number] = re.sub(r"\s", "-", words.strip())
    return found


def linked(text: str, link: Callable[[str, str], str]) -> str:
    """Return a text in which each section that it cites is a link.

    Args:
        text: The text, with citations such as ``(REST API, 2.1 and 3.4)``.
        link: Makes a link from the words that are shown and the number of a section.
    """

    def cited(match: re.Match[str]) -> str:
        first, *_ = numbers = _NUMBER.findall(match[1])
        rest = match[1][len(first) :]
        return link(f"REST API, {first}", first) + (
            _NUMBER.sub(lambda each: link(each[0], each[0]), rest) if len(numbers) > 1 else ""
        )

    return CITATION.sub(cited, text)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _operations(places: dict[str, str]) -> str:
    rows = [
        (
            row.api,
            f"`{row.method} {row.path}`",
            " ".join(f"`{name}`" for name in row.query) or "",
            _body(row),
            str(row.status),
            _response(row),
            f"[{row.section}](#{places[row.section]})",
        )
        for row in OPERATIONS.values()
    ]
    return _table(("operation", "request", "query", "body", "status", "answer", "section"), rows)


def _body(row: Operation) -> str:
    if row.name == "create_job":
        return "`JobDescription` or `AppJobDescription`"
    return f"`{row.body}`" if row.body else ""


def _response(row: Operation) -> str:
    if row.name == "create_job":
        return "`CreateResponse`, or `SynchronousInstance` with `sync`"
    if row.is_list:
        return f"list of `{row.response}`"
    if row.name == "get_app_revisions":
        return f"array of `{row.response}`"
    return "empty" if row.response == "ActionResponse" else f"`{row.response}`"


def _fields(names: str) -> str:
    """Return a table for each ``module.Class`` of a list."""
    parts: list[str] = []
    for name in names.split(", "):
        module, _, cls_name = name.partition(".")
        cls: type[Description] = getattr(
            importlib.import_module(f"batchcompute.resources.{module}"), cls_name
        )
        rows = [
            (f"`{field.wire}`", _type(field.type), _default(field), _meaning(cls, field))
            for field in cls._declared
        ]
        parts.append(f"`{cls_name}`:\n\n" + _table(("field", "type", "default", "meaning"), rows))
    return "\n\n".join(parts)


def _type(type_: Any) -> str:
    """Name a type as JSON has it."""
    origin, args = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return _type(args[0])
    if origin is dict:
        return f"object of {_type(args[-1])}"
    if origin is list:
        return f"array of {_type(args[0])}"
    if origin is Literal:
        return "string"
    if args:
        return " or ".join(dict.fromkeys(_type(arg) for arg in args))
    if type_ is Any:
        return "any"
    name = str(type_.__name__)
    return _TYPES.get(name, f"`{name}`")


def _default(field: Field) -> str:
    default = field.default
    return f"`{json.dumps(default)}`" if isinstance(default, (str, int, float, bool)) else ""


def _meaning(cls: type[Description], field: Field) -> str:
    return re.sub(r"``([^`]*)``", r"`\1`", " ".join(doc_of(cls, field.name).split())).replace("|", "\\|")


def _errors(root: Path) -> str:
    """Return the codes that the service's source can answer with, and what the SDK makes of each."""
    found = sorted({pair for path in sorted((root / SERVICE).rglob("*.py")) for pair in _codes(path)})
    rows = [
        (str(status), f"`{code}`", f"`{type(client_error(status, code, '', '')).__name__}`")
        for status, code in found
    ]
    return _table(("status", "code", "exception"), rows)


def _codes(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the status and the code of each error that a module makes with literal values."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ApiError"
        ):
            continue
        if len(node.args) < 2 or not isinstance(node.args[0], ast.Constant):
            continue
        code = node.args[1]
        if isinstance(code, ast.Constant):
            yield int(str(node.args[0].value)), str(code.value)
        elif isinstance(code, ast.JoinedStr):
            yield (
                int(str(node.args[0].value)),
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "{Param}" for part in code.values
                ),
            )
