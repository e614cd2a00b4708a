"""The JSON schema of a model, with the docstrings and constraints of its fields."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any

from batchcompute.models.constraints import AppReference, Constraint, Name, Required
from batchcompute.models.fields import Field

__all__: list[str] = []


@cache
def docs_of(cls: type[Any]) -> dict[str, str]:
    """Return the docstring of each field that the class itself declares, by snake_case name.

    The docstrings are read from the source. Without the source, the result is empty.
    """
    module = sys.modules.get(cls.__module__)
    try:
        source = inspect.getsource(module) if module is not None else ""
    except (OSError, TypeError):
        return {}
    classes = [node for node in ast.walk(_tree_of(source)) if isinstance(node, ast.ClassDef)]
    body: list[ast.stmt] = []
    for node in classes:
        if node.name == cls.__name__:
            body = node.body
    docs: dict[str, str] = {}
    for first, second in pairwise(body):
        if not isinstance(first, ast.AnnAssign) or not isinstance(first.target, ast.Name):
            continue
        if isinstance(second, ast.Expr) and isinstance(second.value, ast.Constant):
            docs[first.target.id] = str(second.value.value)
    return docs


@cache
def _tree_of(source: str) -> ast.Module:
    return ast.parse(source)


def doc_of(cls: type[Any], name: str) -> str:
    """Return the docstring of a field, which a base class may declare; empty if there is none."""
    return next((docs_of(base)[name] for base in cls.__mro__ if name in docs_of(base)), "")


def is_required(field: Field) -> bool:
    """Return whether the service requires a field."""
    return any(isinstance(constraint, (Required, Name, AppReference)) for constraint in field.constraints)


def _with_constraints(schema: dict[str, Any], constraints: tuple[Constraint, ...]) -> dict[str, Any]:
    """Return the schema of a field with the keywords of its constraints."""
    added: dict[str, Any] = {}
    for constraint in constraints:
        for key, value in constraint.json_schema().items():
            if key == "additionalProperties":
                value = {**schema.get(key, {}), **value} if isinstance(schema.get(key), dict) else value
            added[key] = value
    if not added:
        return schema
    if "enum" in added and "anyOf" in schema:
        # A closed list of words replaces an open one.
        return {**{key: value for key, value in schema.items() if key != "anyOf"}, "type": "string", **added}
    return {**schema, **added}


_NULL = {"type": "null"}


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that accepts null."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*(choice for choice in schema["anyOf"] if choice != _NULL), _NULL]}
    return {"anyOf": [schema, _NULL]}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that is absent when it is not set."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
    if len(choices) > 1:
        return {**schema, "anyOf": choices}
    return {
        **{key: value for key, value in schema.items() if key != "anyOf"},
        **(choices[0] if choices else {}),
    }


def model_schema(cls: type[Any], schema: dict[str, Any], handler: Any) -> dict[str, Any]:
    """Return the schema of a model, with descriptions, required fields, constraints and examples.

    An unset field is absent, so only fields that accept null as a value can be null.

    Args:
        cls: The class.
        schema: The schema of pydantic.
        handler: The handler of pydantic, which resolves references.
    """
    resolved = handler.resolve_ref_schema(schema)
    properties: dict[str, Any] = resolved.get("properties", {})
    required = set(resolved.get("required", ()))
    # Constraints apply to descriptions. In an answer, the service may leave out what the caller may not see.
    constrained = not cls._reads_leniently()
    for field in cls._declared:
        key = next((name for name in (field.wire, field.name) if name in properties), "")
        if not key:
            continue
        property_schema = dict(properties[key])
        property_schema.pop("title", None)
        if property_schema.get("default", 0) is None and not field.nullable:
            del property_schema["default"]
        property_schema = _with_null(property_schema) if field.nullable else _without_null(property_schema)
        if constrained:
            property_schema = _with_constraints(property_schema, field.constraints)
        doc = doc_of(cls, field.name)
        if doc:
            property_schema["description"] = doc
        properties[key] = property_schema
        if constrained and is_required(field) and field.default is None:
            required.add(key)
    if required:
        resolved["required"] = [key for key in properties if key in required]
    if cls._examples:
        resolved["examples"] = list(cls._examples)
    return schema
