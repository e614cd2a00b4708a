"""Writes every generated file of the project, or compares it with ``--check``."""

# Run it in the directory of the project with the development extra installed:
#
#     python tools/generate.py           # write
#     python tools/generate.py --check   # fail if a file differs from the generated text

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools")]


def _formatted(texts: dict[Path, str]) -> dict[Path, str]:
    """Format the texts in a directory of their own, with the project's settings."""
    ruff = [sys.executable, "-m", "ruff"]
    with tempfile.TemporaryDirectory() as folder:
        paths = {path: Path(folder) / path for path in texts}
        for path, copy in paths.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(texts[path], "utf-8")
        settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
        # Imports that a file turns out not to need go, the rest is put in order.
        subprocess.run(
            [
                *ruff,
                "check",
                *settings,
                "--fix",
                "--exit-zero",
                "--select",
                "F401,I,UP,RUF022",
                "--ignore",
                "UP028",
                folder,
            ],
            check=True,
        )
        subprocess.run([*ruff, "format", *settings, folder], check=True)
        return {path: copy.read_text("utf-8") for path, copy in paths.items()}


def main() -> int:
    from unasync import unasync

    sync = _formatted(unasync())
    check = "--check" in sys.argv[1:]
    stale = _write(sync, check)
    from faces import faces

    stale += _write(_formatted(faces()), check)
    stale += _write(_operations(), check)
    stale += _write(_limits(), check)
    stale += _write(_settings(), check)
    from rest_api import page

    stale += _write(page(ROOT), check)
    from openapi import document

    stale += _write(document(), check)
    for path in stale:
        print(f"{path} is not what tools/generate.py writes")
    return 1 if stale else 0


def _settings() -> dict[Path, str]:
    """Put the options of the service into the page on serving."""
    from batchcompute.service.settings import OPTIONS

    page = Path("docs/serving.md")
    lines = ["| option | value | default | meaning |", "| --- | --- | --- | --- |"]
    for option in OPTIONS.values():
        if option.sources == ("keyword",):
            continue
        allowed = "" if option.kind == "flag" else option.allowed.replace("'", "`")
        only = "; only on the command line" if option.sources == ("command line",) else ""
        lines.append(f"| `{option.flag}` | {allowed} | {option.default} | {option.description}{only} |")
    head, _, rest = (ROOT / page).read_text("utf-8").partition("<!-- settings -->")
    tail = rest.partition("<!-- end of settings -->")[2]
    return {page: f"{head}<!-- settings -->\n\n" + "\n".join(lines) + f"\n\n<!-- end of settings -->{tail}"}


def _limits() -> dict[Path, str]:
    """Write the page on the limits of each field, from the declarations of the models."""
    from batchcompute import resources
    from batchcompute.models.base import Description
    from batchcompute.models.constraints import MAX_INSTANCES
    from batchcompute.models.validation import MAX_BODY_BYTES, MAX_BODY_DEPTH, MAX_BODY_VALUES

    lines = [
        "# Limits",
        "",
        "The values that the service accepts in each field. `validate()` checks them before a request is sent, and the",
        "service checks them again. The JSON schemas (`JobDescription.model_json_schema()`, the OpenAPI document) contain them.",
        "",
        f"A description holds at most {MAX_BODY_BYTES} bytes as JSON, {MAX_BODY_VALUES} values and {MAX_BODY_DEPTH} levels, and a job at",
        f"most {MAX_INSTANCES} instances. Texts contain neither NUL nor a lone surrogate, and integers have at most 64 bits.",
        "",
        "| field | accepted |",
        "| --- | --- |",
    ]
    names = ("configs", "cluster", "image", "task", "job", "appjob", "app")
    classes = {
        cls.__module__ + cls.__name__: cls
        for name in names
        for cls in vars(getattr(resources, name)).values()
        if isinstance(cls, type)
        and issubclass(cls, Description)
        and not cls._reads_leniently()
        and not cls.__name__.startswith("_")
    }
    for cls in classes.values():
        for field in cls._declared:
            words = "; ".join(dict.fromkeys(constraint.summary() for constraint in field.constraints))
            if words:
                lines.append(f"| `{cls.__name__}.{field.wire}` | {words} |")
    return {Path("docs/limits.md"): "\n".join(lines) + "\n"}


def _operations() -> dict[Path, str]:
    """Write the table of operations into its page of the documentation."""
    from batchcompute.api.operations import OPERATIONS

    page = Path("docs/reference/operations.md")
    lines = [
        "| method | operation | request | body | status | retry class |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in OPERATIONS.values():
        query = f"?{'&'.join(row.query)}" if row.query else ""
        body = f"`{row.body}`" if row.body else ""
        lines.append(
            f"| `{row.name}` | {row.api} | `{row.method} {row.path}{query}` | {body} | {row.status} | {row.retry_class} |"
        )
    head = (ROOT / page).read_text("utf-8").partition("<!-- operations -->")[0]
    return {page: head + "<!-- operations -->\n\n" + "\n".join(lines) + "\n", **_retries(), **_decisions()}


def _decisions() -> dict[Path, str]:
    """Return the page on behaviour, with the table of decisions."""
    from batchcompute.service.behaviour import DECISIONS
    from rest_api import PAGE, anchors, linked

    places = anchors((ROOT / PAGE).read_text("utf-8"))
    page = Path("docs/behaviour.md")
    lines: list[str] = []
    about = ""
    for row in DECISIONS:
        if row.about != about:
            about = row.about
            lines += ["", f"### {about.capitalize()}", ""]
            lines += ["| point | decision | evidence | code |", "| --- | --- | --- | --- |"]
        ground = linked(row.ground, lambda words, number: f"[{words}]({PAGE.name}#{places[number]})")
        lines.append(f"| {row.point} | {row.choice} | {ground} | `{row.where}` |")
    head, _, rest = (ROOT / page).read_text("utf-8").partition("<!-- decisions -->")
    tail = rest.partition("<!-- end -->")[2]
    return {page: f"{head}<!-- decisions -->\n" + "\n".join(lines) + f"\n\n<!-- end -->{tail}"}


_AFTER_LOST_RESPONSE = {
    "read": "yes",
    "change": "yes",
    "delete": "yes; 404 then means success",
    "create": "yes, with its token",
    "action": "after a status read",
}


def _retries() -> dict[Path, str]:
    """Write the table of repeated calls into the page on retries."""
    from batchcompute.api.operations import OPERATIONS

    page = Path("docs/retries.md")
    lines = [
        "| call | not received, 408, 429 | response lost, 5xx | status read |",
        "| --- | --- | --- | --- |",
    ]
    for row in OPERATIONS.values():
        status_read = f"`{row.status_operation}`" if row.status_operation else ""
        not_received = "yes; 408, 429 after a status read" if row.retry_class == "action" else "yes"
        lost = _AFTER_LOST_RESPONSE[row.retry_class]
        lines.append(f"| `{row.name}` | {not_received} | {lost} | {status_read} |")
    head, _, rest = (ROOT / page).read_text("utf-8").partition("<!-- table -->")
    tail = rest.partition("<!-- end -->")[2]
    return {page: f"{head}<!-- table -->\n\n" + "\n".join(lines) + f"\n\n<!-- end -->{tail}"}


def _write(texts: dict[Path, str], check: bool) -> list[Path]:
    stale: list[Path] = []
    for path, text in texts.items():
        target = ROOT / path
        if target.exists() and target.read_text("utf-8") == text:
            continue
        if check:
            stale.append(path)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            print(f"wrote {path}")
    return stale


if __name__ == "__main__":
    import os

    os.chdir(ROOT)
    sys.exit(main())
