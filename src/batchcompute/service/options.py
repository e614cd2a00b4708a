"""Properties of options, read from a model, and the messages about their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from batchcompute.service.spelling import nearest

__all__ = ["Notes", "Option", "Source", "conflict", "line", "options_of", "spelled"]

Source = Literal["command line", "environment", "file", "keyword"]
"""Source of the value of an option; ``keyword`` is an argument of `LocalService`."""

_LONGEST_VALUE: Final = 200
"""Characters of a wrong value that a message shows."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Properties of an option that the type of its field does not contain."""

    allowed: str = ""
    """The allowed values, in words."""
    metavar: str = ""
    """Placeholder of its value in the help."""
    default: str = ""
    """The default, in words."""
    keyword: str = ""
    """The argument of `LocalService`, if it has another name."""
    sources: tuple[Source, ...] = ("command line", "environment", "file", "keyword")
    """The possible sources of its value."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the service, for the parser, the documents and the messages."""

    name: str
    """Its name in `Settings` and in the ``[serve]`` table of the file."""
    description: str
    """Its effect, as one sentence without a full stop."""
    allowed: str
    """The allowed values, in words."""
    default: str
    """The default, in words."""
    sources: tuple[Source, ...]
    """The possible sources of its value."""
    kind: Literal["flag", "integer", "list", "text"]
    """The form of its value as text."""
    metavar: str = ""
    """Placeholder of its value in the help of the command line."""
    keyword: str = ""
    """The argument of `LocalService`."""

    @property
    def flag(self) -> str:
        """The option of the command line, such as ``--data-dir``."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable, such as ``BATCHCOMPUTE_DATA_DIR``."""
        return "BATCHCOMPUTE_" + self.name.upper()


def options_of(model: type[BaseModel]) -> dict[str, Option]:
    """Read the list of options from the fields of a model.

    Args:
        model: The model; its fields are annotated with `Notes`.
    """
    options: dict[str, Option] = {}
    for name, info in model.model_fields.items():
        notes = next((item for item in info.metadata if isinstance(item, Notes)), Notes())
        annotation = cast("object", info.annotation)
        preset = cast("object", info.default)
        kind: Literal["flag", "integer", "list", "text"] = "text"
        allowed = notes.allowed
        if annotation is bool:
            kind, allowed = "flag", "true or false"
        elif annotation in (int, int | None):
            kind, allowed = "integer", allowed or _range(info.metadata)
        elif isinstance(preset, dict):
            kind = "list"
        elif not allowed:
            allowed = _words(get_args(annotation))
        metavar = notes.metavar or (
            "NUMBER" if kind == "integer" else "|".join(map(str, get_args(annotation)))
        )
        default = notes.default or ("on" if preset is True else "off" if preset is False else f"`{preset}`")
        keyword = (notes.keyword or name) if "keyword" in notes.sources else ""
        options[name] = Option(
            name, info.description or "", allowed, default, notes.sources, kind, metavar, keyword
        )
    return options


def conflict(first: str, verb: str, second: str, reason: str) -> PydanticCustomError:
    """Return the error of two options that contradict each other.

    Args:
        first: Name of an option.
        verb: Its relation to the other one, such as ``needs``.
        second: Name of the other option.
        reason: Cause of the contradiction.
    """
    return PydanticCustomError(
        "conflict", "conflict", {"first": first, "verb": verb, "second": second, "reason": reason}
    )


def line(
    error: ValidationError,
    values: Mapping[str, object],
    options: Mapping[str, Option],
    origins: Mapping[str, str],
    style: Source,
) -> str:
    """Return one line about the first error: the setting, the value, and which values are allowed.

    Args:
        error: The error of the model.
        values: The values that the model refused.
        options: The options by name.
        origins: The names as the user wrote them.
        style: The kind of names for options without an origin.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    context = first.get("ctx", {})
    if first["type"] == "conflict":
        names = [spelled(options[context[key]], origins, style) for key in ("first", "second")]
        return f"{names[0]} {context['verb']} {names[1]}: {context['reason']}"
    name = str(first["loc"][0])
    if name not in options:
        return f"there is no setting {name!r}; the nearest is {nearest(name, options)!r}"
    value = context["value"] if "value" in context else values[name]
    shown = repr(value)
    if len(shown) > _LONGEST_VALUE:
        shown = f"{shown[:_LONGEST_VALUE]}…"
    return f"{spelled(options[name], origins, style)} must be {options[name].allowed}, not {shown}"


def spelled(option: Option, origins: Mapping[str, str], style: Source) -> str:
    """Return the name of an option as the user wrote it, or would write it.

    Args:
        option: The option.
        origins: The names as the user wrote them.
        style: The kind of name for an option without an origin.
    """
    return (
        origins.get(option.name)
        or {
            "command line": option.flag,
            "environment": option.variable,
            "file": option.name,
            "keyword": option.keyword,
        }[style]
    )


def _words(choices: tuple[str, ...]) -> str:
    return f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"


def _range(metadata: list[Any]) -> str:
    low, high = (
        next((getattr(item, side) for item in metadata if hasattr(item, side)), None) for side in ("ge", "le")
    )
    return f"an integer from {low} to {high}" if high is not None else f"an integer, {low} or more"
