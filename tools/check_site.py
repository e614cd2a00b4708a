"""Checks the reference of the built site: public names only, no field twice, examples as code."""

#     python tools/check_site.py SITE    # the folder that mkdocs has written

from __future__ import annotations

import html
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_HEADING = re.compile(r'<h[2-6] id="(batchcompute[^"]*)"')
_PRIVATE = re.compile(r"\bbatchcompute(?:\.\w+)*\._\w+[\w.]*")


def problems(page: Path) -> Iterator[str]:
    """Yield what is wrong with a page of the reference."""
    text = page.read_text("utf-8")
    body = text[text.index("<article") : text.index("</article>")]
    names = _HEADING.findall(body)
    if not names:
        yield "it documents nothing"
    fields = [
        name.rpartition(".") for name in names if name.rpartition(".")[0].rpartition(".")[2][:1].isupper()
    ]
    wire = {(owner, field.lower()) for owner, _, field in fields if field[:1].isupper()}
    twice = [
        f"{owner}.{field}"
        for owner, _, field in fields
        if field[:1].islower() and (owner, field.replace("_", "")) in wire
    ]
    twice += [name for name, count in Counter(names).items() if count > 1]
    if twice:
        yield f"documented twice: {', '.join(twice[:10])} ({len(twice)} in all)"
    words = html.unescape(re.sub(r"<[^>]+>", "", body))
    private = sorted({*_PRIVATE.findall(words), *(name for name in names if _PRIVATE.match(name))})
    if private:
        yield f"private names: {', '.join(private[:10])}"
    prose = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<pre.*?</pre>", "", body, flags=re.DOTALL)))
    if ">>>" in prose or "<blockquote>" in body:
        yield "an example is no code"


def main(site: Path) -> int:
    pages = sorted((site / "reference").rglob("index.html"))
    found = [f"{page.relative_to(site)}: {problem}" for page in pages for problem in problems(page)]
    examples = sum("&gt;&gt;&gt;" in page.read_text("utf-8") for page in pages)
    if not pages or not examples:
        found.append(f"{len(pages)} pages of the reference, {examples} of them with examples")
    print(*found or [f"{len(pages)} pages of the reference are well"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
