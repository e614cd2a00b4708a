"""Check the types of the code under ``src`` that a plain run of mypy and pyright does not read."""

# Run it in the project's directory with the development extra installed: ``python tools/check_bodies.py``.
#
# Three kinds of code are hidden from a plain run.
#
# Resource modules: type checkers read the generated ``.pyi`` beside each. A field is declared as pydantic stores it
# (``dict[str, TaskDescription] | None``), but reading it gives an empty dict instead of None. So a copy of the tree
# without ``.pyi`` holds each module twice: once with its declarations and no bodies of functions, once with the
# bodies, in classes that have the properties and constructors of the ``.pyi`` instead of fields.
#
# Branches for other platforms: mypy runs once more for each platform, and its errors in such branches count.
#
# Branches for the run time (``if not TYPE_CHECKING``): they may only bind names to checked functions and classes.

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RESOURCES = Path("src/batchcompute/resources")
_NO_BODY = "raise NotImplementedError"


class Line(NamedTuple):
    """A line of a view, with the number of its line in the module."""

    text: str
    number: int


# A view uses a part of the module's imports; ruff finds those that the module itself does not use.
_IMPORTS_UNUSED = Line("# pyright: reportUnusedImport=false", 1)


class Finding(NamedTuple):
    """An error of a type checker."""

    path: str
    line: int
    text: str


def _span(node: ast.stmt) -> range:
    """Return the lines of a statement, decorators included, counted from 0."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(item.lineno for item in decorators)])
    return range(first - 1, node.end_lineno or node.lineno)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def declarations(source: str) -> list[Line]:
    """Return a module without the bodies of its functions."""
    lines = [Line(text, number) for number, text in enumerate(source.splitlines(), 1)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = range(node.body[0].lineno - 1, node.end_lineno or node.lineno)
            for at in body:
                lines[at] = Line("", lines[at].number)
            indent = " " * node.body[0].col_offset
            lines[body[0]] = Line(indent + _NO_BODY, lines[body[0]].number)
    return [_IMPORTS_UNUSED, *lines]


def _properties(cls: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Yield the constructors and the properties of a class of a stub, each with a body that only raises."""
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and (node.decorator_list or node.name == "__init__"):
            if any(ast.unparse(item) == "classmethod" for item in node.decorator_list):
                continue
            node.body = ast.parse(_NO_BODY).body
            yield node


def _face(cls: ast.ClassDef, own_init: bool) -> str:
    nodes = [node for node in _properties(cls) if not (own_init and node.name == "__init__")]
    if any(node.name == "__init__" and node.decorator_list for node in nodes):
        # Overloads in a module, unlike those in a stub, need an implementation after them.
        last = max(index for index, node in enumerate(nodes) if node.name == "__init__")
        text = f"def __init__(self, *args: Any, **kwargs: Any) -> None: {_NO_BODY}"
        implementation = ast.parse(text).body[0]
        return "\n".join(map(ast.unparse, [*nodes[: last + 1], implementation, *nodes[last + 1 :]]))
    for node in nodes:
        if node.name == "__init__":
            node.args.defaults = [ast.Constant(None) for _ in node.args.defaults]
    return "\n".join(map(ast.unparse, nodes))


def bodies(source: str, stub: str) -> list[Line]:
    """Return a module whose classes have the properties of the stub instead of their fields."""
    faces = {node.name: node for node in ast.parse(stub).body if isinstance(node, ast.ClassDef)}
    lines = [Line(text, number) for number, text in enumerate(source.splitlines(), 1)]
    inserted: dict[int, list[str]] = {}
    tree = ast.parse(source)
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef):
            face = faces[cls.name]
            known = {node.name for node in face.body if isinstance(node, ast.FunctionDef)}
            previous = False
            for node in cls.body:
                field = isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in known
                if field or (previous and _is_text(node)):
                    for at in _span(node):
                        lines[at] = Line("", lines[at].number)
                previous = field
            own_init = any(isinstance(node, ast.FunctionDef) and node.name == "__init__" for node in cls.body)
            text = _face(face, own_init) or "pass"
            start = _span(cls.body[0])[-1] + 1 if _is_text(cls.body[0]) else _span(cls.body[0])[0]
            inserted[start] = [f"    {line}" for line in text.splitlines()]
    imports = [node for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom)]
    head = next(_span(node)[-1] + 1 for node in tree.body if isinstance(node, ast.ImportFrom))
    inserted[head] = [*map(ast.unparse, imports), "from typing import Any"]
    aliases = [ast.unparse(node) for node in ast.parse(stub).body if isinstance(node, ast.AnnAssign)]
    inserted[len(lines)] = [text for text in aliases if text.startswith("_")]
    view = [_IMPORTS_UNUSED]
    for at in range(len(lines) + 1):
        view += [Line(text, at) for text in inserted.get(at, ())]
        view += lines[at : at + 1]
    return view


def copy(target: Path, root: Path = ROOT) -> dict[str, tuple[Path, list[Line]]]:
    """Copy the tree with both views of each resource module, and no ``.pyi``.

    Returns:
        From the name of each view to the module that it shows, and its lines.
    """
    shutil.copytree(root / "src", target / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", target)
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["pyright"]
    del settings["ignore"]
    settings["include"] = [str(RESOURCES)]
    (target / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    views: dict[str, tuple[Path, list[Line]]] = {}
    for stub in sorted((target / RESOURCES).glob("*.pyi")):
        module = RESOURCES / f"{stub.stem}.py"
        source = (root / module).read_text("utf-8")
        shown = {
            f"_declared_{stub.stem}": declarations(source),
            stub.stem: bodies(source, stub.read_text("utf-8")),
        }
        for name, lines in shown.items():
            path = RESOURCES / f"{name}.py"
            views[str(path)] = (module, lines)
            (target / path).write_text("\n".join(line.text for line in lines) + "\n", "utf-8")
        stub.unlink()
    return views


def mypy(folder: Path, cache: Path, *arguments: str) -> Iterator[Finding]:
    """Yield the errors that mypy finds.

    Args:
        folder: A directory with a ``pyproject.toml``.
        cache: Directory of mypy's cache.
        arguments: Options, and what to check.
    """
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(cache), "--no-error-summary", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    for path, line, text in re.findall(r"^(.+?):(\d+): (error: .+)", done.stdout, re.MULTILINE):
        yield Finding(path, int(line), f"mypy: {text}")


def _pyright(folder: Path) -> Iterator[Finding]:
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    for item in json.loads(done.stdout)["generalDiagnostics"]:
        if item["severity"] == "error":
            path = Path(item["file"]).relative_to(folder)
            yield Finding(str(path), item["range"]["start"]["line"] + 1, f"pyright: {item['message']}")


def _mentions(test: ast.expr, name: str) -> bool:
    return any(name in (getattr(node, "id", ""), getattr(node, "attr", "")) for node in ast.walk(test))


def _branches(root: Path, name: str) -> Iterator[tuple[str, ast.If]]:
    """Yield each ``if`` under ``src`` whose condition mentions a name, with the path of its module."""
    for path in sorted((root / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.If) and _mentions(node.test, name):
                yield str(path.relative_to(root)), node


def _platforms(root: Path, cache: Path) -> Iterator[Finding]:
    """Yield the errors in branches that depend on the platform, on platforms other than this one."""
    lines = {(path, at + 1) for path, node in _branches(root, "platform") for at in _span(node)}
    modules = sorted({path for path, _ in lines})
    for platform in {"linux", "darwin", "win32"} - {sys.platform}:
        found = mypy(root, cache, "--platform", platform, *modules)
        yield from (item for item in found if (item.path, item.line) in lines)


def _is_binding(node: ast.stmt) -> bool:
    return isinstance(node, (ast.Assign, ast.Import, ast.ImportFrom)) and not any(
        isinstance(part, (ast.Lambda, ast.NamedExpr)) for part in ast.walk(node)
    )


def _unread(root: Path) -> Iterator[Finding]:
    """Yield the statements of branches for the run time that are more than a binding of a name."""
    for name in ("TYPE_CHECKING", "_TYPE_CHECKING"):
        for path, node in _branches(root, name):
            for statement in node.orelse if isinstance(node.test, ast.Name) else node.body:
                if not _is_binding(statement):
                    text = "a branch that no type checker reads may only bind names"
                    yield Finding(path, statement.lineno, text)


def _located(found: Iterable[Finding], views: dict[str, tuple[Path, list[Line]]]) -> Iterator[Finding]:
    for item in found:
        if item.path in views:
            module, lines = views[item.path]
            yield Finding(str(module), lines[item.line - 1].number, item.text)
        else:
            yield item


def check(root: Path = ROOT, *, pyright: bool = True) -> list[Finding]:
    """Return the errors in the code that a plain run does not read.

    Args:
        root: The project's directory.
        pyright: Whether pyright reads the resource modules after mypy.
    """
    with tempfile.TemporaryDirectory() as name:
        # mypy and pyright print real paths.
        folder = Path(name).resolve() / "copy"
        cache = Path(name) / "cache"
        folder.mkdir()
        views = copy(folder, root)
        found = list(mypy(folder, cache, str(RESOURCES)))
        if pyright:
            found += _pyright(folder)
        found += [*_platforms(root, cache), *_unread(root)]
        return list(dict.fromkeys(_located(found, views)))


def main() -> int:
    found = check()
    for item in found:
        print(f"{item.path}:{item.line}: {item.text}")
    print(f"{len(found)} errors in code that a plain run of the type checkers does not read")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
