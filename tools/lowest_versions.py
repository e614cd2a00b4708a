"""Prints the lowest version of each direct dependency that pyproject.toml allows, as constraints for pip."""

#     python tools/lowest_versions.py serve cli > lowest.txt    # the core, and two extras

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?>=([0-9.]+),<")


def lowest(extras: Sequence[str]) -> Iterator[str]:
    """Yield a line for each dependency of the package and of some extras.

    Raises:
        SystemExit: There is no such extra, or a dependency has no lower bound.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    for extra in extras:
        if extra not in optional:
            sys.exit(f"there is no extra {extra!r}; the extras are {', '.join(optional)}")
    lists = [project["dependencies"], *(optional[extra] for extra in extras)]
    for requirement in dict.fromkeys(line for lines in lists for line in lines):
        match = _REQUIREMENT.match(requirement)
        if match is None:
            sys.exit(f"{requirement!r} has no lower bound, or no upper one")
        yield f"{match[1]}=={match[2]}"


if __name__ == "__main__":
    print(*lowest(sys.argv[1:]), sep="\n")
