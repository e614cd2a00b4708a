"""Bubblewrap: mappings at their literal paths, without root.

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
from dataclasses import dataclass
from pathlib import Path

from batchcompute.runner.file_system_view import FileSystemView, TooManyEntries, base
from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.processes import TOKEN_VARIABLE
from batchcompute.runner.rooted import RootedFile
from batchcompute.runner.spec import ProcessSpec, SandboxSpec, User

__all__: list[str] = []

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
"""Arguments that bubblewrap takes, three for each variable or mount."""

_REPORT = 65536
"""Bytes of bubblewrap's report that are read."""


@dataclass(frozen=True, slots=True)
class SandboxSupport:
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


def probe(user: User | None = None) -> SandboxSupport:
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
_probed: dict[User | None, tuple[SandboxSupport, float]] = {}


def _look_again(name: str) -> str:
    """Return the path of a program that was not found; empty if it is not there.

    Raises:
        OSError: The machine cannot tell at this moment; `shutil.which` takes that for an answer.
    """
    for folder in os.get_exec_path():
        path = Path(folder, name)
        try:
            path.stat()
        except OSError as error:
            if is_transient(error):
                raise
        else:
            if os.access(path, os.X_OK):
                return str(path)
    return ""


def _try(user: User | None) -> SandboxSupport:
    program = shutil.which("bwrap") or _look_again("bwrap")
    if not program:
        return SandboxSupport(False, reason="bubblewrap (bwrap) is not installed")
    reason = ""
    for processes in (True, False):
        arguments = [program, *base(processes), "--perms", "0755", "--tmpfs", "/tmp", "--chdir", "/", "true"]  # noqa: S108
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
            return SandboxSupport(False, reason=f"bubblewrap cannot be used: {error}")
        if done.returncode == 0:
            return SandboxSupport(True, processes, program=program)
        reason = reason or done.stderr.strip()[-300:]
        if any(text in done.stderr for text in NO_ROOM[:-1]):
            raise OSError(errno.EAGAIN, f"bubblewrap could not be tried: {reason}")
        if NO_ROOM[-1] in done.stderr:
            # Either a disk is full, or namespaces are switched off by their number.
            break
    return SandboxSupport(False, reason=f"bubblewrap is not allowed here: {reason}")


def sandbox_of(
    view: FileSystemView, spec: ProcessSpec, report: RootedFile, sandbox: SandboxSupport
) -> SandboxSpec:
    """Return the sandbox in which a program sees its mappings, and nothing of the service.

    Args:
        view: The file system as it sees it; all of it that is the attempt's own exists.
        spec: The process of the attempt.
        report: File that the sandbox reports to.
        sandbox: What bubblewrap can do here.

    Raises:
        TooManyEntries: There are too many mounts and variables.
    """
    arguments = view.arguments(sandbox.processes)
    for name, value in spec.environment.items():
        arguments += ["--setenv", name, value]
    arguments += ["--setenv", TOKEN_VARIABLE, spec.token]
    if len(arguments) > _MOST_ARGUMENTS:
        count, most = len(arguments) // 3, _MOST_ARGUMENTS // 3
        text = f"a sandbox takes about {most} mounts and variables together, and these are about {count}"
        raise TooManyEntries(text)
    return SandboxSpec(sandbox.program, tuple(arguments), report)


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
