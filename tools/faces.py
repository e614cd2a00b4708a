"""Generate the static types of the models: a ``.pyi`` beside each resource module, and the TypedDicts."""

# The models declare each field once, in snake_case. Type checkers and editors also need both names of every attribute,
# the types that a setter accepts, and constructors with both names. All of that follows from the declarations.

from __future__ import annotations

import ast
import importlib
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin

from batchcompute.models import field_types
from batchcompute.models.base import Description, Jsonizable
from batchcompute.models.fields import ContainerField, Field, NestedField, TimeField
from batchcompute.models.json_schema import doc_of
from batchcompute.resources import _literals

MODULES = ("_setters", "image", "quota", "configs", "cluster", "appjob", "task", "job", "app")
FOLDER = Path("src/batchcompute/resources")
TYPES = Path("src/batchcompute/types.py")
_OPEN = {getattr(_literals, name): name for name in _literals.__all__}
_BANNER = "# Made by tools/generate.py from {name}; change that file instead.\n"


def _alias(cls: type) -> str:
    # In the body of a class with a property DAG, the name DAG is the property, so types have other names.
    return f"_{cls.__name__}"


def _plain(type_: Any, prefix: str = "_") -> str:
    """Return the name of the type of a read value.

    Args:
        type_: The type.
        prefix: The prefix of the names of open lists of words.
    """
    if type_ in _OPEN:
        return prefix + _OPEN[type_]
    if get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    if type_ is Any:
        return "Any"
    if type_ is datetime:
        return "datetime"
    if get_origin(type_) in (dict, list):
        args = ", ".join(_plain(arg) for arg in get_args(type_))
        return f"{get_origin(type_).__name__}[{args}]"
    if get_args(type_):
        return " | ".join(dict.fromkeys(_plain(arg) for arg in get_args(type_)))
    if isinstance(type_, type) and issubclass(type_, Jsonizable):
        return _alias(type_)
    return str(type_.__name__)


def getter(field: Field) -> str:
    """Return the type of the getter of a field."""
    name = _plain(field.type)
    if isinstance(field, (NestedField, ContainerField)):
        return name
    if isinstance(field, TimeField) or field.unset is None:
        return f"{name} | None"
    return name


def setter(field: Field) -> str:
    """Return the type of the setter of a field."""
    if isinstance(field, NestedField):
        return f"{_plain(field.type)} | Mapping[str, object] | None"
    if isinstance(field, TimeField):
        return "datetime | str | None"
    if isinstance(field, ContainerField):
        item = get_args(field.type)[-1]
        if field.item is not None:
            entry = f"{_alias(field.item)} | Mapping[str, object]"
            return f"{'Mapping[str, ' if get_origin(field.type) is dict else 'Sequence['}{entry}] | None"
        if get_origin(field.type) is dict:
            value = "object" if item in (Any, field_types.EnvText) else _plain(item)
            if get_origin(item) is list:
                value = f"list[{_plain(get_args(item)[0])}] | tuple[{_plain(get_args(item)[0])}, ...]"
            return f"Mapping[str, {value}] | None"
        return f"list[{_plain(item)}] | tuple[{_plain(item)}, ...] | None"
    return f"{_plain(field.type)} | None"


def _doc(text: str, indent: str) -> str:
    return textwrap.indent(f'"""{text}"""', indent)


def _property(spelling: str, field: Field, doc: str) -> str:
    noqa = "  # noqa: N802" if spelling != field.name else ""
    return textwrap.indent(
        f"@property\ndef {spelling}(self) -> {getter(field)}:{noqa}\n{_doc(doc, '    ')}\n"
        f"@{spelling}.setter\ndef {spelling}(self, value: {setter(field)}) -> None: ...{noqa}\n",
        "    ",
    )


def _constructors(cls: type[Jsonizable]) -> str:
    source = f"{_alias(cls)} | Mapping[str, object] | str | bytes | None"
    if not cls._declared:
        return f"    def __init__(self, properties: {source} = ...) -> None: ...\n"
    text = ""
    for spelling in ("wire", "name"):
        fields = "".join(
            f"        {getattr(field, spelling)}: {setter(field)} = ...,\n" for field in cls._declared
        )
        star = "        *,\n" if fields else ""
        text += (
            "    @overload\n    def __init__(\n        self,\n"
            f"        properties: {source} = ...,\n{star}{fields}    ) -> None: ...\n"
        )
    return text


def _methods(node: ast.ClassDef) -> Iterator[str]:
    for item in node.body:
        if not isinstance(item, ast.FunctionDef) or item.name.startswith("_"):
            continue
        doc = ast.get_docstring(item)
        stub = ast.FunctionDef(
            item.name, item.args, [ast.Expr(ast.Constant(...))], item.decorator_list, item.returns, None
        )
        head = ast.unparse(ast.fix_missing_locations(stub)).rsplit("...", 1)[0].rstrip()
        noqa = "  # noqa: N802" if item.name != item.name.lower() else ""
        body = textwrap.indent(f'"""{doc}\n"""' if doc and "\n" in doc else f'"""{doc}"""', "    ")
        yield textwrap.indent(f"{head}{noqa}\n{body}\n", "    ")


def _docs_of(cls: type[Jsonizable], name: str) -> str:
    text = doc_of(cls, name)
    if not text:
        raise SystemExit(f"faces: {cls.__name__}.{name} has no docstring")
    return text


def _class(cls: type[Jsonizable], node: ast.ClassDef) -> str:
    text = f"class {cls.__name__}({', '.join(ast.unparse(base) for base in node.bases)}):\n"
    doc = ast.get_docstring(node, clean=True)
    if doc:
        text += _doc(f"{doc}\n" if "\n" in doc else doc, "    ") + "\n"
    text += _constructors(cls)
    own = {field.name for field in cls._declared if field.name in cls.__annotations__}
    for field in cls._declared:
        # If unset fields read differently than in the base class, the class repeats them.
        changed = any(
            base._unset_as_zero != cls._unset_as_zero
            for base in cls.__bases__
            if issubclass(base, Description)
        )
        if field.name not in own and not changed:
            continue
        doc = _docs_of(cls, field.name)
        for spelling in dict.fromkeys((field.name, field.wire)):
            text += _property(spelling, field, doc)
    return text + "".join(_methods(node)) + "\n"


def _stub(module: ModuleType, path: Path) -> str:
    tree = ast.parse(path.read_text("utf-8"))
    imports = [
        ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("batchcompute.")
        and node.module
        not in (
            "batchcompute.models.constraints",
            "batchcompute.models.field_types",
            "batchcompute.models.problems",
            "batchcompute.errors",
        )
        and "_rules" not in ast.unparse(node)
    ]
    body = ""
    used: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            cls = getattr(module, node.name)
            body += _class(cls, node)
            for other in (cls, *(field.item for field in cls._declared if field.item)):
                used[_alias(other)] = other.__name__
            for field in cls._declared:
                if field.type in _OPEN:
                    used[f"_{_OPEN[field.type]}"] = _OPEN[field.type]
    for name in module.__all__:
        # A named union: type checkers do not need the discriminator of pydantic.
        value = getattr(module, name)
        if get_origin(value) is Annotated:
            members = [get_args(member)[0].__name__ for member in get_args(get_args(value)[0])]
            body += f"{name}: TypeAlias = {' | '.join(members)}\n"
    aliases = "".join(f"{alias}: TypeAlias = {name}\n" for alias, name in sorted(used.items()))
    header = (
        _BANNER.format(name=path.name)
        + "from collections.abc import Mapping, Sequence\nfrom datetime import datetime\n"
        + "from typing import Any, Self, TypeAlias, overload\n"
        + "\n".join(imports)
        + "\n\n"
    )
    exported = f"__all__ = {module.__all__!r}\n\n"
    return header + exported + body + aliases


def _dict_name(cls: type) -> str:
    prefix = "App" if cls.__module__.endswith(".app") and cls.__name__ in ("Config", "Docker") else ""
    return f"{prefix}{cls.__name__}Dict"


def _dict_type(field: Field) -> str:
    if isinstance(field, NestedField):
        return _dict_name(field.type)
    if isinstance(field, ContainerField):
        item = get_args(field.type)[-1]
        if field.item is not None:
            name = _dict_name(field.item)
            return f"dict[str, {name}]" if get_origin(field.type) is dict else f"list[{name}]"
        if get_origin(field.type) is dict and item in (Any, field_types.EnvText):
            return "Mapping[str, object]"
    nullable = " | None" if field.nullable else ""
    return _plain(field.type, "") + nullable


def _typed_dicts(classes: Sequence[type[Jsonizable]]) -> str:
    names = [_dict_name(cls) for cls in classes]
    text = (
        '"""TypedDicts with wire names, for dict literals that type checkers check."""\n\n'
        + _BANNER.format(name="the models")
        + '# For example: `job: JobDescriptionDict = {"Name": "demo", "DAG": {"Tasks": {}}}`. Every description accepts\n'
        + "# such a dict.\n\n"
        + "from __future__ import annotations\n\nfrom collections.abc import Mapping\n"
        + "from typing import Any, TypedDict\n\n"
        + f"from batchcompute.resources._literals import {', '.join(sorted(_literals.__all__))}\n\n"
        + f"__all__ = {sorted(names)!r}\n\n"
    )
    for cls in classes:
        text += f"class {_dict_name(cls)}(TypedDict, total=False):\n"
        text += _doc(f"The fields of `{cls.__name__}`.", "    ") + "\n\n"
        for field in cls._declared:
            doc = _docs_of(cls, field.name)
            text += f"    {field.wire}: {_dict_type(field)}\n{_doc(doc, '    ')}\n"
        text += "\n\n"
    return text


def faces() -> dict[Path, str]:
    """Return the contents of each ``.pyi`` and of the module of TypedDicts."""
    modules = {name: importlib.import_module(f"batchcompute.resources.{name}") for name in MODULES}
    result = {
        FOLDER / f"{name}.pyi": _stub(module, FOLDER / f"{name}.py") for name, module in modules.items()
    }
    classes = [
        cls
        for module in modules.values()
        for cls in vars(module).values()
        if isinstance(cls, type)
        and issubclass(cls, Description)
        and cls.__module__ == module.__name__
        and not cls.__name__.startswith("_")
        and cls._declared
        and cls.__name__ != "AppStatus"
    ]
    result[TYPES] = _typed_dicts(classes)
    return result
