"""Sandboxes made by bubblewrap, in which mappings are at their literal paths, without root."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

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
"""Messages of bubblewrap on a machine that is short of resources."""

_RETRY = 10.0
"""Seconds after which bubblewrap is tried again if it could not be used."""

_MOST_ARGUMENTS = 8_900
"""Arguments that bubblewrap accepts: three for each variable or mount."""

_REPORT = 65536
"""Bytes of a report of bubblewrap that are read."""


class SandboxSupport(NamedTuple):
    """The support of this machine for sandboxes of bubblewrap."""

    usable: bool
    """Whether bubblewrap works."""
    processes: bool = False
    """Whether bubblewrap supports process namespaces, which end all processes of a sandbox together."""
    reason: str = ""
    """The reason why bubblewrap does not work."""
    program: str = ""
    """Path of bubblewrap."""

    def described(self) -> str:
        """Return a description for the log."""
        if not self.usable:
            return f"mappings below $BATCH_COMPUTE_ROOT: {self.reason}"
        return "mappings at their literal paths, by bubblewrap" + (
            "" if self.processes else ", without process namespaces"
        )


def probe(user: User | None = None) -> SandboxSupport:
    """Return whether bubblewrap works. It is tried once, and after a failure again every ten seconds.

    Many machines forbid it (AppArmor of Ubuntu 24.04, most containers), so it is tried with all features that sandboxes
    use before anything relies on it.

    Args:
        user: The Unix user that programs run as; None for that of the service.

    Raises:
        OSError: The machine is short of resources at this moment, so the answer is unknown.
    """
    with _probing:
        support, until = _probed.get(user, (None, 0.0))
        if support is None or (not support.usable and time.monotonic() >= until):
            support = _try(user)
            _probed[user] = support, time.monotonic() + _RETRY
        return support


_probing = threading.Lock()
_probed: dict[User | None, tuple[SandboxSupport, float]] = {}


def _find_program(name: str) -> str:
    """Return the path of a program that `shutil.which` has not found; empty if it does not exist.

    Raises:
        OSError: The machine is short of resources at this moment. `shutil.which` ignores such errors.
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
    program = shutil.which("bwrap") or _find_program("bwrap")
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
            # Either a disk is full, or the limit for namespaces is 0.
            break
    return SandboxSupport(False, reason=f"bubblewrap is not allowed here: {reason}")


def sandbox_of(
    view: FileSystemView, spec: ProcessSpec, report: RootedFile, sandbox: SandboxSupport
) -> SandboxSpec:
    """Return the sandbox in which a program sees its mappings, and no file of the service.

    Args:
        view: The file system of the program. Its tree must exist.
        spec: The process of the attempt.
        report: File to which bubblewrap writes its report.
        sandbox: How bubblewrap works on this machine.

    Raises:
        TooManyEntries: The mounts and variables are too many for one command.
    """
    arguments = view.arguments(sandbox.processes)
    for name, value in spec.environment.items():
        arguments += ["--setenv", name, value]
    arguments += ["--setenv", TOKEN_VARIABLE, spec.token]
    if len(arguments) > _MOST_ARGUMENTS:
        count, most = len(arguments) // 3, _MOST_ARGUMENTS // 3
        text = f"a sandbox can have about {most} mounts and variables together, and these are about {count}"
        raise TooManyEntries(text)
    return SandboxSpec(sandbox.program, tuple(arguments), report)


def has_run(report: RootedFile) -> bool:
    """Return whether the report of bubblewrap says that the program was run.

    Raises:
        OSError: The report cannot be read at this moment.
    """
    try:
        return any(b'"exit-code"' in line for line in report.read(_REPORT).splitlines())
    except OSError as error:
        if is_transient(error):
            raise
        return False
