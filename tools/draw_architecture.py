"""Draw the picture of docs/architecture.md from its Mermaid source; needs Node.js and Chromium.

    python tools/draw_architecture.py

The picture is committed, so readers without a network see it, too. It carries the digest of its source, which a test
compares.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

LOOK = {
    "theme": "base",
    "themeVariables": {
        "fontFamily": "system-ui, sans-serif",
        "fontSize": "20px",
        "primaryColor": "#3a5f9e",
        "primaryBorderColor": "#6f90c9",
        "primaryTextColor": "#ffffff",
        "lineColor": "#7f8a9c",
        "clusterBkg": "#7f8a9c1a",
        "clusterBorder": "#7f8a9c",
        "titleColor": "#7a8596",
        "edgeLabelBackground": "#5a6475",
        "textColor": "#ffffff",
    },
    "flowchart": {
        "nodeSpacing": 12,
        "rankSpacing": 44,
        "padding": 8,
        "subGraphTitleMargin": {"top": 4, "bottom": 14},
    },
    # A page shows the picture at two thirds of its size.
    "themeCSS": ".flowchart-link { stroke-width: 2.5px !important } .cluster-label { font-weight: 600 } "
    ".node rect { rx: 6px; ry: 6px }",
}
"""Colours that are readable on white and on black, because the site has a light and a dark theme."""

DOCS = Path(__file__).resolve().parent.parent / "docs"


def source() -> str:
    """Return the Mermaid source of the picture."""
    found = re.search(
        r"^```mermaid\n(.*?)^```", (DOCS / "architecture.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found, "docs/architecture.md has no Mermaid block"
    return found[1]


def digest() -> str:
    """Return the digest of the source, as the picture carries it."""
    return hashlib.sha256(source().encode("utf-8")).hexdigest()


def main() -> None:
    environment = {
        **os.environ,
        "PUPPETEER_SKIP_DOWNLOAD": "1",
        "PUPPETEER_EXECUTABLE_PATH": shutil.which("chromium") or "",
    }
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "source.mmd").write_text(source(), "utf-8")
        (work / "browser.json").write_text('{"args": ["--no-sandbox"]}', "utf-8")
        (work / "look.json").write_text(json.dumps(LOOK), "utf-8")
        command = ["npx", "-y", "-p", "@mermaid-js/mermaid-cli", "mmdc", "-b", "transparent"]
        command += ["-c", "look.json", "-p", "browser.json", "-i", "source.mmd", "-o", "picture.svg"]
        subprocess.run(command, cwd=work, env=environment, check=True)
        picture = (work / "picture.svg").read_text("utf-8")
    (DOCS / "architecture.svg").write_text(f"{picture}\n<!-- source: {digest()} -->\n", "utf-8")


if __name__ == "__main__":
    main()
