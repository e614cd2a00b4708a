"""Starting the processes of attempts, and detecting that they have exited."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from batchcompute.runner.processes import TOKEN_VARIABLE
from batchcompute.runner.rooted import RootedFile
from batchcompute.runner.shim import is_shim, shim_arguments
from batchcompute.runner.spec import ProcessSpec

__all__: list[str] = []

HAS_PIDFD = hasattr(os, "pidfd_open") and sys.platform.startswith("linux")
"""Whether the system has pidfds: descriptors that report that a process has exited."""

# Most variables are the same for all instances, so encoded texts are reused.
_encoded = lru_cache(maxsize=1024)(os.fsencode)


class OutputBlocked(OSError):
    """A file for the output of a program cannot be made."""


def spawn(spec: ProcessSpec, records: int) -> subprocess.Popen[bytes]:
    """Start the shim of an attempt.

    Args:
        spec: The process.
        records: Descriptor of the record file, opened for appending.

    Raises:
        OutputBlocked: A file for its output cannot be made.
        OSError: The process cannot be created.
        ValueError: The command or a variable contains a NUL.
    """
    with ExitStack() as stack:

        def opened(file: RootedFile | None) -> int:
            if file is None:
                return subprocess.DEVNULL
            fd = file.new()
            stack.callback(os.close, fd)
            return fd

        try:
            stdout, stderr = opened(spec.stdout), opened(spec.stderr)
        except OSError as error:
            raise OutputBlocked(error.errno, error.strerror, error.filename) from error
        if spec.user is not None:
            for fd in (stdout, stderr):
                if fd >= 0:
                    # Some programs open /dev/stdout by its name.
                    os.fchown(fd, spec.user.uid, spec.user.gid)
        environment = {**spec.environment, TOKEN_VARIABLE: spec.token}
        wrapper, inherited = list(spec.wrapper), list[int]()
        if spec.sandbox is not None:
            arguments = os.memfd_create("arguments")
            stack.callback(os.close, arguments)
            os.write(arguments, b"".join(_encoded(text) + b"\0" for text in spec.sandbox.arguments))
            os.lseek(arguments, 0, os.SEEK_SET)
            report = opened(spec.sandbox.report)
            inherited = [arguments, report]
            wrapper = [spec.sandbox.program, "--args", str(arguments), "--json-status-fd", str(report), "--"]
            # The variables of the job are for its program, and not for the sandbox and the shim outside of it.
            environment = {"PATH": os.defpath, TOKEN_VARIABLE: spec.token}
        user = spec.user
        return subprocess.Popen(
            shim_arguments(spec.command, wrapper, spec.max_file_size),
            cwd=spec.directory,
            env={_encoded(name): _encoded(value) for name, value in environment.items()},
            # The standard input of the shim is the record file; the program gets another one.
            stdin=records,
            stdout=stdout,
            stderr=stderr,
            pass_fds=inherited,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=user.groups if user else None,
            # A session of its own, so that the whole process group can be killed. Never preexec_fn: it disables vfork,
            # and 2,770 starts a second become 894.
            start_new_session=True,
        )


def wait_for(process: subprocess.Popen[bytes]) -> int | None:
    """Return the exit code of a process that has exited; None if other code has waited for it."""
    if process.returncode is None:
        try:
            _, status = os.waitpid(process.pid, 0)
        except ChildProcessError:
            # Popen itself returns 0 here: if this program ignored SIGCHLD, every exit would be a success.
            process.returncode = 0
            return None
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has exited, without waiting for it."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def pidfd_of(pid: int, must: bool = False) -> int:
    """Return a pidfd; -1 if the process has exited, or none can be opened.

    Args:
        pid: The process.
        must: Whether to raise errors that do not say that the process has exited.

    Raises:
        OSError: No pidfd can be opened, and `must` is set.
    """
    if not HAS_PIDFD:
        return -1
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return -1
    except OSError:
        if must:
            raise
        return -1


def is_shim_process(pid: int) -> bool:
    """Return whether a process is the shim of an attempt, and not a program that it started."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        return os.getsid(pid) == pid and is_shim(arguments)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
