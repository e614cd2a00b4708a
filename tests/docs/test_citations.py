"""Each citation of the REST API names a section of the page that describes it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from batchcompute.api.operations import OPERATIONS
from batchcompute.service.behaviour import DECISIONS

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))

from rest_api import CITATION, HEADING, PAGE, anchors, linked, page  # noqa: E402

TEXT = (ROOT / PAGE).read_text("utf-8")
SECTIONS = anchors(TEXT)
FOLDERS = ("src", "docs", "tools", "tests", "benchmarks", "examples")
OLD = (r"\(reference,", r"\breference,? (section )?\d", r"section \d[\d.]* of the reference", r"\(section \d")
INTERNAL = (
    "local-" + "service",
    "sdk-" + "anchors",
    "sdk-" + "guide",
    "compatibility" + r"\.md",
    r"(?<!-)\bapi\." + "md",
)


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".pyi", ".md", ".json", ".toml", ".html") and path != Path(__file__):
                yield path


def cited(text: str) -> list[str]:
    return [number for match in CITATION.finditer(text) for number in re.findall(r"\d+(?:\.\d+)?", match[1])]


def test_no_two_sections_have_the_same_number() -> None:
    numbers = [number for number, _ in HEADING.findall(TEXT)]
    assert len(numbers) == len(set(numbers)) >= 45
    assert numbers == sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])


def test_every_citation_names_a_section() -> None:
    count = 0
    for path in files():
        for number in cited(path.read_text("utf-8")):
            assert number in SECTIONS, f"{path.relative_to(ROOT)}: {number}"
            count += 1
    assert count >= 150


def test_a_citation_is_found_over_the_end_of_a_line() -> None:
    assert cited("# as it says (REST API,\n    # 2.1, 3.4 and 9.9)") == ["2.1", "3.4", "9.9"]
    assert cited("(CreateJob; REST API, 3.1), 7 more") == ["3.1"]


def test_nothing_cites_a_document_that_readers_do_not_have() -> None:
    for path in files():
        text = path.read_text("utf-8")
        for pattern in (*OLD, *INTERNAL):
            found = re.search(pattern, text)
            assert not found, f"{path.relative_to(ROOT)}: {found and found[0]}"


def test_each_operation_belongs_to_a_section() -> None:
    for row in OPERATIONS.values():
        assert row.section in SECTIONS
        assert re.search(rf"^\*\*.*{row.api}\b", TEXT, re.MULTILINE), row.api


def test_the_openapi_document_cites_each_operation() -> None:
    document = json.loads((ROOT / "src/batchcompute/service/openapi.json").read_text("utf-8"))
    summaries = "; ".join(
        operation["summary"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    )
    for row in OPERATIONS.values():
        assert f"{row.api} (REST API, {row.section})" in summaries


def test_links_lead_to_sections() -> None:
    count = 0
    for path in (ROOT / "docs").rglob("*.md"):
        pattern = r"\]\((?:\.\./)*rest-api\.md#([^)]+)\)" if path != ROOT / PAGE else r"\]\(#([^)]+)\)"
        for anchor in re.findall(pattern, path.read_text("utf-8")):
            assert anchor in SECTIONS.values(), f"{path.relative_to(ROOT)}: {anchor}"
            count += 1
    assert count >= 60


def test_the_page_on_behaviour_links_what_its_decisions_cite() -> None:
    text = (ROOT / "docs" / "behaviour.md").read_text("utf-8")
    assert not cited(text)
    for decision in DECISIONS:
        for number in cited(decision.ground):
            assert f"](rest-api.md#{SECTIONS[number]})" in text


def test_anchors_are_those_of_mkdocs() -> None:
    toc = pytest.importorskip("markdown.extensions.toc")
    for number, title in HEADING.findall(TEXT):
        assert SECTIONS[number] == toc.slugify(f"{number} {title}", "-")


def test_every_citation_becomes_a_link() -> None:
    text = linked("x (REST API, 2.1, 2.2 and 4) y", lambda words, number: f"[{words}](#{number})")
    assert text == "x ([REST API, 2.1](#2.1), [2.2](#2.2) and [4](#4)) y"
    assert linked(text, lambda *_: "twice") == text


def test_pages_of_docstrings_have_links() -> None:
    pytest.importorskip("mkdocs")
    from mkdocs_hook import on_page_content

    there = SimpleNamespace(file=SimpleNamespace(src_uri="reference/models.md"), url="reference/models/")
    html = on_page_content("<p>A task (REST API, 3.2).</p>", there)
    assert html == f'<p>A task (<a href="../../rest-api/#{SECTIONS["3.2"]}">REST API, 3.2</a>).</p>'


def test_the_tables_are_those_of_the_code() -> None:
    assert page(ROOT)[PAGE] == TEXT
    for name in ("operations", "errors", "fields"):
        assert f"<!-- generated: {name}" in TEXT
    emptied = re.sub(r"(<!-- generated: .*? -->\n).*?(<!-- end -->)", r"\1\2", TEXT, flags=re.DOTALL)
    assert "`StopJob`" not in emptied
    assert len(emptied) < len(TEXT) - 10_000
