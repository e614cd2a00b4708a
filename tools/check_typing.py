"""Checks the public types: every type checker must accept and reject the same lines."""

# The samples in ``tests/typing`` mark the lines that must be rejected with ``# expect-error``. The checkers are mypy in
# strict mode, the same with the pydantic plugin, and pyright in strict mode. The last check is ``pyright --verifytypes``
# on an installed copy of the package, where every public symbol must have a known type.

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tests" / "typing"
Lines = set[tuple[str, int]]


def expected() -> Lines:
    found: Lines = set()
    for path in SAMPLES.glob("*.py"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line.endswith("# expect-error"):
                found.add((path.name, number))
    return found


def mypy(plugin: bool) -> Lines:
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "mypy.ini"
        plugins = "plugins = pydantic.mypy\n" if plugin else ""
        settings.write_text(f"[mypy]\nstrict = True\n{plugins}", "utf-8")
        command = [
            sys.executable, "-m", "mypy", "--config-file", str(settings), "--cache-dir", folder,
            "--no-error-summary", "--hide-error-context", *map(str, sorted(SAMPLES.glob("*.py"))),
        ]  # fmt: skip
        output = subprocess.run(command, capture_output=True, text=True, cwd=folder).stdout
    lines = re.findall(r"^(.+?):(\d+):(?:\d+:)? error", output, re.MULTILINE)
    return {(Path(name).name, int(number)) for name, number in lines}


def pyright() -> Lines:
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "pyrightconfig.json"
        settings.write_text('{"typeCheckingMode": "strict"}', "utf-8")
        for sample in SAMPLES.glob("*.py"):
            shutil.copy(sample, folder)
        command = [
            sys.executable,
            "-m",
            "pyright",
            "--pythonpath",
            sys.executable,
            "--outputjson",
            "-p",
            folder,
        ]
        output = subprocess.run(command, capture_output=True, text=True).stdout
    report = json.loads(output)
    return {
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1)
        for item in report["generalDiagnostics"]
        if item["severity"] == "error"
    }


def completeness() -> tuple[float, str]:
    """Install the package, and return the completeness of its public types as pyright reports it."""
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        site = next(iter(venv.glob("lib/python*/site-packages")), venv / "Lib" / "site-packages")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(ROOT)],
            check=True,
        )
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
        python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        command = [
            sys.executable,
            "-m",
            "pyright",
            "--verifytypes",
            "batchcompute",
            "--ignoreexternal",
            "--outputjson",
        ]
        # With --verifytypes, pyright ignores --pythonpath and uses the first python on the path.
        environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        output = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment).stdout
    report = json.loads(output)["typeCompleteness"]
    worst = [
        f"{symbol['name']}: {symbol['diagnostics'][0]['message'] if symbol['diagnostics'] else 'unknown type'}"
        for symbol in report["symbols"]
        if symbol["isExported"] and not symbol["isTypeKnown"]
    ]
    return report["completenessScore"], "\n  ".join(worst[:40])


def main() -> int:
    wanted = expected()
    failed = not wanted
    checkers: dict[str, Callable[[], Lines]] = {
        "mypy --strict": lambda: mypy(False),
        "mypy --strict with pydantic's plugin": lambda: mypy(True),
        "pyright strict": pyright,
    }
    for name, check in checkers.items():
        found = check()
        for file, line in sorted(found - wanted):
            print(f"{name}: tests/typing/{file}:{line} is rejected, but should pass")
        for file, line in sorted(wanted - found):
            print(f"{name}: tests/typing/{file}:{line} passes, but should be rejected")
        failed |= found != wanted
        print(f"{name}: {len(found)} lines rejected, {len(wanted)} expected")
    score, worst = completeness()
    print(f"pyright --verifytypes: {100 * score:g} % of the public symbols have a known type")
    if score < 1:
        print(f"  {worst}")
        failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
