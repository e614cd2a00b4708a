"""Bubblewrap: mappings at their literal paths, without root (local-service 2.7).

Many machines forbid it (Ubuntu 24.04's AppArmor, most containers), so it is tried once, with all that
is used of it, before anything relies on it.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchcompute.service.confined import RootedFile, is_transient
from batchcompute.service.engines.base import Box, InstanceStart, User
from batchcompute.service.engines.processes import TOKEN_VARIABLE
from batchcompute.service.runtime.mappings import Plan

__all__: list[str] = []

_MOST_ENTRIES = 300
"""Entries of a directory that is laid out anew; each is a mount, and they get slower with their number."""

_SHARED = ("/tmp", "/var/tmp")  # noqa: S108 - the directories whose mode is known
_OWN = ("/tmp", "/var/tmp", "/run")  # noqa: S108 - what programs of other owners leave is not seen
"""Directories that programs share with everybody, and have to themselves where owners are kept apart."""

_NEEDED = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager")
"""What names of hosts are looked up with."""

NO_ROOM = (
    "Resource temporarily unavailable",
    "Cannot allocate memory",
    "Too many open files",
    "No space left",
)
"""What bubblewrap says where the machine has no room for it."""

_RETRY = 10.0
"""Seconds after which a sandbox that cannot be used is tried again."""

_MOST_ARGUMENTS = 8_900
"""Arguments that bubblewrap takes, three for each variable."""

_READ_ONLY = ("asound", "bus", "fs", "irq", "sys", "sysrq-trigger")
_MASKED = ("acpi", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi")
"""Parts of ``/proc`` through which root, even without capabilities, could change or read the whole machine."""

_REPORT = 65536
"""Bytes of bubblewrap's report that are read."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What bubblewrap can do on this machine."""

    usable: bool
    """Whether it works here."""
    processes: bool = False
    """Whether it can hide the other processes, which makes ending them exact."""
    reason: str = ""
    """Why it does not work."""
    program: str = ""
    """Path of bubblewrap."""

    def described(self) -> str:
        """Return it in words, for the log."""
        if not self.usable:
            return f"mappings below $BATCH_COMPUTE_ROOT: {self.reason}"
        return "mappings at their literal paths, by bubblewrap" + (
            "" if self.processes else ", without process namespaces"
        )


def probe(user: User | None = None) -> Sandbox:
    """Return what bubblewrap can do, tried once; what does not work is tried again after a while.

    Args:
        user: The Unix user that programs run as; None for that of the service.

    Raises:
        OSError: The machine has no room for a process at this moment, so that nothing is known.
    """
    with _probing:
        found, until = _probed.get(user, (None, 0.0))
        if found is None or (not found.usable and time.monotonic() >= until):
            found = _try(user)
            _probed[user] = found, time.monotonic() + _RETRY
        return found


_probing = threading.Lock()
_probed: dict[User | None, tuple[Sandbox, float]] = {}


def _try(user: User | None) -> Sandbox:
    program = shutil.which("bwrap")
    if program is None:
        return Sandbox(False, reason="bubblewrap (bwrap) is not installed")
    reason = ""
    for processes in (True, False):
        arguments = [program, *_base(processes), "--perms", "0755", "--tmpfs", "/tmp", "--chdir", "/", "true"]  # noqa: S108
        try:
            done = subprocess.run(
                arguments,
                capture_output=True,
                text=True,
                check=False,
                timeout=10,
                cwd="/",
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=user.groups if user else None,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            if is_transient(error):
                raise
            return Sandbox(False, reason=f"bubblewrap cannot be used: {error}")
        if done.returncode == 0:
            return Sandbox(True, processes, program=program)
        reason = reason or done.stderr.strip()[-300:]
        if any(text in done.stderr for text in NO_ROOM[:-1]):
            raise OSError(errno.EAGAIN, f"bubblewrap could not be tried: {reason}")
        if NO_ROOM[-1] in done.stderr:
            # Either a disk is full, or namespaces are switched off by their number.
            break
    return Sandbox(False, reason=f"bubblewrap is not allowed here: {reason}")


def _base(processes: bool, root: Sequence[str] = ("--dev-bind", "/", "/")) -> list[str]:
    arguments = [*root, "--die-with-parent"]
    return [*arguments, "--unshare-pid", "--proc", "/proc"] if processes else arguments


class TooManyEntries(OSError):
    """A directory, or an environment, holds too much for a sandbox."""


def box_of(
    plan: Plan,
    start: InstanceStart,
    report: RootedFile,
    sandbox: Sandbox,
    hidden: Iterable[Path],
    strict: bool,
) -> Box:
    """Return the sandbox in which a program sees its mappings, and nothing of the service.

    Args:
        plan: What is bound where; all sources exist.
        start: The attempt.
        report: File that the sandbox reports to.
        sandbox: What bubblewrap can do here.
        hidden: Directories that the program does not see, but for its own.
        strict: Whether the machine itself cannot be written to, and shared directories are the program's own.

    Raises:
        TooManyEntries: A directory that has to be laid out anew holds too much.
    """
    arguments = _View(plan, start.directory, [os.path.realpath(path) for path in hidden], strict).arguments(
        sandbox
    )
    for name, value in start.environment.items():
        arguments += ["--setenv", name, value]
    arguments += ["--setenv", TOKEN_VARIABLE, start.token]
    if len(arguments) > _MOST_ARGUMENTS:
        raise TooManyEntries(f"{len(start.environment)} variables are too many for a sandbox")
    return Box(sandbox.program, tuple(arguments), report)


class _View:
    """The file system as one program sees it."""

    def __init__(self, plan: Plan, directory: Path, hidden: Sequence[str], strict: bool) -> None:
        self._directory = directory
        self._strict = strict
        self._binds = [(os.path.realpath(bind.path), bind) for bind in plan.binds]
        self._binds.sort(key=lambda pair: pair[0].count("/"))
        self._parents: dict[str, Path] = {
            os.path.realpath(path): at for path, at in (plan.parents or {}).items()
        }
        # Directories that are empty for the program.
        self._empty = sorted({*hidden, *(_OWN if strict else ())}, key=lambda path: path.count("/"))
        # Of a path that is a link on this machine, the link is hidden, and not what it leads to.
        self._hidden = {_in_real_folder(delivery.path) for delivery in plan.deliveries}

    def arguments(self, sandbox: Sandbox) -> list[str]:
        made = self._made()
        entries = "--ro-bind-try" if self._strict else "--dev-bind-try"
        root = ["--ro-bind" if self._strict else "--dev-bind", "/", "/"]
        if "/" in made:
            at = made.pop("/")
            root = ["--bind", str(at), "/"] if at else []
            root += [argument for entry in self._entries("/", entries) for argument in entry]
        arguments = _base(sandbox.processes, root)
        if self._strict:
            arguments += ["--dev", "/dev", "--unshare-ipc", "--cap-drop", "ALL"]
            arguments += [
                text for name in _READ_ONLY for text in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")
            ]
            for name in _MASKED:
                if os.path.isdir(f"/proc/{name}"):
                    arguments += ["--perms", "0500", "--tmpfs", f"/proc/{name}"]
                elif os.path.exists(f"/proc/{name}"):
                    arguments += ["--ro-bind", "/dev/null", f"/proc/{name}"]
        elif os.geteuid() == 0:
            # With it, a program could lift what hides the service.
            arguments += ["--cap-drop", "CAP_SYS_ADMIN", "--cap-drop", "CAP_SYS_PTRACE"]
        # The outer ones first, of both kinds: what is laid out inside of an empty directory must be seen in it.
        empty = [path for path in self._empty if path not in made]
        for path in sorted([*made, *empty], key=lambda path: path.count("/")):
            if path in empty:
                arguments += self._emptied(path)
                continue
            at = made[path]
            arguments += ["--bind", str(at), path] if at else ["--perms", _mode(path), "--tmpfs", path]
            if os.path.isdir(path) and not self._is_empty(path):
                for entry in self._entries(path, entries):
                    arguments += entry
        for path in self._kept():
            arguments += ["--ro-bind-try", path, path]
        arguments += ["--bind", str(self._directory), str(self._directory)]
        for path, bind in self._binds:
            arguments += ["--bind" if bind.write else "--ro-bind", str(bind.source), path]
        return [*arguments, "--chdir", str(self._directory)]

    @staticmethod
    def _emptied(path: str) -> list[str]:
        if os.path.isdir(path):
            return ["--perms", _mode(path), "--tmpfs", path]
        return ["--ro-bind", "/dev/null", path] if os.path.exists(path) else []

    def _kept(self) -> Iterator[str]:
        """Yield what programs need of a directory that is empty for them."""
        for path in _NEEDED if self._strict else ():
            if self._is_empty(path) and os.path.exists(path):
                yield path

    def _is_empty(self, path: str) -> bool:
        return any(path == other or _below(path, other) for other in self._empty)

    def _made(self) -> dict[str, Path | None]:
        """Return the directories that are laid out anew, and what takes their place; None for nothing yet.

        A place to mount on has to be made, and not on this machine's own disk: the nearest directory that there is
        gets laid out anew.
        """
        made: dict[str, Path | None] = dict(self._parents)
        for path, bind in [*self._binds, *((path, None) for path in list(made))]:
            inside = any(path != other and _below(path, other) for other, _ in self._binds)
            is_file = bind is not None and not bind.source.is_dir()
            there = os.path.isfile(path) if is_file else os.path.isdir(path)
            if inside or (there and not self._is_empty(path)):
                continue
            nearest = _nearest(path)
            # In a directory that is empty for the program, anything can be made.
            if not self._is_empty(nearest):
                made.setdefault(nearest, None)
        return made

    def _entries(self, path: str, bind: str) -> Iterator[list[str]]:
        names = os.listdir(path)
        if len(names) > _MOST_ENTRIES and path in _SHARED:
            # A fresh one, as a machine of its own would have; but for where the program runs.
            names = [name for name in names if self._directory.is_relative_to(os.path.join(path, name))]
        if len(names) > _MOST_ENTRIES:
            raise TooManyEntries(f"{path} holds {len(names)} entries, too many to map something into it")
        for name in sorted(names):
            entry = os.path.join(path, name)
            if entry in self._hidden:
                continue
            if os.path.islink(entry):
                yield ["--symlink", os.readlink(entry), entry]
            else:
                # "try": what is gone by then is nobody's any more.
                yield [bind, entry, entry]


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


def has_run(report: RootedFile) -> bool:
    """Return whether bubblewrap's own report says that the program was run.

    Raises:
        OSError: It cannot be read at this moment.
    """
    try:
        return any(b'"exit-code"' in line for line in report.read(_REPORT).splitlines())
    except OSError as error:
        if is_transient(error):
            raise
        return False
