"""Turn the citations in docstrings into links when MkDocs builds the pages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# MkDocs restores the path after it has loaded the hook, so the import is here.
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools")]

from rest_api import PAGE, anchors, linked  # noqa: E402


def on_page_content(html: str, page: Any, **_: object) -> str:
    """Link each citation of a page to its section of the page on the REST API.

    Args:
        html: The content of the page.
        page: The page, as MkDocs describes it.
    """
    from mkdocs.utils import get_relative_url

    if page.file.src_uri == PAGE.name:
        return html
    places = anchors((ROOT / PAGE).read_text("utf-8"))
    target = get_relative_url(f"{PAGE.stem}/", page.url)
    return linked(html, lambda words, number: f'<a href="{target}#{places[number]}">{words}</a>')
