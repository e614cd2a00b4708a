"""Every Python block of the README and the documentation runs, as it stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchcompute.service import embedded_service

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks() -> Iterator[object]:
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in BLOCK.finditer(text):
            line = text[: match.start()].count("\n") + 2
            yield pytest.param(match[1], line, id=f"{page.relative_to(ROOT)}:{line}")


@pytest.mark.skipif(sys.platform == "win32", reason="some of them run jobs")
@pytest.mark.parametrize(("code", "line"), list(blocks()))
def test_block(code: str, line: int) -> None:
    try:
        exec(compile("\n" * (line - 1) + code, "documentation", "exec"), {"__name__": "__main__"})
    finally:
        embedded_service().close()


def test_there_are_blocks() -> None:
    assert len(list(blocks())) >= 10


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_page_is_in_the_navigation_and_in_the_readme() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert f": {name}\n" in navigation, name
        assert name.startswith("reference/") or f"](docs/{name})" in readme, name


def test_pictures_of_pages_exist() -> None:
    for page in PAGES:
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).stat().st_size < 200_000, f"{page}: {target}"
