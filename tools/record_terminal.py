"""Records the terminal of the README: runs commands on a terminal of their own, and draws the result as an SVG."""

#     python tools/record_terminal.py    # writes docs/images/terminal.svg; needs the extras cli and serve

# The lines appear at the times at which the programs wrote them. Where an image cannot move, all lines are there.

from __future__ import annotations

import codecs
import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "terminal.svg"
WIDTH = 100
PIPELINE = """\
stdout: oss://demo/logs/
stderr: oss://demo/logs/
tasks:
  split:  {command: 'sleep 0.3; echo "part $BATCH_COMPUTE_DAG_INSTANCE_ID"', count: 6}
  merge:  {command: "sleep 0.4; cat parts.txt", after: split}
  report: {command: echo done, after: merge}
"""
COMMANDS = (
    """batchcompute run --command 'echo "hello from $BATCH_COMPUTE_DAG_TASK_ID"'""",
    "cat pipeline.yaml",
    "batchcompute run pipeline.yaml",
    "batchcompute jobs",
    "batchcompute logs {failed} merge 0 --stderr",
)
THEME = TerminalTheme(
    (22, 27, 34), (201, 209, 217),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)],
    [(110, 118, 129), (255, 161, 152), (86, 211, 100), (227, 179, 65), (121, 192, 255), (210, 168, 255), (86, 212, 221), (240, 246, 252)],
)  # fmt: skip
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>Commands of batchcompute, and their output</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
@keyframes hidden {{ from, to {{ opacity: 0 }} }}
{styles}
@media (prefers-reduced-motion: reduce) {{ * {{ animation: none !important }} }}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""
_CONTROL = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])")


class Screen:
    """The lines that a terminal shows, with the colors of each character, and the time at which each line appeared."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]
        self.times: list[float] = [0.0]
        self._row = self._column = 0
        self._color = ""

    def write(self, text: str, at: float) -> None:
        """Show text, with the control characters that the display of `batchcompute run` uses."""
        position = 0
        while position < len(text):
            match = _CONTROL.match(text, position)
            if match:
                self._control(match[1], match[2])
                position = match.end()
                continue
            self._character(text[position], at)
            position += 1

    def _control(self, number: str, kind: str) -> None:
        if kind == "m":
            self._color = "" if number in ("", "0") else f"{self._color}\x1b[{number}m"
        elif kind == "A":
            self._row = max(self._row - int(number or 1), 0)
        elif kind == "K":
            self.lines[self._row] = []

    def _character(self, character: str, at: float) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._row += 1
            if self._row == len(self.lines):
                self.lines.append([])
                self.times.append(at)
        elif character >= " ":
            line = self.lines[self._row]
            line += [" "] * (self._column + 1 - len(line))
            line[self._column] = f"{self._color}{character}\x1b[0m" if self._color else character
            self._column += 1

    def text(self) -> str:
        """Return all lines, with their colors as control characters."""
        return "\n".join("".join(line) for line in self.lines)


def run(command: str, screen: Screen, folder: Path, environment: dict[str, str], started: float) -> None:
    """Run a command on a pseudo-terminal, and show what it writes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux reports the end of a terminal as an error.
            data = b""
        screen.write(decoder.decode(data, not data), time.monotonic() - started)
        if not data:
            break
    os.close(ours)
    process.wait()


def record() -> Screen:
    """Run all commands with a data directory of their own."""
    screen = Screen()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pipeline.yaml").write_text(PIPELINE)
        program = folder / "bin" / "batchcompute"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m batchcompute.cli "$@"\n')
        program.chmod(0o700)
        environment = {
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "BATCHCOMPUTE_DATA_DIR": str(folder / "data"),
            "TERM": "xterm-256color",
            "COLUMNS": str(WIDTH),
        }
        started = time.monotonic()
        for command in COMMANDS:
            ids = re.findall(r"(job-[0-9A-F]+) failed", re.sub(r"\x1b\[[\d;]*m", "", screen.text()))
            command = command.format(failed=ids[-1]) if "{failed}" in command else command
            screen.write(f"\x1b[1;32m$\x1b[0m {command}\r\n", time.monotonic() - started)
            time.sleep(0.5)  # a reader sees the command before its output
            run(command, screen, folder, environment, started)
            screen.write("\r\n", time.monotonic() - started)
    while not screen.lines[-1]:
        screen.lines.pop()
    return screen


def draw(screen: Screen) -> str:
    """Return the screen as an SVG without references to other files."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(screen.text()), soft_wrap=False)
    style = "\n".join(
        f'[clip-path="url(#terminal-line-{row})"] {{ animation: hidden {at:.2f}s }}'
        for row, at in enumerate(screen.times[: len(screen.lines)])
        if at
    )
    form = FORMAT.replace("{styles}", "{styles}\n" + style.replace("{", "{{").replace("}", "}}"))
    picture = console.export_svg(title="batchcompute", theme=THEME, code_format=form, unique_id="terminal")
    return re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE)


def main() -> int:
    picture = draw(record())
    TARGET.write_text(picture, "utf-8")
    print(TARGET.relative_to(ROOT), len(picture.encode()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
