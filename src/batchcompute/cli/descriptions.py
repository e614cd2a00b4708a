"""``batchcompute validate``, ``convert``, ``schema``: descriptions in files."""

from __future__ import annotations

import json
from typing import Any

import click

from batchcompute.cli.failures import MISTAKE, fail, say
from batchcompute.cli.files.description import (
    KINDS,
    lines,
    load,
    model_of,
    placed,
    problems_of,
    unknown_fields,
)
from batchcompute.cli.files.document import FileError, name_of
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json, write_text
from batchcompute.cli.state import OF_FILES, state_of
from batchcompute.cli.texts import clean
from batchcompute.errors import Problem

__all__: list[str] = []

_KIND = click.option(
    "--kind", type=click.Choice(KINDS), default="job", help="Kind of the description (default: job)."
)


def _as_json(line: int, problem: Problem, severity: str) -> dict[str, Any]:
    return {
        "Severity": severity, "Path": problem.path, "Line": line or None, "Value": problem.value or None,
        "Message": problem.allowed,
    }  # fmt: skip


@command(
    "validate",
    globals_=OF_FILES,
    epilog=examples(
        "batchcompute validate pipeline.yaml",
        "batchcompute validate --strict job.json job.cfg",
        "cat job.json | batchcompute validate -",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_KIND
@click.option(
    "--strict", is_flag=True, help="Take warnings for problems: fields that no version of the API has."
)
@click.pass_context
def validate_command(context: click.Context, files: tuple[str, ...], kind: str, strict: bool) -> int:
    """Check descriptions without a service, and print all their problems, each with its line and path.

    A FILE is JSON, YAML, or a job.cfg of bcs; - is stdin. The exit status is 0 if there is no problem, and else 2.
    """
    state = state_of(context)
    status = 0
    results: list[dict[str, Any]] = []
    for file in files:
        try:
            description = load(file, kind)
        except FileError as error:
            status = MISTAKE
            say(f"batchcompute: {error}")
            problem = Problem("", "", error.reason)
            unreadable = {
                "File": name_of(file),
                "Valid": False,
                "Problems": [_as_json(error.line, problem, "error")],
            }
            results.append(unreadable)
            continue
        problems = problems_of(description)
        warnings = unknown_fields(description)
        name = description.document.name
        if problems or (strict and warnings):
            status = MISTAKE
        if state.json:
            severities = (("error", problems), ("error" if strict else "warning", warnings))
            listed = [
                _as_json(line, one, severity)
                for severity, some in severities
                for line, one in placed(description, some)
            ]
            listed.sort(key=lambda one: one["Line"] or 0)
            valid = not problems and not (strict and warnings)
            results.append({"File": name, "Valid": valid, "Problems": listed})
            continue
        for text in lines(description, warnings):
            write(text if strict else f"warning: {text}")
        for text in lines(description, problems):
            write(text)
        if not problems and not (strict and warnings):
            write(f"{clean(name)}: valid")
    if state.json:
        write_json(sorted(results, key=lambda one: str(one["File"])))
    return status


@command(
    "convert",
    globals_=OF_FILES,
    epilog=examples(
        "batchcompute convert job.cfg > job.json",
        "batchcompute convert --to yaml job.json",
    ),
)
@click.argument("file")
@_KIND
@click.option(
    "--to", "target", type=click.Choice(("json", "yaml")), default="json", help="The format (default: json)."
)
def convert_command(file: str, kind: str, target: str) -> int:
    """Print the description in a FILE in the form of the API.

    The file is JSON, YAML in the short or the long form, or a job.cfg of bcs; - is stdin.
    """
    description = load(file, kind)
    # The description may be for another service.
    problems = problems_of(description, of_service=False)
    for text in lines(description, unknown_fields(description)):
        say(f"batchcompute: warning: {text}")
    if problems:
        for text in lines(description, problems):
            say(text)
        return MISTAKE
    for task, folder in description.packs:
        say(
            f"batchcompute: warning: pack={folder} of task {task} is left out: upload an archive of it, and name it in "
            "PackagePath; `batchcompute run` does both by itself"
        )
    model_value = model_of(kind, description.value)(description.value)
    value: dict[str, Any] = json.loads(model_value.dump(None))
    if target == "json":
        write_json(value)
    else:
        from batchcompute.cli.files.yaml_text import dump_yaml

        write_text(dump_yaml(value))
    return 0


@command(
    "schema",
    globals_=OF_FILES,
    epilog=examples("batchcompute schema > job.schema.json", "batchcompute schema app"),
)
@click.argument("kind", type=click.Choice((*KINDS, "short")), default="job")
def schema_command(kind: str) -> None:
    """Print the JSON schema of a KIND of description: job, app, cluster, image, or short.

    Editors check files and complete fields with it. short is the short form of jobs in YAML.
    """
    if kind == "short":
        from batchcompute.cli.files.short_schema import short_schema

        write_json(short_schema())
        return
    model = model_of(kind, {"DAG": {}})
    schema: dict[str, Any] = model.model_json_schema(by_alias=True)
    if not schema:
        fail(f"there is no schema of {kind}")
    write_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
