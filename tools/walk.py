"""Count the files and functions that a call of a client crosses, in the client and in the service."""

# Run it in the project's directory:
#
#     python tools/walk.py                  # create_job
#     python tools/walk.py get_job --files  # another call, and each file with its functions

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent / "src" / "batchcompute"
sys.path.insert(0, str(SOURCE.parent))

JOB = {
    "Name": "walk",
    "Type": "DAG",
    "DAG": {
        "Tasks": {
            "echo": {
                "Parameters": {"Command": {"CommandLine": "true"}},
                "AutoCluster": {"InstanceType": "ecs.s3.large"},
            }
        }
    },
}


@dataclass
class Walk:
    """The files and functions of the package that a call crosses."""

    calls: Counter[str] = field(default_factory=Counter[str])
    """For each file, the number of calls of its functions."""
    functions: set[tuple[str, str, int]] = field(default_factory=set[tuple[str, str, int]])
    """Each function that ran, with its file, name and first line."""
    switches: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """For each pair of files, the number of calls from a function of the first to one of the second."""

    @property
    def rooms(self) -> Counter[str]:
        """The number of calls between files of each room."""
        found: Counter[str] = Counter()
        for (caller, callee), count in self.switches.items():
            room = callee.partition("/")[0]
            if caller.partition("/")[0] == room:
                found[room] += count
        return found


def follow(action: Callable[[], Any]) -> Walk:
    """Return the files and functions that an action crosses in the calling thread."""
    walk = Walk()
    files: dict[str, str] = {}

    def file_of(frame: FrameType | None) -> str:
        while frame is not None:
            name = frame.f_code.co_filename
            if name not in files:
                path = Path(name)
                files[name] = str(path.relative_to(SOURCE)) if path.is_relative_to(SOURCE) else ""
            if files[name]:
                return files[name]
            frame = frame.f_back
        return ""

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event != "call":
            return
        file = file_of(frame)
        code = frame.f_code
        if code.co_filename not in files or not files[code.co_filename]:
            return
        walk.calls[file] += 1
        walk.functions.add((file, code.co_qualname, code.co_firstlineno))
        caller = file_of(frame.f_back)
        if caller and caller != file:
            walk.switches[caller, file] += 1

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return walk


def walk_of(call: str) -> Walk:
    """Return the files and functions that a call of a client crosses, with the service in this process.

    The call runs twice before, because its first run imports modules and builds models.

    Args:
        call: ``create_job``, or a method that takes the id of a job.
    """
    from batchcompute.resources import JobDescription
    from batchcompute.service import LocalService

    with tempfile.TemporaryDirectory() as folder, LocalService(folder) as service, service.client() as client:

        def action() -> Any:
            return client.create_job(JobDescription(JOB))

        job = action()
        if call != "create_job":

            def action() -> Any:
                return getattr(client, call)(job.id)

        action()
        return follow(action)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "call", nargs="?", default="create_job", help="a method of the client that takes a job's id"
    )
    parser.add_argument("--files", action="store_true", help="print each file with its functions' calls")
    arguments = parser.parse_args()
    walk = walk_of(arguments.call)
    print(
        f"{arguments.call}: {len(walk.calls)} files, {len(walk.functions)} functions, "
        f"{walk.calls.total()} calls, {walk.switches.total()} between files"
    )
    for room, count in walk.rooms.most_common():
        print(f"  {count} between files of {room}")
    if arguments.files:
        for file, count in sorted(walk.calls.items()):
            names = sorted(name for path, name, _ in walk.functions if path == file)
            print(f"{count:5} {file}: {', '.join(names)}")


if __name__ == "__main__":
    main()
