"""Descriptions in files: read in every format, checked completely, with the line of each problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, cast

from batchcompute.cli.files.document import Document, format_of, name_of, parse_json, read_text, same_field
from batchcompute.cli.files.short_form import expand, is_short
from batchcompute.cli.texts import clean
from batchcompute.errors import Problem, ValidationError

__all__: list[str] = []

_PARTS: Final = ("DAG", "Tasks", "Parameters", "Command")
"""Objects without which a job is not whole."""

KINDS: Final = ("job", "app", "cluster", "image")
"""The kinds of descriptions."""


@dataclass(slots=True)
class Description:
    """A description from a file."""

    document: Document
    """The file."""
    text: str
    """Its text."""
    value: dict[str, Any]
    """The description in the form of the API."""
    kind: str
    """Its kind."""
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """For the short form, its path for each path of the description."""
    problems: list[Problem] = field(default_factory=list[Problem])
    """Problems of the form, from the conversion."""
    packs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Tasks of a ``job.cfg`` file with the folder that is their package."""

    def place_of(self, path: str) -> tuple[str, int]:
        """Return the path in the spelling of the file, and its line; 0 for an unknown line.

        Args:
            path: A path of the description.
        """
        parts = path.split(".") if path else []
        for count in range(len(parts), 0, -1):
            source = self.sources.get(".".join(parts[:count]))
            if source is not None:
                parts = [*source, *parts[count:]]
                break
        if self.document.format == "json" and not self.document.lines:
            self._read_lines()
        return ".".join(parts), self.document.line_of(parts)

    def _read_lines(self) -> None:
        from batchcompute.cli.files.document import FileError
        from batchcompute.errors import ConfigError

        try:
            from batchcompute.cli.files.yaml_text import parse_yaml

            # JSON is YAML, except for tabs. No text in JSON holds a tab.
            self.document.lines = parse_yaml(self.document.name, self.text.replace("\t", " "), "json").lines
        except (FileError, ConfigError):
            # The lines help people. Without them, the paths remain.
            self.document.lines = {(): 0}


def load(path: str, kind: str = "job") -> Description:
    """Read a description.

    Args:
        path: Path of the file; ``-`` for stdin.
        kind: Kind of the description.

    Raises:
        FileError: The file cannot be read or parsed.
        ConfigError: The file is YAML, and the extra is not installed.
    """
    text = read_text(path)
    name = name_of(path)
    file_format = format_of(path, text)
    if file_format == "cfg":
        from batchcompute.cli.files.job_cfg import parse_job_cfg

        document, packs = parse_job_cfg(name, text)
        return Description(document, text, document.value, kind, problems=document.problems, packs=packs)
    if file_format == "json":
        document = parse_json(name, text)
    else:
        from batchcompute.cli.files.yaml_text import parse_yaml

        document = parse_yaml(name, text)
    if kind == "job" and is_short(document.value):
        value, sources, problems = expand(document.value, name)
        return Description(document, text, value, kind, sources, [*document.problems, *problems])
    return Description(document, text, document.value, kind, problems=list(document.problems))


def model_of(kind: str, value: Mapping[str, Any]) -> type[Any]:
    """Return the model of a kind of description.

    Args:
        kind: The kind.
        value: The description, which decides between both types of jobs.
    """
    from batchcompute import resources
    from batchcompute.api.calls import job_kind

    if kind == "job":
        return job_kind(value)[0]
    models: dict[str, type[Any]] = {
        "app": resources.AppDescription,
        "cluster": resources.ClusterDescription,
        "image": resources.ImageDescription,
    }
    return models[kind]


def problems_of(description: Description, of_service: bool = True) -> list[Problem]:
    """Return everything because of which the service would refuse a description.

    Args:
        description: The description.
        of_service: Whether the rules of the service of this package apply, besides those of the API.
    """
    model = model_of(description.kind, description.value)
    problems = list(description.problems)
    value: Any = description.value
    removed: list[str] = []
    model_value: Any = None
    while model_value is None:
        try:
            model_value = model(value)
        except ValidationError as error:
            problems += error.problems
            # The rest is checked, too, without the values of a wrong type.
            value = deepcopy(value)
            wrong = [_remove_at_or_above(value, problem.path) for problem in error.problems]
            if not any(wrong):
                return problems
            removed += wrong
    try:
        model_value.validate()
    except ValidationError as error:
        problems += [
            one for one in error.problems if not any(path and path.startswith(one.path) for path in removed)
        ]
    # A description that lacks whole parts is not looked at more closely.
    is_whole = not any(
        problem.kind == "missing" and problem.path.split(".")[-1] in _PARTS for problem in problems
    )
    if (
        of_service
        and is_whole
        and model_value.__class__.__name__ == "JobDescription"
        and model_value.dag is not None
    ):
        from batchcompute.service.domain.defaults import Platform, service_problems

        # The machine of the service is not known, so its own limits are not checked.
        known = {problem.path for problem in problems}
        further = service_problems(model_value, Platform(lambda: 1 << 40, lambda: ""))
        problems += [problem for problem in further if problem.path not in known]
    return list(dict.fromkeys(problems))


def _remove_at_or_above(value: Any, path: str) -> str:
    """Remove a value, or the smallest object around it; return the path of what was removed, or an empty text."""
    parts = path.split(".")
    paths = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((one for one in paths if _remove(value, one)), "")


def _remove(value: Any, path: str) -> bool:
    """Remove a value from a description; return whether it was there."""
    parts = path.split(".")
    while parts and isinstance(value, (dict, list)):
        if isinstance(value, list):
            items = cast("list[Any]", value)
            index = int(parts[0]) if parts[0].isdecimal() else len(items)
            if index >= len(items):
                return False
            if len(parts) == 1:
                # The other items would have other numbers.
                return False
            value = items[index]
            parts = parts[1:]
            continue
        fields = cast("dict[str, Any]", value)
        # A key with a dot is several parts.
        for count in range(1, len(parts) + 1):
            key = next((one for one in fields if same_field(one, ".".join(parts[:count]))), None)
            if key is not None:
                break
        else:
            return False
        if count == len(parts):
            del fields[key]
            return True
        value = fields[key]
        parts = parts[count:]
    return False


def unknown_fields(description: Description) -> list[Problem]:
    """Return the fields that no version of the API has; they would not be sent.

    Args:
        description: The description.
    """
    return list(_unknown(model_of(description.kind, description.value), description.value, ""))


def _unknown(model: type[Any], value: Any, at: str) -> Iterator[Problem]:
    from batchcompute.models.fields import NestedField
    from batchcompute.models.problems import nearest

    if not isinstance(value, dict):
        return
    for key, inner in cast("dict[str, Any]", value).items():
        path = f"{at}.{key}" if at else key
        field_type = model._fields.get(key)
        if field_type is None:
            yield Problem(
                path, "", f"is no field of {model.__name__}, and is not sent{nearest(key, model._fields)}"
            )
        elif field_type.item is not None:
            if isinstance(field_type, NestedField):
                yield from _unknown(field_type.item, inner, path)
            elif isinstance(inner, dict):
                for name, item in cast("dict[str, Any]", inner).items():
                    yield from _unknown(field_type.item, item, f"{path}.{name}")
            elif isinstance(inner, list):
                for index, item in enumerate(cast("list[Any]", inner)):
                    yield from _unknown(field_type.item, item, f"{path}.{index}")


def lines(description: Description, problems: list[Problem]) -> list[str]:
    """Return one line of text for each problem: file, line, path, reason.

    Args:
        description: The description.
        problems: The problems.
    """
    name = clean(description.document.name)
    return [
        f"{name}:{line}: {clean(str(problem))}" if line else f"{name}: {clean(str(problem))}"
        for line, problem in placed(description, problems)
    ]


def placed(description: Description, problems: Iterable[Problem]) -> list[tuple[int, Problem]]:
    """Return problems by their lines, with the paths of the file; 0 stands for an unknown line.

    A value that several tasks share, from the top of the file or by an alias, has one problem.

    Args:
        description: The description.
        problems: The problems.
    """
    rows: dict[tuple[int, tuple[str, ...], str, str], tuple[int, Problem]] = {}
    for problem in problems:
        path, line = description.place_of(problem.path)
        in_file = Problem(path, problem.value, problem.allowed, problem.kind)
        original = description.document.original_of(path.split("."))
        rows.setdefault((line, original, problem.value, problem.allowed), (line, in_file))
    return sorted(rows.values(), key=lambda row: row[0])
