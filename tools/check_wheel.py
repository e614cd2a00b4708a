"""Builds the wheel, installs it into a clean environment, and tries what the README promises with nothing else there."""

#     python tools/check_wheel.py              # builds with pip, which needs the build backend
#     python tools/check_wheel.py FILE.whl     # checks a wheel that exists
#     python tools/check_wheel.py --types      # pyright --verifytypes, too; pyright must be installed here

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (
    "batchcompute/py.typed",
    "batchcompute/resources/job.pyi",
    "batchcompute/service/openapi.json",
    "batchcompute/service/web/static/",
)


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command outside of the checkout, and return its output.

    Raises:
        SystemExit: It failed.
    """
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout


def extras() -> list[str]:
    """Return the extras for users."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [name for name in project["optional-dependencies"] if name not in ("dev", "docs", "interop")]


def check_contents(wheel: Path) -> None:
    """Compare the files of a wheel with the package."""
    names = zipfile.ZipFile(wheel).namelist()
    for needed in NEEDED:
        if not any(name.startswith(needed) for name in names):
            sys.exit(f"{wheel.name} has no {needed}")
    strangers = [name for name in names if not name.startswith(("batchcompute/", "openbatchcompute-"))]
    tracked = run("git", "ls-files", "src/batchcompute", cwd=ROOT).splitlines()
    missing = {name.removeprefix("src/") for name in tracked} - set(names)
    if strangers or missing:
        sys.exit(f"{wheel.name}: files that do not belong there: {strangers}; missing: {sorted(missing)}")
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size // 1024} KiB")


def check_types(python: Path, folder: Path) -> None:
    """Ask pyright whether every public symbol has a known type."""
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--verifytypes",
        "batchcompute",
        "--ignoreexternal",
        "--outputjson",
    ]
    # With --verifytypes, pyright uses the first python on the path.
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        sys.exit(f"pyright --verifytypes gave no report: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    if report["completenessScore"] != 1:
        unknown = [
            entry["name"] for entry in report["symbols"] if entry["isExported"] and not entry["isTypeKnown"]
        ]
        sys.exit(f"types are complete to {report['completenessScore']:.2%}; unknown: {unknown[:20]}")
    print(f"types: {report['exportedSymbolCounts']['withKnownType']} public symbols, all of them known")


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="batchcompute-wheel-") as name:
        folder = Path(name)
        wheels = [Path(argument).resolve() for argument in arguments if argument.endswith(".whl")]
        if not wheels:
            run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, cwd=folder)
            wheels = [*folder.glob("*.whl")]
        wheel = wheels[0]
        check_contents(wheel)

        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        python = programs / "python"
        install = (python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt")
        run(*install, wheel, cwd=folder)
        print(
            run(
                python,
                "-c",
                "import batchcompute; print('batchcompute', batchcompute.__version__)",
                cwd=folder,
            ),
            end="",
        )
        if sys.platform != "win32":  # The service does not run there.
            shutil.copy(ROOT / "examples" / "quickstart.py", folder)
            print(run(python, "-W", "error", "quickstart.py", cwd=folder), end="")
            run(*install, f"{wheel}[cli,serve]", cwd=folder)
            here = {
                "PATH": "/usr/bin:/bin",
                "HOME": str(folder),
                "BATCHCOMPUTE_DATA_DIR": str(folder / "data"),
            }
            command = (programs / "batchcompute", "run", "--command", "echo hello")
            output = run(*command, cwd=folder, environment=here)
            if "\nhello\n" not in output:
                sys.exit(f"batchcompute run printed {output!r}")
            print(output, end="")
        if "--types" in arguments:
            run(*install, f"{wheel}[{','.join(extras())}]", cwd=folder)
            check_types(python, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
