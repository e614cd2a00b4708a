"""Draw the picture of docs/architecture.md from its Mermaid source; needs Node.js and Chromium.

    python tools/draw_architecture.py

The picture is committed, so readers without a network see it, too. It carries the digest of its source, which a test
compares.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

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
        command = ["npx", "-y", "-p", "@mermaid-js/mermaid-cli", "mmdc", "-b", "white"]
        command += ["-p", "browser.json", "-i", "source.mmd", "-o", "picture.svg"]
        subprocess.run(command, cwd=work, env=environment, check=True)
        picture = (work / "picture.svg").read_text("utf-8")
    (DOCS / "architecture.svg").write_text(f"{picture}\n<!-- source: {digest()} -->\n", "utf-8")


if __name__ == "__main__":
    main()
