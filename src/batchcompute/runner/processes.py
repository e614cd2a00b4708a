"""Finding and ending the processes of an attempt, wherever they have gone.

A process group alone is not enough: a program that daemonises leaves it, and its session, too. It keeps
its environment, which holds the attempt's token.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from batchcompute.runner.os_errors import is_transient

__all__: list[str] = []

_log = logging.getLogger("batchcompute.service.engine")

TOKEN_VARIABLE = "BC_INSTANCE"  # noqa: S105 - the name of a variable
_MARKER = f"{TOKEN_VARIABLE}=".encode()
_PROC = Path("/proc")
HAS_PROC = sys.platform.startswith("linux") and _PROC.is_dir()
"""Whether processes can be found by their environment."""

_NO_REUSE = 0.05
"""Seconds in which the kernel surely does not come round to give a number to a second process."""

_LOOKS = 40
"""Looks, half a millisecond apart, at a process that has no environment yet."""

_ROUNDS = 100
"""Rounds of killing, of at most a tenth of a second each, before a process is given up."""


class Sweeper:
    """Finds the processes of attempts by the token in their environment.

    A process is looked at once; it is told from a later one of the same number by the inode of its
    directory in ``/proc``. So a sweep costs what reading the names of one directory costs, and not a file
    for each process of the machine.

    Args:
        spawning: A lock that is held while this program starts a process.
    """

    def __init__(self, spawning: threading.Lock) -> None:
        self._spawning = spawning
        self._known: dict[str, int] = {}
        """The inode of the directory of each process that has been looked at."""
        self._ours: dict[str, str] = {}
        """The tokens of those that have one."""
        self._looked = 0.0
        self._unsure = False
        """Whether the last look found a process of which it cannot be told yet whose it is."""

    def find(self, wanted: str, skip: str, leaders: Mapping[str, str]) -> list[int]:
        """Return the live processes of an attempt, lowest pid first.

        Args:
            wanted: The attempt.
            skip: A pid that is not looked at: a process that has ended and is not waited for yet.
            leaders: Tokens by the pids of session leaders that have not been waited for.
        """
        return [pid for token, pid in self._look(skip, leaders) if token == wanted]

    def find_all(self, token_prefix: str) -> dict[str, list[int]]:
        """Return the live processes of all attempts whose tokens begin so, by token."""
        found: dict[str, list[int]] = {}
        for token, pid in self._look():
            if token.startswith(token_prefix):
                found.setdefault(token, []).append(pid)
        return found

    def _look(self, skip: str = "", leaders: Mapping[str, str] = {}) -> list[tuple[str, int]]:
        """Return token and pid of every process that has a token, lowest pid first."""
        if not HAS_PROC:
            return []
        with self._spawning:
            return self._scan(skip, leaders)

    def _scan(self, skip: str, leaders: Mapping[str, str]) -> list[tuple[str, int]]:
        now = time.monotonic()
        if now - self._looked > _NO_REUSE:
            self._forget_reused()
        self._looked = now
        self._unsure = False
        there = {name for name in os.listdir(_PROC) if name.isdigit()}  # noqa: PTH208 - names only
        there.discard(skip)
        for name in self._known.keys() - there:
            del self._known[name]
            self._ours.pop(name, None)
        for name in there - self._known.keys():
            # Its session tells more cheaply what it belongs to, and also for an instant in which it is
            # just replacing its program and has no environment to be read.
            token = leaders.get(name) or leaders.get(_session(name)) or _token_of(name)
            if token is None:
                self._unsure = True
            else:
                self._known[name] = _inode(name)
                if token:
                    self._ours[name] = token
        return sorted(((token, int(name)) for name, token in self._ours.items()), key=lambda pair: pair[1])

    def _forget_reused(self) -> None:
        """Forget processes whose number may have gone to another one since the last look."""
        for name, inode in list(self._known.items()):
            if _inode(name) != inode:
                del self._known[name]
                self._ours.pop(name, None)

    def is_gone(self, token: str, leader: int | None, ended: bool, leaders: Mapping[str, str]) -> bool:
        """End the group of an attempt, and return whether it surely has no other processes.

        Args:
            token: The attempt.
            leader: As for `kill`.
            ended: As for `kill`.
            leaders: As for `kill`.
        """
        _end_group(leader)
        return not self.find(token, str(leader) if ended else "", leaders) and not self._unsure

    def kill(
        self, token: str, leader: int | None, ended: bool = False, leaders: Mapping[str, str] = {}
    ) -> None:
        """End every process of an attempt.

        Args:
            token: The attempt.
            leader: Its session's leader, if that has not been waited for yet; a number that may have
                been given to another process since must not be passed.
            ended: Whether the leader itself has ended already.
            leaders: Tokens by the pids of session leaders that have not been waited for.
        """
        skip = str(leader) if ended else ""
        _end_group(leader)
        # A process that forks while it is being ended leaves a child behind, so look until none is
        # left. One that the kernel does not let go of (a dead network drive) must not hold the rest.
        left: list[int] = []
        for _ in range(_ROUNDS):
            left = [pid for pid in self.find(token, skip, leaders) if not _is_zombie(pid)]
            if not left and not self._unsure:
                return
            _end(left)
        _log.warning("processes %s of instance %s could not be ended", left, token)


def _end_group(leader: int | None) -> None:
    if leader is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def _end(pids: list[int]) -> None:
    """Kill processes, and wait for them to be gone, for a tenth of a second at most."""
    poll = select.poll()
    handles: list[int] = []
    for pid in pids:
        try:
            # Through the pidfd, so that the number cannot have gone to another process meanwhile.
            handles.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
        except OSError:
            # No descriptor is left. It was seen with its token just now.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(handles[-1], signal.SIGKILL)
        poll.register(handles[-1], select.POLLIN)
    left = len(handles)
    while left:
        gone = poll.poll(100)
        if not gone:
            break
        for handle, _ in gone:
            poll.unregister(handle)
        left -= len(gone)
    for handle in handles:
        os.close(handle)


def _token_of(pid: str) -> str | None:
    """Return the token in a process's environment; ``""`` where there is none.

    Returns:
        None where it cannot be told, because the process is about to end.

    Raises:
        OSError: The machine has no room to look.
    """
    for _ in range(_LOOKS):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - once for each process
                environment = file.read()
        except PermissionError:
            return ""
        except OSError as error:
            if is_transient(error):
                raise
            # Some kernels refuse where there is no memory to read it from.
            environment = b""
        if environment or _has_none(pid):
            break
        # Kernel threads have none, processes that ended have none any more, and one that is just
        # replacing its program has none for an instant: that one is looked at again.
        if _is_kernel_thread(pid):
            return ""
        if _is_zombie(int(pid)):
            # It has ended, and has none any more; looked at once, as it may stay for long.
            return ""
        time.sleep(0.0005)
    else:
        return None
    start = environment.find(_MARKER)
    while start > 0 and environment[start - 1] != 0:
        start = environment.find(_MARKER, start + 1)
    if start < 0:
        return ""
    return environment[start + len(_MARKER) :].partition(b"\0")[0].decode("utf-8", "replace")


def _has_none(pid: str) -> bool:
    """Return whether a process surely has an empty environment, and is not about to replace its program."""
    fields = _stat(pid)
    return len(fields) > 48 and fields[47] == fields[48] != b"0"


def _inode(pid: str) -> int:
    """Return what tells a process from a later one of its number; 0 for one that is gone."""
    try:
        return os.stat(f"/proc/{pid}").st_ino  # noqa: PTH116 - once for each process
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _session(pid: str) -> str:
    """Return the session of a process; empty if it is gone."""
    stat = _stat(pid)
    return stat[3].decode("ascii") if len(stat) > 3 else ""


def _stat(pid: str) -> list[bytes]:
    try:
        stat = (_PROC / pid / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return [b"X", b"0"]
    return stat.rpartition(b")")[2].split()


def _is_kernel_thread(pid: str) -> bool:
    return pid == "2" or _stat(pid)[1] == b"2"


def _is_zombie(pid: int) -> bool:
    return _stat(str(pid))[0] in (b"Z", b"X")
