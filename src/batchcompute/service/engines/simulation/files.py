"""Scripts as plain data: a dict, or a JSON text."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

from batchcompute.service.engines.simulation.checks import misplaced, number, problem
from batchcompute.service.spelling import nearest

if TYPE_CHECKING:
    from batchcompute.service.engines.simulation.script import Script

__all__ = ["fill", "parse"]

_S = TypeVar("_S", bound="Script")

_STEPS: Final = (
    "succeeds",
    "then_succeeds",
    "fails",
    "killed",
    "lost",
    "rejected",
    "hangs",
    "pending",
    "unknown",
    "on",
    "ignores_cancel",
    "submit_raises",
    "submit_answers_nonsense",
)
"""The methods of a script that plain data can call."""


def parse(content: str | bytes) -> Mapping[str, object]:
    """Return the object of a JSON text.

    Raises:
        ValidationError: The text is not JSON, or its JSON is not an object.
    """
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise misplaced("", f"the text is not JSON: {error}") from None
    return _mapping("", value)


def fill(script: _S, content: object) -> _S:
    """Apply plain data to an empty script.

    Raises:
        ValidationError: A field is unknown, missing or invalid.
    """
    fields = _mapping("", content)
    _known("", fields, ("seconds", "nodes", "lost_nodes", "rules"))
    if "seconds" in fields:
        script.seconds = number("seconds", fields["seconds"])
    for name, slots in _mapping("nodes", fields.get("nodes", {})).items():
        _call(script, "node", f"nodes.{name}", {"name": name, "slots": slots})
    for path, item in _items("lost_nodes", fields.get("lost_nodes", ())):
        _call(script, "node_lost", path, _mapping(path, item))
    for path, item in _items("rules", fields.get("rules", ())):
        rule = dict(_mapping(path, item))
        steps = rule.pop("steps", ())
        _call(script, "task", path, rule, hidden=("where",), more=("steps",))
        for step_path, step in _items(f"{path}.steps", steps):
            _apply(script, step_path, step)
    script.path = ""
    return script


def _apply(script: Script, path: str, step: object) -> None:
    """Call the method that one step names."""
    fields = _mapping(path, step)
    if len(fields) != 1:
        raise problem(path, step, f"must have one field, one of: {', '.join(_STEPS)}")
    _known(path, fields, _STEPS)
    for name, arguments in fields.items():
        script.rules[-1].path = path
        _call(script, name, f"{path}.{name}", _mapping(f"{path}.{name}", arguments))


def _call(
    script: Script,
    method: str,
    path: str,
    arguments: Mapping[str, object],
    *,
    hidden: Sequence[str] = (),
    more: Sequence[str] = (),
) -> None:
    """Call a method of the script with arguments by name."""
    function = cast("Callable[..., object]", getattr(script, method))
    parameters = inspect.signature(function).parameters
    names = [name for name in parameters if name not in hidden]
    _known(path, arguments, names, more)
    for name in names:
        if parameters[name].default is inspect.Parameter.empty and name not in arguments:
            raise misplaced(f"{path}.{name}", "is missing")
    script.path = path
    function(**arguments)


def _known(path: str, fields: Mapping[str, object], names: Sequence[str], more: Sequence[str] = ()) -> None:
    allowed = [*names, *more]
    for name in fields:
        if name not in allowed:
            where = f"{path}.{name}" if path else name
            raise misplaced(
                where, f"is unknown; did you mean `{nearest(name, allowed)}`? There is {', '.join(allowed)}"
            )


def _mapping(path: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise problem(path, value, "must be an object")
    fields = cast("Mapping[object, object]", value)
    for name in fields:
        if not isinstance(name, str):
            raise problem(path, name, "must have only texts as names of fields")
    return cast("Mapping[str, object]", fields)


def _items(path: str, value: object) -> Iterator[tuple[str, object]]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise problem(path, value, "must be a list")
    for number_, item in enumerate(cast("Sequence[object]", value)):
        yield f"{path}[{number_}]", item
