"""Bubblewrap: mappings at their literal paths, without root (local-service 2.7).

Many machines forbid it (Ubuntu 24.04's AppArmor, most containers), so it is tried once, with all that
is used of it, before anything relies on it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from batchcompute.service.runtime.mappings import Plan

__all__: list[str] = []

_MOST_ENTRIES = 300
"""Entries of a directory that is laid out anew; each is a mount, and they get slower with their number."""

_SHARED = ("/tmp", "/var/tmp")  # noqa: S108 - the directories whose mode is known
STATUS_FD = 3
"""Where bubblewrap writes how the program ended."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What bubblewrap can do on this machine."""

    usable: bool
    """Whether it works here."""
    processes: bool = False
    """Whether it can hide the other processes, which makes ending them exact."""
    reason: str = ""
    """Why it does not work."""

    def described(self) -> str:
        """Return it in words, for the log."""
        if not self.usable:
            return f"mappings below $BATCH_COMPUTE_ROOT: {self.reason}"
        return "mappings at their literal paths, by bubblewrap" + (
            "" if self.processes else ", without process namespaces"
        )


@lru_cache(maxsize=1)
def probe() -> Sandbox:
    """Try bubblewrap."""
    program = shutil.which("bwrap")
    if program is None:
        return Sandbox(False, reason="bubblewrap (bwrap) is not installed")
    reason = ""
    for processes in (True, False):
        arguments = [*_base(program, processes), "--perms", "0755", "--tmpfs", "/tmp", "--chdir", "/", "true"]  # noqa: S108
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=10)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Sandbox(False, reason=f"bubblewrap cannot be used: {error}")
        if done.returncode == 0:
            return Sandbox(True, processes)
        reason = reason or done.stderr.strip()[-300:]
    return Sandbox(False, reason=f"bubblewrap is not allowed here: {reason}")


def _base(program: str, processes: bool, root: Sequence[str] = ("--dev-bind", "/", "/")) -> list[str]:
    arguments = [program, *root, "--die-with-parent"]
    return [*arguments, "--unshare-pid", "--proc", "/proc"] if processes else arguments


class TooManyEntries(OSError):
    """A directory holds too much to be laid out anew."""


def arguments_of(plan: Plan, directory: Path, sandbox: Sandbox) -> list[str]:
    """Return what is put before a command so that it sees its mappings.

    Args:
        plan: What is bound where; all sources exist.
        directory: The working directory.
        sandbox: What bubblewrap can do here.

    Raises:
        TooManyEntries: A directory that has to be laid out anew holds too much.
    """
    binds = [(os.path.realpath(bind.path), bind) for bind in plan.binds]
    binds.sort(key=lambda pair: pair[0].count("/"))
    made: dict[str, Path | None] = {os.path.realpath(path): at for path, at in (plan.parents or {}).items()}
    # Of a path that is a link on this machine, the link is hidden, and not what it leads to.
    hidden = {_in_real_folder(delivery.path) for delivery in plan.deliveries}
    for path, bind in [*binds, *((path, None) for path in list(made))]:
        inside = any(path != other and _below(path, other) for other, _ in binds)
        is_file = bind is not None and not bind.source.is_dir()
        if inside or (os.path.isfile(path) if is_file else os.path.isdir(path)):
            continue
        # A place to mount on has to be made, and not on this machine's own disk: the nearest directory
        # that there is gets laid out anew.
        made.setdefault(_nearest(path), None)
    root = ["--dev-bind", "/", "/"]
    if "/" in made:
        at = made.pop("/")
        root = ["--bind", str(at), "/"] if at else []
        root += [argument for entry in _entries("/", hidden, directory) for argument in entry]
    arguments = _base(shutil.which("bwrap") or "bwrap", sandbox.processes, root)
    for path in sorted(made, key=lambda path: path.count("/")):
        at = made[path]
        arguments += ["--bind", str(at), path] if at else ["--perms", _mode(path), "--tmpfs", path]
        if os.path.isdir(path):
            for entry in _entries(path, hidden, directory):
                arguments += entry
    for path, bind in binds:
        arguments += ["--bind" if bind.write else "--ro-bind", str(bind.source), path]
    return [*arguments, "--chdir", str(directory), "--json-status-fd", str(STATUS_FD)]


def _in_real_folder(path: str) -> str:
    folder, _, name = path.rstrip("/").rpartition("/")
    return os.path.join(os.path.realpath(folder or "/"), name)


def _below(path: str, other: str) -> bool:
    return path.startswith(other.rstrip("/") + "/")


def _nearest(path: str) -> str:
    while not os.path.isdir(path := os.path.dirname(path)):
        pass
    return path


def _mode(path: str) -> str:
    return "1777" if path in _SHARED else "0755"


def _entries(path: str, hidden: set[str], directory: Path) -> Iterator[list[str]]:
    names = os.listdir(path)
    if len(names) > _MOST_ENTRIES and path in _SHARED:
        # A fresh one, as a machine of its own would have; but for where the program runs.
        names = [name for name in names if directory.is_relative_to(os.path.join(path, name))]
    if len(names) > _MOST_ENTRIES:
        raise TooManyEntries(f"{path} holds {len(names)} entries, too many to map something into it")
    for name in sorted(names):
        entry = os.path.join(path, name)
        if entry in hidden:
            continue
        if os.path.islink(entry):
            yield ["--symlink", os.readlink(entry), entry]
        else:
            # "try": what is gone by then is nobody's any more.
            yield ["--dev-bind-try", entry, entry]


def has_run(status: Path) -> bool:
    """Tell from bubblewrap's own report whether the program was run at all."""
    try:
        return any("exit-code" in json.loads(line) for line in status.read_text("utf-8").splitlines())
    except (OSError, ValueError):
        return False
